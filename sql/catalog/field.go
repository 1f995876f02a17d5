package catalog

import (
	"slices"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// kindsOf lists the kinds of columns that can hold a field of each type that ardso carries, as
// schema.Field's Logical and Stored convert them.
var kindsOf = map[schema.Type][]value.Kind{
	schema.Integer:   {value.KindInt, value.KindDecimal},
	schema.Selection: {value.KindInt, value.KindDecimal},
	schema.Bitmask:   {value.KindInt, value.KindDecimal},
	schema.Real:      {value.KindReal, value.KindInt},
	schema.Decimal:   {value.KindDecimal, value.KindInt, value.KindReal},
	schema.DateTime:  {value.KindInstant, value.KindInt, value.KindDate},
	schema.Date:      {value.KindDate, value.KindInt},
	schema.Time:      {value.KindTime, value.KindInt},
	schema.Character: {value.KindText, value.KindInt, value.KindDecimal, value.KindReal, value.KindInstant, value.KindDate, value.KindTime},
	schema.Diary:     {value.KindText},
}

// Holds reports whether a column of the kind can hold a field of the type.
func Holds(t schema.Type, k value.Kind) bool { return slices.Contains(kindsOf[t], k) }

// typeOf is the type of a field whose declaration names none.
func typeOf(k value.Kind) (schema.Type, bool) {
	switch k {
	case value.KindInt:
		return schema.Integer, true
	case value.KindDecimal:
		return schema.Decimal, true
	case value.KindReal:
		return schema.Real, true
	case value.KindText:
		return schema.Character, true
	case value.KindInstant:
		return schema.DateTime, true
	case value.KindDate:
		return schema.Date, true
	case value.KindTime:
		return schema.Time, true
	}
	return 0, false
}

// reasons why fields of AR System are not carried.
var reasons = map[schema.Type]string{
	schema.Attachment: "attachments are not carried",
	schema.Currency:   "currency fields are not carried",
	schema.Bytes:      "byte lists are not carried",
}

const (
	reasonHistory = "the status history is not carried"
	statusHistory = 15
)
