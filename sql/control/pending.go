package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Status is where a pending operation stands.
type Status string

const (
	New       Status = "new"       // asked for, not begun
	Running   Status = "running"   // begun; LastKey tells how far it is
	Done      Status = "done"      // carried out
	Failed    Status = "failed"    // ended by an error
	Cancelled Status = "cancelled" // ended by a person
	Waiting   Status = "waiting"   // an update or escalation before its hour
	Retry     Status = "retry"     // its target does not accept
)

// Pending is a row of dso_pending: an operation that was asked for or put off.
type Pending struct {
	ID            string // "" = InsertPending makes one
	Type          string // "transfer", …
	Mapping       string // of an Escalation its name
	Form          string // of this server
	Qualification string // which requests; "" = all
	Status        Status // "" = New
	LastKey       string // key of the last request that is durable on the target
	RowsDone      int64
	RowsTotal     int64 // estimate; -1 = unknown
	Error         string
	Reason        string
	Remedy        string
	Created       time.Time // by the database's clock, as Updated; not written
	CreatedBy     string
	Updated       time.Time

	// Of an update that waits, type "update"; WaitUpdate writes these. Of an Escalation the last two.
	Request   string    // the one request it is for
	Target    string    // server that it goes to
	Operation string    // JSON, opaque here
	Due       time.Time // zero: none; of what waits for its target: a person wants it to be tried now

	// Of an operation that waits for its target, as those of Aside; not written.
	Seq       int64
	Attempted string
	Pool      string    // that polls, for whose next time it waits; WaitHandOver writes it
	Until     time.Time // when a hand-over is given up; zero: never; only WaitHandOver writes it, not read
}

// InsertPending adds a row and returns its ID.
func InsertPending(ctx context.Context, h Handle, p Pending) (string, error) {
	if p.ID == "" {
		p.ID = NewID()
	}
	if p.Status == "" {
		p.Status = New
	}
	_, err := exec(ctx, h, "pending_insert", p.ID, p.Type, p.Mapping, p.Form, p.Qualification, string(p.Status), p.LastKey,
		p.RowsDone, p.RowsTotal, p.Error, p.Reason, p.Remedy, p.CreatedBy)
	return p.ID, err
}

// PendingFilter selects rows of dso_pending; zero fields select all.
type PendingFilter struct {
	ID        string
	Type      string
	Mapping   string
	Form      string
	Request   string // of updates and operations that wait
	Target    string // likewise
	Status    []Status
	OlderThan time.Duration
	Begun     bool // not escalations that wait for their next run
	Limit     int  // 0 = no limit
}

// IDs names the rows that it selects, in the order in which they were made.
func (f PendingFilter) IDs(ctx context.Context, h Handle) ([]string, error) {
	return f.where(h).ids(ctx, h, "dso_pending")
}

// Count counts them, whatever the limit.
func (f PendingFilter) Count(ctx context.Context, h Handle) (int64, error) {
	return f.where(h).count(ctx, h, "dso_pending")
}

func (f PendingFilter) where(h Handle) where {
	var w where
	w.equal("id", f.ID)
	w.equal("type", f.Type)
	w.equal("mapping", f.Mapping)
	w.equal("form", f.Form)
	w.equal("request", f.Request)
	w.equal("target", f.Target)
	w.in("status", texts(f.Status))
	w.older(h, f.OlderThan)
	if f.Begun {
		w.tests = append(w.tests, "(type <> 'escalation' OR status <> 'waiting')")
	}
	w.limit = f.Limit
	return w
}

// ListPending reads rows in the order in which they were made.
func ListPending(ctx context.Context, h Handle, f PendingFilter) ([]Pending, error) {
	return listPending(ctx, h, f.where(h), "")
}

// LockPending reads and locks rows, in order of ID; those that are gone are left out.
func LockPending(ctx context.Context, tx Handle, ids ...string) ([]Pending, error) {
	var all []Pending
	for part := range slices.Chunk(slices.Sorted(slices.Values(ids)), holdBatch) {
		var w where
		w.in("id", part)
		list, err := listPending(ctx, tx, w, dialectOf(tx).forUpdate)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

func listPending(ctx context.Context, h Handle, w where, lock string) ([]Pending, error) {
	order := "created, id"
	if lock != "" {
		order = "id" // everybody locks in the same order
	}
	q, args := w.sql(h, "pending_select", order)
	if lock != "" {
		q += "\n" + lock
	}
	list, err := readAll(ctx, h, q, args, scanPending)
	if err != nil {
		return nil, fmt.Errorf("list pending: %w", err)
	}
	return list, nil
}

func scanPending(rows *sqlx.Rows) (p Pending, err error) {
	var created, updated, due stamp
	err = rows.Scan(&p.ID, &p.Type, &p.Mapping, &p.Form, &p.Qualification, &p.Status, &p.LastKey, &p.RowsDone,
		&p.RowsTotal, &p.Error, &p.Reason, &p.Remedy, &created, &p.CreatedBy, &updated, &p.Request, &p.Target, &p.Operation, &due,
		&p.Seq, &p.Attempted, &p.Pool)
	p.Created, p.Updated, p.Due = created.Time, updated.Time, due.Time
	return p, err
}

// GetPending reads one row; *NotFoundError where there is none.
func GetPending(ctx context.Context, h Handle, id string) (Pending, error) {
	list, err := ListPending(ctx, h, PendingFilter{ID: id})
	if err == nil && (id == "" || len(list) == 0) {
		err = &NotFoundError{ID: id}
	}
	if err != nil {
		return Pending{}, err
	}
	return list[0], nil
}

// CountPending counts the rows by status.
func CountPending(ctx context.Context, h Handle) (map[Status]int64, error) {
	return count[Status](ctx, h, "dso_pending")
}

// SetProgress stores how far a pending operation is.
func SetProgress(ctx context.Context, h Handle, id, lastKey string, rowsDone, rowsTotal int64) error {
	return must(ctx, h, "pending_progress", id, lastKey, rowsDone, rowsTotal, id)
}

// Named is an error with a name and a remedy.
type Named interface {
	error
	Name() string
	Remedy() string
}

// SetStatus moves a pending operation on; cause is nil unless it failed. What is done, failed or
// cancelled already stays so: *NotFoundError.
func SetStatus(ctx context.Context, h Handle, id string, s Status, cause error) error {
	var name, reason, remedy string
	if cause != nil {
		reason = cause.Error()
		if n := Named(nil); errors.As(cause, &n) {
			name, remedy = n.Name(), n.Remedy()
		}
	}
	return must(ctx, h, "pending_status", id, string(s), name, reason, remedy, id, string(s))
}

// AskPending has what waits for its target, or for its hour, tried now.
func AskPending(ctx context.Context, tx Handle, id string) error {
	return must(ctx, tx, "pending_ask", id, id)
}

// DeletePending removes a row.
func DeletePending(ctx context.Context, h Handle, id string) error {
	return must(ctx, h, "pending_delete", id, id)
}

// where collects tests that are joined by AND.
type where struct {
	tests []string
	args  []any
	limit int
}

func (w *where) equal(column, v string) {
	if v != "" {
		w.tests = append(w.tests, column+" = ?")
		w.args = append(w.args, v)
	}
}

func (w *where) in(column string, values []string) {
	if len(values) == 0 {
		return
	}
	w.tests = append(w.tests, column+" IN (?"+strings.Repeat(", ?", len(values)-1)+")")
	for _, v := range values {
		w.args = append(w.args, v)
	}
}

// older selects what was made that long ago, by the database's clock.
func (w *where) older(h Handle, age time.Duration) {
	if age > 0 {
		w.tests = append(w.tests, "created <= "+fmt.Sprintf(dialectOf(h).after, "?"))
		w.args = append(w.args, -age.Milliseconds())
	}
}

// sql completes a statement of query/ with the tests, an order and the limit.
func (w where) sql(h Handle, name, order string) (string, []any) {
	return w.complete(h, query(h, name), order)
}

// ids names the rows of a table that the tests select, in the order in which they were made.
func (w where) ids(ctx context.Context, h Handle, table string) ([]string, error) {
	q, args := w.complete(h, "/* ardso status */ SELECT id FROM "+table, "created, id")
	list, err := readAll(ctx, h, q, args, func(rows *sqlx.Rows) (id string, err error) { return id, rows.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", table, err)
	}
	return list, nil
}

func (w where) count(ctx context.Context, h Handle, table string) (int64, error) {
	w.limit = 0
	q, args := w.complete(h, "/* ardso status */ SELECT COUNT(*) FROM "+table, "")
	var n int64
	if err := h.QueryRowxContext(ctx, q, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return n, nil
}

func (w where) complete(h Handle, q, order string) (string, []any) {
	if len(w.tests) > 0 {
		q += "\nWHERE " + strings.Join(w.tests, " AND ")
	}
	if order != "" {
		q += "\nORDER BY " + order
	}
	if w.limit > 0 {
		q += fmt.Sprintf("\nLIMIT %d", w.limit)
	}
	return sqlx.Rebind(dialectOf(h).bind, q), w.args
}

func texts[S ~string](list []S) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = string(s)
	}
	return out
}

// count counts a table's rows by status.
func count[S ~string](ctx context.Context, h Handle, table string) (map[S]int64, error) {
	type pair struct {
		status S
		n      int64
	}
	list, err := readAll(ctx, h, "/* ardso status */ SELECT status, COUNT(*) FROM "+table+" GROUP BY status", nil,
		func(rows *sqlx.Rows) (p pair, err error) { return p, rows.Scan(&p.status, &p.n) })
	if err != nil {
		return nil, fmt.Errorf("count %s: %w", table, err)
	}
	m := map[S]int64{}
	for _, p := range list {
		m[p.status] = p.n
	}
	return m, nil
}
