package engine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
)

// tlsOptions are the options of a URL that say how the connection is protected. They mean the same for
// PostgreSQL and the MySQL family.
var tlsOptions = []string{"sslmode", "sslrootcert", "sslcert", "sslkey"}

// TLS is what a connection does about TLS.
type TLS struct {
	Config *tls.Config // nil = none
	// Plaintext: go on without TLS where the server has none (sslmode prefer).
	Plaintext bool
}

// TLSFor builds the TLS settings of every connection to one server (O-8), those of log readers too,
// from the options of its URL; Config.TLS overrides them. sslmode is
//
//	disable      no TLS; the default over loopback and sockets
//	prefer       TLS where the server has it, unverified; the default elsewhere
//	require      TLS, unverified; with sslrootcert it is verify-ca, as in PostgreSQL's own client
//	verify-ca    TLS, and the certificate is signed by sslrootcert, or by an authority the machine trusts
//	verify-full  verify-ca, and the certificate is for the URL's host
//
// sslcert and sslkey are the files of a client certificate. Errors are about the options or the files.
func TLSFor(u *url.URL, c Config) (TLS, error) {
	if c.TLS != nil {
		config := c.TLS.Clone()
		if config.ServerName == "" {
			config.ServerName = u.Hostname()
		}
		return TLS{Config: config}, nil
	}
	query := u.Query()
	mode := query.Get("sslmode")
	if mode == "" {
		mode = "prefer"
		if local(u) {
			mode = "disable"
		}
	}
	if mode == "disable" {
		return TLS{}, nil
	}
	roots, err := rootsFrom(query.Get("sslrootcert"))
	if err != nil {
		return TLS{}, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: u.Hostname(), RootCAs: roots}
	if cert, key := query.Get("sslcert"), query.Get("sslkey"); cert != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return TLS{}, fmt.Errorf("sslcert and sslkey: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	switch {
	case mode == "verify-full":
	case mode == "verify-ca", mode == "require" && roots != nil:
		config.InsecureSkipVerify = true // the host name only: the chain is checked here
		config.VerifyConnection = verifyChain(roots)
	case mode == "require":
		config.InsecureSkipVerify = true
	case mode == "prefer":
		config.InsecureSkipVerify = true
		return TLS{Config: config, Plaintext: true}, nil
	default:
		return TLS{}, errors.New("sslmode is none of disable, prefer, require, verify-ca, verify-full")
	}
	return TLS{Config: config}, nil
}

// local reports a URL whose connection does not leave the machine.
func local(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "" || host == "localhost" || ip != nil && ip.IsLoopback()
}

func rootsFrom(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("sslrootcert: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("sslrootcert: no certificate in %s", file)
	}
	return roots, nil
}

// verifyChain checks who signed the certificate, but not whose it is.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("TLS: the server sent no certificate")
		}
		between := x509.NewCertPool()
		for _, cert := range state.PeerCertificates[1:] {
			between.AddCert(cert)
		}
		_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
		return err
	}
}
