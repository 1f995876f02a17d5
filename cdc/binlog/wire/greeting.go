package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net"
)

// Capability flags that this client knows.
const (
	clientLongPassword   uint32 = 1 << 0
	clientLongFlag       uint32 = 1 << 2
	clientProtocol41     uint32 = 1 << 9
	clientSSL            uint32 = 1 << 11
	clientTransactions   uint32 = 1 << 13
	clientSecure         uint32 = 1 << 15
	clientPluginAuth     uint32 = 1 << 19
	clientConnectAttrs   uint32 = 1 << 20
	clientPluginLenenc   uint32 = 1 << 21
	clientCapabilities          = clientLongPassword | clientLongFlag | clientTransactions | clientPluginAuth | clientConnectAttrs | clientPluginLenenc
	requiredCapabilities        = clientProtocol41 | clientSecure
)

const (
	protocolVersion = 10
	maxGreeting     = 64 << 10 // and of all packets up to the login, keys included
)

// greeting is the server's first packet, HandshakeV10.
type greeting struct {
	version      string
	thread       uint32
	capabilities uint32
	plugin       string // "" = the server knows none, which means mysql_native_password
	challenge    []byte // as sent: some plugins end it with a zero
}

// greet reads the first packet. It returns *NotMySQLError for whatever is none of the protocol, and *ServerError
// for a server that refuses all clients, or this one by its address.
func greet(s *stream) (greeting, error) {
	p, err := s.packet()
	if err != nil {
		return greeting{}, strange(s, err)
	}
	switch {
	case len(p) > 0 && p[0] == packetError:
		return greeting{}, parseServerError(p)
	case len(p) > 0 && p[0] == 9:
		return greeting{}, &UnsupportedError{
			What: "the server speaks protocol version 9, that of MySQL before 4.1",
			Fix:  "use a server of MariaDB or of MySQL 5.6 or later",
		}
	case len(p) == 0 || p[0] != protocolVersion:
		return greeting{}, &NotMySQLError{Got: fmt.Sprintf("it begins with %.40q", p)}
	}
	return parseGreeting(p)
}

// strange names what keeps a greeting from being read.
func strange(s *stream, err error) error {
	var ne net.Error
	if seen := s.buf[:s.w]; len(seen) > 0 {
		return &NotMySQLError{Got: fmt.Sprintf("it begins with %.40q", seen), Err: err}
	}
	switch {
	case errors.As(err, &ne) && ne.Timeout():
		return &NotMySQLError{Got: "nothing is said in time", Err: err}
	case errors.As(err, new(*PacketError)):
		return &NotMySQLError{Got: "the connection is closed without a word", Err: err}
	}
	return err
}

// parseGreeting takes the packet apart. Old servers end it after the lower capabilities.
func parseGreeting(p []byte) (greeting, error) {
	c := cursor{p: p[1:]}
	g := greeting{version: string(c.zeroText()), thread: c.uint32()}
	g.challenge = bytes.Clone(c.bytes(8))
	c.bytes(1)
	g.capabilities = uint32(c.uint16())
	if len(c.p) > 0 && !c.short {
		parseExtension(&c, &g)
	}
	if c.short {
		return g, &NotMySQLError{Got: fmt.Sprintf("its greeting ends early: %.80q", p)}
	}
	if g.capabilities&requiredCapabilities != requiredCapabilities {
		return g, &UnsupportedError{
			What: fmt.Sprintf("server version %.40q knows no authentication that is safe (capabilities %#x)", g.version, g.capabilities),
			Fix:  "use a server of MariaDB or of MySQL 5.6 or later, without old_passwords",
		}
	}
	return g, nil
}

func parseExtension(c *cursor, g *greeting) {
	c.bytes(1 + 2) // character set, status
	g.capabilities |= uint32(c.uint16()) << 16
	size := int(c.byte()) // of the whole challenge
	c.bytes(10)
	if g.capabilities&clientSecure != 0 {
		g.challenge = append(g.challenge, c.bytes(uint64(max(13, size-8)))...)
	}
	if g.capabilities&clientPluginAuth != 0 {
		g.plugin = string(c.zeroText())
	}
}
