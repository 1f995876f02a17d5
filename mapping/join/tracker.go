// Package join makes changes of join forms' requests out of those of their parts.
//
// A Tracker sees the log. Of each part's request that changed it keeps what it was when all was settled last,
// and in rounds it settles: it compares the pairs of then with those of the low watermark that began the round,
// and gives the difference as changes of the join form, with images before and after. What it says depends on
// the log and, for the part that did not change, on a view of the database that lies within the round; what
// changed between the watermark and the view is taken back by the images that the log has of it.
//
// It is pure: reading the view is the caller's (Reader), and so is writing the changes into the log and reading
// them back (Encode, Decode; docs/joins.md).
//
// Read Tracker, then Settle.
package join

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/mapping/request"
	"ardso/sql/schema"
)

// Mark says who made a change: the servers that it has passed before this one, and whether all that it is made
// of are merges, or write-backs.
type Mark struct {
	Merge     bool      `json:"merge,omitempty"`
	WriteBack bool      `json:"write_back,omitempty"`
	Path      []string  `json:"path,omitempty"`
	At        time.Time `json:"at"` // when the last of them was committed
}

func markOf(tx *cdc.Transaction) Mark {
	m := Mark{At: tx.CommitTime}
	if tx.Mark != nil {
		m.Merge, m.WriteBack, m.Path = true, tx.Mark.WriteBack, tx.Mark.Path
	}
	return m
}

// and joins the marks of two changes. Servers that only one of them passed are left out: what returns there
// changes nothing (G1, G6).
func (m Mark) and(o Mark) Mark {
	if o.At.After(m.At) {
		m.At = o.At
	}
	m.Path = slices.DeleteFunc(slices.Clone(m.Path), func(s string) bool { return !slices.Contains(o.Path, s) })
	m.Merge, m.WriteBack = m.Merge && o.Merge, m.WriteBack && o.WriteBack
	return m
}

// Tracker knows what changed of the parts of join forms and is not settled. It is not for concurrent use.
type Tracker struct {
	server string
	forms  []*schema.Form
	parts  map[string]*part // by table
	shapes map[*cdc.Relation]*shape

	aside *changes // up to the low watermark of a round that goes on, or was broken off; nil: none
	round string   // name of that watermark
	now   *changes // since then

	lookups map[*schema.Form]index // of secondary requests that changed; nil since any did
}

// part is a form that join forms have as a part.
type part struct {
	*schema.Form
	used []*schema.Field // by join forms
	of   []string        // names of these
}

// shape is how one relation's rows are read.
type shape struct {
	*request.Shape
	part *part
	lost *schema.Field // a field that is used and not in the log
}

// changes are requests of parts that changed.
type changes struct {
	rows  map[*part]map[string]*row // by part and Request ID
	bytes int
}

// row is a part's request as it was before it changed first.
type row struct {
	before request.Image // nil: there was none
	Mark
}

// Limit is how many bytes of changed requests are kept; more is a *TooManyError.
var Limit = 256 << 20

// TooManyError is a log that tells of more changed requests of parts than can be kept until they are settled.
type TooManyError struct {
	Server string
	Count  int
}

func (e *TooManyError) Error() string {
	return fmt.Sprintf("%s: %d requests of join forms' parts have changed since they were settled last, which is more than memory is given for", e.Server, e.Count)
}
func (e *TooManyError) Name() string { return "join.too_many_changes" }

func (e *TooManyError) Remedy() string {
	return "run `ardso init " + e.Server + "` where its log is lost or far behind, or take the filters of the join form out for the mass change; then transfer the join form's requests, and delete the copies of those that are gone"
}

// NewTracker follows join forms of one server; nil for none.
func NewTracker(server string, forms []*schema.Form) *Tracker {
	if len(forms) == 0 {
		return nil
	}
	t := &Tracker{
		server: server, forms: forms, parts: make(map[string]*part), shapes: make(map[*cdc.Relation]*shape), now: newChanges(),
	}
	for _, f := range forms {
		for n, of := range f.Join.Parts {
			p := t.part(of)
			p.of = append(p.of, f.Name)
			use := func(x *schema.Field) {
				if !slices.Contains(p.used, x) {
					p.used = append(p.used, x)
				}
			}
			for _, k := range of.Key {
				use(k)
			}
			for _, on := range f.Join.On {
				use(on[n])
			}
			for _, from := range f.Join.From {
				if from.Field != nil && from.Part == n {
					use(from.Field)
				}
			}
		}
	}
	return t
}

func newChanges() *changes { return &changes{rows: make(map[*part]map[string]*row)} }

func tableKey(schema, table string) string {
	return strings.ToLower(schema) + "." + strings.ToLower(table)
}

func (t *Tracker) part(f *schema.Form) *part {
	k := tableKey(f.Table.Schema, f.Table.Name)
	p := t.parts[k]
	if p == nil {
		p = &part{Form: f}
		t.parts[k] = p
	}
	return p
}

// Tables lists the parts' tables.
func (t *Tracker) Tables() (tables []*schema.Table) {
	for _, p := range t.parts {
		tables = append(tables, p.Table)
	}
	return tables
}

// Forms lists the join forms that have a table as a part.
func (t *Tracker) Forms(rel *cdc.Relation) []string {
	if p := t.parts[tableKey(rel.Schema, rel.Table)]; p != nil {
		return p.of
	}
	return nil
}

// Waiting reports whether anything is not settled.
func (t *Tracker) Waiting() bool { return t.aside != nil || t.now.count() > 0 }

func (c *changes) count() (n int) {
	for _, rows := range c.rows {
		n += len(rows)
	}
	return n
}

// Note takes note of a row that the log brings. It reports whether the row is news: a part's, which has to be
// settled.
func (t *Tracker) Note(tx *cdc.Transaction, c *cdc.RowChange) (bool, error) {
	sh := t.shapes[c.Relation]
	if sh == nil {
		sh = t.shape(c.Relation)
		if len(t.shapes) > 4096 { // relations are made anew with each connection
			clear(t.shapes)
		}
		t.shapes[c.Relation] = sh
	}
	if sh.part == nil || c.Kind == cdc.Truncate {
		return false, nil
	}
	if sh.lost != nil {
		return false, t.unreadable(sh.part, fmt.Sprintf("the log no longer has column %s of field %q (%d), which join form %q uses", sh.lost.Column.Name, sh.lost.Name, sh.lost.ID, sh.part.of[0]),
			"bring the column back, or take the field out of the join form, and restart")
	}
	before, _ := sh.Image(c.Before) // what means nothing is unchanged in the image, and stays so
	after, _ := sh.After(c.After, c.Before)
	for _, f := range sh.part.used {
		if before != nil && before[f.Index].Kind() == 0 {
			return false, t.unreadable(sh.part, fmt.Sprintf("the log holds no value before the change for field %q (%d)", f.Name, f.ID),
				"run `ardso init "+t.server+"`, which makes the log hold whole rows, and restart")
		}
	}
	if before != nil && after != nil && !slices.ContainsFunc(sh.part.used, func(f *schema.Field) bool { return !same(before[f.Index], after[f.Index]) }) {
		return false, nil
	}
	ids := make([]string, 0, 2)
	if before != nil {
		ids = append(ids, request.ID(sh.part.Form, before))
	}
	if after != nil {
		if id := request.ID(sh.part.Form, after); len(ids) == 0 || ids[0] != id {
			ids = append(ids, id)
		}
	}
	for i, id := range ids {
		r := &row{Mark: markOf(tx)}
		if i == 0 { // under the other it was not there
			r.before = before
		}
		t.now.add(sh.part, id, r)
	}
	t.lookups = nil
	if n := t.now.bytes + t.aside.size(); n > Limit {
		return false, &TooManyError{Server: t.server, Count: t.now.count()}
	}
	return true, nil
}

func (t *Tracker) unreadable(p *part, what, fix string) error {
	return &cdc.UnreadableError{Server: t.server, What: fmt.Sprintf("form %q, table %s: %s", p.Name, p.Table.Name, what), Fix: fix}
}

func (t *Tracker) shape(rel *cdc.Relation) *shape {
	sh := &shape{part: t.parts[tableKey(rel.Schema, rel.Table)]}
	if sh.part == nil {
		return sh
	}
	var missing []*schema.Field
	sh.Shape, missing = request.NewShape(sh.part.Form, rel)
	for _, f := range missing {
		if slices.Contains(sh.part.used, f) {
			sh.lost = f
		}
	}
	return sh
}

// add notes a row; what it was before it changed first stays.
func (c *changes) add(p *part, id string, r *row) {
	rows := c.rows[p]
	if rows == nil {
		rows = make(map[string]*row)
		c.rows[p] = rows
	}
	if was := rows[id]; was != nil {
		was.Mark = was.and(r.Mark)
		return
	}
	rows[id] = r
	c.bytes += 200 + len(id)
	for _, v := range r.before {
		c.bytes += v.Size()
	}
}

func (c *changes) size() int {
	if c == nil {
		return 0
	}
	return c.bytes
}

// Low puts all that is not settled aside at the low watermark of a round. What a round before it left, which was
// broken off, belongs to it, too.
func (t *Tracker) Low(round string) {
	t.lookups = nil
	now := t.now
	if t.aside != nil {
		for p, rows := range now.rows {
			for id, r := range rows {
				t.aside.add(p, id, r)
			}
		}
		now = t.aside
	}
	t.aside, t.round, t.now = now, round, newChanges()
}

// Settled says that the log has brought all changes of a round, and reports whether that settles what was put aside.
// Of a round whose beginning was not seen there is nothing to say: it lies before all that is known.
func (t *Tracker) Settled(round string) bool {
	if t.aside == nil || t.round != round {
		return false
	}
	t.aside, t.round, t.lookups = nil, "", nil
	return true
}
