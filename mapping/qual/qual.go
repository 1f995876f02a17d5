// Package qual is AR System's qualification language: conditions on the fields of a request, and
// the value expressions that field maps are made of.
//
//	q, err := qual.Compile(`'Item' = "chair" AND 'Status' < "Closed"`, qual.Scope{Form: form})
//	truth, err := q.Eval(&qual.Env{Fields: values})
//
// A text goes through three files: lex.go cuts it into tokens, parse.go makes the syntax tree and
// says what names mean, check.go gives every node a type and fits literals to what they stand
// beside. After that eval.go judges rows, print.go writes the tree back as text, prefilter.go says
// which part of it a database can judge by itself, and bind.go puts values in the place of $…$.
// The grammar, the functions and what was decided where AR System's documents are silent are
// ar-database-reference §6, §7 and §12.
//
// Not attempted: the stored form of qualifications (§6.7), locale-dependent dates other than
// §12 row 13, currency arithmetic, hexadecimal numbers. Nothing here reads a clock or a database:
// what varies comes in an Env.
//
// # NULL
//
// In a qualification logic is three-valued: a comparison with a NULL side is Unknown, and only
// `= $NULL$` and `!= $NULL$` ask for NULL itself. In a value expression NULL counts as "" in
// text and as 0 among numbers (§6.4).
//
// # Order of values
//
// Numbers compare exactly. NaN, of decimals and reals, equals itself and is greater than every
// other number, Infinity included; that is PostgreSQL's order. An infinite instant or date is later
// (or earlier) than every finite one and stays itself when seconds are added; the difference of
// anything and an infinite one is NULL. Text compares by code point after Unicode simple folding,
// so that no database's collation matters; accents count, and so do trailing blanks.
package qual

import (
	"time"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Scope says what names mean where a text stands. Only Form is needed.
type Scope struct {
	Form    *schema.Form // what 'F' names a field of; nil: no such references
	Current *schema.Form // what $F$ names a field of; nil: no such references
	// Logical are names that stand for fields: what a form has no field of is looked up here.
	Logical map[string]string
	TRDB    bool // 'TR.F', 'DB.F' and CHANGED('F') are allowed: the run_if of a filter

	// Target is the field that takes the value of a value expression; literals are fitted to it: a
	// selection's label becomes its number, a date literal a date. nil: unknown.
	Target *schema.Field

	CaseSensitive bool           // text compares by code point; otherwise case is folded (§12 row 12)
	NullCompareAR bool           // = and != are two-valued: rule option `null_compare: ar` (§12 row 2)
	Zone          *time.Location // of date literals, $DATE$, $TIME$ and date functions; nil = UTC
}

// Compile reads a qualification. Empty text selects all. The error is an ErrorList with every
// problem found, by offset.
func Compile(text string, s Scope) (*Qualification, error) {
	root, c := compile(text, s, false)
	if err := c.problems(); err != nil {
		return nil, err
	}
	return &Qualification{program{root: root, scope: s, facts: c.facts}}, nil
}

// CompileValue reads a value expression. The error is an ErrorList with every problem found.
func CompileValue(text string, s Scope) (*Expression, error) {
	root, c := compile(text, s, true)
	if err := c.problems(); err != nil {
		return nil, err
	}
	return &Expression{program{root: root, scope: s, facts: c.facts}}, nil
}

// program is a checked tree with what was learnt about it.
type program struct {
	root  *node
	scope Scope
	facts facts
}

// facts are gathered while a text is compiled.
type facts struct {
	warnings   ErrorList
	fields     []*schema.Field // of Scope.Form, in order of first mention
	current    []*schema.Field // of Scope.Current
	usesBefore bool
	external   bool
}

// Warnings are things that are allowed and probably not meant, such as a keyword that is always
// NULL on a server. Offsets are into the compiled text.
func (p *program) Warnings() ErrorList { return p.facts.warnings }

// Fields are the fields of Scope.Form that the text names, in order of first mention; what an
// EXTERNAL will name is not known before it runs.
func (p *program) Fields() []*schema.Field { return p.facts.fields }

// CurrentFields are the fields of Scope.Current that the text names.
func (p *program) CurrentFields() []*schema.Field { return p.facts.current }

// UsesBefore reports whether judging a change needs its full before image: TR., DB. or CHANGED
// occurs, or an EXTERNAL where they may (§12 row 5).
func (p *program) UsesBefore() bool { return p.facts.usesBefore }

// HasExternal reports whether EXTERNAL occurs.
func (p *program) HasExternal() bool { return p.facts.external }

// Qualification is a checked condition. It is immutable and safe for concurrent use.
type Qualification struct{ program }

// IsAlways reports whether the text was empty: every request passes.
func (q *Qualification) IsAlways() bool { return q.root == nil }

// Expression is a checked value expression. It is immutable and safe for concurrent use.
type Expression struct{ program }

// Type is the static type of the value: Character stands for diary too, Integer for bitmask, and 0
// is NULL, which every field takes. The mapping converts from it to the target field's type.
func (x *Expression) Type() schema.Type { return x.root.typ }

// Field returns the field that the expression just copies, from Scope.Form or Scope.Current; nil
// where it is more than one field's value.
func (x *Expression) Field() *schema.Field {
	if x.root.op == opField && x.root.part == "" && (x.root.from == FromRow || x.root.from == FromCurrent) {
		return x.root.field
	}
	return nil
}

// Source says which image of a request a reference reads.
type Source uint8

const (
	FromRow     Source = iota // 'F'
	FromTR                    // 'TR.F'
	FromDB                    // 'DB.F'
	FromCurrent               // $F$
)

// Env is what an evaluation may look at. Values are logical ones (schema.Field.Logical). An Env
// may be used again for another row, but not by two evaluations at once.
type Env struct {
	Fields []value.Value // 'F', along Scope.Form.Fields; nil reads as NULL: an empty request (§12 row 31)
	// TR and DB run along Scope.Form.Fields too. A nil slice, as DB is on create, reads as NULL; so
	// does an absent value in TR: the field is not in the transaction (§6.5).
	TR, DB  []value.Value
	Current []value.Value // $F$, along Scope.Current.Fields

	Keywords Keywords

	// StatusHistory gives user (text) or time (instant) of the last change into a state; nil = NULL.
	StatusHistory func(from Source, state int64, time bool) value.Value
	// Currency gives a part of a currency field: VALUE, TYPE, DATE or a currency's code; nil = NULL.
	Currency func(from Source, fieldIndex int, part string) value.Value

	// DivisionsByZero is counted up by evaluations (§12 row 15).
	DivisionsByZero int

	machine machine // of the evaluation under way; here because it would be allocated elsewhere
}

// Keywords are the values behind $USER$ and the rest; "" and the zero time read as NULL.
type Keywords struct {
	User      string
	Operation string    // CREATE, SET, DELETE, MERGE
	Server    string    // logical name of the source
	Schema    string    // form name
	Now       time.Time // commit time of the event, the same in replays (§12 row 8)
}

// Truth is the value of a condition. A row passes only on True.
type Truth int8

const (
	False   Truth = -1
	Unknown Truth = 0
	True    Truth = 1
)

func (t Truth) String() string { return [...]string{"false", "unknown", "true"}[t+1] }

// Not is Kleene's negation.
func (t Truth) Not() Truth { return -t }

// Eval judges a request. Errors are *UnknownValueError (the log did not tell a value that matters),
// *ExternalError and *LimitError.
func (q *Qualification) Eval(env *Env) (Truth, error) {
	if q.root == nil {
		return True, nil
	}
	m := env.start(&q.scope, false)
	t := m.test(q.root)
	return t, m.err
}

// Eval computes the value. Errors are *UnknownValueError, *ConvertError and *LimitError.
func (x *Expression) Eval(env *Env) (value.Value, error) {
	m := env.start(&x.scope, true)
	v := m.eval(x.root)
	if m.err != nil {
		return value.Absent, m.err
	}
	return v, nil
}
