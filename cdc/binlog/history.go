package binlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/cdc/binlog/wire"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// shapes is the history of tables in a log that does not name columns (MySQL 5.6 and 5.7): what the catalog says
// today is not what it said when a row was written (S-2). It is kept in dso_shape, so that rows that are read again
// are read alike.
//
// A shape is taken from the catalog where the log shows a statement that may have changed the table. The catalog may
// be ahead of the log by then, so the rest of the log is looked through for another such statement: only if there
// is none, the catalog's shape is the one that the rows behind the first have.
type shapes struct {
	db     *engine.DB
	o      Options
	parse  func(*event.Query) statement
	folded func(string) string
	of     map[string][]epoch // by table, in the order of the log
}

// epoch is the shape that a table has from a position on until its next epoch begins.
type epoch struct {
	number  int
	from    position
	columns []shapeColumn // nil = not known
}

// newShapes has no history yet.
func newShapes(rs *relations, o Options) *shapes {
	return &shapes{db: rs.db, o: o, parse: rs.parse, folded: rs.folded, of: map[string][]epoch{}}
}

// load reads what is kept of the wanted tables. What is kept of others is dropped: their changes are not noted any
// more, so that it would be wrong for rows that come once they are wanted again.
func (s *shapes) load(ctx context.Context, wanted map[string]bool) error {
	rows, err := control.ReadShapes(ctx, s.db)
	if err != nil {
		return fmt.Errorf("%s: %w", s.db.Server, err)
	}
	for _, row := range rows {
		if !wanted[row.Table] {
			if err := control.DropShapes(ctx, s.db, row.Table); err != nil {
				return fmt.Errorf("%s: %w", s.db.Server, err)
			}
			continue
		}
		e := epoch{number: row.Number}
		if e.from, err = parsePosition(cdc.Position(row.Position)); err == nil && row.Shape != "" {
			err = json.Unmarshal([]byte(row.Shape), &e.columns)
		}
		if err != nil {
			return fmt.Errorf("%s: dso_shape: table %s, number %d: %w", s.db.Server, row.Table, row.Number, err)
		}
		s.of[row.Table] = append(s.of[row.Table], e)
	}
	return nil
}

// at returns the shape that a table has in rows: before is where their transaction begins, here where the log
// describes them. There may be no history yet, of a table that is new in the definitions, and a shape that was not
// known where it began is known from the last change on.
func (s *shapes) at(ctx context.Context, table string, before, here position) ([]shapeColumn, error) {
	if e, found := s.find(table, here); found && e.columns != nil {
		return e.columns, nil
	}
	e, err := s.learn(ctx, table, before)
	if err != nil {
		return nil, err
	}
	if e.columns == nil {
		return nil, s.unknown(table, e)
	}
	return e.columns, s.add(ctx, table, e)
}

// find returns the last epoch of a table that has begun at p.
func (s *shapes) find(table string, p position) (epoch, bool) {
	all := s.of[table]
	for _, e := range slices.Backward(all) {
		if p.covers(e.from) {
			return e, true
		}
	}
	return epoch{}, false
}

// changed begins a new epoch at p, where a statement may have changed the table, unless that was seen before.
func (s *shapes) changed(ctx context.Context, table string, p position) error {
	if e, found := s.find(table, p); found && e.from.covers(p) {
		return nil
	}
	e, err := s.learn(ctx, table, p)
	if err != nil {
		return err
	}
	return s.add(ctx, table, e)
}

// learn makes an epoch that begins at p, of what the catalog says now.
func (s *shapes) learn(ctx context.Context, table string, p position) (epoch, error) {
	e := epoch{from: p.clone()}
	columns, err := readShape(ctx, s.db, table)
	if err != nil {
		return e, fmt.Errorf("%s: %w", s.db.Server, err)
	}
	again, err := s.changedBehind(ctx, []string{table}, p)
	if err != nil {
		return e, fmt.Errorf("%s: %w", s.db.Server, err)
	}
	if !again[table] && len(columns) > 0 {
		e.columns = columns
	}
	return e, nil
}

// add puts an epoch in its place, in memory and in dso_shape. One that is older than all that is known has a
// number below theirs.
func (s *shapes) add(ctx context.Context, table string, e epoch) error {
	all := s.of[table]
	if n := len(all); n > 0 {
		e.number = all[n-1].number + 1
		if all[0].from.covers(e.from) {
			e.number = all[0].number - 1
		}
	}
	row, err := e.row(table)
	if err != nil {
		return err
	}
	if err := control.WriteShape(ctx, s.db, row); err != nil {
		return fmt.Errorf("%s: %w", s.db.Server, err)
	}
	all = append(all, e)
	slices.SortFunc(all, func(a, b epoch) int { return a.number - b.number })
	s.of[table] = all
	return nil
}

func (e epoch) row(table string) (control.Shape, error) {
	row := control.Shape{Table: table, Number: e.number, Position: string(e.from.text())}
	if e.columns == nil {
		return row, nil
	}
	text, err := json.Marshal(e.columns)
	if err != nil {
		return row, fmt.Errorf("shape of table %s: %w", table, err)
	}
	row.Shape = string(text)
	return row, nil
}

// changedBehind returns those of some tables that a statement behind p may change. It reads to the log's present end
// on a connection of its own, which the server does not take for the reader: as one that has neither a UUID nor a
// number, like those who look into logs by hand.
func (s *shapes) changedBehind(ctx context.Context, tables []string, p position) (changed map[string]bool, err error) {
	c, err := connect(ctx, s.db, s.o)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }() // nothing is lost with it
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(past) })
	defer stop()
	o := s.o
	o.ServerID = 0
	if err := dump(ctx, c, o, p, nonBlock); err != nil {
		return nil, cause(ctx, err)
	}
	changed, err = s.search(c, tables)
	if err != nil {
		return nil, cause(ctx, fmt.Errorf("look for changes of tables in the log: %w", err))
	}
	return changed, nil
}

// search reads a log to its end.
func (s *shapes) search(c *wire.Conn, tables []string) (map[string]bool, error) {
	changed := map[string]bool{}
	d := event.NewDecoder()
	for {
		raw, err := c.Next()
		if errors.Is(err, io.EOF) {
			return changed, nil
		}
		if err != nil {
			return nil, err
		}
		_, e, err := d.Decode(raw)
		if err != nil {
			return nil, err
		}
		q, is := e.(*event.Query)
		if !is || q.Text == "BEGIN" {
			continue
		}
		x := s.parse(q)
		for _, t := range tables {
			changed[t] = changed[t] || s.touches(x, q.Schema, t)
		}
	}
}

// touches reports whether a statement may change the shape of a table of our database.
func (s *shapes) touches(x statement, schema, table string) bool {
	if x.kind != stmtDDL {
		return false
	}
	return x.unknown || slices.ContainsFunc(x.tables, func(t tableName) bool {
		t = t.or(schema)
		return s.folded(t.Schema) == s.folded(s.db.Schema) && (t.Table == "" || s.folded(t.Table) == table)
	})
}

func (s *shapes) unknown(table string, e epoch) error {
	return &cdc.UnreadableError{
		Server: s.db.Server,
		What:   fmt.Sprintf("rows of table %s.%s behind position %s", s.db.Schema, table, e.from.text()),
		Fix: "`ardso init " + s.db.Server + "` sets a new position, then `ardso transfer` what changed since the last one; " +
			"with MySQL 8.0 and binlog_row_metadata = FULL the log names its columns",
		Err: errors.New("the log does not name the columns, and the table was changed again before its shape there was read"),
	}
}

// begin makes the history anew: what tables have where reading begins, at p, which was asked for before.
func (s *shapes) begin(ctx context.Context, tables []string, p position) error {
	all := make([]epoch, len(tables))
	for i, table := range tables {
		var err error
		all[i].from = p
		if all[i].columns, err = readShape(ctx, s.db, table); err != nil {
			return err
		}
	}
	changed, err := s.changedBehind(ctx, tables, p)
	if err != nil {
		return err
	}
	rows := make([]control.Shape, len(tables))
	for i, table := range tables {
		if changed[table] || len(all[i].columns) == 0 {
			all[i].columns = nil
		}
		if rows[i], err = all[i].row(table); err != nil {
			return err
		}
	}
	return control.ReplaceShapes(ctx, s.db, rows)
}
