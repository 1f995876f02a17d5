package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Newest is the version of the control tables that this program makes and uses.
const Newest = 10

// tables lists the control tables, dso_meta first: without it there are none.
var tables = []string{"dso_meta", "dso_reader", "dso_checkpoint", "dso_watermark", "dso_pending", "dso_pending_error", "dso_conflict", "dso_shape", "dso_owner", "dso_event", "dso_join", "dso_catalog"}

// Step is one thing that Migrate or Remove does.
type Step struct {
	What string // for the administrator
	SQL  string // one statement
}

// Version returns the version of the control tables and the server they were made for. Without
// tables, or where making them was never finished, it is a *NotInitialisedError.
func Version(ctx context.Context, db *engine.DB) (version int, server string, err error) {
	return readMeta(ctx, db, db.Server, db.Engine.Dialect)
}

// Check makes sure that the control tables are those that this program uses and belong to server:
// *NotInitialisedError (also where they are older), *NewerSchemaError, *OtherServerError.
func Check(ctx context.Context, db *engine.DB, server string) error {
	version, owner, err := Version(ctx, db)
	switch {
	case err != nil:
		return err
	case version > Newest:
		return &NewerSchemaError{Server: server, Version: version}
	case owner != server:
		return &OtherServerError{Server: server, Owner: owner}
	case version < Newest:
		return &NotInitialisedError{Server: server, Version: version}
	}
	return nil
}

// hasMeta asks whether dso_meta is there.
var hasMeta = map[string]string{
	"postgres": `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'dso_meta'`,
	"mysql":    `SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = database() AND table_name = 'dso_meta'`,
	"sqlite":   `SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'dso_meta'`,
}

func readMeta(ctx context.Context, q sqlx.QueryerContext, name, dialect string) (int, string, error) {
	var n int
	if err := sqlx.GetContext(ctx, q, &n, "/* ardso init */ "+hasMeta[dialect]); err != nil {
		return 0, "", fmt.Errorf("look for control tables: %w", err)
	}
	if n == 0 {
		return 0, "", &NotInitialisedError{Server: name}
	}
	var rows []struct{ Name, Value string }
	if err := sqlx.SelectContext(ctx, q, &rows, queries()[dialect]["meta_read"]); err != nil {
		return 0, "", fmt.Errorf("read dso_meta: %w", err)
	}
	meta := map[string]string{}
	for _, r := range rows {
		meta[r.Name] = r.Value
	}
	if meta["schema_version"] == "" {
		return 0, meta["server"], &NotInitialisedError{Server: name}
	}
	version, err := strconv.Atoi(meta["schema_version"])
	if err != nil {
		return 0, "", fmt.Errorf("dso_meta: schema_version %q is no number", meta["schema_version"])
	}
	return version, meta["server"], nil
}

// Plan returns what Migrate would do; nothing where the tables are as they should be.
func Plan(ctx context.Context, db *engine.DB, server string) ([]Step, error) {
	return plan(ctx, db, db.Engine.Dialect, server)
}

func plan(ctx context.Context, q sqlx.QueryerContext, dialect, server string) ([]Step, error) {
	version, owner, err := readMeta(ctx, q, server, dialect)
	if missing := (*NotInitialisedError)(nil); err != nil && !errors.As(err, &missing) {
		return nil, err
	}
	if owner != "" && owner != server {
		return nil, &OtherServerError{Server: server, Owner: owner}
	}
	if version > Newest {
		return nil, &NewerSchemaError{Server: server, Version: version}
	}
	var steps []Step
	for v := version + 1; v <= Newest; v++ {
		statements, err := migration(dialect, v)
		if err != nil {
			return nil, err
		}
		steps = append(steps, statements...)
	}
	return steps, nil
}

// migration reads the statements that lead to a version. A statement ends with a semicolon at a
// line's end.
func migration(dialect string, version int) ([]Step, error) {
	text, err := fs.ReadFile(files, fmt.Sprintf("%s/%03d.sql", dialect, version))
	if err != nil {
		return nil, err
	}
	var steps []Step
	for s := range strings.SplitSeq(string(text), ";\n") {
		if s = strings.TrimSpace(s); s != "" {
			steps = append(steps, Step{What: describe(s), SQL: "/* ardso init */ " + s})
		}
	}
	return steps, nil
}

// describe names what a statement does: its first words, "create table dso_meta".
func describe(statement string) string {
	for line := range strings.Lines(statement) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		line = strings.NewReplacer("IF NOT EXISTS ", "", "OR IGNORE ", "").Replace(line)
		words := strings.Fields(line)
		n := 3
		if words[0] == "COMMENT" {
			n = 4
		}
		words = words[:min(n, len(words))]
		for i, w := range words {
			words[i] = strings.ToLower(w)
		}
		return strings.Join(words, " ")
	}
	return "nothing"
}

// Migrate makes the control tables or brings them up to Newest, for the server of that logical name.
// It may be run again, and by two at once: the second waits. On MySQL and MariaDB each statement
// commits by itself; there the version is written last, so that tables which are half made count
// as not there, and every statement can be run again.
//
// Errors: *OtherServerError, *NewerSchemaError, both before anything is changed.
func Migrate(ctx context.Context, db *engine.DB, server string) error {
	err := exclusively(ctx, db, func(c *sqlx.Conn) error {
		steps, err := plan(ctx, c, db.Engine.Dialect, server)
		if err != nil || len(steps) == 0 {
			return err
		}
		for _, s := range steps {
			if _, err := c.ExecContext(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s: %w", s.What, err)
			}
		}
		write := queries()[db.Engine.Dialect]["meta_write"]
		for _, kv := range [][2]string{{"server", server}, {"schema_version", strconv.Itoa(Newest)}} {
			if _, err := c.ExecContext(ctx, write, kv[0], kv[1]); err != nil {
				return fmt.Errorf("write dso_meta: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: make control tables: %w", db.Server, err)
	}
	return nil
}

// RemovePlan returns what Remove would do.
func RemovePlan(db *engine.DB) []Step {
	steps := make([]Step, 0, len(tables))
	for _, t := range tables {
		steps = append(steps, Step{What: "drop table " + t, SQL: "/* ardso init */ DROP TABLE IF EXISTS " + t})
	}
	return steps
}

// Remove drops the control tables with all that is pending in them. Where there are none it does
// nothing.
func Remove(ctx context.Context, db *engine.DB) error {
	err := exclusively(ctx, db, func(c *sqlx.Conn) error {
		for _, s := range RemovePlan(db) {
			if _, err := c.ExecContext(ctx, s.SQL); err != nil {
				return fmt.Errorf("%s: %w", s.What, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: remove control tables: %w", db.Server, err)
	}
	return nil
}

// lockName is the advisory lock of those who change the control tables.
const lockName = "ardso control tables"

// brackets are the statements around a change of the control tables, so that one at a time does it,
// and in a transaction where the engine can.
var brackets = map[string]struct{ begin, end, undo []string }{
	"postgres": {
		begin: []string{"BEGIN", "SELECT pg_advisory_xact_lock(hashtext('" + lockName + "'), hashtext(current_schema()))"},
		end:   []string{"COMMIT"},
		undo:  []string{"ROLLBACK"},
	},
	"mysql": {
		begin: []string{"DO GET_LOCK(CONCAT('" + lockName + " ', LEFT(database(), 30)), 600)"},
		end:   []string{"DO RELEASE_LOCK(CONCAT('" + lockName + " ', LEFT(database(), 30)))"},
		undo:  []string{"DO RELEASE_LOCK(CONCAT('" + lockName + " ', LEFT(database(), 30)))"},
	},
	"sqlite": {
		begin: []string{"BEGIN IMMEDIATE"},
		end:   []string{"COMMIT"},
		undo:  []string{"ROLLBACK"},
	},
}

// exclusively runs f on a connection of its own within the engine's brackets.
func exclusively(ctx context.Context, db *engine.DB, f func(*sqlx.Conn) error) (err error) {
	c, err := db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	run := func(ctx context.Context, statements []string) error {
		for _, s := range statements {
			if _, err := c.ExecContext(ctx, s); err != nil {
				return err
			}
		}
		return nil
	}
	b := brackets[db.Engine.Dialect]
	err = run(ctx, b.begin)
	if err == nil {
		err = f(c)
	}
	if err == nil {
		err = run(ctx, b.end)
	}
	if err != nil {
		// The cause matters; a connection that is gone has been rolled back by the server.
		_ = run(context.WithoutCancel(ctx), b.undo)
	}
	return err
}

// NotInitialisedError is a database without the control tables that this program needs.
type NotInitialisedError struct {
	Server  string
	Version int // 0 = none
}

func (e *NotInitialisedError) Error() string {
	if e.Version > 0 {
		return fmt.Sprintf("%s: control tables are of version %d, this ardso needs %d", e.Server, e.Version, Newest)
	}
	return e.Server + ": no control tables"
}

func (e *NotInitialisedError) Name() string   { return "control.not_initialised" }
func (e *NotInitialisedError) Remedy() string { return "run `ardso init " + e.Server + "`" }

// NewerSchemaError is a database whose control tables a newer ardso has made (E-11).
type NewerSchemaError struct {
	Server  string
	Version int
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("%s: control tables are of version %d, this ardso knows up to %d", e.Server, e.Version, Newest)
}

func (e *NewerSchemaError) Name() string { return "control.newer_schema" }

func (e *NewerSchemaError) Remedy() string {
	return "use the newer ardso for this server; going back needs its `ardso init --remove` and a new initial transfer"
}

// OtherServerError is a database that was initialised under another logical name.
type OtherServerError struct {
	Server string // as asked for
	Owner  string // as initialised
}

func (e *OtherServerError) Error() string {
	return fmt.Sprintf("%s: this database was initialised as server %q", e.Server, e.Owner)
}

func (e *OtherServerError) Name() string { return "control.other_server" }

func (e *OtherServerError) Remedy() string {
	return fmt.Sprintf("name it %q in the definitions, check that the url is right, or run `ardso init %s --remove` first", e.Owner, e.Owner)
}
