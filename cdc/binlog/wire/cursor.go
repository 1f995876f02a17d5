package wire

import (
	"bytes"
	"encoding/binary"
)

// cursor takes a packet apart. Reading behind the end gives zeros and sets short; the caller looks once, at the
// end. Slices are parts of the packet.
type cursor struct {
	p     []byte // what is left
	short bool
}

func (c *cursor) bytes(n uint64) []byte {
	if n > uint64(len(c.p)) {
		c.short = true
		c.p = nil
		return nil
	}
	b := c.p[:n]
	c.p = c.p[n:]
	return b
}

func (c *cursor) uint(size uint64) uint64 {
	var b [8]byte
	copy(b[:], c.bytes(size))
	return binary.LittleEndian.Uint64(b[:])
}

func (c *cursor) byte() byte     { return byte(c.uint(1)) }
func (c *cursor) uint16() uint16 { return uint16(c.uint(2)) }
func (c *cursor) uint32() uint32 { return uint32(c.uint(4)) }

// lenenc reads a length-encoded integer. 0xfb and 0xff begin none.
func (c *cursor) lenenc() uint64 {
	switch b := c.byte(); b {
	case 0xfb, 0xff:
		c.short = true
		return 0
	case 0xfc:
		return c.uint(2)
	case 0xfd:
		return c.uint(3)
	case 0xfe:
		return c.uint(8)
	default:
		return uint64(b)
	}
}

// text reads a length-encoded string.
func (c *cursor) text() []byte { return c.bytes(c.lenenc()) }

// zeroText reads to a zero byte, or to the end where there is none: some servers forget the last one.
func (c *cursor) zeroText() []byte {
	b, rest, _ := bytes.Cut(c.p, []byte{0})
	c.p = rest
	return b
}

func appendLenenc(b []byte, n int) []byte {
	switch {
	case n < 0xfb:
		return append(b, byte(n))
	case n <= 0xffff:
		return binary.LittleEndian.AppendUint16(append(b, 0xfc), uint16(n))
	case n <= 0xffffff:
		return append(b, 0xfd, byte(n), byte(n>>8), byte(n>>16))
	}
	return binary.LittleEndian.AppendUint64(append(b, 0xfe), uint64(n))
}

func appendText[T string | []byte](b []byte, s T) []byte {
	return append(appendLenenc(b, len(s)), s...)
}
