package event

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
)

// maxEvent is the size of the largest event: max_allowed_packet, which every event must fit in, is no larger.
const maxEvent = 1 << 30

// zlibRatio is more than zlib can make of a byte.
const zlibRatio = 1040

// inflater undoes MariaDB's compression of events and of columns. Its memory is used again for the next.
type inflater struct {
	in  bytes.Reader
	zip io.ReadCloser // zlib
	raw io.ReadCloser // deflate without zlib's header and checksum
	out []byte
}

// event inflates the body of a compressed event: a byte of algorithm and of the length's length, the length with
// the highest byte first, and what zlib made. The result is valid until the next call.
func (z *inflater) event(c *cursor, b []byte) []byte {
	if c.err != nil {
		return nil
	}
	out, err := z.inflateEvent(b)
	if err != nil {
		c.fail("%v", err)
	}
	return out
}

func (z *inflater) inflateEvent(b []byte) ([]byte, error) {
	if len(b) == 0 || b[0]&0x80 == 0 {
		return nil, errors.New("a compressed part without its beginning")
	}
	if algorithm := b[0] >> 4 & 7; algorithm != 0 {
		return nil, fmt.Errorf("compression algorithm %d is not known", algorithm)
	}
	n := int(b[0] & 7)
	if n == 0 || n > 4 || len(b) < 1+n {
		return nil, fmt.Errorf("a compressed part whose length has %d bytes", n)
	}
	return z.inflate(b[1+n:], bigEndian(b[1:1+n]), true)
}

// inflate takes size bytes out of b. Memory is asked for when the size can be true.
func (z *inflater) inflate(b []byte, size uint64, wrapped bool) ([]byte, error) {
	if size > maxEvent || size > uint64(len(b))*zlibRatio {
		return nil, fmt.Errorf("%d bytes cannot be of %d compressed ones", size, len(b))
	}
	r, err := z.reader(b, wrapped)
	if err != nil {
		return nil, fmt.Errorf("compressed bytes: %w", err)
	}
	if uint64(cap(z.out)) <= size || cap(z.out) > keptBuffer && size < keptBuffer {
		z.out = make([]byte, size+1)
	}
	if _, err := io.ReadFull(r, z.out[:size]); err != nil {
		return nil, fmt.Errorf("%d bytes out of %d compressed ones: %w", size, len(b), err)
	}
	// One byte more is asked for, so that the end is seen and with it zlib's checksum.
	if _, err := io.ReadFull(r, z.out[size:size+1]); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%d compressed bytes hold more than %d, or have a wrong checksum", len(b), size)
	}
	return z.out[:size], nil
}

// keptBuffer is what is kept from a large event for small ones.
const keptBuffer = 4 << 20

func (z *inflater) reader(b []byte, wrapped bool) (io.Reader, error) {
	z.in.Reset(b)
	if !wrapped {
		if z.raw == nil {
			z.raw = flate.NewReader(&z.in)
			return z.raw, nil
		}
		return z.raw, z.raw.(flate.Resetter).Reset(&z.in, nil)
	}
	if z.zip == nil {
		r, err := zlib.NewReader(&z.in)
		if err != nil {
			return nil, err
		}
		z.zip = r
		return r, nil
	}
	return z.zip, z.zip.(zlib.Resetter).Reset(&z.in, nil)
}
