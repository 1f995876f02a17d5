package binlog

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"ardso/sql/engine"
)

// proxy stands between a reader and a real server. Of connections on which the log is asked for it does with the
// server's answers what its fault says; all others it only passes on.
type proxy struct {
	addr   string
	target string

	mu    sync.Mutex
	fault fault
	seen  int64 // bytes of the last log that were passed on
	conns []net.Conn
}

// fault is what happens to a log on its way. The zero value is none.
type fault struct {
	cut    int64         // bytes after which the connection is cut; 0 = never
	silent int           // events after which nothing more comes, and the connection stays; 0 = never
	pause  time.Duration // between bytes
	// event returns what comes in place of the event number i, which it may change; nil = the event itself.
	event func(i int, raw []byte) [][]byte
}

// through puts a proxy before the source's database. The reader, and nothing else, should use what is returned.
func (s *source) through(t testing.TB) (*source, *proxy) {
	t.Helper()
	config := s.db.Config()
	u, err := url.Parse(config.URL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), target: u.Host}
	u.Host, u.RawQuery = p.addr, "sslmode=disable"
	config.URL = u.String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.drop()
		all.Wait()
	})
	db, err := engine.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	behind := *s
	behind.db = db
	return &behind, p
}

// set says what happens to the logs that are asked for from here on.
func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.seen = f, 0
}

func (p *proxy) passed() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen
}

// drop ends all connections.
func (p *proxy) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	p.conns = append(p.conns, client, server)
	p.mu.Unlock()
	dump := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		defer server.Close()
		for {
			seq, payload, err := readPacket(client)
			if err != nil {
				return
			}
			if seq == 0 && len(payload) > 0 && (payload[0] == 0x12 || payload[0] == 0x1e) {
				close(dump)
			}
			if writePacket(server, seq, payload) != nil {
				return
			}
		}
	})
	p.answer(client, server, dump)
	client.Close()
	wg.Wait()
}

// answer passes on what the server says.
func (p *proxy) answer(client, server net.Conn, dump <-chan struct{}) {
	for {
		seq, payload, err := readPacket(server)
		if err != nil {
			return
		}
		select {
		case <-dump:
			p.log(client, server, payload)
			return
		default:
		}
		if writePacket(client, seq, payload) != nil {
			return
		}
	}
}

// log passes on a log, of which payload is the first packet.
func (p *proxy) log(client, server net.Conn, payload []byte) {
	p.mu.Lock()
	f := p.fault
	p.mu.Unlock()
	out := &faulty{proxy: p, conn: client, fault: f}
	seq := byte(1)
	for i := 0; ; i++ {
		if f.silent > 0 && i >= f.silent {
			_, _ = io.Copy(io.Discard, server) // until somebody gives up
			return
		}
		events := [][]byte{payload}
		if f.event != nil && payload[0] == 0 {
			events = events[:0]
			for _, raw := range f.event(i, payload[1:]) {
				events = append(events, append([]byte{0}, raw...))
			}
		}
		for _, e := range events {
			if writePacket(out, seq, e) != nil {
				return
			}
			seq++
		}
		var err error
		if _, payload, err = readPacket(server); err != nil {
			return
		}
	}
}

// faulty is a connection that is cut, or slow.
type faulty struct {
	proxy *proxy
	conn  net.Conn
	fault fault
	sent  int64
}

func (f *faulty) Write(b []byte) (int, error) {
	all := len(b)
	if f.fault.cut > 0 && f.sent+int64(all) > f.fault.cut {
		b = b[:f.fault.cut-f.sent]
	}
	f.sent += int64(len(b))
	f.proxy.mu.Lock()
	f.proxy.seen = f.sent
	f.proxy.mu.Unlock()
	if f.fault.pause == 0 {
		if n, err := f.conn.Write(b); err != nil {
			return n, err
		}
	}
	for i := range b {
		if f.fault.pause == 0 {
			break
		}
		time.Sleep(f.fault.pause)
		if _, err := f.conn.Write(b[i : i+1]); err != nil {
			return i, err
		}
	}
	if len(b) < all {
		return len(b), io.ErrClosedPipe
	}
	return all, nil
}

func readPacket(r io.Reader) (seq byte, payload []byte, err error) {
	var h [4]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return 0, nil, err
	}
	payload = make([]byte, int(h[0])|int(h[1])<<8|int(h[2])<<16)
	_, err = io.ReadFull(r, payload)
	return h[3], payload, err
}

func writePacket(w io.Writer, seq byte, payload []byte) error {
	n := len(payload)
	_, err := w.Write(append([]byte{byte(n), byte(n >> 8), byte(n >> 16), seq}, payload...))
	return err
}

// forged is an event as a server would send it, with its checksum.
func forged(kind byte, flags uint16, body []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 1_790_000_000)
	b = append(b, kind)
	b = binary.LittleEndian.AppendUint32(b, 101)
	b = binary.LittleEndian.AppendUint32(b, uint32(19+len(body)+4))
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint16(b, flags)
	b = append(b, body...)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}
