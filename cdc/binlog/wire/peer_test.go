package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"ardso/integration/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// frame is one frame as it is on the line, written down apart from the code under test.
func frame(seq byte, payload []byte) []byte {
	n := len(payload)
	return append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...)
}

// packetBytes is a whole packet: frames of up to 0xffffff, the last one shorter.
func packetBytes(seq byte, payload []byte) []byte {
	var b []byte
	for {
		n := min(len(payload), 0xffffff)
		b = append(b, frame(seq, payload[:n])...)
		payload = payload[n:]
		seq++
		if n < 0xffffff {
			return b
		}
	}
}

const allCapabilities = 0x81bfffdf // as MySQL 8.0 offers them

var salt = []byte("abcdefghijklmnopqrst")

// hello is a greeting of the tests' own server.
func hello(capabilities uint32, plugin string, challenge []byte) []byte {
	b := append([]byte{10}, "8.0.99-scripted\x00"...)
	b = binary.LittleEndian.AppendUint32(b, 7)
	b = append(append(b, challenge[:8]...), 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(capabilities))
	b = append(b, 45, 2, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(capabilities>>16))
	b = append(b, byte(len(challenge)+1))
	b = append(b, make([]byte, 10)...)
	b = append(append(b, challenge[8:]...), 0)
	if capabilities&clientPluginAuth != 0 {
		b = append(append(b, plugin...), 0)
	}
	return b
}

var okPacket = []byte{0, 0, 0, 2, 0, 0, 0}

// peer is the server's end of a connection, as a test scripts it. Its methods panic with an error that serve
// returns.
type peer struct {
	conn net.Conn
	s    *stream
}

func (p *peer) send(payload []byte) {
	if err := p.s.send(payload); err != nil {
		panic(err)
	}
}

func (p *peer) receive() []byte {
	b, err := p.s.packet()
	if err != nil {
		panic(err)
	}
	return bytes.Clone(b)
}

func (p *peer) want(what string, want []byte) {
	if got := p.receive(); !bytes.Equal(got, want) {
		panic(fmt.Errorf("%s: got %x, want %x", what, got, want))
	}
}

// response is what the handshake response says, read by the published format.
type response struct {
	flags      uint32
	user       string
	auth       []byte
	plugin     string
	attributes map[string]string
}

func (p *peer) response() response {
	b := p.receive()
	c := cursor{p: b}
	r := response{flags: c.uint32(), attributes: map[string]string{}}
	if size, charset := c.uint32(), c.byte(); size == 0 || charset != 45 {
		panic(fmt.Errorf("packet size %d, character set %d", size, charset))
	}
	if !bytes.Equal(c.bytes(23), make([]byte, 23)) {
		panic(errors.New("the filler is not zero"))
	}
	r.user = string(c.zeroText())
	r.auth = bytes.Clone(c.text())
	r.plugin = string(c.zeroText())
	for a := (cursor{p: c.text()}); len(a.p) > 0 && !a.short; {
		name := string(a.text())
		r.attributes[name] = string(a.text())
	}
	if c.short || len(c.p) > 0 {
		panic(fmt.Errorf("response %x: %d bytes left, short %v", b, len(c.p), c.short))
	}
	return r
}

// serve accepts one connection on loopback and runs the script; wait returns what it ended with. Afterwards it
// reads to the end, so that what the client sends last is not lost by a reset.
func serve(t testing.TB, script func(p *peer)) (address string, wait func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	result := make(chan error, 1)
	go func() {
		defer l.Close()
		conn, err := l.Accept()
		if err != nil {
			result <- err
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		result <- play(conn, script)
		io.Copy(io.Discard, conn)
	}()
	t.Cleanup(func() { l.Close() })
	return l.Addr().String(), func() error { return <-result }
}

func play(conn net.Conn, script func(p *peer)) (err error) {
	defer func() {
		if e, is := recover().(error); is {
			err = e
		}
	}()
	script(&peer{conn: conn, s: newStream(conn, 1<<30)})
	return nil
}

const testPassword = "s3cret-Pässword"

func configFor(address string) Config {
	return Config{Network: "tcp", Address: address, User: "ardso", Password: testPassword, Timeout: 10 * time.Second}
}

// connect runs Connect against a script and returns the errors of both sides. The connection is closed.
func connect(t testing.TB, change func(*Config), script func(p *peer)) (client, server error) {
	t.Helper()
	address, wait := serve(t, script)
	config := configFor(address)
	if change != nil {
		change(&config)
	}
	c, err := Connect(t.Context(), config)
	if err == nil {
		c.Close()
	}
	return err, wait()
}

// bytesConn is a server that sends what it has and hears nothing.
type bytesConn struct {
	net.Conn
	r   io.Reader
	got bytes.Buffer
}

func (c *bytesConn) Read(b []byte) (int, error)       { return c.r.Read(b) }
func (c *bytesConn) Write(b []byte) (int, error)      { return c.got.Write(b) }
func (c *bytesConn) Close() error                     { return nil }
func (c *bytesConn) SetDeadline(time.Time) error      { return nil }
func (c *bytesConn) SetReadDeadline(time.Time) error  { return nil }
func (c *bytesConn) SetWriteDeadline(time.Time) error { return nil }

// connectBytes runs Connect against a server that sends these bytes.
func connectBytes(ctx context.Context, network string, sent []byte) (*Conn, *bytesConn, error) {
	peer := &bytesConn{r: bytes.NewReader(sent)}
	c, err := Connect(ctx, Config{
		Network: network, Address: "host:1", User: "ardso", Password: testPassword,
		Dial: func(context.Context, string, string) (net.Conn, error) { return peer, nil },
	})
	return c, peer, err
}

// dumpingConn is a connection on which the server sends these bytes as the log.
func dumpingConn(r io.Reader, limit int) *Conn {
	raw := &bytesConn{r: r}
	s := newStream(raw, limit)
	s.seq = 1
	return &Conn{raw: raw, stream: s, state: dumping}
}
