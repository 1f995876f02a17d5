// Package statement writes and reads the rows of forms, set-based where the engine can.
//
// Values come and go as what the field's type means (schema.Field.Logical); the package turns them
// into what the column stores. Every write is guarded: the conflict check is in the statement
// itself, which tells which rows it did not accept. What the applier makes of those is not
// decided here.
//
// The shape of each statement is a template in <engine>/*.sql; the file of each engine says how its
// columns are read, written and compared. Rendered statements are kept per form and column set, and
// testdata/ shows them.
//
// Read Tx, then Writer with Insert, Update and Delete, then Lookup, Find and Select.
package statement

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

//go:embed join.sql postgres/*.sql mysql/*.sql sqlite/*.sql
var files embed.FS

// Writer writes and reads rows of one database. It is safe for use by several threads.
type Writer struct {
	db      *engine.DB
	dialect dialect

	mu         sync.Mutex
	rendered   map[shapeKey]*shape
	dictionary *dictionary // columns of arschema; nil = not looked up
}

// NewWriter returns a writer for db.
func NewWriter(db *engine.DB) *Writer {
	return &Writer{db: db, dialect: dialects[db.Engine.Dialect], rendered: map[shapeKey]*shape{}}
}

// role is what a value is used for in a statement.
type role uint8

const (
	toSet     role = iota // written
	toFind                // equals the key by the column's own comparison
	toCompare             // is the before value byte for byte
	toJudge               // of a Condition, with any operator
)

// dialect is what the file of each engine provides.
type dialect interface {
	// textOnly: values are read as text, whatever the driver makes of them.
	textOnly() bool
	// column is how a statement names a column.
	column(quoted string) string
	// param is the n-th value of a row, from 1.
	param(n int) string
	// typeName is the column's type by the name that package engine knows it by.
	typeName(c *schema.Column) string
	// set is the expression that makes a parameter a value of the column.
	set(c *schema.Column, param string) string
	// defaultOf is what a column gets that is to hold its default.
	defaultOf(c *schema.Column) string
	// find is the test that the column equals the parameter by the column's own comparison, so
	// that its index serves.
	find(c *schema.Column, name, param string) string
	// compare is the test that the column is the parameter byte for byte, NULLs being equal.
	compare(c *schema.Column, name, param string, emptyIsNull bool) string
	// operand makes a parameter comparable with the column in a Condition.
	operand(c *schema.Column, param string, v value.Value) string
	// order is the expression that sorts a key column as find's comparisons do.
	order(c *schema.Column, name string) string
	// arg is the driver's argument for a stored value that is not NULL; false where the column can
	// hold no such value.
	arg(c *schema.Column, v value.Value, r role) (any, bool)

	runner
}

var dialects = map[string]dialect{"postgres": postgres{}, "mysql": mysql{}, "sqlite": sqlite{}}

// part is one column in a statement.
type part struct {
	field *schema.Field
	name  string // quoted
	param string
	role  role
}

// shape is a rendered statement with what is needed to fill it.
type shape struct {
	name string // of the file
	form *schema.Form
	text string

	Table    string
	Set      []part
	Key      []part
	Guard    []part
	Read     []*schema.Column // columns in the order in which they are returned
	Reset    []string         // assignments of columns' defaults
	Keep     []string         // MySQL: columns that would change themselves
	Arbiter  string           // columns of the unique index that tells that a row exists; "" = any index
	Override bool             // PostgreSQL: an identity column is written (PD-13)
	Lock     bool
	Many     int // MySQL: rows of one update or delete

	dialect dialect
	engine  *engine.Engine
}

// parts lists the parameters of one row in their order.
func (s *shape) parts() []part {
	all := make([]part, 0, len(s.Set)+len(s.Key)+len(s.Guard))
	return append(append(append(all, s.Set...), s.Key...), s.Guard...)
}

// shapeKey names a shape: fields are those of a form, so their IDs tell the columns.
type shapeKey struct {
	name string
	form *schema.Form
	set  string
	rest string
	back string
	lock bool
	many int
}

// maxShapes bounds the cache: forms that were read anew leave old shapes behind.
const maxShapes = 1000

// spec asks for a shape.
type spec struct {
	name  string // file name
	set   []*schema.Field
	guard []*schema.Field
	reset []*schema.Field // get their columns' defaults
	noKey bool            // the key is not a parameter
	lock  bool
	read  []*schema.Column
	many  int
}

// shape returns the rendered statement.
func (w *Writer) shape(f *schema.Form, q spec) (*shape, error) {
	key := shapeKey{name: q.name, form: f, set: ids(q.set), rest: ids(q.guard), back: ids(q.reset), lock: q.lock, many: q.many}
	if q.read != nil {
		key.rest += "|" + columnNames(q.read)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s, ok := w.rendered[key]; ok {
		return s, nil
	}
	s, err := w.render(f, q)
	if err != nil {
		return nil, fmt.Errorf("form %q on %s: %w", f.Name, f.Server, err)
	}
	if len(w.rendered) >= maxShapes {
		clear(w.rendered)
	}
	w.rendered[key] = s
	return s, nil
}

func ids(fields []*schema.Field) string {
	var b strings.Builder
	for _, x := range fields {
		b.WriteString(strconv.Itoa(x.ID))
		b.WriteByte(',')
	}
	return b.String()
}

func columnNames(columns []*schema.Column) string {
	var b strings.Builder
	for _, c := range columns {
		b.WriteString(c.Name)
		b.WriteByte(0)
	}
	return b.String()
}

func (w *Writer) render(f *schema.Form, q spec) (*shape, error) {
	if len(f.Key) == 0 {
		return nil, fmt.Errorf("no key")
	}
	e := w.db.Engine
	table, err := w.table(f)
	if err != nil {
		return nil, err
	}
	s := &shape{name: q.name, form: f, Table: table, Lock: q.lock, Read: q.read, Many: q.many, dialect: w.dialect, engine: e}
	n := 0
	add := func(list []part, fields []*schema.Field, r role) ([]part, error) {
		for _, x := range fields {
			if x.Column == nil {
				return nil, fmt.Errorf("field %q (%d) has no column", x.Name, x.ID)
			}
			n++
			list = append(list, part{field: x, name: e.Quote(x.Column.Name), param: w.dialect.param(n), role: r})
		}
		return list, nil
	}
	if s.Set, err = add(nil, q.set, toSet); err != nil {
		return nil, err
	}
	if !q.noKey {
		if s.Key, err = add(nil, f.Key, toFind); err != nil {
			return nil, err
		}
	}
	if s.Guard, err = add(nil, q.guard, toCompare); err != nil {
		return nil, err
	}
	for _, x := range q.reset {
		s.Reset = append(s.Reset, e.Quote(x.Column.Name)+" = "+w.dialect.defaultOf(x.Column))
	}
	s.Keep = keep(f, slices.Concat(q.set, q.reset), e.Quote)
	s.Arbiter = arbiter(f, e.Quote)
	for _, p := range s.Set {
		s.Override = s.Override || p.field.Column.IdentityAlways
	}
	if q.name == "insert" {
		s.Read = keyColumns(f)
	}
	s.text, err = s.execute(e.Dialect + "/" + q.name + ".sql")
	return s, err
}

// keep lists the columns that MySQL may change by itself when a row is updated and that the update
// does not write. It cannot be seen which do, and to set a column to itself costs nothing.
func keep(f *schema.Form, set []*schema.Field, quote func(string) string) []string {
	written := map[*schema.Column]bool{}
	for _, x := range set {
		written[x.Column] = true
	}
	var names []string
	for _, c := range f.Table.Columns {
		if c.Kind == value.KindInstant && !c.Generated && !written[c] {
			names = append(names, quote(c.Name))
		}
	}
	return names
}

// arbiter lists the key's columns where a unique index is over exactly these.
func arbiter(f *schema.Form, quote func(string) string) string {
	names := map[string]bool{}
	for _, k := range f.Key {
		names[k.Column.Name] = true
	}
	same := func(columns []string) bool {
		for _, c := range columns {
			if !names[c] {
				return false
			}
		}
		return len(columns) == len(names)
	}
	found := same(f.Table.Key)
	for _, u := range f.Table.Unique {
		found = found || same(u.Columns)
	}
	if !found {
		return ""
	}
	quoted := make([]string, len(f.Key))
	for i, k := range f.Key {
		quoted[i] = quote(k.Column.Name)
	}
	return strings.Join(quoted, ", ")
}

func keyColumns(f *schema.Form) []*schema.Column {
	columns := make([]*schema.Column, len(f.Key))
	for i, k := range f.Key {
		columns[i] = k.Column
	}
	return columns
}

func fieldColumns(f *schema.Form) []*schema.Column {
	columns := make([]*schema.Column, len(f.Fields))
	for i, x := range f.Fields {
		columns[i] = x.Column
	}
	return columns
}

// templates are parsed once; their functions turn parts into SQL by the shape's own dialect, so
// they are bound when a shape is rendered.
var templates = sync.OnceValue(func() map[string]*template.Template {
	all := map[string]*template.Template{}
	names, err := fs.Glob(files, "*/*.sql")
	if err != nil {
		panic(err)
	}
	for _, n := range names {
		text, err := files.ReadFile(n)
		if err != nil {
			panic(err)
		}
		all[n] = template.Must(template.New(n).Funcs((&shape{}).functions()).Parse(string(text)))
	}
	return all
})

func (s *shape) execute(name string) (string, error) {
	t, err := templates()[name].Clone()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if err := t.Funcs(s.functions()).Execute(&b, s); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

func (s *shape) functions() template.FuncMap {
	d := s.dialect
	each := func(parts []part, f func(p part) string) string {
		list := make([]string, len(parts))
		for i, p := range parts {
			list[i] = f(p)
		}
		return strings.Join(list, ", ")
	}
	return template.FuncMap{
		"names": func(parts []part) string { return each(parts, func(p part) string { return p.name }) },
		"values": func(parts []part) string {
			return each(parts, func(p part) string { return d.set(p.field.Column, p.param) })
		},
		"assignments": func(parts []part) string {
			return each(parts, func(p part) string { return p.name + " = " + d.set(p.field.Column, p.param) })
		},
		"tests": s.tests,
		"reads": s.reads,
		"arrays": func(s *shape) string {
			n := 0
			return each(s.parts(), func(part) string { n++; return "$" + strconv.Itoa(n) + "::text[]" })
		},
		"cases":  (*shape).cases,
		"guards": (*shape).guards,
		"anyKey": (*shape).anyKey,
		"aliases": func(s *shape) string {
			return each(s.parts(), func(p part) string { return strings.TrimPrefix(p.param, "v.") })
		},
	}
}

// reads lists what a statement returns: columns, or those of parts.
func (s *shape) reads(list any) string {
	columns, _ := list.([]*schema.Column)
	if parts, ok := list.([]part); ok {
		for _, p := range parts {
			columns = append(columns, p.field.Column)
		}
	}
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = s.engine.Read(c.Kind, s.dialect.typeName(c), s.dialect.column(s.engine.Quote(c.Name)))
	}
	return strings.Join(out, ", ")
}

// tests joins the tests of parts, each by its role.
func (s *shape) tests(lists ...[]part) string {
	var out []string
	for _, list := range lists {
		for _, p := range list {
			name := s.dialect.column(p.name)
			if p.role == toFind {
				out = append(out, s.dialect.find(p.field.Column, name, p.param))
			} else {
				out = append(out, s.dialect.compare(p.field.Column, name, p.param, s.form.EmptyIsNull && isText(p.field.Column)))
			}
		}
	}
	return strings.Join(out, "\n  AND ")
}

// scan reads what a driver gave for a column of Read.
func (s *shape) scan(c *schema.Column, src any) (value.Value, error) {
	return scan(s.engine, s.dialect, c, src)
}

func scan(e *engine.Engine, d dialect, c *schema.Column, src any) (value.Value, error) {
	switch x := src.(type) { // numbers that MySQL's driver has parsed already
	case float64:
		if d.textOnly() {
			src = value.Real(x).SQL()
		}
	case float32:
		src = value.Real(float64(x)).SQL()
	case uint64:
		src = strconv.FormatUint(x, 10)
	}
	return e.Scan(c.Kind, d.typeName(c), src)
}

func isText(c *schema.Column) bool { return c.Kind == value.KindText }

// argument makes the driver's argument of a field's value for a part. ok is false where the column
// can hold no such value, so that no row can match it.
func (s *shape) argument(p part, v value.Value) (arg any, ok bool, err error) {
	if !v.Known() {
		return nil, false, fmt.Errorf("field %q (%d) of form %q: value is %s", p.field.Name, p.field.ID, s.form.Name, v.Kind())
	}
	c := p.field.Column
	stored, err := p.field.Stored(v)
	if err != nil {
		return nil, false, nil
	}
	if stored.Kind() == value.KindText {
		text := stored.Text()
		if c.FixedChar { // trailing blanks mean nothing there (PD-24)
			text = strings.TrimRight(text, " ")
			stored = value.Text(text)
		}
		if text == "" && s.form.EmptyIsNull && p.role != toFind {
			stored = value.Null
		}
	}
	if stored.IsNull() {
		return nil, true, nil
	}
	arg, ok = s.dialect.arg(c, stored, p.role)
	return arg, ok, nil
}

// ValueError is a value to be written that the field's column cannot hold.
type ValueError struct {
	Form  string
	Field string
	ID    int
	Row   int // index of the row in the call
	Value value.Value
	Type  string // of the column
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("field %q (%d) of form %q: a %s does not fit a column of %s", e.Field, e.ID, e.Form, e.Value.Kind(), e.Type)
}

func (e *ValueError) Name() string { return "value.type" }

func (e *ValueError) Remedy() string {
	return "change the value on the source, or map the field with an expression; then retry the operation"
}
