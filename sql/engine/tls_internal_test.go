package engine

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificates are an authority and a server certificate that it signed.
func certificates(t *testing.T, host string, until time.Time) (roots string, server tls.Certificate) {
	t.Helper()
	caKey, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: until.AddDate(-1, 0, 0),
		NotAfter: time.Now().AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{host}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	roots = filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o600); err != nil {
		t.Fatal(err)
	}
	return roots, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// O-8: what the options of a URL accept of a server's certificate.
func TestTLS(t *testing.T) {
	t.Parallel()
	later, past := time.Now().AddDate(0, 1, 0), time.Now().AddDate(0, -1, 0)
	tests := []struct {
		name   string
		host   string // in the certificate
		until  time.Time
		mode   string
		roots  bool // sslrootcert names the authority
		accept bool
	}{
		{"right name", "db-sf", later, "verify-full", true, true},
		{"wrong name", "db-chi", later, "verify-full", true, false},
		{"wrong name does not matter", "db-chi", later, "verify-ca", true, true},
		{"expired, full", "db-sf", past, "verify-full", true, false},
		{"expired, authority", "db-sf", past, "verify-ca", true, false},
		{"unknown authority, full", "db-sf", later, "verify-full", false, false},
		{"unknown authority", "db-sf", later, "verify-ca", false, false},
		{"nothing is checked", "db-chi", past, "require", false, true},
		{"roots make require check", "db-chi", past, "require", true, false},
		{"prefer checks nothing", "db-chi", past, "prefer", false, true},
	}
	for _, test := range tests {
		roots, cert := certificates(t, test.host, test.until)
		query := url.Values{"sslmode": {test.mode}}
		if test.roots {
			query.Set("sslrootcert", roots)
		}
		for _, scheme := range []string{"postgres", "mariadb", "mysql"} {
			u := &url.URL{Scheme: scheme, User: url.User("u"), Host: "db-sf:1", Path: "/d", RawQuery: query.Encode()}
			secure, err := TLSFor(u, Config{})
			if err != nil {
				t.Fatal(err)
			}
			if secure.Plaintext != (test.mode == "prefer") {
				t.Errorf("%s: got plaintext %v", test.name, secure.Plaintext)
			}
			client, server := net.Pipe()
			done := make(chan error, 1)
			go func() { done <- tls.Server(server, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake() }()
			err = tls.Client(client, secure.Config).Handshake()
			_ = client.Close()
			_ = server.Close()
			<-done
			if (err == nil) != test.accept {
				t.Errorf("%s: got %v, want accepted %v", test.name, err, test.accept)
			}
			if err != nil && !isTLS(err) {
				t.Errorf("%s: %v does not count as an error of TLS", test.name, err)
			}
		}
	}
}

func TestTLSDefaults(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]bool{"mysql://u@127.0.0.1/d": false, "mysql://u@/d?socket=/s": false, "postgres://u@localhost/d": false, "mysql://u@db-sf/d": true} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		secure, err := TLSFor(u, Config{})
		if err != nil || (secure.Config != nil) != want || secure.Plaintext != want {
			t.Errorf("%s: got %+v, %v", raw, secure, err)
		}
	}
	u, _ := url.Parse("mysql://u@db-sf/d?sslmode=disable")
	if secure, err := TLSFor(u, Config{TLS: &tls.Config{MinVersion: tls.VersionTLS13}}); err != nil || secure.Config.ServerName != "db-sf" || secure.Plaintext {
		t.Errorf("got %+v, %v, want the given settings for the URL's host", secure, err)
	}
}
