package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
)

// event is a packet of the log with n bytes of content.
func event(n int) []byte {
	b := make([]byte, n+1)
	for i := range n {
		b[i+1] = byte(i*7 + i>>8)
	}
	return b
}

// TestSizes reads and writes packets around every boundary.
func TestSizes(t *testing.T) {
	t.Parallel()
	for _, size := range []int{
		1, 2, 100, readSize - headerSize - 1, readSize - headerSize, readSize - headerSize + 1, readSize, keepSize,
		keepSize + 1, maxFrame - 1, maxFrame, maxFrame + 1, 2*maxFrame - 1, 2 * maxFrame, 2*maxFrame + 1,
	} {
		payload := event(size - 1)
		line := packetBytes(1, payload)
		next := byte(1 + size/maxFrame + 1)
		c := dumpingConn(bytes.NewReader(append(slices.Clone(line), frame(next, []byte{0, 'x'})...)), defaultMaxPacket)
		if size > 1 {
			got, err := c.Next()
			if err != nil || !bytes.Equal(got, payload[1:]) {
				t.Fatalf("size %d: got %d bytes, %v", size, len(got), err)
			}
			if got, err = c.Next(); err != nil || string(got) != "x" {
				t.Errorf("behind size %d: got %q, %v", size, got, err)
			}
			if cap(c.stream.big) > keepSize {
				t.Errorf("behind size %d: %d bytes are kept, want %d at most", size, cap(c.stream.big), keepSize)
			}
		}
		out := &bytesConn{}
		s := newStream(out, defaultMaxPacket)
		s.seq = 1
		if err := s.send(payload); err != nil || !bytes.Equal(out.got.Bytes(), line) {
			t.Errorf("write size %d: %v, or other bytes", size, err)
		}
	}
}

// TestAnySplit: however the bytes arrive, the packets are the same.
func TestAnySplit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var line []byte
		var want [][]byte
		sizes := rapid.SliceOfN(rapid.OneOf(rapid.IntRange(1, 300), rapid.IntRange(1, 3*readSize)), 1, 20).Draw(t, "sizes")
		for i, n := range sizes {
			p := event(n)
			want = append(want, p[1:])
			line = append(line, frame(byte(i+1), p)...)
		}
		chunk := rapid.IntRange(1, 70000).Draw(t, "chunk")
		c := dumpingConn(&chunks{b: line, size: chunk}, defaultMaxPacket)
		for i := range want {
			got, err := again(c)
			if err != nil || !bytes.Equal(got, want[i]) {
				t.Fatalf("packet %d of %d bytes: got %d bytes, %v", i, len(want[i]), len(got), err)
			}
		}
	})
}

// chunks gives a few bytes at a time, and a deadline passes between any two.
type chunks struct {
	b    []byte
	size int
	late bool
}

func (r *chunks) Read(p []byte) (int, error) {
	if r.late = !r.late; r.late {
		return 0, os.ErrDeadlineExceeded
	}
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b[:min(r.size, len(r.b))])
	r.b = r.b[n:]
	return n, nil
}

// again is Next, called again after each deadline, as the reader does.
func again(c *Conn) ([]byte, error) {
	for {
		ready := c.Buffered()
		p, err := c.Next()
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return p, err
		}
		if ready {
			return nil, errors.New("a packet was said to be buffered, and Next waits")
		}
	}
}

func TestBuffered(t *testing.T) {
	t.Parallel()
	line := slices.Concat(frame(1, event(10)), frame(2, event(20)), frame(3, event(30))[:20])
	c := dumpingConn(&chunks{b: line, size: len(line)}, defaultMaxPacket)
	want := []bool{false, true, false} // before each of the three
	for i, w := range want {
		if got := c.Buffered(); got != w {
			t.Errorf("before packet %d: buffered %v, want %v", i+1, got, w)
		}
		if _, err := again(c); (err != nil) != (i == 2) {
			t.Errorf("packet %d: %v", i+1, err)
		}
	}
}

func TestDamagedPackets(t *testing.T) {
	t.Parallel()
	good := frame(1, event(5))
	tests := []struct {
		name string
		line []byte
		want error
	}{
		{"number missing", frame(2, event(5)), ErrSequence},
		{"number doubled", slices.Concat(good, good), ErrSequence},
		{"gap in a packet of two frames", slices.Concat(frame(1, event(maxFrame-1)), frame(3, nil)), ErrSequence},
		{"too large", slices.Concat(frame(1, event(maxFrame-1)), frame(2, event(maxFrame-1)), frame(3, event(maxFrame-1))), ErrTooLarge},
		{"empty", frame(1, nil), ErrMalformed},
		{"no event", frame(1, []byte{0}), ErrMalformed},
		{"unknown kind", frame(1, []byte("\x07abc")), ErrMalformed},
		{"end of file too long", frame(1, append([]byte{0xfe}, make([]byte, 20)...)), ErrMalformed},
		{"error too short", frame(1, []byte{0xff, 1}), ErrMalformed},
		{"closed between packets", good, io.ErrUnexpectedEOF},
		{"closed within a header", append(slices.Clone(good), 1, 0), io.ErrUnexpectedEOF},
		{"closed within a frame", append(slices.Clone(good), frame(2, event(9))[:8]...), io.ErrUnexpectedEOF},
		{"closed within a large one", frame(1, event(readSize))[:readSize-9], io.ErrUnexpectedEOF},
		{"closed between frames", frame(1, event(maxFrame-1)), io.ErrUnexpectedEOF},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := dumpingConn(bytes.NewReader(test.line), 2*maxFrame+10)
			var err error
			for err == nil {
				_, err = c.Next()
			}
			var named *PacketError
			if !errors.Is(err, test.want) || !errors.As(err, &named) {
				t.Fatalf("got %v, want a *PacketError of %v", err, test.want)
			}
			if named.Name() == "" || named.Remedy() == "" || named.Detail == "" {
				t.Errorf("got %#v: a person needs more", named)
			}
		})
	}
}

// TestTruncatedEverywhere cuts a packet of two frames off at many places, and a small one at every byte.
func TestTruncatedEverywhere(t *testing.T) {
	t.Parallel()
	small, large := frame(1, event(50)), packetBytes(1, event(maxFrame+70))
	cuts := []int{0, 1, 3, 4, 5, maxFrame, maxFrame + 3, maxFrame + 4, maxFrame + 5, maxFrame + 8, maxFrame + 9, len(large) - 1}
	check := func(line []byte) {
		if _, err := dumpingConn(iotest.DataErrReader(bytes.NewReader(line)), defaultMaxPacket).Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d bytes: got %v, want io.ErrUnexpectedEOF", len(line), err)
		}
	}
	for i := range small {
		check(small[:i])
	}
	for _, i := range cuts {
		check(large[:i])
	}
}

func TestLogEnds(t *testing.T) {
	t.Parallel()
	c := dumpingConn(bytes.NewReader(frame(1, []byte{0xfe, 0, 0, 2, 0})), defaultMaxPacket)
	if _, err := c.Next(); err != io.EOF { //nolint:errorlint // the contract is the value itself
		t.Errorf("got %v, want io.EOF", err)
	}
	if _, err := c.Next(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("behind the end: got %v, want an error", err)
	}
	refused := append([]byte{0xff, 0xd4, 0x04}, "#HY000Could not find first log file"...)
	for _, seq := range []byte{1, 0, 77} { // a server that ends counts as it likes
		_, err := dumpingConn(bytes.NewReader(frame(seq, refused)), defaultMaxPacket).Next()
		var said *ServerError
		if !errors.As(err, &said) || *said != (ServerError{1236, "HY000", "Could not find first log file"}) {
			t.Errorf("packet %d: got %v", seq, err)
		}
	}
}

// TestAnnounced: a length that no bytes follow costs no memory.
func TestAnnounced(t *testing.T) {
	c := dumpingConn(io.MultiReader(bytes.NewReader([]byte{0xff, 0xff, 0xff, 1, 0}), iotest.ErrReader(io.ErrUnexpectedEOF)), defaultMaxPacket)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := c.Next(); err == nil {
		t.Fatal("got no error")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 4*readSize {
		t.Errorf("allocated %d bytes for one", got)
	}
}

func TestNextAllocates(t *testing.T) {
	c := dumpingConn(&endless{line: logOf(1000, 300)}, defaultMaxPacket)
	got := testing.AllocsPerRun(5000, func() {
		if _, err := c.Next(); err != nil {
			t.Fatal(err)
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations an event, want none", got)
	}
}

// logOf is a multiple of 256 packets, so that it can be repeated.
func logOf(atLeast, size int) []byte {
	var line []byte
	for i := range (atLeast + 255) / 256 * 256 {
		line = append(line, frame(byte(i+1), event(size))...)
	}
	return line
}

type endless struct {
	line []byte
	at   int
}

func (r *endless) Read(p []byte) (int, error) {
	n := copy(p, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	return n, nil
}

// FuzzPacket reads the input as what a server sends, in two ways of splitting it, and as the content of packets.
func FuzzPacket(f *testing.F) {
	f.Add(slices.Concat(frame(1, event(3)), frame(2, event(400)), frame(3, []byte{0xfe, 0, 0, 2, 0})), uint16(1))
	f.Add(slices.Concat(frame(1, event(3)), frame(2, append([]byte{0xff, 0xd4, 4}, "#HY000no"...))), uint16(5))
	f.Add([]byte{0xff, 0xff, 0xff, 1, 0, 1, 2}, uint16(3))
	f.Add(slices.Concat(frame(1, event(3)), frame(3, event(3))), uint16(2))
	f.Fuzz(func(t *testing.T, line []byte, size uint16) {
		whole := dumpingConn(bytes.NewReader(line), 1<<20)
		split := dumpingConn(&chunks{b: line, size: max(1, int(size))}, 1<<20)
		for {
			a, aerr := whole.Next()
			b, berr := again(split)
			if !bytes.Equal(a, b) || (aerr == nil) != (berr == nil) || aerr != nil && aerr.Error() != berr.Error() {
				t.Fatalf("in one: %x, %v; split: %x, %v", a, aerr, b, berr)
			}
			if aerr != nil {
				break
			}
		}
		same(t, line, max(1, int(size)))
	})
}

// same sends line as packets of size bytes and reads them back.
func same(t *testing.T, line []byte, size int) {
	out := &bytesConn{}
	s := newStream(out, 1<<20)
	var sent [][]byte
	for p := range slices.Chunk(line, size) {
		sent = append(sent, p)
		if err := s.send(p); err != nil {
			t.Fatal(err)
		}
	}
	back := newStream(&bytesConn{r: iotest.HalfReader(bytes.NewReader(out.got.Bytes()))}, 1<<20)
	for i, want := range sent {
		if got, err := back.packet(); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("packet %d: got %x, %v, want %x", i, got, err, want)
		}
	}
}

// BenchmarkNext reads events of 300 bytes over loopback.
func BenchmarkNext(b *testing.B) {
	for _, size := range []int{60, 300, 8 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("bytes=%d", size), func(b *testing.B) { benchmarkNext(b, size) })
	}
}

func benchmarkNext(b *testing.B, size int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	line := logOf(max(256, min(4096, 16<<20/size)), size)
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := l.Accept()
		for err == nil {
			_, err = conn.Write(line)
		}
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	c := &Conn{raw: raw, stream: newStream(raw, defaultMaxPacket), state: dumping}
	c.stream.seq = 1
	b.SetBytes(int64(size + 1 + headerSize))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Next(); err != nil {
			b.Fatal(err)
		}
	}
	raw.Close()
	<-done
}

// TestGiant: memory is that of the packet while it is there, and given back afterwards (G7).
func TestGiant(t *testing.T) {
	if testing.Short() {
		t.Skip("its packet has 100 MB")
	}
	size := 100 << 20
	line := append(packetBytes(1, event(size)), frame(byte(size/maxFrame)+2, event(3))...)
	c := dumpingConn(bytes.NewReader(line), defaultMaxPacket)
	if p, err := c.Next(); err != nil || len(p) != size {
		t.Fatalf("got %d bytes, %v", len(p), err)
	}
	if got := cap(c.stream.big); got > 2*size {
		t.Errorf("%d bytes for %d", got, size)
	}
	if p, err := c.Next(); err != nil || len(p) != 3 {
		t.Fatalf("behind it: got %d bytes, %v", len(p), err)
	}
	if got := cap(c.stream.big); got > keepSize {
		t.Errorf("%d bytes are kept", got)
	}
}

// TestCancelled: a context ends each call at any time, and nothing stays behind.
func TestCancelled(t *testing.T) {
	t.Parallel()
	why := errors.New("this is why")
	for range 20 {
		address, wait := serve(t, func(p *peer) {
			p.send(hello(allCapabilities, nativePassword, salt))
			p.response()
			p.send(okPacket)
			p.s.seq = 0
			p.receive()
		})
		c, err := Connect(t.Context(), configFor(address))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		timer := time.AfterFunc(rand.N(5*time.Millisecond), func() { cancel(why) })
		if _, err = c.Query(ctx, "SELECT 1"); !errors.Is(err, why) {
			t.Errorf("got %v, want the cause", err)
		}
		if _, err := c.Query(t.Context(), "SELECT 1"); err == nil {
			t.Error("the connection can be used after that")
		}
		timer.Stop()
		c.Close()
		if err := wait(); err != nil {
			t.Error(err)
		}
	}
}
