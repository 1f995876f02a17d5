package qual

import (
	"fmt"
	"sort"
	"strings"
)

// Error is one problem in a text.
type Error struct {
	Offset, Length int // bytes of the text
	Msg            string
	Hint           string // what is probably meant; "" = no idea
}

func (e *Error) Error() string {
	s := fmt.Sprintf("at %d: %s", e.Offset, e.Msg)
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

// ErrorList holds every problem of one text, by offset.
type ErrorList []*Error

func (l ErrorList) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

func (l ErrorList) sort() {
	sort.SliceStable(l, func(i, j int) bool { return l[i].Offset < l[j].Offset })
}

// UnknownValueError is a value that decides, and that the log or the select did not tell. Reading
// it as NULL would be a guess (G8).
type UnknownValueError struct {
	Field string // as the text names it
	Kind  string // absent or unchanged
}

func (e *UnknownValueError) Error() string {
	return fmt.Sprintf("field %s: the image does not hold its value (%s)", e.Field, e.Kind)
}

func (e *UnknownValueError) Name() string { return "qualification.value_unknown" }

func (e *UnknownValueError) Remedy() string {
	return "let the source log full row images (REPLICA IDENTITY FULL, binlog_row_image=FULL), or leave the field out of the qualification"
}

// ExternalError is the text of an EXTERNAL that is no qualification, or that nests too deep. The
// rule has an error then; it is not false (§12 row 18).
type ExternalError struct {
	Field string // as the text names it
	Text  string // holds field data: not for logs above debug
	Err   error  // ErrorList, or nil: nested deeper than MaxExternalDepth
}

func (e *ExternalError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("EXTERNAL(%s) is nested deeper than %d", e.Field, MaxExternalDepth)
	}
	return fmt.Sprintf("EXTERNAL(%s): %s", e.Field, e.Err)
}

func (e *ExternalError) Unwrap() error { return e.Err }
func (e *ExternalError) Name() string  { return "qualification.external" }

func (e *ExternalError) Remedy() string {
	return "correct the qualification that is kept in the field"
}

// ConvertError is a value that CONVERT cannot turn into what it was asked for.
type ConvertError struct {
	Text string // holds field data: not for logs above debug
	To   string
}

func (e *ConvertError) Error() string { return fmt.Sprintf("CONVERT: %.40q is no %s", e.Text, e.To) }
func (e *ConvertError) Name() string  { return "expression.convert" }

func (e *ConvertError) Remedy() string {
	return "correct the field's value, or map another expression"
}

// LimitError is a result that is too large to be meant.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return e.What }
func (e *LimitError) Name() string  { return "expression.limit" }

func (e *LimitError) Remedy() string {
	return "make the expression's result smaller"
}
