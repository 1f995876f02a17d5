package event

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// Compression of a TransactionPayload.
const (
	payloadZstd  = 0
	payloadPlain = 255
)

// maxWindow is the memory that unpacking may take besides the events: zstd's highest level asks for this much.
const maxWindow = 128 << 20

func payload(c *cursor) *TransactionPayload {
	const end, size, compression, uncompressed = 0, 1, 2, 3
	p := &TransactionPayload{}
	said := uint64(0)
	for c.err == nil {
		field := c.packed()
		if field == end {
			break
		}
		b := c.part(c.length())
		switch field {
		case size:
			said = b.packed()
		case compression:
			p.Compression = b.packed()
		case uncompressed:
			p.Uncompressed = b.packed()
		}
		if b.err != nil {
			c.err = b.err
		}
	}
	if said != uint64(c.left()) {
		c.fail("a payload of %d bytes where %d are left", said, c.left())
	}
	p.Data = c.rest()
	return p
}

// PayloadReader reads the events of a compressed transaction, one after another: only the present one is in
// memory.
type PayloadReader struct {
	d    *Decoder
	from io.Reader
	left uint64 // bytes that the payload says are still to come
	buf  bytes.Buffer
}

// Payload begins to read a transaction's events. p must be the last event that Decode returned, and d is used
// for these events until Next has returned io.EOF.
func (d *Decoder) Payload(p *TransactionPayload) (*PayloadReader, error) {
	r := &PayloadReader{d: d, left: p.Uncompressed}
	switch p.Compression {
	case payloadPlain:
		r.from, r.left = bytes.NewReader(p.Data), uint64(len(p.Data))
		return r, nil
	case payloadZstd:
		err := d.unpack(p.Data)
		r.from = d.zstd
		return r, err
	}
	return nil, &MalformedError{Type: TransactionPayloadType, Reason: fmt.Sprintf("compression %d is not known", p.Compression)}
}

func (d *Decoder) unpack(data []byte) (err error) {
	if d.zstd == nil {
		d.zstd, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxWindow))
	}
	if err == nil {
		err = d.zstd.Reset(bytes.NewReader(data))
	}
	if err != nil {
		return &MalformedError{Type: TransactionPayloadType, Reason: err.Error()}
	}
	return nil
}

// Next returns the next event, which is valid until the next call, and io.EOF behind the last. These events have
// no checksum of their own, since the payload has one. Other errors are as of Decode.
func (r *PayloadReader) Next() (Header, Event, error) {
	if r.left == 0 {
		return Header{}, nil, r.end()
	}
	raw, err := r.raw()
	if err != nil {
		return Header{}, nil, err
	}
	h, err := readHeader(raw)
	if err != nil {
		return h, nil, err
	}
	switch h.Type {
	case TransactionPayloadType, FormatDescriptionType, RotateType:
		return h, nil, &MalformedError{Type: h.Type, Reason: "it is within a compressed transaction"}
	}
	e, err := r.d.decode(h, raw[headerSize:])
	return h, e, err
}

// raw reads one event's bytes. The buffer grows with what there is, not with what the header says.
func (r *PayloadReader) raw() ([]byte, error) {
	if r.buf.Cap() > keptBuffer {
		r.buf = bytes.Buffer{}
	}
	r.buf.Reset()
	if err := r.take(headerSize); err != nil {
		return nil, err
	}
	size := littleEndian(r.buf.Bytes()[9:13])
	if size < headerSize || size > maxEvent {
		return nil, &MalformedError{Type: TransactionPayloadType, Reason: fmt.Sprintf("an event of %d bytes within it", size)}
	}
	if err := r.take(size - headerSize); err != nil {
		return nil, err
	}
	return r.buf.Bytes(), nil
}

func (r *PayloadReader) take(n uint64) error {
	if n > r.left {
		return &MalformedError{Type: TransactionPayloadType, Reason: fmt.Sprintf("%d bytes are due within it where %d are left", n, r.left)}
	}
	r.left -= n
	_, err := io.CopyN(&r.buf, r.from, int64(n))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return &MalformedError{Type: TransactionPayloadType, Reason: err.Error()}
	}
	return nil
}

// end makes sure that nothing follows.
func (r *PayloadReader) end() error {
	n, err := io.CopyN(io.Discard, r.from, 1)
	switch {
	case n > 0:
		return &MalformedError{Type: TransactionPayloadType, Reason: "it holds more bytes than it says"}
	case !errors.Is(err, io.EOF):
		return &MalformedError{Type: TransactionPayloadType, Reason: err.Error()}
	}
	return io.EOF
}
