package binlog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"ardso/cdc"
)

// flavor is what a position counts by. Positions of different flavors say nothing about each other (MS-7).
type flavor uint8

const (
	noFlavor    flavor = iota // the log's beginning, of whichever server
	mariadbGTID               // the last transaction of each domain
	mysqlGTID                 // a set of transactions
	filePlace                 // a place in a file, where MySQL's gtid_mode is off
)

func (f flavor) String() string {
	return [...]string{"nothing", "GTIDs of MariaDB", "GTIDs of MySQL", "places in files"}[min(int(f), 3)]
}

// What the texts of positions begin with.
const (
	mariadbPrefix = "mariadb:"
	mysqlPrefix   = "mysql:"
	filePrefix    = "file:"
)

// position is what a cdc.Position of MariaDB or MySQL says:
//
//	mariadb:0-1-5,1-101-9                    domain, server and sequence; "mariadb:" = nothing logged yet
//	mysql:<uuid>:1-9:11,<uuid>:tag:1-3       a set of GTIDs
//	file:binlog.000003:4567@<server uuid>    where GTIDs are off
//
// and "" is the log's beginning.
type position struct {
	flavor  flavor
	mariadb mariadbState
	mysql   mysqlSet
	file    place
}

// place is a place in a server's files.
type place struct {
	name   string // "binlog.000003"
	offset uint64
	server string // server_uuid of the server whose files they are: another one's are numbered alike
}

// parsePosition reads a position. Its error names the text.
func parsePosition(text cdc.Position) (position, error) {
	var p position
	var err error
	switch s := string(text); {
	case s == "":
		return position{}, nil
	case strings.HasPrefix(s, mariadbPrefix):
		p.flavor = mariadbGTID
		p.mariadb, err = parseMariaDBState(s[len(mariadbPrefix):])
	case strings.HasPrefix(s, mysqlPrefix):
		p.flavor = mysqlGTID
		p.mysql, err = parseMySQLSet(s[len(mysqlPrefix):])
	case strings.HasPrefix(s, filePrefix):
		p.flavor = filePlace
		p.file, err = parsePlace(s[len(filePrefix):])
	default:
		err = fmt.Errorf("it begins with none of %s, %s and %s", mariadbPrefix, mysqlPrefix, filePrefix)
	}
	if err != nil {
		return position{}, fmt.Errorf("position %q: %w", text, err)
	}
	return p, nil
}

// order grows with the positions of one log: it counts transactions, or is the file's number and the place in it.
func (p position) order() int64 {
	var n int64
	switch p.flavor {
	case mariadbGTID:
		for _, e := range p.mariadb {
			n += int64(e.seq)
		}
	case mysqlGTID:
		for _, s := range p.mysql {
			for _, i := range s.intervals {
				n += i.last - i.first + 1
			}
		}
	case filePlace:
		_, file, _ := fileNumber(p.file.name)
		n = int64(file)<<40 + int64(p.file.offset)
	}
	return n
}

func (p position) text() cdc.Position {
	switch p.flavor {
	case mariadbGTID:
		return cdc.Position(mariadbPrefix + p.mariadb.text())
	case mysqlGTID:
		return cdc.Position(mysqlPrefix + p.mysql.text())
	case filePlace:
		return cdc.Position(filePrefix + p.file.text())
	}
	return ""
}

// covers reports whether a log read to p has passed the transaction that ends at end. It is a partial order.
func (p position) covers(end position) bool {
	if end.flavor == noFlavor {
		return true
	}
	if p.flavor != end.flavor {
		return false
	}
	switch p.flavor {
	case mariadbGTID:
		return p.mariadb.covers(end.mariadb)
	case mysqlGTID:
		return p.mysql.containsSet(end.mysql)
	}
	return p.file.covers(end.file)
}

// clone returns a position that shares no memory with p.
func (p position) clone() position {
	p.mariadb, p.mysql = slices.Clone(p.mariadb), p.mysql.clone()
	return p
}

// within is p, where places count moved on to one that may lie within a transaction.
func (p position) within(here place) position {
	p = p.clone()
	if p.flavor == filePlace {
		p.file.name, p.file.offset = here.name, here.offset
	}
	return p
}

// --- places in files ---

func parsePlace(text string) (place, error) {
	at := strings.LastIndexByte(text, '@')
	if at < 0 || at == len(text)-1 {
		return place{}, fmt.Errorf("no server's UUID behind the place %q", text)
	}
	p := place{server: text[at+1:]}
	colon := strings.LastIndexByte(text[:at], ':')
	if colon < 0 {
		return place{}, fmt.Errorf("no offset in the place %q", text)
	}
	p.name = text[:colon]
	if _, _, ok := fileNumber(p.name); !ok {
		return place{}, fmt.Errorf("%q is no file of a binlog", p.name)
	}
	offset, err := strconv.ParseUint(text[colon+1:at], 10, 64)
	if err != nil {
		return place{}, fmt.Errorf("%q is no offset", text[colon+1:at])
	}
	p.offset = offset
	return p, nil
}

func (p place) text() string {
	return p.name + ":" + strconv.FormatUint(p.offset, 10) + "@" + p.server
}

// covers: files of one name are numbered in the order in which they are written. Another name is another log,
// as another server is.
func (p place) covers(end place) bool {
	name, number, ok := fileNumber(p.name)
	endName, endNumber, endOK := fileNumber(end.name)
	if !ok || !endOK || name != endName || p.server != end.server {
		return false
	}
	return number > endNumber || number == endNumber && p.offset >= end.offset
}

// fileNumber splits "binlog.000003". Servers write at least six digits, and no more noughts than that takes.
func fileNumber(file string) (name string, number uint64, ok bool) {
	dot := strings.LastIndexByte(file, '.')
	if dot < 0 {
		return "", 0, false
	}
	digits := file[dot+1:]
	number, err := strconv.ParseUint(digits, 10, 64)
	return file[:dot], number, err == nil && (len(digits) == 6 || len(digits) > 6 && digits[0] != '0')
}

// --- following the log ---

// tracker follows the log from a position on. Each transaction needs the text of where it ends, hundreds of
// thousands a second, and from one to the next mostly some digits change: the text is kept, and they are
// written into it.
//
// A transaction of another flavor than the position's replaces it: nobody takes the two for comparable, and who
// reads on from there is told.
type tracker struct {
	at      position
	buf     []byte // the text
	numbers []span // of the last number of each domain or source in buf; of a place the offset
	hot     int    // index of the last transaction's domain or source, which is mostly that of the next
}

// span is where a number's digits are.
type span struct{ from, to int }

func newTracker(from position) *tracker {
	t := &tracker{at: from.clone()}
	t.render()
	return t
}

// position returns a copy of where the log has been followed to.
func (t *tracker) position() position { return t.at.clone() }

// text is position().text().
func (t *tracker) text() cdc.Position { return cdc.Position(t.buf) }

// render makes the text anew.
func (t *tracker) render() {
	t.numbers = t.numbers[:0]
	b := t.buf[:0]
	switch t.at.flavor {
	case mariadbGTID:
		b = append(b, mariadbPrefix...)
		for i, g := range t.at.mariadb {
			if i > 0 {
				b = append(b, ',')
			}
			b = t.number(g.appendStem(b), g.seq)
		}
	case mysqlGTID:
		b = append(b, mysqlPrefix...)
		for i := range t.at.mysql {
			if i > 0 {
				b = append(b, ',')
			}
			s := &t.at.mysql[i]
			b = t.number(s.appendStem(b), uint64(s.last()))
		}
	case filePlace:
		b = append(append(append(b, filePrefix...), t.at.file.name...), ':')
		b = append(append(t.number(b, t.at.file.offset), '@'), t.at.file.server...)
	}
	t.buf = b
}

// number appends one of numbers.
func (t *tracker) number(b []byte, n uint64) []byte {
	from := len(b)
	b = strconv.AppendUint(b, n, 10)
	t.numbers = append(t.numbers, span{from, len(b)})
	return b
}

// write writes a number over the one before, where it has as many digits.
func (t *tracker) write(i int, n uint64) {
	at := t.numbers[i]
	end := at.to
	for ; n > 0 && end > at.from; n /= 10 {
		end--
		t.buf[end] = '0' + byte(n%10)
	}
	if n > 0 || end > at.from {
		t.render()
	}
}

// become makes the position one of that flavor.
func (t *tracker) become(f flavor) {
	t.at = position{flavor: f}
	t.hot = 0
}

// mariadb takes a transaction of MariaDB.
func (t *tracker) mariadb(domain, server uint32, seq uint64) {
	if t.at.flavor != mariadbGTID {
		t.become(mariadbGTID)
	}
	i := t.hot
	if i >= len(t.at.mariadb) || t.at.mariadb[i].domain != domain {
		var found bool
		i, found = t.at.mariadb.find(domain)
		if !found {
			t.at.mariadb = slices.Insert(t.at.mariadb, i, mariadbEntry{domain: domain, server: ^server})
		}
		t.hot = i
	}
	g := &t.at.mariadb[i]
	same := g.server == server
	g.server, g.seq = server, seq
	if same {
		t.write(i, seq)
		return
	}
	t.render()
}

// mysql takes a transaction of MySQL. What is no number of a transaction moves nothing.
func (t *tracker) mysql(sid [16]byte, tag string, n int64) {
	if t.at.flavor != mysqlGTID {
		t.become(mysqlGTID)
		t.render()
	}
	if n < 1 || n > maxGNO {
		return
	}
	i := t.hot
	if i >= len(t.at.mysql) || t.at.mysql[i].sid != sid || t.at.mysql[i].tag != tag {
		i, _ = t.at.mysql.find(sid, tag)
		t.hot = i
	}
	if i < len(t.at.mysql) && t.at.mysql[i].sid == sid && t.at.mysql[i].tag == tag {
		s := &t.at.mysql[i]
		if last := &s.intervals[len(s.intervals)-1]; last.last+1 == n && last.first < last.last {
			last.last = n
			t.write(i, uint64(n))
			return
		}
	}
	t.at.mysql.add(sid, tag, n)
	t.render()
}

// file takes the end of a transaction in a file.
func (t *tracker) file(name string, offset uint64) {
	same := t.at.flavor == filePlace && t.at.file.name == name
	if t.at.flavor != filePlace {
		t.become(filePlace)
	}
	t.at.file.name, t.at.file.offset = name, offset
	if same {
		t.write(0, offset)
		return
	}
	t.render()
}
