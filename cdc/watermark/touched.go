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
	changes  []cdc.RowChange // without values but keys
	overflow bool
}

// maxTouched bounds the changes kept while a chunk is being selected.
const maxTouched = 50_000

// touch takes note of changes after the low watermark.
func (p *pending) touch(changes []cdc.RowChange) {
	if p.chunk != nil {
		p.strike(changes)
		return
	}
	if len(p.touched.changes)+len(changes) > maxTouched {
		p.touched.overflow, p.touched.changes = true, nil
	}
	if p.touched.overflow {
		return
	}
	for _, c := range changes {
		p.touched.changes = append(p.touched.changes, cdc.RowChange{
			Relation: c.Relation, Kind: c.Kind,
			Before: keyOnly(c.Relation, c.Before), After: keyOnly(c.Relation, c.After),
		})
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
			continue
		}
		// Both keys of a change of key: the row was at one and is at the other.
		p.strikeImage(c, c.Before)
		p.strikeImage(c, c.After)
	}
}

func (p *pending) strikeImage(c *cdc.RowChange, image []value.Value) {
	if image == nil {
		return
	}
	key, ok := rowKey(c.Relation, image, p.chunk.Relation)
	if !ok {
		p.unknown = true
		return
	}
	delete(p.left, key)
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
