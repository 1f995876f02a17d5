package binlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// relation is a table as the log described it last.
type relation struct {
	*cdc.Relation
	layout  *event.Layout
	body    []byte // of the table map: the same body is the same shape
	control bool   // one of ardso's own tables
	dropped bool   // a control table that is no mark and no watermark
	columns int
}

// whole makes sure that the images hold all columns (MS-15, MS-16), and values rather than differences of them.
func (r *relation) whole(e *event.Rows) error {
	switch {
	case e.Kind == event.PartialUpdate:
		return errors.New("the log holds what changed within a JSON document and not the document: binlog_row_value_options was PARTIAL_JSON when it was written")
	case e.Columns != r.columns:
		return fmt.Errorf("%d columns where the table has %d", e.Columns, r.columns)
	case e.Kind != event.Insert && !all(e.Before, r.columns), e.Kind != event.Delete && !all(e.After, r.columns):
		return errors.New("the log does not hold all columns: binlog_row_image was not FULL when it was written")
	}
	return nil
}

// all reports whether the first n bits are set.
func all(bits []byte, n int) bool {
	for i := range n / 8 {
		if bits[i] != 0xff {
			return false
		}
	}
	rest := byte(1)<<(n%8) - 1
	return rest == 0 || bits[n/8]&rest == rest
}

// relations knows the tables whose rows are read.
type relations struct {
	db       *engine.DB
	fold     bool                 // names of tables do not heed case on this server (MD-18)
	wanted   map[string]bool      // by folded name
	known    map[string]*relation // as the log described them last, by folded name
	catalog  map[string]*table    // what the database says of tables today, by folded name; dropped with each change
	charsets map[uint32]string    // character sets by the number of a collation
	shapes   *shapes              // nil where the log has names itself
}

// table is what the database says of a table today.
type table struct {
	columns []shapeColumn
	byName  map[string]*shapeColumn
}

func newRelations(ctx context.Context, db *engine.DB, state binlog.State, tables []*schema.Table, o Options) (*relations, error) {
	rs := &relations{
		db:      db,
		fold:    state.Fold,
		wanted:  map[string]bool{},
		known:   map[string]*relation{},
		catalog: map[string]*table{},
	}
	for _, t := range tables {
		rs.wanted[rs.folded(t.Name)] = true
	}
	for _, name := range []string{cdc.CheckpointTable, cdc.WatermarkTable} {
		rs.wanted[name] = true
	}
	var err error
	if rs.charsets, err = binlog.Charsets(ctx, db); err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	if !state.HasRowMetadata() {
		rs.shapes = newShapes(rs, o)
	}
	return rs, nil
}

func (rs *relations) folded(name string) string {
	if rs.fold {
		return strings.ToLower(name)
	}
	return name
}

func (rs *relations) isSchema(name string) bool {
	return name == rs.db.Schema || rs.fold && strings.EqualFold(name, rs.db.Schema)
}

// of returns the relation that a table map describes, which ends here; nil where its rows are not read.
func (rs *relations) of(ctx context.Context, m *event.TableMap, at *tracker, here place) (*relation, error) {
	name := rs.folded(m.Table)
	old := rs.known[name]
	if old != nil && bytes.Equal(old.body, m.Body) {
		return old, nil
	}
	if !rs.isSchema(m.Schema) {
		return nil, nil
	}
	if !rs.wanted[name] && !cdc.IsControl(name) {
		return nil, nil
	}
	r, err := rs.describe(ctx, m, at, here)
	if err != nil {
		return nil, err
	}
	if old != nil && old.same(r) {
		r.Relation = old.Relation // so that it can be a key downstream
	}
	rs.known[name] = r
	return r, nil
}

func (r *relation) same(s *relation) bool {
	return r.Schema == s.Schema && r.Table == s.Table && slices.Equal(r.Columns, s.Columns) && slices.Equal(r.Key, s.Key)
}

// describe makes a relation of a table map.
func (rs *relations) describe(ctx context.Context, m *event.TableMap, at *tracker, here place) (*relation, error) {
	r := &relation{
		Relation: &cdc.Relation{Schema: rs.db.Schema, Table: m.Table, Full: true},
		body:     bytes.Clone(m.Body),
		control:  cdc.IsControl(m.Table),
		columns:  len(m.Columns),
	}
	r.dropped = r.control && !rs.wanted[rs.folded(m.Table)]
	if r.dropped {
		return r, nil
	}
	columns, err := rs.columns(ctx, m, at, here)
	if err != nil {
		return nil, err
	}
	formats := make([]event.Format, len(columns))
	for i, c := range columns {
		r.Columns = append(r.Columns, c.Name)
		r.Key = append(r.Key, c.Key)
		if formats[i], err = rs.format(m.Columns[i], c); err != nil {
			return nil, rs.unreadable(m.Table, c.Name, err)
		}
	}
	r.layout, err = event.NewLayout(m.Columns, formats)
	if err != nil {
		name := ""
		var u *event.UnsupportedError
		if errors.As(err, &u) && u.Column < len(r.Columns) {
			name = r.Columns[u.Column]
		}
		return nil, rs.unreadable(m.Table, name, err)
	}
	return r, nil
}

// columns completes what the log says of a table's columns: by name from today's catalog, or, where the log has
// no names, from the shape that the table had there (S-2).
func (rs *relations) columns(ctx context.Context, m *event.TableMap, at *tracker, here place) ([]shapeColumn, error) {
	if !m.HasNames {
		if rs.shapes == nil { // MS-15
			return nil, rs.unreadable(m.Table, "", errors.New("the log does not name the columns: binlog_row_metadata was not FULL when it was written"))
		}
		before := at.position()
		columns, err := rs.shapes.at(ctx, rs.folded(m.Table), before, before.within(here))
		if err != nil {
			return nil, err
		}
		if err := fits(columns, m); err != nil {
			return nil, rs.unreadable(m.Table, "", err)
		}
		return columns, nil
	}
	t, err := rs.today(ctx, m.Table)
	if err != nil {
		return nil, err
	}
	columns := make([]shapeColumn, len(m.Columns))
	for i, c := range m.Columns {
		columns[i] = shapeColumn{Name: c.Name, Unsigned: c.Unsigned, Key: c.Key}
		if known := t.byName[c.Name]; known != nil && known.Unsigned == c.Unsigned && fitsColumn(*known, c) == nil {
			columns[i] = *known
			columns[i].Key = c.Key
		}
	}
	return columns, nil
}

// today asks what the database says of a table, once until the table is changed.
func (rs *relations) today(ctx context.Context, name string) (*table, error) {
	if t := rs.catalog[rs.folded(name)]; t != nil {
		return t, nil
	}
	columns, err := readShape(ctx, rs.db, name)
	if err != nil {
		return nil, fmt.Errorf("%s: columns of table %s: %w", rs.db.Server, name, err)
	}
	t := &table{columns: columns, byName: map[string]*shapeColumn{}}
	for i := range columns {
		t.byName[columns[i].Name] = &columns[i]
	}
	rs.catalog[rs.folded(name)] = t
	return t, nil
}

// format says how a column's values are decoded. What the log says of it counts; the catalog adds the name of
// its type, since some types share a form in the log.
func (rs *relations) format(c event.Column, known shapeColumn) (event.Format, error) {
	f := event.Format{Type: known.DataType, Unsigned: known.Unsigned || c.Unsigned, Charset: known.Charset, Labels: known.Labels, Fraction: known.Fraction}
	if c.Collation != 0 {
		charset, ok := rs.charsets[c.Collation]
		if !ok {
			return f, fmt.Errorf("its collation has number %d, which the server does not list", c.Collation)
		}
		f.Charset = charset
	}
	if f.Type == "" {
		f.Type = c.TypeName(f.Charset)
	}
	if f.Type == "binary" {
		f.Length = c.StringLength()
	}
	if c.Labels == nil {
		if err := wholeLabels(f); err != nil {
			return f, err
		}
	} else {
		f.Labels = make([]string, len(c.Labels))
		for i, l := range c.Labels {
			var err error
			if f.Labels[i], err = event.DecodeText(f.Charset, []byte(l)); err != nil {
				return f, fmt.Errorf("its label %d: %w", i+1, err)
			}
		}
	}
	kind, ok := rs.db.Engine.Kind(f.Type)
	if !ok {
		kind = value.KindAbsent
	}
	f.Kind = kind
	return f, nil
}

// wholeLabels makes sure that the catalog has the labels as they are: it keeps types in three-byte UTF-8, and shows a
// question mark for each character that has four.
func wholeLabels(f event.Format) error {
	if !slices.Contains([]string{"utf8mb4", "utf16", "utf16le", "utf32"}, f.Charset) {
		return nil
	}
	for i, l := range f.Labels {
		if strings.Contains(l, "?") {
			return fmt.Errorf("its label %d is %q to the catalog, where a question mark may stand for another character: use character set utf8 for the column, or MySQL 8.0 and binlog_row_metadata = FULL", i+1, l)
		}
	}
	return nil
}

// named returns the relation of a table that a statement names, for which the log need not have described it;
// nil where its rows are not read.
func (rs *relations) named(ctx context.Context, t tableName) (*relation, error) {
	name := rs.folded(t.Table)
	if !rs.isSchema(t.Schema) || !rs.wanted[name] {
		return nil, nil
	}
	if r := rs.known[name]; r != nil {
		return r, nil
	}
	today, err := rs.today(ctx, t.Table)
	if err != nil {
		return nil, err
	}
	r := &relation{Relation: &cdc.Relation{Schema: rs.db.Schema, Table: t.Table, Full: true}, control: cdc.IsControl(name)}
	for _, c := range today.columns {
		r.Columns = append(r.Columns, c.Name)
		r.Key = append(r.Key, c.Key)
	}
	return r, nil
}

// inMemory reports whether a table of our database loses its rows when the server stops.
func (rs *relations) inMemory(ctx context.Context, t tableName) (bool, error) {
	if !rs.isSchema(t.Schema) {
		return false, nil
	}
	found, err := binlog.ReadTable(ctx, rs.db, t.Table)
	if err != nil {
		return false, fmt.Errorf("%s: %w", rs.db.Server, err)
	}
	return strings.EqualFold(found.Engine, "MEMORY"), nil
}

// changed forgets what is known of a table that a statement changed.
func (rs *relations) changed(ctx context.Context, t tableName, at position) error {
	if !rs.isSchema(t.Schema) {
		return nil
	}
	if t.Table == "" { // DROP DATABASE
		return rs.changedAll(ctx, at)
	}
	name := rs.folded(t.Table)
	if !rs.wanted[name] {
		return nil
	}
	delete(rs.known, name)
	delete(rs.catalog, name)
	if rs.shapes == nil {
		return nil
	}
	return rs.shapes.changed(ctx, name, at)
}

// changedAll forgets all tables: a statement may have changed any.
func (rs *relations) changedAll(ctx context.Context, at position) error {
	for name := range rs.wanted {
		if err := rs.changed(ctx, tableName{rs.db.Schema, name}, at); err != nil {
			return err
		}
	}
	return nil
}

// parse tells what a query says, whose text is in the character set of the client that sent it.
func (rs *relations) parse(q *event.Query) statement {
	text, known := q.Text, true
	if charset := rs.charsets[uint32(q.Collations[0])]; charset != "" && !strings.HasPrefix(charset, "utf8") && !isASCII(text) {
		decoded, err := event.DecodeText(charset, []byte(text))
		if known = err == nil; known {
			text = decoded
		}
	}
	s := parseStatement(text, q.SQLMode&event.SQLModeANSIQuotes != 0)
	s.unknown = s.unknown || !known && slices.ContainsFunc(s.tables, func(t tableName) bool { return !isASCII(t.Schema + t.Table) })
	return s
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// mayTouch reports whether a statement's text could be about tables of ours (MS-24): it ran with our database as
// the default, or names it.
func (rs *relations) mayTouch(q *event.Query) bool {
	return rs.isSchema(q.Schema) || mentions(q.Text, rs.db.Schema)
}

func (rs *relations) unreadable(name, column string, err error) error {
	what := "rows of table " + rs.db.Schema + "." + name
	if column != "" {
		what += ", column " + column
	}
	return &cdc.UnreadableError{
		Server: rs.db.Server,
		What:   what,
		Fix: "run `ardso check " + rs.db.Server + "` and set what it asks for; `ardso init " + rs.db.Server +
			"` sets a new position, then `ardso transfer` what changed since the last one",
		Err: err,
	}
}
