package wire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func keyText(key any) []byte {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		panic(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func testKeyText() []byte { return keyText(&testKey().PublicKey) }

// decrypted is the password that was encrypted for testKey under a challenge.
func decrypted(secret, challenge []byte) string {
	plain, err := rsa.DecryptOAEP(sha1.New(), rand.Reader, testKey(), secret, nil)
	if err != nil {
		panic(err)
	}
	for i := range plain {
		plain[i] ^= challenge[i%20]
	}
	return string(plain)
}

// TestAnswers has values worked out apart from this code: by the servers' own functions where they have one, see
// TestAccounts, and here by a few lines of Python.
func TestAnswers(t *testing.T) {
	t.Parallel()
	signed, err := ed25519Answer("foobar", bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		got  []byte
		want string
	}{
		"native":  {nativeAnswer("secret", salt), "8817c50fa779daef010ee7577825b0847df9842e"},
		"caching": {cachingAnswer("secret", salt), "c76e2898612a4cf042c77fa8c4702c4c64c0c2c557c53c4d75595aaa6abae809"},
		"ed25519": {signed, "707baadf6469e117130e128793d77625ad498c6fd5a758e2fc4ffbcc911c0f4be47509b1f436e489e469791c2f79e80c8b83868668e5826ffc9c02661dbff106"},
		"empty":   {append(nativeAnswer("", salt), cachingAnswer("", salt)...), ""},
	} {
		if got := hex.EncodeToString(test.got); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}

// ask is an AuthSwitchRequest.
func ask(plugin string, challenge []byte) []byte {
	return append(append([]byte{packetEOF}, plugin...), append([]byte{0}, challenge...)...)
}

var (
	zeroSalt = append(append([]byte{}, salt...), 0)
	other    = []byte("ABCDEFGHIJKLMNOPQRST")
	long     = []byte("0123456789abcdef0123456789ABCDEF")
)

// TestLogins are the ways in over plain TCP.
func TestLogins(t *testing.T) {
	t.Parallel()
	clear := testPassword + "\x00"
	expectKey := func(p *peer, challenge []byte) {
		p.send(append([]byte{1}, testKeyText()...))
		if got := decrypted(p.receive(), challenge); got != clear {
			panic(fmt.Errorf("got password %q", got))
		}
	}
	tests := []struct {
		name, plugin, first string // the server's default, and what the client begins with
		answer              []byte
		then                func(p *peer)
	}{
		{"native", nativePassword, nativePassword, nativeAnswer(testPassword, salt), func(*peer) {}},
		{"caching, fast", cachingPassword, cachingPassword, cachingAnswer(testPassword, salt), func(p *peer) {
			p.send([]byte{1, cachingFast})
		}},
		{"caching, by key", cachingPassword, cachingPassword, cachingAnswer(testPassword, salt), func(p *peer) {
			p.send([]byte{1, cachingFull})
			p.want("asks for the key", []byte{2})
			expectKey(p, salt)
		}},
		{"native to caching by key", nativePassword, nativePassword, nativeAnswer(testPassword, salt), func(p *peer) {
			p.send(ask(cachingPassword, append(other, 0)))
			p.want("answer", cachingAnswer(testPassword, other))
			p.send([]byte{1, cachingFull})
			p.want("asks for the key", []byte{2})
			expectKey(p, other)
		}},
		{"caching to native", cachingPassword, cachingPassword, cachingAnswer(testPassword, salt), func(p *peer) {
			p.send(ask(nativePassword, append(other, 0)))
			p.want("answer", nativeAnswer(testPassword, other))
		}},
		{"unknown default to sha256 by key", "dialog", nativePassword, nil, func(p *peer) {
			p.send(ask(sha256Password, append(other, 0)))
			p.want("asks for the key", []byte{1})
			expectKey(p, other)
		}},
		{"sha256 default", sha256Password, nativePassword, nil, func(p *peer) {
			p.send(ask(sha256Password, append(other, 0)))
			p.want("asks for the key", []byte{1})
			expectKey(p, other)
		}},
		{"three plugins", nativePassword, nativePassword, nativeAnswer(testPassword, salt), func(p *peer) {
			p.send(ask(ed25519Password, long))
			p.receive()
			p.send(ask(cachingPassword, append(other, 0)))
			p.want("answer", cachingAnswer(testPassword, other))
			p.send([]byte{1, cachingFast})
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			client, server := connect(t, nil, func(p *peer) {
				p.send(hello(allCapabilities, test.plugin, salt))
				r := p.response()
				if r.plugin != test.first || !bytes.Equal(r.auth, test.answer) {
					panic(fmt.Errorf("got %s, %x, want %s, %x", r.plugin, r.auth, test.first, test.answer))
				}
				test.then(p)
				p.send(okPacket)
				p.s.seq = 0
				p.want("the end", []byte{comQuit})
			})
			if client != nil || server != nil {
				t.Errorf("client: %v; server: %v", client, server)
			}
		})
	}
}

// TestEmptyPasswords log in without a secret, by every plugin.
func TestEmptyPasswords(t *testing.T) {
	t.Parallel()
	signed, _ := ed25519Answer("", long)
	for plugin, want := range map[string][]byte{
		nativePassword: {}, cachingPassword: {}, sha256Password: {0}, ed25519Password: signed,
	} {
		client, server := connect(t, func(c *Config) { c.Password = "" }, func(p *peer) {
			p.send(hello(allCapabilities, nativePassword, salt))
			if r := p.response(); len(r.auth) > 0 {
				panic(fmt.Errorf("got %x", r.auth))
			}
			p.send(ask(plugin, long))
			p.want("answer", want)
			p.send(okPacket)
		})
		if client != nil || server != nil {
			t.Errorf("%s: client: %v; server: %v", plugin, client, server)
		}
	}
}

// TestRefusals are what no server gets us to do over plain TCP, and what makes no sense.
func TestRefusals(t *testing.T) {
	t.Parallel()
	small, _ := rsa.GenerateKey(rand.Reader, 1024)
	curve, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	offer := func(text []byte) func(p *peer) {
		return func(p *peer) {
			p.send([]byte{1, cachingFull})
			p.receive()
			p.send(append([]byte{1}, text...))
		}
	}
	tests := []struct {
		name string
		then func(p *peer)
		want string // in the error
	}{
		{"clear", func(p *peer) { p.send(ask(clearPassword, nil)) }, "in clear (mysql_clear_password)"},
		{"old", func(p *peer) { p.send([]byte{0xfe}) }, "mysql_old_password"},
		{"old by name", func(p *peer) { p.send(ask(oldPassword, salt)) }, "mysql_old_password"},
		{"unknown", func(p *peer) { p.send(ask("dialog", nil)) }, `"dialog"`},
		{"small key", offer(keyText(&small.PublicKey)), "RSA key of 1024 bits"},
		{"other key", offer(keyText(&curve.PublicKey)), "ecdsa"},
		{"no key", offer([]byte("-----BEGIN NOTHING")), "no PEM"},
		{"damaged key", offer(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte{1, 2, 3}})), "RSA key"},
		{"error for a key", func(p *peer) {
			p.send([]byte{1, cachingFull})
			p.receive()
			p.send([]byte("\xff\x15\x04#28000Access denied"))
		}, "1045"},
		{"OK for a key", func(p *peer) {
			p.send([]byte{1, cachingFull})
			p.receive()
			p.send(okPacket)
		}, "no key"},
		{"short challenge", func(p *peer) { p.send(ask(nativePassword, salt[:19])) }, "challenge of 19"},
		{"short challenge to sign", func(p *peer) { p.send(ask(ed25519Password, salt)) }, "challenge of 20"},
		{"more of native", func(p *peer) {
			p.send(ask(nativePassword, salt))
			p.receive()
			p.send([]byte{1, 4})
		}, "bytes more of mysql_native_password"},
		{"more than is known", func(p *peer) { p.send([]byte{1, 9}) }, "more of caching"},
		{"empty packet", func(p *peer) { p.send(nil) }, "empty packet"},
		{"nonsense", func(p *peer) { p.send([]byte{7}) }, "begins with 0x7"},
		{"for ever", func(p *peer) {
			for range 100 {
				p.send(ask(nativePassword, salt))
				p.receive()
			}
		}, "goes on asking"},
		{"denied", func(p *peer) { p.send([]byte("\xff\x15\x04#28000Access denied for user")) }, "1045 (28000): Access denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var told []byte
			client, _ := connect(t, nil, func(p *peer) {
				p.send(hello(allCapabilities, cachingPassword, salt))
				p.response()
				defer func() { told = p.s.buf[:p.s.w] }()
				test.then(p)
			})
			if client == nil || !strings.Contains(client.Error(), test.want) {
				t.Errorf("got %v, want %s", client, test.want)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", client, client, client), testPassword) || bytes.Contains(told, []byte(testPassword)) {
				t.Errorf("the password shows: %v, %q", client, told)
			}
			if named := (*UnsupportedError)(nil); errors.As(client, &named) && named.Remedy() == "" {
				t.Errorf("%v: no remedy", named)
			}
		})
	}
}

// TestSocket: a unix socket takes the password in clear, but not that of sha256_password.
func TestSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	steps := []func(p *peer){
		func(p *peer) {
			p.send(ask(clearPassword, nil))
			p.want("clear", []byte(testPassword+"\x00"))
		},
		func(p *peer) {
			p.send(ask(cachingPassword, zeroSalt))
			p.receive()
			p.send([]byte{1, cachingFull})
			p.want("full", []byte(testPassword+"\x00"))
		},
		func(p *peer) {
			p.send(ask(sha256Password, zeroSalt))
			p.want("asks for the key", []byte{1})
			p.send(append([]byte{1}, testKeyText()...))
			if got := decrypted(p.receive(), salt); got != testPassword+"\x00" {
				panic(fmt.Errorf("got %q", got))
			}
		},
	}
	for i, step := range steps {
		result := make(chan error, 1)
		go func() {
			conn, err := l.Accept()
			if err == nil {
				defer conn.Close()
				err = play(conn, func(p *peer) {
					p.send(hello(allCapabilities, nativePassword, salt))
					p.response()
					step(p)
					p.send(okPacket)
				})
			}
			result <- err
		}()
		config := configFor(path)
		config.Network = "unix"
		c, err := Connect(t.Context(), config)
		if err == nil {
			c.Close()
		}
		if server := <-result; err != nil || server != nil {
			t.Errorf("step %d: client: %v; server: %v", i, err, server)
		}
	}
}
