package wire

import (
	"bytes"
	"fmt"
)

// The plugins that prove who we are.
const (
	nativePassword  = "mysql_native_password"
	cachingPassword = "caching_sha2_password"
	ed25519Password = "client_ed25519"
	sha256Password  = "sha256_password"
	clearPassword   = "mysql_clear_password"
	oldPassword     = "mysql_old_password"
)

// First bytes of the server's packets.
const (
	packetOK       = 0x00
	packetMoreData = 0x01
	packetEOF      = 0xfe // or, during the login, AuthSwitchRequest
	packetError    = 0xff
)

const (
	challengeSize  = 20 // of all plugins but ed25519
	maxLoginRounds = 16 // a server that goes on asking is not logging us in
)

// login is the authentication of one connection.
type login struct {
	stream   *stream
	password string
	tls      bool
	socket   bool

	plugin    string
	challenge []byte
}

// secret reports whether nobody can listen.
func (l *login) secret() bool { return l.tls || l.socket }

// first is the plugin and the answer that go with the handshake response: the server's default if it gives
// nothing away, else mysql_native_password. The server switches to the account's own, if that is another.
func (l *login) first(g greeting) (plugin string, answer []byte, err error) {
	l.plugin, l.challenge = nativePassword, g.challenge
	switch g.plugin {
	case cachingPassword, ed25519Password:
		l.plugin = g.plugin
	case nativePassword, "":
	default:
		return l.plugin, nil, nil
	}
	answer, err = l.answer()
	return l.plugin, answer, err
}

// run goes on until the server lets us in, or does not.
func (l *login) run() error {
	for range maxLoginRounds {
		p, err := l.stream.packet()
		if err != nil {
			return err
		}
		if len(p) == 0 {
			return malformed("an empty packet during the login")
		}
		switch p[0] {
		case packetOK:
			return nil
		case packetError:
			return parseServerError(p)
		case packetEOF:
			err = l.change(p[1:])
		case packetMoreData:
			err = l.more(p[1:])
		default:
			err = malformed("a packet that begins with %#x during the login", p[0])
		}
		if err != nil {
			return err
		}
	}
	return malformed("the server goes on asking during the login")
}

// change is an AuthSwitchRequest: another plugin with its own challenge. An empty one is of servers that are to
// take the passwords of MySQL before 4.1.
func (l *login) change(p []byte) error {
	l.plugin = oldPassword
	if len(p) > 0 {
		c := cursor{p: p}
		l.plugin = string(c.zeroText())
		l.challenge = bytes.Clone(c.p)
	}
	answer, err := l.answer()
	if err != nil {
		return err
	}
	return l.stream.send(answer)
}

// answer is what the plugin says to the challenge.
func (l *login) answer() ([]byte, error) {
	switch l.plugin {
	case nativePassword, cachingPassword, sha256Password:
		if len(l.challenge) < challengeSize {
			return nil, malformed("a challenge of %d bytes for %s", len(l.challenge), l.plugin)
		}
		l.challenge = l.challenge[:challengeSize]
	}
	switch l.plugin {
	case nativePassword:
		return nativeAnswer(l.password, l.challenge), nil
	case cachingPassword:
		return cachingAnswer(l.password, l.challenge), nil
	case ed25519Password:
		return ed25519Answer(l.password, l.challenge)
	case sha256Password:
		return l.sha256Answer(), nil
	case clearPassword:
		return l.clear()
	case oldPassword:
		return nil, &UnsupportedError{
			What: "the account has a password of MySQL before 4.1 (" + oldPassword + "), which anyone can break",
			Fix:  "set old_passwords = 0 and then the account's password again",
		}
	}
	return nil, &UnsupportedError{
		What: fmt.Sprintf("the account is to log in by the plugin %.64q, which ardso does not know", l.plugin),
		Fix: "create an account for ardso that is identified by " + cachingPassword + ", " + nativePassword +
			" or, on MariaDB, ed25519",
	}
}

// clear is the password as it is, for those who can be sure that nobody listens.
func (l *login) clear() ([]byte, error) {
	if !l.secret() {
		return nil, &UnsupportedError{
			What: "the server asks for the password in clear (" + l.plugin + ") on a connection without TLS",
			Fix:  "use TLS (sslmode=verify-full) or a unix socket",
		}
	}
	return append([]byte(l.password), 0), nil
}

// more is AuthMoreData: what the two SHA-256 plugins say between.
func (l *login) more(p []byte) error {
	switch {
	case l.plugin == cachingPassword && len(p) == 1 && p[0] == cachingFast:
		return nil // OK follows
	case l.plugin == cachingPassword && len(p) == 1 && p[0] == cachingFull:
		return l.full()
	case l.plugin == sha256Password && !l.tls && l.password != "":
		return l.encrypted(p)
	}
	return malformed("%d bytes more of %s", len(p), l.plugin)
}
