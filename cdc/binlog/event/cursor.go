package event

import (
	"encoding/binary"
	"fmt"
)

// cursor reads a body from front to back. The first thing that is not there is kept as its error; what is read
// after that is zero.
type cursor struct {
	data []byte
	at   int
	kind Type
	err  error
}

func (c *cursor) fail(format string, args ...any) {
	if c.err == nil {
		c.err = &MalformedError{Type: c.kind, Offset: c.at, Reason: fmt.Sprintf(format, args...)}
	}
}

func (c *cursor) left() int { return len(c.data) - c.at }

// bytes returns the next n bytes, which alias the data.
func (c *cursor) bytes(n int) []byte {
	if n < 0 || c.err != nil || n > c.left() {
		c.fail("%d bytes where %d are left", n, c.left())
		return nil
	}
	b := c.data[c.at : c.at+n : c.at+n]
	c.at += n
	return b
}

func (c *cursor) rest() []byte { return c.bytes(c.left()) }

func (c *cursor) uint8() uint8 {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint48() uint64 {
	if b := c.bytes(6); b != nil {
		return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint16(b[4:]))<<32
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// packed reads a length-encoded integer.
func (c *cursor) packed() uint64 {
	switch n := c.uint8(); n {
	case 252:
		return uint64(c.uint16())
	case 253:
		if b := c.bytes(3); b != nil {
			return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16
		}
		return 0
	case 254:
		return c.uint64()
	case 251, 255:
		c.fail("%d is no length", n)
		return 0
	default:
		return uint64(n)
	}
}

// length reads a length-encoded integer that counts things of which each takes a byte or more.
func (c *cursor) length() int {
	n := c.packed()
	if n > uint64(c.left()) {
		c.fail("a length of %d where %d bytes are left", n, c.left())
		return 0
	}
	return int(n)
}

// zeroed reads up to a zero byte.
func (c *cursor) string(n int) string { return string(c.bytes(n)) }
