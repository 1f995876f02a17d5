package wire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ardso/integration/dbtest"
)

// authority is a CA that lives as long as a test. Its keys are RSA and its signatures SHA-256: all servers know
// these.
type authority struct {
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newAuthority(t testing.TB, name string) authority {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	return authority{cert: signed(t, template, template, &key.PublicKey, key), key: key}
}

func signed(t testing.TB, template, parent *x509.Certificate, public, signer any) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// issue makes a certificate for 127.0.0.1 and the name db.example, that ends at a time.
func (a authority) issue(t testing.TB, name string, end time.Time) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	cert := signed(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: end,
		DNSNames: []string{"db.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}, a.cert, &key.PublicKey, a.key)
	return tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key, Leaf: cert}
}

// settings writes the files of a server and returns the settings that name them. The key is in the form that
// MySQL 5.6 reads, and each file for the account that the server runs as.
func (a authority) settings(t testing.TB, server tls.Certificate) []string {
	t.Helper()
	dir, err := os.MkdirTemp("", "ardso-tls")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	key := x509.MarshalPKCS1PrivateKey(server.PrivateKey.(*rsa.PrivateKey))
	var settings []string
	for option, block := range map[string]*pem.Block{
		"ssl-ca":   {Type: "CERTIFICATE", Bytes: a.cert.Raw},
		"ssl-cert": {Type: "CERTIFICATE", Bytes: server.Certificate[0]},
		"ssl-key":  {Type: "RSA PRIVATE KEY", Bytes: key},
	} {
		path := filepath.Join(dir, option)
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o644); err != nil {
			t.Fatal(err)
		}
		settings = append(settings, option+"="+path)
	}
	return settings
}

// oldTLS lets a configuration do with MySQL 5.6, which knows TLS 1.0 and key exchange by RSA only.
func oldTLS(c *tls.Config) {
	c.MinVersion = tls.VersionTLS10
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		c.CipherSuites = append(c.CipherSuites, suite.ID)
	}
}

// tlsServer is a server with a certificate of ca, and how to log in there with TLS verified.
func tlsServer(t *testing.T, name string, ca authority, end time.Time) Config {
	t.Helper()
	if os.Getenv("ARDSO_TEST_DOCKER") == "1" {
		t.Skip("a server in a container does not see the certificates")
	}
	in := dbtest.Server(t, name, ca.settings(t, ca.issue(t, "the server", end))...)
	config := rootConfig(in)
	config.TLS = &tls.Config{RootCAs: ca.pool()}
	if name == "mysql5.6" {
		oldTLS(config.TLS)
	}
	return config
}

// with is config with other settings of TLS.
func with(config Config, change func(*tls.Config)) Config {
	config.TLS = config.TLS.Clone()
	change(config.TLS)
	return config
}

// TestTLS verifies real servers.
func TestTLS(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t, "CA of this test"), newAuthority(t, "another CA")
	client := ca.issue(t, "a client", time.Now().Add(time.Hour))
	for _, name := range live() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := tlsServer(t, name, ca, time.Now().Add(time.Hour))
			root := dial(t, config)
			if got := query(t, root, "SHOW STATUS LIKE 'Ssl_version'").Rows[0][1].Text; !strings.HasPrefix(got, "TLSv1") {
				t.Errorf("the server sees %q, not TLS", got)
			}
			named := with(config, func(c *tls.Config) { c.ServerName = "db.example" })
			if got := text(t, dial(t, named), "SELECT REPEAT('x', 100000)"); len(got) != 100000 {
				t.Errorf("got %d bytes", len(got))
			}
			refusedServers(t, config, stranger)
			accountsWithTLS(t, root, config, client)
		})
	}
}

// refusedServers are servers that are not verified. The user's name has not been sent then.
func refusedServers(t *testing.T, config Config, stranger authority) {
	t.Helper()
	var wrongName x509.HostnameError
	_, err := Connect(t.Context(), with(config, func(c *tls.Config) { c.ServerName = "other.example" }))
	if !errors.As(err, &wrongName) {
		t.Errorf("another name: got %v, want an x509.HostnameError", err)
	}
	var unknown x509.UnknownAuthorityError
	if _, err := Connect(t.Context(), with(config, func(c *tls.Config) { c.RootCAs = stranger.pool() })); !errors.As(err, &unknown) {
		t.Errorf("another CA: got %v, want an x509.UnknownAuthorityError", err)
	}
	if _, err := Connect(t.Context(), with(config, func(c *tls.Config) { c.RootCAs = nil })); !errors.As(err, &unknown) {
		t.Errorf("the system's CAs: got %v, want an x509.UnknownAuthorityError", err)
	}
	late := with(config, func(c *tls.Config) { c.Time = func() time.Time { return time.Now().Add(2 * time.Hour) } })
	var invalid x509.CertificateInvalidError
	if _, err := Connect(t.Context(), late); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("two hours later: got %v, want an expired certificate", err)
	}
	var named *TLSError
	if !errors.As(err, &named) || named.Name() == "" || named.Remedy() == "" || strings.Contains(err.Error(), string(config.Password)) {
		t.Errorf("got %v, want a *TLSError", err)
	}
}

// accountsWithTLS are accounts that may log in with TLS, or with a certificate, only.
func accountsWithTLS(t *testing.T, root *Conn, config Config, client tls.Certificate) {
	t.Helper()
	for user, how := range map[string]string{"tls": "SSL", "cert": "X509", "subject": "SUBJECT '/CN=a client'"} {
		account(t, root, user, "IDENTIFIED BY '"+testPassword+"'")
		query(t, root, "GRANT USAGE ON *.* TO '"+user+"'@'127.0.0.1' REQUIRE "+how)
	}
	config.Password = testPassword
	proven := with(config, func(c *tls.Config) { c.Certificates = []tls.Certificate{client} })
	plain := config
	plain.TLS = nil
	for _, test := range []struct {
		how  string
		user string
		by   Config
		in   bool
	}{
		{"TLS", "tls", config, true},
		{"no TLS", "tls", plain, false},
		{"certificate", "cert", proven, true},
		{"no certificate", "cert", config, false},
		{"no TLS", "cert", plain, false},
		{"certificate", "subject", proven, true},
		{"no certificate", "subject", config, false},
	} {
		test.by.User = test.user
		c, err := Connect(t.Context(), test.by)
		if err == nil {
			c.Close()
		}
		if test.in != (err == nil) || err != nil && !isServerError(err, 1045) {
			t.Errorf("%s with %s: got %v", test.user, test.how, err)
		}
	}
}

// TestExpired is a server whose certificate has ended. MySQL 5.6 does not use such a one: it ends each handshake.
func TestExpired(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	t.Parallel()
	ca := newAuthority(t, "CA of this test")
	for _, name := range dbtest.Have("mariadb10.11", "mariadb11.8") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := tlsServer(t, name, ca, time.Now().Add(-time.Minute))
			var invalid x509.CertificateInvalidError
			if _, err := Connect(t.Context(), config); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
				t.Errorf("got %v, want an expired certificate", err)
			}
			if text(t, dial(t, with(config, func(c *tls.Config) { c.InsecureSkipVerify = true })), "SELECT 1") != "1" {
				t.Error("not verified: got nothing")
			}
		})
	}
}

// TestOldTLS: what MySQL 5.6 offers is less than Go takes without being told to.
func TestOldTLS(t *testing.T) {
	t.Parallel()
	for _, name := range dbtest.Have("mysql5.6") {
		ca := newAuthority(t, "CA of this test")
		config := tlsServer(t, name, ca, time.Now().Add(time.Hour))
		config.TLS = &tls.Config{RootCAs: ca.pool()}
		_, err := Connect(t.Context(), config)
		var named *TLSError
		if !errors.As(err, &named) || !strings.Contains(err.Error(), "unsupported protocol version") {
			t.Errorf("got %v, want a *TLSError for the version", err)
		}
	}
}

// Certificates are the two ends of TLS, for tests outside of this package.
func Certificates(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	ca := newAuthority(t, "CA of this test")
	end := time.Now().Add(time.Hour)
	return &tls.Config{Certificates: []tls.Certificate{ca.issue(t, "the server", end)}}, &tls.Config{RootCAs: ca.pool()}
}
