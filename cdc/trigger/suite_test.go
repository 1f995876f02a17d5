package trigger

import (
	"testing"

	"ardso/cdc"
	"ardso/cdc/cdctest"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
	"ardso/sql/value"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	cdctest.Run(t, func(t *testing.T) cdctest.Source {
		db := dbtest.New(t, "sqlite")
		if err := control.Migrate(t.Context(), db, "osaka"); err != nil {
			t.Fatal(err)
		}
		return &source{db: db}
	})
}

// source is a fresh database for the suite that every reader must pass.
type source struct {
	db    *engine.DB
	start cdc.Position
}

func (s *source) DB() *engine.DB { return s.db }

func (s *source) Setup(t testing.TB, tables []*schema.Table) {
	t.Helper()
	steps, err := Plan(t.Context(), s.db, tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range steps {
		if _, err := s.db.ExecContext(t.Context(), step.SQL); err != nil {
			t.Fatalf("%s: %v", step.What, err)
		}
	}
	if s.start == "" {
		if s.start, err = Start(t.Context(), s.db); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *source) Start(testing.TB) cdc.Position { return s.start }

func (s *source) Reader(testing.TB) cdc.Reader { return New(s.db, Options{}) }

func (s *source) Exec(t testing.TB, mark *cdc.Mark, statements ...string) {
	t.Helper()
	cdctest.Exec(t, s.db, mark, statements...)
}

func (s *source) Watermark(t testing.TB, w cdc.Watermark) {
	t.Helper()
	cdctest.Watermark(t, s.db, w)
}

func (s *source) Select(t testing.TB, table *schema.Table) [][]value.Value {
	t.Helper()
	return cdctest.Select(t, s.db, table)
}

func (s *source) Released(t testing.TB, p cdc.Position) bool {
	t.Helper()
	e, err := triggerlog.ReadExtent(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	return e.Trimmed >= parsed(t, p)
}

func (s *source) Lose(t testing.TB) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), `DELETE FROM dso_log`); err != nil {
		t.Fatal(err)
	}
}

func (s *source) Types() []cdctest.Type {
	literals := []string{
		"0", "-1", "9223372036854775807", "-9223372036854775808", "0.1", "1e308", "-0.0", "9e999", "''", "'a'", "'it''s'",
		"'a' || char(0) || 'b'", "'漢字😀'", "x''", "x'00ff27'", "'2026-11-22 21:09:00'", "'12.50'", "'1'",
	}
	var types []cdctest.Type
	for _, declared := range []string{"integer", "bigint", "text", "varchar(200)", "real", "blob", "numeric(28,10)", "datetime", "date", "time", "boolean"} {
		kind, _ := s.db.Engine.Kind(declared)
		types = append(types, cdctest.Type{
			Column:   schema.Column{DataType: declared, BaseType: declared, Kind: kind},
			Literals: literals,
		})
	}
	return types
}

func (s *source) Traits() cdctest.Traits {
	o := Options{}.withDefaults()
	return cdctest.Traits{Coarse: true, OneWriter: true, NoTruncate: true, PartRows: o.PartRows, PartBytes: o.PartBytes}
}
