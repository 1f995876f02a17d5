// Package preflight asks a database what `ardso check` wants to know before anything is written to it:
// its clock, its durability, and what its user may do.
//
// What it leaves to others: what to make of the answers (package run), and what the readers of a log
// need (package replication, package triggerlog).
package preflight

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

//go:embed postgres/*.sql mysql/*.sql sqlite/*.sql
var files embed.FS

// statement returns a statement for the database's engine.
func statement(db *engine.DB, name string) string {
	b, err := files.ReadFile(db.Engine.Dialect + "/" + name + ".sql")
	if err != nil {
		panic(err) // the files are ours
	}
	return string(b)
}

// ClockOffset is how far the database's clock is ahead of this machine's. It is off by no more than
// half of what the question takes.
func ClockOffset(ctx context.Context, db *engine.DB) (offset, uncertain time.Duration, err error) {
	before := time.Now()
	var text string
	if err := db.GetContext(ctx, &text, statement(db, "clock")); err != nil {
		return 0, 0, fmt.Errorf("ask for the time: %w", err)
	}
	took := time.Since(before)
	v, err := value.Parse(value.KindInstant, text)
	if err != nil {
		return 0, 0, fmt.Errorf("ask for the time: %w", err)
	}
	return time.UnixMicro(v.Int()).Sub(before.Add(took / 2)), took / 2, nil
}

// Setting is a setting of a server that is not as it should be.
type Setting struct {
	Name  string `db:"name"`
	Value string `db:"value"`
	Safe  string `db:"safe"` // what it should be
}

// Undurable lists the settings under which a commit may be lost though the server has confirmed it.
func Undurable(ctx context.Context, db *engine.DB) ([]Setting, error) {
	var list []Setting
	if err := db.SelectContext(ctx, &list, statement(db, "durability")); err != nil {
		return nil, fmt.Errorf("ask for durability: %w", err)
	}
	return list, nil
}

// Denied lists the kinds of writing that the database's user may not do to a table: of INSERT, UPDATE
// and DELETE. It changes nothing: a server checks the privileges of a statement that it only explains.
// SQLite has no privileges; see Writable.
func Denied(ctx context.Context, db *engine.DB, t *schema.Table, kinds ...string) ([]string, error) {
	if db.Engine.Dialect == "sqlite" {
		return nil, nil
	}
	name := db.Engine.Table(t.Schema, t.Name)
	column := db.Engine.Quote(t.Columns[0].Name)
	// Every statement has a WHERE that reads a column, since ardso's have one.
	texts := map[string]string{
		"INSERT": "INSERT INTO " + name + " SELECT * FROM " + name + " WHERE 1 = 0",
		"UPDATE": "UPDATE " + name + " SET " + column + " = " + column + " WHERE " + column + " IS NULL",
		"DELETE": "DELETE FROM " + name + " WHERE " + column + " IS NULL",
	}
	var denied []string
	for _, kind := range kinds {
		err := explain(ctx, db, texts[kind])
		switch {
		case err == nil:
		case db.Engine.Class(err) == engine.Denied:
			denied = append(denied, kind)
		case isReadOnly(err):
			return nil, nil // Writable says so; privileges show when it can be written
		case db.Engine.Class(err) == engine.Transient || ctx.Err() != nil:
			return nil, fmt.Errorf("ask for privileges on %s: %w", t.Name, err)
			// What else it refuses, such as a write to a generated column, says nothing about privileges.
		}
	}
	return denied, nil
}

func explain(ctx context.Context, db *engine.DB, text string) error {
	rows, err := db.QueryContext(ctx, "/* ardso check */ EXPLAIN "+text)
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// isReadOnly: MariaDB refuses even to explain what it would not carry out under read_only.
func isReadOnly(err error) bool {
	var refused *mysql.MySQLError
	return errors.As(err, &refused) && refused.Number == 1290 && strings.Contains(refused.Message, "read-only")
}

// Writable begins a transaction that could write, asks whether it could, and rolls it back. The error says
// why it could not: on SQLite the file cannot be written, elsewhere the server only lets it read.
func Writable(ctx context.Context, db *engine.DB) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing was written
	var why []string
	if err := tx.SelectContext(ctx, &why, statement(db, "readonly")); err != nil {
		return fmt.Errorf("ask whether it can be written: %w", err)
	}
	if len(why) > 0 {
		return errors.New(why[0])
	}
	return nil
}

// CopyTables makes the tables of those names, empty, in another SQLite database. What does not exist is
// left out.
func CopyTables(ctx context.Context, from, to *engine.DB, names []string) error {
	for _, name := range names {
		var texts []string
		if err := from.SelectContext(ctx, &texts, statement(from, "schema"), name); err != nil {
			return fmt.Errorf("read the definition of table %s: %w", name, err)
		}
		for _, text := range texts {
			if _, err := to.ExecContext(ctx, strings.TrimSpace(text)); err != nil {
				return fmt.Errorf("copy the definition of table %s: %w", name, err)
			}
		}
	}
	return nil
}
