package wire

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"fmt"
)

// What the SHA-256 plugins say to each other.
const (
	cachingKey  = 2 // client: your key, please
	cachingFast = 3 // server: the hash was right
	cachingFull = 4 // server: I need the password itself
	sha256Key   = 1 // client: your key, please
)

// Sizes of an RSA key in bits. Servers make keys of 2048; a smaller one gives the password away.
const (
	minKey = 2048
	maxKey = 16384
)

// sha256Answer begins with the password itself over TLS only: that plugin takes a socket for a network.
func (l *login) sha256Answer() []byte {
	switch {
	case l.password == "":
		return []byte{0}
	case l.tls:
		return append([]byte(l.password), 0)
	}
	return []byte{sha256Key}
}

// full gives caching_sha2_password the password itself, which the server does not have in its cache.
func (l *login) full() error {
	if l.secret() {
		p, err := l.clear()
		if err != nil {
			return err
		}
		return l.stream.send(p)
	}
	if err := l.stream.send([]byte{cachingKey}); err != nil {
		return err
	}
	p, err := l.stream.packet()
	if err != nil {
		return err
	}
	switch {
	case len(p) > 0 && p[0] == packetError:
		return parseServerError(p)
	case len(p) == 0 || p[0] != packetMoreData:
		return malformed("no key where one was asked for")
	}
	return l.encrypted(p[1:])
}

// encrypted sends the password, covered with the challenge, encrypted for the server's key.
func (l *login) encrypted(text []byte) error {
	key, err := publicKey(text)
	if err != nil {
		return err
	}
	plain := append([]byte(l.password), 0)
	for i := range plain {
		plain[i] ^= l.challenge[i%len(l.challenge)]
	}
	secret, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, key, plain, nil)
	if err != nil {
		return fmt.Errorf("encrypt the password for the server's key: %w", err)
	}
	return l.stream.send(secret)
}

// publicKey reads the server's key and refuses one that would not protect.
func publicKey(text []byte) (*rsa.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, malformed("the server's RSA key is no PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, malformed("the server's RSA key: %v", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, unsafeKey(fmt.Sprintf("a key of type %T", parsed))
	}
	if bits := key.N.BitLen(); bits < minKey || bits > maxKey {
		return nil, unsafeKey(fmt.Sprintf("an RSA key of %d bits", bits))
	}
	return key, nil
}

func unsafeKey(what string) error {
	return &UnsupportedError{
		What: fmt.Sprintf("the server offers %s to encrypt the password with; RSA keys of %d to %d bits are taken", what, minKey, maxKey),
		Fix:  "use TLS, or give the server an RSA key of 2048 bits or more (caching_sha2_password_public_key_path)",
	}
}
