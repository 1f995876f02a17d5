package postgres

import (
	"syscall"

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
