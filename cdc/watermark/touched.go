package watermark

import (
	"strconv"
	"strings"

	"ardso/cdc"
	"ardso/sql/value"
)

// touched keeps the changes that the log showed between a low watermark and the end of the select,
// when the rows they may touch are not known yet. It is bounded: past that the chunk is selected again.
type touched struct {
	changes  []cdc.RowChange // without values but keys; of a job that wants whole rows, of its table, with after images
	bytes    int             // of these
	overflow bool
}

// What is kept while a chunk is being selected is bounded.
const (
	maxTouched      = 50_000
	maxTouchedBytes = 32 << 20
)

// touch takes note of changes after the low watermark.
func (p *pending) touch(changes []cdc.RowChange) {
	if p.chunk != nil {
		p.strike(changes)
		return
	}
	t := &p.touched
	for _, c := range changes {
		if t.overflow {
			return
		}
		kept := cdc.RowChange{Relation: c.Relation, Kind: c.Kind, Before: keyOnly(c.Relation, c.Before), After: keyOnly(c.Relation, c.After)}
		if p.job.Whole != nil {
			if !sameTable(c.Relation, p.job.Whole) {
				continue
			}
			kept.After = c.After
			t.bytes += size(c.After)
		}
		t.changes = append(t.changes, kept)
		if len(t.changes) > maxTouched || t.bytes > maxTouchedBytes {
			*t = touched{overflow: true}
		}
	}
}

// keyOnly copies an image without what is no key, so that large rows are not kept.
func keyOnly(rel *cdc.Relation, image []value.Value) []value.Value {
	if image == nil {
		return nil
	}
	keys := make([]value.Value, len(image))
	for i, v := range image {
		if i < len(rel.Key) && rel.Key[i] {
			keys[i] = v
		}
	}
	return keys
}

// strike takes the rows that changes touch out of the chunk: the log tells of them.
func (p *pending) strike(changes []cdc.RowChange) {
	for i := range changes {
		c := &changes[i]
		if !sameTable(c.Relation, p.chunk.Relation) {
			continue
		}
		if c.Kind == cdc.Truncate {
			clear(p.left)
			p.latest.empty()
			continue
		}
		// Both keys of a change of key: the row was at one and is at the other.
		before, after := p.strikeImage(c, c.Before), p.strikeImage(c, c.After)
		if !p.latest.follow(c, before, after) {
			p.unknown = true
		}
	}
}

// strikeImage returns the key of an image, "" where there is none.
func (p *pending) strikeImage(c *cdc.RowChange, image []value.Value) string {
	if image == nil {
		return ""
	}
	key, ok := rowKey(c.Relation, image, p.chunk.Relation)
	if !ok {
		p.unknown = true
		return ""
	}
	delete(p.left, key)
	return key
}

// latest follows rows of a chunk through the changes that touch them. The zero latest follows none.
type latest struct {
	now   map[string]*cdc.RowChange // by key, the chunk's own and those that its rows were given; nil: not touched, or gone
	order []string                  // those that were touched
}

func newLatest(chunk map[string]int) latest {
	l := latest{now: make(map[string]*cdc.RowChange, len(chunk))}
	for key := range chunk {
		l.now[key] = nil
	}
	return l
}

// follow takes note of a change of the row with key before to one with key after. It reports false where that is one
// of the chunk's, and the log does not tell all of it.
func (l *latest) follow(c *cdc.RowChange, before, after string) bool {
	_, was := l.now[before]
	if _, is := l.now[after]; !was && !is {
		return true
	}
	if was && before != after {
		l.now[before] = nil
	}
	if after == "" {
		return true
	}
	for _, v := range c.After {
		if !v.Known() {
			return false
		}
	}
	if l.now[after] == nil {
		l.order = append(l.order, after)
	}
	l.now[after] = &cdc.RowChange{Relation: c.Relation, Kind: cdc.Selected, After: c.After}
	return true
}

// empty says that the table was emptied.
func (l *latest) empty() {
	for key := range l.now {
		l.now[key] = nil
	}
}

// rows are those that were touched and are there, as the log showed them last.
func (l *latest) rows() (rows []cdc.RowChange) {
	for _, key := range l.order {
		if c := l.now[key]; c != nil {
			rows = append(rows, *c)
			l.now[key] = nil // it may stand in order twice
		}
	}
	return rows
}

func sameTable(a, b *cdc.Relation) bool {
	return strings.EqualFold(a.Table, b.Table) && (a.Schema == "" || b.Schema == "" || strings.EqualFold(a.Schema, b.Schema))
}

// rowKey writes the key of a row of shape rel in the order of the key columns of want. It is false
// where the row does not tell all of it.
func rowKey(rel *cdc.Relation, row []value.Value, want *cdc.Relation) (string, bool) {
	var b strings.Builder
	for i, isKey := range want.Key {
		if !isKey {
			continue
		}
		j := columnIndex(rel, want.Columns[i], i)
		if j < 0 || j >= len(row) || !row[j].Known() {
			return "", false
		}
		writeKey(&b, row[j])
	}
	return b.String(), b.Len() > 0
}

// columnIndex finds a column by name; it is likely to be at hint.
func columnIndex(rel *cdc.Relation, name string, hint int) int {
	if hint < len(rel.Columns) && strings.EqualFold(rel.Columns[hint], name) {
		return hint
	}
	for i, n := range rel.Columns {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// writeKey writes a value so that equal values, and no others, give equal text.
func writeKey(b *strings.Builder, v value.Value) {
	kind := v.Kind()
	if kind == value.KindDecimal {
		kind = value.KindInt // they are equal by number
	}
	text := v.SQL()
	if kind == value.KindReal && v.Real() == 0 {
		text = "0" // -0 is equal to it
	}
	b.WriteByte(byte('a' + kind))
	b.WriteString(strconv.Itoa(len(text)))
	b.WriteByte(':')
	b.WriteString(text)
}

// ring keeps the last IDs added. count is how many ever were.
type ring struct {
	ids   []uint64
	size  int
	count int
}

func newRing(size int) ring { return ring{size: size} }

func (r *ring) add(id uint64) {
	if len(r.ids) < r.size {
		r.ids = append(r.ids, id)
	} else {
		r.ids[r.count%r.size] = id
	}
	r.count++
}

// all reports whether ok holds for every ID kept of the first n that were added.
func (r *ring) all(n int, ok func(uint64) bool) bool {
	for i := max(0, r.count-len(r.ids)); i < n; i++ {
		if !ok(r.ids[i%r.size]) {
			return false
		}
	}
	return true
}
