package schema

import (
	"errors"
	"fmt"
	"strings"

	"ardso/sql/value"
)

// Places of the parts of a join form.
const (
	Primary   = 0
	Secondary = 1
)

// Join makes a form a join form: it has no rows of its own, its requests are pairs of requests of its
// parts. Its Table is only a name; nothing is read from it or written to it.
type Join struct {
	Parts [2]*Form // regular forms, the primary first
	// On lists what must be equal in both: a field of the primary and one of the secondary form.
	On [][2]*Field
	// Outer: a primary request without a secondary one is a request, too.
	Outer bool
	// From tells along Form.Fields where values are.
	From []JoinField
	// Pair is a form of all fields of both parts, for reading: its key is those of the parts, its fields are
	// the primary's, then the secondary's. Its own Join tells how it is read, and has itself as Pair.
	Pair *Form
}

// JoinField is where a field of a join form is: a field of a part. Field is nil for the Request ID, which is
// made of the parts' keys.
type JoinField struct {
	Part  int
	Field *Field
}

// NewPair makes Join.Pair of a join form. The aliases of its columns are their places.
func NewPair(f *Form) *Form {
	j := f.Join
	p := &Form{
		Server: f.Server, Name: f.Name, EmptyIsNull: j.Parts[Primary].EmptyIsNull,
		Table: &Table{Name: f.Table.Name},
		Join:  &Join{Parts: j.Parts, On: j.On, Outer: j.Outer},
	}
	p.Join.Pair = p
	for n, part := range j.Parts {
		for _, f := range part.Fields {
			c, x := *f.Column, *f
			c.Name = fmt.Sprintf("f%d", len(p.Fields))
			x.ID, x.Index, x.Column = len(p.Fields)+1, len(p.Fields), &c
			p.Fields = append(p.Fields, &x)
			p.Table.Columns = append(p.Table.Columns, &c)
			p.Join.From = append(p.Join.From, JoinField{n, f})
			if part.IsKey(f) {
				x.Required = true
			}
		}
	}
	for n, part := range j.Parts {
		for _, k := range part.Key {
			p.Key = append(p.Key, p.Fields[j.pairIndex(n, k)])
		}
	}
	return p
}

// pairIndex is where a part's field stands in Pair.Fields.
func (j *Join) pairIndex(part int, f *Field) int {
	if part == Secondary {
		return len(j.Parts[Primary].Fields) + f.Index
	}
	return f.Index
}

// PairField is a part's field in Pair.
func (j *Join) PairField(part int, f *Field) *Field { return j.Pair.Fields[j.pairIndex(part, f)] }

// Split takes a row of Pair apart. The secondary part is nil where there is none.
func (j *Join) Split(row []value.Value) (parts [2][]value.Value) {
	n := len(j.Parts[Primary].Fields)
	parts[Primary] = row[:n:n]
	for _, k := range j.Parts[Secondary].Key {
		if !row[n+k.Index].IsNull() {
			parts[Secondary] = row[n:]
			break
		}
	}
	return parts
}

// Row makes the request of its parts, along Form.Fields; a nil part leaves its fields NULL.
func (j *Join) Row(parts [2][]value.Value) []value.Value {
	row := make([]value.Value, len(j.From))
	for i, x := range j.From {
		switch {
		case x.Field == nil:
			row[i] = value.Text(j.ID(parts))
		case parts[x.Part] == nil:
			row[i] = value.Null
		default:
			row[i] = parts[x.Part][x.Field.Index]
		}
	}
	return row
}

// ID is the Request ID of a pair: the parts' own, joined by "|"; behind it nothing where there is no secondary
// part. A bar or backslash inside a part is escaped by a backslash, so that IDs stay distinct.
func (j *Join) ID(parts [2][]value.Value) string {
	var keys [2][]value.Value
	for n, row := range parts {
		for _, k := range j.Parts[n].Key {
			if row != nil {
				keys[n] = append(keys[n], row[k.Index])
			}
		}
	}
	return j.IDOf(keys)
}

// IDOf is ID for keys.
func (j *Join) IDOf(keys [2][]value.Value) string {
	ids := make([]string, 0, 2)
	for n, part := range j.Parts {
		for i := range part.Key {
			id := ""
			if keys[n] != nil {
				id = escapeID.Replace(keys[n][i].SQL())
			}
			ids = append(ids, id)
		}
	}
	return strings.Join(ids, "|")
}

var escapeID = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// Keys is the inverse of IDOf: the parts' keys, logical. The secondary's is nil where the ID ends in the bar.
func (j *Join) Keys(id string) (keys [2][]value.Value, err error) {
	ids := SplitID(id)
	if len(ids) != len(j.Parts[Primary].Key)+len(j.Parts[Secondary].Key) {
		return keys, fmt.Errorf("request ID %q: the Request IDs of both parts are joined by |", id)
	}
	for n, part := range j.Parts {
		empty := true
		for _, k := range part.Key {
			text := ids[0]
			ids = ids[1:]
			empty = empty && text == ""
			kind := value.KindText
			if k.Type != Character {
				kind = value.KindInt
			}
			v, verr := value.Parse(kind, text)
			if verr != nil {
				v = value.Null
				err = errors.Join(err, verr)
			}
			keys[n] = append(keys[n], v)
		}
		if empty && n == Secondary {
			return [2][]value.Value{keys[Primary], nil}, nil
		}
		if empty {
			err = errors.Join(err, errors.New("it names no primary part"))
		}
	}
	if err != nil {
		return keys, fmt.Errorf("request ID %q: %w", id, err)
	}
	return keys, nil
}

// SplitID takes the parts of a Request ID apart that are joined by "|".
func SplitID(id string) []string {
	var parts []string
	var b strings.Builder
	for i := 0; i < len(id); i++ {
		switch {
		case id[i] == '\\' && i+1 < len(id):
			i++
			b.WriteByte(id[i])
		case id[i] == '|':
			parts = append(parts, b.String())
			b.Reset()
		default:
			b.WriteByte(id[i])
		}
	}
	return append(parts, b.String())
}

// Translate makes of a condition on a join form's fields one on those of Pair. It is never stricter.
func (j *Join) Translate(f *Form, c Condition) Condition {
	switch c.Op {
	case Always:
		return c
	case And, Or:
		out := Condition{Op: c.Op}
		for _, p := range c.Parts {
			p = j.Translate(f, p)
			if p.Op == Always && c.Op == Or {
				return p
			}
			if p.Op != Always {
				out.Parts = append(out.Parts, p)
			}
		}
		if len(out.Parts) == 0 {
			return Condition{}
		}
		return out
	}
	for i, x := range f.Fields {
		if x.Column != c.Column {
			continue
		}
		if from := j.From[i]; from.Field != nil {
			c.Column = j.PairField(from.Part, from.Field).Column
			return c
		}
		return j.byID(c)
	}
	return Condition{}
}

// byID is a condition on the Request ID.
func (j *Join) byID(c Condition) Condition {
	if c.Op != Equal && c.Op != In {
		return Condition{}
	}
	any := Condition{Op: Or}
	for _, v := range c.Values {
		keys, err := j.Keys(v.SQL())
		if err != nil {
			continue // no request has it
		}
		all := Condition{Op: And}
		for n, key := range keys {
			all.Parts = append(all.Parts, j.KeyIs(n, key)...)
		}
		any.Parts = append(any.Parts, all)
	}
	return any
}

// KeyIs is the tests of Pair's columns that a part has a key; of a nil key that there is no such part.
func (j *Join) KeyIs(part int, key []value.Value) (all []Condition) {
	for i, k := range j.Parts[part].Key {
		c := Condition{Op: IsNull, Column: j.PairField(part, k).Column}
		if key != nil {
			v, err := k.Stored(key[i])
			if err != nil {
				return []Condition{{Op: Or}} // never
			}
			c.Op, c.Values = Equal, []value.Value{v}
		}
		all = append(all, c)
	}
	return all
}
