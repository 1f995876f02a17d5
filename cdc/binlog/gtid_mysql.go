package binlog

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// mysqlSet is a set of MySQL's GTIDs: by source UUID and tag, sorted, none empty.
type mysqlSet []mysqlSource

// mysqlSource is the transactions of one source and tag.
type mysqlSource struct {
	sid       [16]byte
	tag       string     // lower case; "" = none
	intervals []interval // sorted; between two at least one number is missing
}

// interval is first to last, both inside; 1 <= first <= last <= maxGNO.
type interval struct{ first, last int64 }

// maxGNO is the largest number that MySQL gives a transaction.
const maxGNO = math.MaxInt64 - 1

// maxTag is the length of the longest tag.
const maxTag = 32

// parseMySQLSet reads a set as MySQL prints it, with blanks and line ends anywhere between its parts, upper or
// lower case, and the same source any number of times. Both ways to write tags are understood: behind the
// intervals of their UUID ("uuid:1-9:tag:1-3", as 8.3+ prints them) and each with the UUID before it.
func parseMySQLSet(text string) (mysqlSet, error) {
	var s mysqlSet
	for entry := range strings.SplitSeq(text, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue // as MySQL does
		}
		if err := s.parseEntry(entry); err != nil {
			return nil, err
		}
	}
	for i := range s {
		s[i].normalise()
	}
	return s, nil
}

// parseEntry reads "uuid:1-9:11:tag:1-3". Intervals are left as they come.
func (s *mysqlSet) parseEntry(entry string) error {
	uuid, rest, _ := strings.Cut(entry, ":")
	sid, err := parseUUID(strings.TrimSpace(uuid))
	if err != nil {
		return err
	}
	tag, intervals := "", 0
	for part := range strings.SplitSeq(rest, ":") {
		part = strings.TrimSpace(part)
		if isTag(part) {
			if tag != "" && intervals == 0 {
				return fmt.Errorf("GTID set: no numbers behind tag %q", tag)
			}
			tag, intervals = strings.ToLower(part), 0
			continue
		}
		v, err := parseInterval(part)
		if err != nil {
			return err
		}
		source := s.source(sid, tag)
		source.intervals = append(source.intervals, v)
		intervals++
	}
	if intervals == 0 {
		return fmt.Errorf("GTID set: no numbers in %q", entry)
	}
	return nil
}

// parseUUID reads "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11".
func parseUUID(text string) (sid [16]byte, err error) {
	bare := strings.ReplaceAll(text, "-", "")
	if len(text) == 36 && len(bare) == 32 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		if _, err := hex.Decode(sid[:], []byte(bare)); err == nil {
			return sid, nil
		}
	}
	return sid, fmt.Errorf("GTID set: %q is no UUID", text)
}

// isTag: a letter or underscore, then letters, digits and underscores.
func isTag(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_':
		case i > 0 && c >= '0' && c <= '9':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxTag
}

func parseInterval(text string) (interval, error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	a, aerr := strconv.ParseUint(strings.TrimSpace(first), 10, 63)
	b, berr := strconv.ParseUint(strings.TrimSpace(last), 10, 63)
	if aerr != nil || berr != nil || a < 1 || a > b || b > maxGNO {
		return interval{}, fmt.Errorf("GTID set: %q is no interval", text)
	}
	return interval{int64(a), int64(b)}, nil
}

// text is the set as MySQL takes it, without blanks, each tag with its UUID before it.
func (s mysqlSet) text() string {
	var b []byte
	for i := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = s[i].append(b)
	}
	return string(b)
}

// append appends "uuid:1-9:11" or "uuid:tag:1-3".
func (s *mysqlSource) append(b []byte) []byte {
	return strconv.AppendInt(s.appendStem(b), s.last(), 10)
}

// appendStem is append without the last number.
func (s *mysqlSource) appendStem(b []byte) []byte {
	from := 0
	for _, to := range []int{4, 6, 8, 10, 16} {
		if from > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, s.sid[from:to])
		from = to
	}
	if s.tag != "" {
		b = append(append(b, ':'), s.tag...)
	}
	for i, v := range s.intervals {
		b = append(b, ':')
		if v.first < v.last {
			b = append(strconv.AppendInt(b, v.first, 10), '-')
		}
		if i < len(s.intervals)-1 {
			b = strconv.AppendInt(b, v.last, 10)
		}
	}
	return b
}

// last is the source's largest number.
func (s *mysqlSource) last() int64 { return s.intervals[len(s.intervals)-1].last }

func (s mysqlSet) clone() mysqlSet {
	c := slices.Clone(s)
	for i := range c {
		c[i].intervals = slices.Clone(c[i].intervals)
	}
	return c
}

// find tells where a source is, or would be.
func (s mysqlSet) find(sid [16]byte, tag string) (int, bool) {
	return slices.BinarySearchFunc(s, sid, func(a mysqlSource, sid [16]byte) int {
		return cmp.Or(bytes.Compare(a.sid[:], sid[:]), strings.Compare(a.tag, tag))
	})
}

// source returns a source, which it adds where it is missing.
func (s *mysqlSet) source(sid [16]byte, tag string) *mysqlSource {
	i, found := s.find(sid, tag)
	if !found {
		*s = slices.Insert(*s, i, mysqlSource{sid: sid, tag: tag})
	}
	return &(*s)[i]
}

// add adds a transaction, whose number is 1 to maxGNO.
func (s *mysqlSet) add(sid [16]byte, tag string, n int64) { s.source(sid, tag).add(n) }

func (s *mysqlSource) add(n int64) {
	v := s.intervals
	i, _ := slices.BinarySearchFunc(v, n, func(v interval, n int64) int { return cmp.Compare(v.last, n) })
	// All before i end before n.
	joins := i > 0 && v[i-1].last == n-1
	switch {
	case i < len(v) && v[i].first <= n:
	case joins && i < len(v) && v[i].first == n+1:
		v[i-1].last = v[i].last
		s.intervals = slices.Delete(v, i, i+1)
	case joins:
		v[i-1].last = n
	case i < len(v) && v[i].first == n+1:
		v[i].first = n
	default:
		s.intervals = slices.Insert(v, i, interval{n, n})
	}
}

// normalise sorts intervals and joins those that touch.
func (s *mysqlSource) normalise() {
	slices.SortFunc(s.intervals, func(a, b interval) int { return cmp.Compare(a.first, b.first) })
	kept := s.intervals[:1]
	for _, v := range s.intervals[1:] {
		if last := &kept[len(kept)-1]; v.first <= last.last+1 {
			last.last = max(last.last, v.last)
			continue
		}
		kept = append(kept, v)
	}
	s.intervals = kept
}

// holds reports whether all of v is in one interval; between intervals numbers are missing.
func (s *mysqlSource) holds(v interval) bool {
	i, _ := slices.BinarySearchFunc(s.intervals, v.last, func(a interval, n int64) int { return cmp.Compare(a.last, n) })
	return i < len(s.intervals) && s.intervals[i].first <= v.first
}

// containsSet reports whether the set has all that t has.
func (s mysqlSet) containsSet(t mysqlSet) bool {
	for _, source := range t {
		i, found := s.find(source.sid, source.tag)
		if !found {
			return false
		}
		for _, v := range source.intervals {
			if !s[i].holds(v) {
				return false
			}
		}
	}
	return true
}

// encode is the set in the form that COM_BINLOG_DUMP_GTID takes: the number of sources, then for each its UUID,
// the number of its intervals, and of each the first number and the one behind the last, all in 8 bytes.
//
// Where a set has tags, the number of sources stands in bits 8 to 55 with the number 1 of the format above and
// below it, and each source has its tag between UUID and intervals, with the length doubled before it (the
// server's variable-length integer, one byte up to 127). Servers before 8.3 know neither. That form is from
// MySQL's published source (Gtid_set::encode in sql/rpl_gtid_set.cc, Tag::encode_tag in libs/mysql/gtid); no
// server has taken it from us yet.
func (s mysqlSet) encode() []byte {
	tagged := slices.ContainsFunc(s, func(m mysqlSource) bool { return m.tag != "" })
	size := 8
	for _, m := range s {
		size += len(m.sid) + 1 + len(m.tag) + 8 + 16*len(m.intervals)
	}
	n := uint64(len(s))
	if tagged {
		n = 1<<56 | n<<8 | 1
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, size), n)
	for _, m := range s {
		b = append(b, m.sid[:]...)
		if tagged {
			b = append(append(b, byte(len(m.tag)<<1)), m.tag...)
		}
		b = binary.LittleEndian.AppendUint64(b, uint64(len(m.intervals)))
		for _, v := range m.intervals {
			b = binary.LittleEndian.AppendUint64(b, uint64(v.first))
			b = binary.LittleEndian.AppendUint64(b, uint64(v.last)+1)
		}
	}
	return b
}
