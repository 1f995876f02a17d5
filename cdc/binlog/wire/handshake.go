package wire

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"maps"
	"net"
	"slices"
	"strings"
)

const utf8mb4 = 45 // utf8mb4_general_ci, which all servers know since 5.5.3

// handshake does all that comes before the first command: greeting, TLS, authentication.
func (c *Conn) handshake(config Config) error {
	g, err := greet(c.stream)
	if err != nil {
		return err
	}
	c.version, c.thread = g.version, g.thread
	flags := g.capabilities & (clientCapabilities | requiredCapabilities)
	if config.TLS != nil {
		if g.capabilities&clientSSL != 0 {
			flags |= clientSSL
			if err := c.encrypt(config, flags); err != nil {
				return err
			}
		} else if !config.Plaintext {
			return &UnsupportedError{
				What: "the server offers no TLS, and it is demanded",
				Fix:  "give the server a certificate (ssl_cert, ssl_key), or set sslmode to what the network allows",
			}
		}
	}
	l := &login{stream: c.stream, password: string(config.Password), tls: flags&clientSSL != 0, socket: c.socket}
	plugin, answer, err := l.first(g)
	if err != nil {
		return err
	}
	response, err := handshakeResponse(config, flags, plugin, answer)
	if err != nil {
		return err
	}
	if err := c.stream.send(response); err != nil {
		return err
	}
	return l.run()
}

// encrypt asks for TLS, with no more than the head of the response, and continues on it.
func (c *Conn) encrypt(config Config, flags uint32) error {
	if c.stream.w > c.stream.r {
		return malformed("%d bytes follow the greeting, before TLS", c.stream.w-c.stream.r)
	}
	if err := c.stream.send(responseHead(flags)); err != nil {
		return err
	}
	t := tls.Client(c.raw, tlsConfig(config))
	if err := t.Handshake(); err != nil {
		return &TLSError{Err: err}
	}
	c.stream.conn = t
	return nil
}

// tlsConfig knows the name that the server's certificate must have.
func tlsConfig(config Config) *tls.Config {
	if config.TLS.ServerName != "" {
		return config.TLS
	}
	t := config.TLS.Clone()
	t.ServerName = "localhost"
	if host, _, err := net.SplitHostPort(config.Address); err == nil && config.Network != "unix" {
		t.ServerName = host
	}
	return t
}

// responseHead is the SSLRequest, and the beginning of the HandshakeResponse.
func responseHead(flags uint32) []byte {
	b := binary.LittleEndian.AppendUint32(make([]byte, 0, 256), flags)
	b = binary.LittleEndian.AppendUint32(b, maxFrame) // no server looks at it
	b = append(b, utf8mb4)
	// The end of these zeros is MariaDB's own capabilities: none, so that it sends no progress reports.
	return append(b, make([]byte, 23)...)
}

func handshakeResponse(config Config, flags uint32, plugin string, answer []byte) ([]byte, error) {
	if strings.Contains(config.User, "\x00") {
		return nil, errors.New("the user's name has a zero byte in it")
	}
	b := append(append(responseHead(flags), config.User...), 0)
	if flags&clientPluginLenenc != 0 {
		b = appendText(b, answer)
	} else {
		b = append(append(b, byte(len(answer))), answer...) // 64 bytes at most
	}
	if flags&clientPluginAuth != 0 {
		b = append(append(b, plugin...), 0)
	}
	if flags&clientConnectAttrs != 0 {
		var attributes []byte
		for _, name := range slices.Sorted(maps.Keys(config.Attributes)) {
			attributes = appendText(appendText(attributes, name), config.Attributes[name])
		}
		b = appendText(b, attributes)
	}
	return b, nil
}
