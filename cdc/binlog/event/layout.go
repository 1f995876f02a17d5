package event

import (
	"errors"
	"fmt"

	"ardso/sql/value"
)

// Format says how the values of a column become canonical ones, as far as the log does not tell: who makes it
// knows the catalog too.
type Format struct {
	Kind     value.Kind // KindAbsent: values are not read, and are absent
	Type     string     // the type's name in the catalog, which tells apart what shares a form in the log
	Unsigned bool
	Fraction int      // digits behind the second's point, by the catalog; the log tells it of today's types
	Length   int      // bytes of a BINARY column, to which its values are padded (MD-2)
	Charset  string   // of text; "" or "binary" = bytes
	Labels   []string // of ENUM and SET, in their order (MD-5)
}

// Layout reads the rows of one shape of a table. It is compiled from the shape once, and used by one goroutine.
type Layout struct {
	fields []field
	texts  texts
	reader RowReader
}

// field reads the values of a column. Its width is that of the value, or, where prefix is set, that of the
// length before it.
type field struct {
	width  int
	prefix bool
	read   func(*field, []byte) (value.Value, error) // nil: the value is passed over

	scale    int // digits behind the point of a decimal, of a second
	whole    int // digits before the point of a decimal
	unsigned bool
	trim     bool // trailing spaces are padding
	pad      int  // bytes
	name     string
	kind     value.Kind
	labels   []string
	charset  *charset
	texts    *texts
	inflater *inflater
}

// NewLayout compiles how rows of these columns are read. formats has one for each column. Its error is an
// *UnsupportedError.
func NewLayout(columns []Column, formats []Format) (*Layout, error) {
	if len(columns) != len(formats) {
		return nil, &UnsupportedError{Reason: fmt.Sprintf("%d columns have %d formats", len(columns), len(formats))}
	}
	l := &Layout{fields: make([]field, len(columns))}
	for i, c := range columns {
		f := &l.fields[i]
		f.texts = &l.texts
		if err := f.compile(c, formats[i]); err != nil {
			return nil, &UnsupportedError{Column: i, Reason: err.Error()}
		}
	}
	return l, nil
}

// RowReader reads the rows of one event.
type RowReader struct {
	layout        *Layout
	kind          RowsKind
	before, after []byte
	data          []byte
	err           error
}

// Rows begins to read an event's rows. The reader is valid until the next call; the values that it gives do not
// alias the event, and keep no more than a few kilobytes of their neighbors in memory (MD-17).
func (l *Layout) Rows(r *Rows) *RowReader {
	l.reader = RowReader{layout: l, kind: r.Kind, before: r.Before, after: r.After, data: r.Data}
	l.reader.err = l.reader.check(r)
	return &l.reader
}

func (rr *RowReader) check(r *Rows) error {
	n := len(rr.layout.fields)
	need := (n + 7) / 8
	switch {
	case r.Kind == PartialUpdate:
		return errors.New("the rows hold what changed within JSON documents, and not the documents")
	case r.Columns != n:
		return fmt.Errorf("rows of %d columns in a table of %d", r.Columns, n)
	case n == 0 && len(r.Data) > 0:
		return errors.New("rows of a table without columns")
	case r.Kind != Insert && len(r.Before) < need, r.Kind != Delete && len(r.After) < need:
		return fmt.Errorf("too few bits for %d columns", n)
	}
	return nil
}

// Next reads the next row into images of one value for each column: before (nil for Insert) and after (nil for
// Delete). It returns false behind the last row. Columns that the event does not hold become absent (MS-16).
//
// A date or time that the server can store and that is no day, such as 0000-00-00 or 2026-02-30, becomes a text:
// what the server prints. It has no canonical form, so a SELECT refuses it where it is asked for; the same happens
// here where the column's field is read, to that request alone, and other fields and rows go their way.
//
// Its error is a *ValueError where it is about a column.
func (rr *RowReader) Next(before, after []value.Value) (bool, error) {
	if rr.err != nil || len(rr.data) == 0 {
		return false, rr.err
	}
	left := len(rr.data)
	if rr.kind != Insert {
		rr.image(rr.before, before)
	}
	if rr.kind != Delete && rr.err == nil {
		rr.image(rr.after, after)
	}
	if rr.err == nil && len(rr.data) == left { // images of no column: there would be no end
		rr.err = errors.New("rows that hold no column")
	}
	return rr.err == nil, rr.err
}

var errShort = errors.New("the event ends within its value")

// image reads one image: a bit for each column that it holds, set where it is NULL, then the other values.
func (rr *RowReader) image(present []byte, to []value.Value) {
	fields := rr.layout.fields
	held := count(present, len(fields))
	n := (held + 7) / 8
	if len(rr.data) < n || len(to) < len(fields) {
		rr.err = errors.New("the event ends within a row")
		return
	}
	nulls, data := rr.data[:n], rr.data[n:]
	k := 0
	for i := range fields {
		if held < len(fields) && present[i/8]&(1<<(i%8)) == 0 {
			to[i] = value.Absent
			continue
		}
		null := nulls[k/8]&(1<<(k%8)) != 0
		k++
		if null {
			to[i] = fields[i].null()
			continue
		}
		v, used, err := fields[i].next(data)
		if err != nil {
			rr.err = &ValueError{Column: i, Err: err}
			return
		}
		to[i], data = v, data[used:]
	}
	rr.data = data
}

// count is the number of bits set among the first n.
func count(bits []byte, n int) int {
	set := 0
	for i := range n {
		set += int(bits[i/8] >> (i % 8) & 1)
	}
	return set
}

func (f *field) null() value.Value {
	if f.read == nil {
		return value.Absent
	}
	return value.Null
}

// next reads the value at the beginning of data and says how many bytes it takes.
func (f *field) next(data []byte) (value.Value, int, error) {
	at, end := 0, f.width
	if f.prefix {
		if len(data) < f.width {
			return value.Value{}, 0, errShort
		}
		n := littleEndian(data[:f.width])
		if n > uint64(len(data)-f.width) {
			return value.Value{}, 0, errShort
		}
		at, end = f.width, f.width+int(n)
	}
	if len(data) < end {
		return value.Value{}, 0, errShort
	}
	if f.read == nil {
		return value.Absent, end, nil
	}
	v, err := f.read(f, data[at:end])
	return v, end, err
}
