package postgres

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// pair is a TCP connection, its reading end wrapped.
func pair(t *testing.T) (reader, writer net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	writer = <-accepted
	t.Cleanup(func() { _ = c.Close(); _ = writer.Close() })
	return newBulkConn(c), writer
}

// TestBulkReads sends many small pieces, at full speed and one by one: all arrive, in order, the single
// ones soon.
func TestBulkReads(t *testing.T) {
	r, w := pair(t)
	piece := bytes.Repeat([]byte("0123456789"), 10)
	const n = 50_000
	got := make(chan error, 1)
	go func() {
		all, err := io.ReadAll(io.LimitReader(r, int64(n*len(piece))))
		if err == nil && !bytes.Equal(all, bytes.Repeat(piece, n)) {
			err = errors.New("other bytes than were sent")
		}
		got <- err
	}()
	for range n {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := await(t, "all bytes", got); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1000)
	for range 100 {
		if _, err := w.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := r.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if k, err := r.Read(buf); k != 1 || err != nil {
			t.Fatalf("got %d bytes and error %v", k, err)
		}
	}
}

// TestBulkDeadline: the user's deadline holds in both ways of reading, one that is set meanwhile too.
func TestBulkDeadline(t *testing.T) {
	r, w := pair(t)
	c, ok := r.(*bulkConn)
	if !ok {
		if canLowWater {
			t.Fatalf("got a %T", r)
		}
		return
	}
	buf := make([]byte, 10)
	for _, bulk := range []bool{false, true} {
		c.setBulk(bulk)
		if err := r.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(buf); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("bulk %v: got %d bytes and error %v, want the deadline exceeded", bulk, n, err)
		}
		if err := r.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		c.setBulk(bulk)
		done := make(chan error, 1)
		go func() {
			_, err := r.Read(buf)
			done <- err
		}()
		if err := r.SetReadDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := await(t, "the read to be cut off", done); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("bulk %v: got error %v, want the deadline exceeded", bulk, err)
		}
		if err := r.SetReadDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		c.setBulk(bulk)
		if _, err := w.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Read(buf); n != 3 || err != nil {
			t.Errorf("bulk %v: got %d bytes and error %v after the deadline was lifted", bulk, n, err)
		}
	}
}
