package binlog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// mariadbState is the last transaction of each domain, by domain: what MariaDB calls a GTID position, as in
// @@gtid_binlog_pos and @slave_connect_state.
type mariadbState []mariadbEntry

// mariadbEntry is a GTID of MariaDB, "domain-server-sequence".
type mariadbEntry struct {
	domain, server uint32
	seq            uint64
}

// parseMariaDBState reads "0-1-5,1-101-9", with blanks and line ends around the entries. "" is the state of a
// server that has logged nothing. A domain may occur once: the list of a state with an entry for each server
// (@@gtid_binlog_state) is no position.
func parseMariaDBState(text string) (mariadbState, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	var s mariadbState
	for entry := range strings.SplitSeq(text, ",") {
		g, err := parseMariaDBEntry(strings.TrimSpace(entry))
		if err != nil {
			return nil, err
		}
		s = append(s, g)
	}
	slices.SortFunc(s, func(a, b mariadbEntry) int { return cmp.Compare(a.domain, b.domain) })
	for i := 1; i < len(s); i++ {
		if s[i-1].domain == s[i].domain {
			return nil, fmt.Errorf("GTID domain %d occurs twice", s[i].domain)
		}
	}
	return s, nil
}

func parseMariaDBEntry(text string) (mariadbEntry, error) {
	domain, rest, _ := strings.Cut(text, "-")
	server, seq, _ := strings.Cut(rest, "-")
	d, derr := strconv.ParseUint(domain, 10, 32)
	s, serr := strconv.ParseUint(server, 10, 32)
	n, nerr := strconv.ParseUint(seq, 10, 64)
	if derr != nil || serr != nil || nerr != nil {
		return mariadbEntry{}, fmt.Errorf("%q is no GTID of the form domain-server-sequence", text)
	}
	return mariadbEntry{uint32(d), uint32(s), n}, nil
}

// text is what @slave_connect_state takes.
func (s mariadbState) text() string {
	b := make([]byte, 0, 24*len(s))
	for i, g := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(g.appendStem(b), g.seq, 10)
	}
	return string(b)
}

// appendStem appends "domain-server-".
func (g mariadbEntry) appendStem(b []byte) []byte {
	b = append(strconv.AppendUint(b, uint64(g.domain), 10), '-')
	return append(strconv.AppendUint(b, uint64(g.server), 10), '-')
}

// find tells where a domain is, or would be.
func (s mariadbState) find(domain uint32) (int, bool) {
	return slices.BinarySearchFunc(s, domain, func(g mariadbEntry, d uint32) int { return cmp.Compare(g.domain, d) })
}

// covers: within a domain sequences rise, whichever server writes. Two servers that gave the same number have
// parted ways, so neither has what the other has.
func (s mariadbState) covers(end mariadbState) bool {
	for _, e := range end {
		i, found := s.find(e.domain)
		if !found || s[i].seq < e.seq || s[i].seq == e.seq && s[i].server != e.server {
			return false
		}
	}
	return true
}
