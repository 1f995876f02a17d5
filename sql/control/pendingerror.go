package control

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// ErrorStatus is where a failed operation stands.
type ErrorStatus string

const (
	ErrorHeld  ErrorStatus = "held"  // waits for a person
	ErrorRetry ErrorStatus = "retry" // to be tried again now
)

// Key names the requests whose operations are held back together (G3).
type Key struct {
	Mapping    string
	TargetForm string
	Request    string // Request ID on the source
}

// PendingError is a row of dso_pending_error: an operation on this server that could not be carried
// out. There is one row for each source and Key; later operations join it.
type PendingError struct {
	ID         string // "" = Park makes one
	Source     string // server whose log it was read from
	Mapping    string
	Form       string // on the source
	Request    string // on the source
	TargetForm string
	// Target is the server that has not accepted it, of one that is kept on its source; "" = this server. It tells
	// rows of one Key apart; not read.
	Target    string
	Pool      string
	Action    string // create, modify, delete
	Error     string // name of the error
	Reason    string
	Remedy    string
	Attempts  int    // counted by Park; not written
	Operation string // JSON, as the caller reads and writes it
	Status    ErrorStatus
	Created   time.Time // by this database's clock, as Updated; not written
	Updated   time.Time
}

// Key names the row among those of its source.
func (e *PendingError) Key() Key {
	return Key{Mapping: e.Mapping, TargetForm: e.TargetForm, Request: e.Request}
}

func (k Key) hash(source string) string { return hash(source, k.Mapping, k.TargetForm, k.Request) }

func (e *PendingError) hash() string {
	if e.Target == "" {
		return e.Key().hash(e.Source)
	}
	return hash(e.Source, e.Mapping, e.TargetForm, e.Request, e.Target)
}

// GivenUp reads and locks the row that a parked operation of that Source, Key and Target is in; nil where there is none.
func GivenUp(ctx context.Context, tx Handle, e PendingError) (*PendingError, error) {
	var w where
	w.equal("hash", e.hash())
	list, err := listErrors(ctx, tx, w, dialectOf(tx).forUpdate)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// Park stores a failed operation as held and returns its row's ID. Where its key has a row already,
// that row takes the new error and operation, keeps its ID, and counts one more attempt.
func Park(ctx context.Context, h Handle, e PendingError) (string, error) {
	if e.ID == "" {
		e.ID = NewID()
	}
	sum := e.hash()
	if _, err := exec(ctx, h, "error_park", e.ID, e.Source, e.Mapping, e.Form, e.Request, e.TargetForm, e.Pool, e.Action,
		e.Error, e.Reason, e.Remedy, e.Operation, sum); err != nil {
		return "", err
	}
	var w where
	w.equal("hash", sum)
	list, err := listErrors(ctx, h, w, "")
	if err != nil {
		return "", err
	}
	if len(list) == 0 {
		return "", &NotFoundError{ID: e.ID}
	}
	return list[0].ID, nil
}

// holdBatch bounds the keys of one statement.
const holdBatch = 500

// Held reads the rows of these keys and locks them until the transaction ends, so that nobody
// deletes or releases one while an operation joins it. Keys without a row are left out.
func Held(ctx context.Context, tx Handle, source string, keys ...Key) ([]PendingError, error) {
	var all []PendingError
	for len(keys) > 0 {
		n := min(len(keys), holdBatch)
		sums := make([]string, n)
		for i, k := range keys[:n] {
			sums[i] = k.hash(source)
		}
		keys = keys[n:]
		var w where
		w.in("hash", sums)
		list, err := listErrors(ctx, tx, w, dialectOf(tx).forUpdate)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// LoadHeld reads the keys of all rows of a source, held or to be retried.
func LoadHeld(ctx context.Context, h Handle, source string) ([]Key, error) {
	keys, err := readAll(ctx, h, query(h, "error_keys"), []any{source},
		func(rows *sqlx.Rows) (k Key, err error) { return k, rows.Scan(&k.Mapping, &k.TargetForm, &k.Request) })
	if err != nil {
		return nil, fmt.Errorf("read held requests: %w", err)
	}
	return keys, nil
}

// Join stores the operation that a later one of the same request has been joined to.
func Join(ctx context.Context, tx Handle, id, operation string) error {
	return must(ctx, tx, "error_join", id, operation, id)
}

// TakeRetries reads the rows of a source that are to be tried again, oldest first. They stay as
// they are until Park or DeleteError settles them: after a crash they are read again. The source's
// lease sees to it that one process does this.
func TakeRetries(ctx context.Context, h Handle, source string) ([]PendingError, error) {
	return ListErrors(ctx, h, ErrorFilter{Source: source, Status: []ErrorStatus{ErrorRetry}})
}

// ErrorFilter selects rows of dso_pending_error; zero fields select all.
type ErrorFilter struct {
	ID         string
	Source     string
	Mapping    string
	Form       string
	Request    string
	TargetForm string
	Error      string // name of the error
	Status     []ErrorStatus
	OlderThan  time.Duration
	Limit      int // 0 = no limit
}

// IDs names the rows that it selects, in the order in which they were made.
func (f ErrorFilter) IDs(ctx context.Context, h Handle) ([]string, error) {
	return f.where(h).ids(ctx, h, "dso_pending_error")
}

// Count counts them, whatever the limit.
func (f ErrorFilter) Count(ctx context.Context, h Handle) (int64, error) {
	return f.where(h).count(ctx, h, "dso_pending_error")
}

func (f ErrorFilter) where(h Handle) where {
	var w where
	w.equal("id", f.ID)
	w.equal("source", f.Source)
	w.equal("mapping", f.Mapping)
	w.equal("form", f.Form)
	w.equal("request", f.Request)
	w.equal("target_form", f.TargetForm)
	w.equal("error", f.Error)
	w.in("status", texts(f.Status))
	w.older(h, f.OlderThan)
	w.limit = f.Limit
	return w
}

// ListErrors reads rows in the order in which they were made.
func ListErrors(ctx context.Context, h Handle, f ErrorFilter) ([]PendingError, error) {
	return listErrors(ctx, h, f.where(h), "")
}

// GetError reads one row; *NotFoundError where there is none.
func GetError(ctx context.Context, h Handle, id string) (PendingError, error) {
	list, err := ListErrors(ctx, h, ErrorFilter{ID: id})
	if err == nil && (id == "" || len(list) == 0) {
		err = &NotFoundError{ID: id}
	}
	if err != nil {
		return PendingError{}, err
	}
	return list[0], nil
}

// LockError reads and locks one row, so that no thread lets an operation join it or tries it meanwhile; *NotFoundError
// where there is none.
func LockError(ctx context.Context, tx Handle, id string) (PendingError, error) {
	list, err := listErrors(ctx, tx, ErrorFilter{ID: id}.where(tx), dialectOf(tx).forUpdate)
	if err == nil && (id == "" || len(list) == 0) {
		err = &NotFoundError{ID: id}
	}
	if err != nil {
		return PendingError{}, err
	}
	return list[0], nil
}

// CountErrors counts the rows by status.
func CountErrors(ctx context.Context, h Handle) (map[ErrorStatus]int64, error) {
	return count[ErrorStatus](ctx, h, "dso_pending_error")
}

// SetErrorStatus holds a row or gives it free to be tried again.
func SetErrorStatus(ctx context.Context, h Handle, id string, s ErrorStatus) error {
	return must(ctx, h, "error_status", id, string(s), id)
}

// DeleteError removes a row: its operation was carried out, or a person gave it up.
func DeleteError(ctx context.Context, h Handle, id string) error {
	return must(ctx, h, "error_delete", id, id)
}

func listErrors(ctx context.Context, h Handle, w where, lock string) ([]PendingError, error) {
	q, args := w.sql(h, "error_select", "created, id")
	if lock != "" {
		q += "\n" + lock
	}
	list, err := readAll(ctx, h, q, args, func(rows *sqlx.Rows) (e PendingError, err error) {
		var created, updated stamp
		err = rows.Scan(&e.ID, &e.Source, &e.Mapping, &e.Form, &e.Request, &e.TargetForm, &e.Pool, &e.Action,
			&e.Error, &e.Reason, &e.Remedy, &e.Attempts, &e.Operation, &e.Status, &created, &updated)
		e.Created, e.Updated = created.Time, updated.Time
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list errors: %w", err)
	}
	return list, nil
}
