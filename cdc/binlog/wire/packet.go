package wire

import (
	"errors"
	"fmt"
	"io"
	"net"
)

const (
	headerSize = 4
	maxFrame   = 0xffffff // a frame of this length is continued by the next one

	readSize = 256 << 10 // the read buffer: packets that fit are not copied
	keepSize = 4 << 20   // a buffer for larger ones is kept up to this size
)

// stream is the framing of packets: 3 bytes length, 1 byte sequence number, payload. A read that ends at a
// deadline can be taken up again, within a packet too. Not safe for concurrent use.
type stream struct {
	conn  net.Conn
	limit int   // for the payload of a packet from the server
	seq   uint8 // of the next frame in either direction
	err   error // what ended the stream; nil while it is whole

	buf  []byte // read from conn; buf[r:w] is not taken yet
	r, w int

	big  []byte // a packet that does not fit in buf, as far as it has come
	left int    // bytes that the present frame of big still lacks
	more bool   // big is begun
	last bool   // the present frame is big's last

	out []byte // a frame that is to be written
}

func newStream(conn net.Conn, limit int) *stream {
	return &stream{conn: conn, limit: limit, buf: make([]byte, readSize)}
}

// frame says how long the payload of the frame in front is, if its header is there.
func (s *stream) frame() (int, bool) {
	if s.w-s.r < headerSize {
		return 0, false
	}
	h := s.buf[s.r:]
	return int(h[0]) | int(h[1])<<8 | int(h[2])<<16, true
}

// whole reports whether a packet is in the buffer from end to end.
func (s *stream) whole() bool {
	n, ok := s.frame()
	return ok && !s.more && n < maxFrame && s.w-s.r >= headerSize+n
}

// packet returns the payload of the next packet, valid until the next call.
func (s *stream) packet() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	if s.more {
		return s.large()
	}
	if cap(s.big) > keepSize {
		s.big = nil
	}
	if err := s.fill(headerSize); err != nil {
		return nil, err
	}
	n, _ := s.frame()
	if n > s.limit {
		return nil, s.tooLarge(n)
	}
	if n+headerSize > len(s.buf) {
		return s.large()
	}
	if err := s.fill(headerSize + n); err != nil {
		return nil, err
	}
	p := s.buf[s.r+headerSize : s.r+headerSize+n : s.r+headerSize+n]
	// Errors that a server sends on its own account, as when it ends, may be numbered as it likes.
	if got := s.buf[s.r+3]; got != s.seq && !(n > 0 && p[0] == packetError) {
		return nil, s.gap(got)
	}
	s.seq++
	s.r += headerSize + n
	return p, nil
}

// large reads a packet of several frames, or of one that does not fit in the buffer.
func (s *stream) large() ([]byte, error) {
	if !s.more {
		s.big, s.left, s.last, s.more = s.big[:0], 0, false, true
	}
	for {
		for s.left > 0 {
			if err := s.grow(); err != nil {
				return nil, err
			}
		}
		if s.last {
			s.more = false
			return s.big, nil
		}
		if err := s.next(); err != nil {
			return nil, err
		}
	}
}

// next takes the header of a further frame of big.
func (s *stream) next() error {
	if err := s.fill(headerSize); err != nil {
		return err
	}
	n, _ := s.frame()
	if len(s.big)+n > s.limit {
		return s.tooLarge(len(s.big) + n)
	}
	if got := s.buf[s.r+3]; got != s.seq {
		return s.gap(got)
	}
	s.seq++
	s.r += headerSize
	s.left, s.last = n, n < maxFrame
	return nil
}

// grow adds to big what is there of the present frame. Room is made as bytes arrive, at most twice what has come.
func (s *stream) grow() error {
	if len(s.big) == cap(s.big) {
		room := min(max(readSize, 2*len(s.big)), len(s.big)+s.left)
		b := make([]byte, len(s.big), room)
		copy(b, s.big)
		s.big = b
	}
	at := len(s.big)
	free := s.big[at:min(cap(s.big), at+s.left)]
	n := copy(free, s.buf[s.r:s.w])
	s.r += n
	if n == 0 {
		var err error
		if n, err = s.conn.Read(free); n == 0 && err != nil {
			return s.failed(err)
		}
	}
	s.big = s.big[:at+n]
	s.left -= n
	return nil
}

// fill reads until n bytes are in the buffer. n is not greater than the buffer.
func (s *stream) fill(n int) error {
	if s.w-s.r >= n {
		return nil
	}
	s.w = copy(s.buf, s.buf[s.r:s.w])
	s.r = 0
	for s.w < n {
		got, err := s.conn.Read(s.buf[s.w:])
		s.w += got
		if got == 0 && err != nil {
			return s.failed(err)
		}
	}
	return nil
}

// failed names an error of reading. A deadline leaves the stream as it is; all else ends it.
func (s *stream) failed(err error) error {
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		detail := "the server closed the connection"
		if s.more || s.w > s.r {
			detail += fmt.Sprintf(" %d bytes into a packet", s.w-s.r+len(s.big))
		}
		return s.end(&PacketError{Detail: detail, Err: io.ErrUnexpectedEOF})
	}
	return s.end(fmt.Errorf("read from the server: %w", err))
}

func (s *stream) gap(got uint8) error {
	return s.end(&PacketError{Detail: fmt.Sprintf("number %d where %d was due", got, s.seq), Err: ErrSequence})
}

func (s *stream) tooLarge(n int) error {
	return s.end(&PacketError{Detail: fmt.Sprintf("%d bytes or more, the limit is %d", n, s.limit), Err: ErrTooLarge})
}

// end keeps the first error that ended the stream.
func (s *stream) end(err error) error {
	if s.err == nil {
		s.err = err
	}
	return s.err
}

// send writes a packet, in frames: a payload that ends with a full frame has an empty one behind it.
func (s *stream) send(p []byte) error {
	if s.err != nil {
		return s.err
	}
	for {
		n := min(len(p), maxFrame)
		if err := s.sendFrame(p[:n]); err != nil {
			return err
		}
		p = p[n:]
		if n < maxFrame {
			return nil
		}
	}
}

func (s *stream) sendFrame(p []byte) error {
	s.out = append(s.out[:0], byte(len(p)), byte(len(p)>>8), byte(len(p)>>16), s.seq)
	s.seq++
	rest := p
	if len(p) <= readSize { // in one write, as one segment
		s.out = append(s.out, p...)
		rest = nil
	}
	_, err := s.conn.Write(s.out)
	clear(s.out) // it may be a password
	if err == nil && len(rest) > 0 {
		_, err = s.conn.Write(rest)
	}
	if err != nil {
		return s.end(fmt.Errorf("write to the server: %w", err))
	}
	return nil
}
