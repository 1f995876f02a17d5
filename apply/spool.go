package apply

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"ardso/mapping"
)

// spool keeps the operations of a large transaction in a file that has no name any more, so that it is gone with the
// process. After a crash the transaction is read from the log again.
type spool struct {
	file  *os.File
	out   *bufio.Writer
	named bool // still
}

// spooled is an operation with what is not stored of it elsewhere.
type spooled struct {
	*mapping.Operation
	SplitBy  []string `json:"spool_split_by,omitempty"`
	Doubtful bool     `json:"spool_doubtful,omitempty"`
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "ardso-*")
	if err != nil {
		return nil, fmt.Errorf("file for a large transaction: %w", err)
	}
	return &spool{file: f, out: bufio.NewWriterSize(f, 1<<16), named: os.Remove(f.Name()) != nil}, nil // not every system removes what is open
}

// add appends the operations of one part.
func (s *spool) add(ops []*mapping.Operation) error {
	part := make([]spooled, len(ops))
	for i, op := range ops {
		part[i] = spooled{op, op.SplitBy, op.Doubtful}
	}
	if err := json.NewEncoder(s.out).Encode(part); err != nil {
		return fmt.Errorf("write a large transaction to %s: %w", s.file.Name(), err)
	}
	return nil
}

// each gives the parts, in order.
func (s *spool) each(f func(ops []*mapping.Operation) error) error {
	err := s.out.Flush()
	if err == nil {
		_, err = s.file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return fmt.Errorf("write a large transaction to %s: %w", s.file.Name(), err)
	}
	in := json.NewDecoder(bufio.NewReaderSize(s.file, 1<<16))
	for {
		var part []spooled
		err := in.Decode(&part)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read a large transaction from %s: %w", s.file.Name(), err)
		}
		ops := make([]*mapping.Operation, len(part))
		for i, x := range part {
			x.Operation.SplitBy, x.Operation.Doubtful = x.SplitBy, x.Doubtful
			ops[i] = x.Operation
		}
		if err := f(ops); err != nil {
			return err
		}
	}
}

func (s *spool) close() {
	_ = s.file.Close() // nothing of it is to be kept
	if s.named {
		_ = os.Remove(s.file.Name())
	}
}
