package postgres

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const canLowWater = true

// setLowWater sets how many bytes must have arrived before a waiting reader is woken.
func setLowWater(raw syscall.RawConn, n int) error {
	var err error
	if cerr := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, n)
	}); cerr != nil {
		return cerr
	}
	return err
}

// limitUnacknowledged makes the kernel give up a connection whose peer has acknowledged nothing for d.
// Keepalive does not cover that: it is for connections with nothing to send, and feedback is.
func limitUnacknowledged(c *net.TCPConn, d time.Duration) {
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
	})
}
