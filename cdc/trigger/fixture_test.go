package trigger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

//go:embed testdata/control.sql
var controlSQL string

// fixture is a database with control tables, and a path by which other connections open it.
type fixture struct {
	testing.TB
	db     *engine.DB
	tables []*schema.Table
}

func newFixture(t testing.TB, ddl ...string) *fixture {
	t.Helper()
	f := &fixture{TB: t}
	f.db = f.open(filepath.Join(t.TempDir(), "ar.db"))
	f.exec(controlSQL)
	f.exec(ddl...)
	return f
}

func (f *fixture) open(path string) *engine.DB {
	f.Helper()
	db, err := engine.Open(context.Background(), engine.Config{Server: "osaka", URL: "sqlite:" + path})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	return db
}

func (f *fixture) exec(statements ...string) {
	f.Helper()
	for _, s := range statements {
		if _, err := f.db.ExecContext(f.Context(), s); err != nil {
			f.Fatalf("%.200s: %v", s, err)
		}
	}
}

// tx runs statements in one transaction.
func (f *fixture) tx(statements ...string) {
	f.Helper()
	tx, err := f.db.BeginTxx(f.Context(), nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(f.Context(), s); err != nil {
			f.Fatalf("%.200s: %v", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		f.Fatal(err)
	}
}

const (
	openMark  = `UPDATE dso_checkpoint SET open = 1, origin = 'tokyo', path = 'kyoto>tokyo', mapping = 'm', write_back = 1 WHERE thread = 0`
	closeMark = `UPDATE dso_checkpoint SET open = 0 WHERE thread = 0`
)

func (f *fixture) setUp(tables ...string) {
	f.Helper()
	f.tables = nil
	for _, t := range tables {
		f.tables = append(f.tables, &schema.Table{Schema: "main", Name: t})
	}
	f.carryOut(Plan(f.Context(), f.db, f.tables))
	if steps, err := Plan(f.Context(), f.db, f.tables); err != nil || len(steps) > 0 {
		f.Fatalf("a second plan: %v, %v; want nothing to do", steps, err)
	}
}

func (f *fixture) carryOut(steps []cdc.Step, err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range steps {
		f.exec(s.SQL)
	}
}

var errEnough = errors.New("enough")

// read reads from a position to the log's present end.
func (f *fixture) read(from cdc.Position, opt Options) []*cdc.Transaction {
	f.Helper()
	end, err := Start(f.Context(), f.db)
	if err != nil {
		f.Fatal(err)
	}
	var list []*cdc.Transaction
	r := New(f.db, opt)
	if r.Covers(from, end) {
		return nil
	}
	ctx, cancel := context.WithTimeout(f.Context(), 60*time.Second)
	defer cancel()
	err = r.Read(ctx, from, func(t *cdc.Transaction) error {
		list = append(list, t)
		if !t.More && r.Covers(t.Position, end) {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		f.Fatalf("read from %q: %v after\n%s", from, err, show(list))
	}
	return list
}

// show prints transactions, a line each.
func show(list []*cdc.Transaction) string {
	var b strings.Builder
	for _, t := range list {
		fmt.Fprintf(&b, "%s", t.Position)
		if t.More {
			b.WriteString("more")
		}
		if t.Mark != nil {
			fmt.Fprintf(&b, " mark(%s %s %s %v)", t.Mark.Origin, strings.Join(t.Mark.Path, ">"), t.Mark.Mapping, t.Mark.WriteBack)
		}
		for _, w := range t.Watermarks {
			fmt.Fprintf(&b, " %s(%s)", w.Kind, w.Name)
		}
		for _, c := range t.Changes {
			fmt.Fprintf(&b, " %s %s", c.Kind, c.Relation.Table)
			if c.Before != nil {
				fmt.Fprintf(&b, " %v", c.Before)
			}
			if c.After != nil {
				fmt.Fprintf(&b, " -> %v", c.After)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func tablesOf(names []string) []*schema.Table {
	var list []*schema.Table
	for _, n := range names {
		list = append(list, &schema.Table{Schema: "main", Name: n})
	}
	return list
}
