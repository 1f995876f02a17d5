package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
)

// position is what a cdc.Position of PostgreSQL says: "16/B374D848@7391234567890123456". The LSN is
// the end of a transaction's commit record (PS-3). The number is the system identifier of the server,
// which a restored or re-created one does not share (PS-10, PS-27).
type position struct {
	lsn    pgoutput.LSN
	system uint64
}

// text is the position's text, without fmt since each transaction needs one.
func (p position) text() cdc.Position {
	b := make([]byte, 0, 40)
	b = appendHex(b, uint32(p.lsn>>32))
	b = append(b, '/')
	b = appendHex(b, uint32(p.lsn))
	b = append(b, '@')
	return cdc.Position(strconv.AppendUint(b, p.system, 10))
}

func appendHex(b []byte, n uint32) []byte {
	at := len(b)
	b = strconv.AppendUint(b, uint64(n), 16)
	for i := at; i < len(b); i++ {
		if b[i] >= 'a' {
			b[i] -= 'a' - 'A'
		}
	}
	return b
}

// parsePosition reads a position; "" is the zero position.
func parsePosition(p cdc.Position) (position, error) {
	if p == "" {
		return position{}, nil
	}
	lsn, system, found := strings.Cut(string(p), "@")
	if !found {
		return position{}, fmt.Errorf("position %q: no system identifier after the log position", p)
	}
	l, err := pgoutput.ParseLSN(lsn)
	if err != nil {
		return position{}, fmt.Errorf("position %q: %w", p, err)
	}
	s, err := strconv.ParseUint(system, 10, 64)
	if err != nil {
		return position{}, fmt.Errorf("position %q: %q is no system identifier", p, system)
	}
	return position{l, s}, nil
}

// covers reports whether a log read to p has passed end. Positions of different systems say nothing
// about each other.
func (p position) covers(end position) bool {
	if end.lsn == 0 {
		return true
	}
	return p.system == end.system && p.lsn >= end.lsn
}
