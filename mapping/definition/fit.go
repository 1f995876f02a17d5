package definition

import (
	"fmt"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// matrix says which types a value of a type may go into, losslessly or with a check of each value:
// dso-reference, "Data-type and size rules". A date and a time, which have no row there, go into
// text, their own kind, integers, and a date into a date/time.
var matrix = map[schema.Type][]schema.Type{
	schema.Character:  {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Selection, schema.DateTime, schema.Date, schema.Time, schema.Diary, schema.Currency},
	schema.Integer:    {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Selection, schema.DateTime, schema.Date, schema.Time, schema.Currency},
	schema.Bitmask:    {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Selection},
	schema.Real:       {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Currency},
	schema.Decimal:    {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Currency},
	schema.Selection:  {schema.Character, schema.Integer, schema.Bitmask, schema.Real, schema.Decimal, schema.Selection},
	schema.DateTime:   {schema.Character, schema.Integer, schema.DateTime, schema.Date, schema.Time},
	schema.Date:       {schema.Character, schema.Integer, schema.DateTime, schema.Date},
	schema.Time:       {schema.Character, schema.Integer, schema.Time},
	schema.Diary:      {schema.Character, schema.Diary},
	schema.Bytes:      {schema.Bytes},
	schema.Attachment: {schema.Attachment},
	schema.Currency:   {schema.Character, schema.Real, schema.Decimal, schema.Currency},
}

// compatible reports whether a field of type to can take values of type from.
func compatible(from, to schema.Type) bool {
	for _, t := range matrix[from] {
		if t == to {
			return true
		}
	}
	return false
}

// mayNotFit says why a value that the source can hold may be too large for the target; "" = it fits.
func mayNotFit(from, to *schema.Field) string {
	switch {
	case isText(from.Type) && isText(to.Type):
		return textMayNotFit(from, to)
	case from.Column.Kind == value.KindInt && to.Column.Kind == value.KindInt && from.Type == to.Type:
		if from.Column.Bits > to.Column.Bits && to.Column.Bits > 0 {
			return fmt.Sprintf("%d bits into %d", from.Column.Bits, to.Column.Bits)
		}
		if from.Column.Unsigned && !to.Column.Unsigned && from.Column.Bits == to.Column.Bits {
			return "unsigned into signed"
		}
	case from.Column.Kind == value.KindDecimal && to.Column.Kind == value.KindDecimal && to.Column.Precision > 0:
		f, t := from.Column, to.Column
		if f.Precision == 0 || f.Scale > t.Scale || f.Precision-f.Scale > t.Precision-t.Scale {
			return fmt.Sprintf("%s into %s", f.DataType, t.DataType)
		}
	}
	return ""
}

func isText(t schema.Type) bool { return t == schema.Character || t == schema.Diary }

// limit is the greatest length of a text, in characters and in bytes of UTF-8; 0 = unlimited.
type limit struct{ characters, bytes int }

// textMayNotFit compares both measures.
func textMayNotFit(from, to *schema.Field) string {
	f, t := limitOf(from), limitOf(to)
	switch { // a character takes 1 to 4 bytes of UTF-8
	case f.bytes == 0:
		f.bytes = 4 * f.characters
	case f.characters == 0:
		f.characters = f.bytes
	}
	switch {
	case t.characters > 0 && (f.characters == 0 || f.characters > t.characters):
		return fmt.Sprintf("%s into %d characters", inWords(f.characters, "characters"), t.characters)
	case t.bytes > 0 && (f.bytes == 0 || f.bytes > t.bytes):
		return fmt.Sprintf("%s into %d bytes", inWords(f.bytes, "bytes"), t.bytes)
	}
	return ""
}

func inWords(n int, unit string) string {
	if n == 0 {
		return "unlimited text"
	}
	return fmt.Sprintf("up to %d %s", n, unit)
}

// limitOf joins the limits of field and column.
func limitOf(f *schema.Field) limit {
	var l limit
	lower := func(into *int, n int) {
		if n > 0 && (*into == 0 || n < *into) {
			*into = n
		}
	}
	for _, x := range []struct {
		length  int
		inBytes bool
	}{{f.MaxLength, f.LengthInBytes}, {f.Column.Length, f.Column.LengthInBytes}} {
		if x.inBytes {
			lower(&l.bytes, x.length)
		} else {
			lower(&l.characters, x.length)
		}
	}
	return l
}
