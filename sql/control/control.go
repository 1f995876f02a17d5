// Package control keeps ardso's own tables, prefix dso_, in a server's database: it creates and
// migrates them and reads and writes them by type. Positions are opaque text here, images and
// operations are JSON that others make and read.
//
// The tables are plain: an administrator may SELECT from all of them, and `ardso` shows the same.
// One file per version and engine holds their SQL (<engine>/001.sql); query/*.sql hold the
// statements, which are the same on every engine but for the few expressions that dialect gives.
//
// Read Migrate, then Lease, Checkpoint and Advance, then Pending, PendingError and Conflict.
package control

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"sync"
	"text/template"

	"github.com/jmoiron/sqlx"
)

// Handle is what statements run on: an *engine.DB, or a transaction of one.
type Handle interface {
	sqlx.ExtContext
	DriverName() string
}

//go:embed postgres/*.sql mysql/*.sql sqlite/*.sql query/*.sql
var files embed.FS

// dialect is what the statements in query/ say differently on each engine.
type dialect struct {
	name      string
	now       string // the database's clock in UTC, microseconds where there are
	after     string // now plus %s milliseconds
	forUpdate string
	open      string // dso_checkpoint.open while a transaction writes
	ifAbsent  string // ends an INSERT: keep the row there is; %[1]s its key, %[2]s any column
	onTaken   string // ends an INSERT: update the row there is instead; %[1]s the unique column, %[2]s assignments
	assign    string // assignment of the value that was to be inserted
	bind      int

	// What the triggers of package guard know ardso's transactions by, within the statement that advances the
	// checkpoint; on SQLite it is the open mark.
	writerBefore, writerAfter string
}

var dialects = map[string]*dialect{
	"postgres": {
		name:      "postgres",
		now:       "clock_timestamp()",
		after:     "clock_timestamp() + CAST(%s AS bigint) * interval '1 millisecond'",
		forUpdate: "FOR UPDATE",
		open:      "0",
		ifAbsent:  "ON CONFLICT (%[1]s) DO NOTHING",
		onTaken:   "ON CONFLICT (%[1]s) DO UPDATE SET %[2]s",
		assign:    "%[1]s = excluded.%[1]s",
		bind:      sqlx.DOLLAR,
		// Of this transaction, and worth nothing in another: pooled sessions cannot hand it on.
		writerAfter: "RETURNING set_config('ardso.writer', CAST(pg_current_xact_id() AS text), true)",
	},
	"mysql": {
		name:      "mysql",
		now:       "UTC_TIMESTAMP(6)",
		after:     "UTC_TIMESTAMP(6) + INTERVAL (%s * 1000) MICROSECOND",
		forUpdate: "FOR UPDATE",
		open:      "0",
		ifAbsent:  "ON DUPLICATE KEY UPDATE %[2]s = %[2]s",
		onTaken:   "ON DUPLICATE KEY UPDATE %[2]s",
		assign:    "%[1]s = VALUES(%[1]s)",
		bind:      sqlx.QUESTION,
		// Of this session, which is ardso's own; in every other one the variable is NULL. In the same packet: no
		// round trip of its own.
		writerBefore: "SET @ardso_writer = 1;\n/* ardso apply */\n",
	},
	"sqlite": {
		name:     "sqlite",
		now:      "strftime('%Y-%m-%d %H:%M:%f', 'now')",
		after:    "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', (%s / 1000.0) || ' seconds')",
		open:     "1",
		ifAbsent: "ON CONFLICT (%[1]s) DO NOTHING",
		onTaken:  "ON CONFLICT (%[1]s) DO UPDATE SET %[2]s",
		assign:   "%[1]s = excluded.%[1]s",
		bind:     sqlx.QUESTION,
	},
}

// dialectOf tells a handle's dialect by its driver's name.
func dialectOf(h Handle) *dialect {
	switch name := h.DriverName(); {
	case strings.Contains(name, "mysql"):
		return dialects["mysql"]
	case strings.Contains(name, "sqlite"):
		return dialects["sqlite"]
	default:
		return dialects["postgres"]
	}
}

// queries holds the rendered statements by dialect and file name.
var queries = sync.OnceValue(func() map[string]map[string]string {
	names, err := fs.Glob(files, "query/*.sql")
	if err != nil {
		panic(err)
	}
	all := map[string]map[string]string{}
	for engine, d := range dialects {
		all[engine] = map[string]string{}
		for _, n := range names {
			all[engine][strings.TrimSuffix(path.Base(n), ".sql")] = d.render(n)
		}
	}
	return all
})

// render fills in a statement of query/. The files are ours: what fails is a bug.
func (d *dialect) render(name string) string {
	t := template.New(path.Base(name)).Funcs(template.FuncMap{
		"now":   func() string { return d.now },
		"after": func(ms string) string { return fmt.Sprintf(d.after, ms) },
		"open":  func() string { return d.open },

		"writerBefore": func() string { return d.writerBefore },
		"writerAfter":  func() string { return d.writerAfter },

		"ifAbsent": func(key, column string) string { return d.format(d.ifAbsent, key, column) },
		"onTaken":  d.renderOnTaken,
	})
	var b strings.Builder
	if err := template.Must(t.ParseFS(files, name)).Execute(&b, nil); err != nil {
		panic(err)
	}
	return sqlx.Rebind(d.bind, strings.TrimSpace(b.String()))
}

// renderOnTaken turns an insert into an update where the unique column is taken: extra is an
// assignment as it is, columns take the values that were to be inserted.
func (d *dialect) renderOnTaken(unique, extra string, columns ...string) string {
	var set []string
	if extra != "" {
		set = append(set, extra)
	}
	for _, c := range columns {
		set = append(set, fmt.Sprintf(d.assign, c))
	}
	return d.format(d.onTaken, unique, strings.Join(set, ", "))
}

// format is Sprintf for formats that use any of two arguments.
func (d *dialect) format(format, a, b string) string {
	return strings.NewReplacer("%[1]s", a, "%[2]s", b).Replace(format)
}

// query returns a statement of query/ for the handle's engine.
func query(h Handle, name string) string {
	q, ok := queries()[dialectOf(h).name][name]
	if !ok {
		panic("control: no statement " + name)
	}
	return q
}

// clean makes text of errors and requests storable on every engine: valid UTF-8 without U+0000.
func clean(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// exec runs a statement of query/ and returns the number of rows it found.
func exec(ctx context.Context, h Handle, name string, args ...any) (int64, error) {
	r, err := h.ExecContext(ctx, query(h, name), clean(args)...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", strings.ReplaceAll(name, "_", " "), err)
	}
	return r.RowsAffected()
}

// must runs a statement of query/ that has to find a row; where it finds none, the row is not there.
func must(ctx context.Context, h Handle, name, id string, args ...any) error {
	n, err := exec(ctx, h, name, args...)
	if err == nil && n == 0 {
		err = &NotFoundError{ID: id}
	}
	return err
}

// beginner is a handle that can open a transaction.
type beginner interface {
	Handle
	BeginTxx(ctx context.Context, opts *sql.TxOptions) (*sqlx.Tx, error)
}

// within runs f in a transaction, which it commits or rolls back.
func within(ctx context.Context, db beginner, f func(tx *sqlx.Tx) error) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	if err := f(tx); err != nil {
		return errors.Join(err, ignoreDone(tx.Rollback()))
	}
	return tx.Commit()
}

// ignoreDone drops the error of a transaction that has ended already.
func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// NotFoundError is a row that is not there (any more).
type NotFoundError struct {
	ID string
}

func (e *NotFoundError) Error() string { return fmt.Sprintf("no row with ID %q", e.ID) }
func (e *NotFoundError) Name() string  { return "control.not_found" }
func (e *NotFoundError) Remedy() string {
	return "list what there is with `ardso pending` or `ardso errors`"
}

// FencedError is a write that was refused because a process with a newer lease writes there.
type FencedError struct {
	What  string // "checkpoint of chicago"
	Epoch int64  // ours
	Newer int64  // of the row; 0 = the row is gone
}

func (e *FencedError) Error() string {
	return fmt.Sprintf("%s: epoch %d is fenced off by %d", e.What, e.Epoch, e.Newer)
}

func (e *FencedError) Name() string { return "control.fenced" }

func (e *FencedError) Remedy() string {
	return "nothing: another ardso process has taken over this server; this one stops writing"
}
