package event

import (
	"encoding/hex"
	"fmt"
	"strconv"

	"ardso/sql/value"
)

// address sets how MariaDB's types for addresses and UUIDs are read: as the text that the server prints.
func (f *field) address(name string) error {
	switch name {
	case "uuid":
		f.pad, f.read = 16, readUUID
	case "inet6":
		f.pad, f.read = 16, readINET6
	case "inet4":
		f.pad, f.read = 4, readINET4
	}
	return nil
}

// complete brings back the zero bytes at the end, which the log cuts off as those of a BINARY.
func (f *field) complete(b []byte) ([]byte, error) {
	if len(b) > f.pad {
		return nil, fmt.Errorf("%d bytes where %d are all", len(b), f.pad)
	}
	return f.padded(b, f.pad), nil
}

// readUUID reads the five parts of a UUID. Those of versions 1 to 5 are stored from the last to the first, so
// that they sort by time; others as they are written.
func readUUID(f *field, b []byte) (value.Value, error) {
	b, err := f.complete(b)
	if err != nil {
		return value.Value{}, err
	}
	var u [16]byte
	copy(u[:], b)
	if b[6]&0x80 != 0 && b[8] > 0 && b[8] <= 0x80 {
		copy(u[0:4], b[12:16])
		copy(u[4:6], b[10:12])
		copy(u[6:8], b[8:10])
		copy(u[8:10], b[6:8])
		copy(u[10:16], b[0:6])
	}
	text := f.texts.scratch[:0]
	for i, part := range [][]byte{u[0:4], u[4:6], u[6:8], u[8:10], u[10:16]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	f.texts.reuse(text)
	return value.Text(f.texts.keep(text)), nil
}

func readINET4(f *field, b []byte) (value.Value, error) {
	b, err := f.complete(b)
	if err != nil {
		return value.Value{}, err
	}
	var text [15]byte
	return value.Text(f.texts.keep(appendINET4(text[:0], b))), nil
}

func appendINET4(text, b []byte) []byte {
	for i, x := range b {
		if i > 0 {
			text = append(text, '.')
		}
		text = strconv.AppendUint(text, uint64(x), 10)
	}
	return text
}

// readINET6 prints eight groups in hexadecimal; the first of the longest runs of zero groups is left out, and an
// IPv4 address within is printed as one.
func readINET6(f *field, b []byte) (value.Value, error) {
	b, err := f.complete(b)
	if err != nil {
		return value.Value{}, err
	}
	var a [16]byte
	copy(a[:], b)
	var room [45]byte
	return value.Text(f.texts.keep(appendINET6(room[:0], a))), nil
}

func appendINET6(text []byte, a [16]byte) []byte {
	group := func(i int) uint64 { return uint64(a[2*i])<<8 | uint64(a[2*i+1]) }
	start, length := longestZeros(group)
	v4 := start == 0 && (length == 6 || length == 5 && group(5) == 0xffff)
	for i := 0; i < 8; i++ {
		switch {
		case i == start && length > 0:
			text = append(text, "::"...)
			i += length - 1
			continue
		case v4 && i == 6:
			if length == 5 {
				text = append(text, ':')
			}
			return appendINET4(text, a[12:])
		case i > 0 && i != start+length:
			text = append(text, ':')
		}
		text = strconv.AppendUint(text, group(i), 16)
	}
	return text
}

// longestZeros finds the groups to leave out; one alone is enough.
func longestZeros(group func(int) uint64) (start, length int) {
	for i := 0; i < 8; i++ {
		n := 0
		for i+n < 8 && group(i+n) == 0 {
			n++
		}
		if n > length {
			start, length = i, n
		}
		i += n
	}
	return start, length
}
