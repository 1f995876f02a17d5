package distributed

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"ardso/sql/schema"
)

// Step is one thing that is done to a server.
type Step struct {
	What       string   // for the administrator
	Statements []string // in order
	// Alters: the statements change tables, which MariaDB and MySQL commit one by one.
	Alters bool
}

// SQL is the statements as one text.
func (s Step) SQL() string {
	var b strings.Builder
	for _, x := range s.Statements {
		b.WriteString(strings.TrimSuffix(strings.TrimSpace(x), ";") + ";\n")
	}
	return b.String()
}

// Columns are what a plan does to the form's table.
type Columns struct {
	Added   []Added
	Dropped []string
}

// Added is a column to come.
type Added struct{ Name, Type string }

// Plan is what makes a form have a group of fields, or not have it.
type Plan struct {
	Steps []Step
	Columns
	Fields []Field // those that are added or removed
}

// Add plans what gives the form group g and those below it; no steps where it has them. Errors are
// *TakenError and *ColumnError, all joined, and *ModelError. now is when the dictionary says the form was
// changed.
func (s *State) Add(ctx context.Context, g schema.FieldGroup, now time.Time) (Plan, error) {
	var p Plan
	if err := s.checkAll(g); err != nil {
		return p, err
	}
	p.Fields = s.Missing(g)
	var columns []setting
	for _, f := range p.Fields {
		if f.Column == nil {
			columns = append(columns, setting{f.ColumnName, s.columnType(f)})
			p.Added = append(p.Added, Added{f.ColumnName, s.columnType(f)})
		}
	}
	alter, err := s.alter("add.sql", columns)
	if err != nil {
		return p, err
	}
	if len(alter) > 0 {
		p.Steps = append(p.Steps, Step{What: fmt.Sprintf("add %s to table %s", count(len(columns), "column"), s.Form.Table.Name), Statements: alter, Alters: true})
	}
	if !s.ar() {
		return p, nil
	}
	return p, s.addRows(ctx, &p, now)
}

// checkAll returns all that keeps the form from having group g.
func (s *State) checkAll(g schema.FieldGroup) error {
	var problems []error
	for _, f := range s.Fields {
		if f.Group <= g {
			problems = append(problems, s.Check(f))
		}
	}
	return errors.Join(problems...)
}

// addRows adds to the plan the rows that the dictionary lacks.
func (s *State) addRows(ctx context.Context, p *Plan, now time.Time) error {
	var rows []string
	n := 0
	for _, f := range p.Fields {
		if s.entry(f.ID) != nil {
			continue
		}
		n++
		texts, err := s.enter(ctx, f, now)
		if err != nil {
			return err
		}
		rows = append(rows, texts...)
	}
	return s.rowStep(p, fmt.Sprintf("enter %s into AR System's dictionary", count(n, "field")), rows, n, now)
}

func (s *State) rowStep(p *Plan, what string, rows []string, more int, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	touch, err := s.touch(more, now)
	p.Steps = append(p.Steps, Step{What: what, Statements: append(rows, touch...)})
	return err
}

// Remove plans what takes group g and those above it from the form: first what the dictionary says of
// them, then the columns. Nothing is left where it was cut off and made again.
//
// Errors are *TakenError and *ColumnError for what stands under the IDs and is no distributed field.
func (s *State) Remove(g schema.FieldGroup, now time.Time) (Plan, error) {
	p := Plan{Fields: s.Present(g)}
	var columns []setting
	var problems []error
	for _, f := range p.Fields {
		problems = append(problems, s.Check(f))
		if f.Column != nil {
			columns = append(columns, setting{Name: f.Column.Name})
			p.Dropped = append(p.Dropped, f.Column.Name)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return p, err
	}
	if s.ar() {
		rows, err := s.erase(p.Fields)
		if err != nil {
			return p, err
		}
		n := 0
		for _, f := range p.Fields {
			if s.entry(f.ID) != nil {
				n++
			}
		}
		if err := s.rowStep(&p, fmt.Sprintf("strike %s from AR System's dictionary", count(n, "field")), rows, -n, now); err != nil {
			return p, err
		}
	}
	alter, err := s.alter("drop.sql", columns)
	if len(alter) > 0 {
		p.Steps = append(p.Steps, Step{What: fmt.Sprintf("drop %s of table %s", count(len(columns), "column"), s.Form.Table.Name), Statements: alter, Alters: true})
	}
	return p, err
}

// alter makes the ALTER TABLE statements for columns: one for all of them, where the engine has that.
func (s *State) alter(file string, columns []setting) ([]string, error) {
	if len(columns) == 0 {
		return nil, nil
	}
	batches := [][]setting{columns}
	if s.db.Engine.Dialect == "sqlite" {
		batches = nil
		for i := range columns {
			batches = append(batches, columns[i:i+1])
		}
	}
	var statements []string
	for _, batch := range batches {
		t := s.Form.Table
		text, err := s.render(file, struct {
			Table   string
			Columns []setting
		}{s.db.Engine.Table(t.Schema, t.Name), batch})
		if err != nil {
			return nil, err
		}
		statements = append(statements, text)
	}
	return statements, nil
}

// columnType is the type of a field's column: it may be empty and has no default, so that adding it
// changes no request. In an ar catalog it is what AR System would choose (ar-database-reference, "DDL
// mapping"). Names of servers, forms and mappings may be in any script, and MySQL would give the column
// the table's character set.
func (s *State) columnType(f Field) string {
	if f.Type != schema.Character {
		return map[string]string{"postgres": "integer", "mysql": "int", "sqlite": "INTEGER"}[s.db.Engine.Dialect]
	}
	switch s.db.Engine.Dialect {
	case "postgres":
		switch {
		case s.citext() != "" && f.Length > 0:
			return fmt.Sprintf("%s CHECK (char_length(%s) <= %d)", s.citext(), s.db.Engine.Quote(f.ColumnName), f.Length)
		case s.citext() != "":
			return s.citext()
		case f.Length > 0:
			return fmt.Sprintf("varchar(%d)", f.Length)
		}
		return "text"
	case "mysql":
		text := "longtext"
		if f.Length > 0 {
			text = fmt.Sprintf("varchar(%d)", f.Length)
		}
		if s.ar() {
			return text
		}
		return text + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
	}
	if f.Length > 0 {
		return fmt.Sprintf("VARCHAR(%d)", f.Length)
	}
	return "TEXT"
}

// citext is PostgreSQL's type of text without regard to case, where AR System has chosen that for the
// form; "" elsewhere.
func (s *State) citext() string {
	if !s.ar() {
		return ""
	}
	for _, f := range s.Form.Fields {
		if f.Type == schema.Character && strings.Contains(f.Column.BaseType, "citext") {
			return f.Column.BaseType
		}
	}
	return ""
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
