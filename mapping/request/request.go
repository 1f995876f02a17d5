// Package request turns rows of a form's tables into requests, and values of one field into values
// of another.
//
// A row speaks of columns and stored values; a request of fields and what they mean to AR System. It
// leaves to others what is done with a request (package mapping) and how a value is written
// (package statement). Attachments, currency and status history are not carried yet.
//
// Read Shape, then ID and Convert.
package request

import (
	"fmt"
	"strings"

	"ardso/cdc"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Image is a request's field values along schema.Form.Fields, in logical form (schema.Field.Logical).
// A field that the row image does not hold is value.Absent.
type Image []value.Value

// Shape reads rows of one relation as requests of one form.
type Shape struct {
	Form    *schema.Form
	columns []int // by field index: place in the relation, -1 = not there
}

// NewShape matches the form's fields with the relation's columns by name; the name's case does not
// matter. Missing holds the fields whose column the log does not have.
func NewShape(f *schema.Form, rel *cdc.Relation) (s *Shape, missing []*schema.Field) {
	at := make(map[string]int, len(rel.Columns))
	for i, c := range rel.Columns {
		at[strings.ToLower(c)] = i
	}
	s = &Shape{Form: f, columns: make([]int, len(f.Fields))}
	for i, field := range f.Fields {
		j, ok := at[strings.ToLower(field.Column.Name)]
		if !ok {
			j = -1
			missing = append(missing, field)
		}
		s.columns[i] = j
	}
	return s, missing
}

// Image reads a row. A nil row gives a nil image. The error, a *ValueError, names the first field
// whose column holds what its type cannot be; the field is value.Unchanged in the image then.
func (s *Shape) Image(row []value.Value) (Image, error) { return s.After(row, nil) }

// After reads a row that was before, nil if it is new, as Image does. What means nothing and is as it was
// is unchanged, and no error.
func (s *Shape) After(row, before []value.Value) (Image, error) {
	if row == nil {
		return nil, nil
	}
	var first error
	im := make(Image, len(s.columns))
	for i, j := range s.columns {
		if j < 0 || j >= len(row) {
			continue
		}
		v, err := s.Form.Fields[i].Logical(row[j], s.Form.EmptyIsNull)
		if err != nil {
			v = value.Unchanged
			if first == nil && (j >= len(before) || !before[j].Equal(row[j])) {
				first = &ValueError{Form: s.Form.Name, Err: err}
			}
		}
		im[i] = v
	}
	return im, first
}

// ValueError is a stored value that does not mean anything under its field's type.
type ValueError struct {
	Form string
	Err  error
}

func (e *ValueError) Error() string { return fmt.Sprintf("form %q: %s", e.Form, e.Err) }
func (e *ValueError) Unwrap() error { return e.Err }
func (e *ValueError) Name() string  { return "value.undecodable" }

func (e *ValueError) Remedy() string {
	return "correct the value in the source request, or the field's type in the definitions; then retry the operation"
}

// ID is the Request ID as ardso shows it and orders by it: the key fields' values as text, joined
// with "|" where there are several, as AR System joins the parts of a join form's ID. A bar or
// backslash inside a part of several is escaped by a backslash, so that IDs stay distinct.
func ID(f *schema.Form, im Image) string {
	if len(f.Key) == 1 {
		return im[f.Key[0].Index].SQL()
	}
	parts := make([]string, len(f.Key))
	for i, k := range f.Key {
		parts[i] = escape.Replace(im[k.Index].SQL())
	}
	return strings.Join(parts, "|")
}

// IDOf is ID for key values, in key order.
func IDOf(f *schema.Form, key []value.Value) string {
	im := make(Image, len(f.Fields))
	for i, k := range f.Key {
		im[k.Index] = key[i]
	}
	return ID(f, im)
}

var escape = strings.NewReplacer(`\`, `\\`, `|`, `\|`)

// ParseID is the inverse of ID: the key values, logical, in key order.
func ParseID(f *schema.Form, id string) ([]value.Value, error) {
	parts := []string{id}
	if len(f.Key) > 1 {
		parts = schema.SplitID(id)
	}
	if len(parts) != len(f.Key) {
		return nil, fmt.Errorf("request %q of form %q: %d parts, the key has %d", id, f.Name, len(parts), len(f.Key))
	}
	key := make([]value.Value, len(parts))
	for i, k := range f.Key {
		v, err := value.Parse(logicalKind(k.Type), parts[i])
		if err != nil {
			return nil, fmt.Errorf("request %q of form %q: %w", id, f.Name, err)
		}
		key[i] = v
	}
	return key, nil
}

// logicalKind is the kind of a field's values in an Image.
func logicalKind(t schema.Type) value.Kind {
	switch t {
	case schema.Integer, schema.Selection, schema.Bitmask:
		return value.KindInt
	case schema.Real:
		return value.KindReal
	case schema.Decimal:
		return value.KindDecimal
	case schema.DateTime:
		return value.KindInstant
	case schema.Date:
		return value.KindDate
	case schema.Time:
		return value.KindTime
	case schema.Bytes, schema.Attachment:
		return value.KindBytes
	}
	return value.KindText
}
