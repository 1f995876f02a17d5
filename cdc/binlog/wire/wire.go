package wire

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

type Config struct {
	Network, Address string
	User, Password   string
	TLS              *tls.Config
	Plaintext        bool
	Attributes       map[string]string
	Dial             func(ctx context.Context, network, address string) (net.Conn, error)
}

type ServerError struct {
	Number  uint16
	State   string
	Message string
}

func (e *ServerError) Error() string {
	return fmt.Sprintf("server error %d (%s): %s", e.Number, e.State, e.Message)
}

type Dump struct {
	ServerID uint32
	Flags    uint16
	File     string
	Position uint64
}

type Conn struct {
	conn    net.Conn
	r       *bufio.Reader
	seq     uint8
	buf     []byte
	version string
	thread  uint32
	secure  bool
}

const (
	clientLongPassword   = 1 << 0
	clientLongFlag       = 1 << 2
	clientProtocol41     = 1 << 9
	clientSSL            = 1 << 11
	clientTransactions   = 1 << 13
	clientSecure         = 1 << 15
	clientPluginAuth     = 1 << 19
	clientConnectAttrs   = 1 << 20
	clientPluginAuthData = 1 << 21
)

func Connect(ctx context.Context, c Config) (*Conn, error) {
	dial := c.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: 10 * time.Second}).DialContext
	}
	conn, err := dial(ctx, c.Network, c.Address)
	if err != nil {
		return nil, err
	}
	w := &Conn{conn: conn, r: bufio.NewReaderSize(conn, 256<<10), secure: c.Network == "unix"}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := w.handshake(c); err != nil {
		conn.Close()
		return nil, err
	}
	return w, nil
}

func (w *Conn) packet() ([]byte, error) {
	var h [4]byte
	w.buf = w.buf[:0]
	for {
		if _, err := io.ReadFull(w.r, h[:]); err != nil {
			return nil, err
		}
		n := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
		if h[3] != w.seq {
			return nil, fmt.Errorf("packet %d where %d was due", h[3], w.seq)
		}
		w.seq++
		at := len(w.buf)
		if cap(w.buf)-at < n {
			b := make([]byte, at, max(at+n, 2*cap(w.buf)))
			copy(b, w.buf)
			w.buf = b
		}
		w.buf = w.buf[:at+n]
		if _, err := io.ReadFull(w.r, w.buf[at:]); err != nil {
			return nil, err
		}
		if n < 0xffffff {
			return w.buf, nil
		}
	}
}

func (w *Conn) send(b []byte) error {
	h := make([]byte, 4, 4+len(b))
	h[0], h[1], h[2], h[3] = byte(len(b)), byte(len(b)>>8), byte(len(b)>>16), w.seq
	w.seq++
	_, err := w.conn.Write(append(h, b...))
	return err
}

func (w *Conn) command(b []byte) error { w.seq = 0; return w.send(b) }

func parseError(b []byte) error {
	e := &ServerError{Number: binary.LittleEndian.Uint16(b[1:])}
	b = b[3:]
	if len(b) > 6 && b[0] == '#' {
		e.State, b = string(b[1:6]), b[6:]
	}
	e.Message = string(b)
	return e
}

func (w *Conn) handshake(c Config) error {
	p, err := w.packet()
	if err != nil {
		return err
	}
	if len(p) > 3 && p[0] == 0xff {
		return parseError(p)
	}
	if len(p) < 40 || p[0] != 10 {
		return errors.New("no MySQL server")
	}
	i := 1
	for p[i] != 0 {
		i++
	}
	w.version = string(p[1:i])
	i++
	w.thread = binary.LittleEndian.Uint32(p[i:])
	i += 4
	salt := append([]byte{}, p[i:i+8]...)
	i += 9
	caps := uint32(binary.LittleEndian.Uint16(p[i:]))
	i += 2 + 1 + 2
	caps |= uint32(binary.LittleEndian.Uint16(p[i:])) << 16
	i += 2
	n := int(p[i])
	i += 11
	m := max(13, n-8)
	salt = append(salt, p[i:i+m-1]...)
	i += m
	plugin := "mysql_native_password"
	if caps&clientPluginAuth != 0 {
		j := i
		for j < len(p) && p[j] != 0 {
			j++
		}
		plugin = string(p[i:j])
	}
	flags := uint32(clientLongPassword | clientLongFlag | clientProtocol41 | clientTransactions | clientSecure | clientPluginAuth | clientPluginAuthData)
	head := func() []byte {
		b := make([]byte, 32)
		binary.LittleEndian.PutUint32(b, flags)
		binary.LittleEndian.PutUint32(b[4:], 1<<24-1)
		b[8] = 45
		return b
	}
	if c.TLS != nil {
		if caps&clientSSL != 0 {
			flags |= clientSSL
			if err := w.send(head()); err != nil {
				return err
			}
			t := tls.Client(w.conn, c.TLS)
			if err := t.Handshake(); err != nil {
				return err
			}
			w.conn, w.r, w.secure = t, bufio.NewReaderSize(t, 256<<10), true
		} else if !c.Plaintext {
			return errors.New("TLS is not offered")
		}
	}
	auth, err := w.auth(plugin, c.Password, salt)
	if err != nil {
		return err
	}
	b := head()
	b = append(append(b, c.User...), 0)
	b = append(append(b, byte(len(auth))), auth...)
	b = append(append(b, plugin...), 0)
	if err := w.send(b); err != nil {
		return err
	}
	for {
		p, err := w.packet()
		if err != nil {
			return err
		}
		switch p[0] {
		case 0:
			return nil
		case 0xff:
			return parseError(p)
		case 0xfe:
			j := 1
			for j < len(p) && p[j] != 0 {
				j++
			}
			plugin = string(p[1:j])
			salt = append([]byte{}, p[min(j+1, len(p)):]...)
			if len(salt) > 20 {
				salt = salt[:20]
			}
			auth, err := w.auth(plugin, c.Password, salt)
			if err != nil {
				return err
			}
			if err := w.send(auth); err != nil {
				return err
			}
		case 1:
			if len(p) == 2 && p[1] == 3 {
				continue
			}
			if len(p) == 2 && p[1] == 4 {
				if err := w.full(c.Password, salt); err != nil {
					return err
				}
				continue
			}
			return errors.New("unexpected auth data")
		}
	}
}

func (w *Conn) full(password string, salt []byte) error {
	if w.secure {
		return w.send(append([]byte(password), 0))
	}
	if err := w.send([]byte{2}); err != nil {
		return err
	}
	p, err := w.packet()
	if err != nil {
		return err
	}
	block, _ := pem.Decode(p[1:])
	if block == nil {
		return errors.New("no key")
	}
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return err
	}
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		return errors.New("no RSA key")
	}
	plain := append([]byte(password), 0)
	for i := range plain {
		plain[i] ^= salt[i%len(salt)]
	}
	secret, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, pub, plain, nil)
	if err != nil {
		return err
	}
	return w.send(secret)
}

func (w *Conn) auth(plugin, password string, salt []byte) ([]byte, error) {
	if password == "" {
		return nil, nil
	}
	switch plugin {
	case "mysql_native_password":
		a := sha1.Sum([]byte(password))
		b := sha1.Sum(a[:])
		h := sha1.New()
		h.Write(salt)
		h.Write(b[:])
		x := h.Sum(nil)
		for i := range x {
			x[i] ^= a[i]
		}
		return x, nil
	case "caching_sha2_password":
		a := sha256.Sum256([]byte(password))
		b := sha256.Sum256(a[:])
		h := sha256.New()
		h.Write(b[:])
		h.Write(salt)
		x := h.Sum(nil)
		for i := range x {
			x[i] ^= a[i]
		}
		return x, nil
	}
	return nil, fmt.Errorf("auth plugin %q", plugin)
}

func (w *Conn) within(ctx context.Context, f func() error) error {
	stop := context.AfterFunc(ctx, func() { _ = w.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err := f()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (w *Conn) Query(ctx context.Context, text string) (rows [][]string, err error) {
	err = w.within(ctx, func() error {
		if err := w.command(append([]byte{3}, text...)); err != nil {
			return err
		}
		p, err := w.packet()
		if err != nil {
			return err
		}
		if p[0] == 0xff {
			return parseError(p)
		}
		if p[0] == 0 {
			return nil
		}
		for range 2 {
			for {
				if p, err = w.packet(); err != nil {
					return err
				}
				if p[0] == 0xfe && len(p) < 9 {
					break
				}
				rows = append(rows, nil)
			}
		}
		return nil
	})
	return rows, err
}

func (w *Conn) Register(ctx context.Context, id uint32, host string) error {
	return w.within(ctx, func() error {
		b := binary.LittleEndian.AppendUint32([]byte{0x15}, id)
		b = append(append(b, byte(len(host))), host...)
		b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
		if err := w.command(b); err != nil {
			return err
		}
		p, err := w.packet()
		if err == nil && p[0] == 0xff {
			err = parseError(p)
		}
		return err
	})
}

func (w *Conn) Dump(ctx context.Context, d Dump) error {
	b := binary.LittleEndian.AppendUint32([]byte{0x12}, uint32(d.Position))
	b = binary.LittleEndian.AppendUint16(b, d.Flags)
	b = binary.LittleEndian.AppendUint32(b, d.ServerID)
	return w.within(ctx, func() error { return w.command(append(b, d.File...)) })
}

func (w *Conn) DumpGTID(ctx context.Context, d Dump, set []byte) error {
	b := binary.LittleEndian.AppendUint16([]byte{0x1e}, d.Flags|4)
	b = binary.LittleEndian.AppendUint32(b, d.ServerID)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(d.File)))
	b = append(b, d.File...)
	b = binary.LittleEndian.AppendUint64(b, d.Position)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
	return w.within(ctx, func() error { return w.command(append(b, set...)) })
}

func (w *Conn) Next() ([]byte, error) {
	p, err := w.packet()
	if err != nil {
		return nil, err
	}
	switch {
	case len(p) == 0:
		return nil, errors.New("empty packet")
	case p[0] == 0:
		return p[1:], nil
	case p[0] == 0xff:
		return nil, parseError(p)
	case p[0] == 0xfe:
		return nil, io.EOF
	}
	return nil, fmt.Errorf("packet begins with %d", p[0])
}

func (w *Conn) Buffered() bool                      { return w.r.Buffered() > 4 }
func (w *Conn) SetReadDeadline(t time.Time) error   { return w.conn.SetReadDeadline(t) }
func (w *Conn) Close() error                        { return w.conn.Close() }
func (w *Conn) ServerVersion() string               { return w.version }
