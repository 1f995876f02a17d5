package postgres

import (
	"errors"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

const (
	bulkLowWater = 512 << 10             // bytes that must have arrived before a reader that is behind is woken
	bulkWait     = 2 * time.Millisecond  // but no later than this
	bulkLarge    = 16 << 10              // a plain read of so much shows that the reader is behind
	bulkReads    = 32                    // so do so many reads in a row …
	bulkWithin   = 10 * time.Millisecond // … within this time
)

// bulkConn reads a TCP connection in large pieces while much arrives, and byte by byte when little
// does. The server sends each message by itself; woken for each, the reader spends its time in waking
// up. So while it is behind, the kernel is asked (SO_RCVLOWAT) to wake it only for a large piece, or
// after two milliseconds. An idle stream keeps its latency. Where the kernel cannot do this, reads are
// plain.
type bulkConn struct {
	net.Conn
	raw syscall.RawConn

	mu       sync.Mutex
	deadline time.Time // that the user of the connection has set

	// Owned by Read's caller.
	bulk  bool
	off   bool // the kernel refused
	reads int
	since time.Time // when reads began to count
}

// newBulkConn wraps c if it is TCP; all else is returned as it is.
func newBulkConn(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok || !canLowWater {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	return &bulkConn{Conn: c, raw: raw}
}

func (c *bulkConn) Read(p []byte) (int, error) {
	if c.bulk {
		n, err := c.readBulk(p)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || c.expired() {
			return n, err
		}
	}
	n, err := c.Conn.Read(p)
	c.count(n, time.Now())
	return n, err
}

// readBulk waits for a large piece. When the wait is over first, the next read is plain and takes what
// there is; its size decides how to go on.
func (c *bulkConn) readBulk(p []byte) (int, error) {
	c.setInner(time.Now().Add(bulkWait))
	n, err := c.Conn.Read(p)
	if n == 0 {
		c.setBulk(false)
	}
	c.restore()
	return n, err
}

// count turns to large pieces after a large one, or when small ones come one after another.
func (c *bulkConn) count(n int, now time.Time) {
	if c.off {
		return
	}
	if n >= bulkLarge {
		c.setBulk(true)
		return
	}
	if c.reads == 0 {
		c.since = now
	}
	if c.reads++; c.reads < bulkReads {
		return
	}
	c.reads = 0
	if now.Sub(c.since) < bulkWithin {
		c.setBulk(true)
	}
}

func (c *bulkConn) setBulk(on bool) {
	n := 1
	if on {
		n = bulkLowWater
	}
	if err := setLowWater(c.raw, n); err != nil {
		c.off, c.bulk = true, false
		return
	}
	c.bulk = on
}

// setInner sets a deadline for one read, unless the user's comes first.
func (c *bulkConn) setInner(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.deadline.IsZero() || t.Before(c.deadline) {
		_ = c.Conn.SetReadDeadline(t)
	}
}

func (c *bulkConn) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.Conn.SetReadDeadline(c.deadline)
}

func (c *bulkConn) expired() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.deadline.IsZero() && !time.Now().Before(c.deadline)
}

func (c *bulkConn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetReadDeadline(t)
}

func (c *bulkConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	return c.Conn.SetDeadline(t)
}
