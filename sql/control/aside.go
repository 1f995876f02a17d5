package control

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

// Aside is a row of dso_pending, type "operation": operations on one request under one mapping whose target does not
// accept, or whose pool polls. It is kept on their source.
type Aside struct {
	ID        string // "" = PutAside makes one
	Seq       int64  // its place among those of the target
	Mapping   string
	Form      string // on the source
	Request   string // on the source
	Target    string
	Operation string // JSON, as the caller reads and writes it
	// Fold names what later operations of the request join; "" = none do.
	Fold string
	// Attempted is not "" where a thread has tried to carry it out, or may have: AsideDone, or opaque here. Then its Fold
	// is "".
	Attempted string

	Pool                  string    // that polls, for whose next time it waits; "" = for the target to accept; not read
	Error, Reason, Remedy string    // why it waits; not read
	Until                 time.Time // when it is given up; zero: never; not read
	Created               time.Time // by this database's clock; not written
}

func untilText(h Handle, t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return dueText(h, t)
}

// FoldOf names what the operations on one request under one mapping to one target join.
func FoldOf(form, request, mapping, target, targetForm string) string {
	return hash("operation", form, request, mapping, target, targetForm)
}

// asideBytes bounds one statement: a packet of MySQL 5.6 holds 4 MiB.
const asideBytes = 1 << 20

// LockAsides reads and locks the rows that operations of these names join.
func LockAsides(ctx context.Context, tx Handle, folds ...string) ([]Aside, error) {
	return someAsides(ctx, tx, "fold", folds, dialectOf(tx).forUpdate)
}

// ReadAsides reads rows by ID, in order of their place.
func ReadAsides(ctx context.Context, h Handle, ids ...string) ([]Aside, error) {
	return someAsides(ctx, h, "id", ids, "")
}

// LockAsidesByID is ReadAsides that locks the rows, too: until the transaction ends none joins them, and no person
// removes one.
func LockAsidesByID(ctx context.Context, tx Handle, ids ...string) ([]Aside, error) {
	return someAsides(ctx, tx, "id", ids, dialectOf(tx).forUpdate)
}

func someAsides(ctx context.Context, h Handle, column string, values []string, lock string) ([]Aside, error) {
	var all []Aside
	for len(values) > 0 {
		n := min(len(values), holdBatch)
		q := query(h, "aside_select") + " AND " + column + " IN (?" + strings.Repeat(", ?", n-1) + ")\nORDER BY seq"
		if lock != "" {
			q += "\n" + lock
		}
		args := make([]any, n)
		for i, v := range values[:n] {
			args[i] = v
		}
		values = values[n:]
		list, err := readAll(ctx, h, sqlx.Rebind(dialectOf(h).bind, q), args, func(rows *sqlx.Rows) (a Aside, err error) {
			var created stamp
			err = rows.Scan(&a.ID, &a.Seq, &a.Mapping, &a.Form, &a.Request, &a.Target, &a.Operation, &a.Fold, &a.Attempted, &created)
			a.Created = created.Time
			return a, err
		})
		if err != nil {
			return nil, fmt.Errorf("read operations that wait: %w", err)
		}
		all = append(all, list...)
	}
	return all, nil
}

// PutAsides inserts rows; of one that is there already it replaces the operations.
func PutAsides(ctx context.Context, tx Handle, rows []Aside) error {
	text, one, rest := splitValues(query(tx, "aside_write"))
	for len(rows) > 0 {
		var args []any
		n, bytes := 0, 0
		for ; n < len(rows) && n < holdBatch && (n == 0 || bytes+len(rows[n].Operation) <= asideBytes); n++ {
			a := &rows[n]
			if a.ID == "" {
				a.ID = NewID()
			}
			bytes += len(a.Operation)
			args = append(args, a.ID, a.Mapping, a.Form, a.Error, a.Reason, a.Remedy, a.Request, a.Target, a.Operation, a.Seq, a.Fold, a.Attempted, untilText(tx, a.Until), a.Pool)
		}
		q := text + strings.Repeat(one+",\n", n-1) + one + rest
		if _, err := tx.ExecContext(ctx, sqlx.Rebind(dialectOf(tx).bind, q), clean(args)...); err != nil {
			return fmt.Errorf("write operations that wait: %w", err)
		}
		rows = rows[n:]
	}
	return nil
}

// NextAsides names the rows of a target and pool that are to be tried next, up to limits of rows and of bytes, in the order of
// their places; none of which it is not known whether they are carried out.
func NextAsides(ctx context.Context, h Handle, target, pool string, limit, maxBytes int) ([]string, error) {
	type row struct {
		id   string
		size int
	}
	q := fmt.Sprintf("%s\nLIMIT %d", query(h, "aside_sizes"), limit)
	list, err := readAll(ctx, h, q, []any{target, pool}, func(rows *sqlx.Rows) (r row, err error) { return r, rows.Scan(&r.id, &r.size) })
	if err != nil {
		return nil, fmt.Errorf("read operations that wait: %w", err)
	}
	var ids []string
	bytes := 0
	for _, r := range list {
		if bytes += r.size; len(ids) > 0 && bytes > maxBytes {
			break
		}
		ids = append(ids, r.id)
	}
	return ids, nil
}

// AttemptAsides notes that a thread is about to try rows, or what came of that ("" = nothing); none joins them any more.
func AttemptAsides(ctx context.Context, h Handle, attempted string, ids ...string) error {
	return eachIDs(ctx, h, "aside_attempt", ids, attempted)
}

// DropAsides removes rows: they were carried out, or given up.
func DropAsides(ctx context.Context, h Handle, ids ...string) error {
	return eachIDs(ctx, h, "aside_drop", ids)
}

func eachIDs(ctx context.Context, h Handle, name string, ids []string, args ...any) error {
	for len(ids) > 0 {
		n := min(len(ids), holdBatch)
		q := strings.Replace(numbered.ReplaceAllString(query(h, name), "?"), "IN (?)", "IN (?"+strings.Repeat(", ?", n-1)+")", 1)
		all := append([]any(nil), args...)
		for _, id := range ids[:n] {
			all = append(all, id)
		}
		ids = ids[n:]
		if _, err := h.ExecContext(ctx, sqlx.Rebind(dialectOf(h).bind, q), all...); err != nil {
			return fmt.Errorf("%s: %w", strings.ReplaceAll(name, "_", " "), err)
		}
	}
	return nil
}

// AskedAsides counts what waits for a target and pool and a person wants to be tried now: it has become due.
func AskedAsides(ctx context.Context, h Handle, target, pool string) (int64, error) {
	return readNumber(ctx, h, "aside_asked", target, pool)
}

// UnaskAsides notes that it is about to be tried.
func UnaskAsides(ctx context.Context, h Handle, target, pool string) error {
	_, err := exec(ctx, h, "aside_unask", target, pool)
	return err
}

// LastAside is the greatest place among the rows of a target and pool; 0 = there is none.
func LastAside(ctx context.Context, h Handle, target, pool string) (int64, error) {
	return readNumber(ctx, h, "aside_last", target, pool)
}

// AdoptAsides has what waits for the next time of pools of a target wait for the target only.
func AdoptAsides(ctx context.Context, h Handle, target string) error {
	_, err := exec(ctx, h, "aside_adopt", target)
	return err
}

func readNumber(ctx context.Context, h Handle, name string, args ...any) (int64, error) {
	list, err := readAll(ctx, h, query(h, name), args, func(rows *sqlx.Rows) (n int64, err error) { return n, rows.Scan(&n) })
	if err != nil || len(list) == 0 {
		return 0, err
	}
	return list[0], nil
}

// AsideDone in the place of what Attempted holds says that the row was carried out, and is only to be dropped.
const AsideDone = "done"

// TriedAsides names rows of a target of which it is not known whether they are carried out, some of them.
func TriedAsides(ctx context.Context, h Handle, target string) ([]string, error) {
	return readAll(ctx, h, query(h, "aside_tried"), []any{target, AsideDone}, scanID)
}

// DoneAsides names rows of a target that are carried out, some of them.
func DoneAsides(ctx context.Context, h Handle, target string) ([]string, error) {
	return readAll(ctx, h, query(h, "aside_done"), []any{target, AsideDone}, scanID)
}

func scanID(rows *sqlx.Rows) (id string, err error) { return id, rows.Scan(&id) }

// OldAsides names rows of a target and pool that are to be given up by now, some of them.
func OldAsides(ctx context.Context, h Handle, target, pool string, now time.Time) ([]string, error) {
	return readAll(ctx, h, query(h, "aside_old"), []any{target, pool, dueText(h, now)}, scanID)
}

// AsidesOf reads the rows of one request for a target.
func AsidesOf(ctx context.Context, h Handle, target, form, request string) ([]Aside, error) {
	list, err := ListPending(ctx, h, PendingFilter{Type: "operation", Form: form, Request: request, Target: target})
	ids := make([]string, len(list))
	for i, p := range list {
		ids[i] = p.ID
	}
	if err != nil {
		return nil, err
	}
	return ReadAsides(ctx, h, ids...)
}

// Types of rows of hand-overs whose target does not accept.
const (
	TransferAgain = "transfer again"
	ReturnAgain   = "return again"
)

// WaitHandOver keeps that a request is to be handed over once its target accepts, if that is not kept already.
func WaitHandOver(ctx context.Context, tx Handle, p Pending) error {
	_, err := exec(ctx, tx, "handover_wait", hash(p.Type, p.Form, p.Request, p.Mapping), p.Type, p.Mapping, p.Form, p.Error, p.Reason, p.Remedy, p.Request, p.Target, p.Pool, untilText(tx, p.Until))
	return err
}

// WaitingHandOvers reads such rows of a target and pool, some of them, by type, mapping and form.
func WaitingHandOvers(ctx context.Context, h Handle, target, pool string) ([]Pending, error) {
	return readAll(ctx, h, query(h, "handover_take"), []any{target, pool}, scanHandOver)
}

// OldHandOvers reads those that are to be given up by now, some of them.
func OldHandOvers(ctx context.Context, h Handle, target, pool string, now time.Time) ([]Pending, error) {
	return readAll(ctx, h, query(h, "handover_old"), []any{target, pool, dueText(h, now)}, scanHandOver)
}

func scanHandOver(rows *sqlx.Rows) (p Pending, err error) {
	err = rows.Scan(&p.ID, &p.Type, &p.Mapping, &p.Form, &p.Request)
	return p, err
}

// Away is a target that does not accept, as its source keeps it in dso_meta.
type Away struct {
	Target   string    `json:"target"`
	Since    time.Time `json:"since"` // the first attempt that failed
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"` // attempt
	Error    string    `json:"error"`
	Reason   string    `json:"reason"`
}

const (
	awayPrefix  = "away:"
	asidePrefix = "aside:"
)

// SaveAway notes that a target does not accept.
func SaveAway(ctx context.Context, h Handle, a Away) error {
	return saveMeta(ctx, h, awayPrefix+hash(a.Target)[:32], a)
}

// DropAway notes that it accepts again.
func DropAway(ctx context.Context, h Handle, target string) error {
	_, err := exec(ctx, h, "meta_drop", awayPrefix+hash(target)[:32])
	return err
}

// LoadAway reads which targets do not accept, in no order.
func LoadAway(ctx context.Context, h Handle) ([]Away, error) {
	return loadMeta[Away](ctx, h, awayPrefix)
}

// AsidePosition is how far the work of one thread of a target has been put aside.
type AsidePosition struct {
	Target   string `json:"target"`
	Layout   string `json:"layout"`
	Pool     string `json:"pool"`
	Thread   int    `json:"thread"`
	Position string `json:"position"`
}

// SaveAside stores such a position, in the transaction that puts the work aside.
func SaveAside(ctx context.Context, tx Handle, p AsidePosition) error {
	return saveMeta(ctx, tx, asidePrefix+hash(p.Target, p.Layout, p.Pool, fmt.Sprint(p.Thread))[:32], p)
}

// LoadAsides reads all such positions, in no order.
func LoadAsides(ctx context.Context, h Handle) ([]AsidePosition, error) {
	return loadMeta[AsidePosition](ctx, h, asidePrefix)
}

func saveMeta(ctx context.Context, h Handle, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = exec(ctx, h, "meta_write", name, string(text))
	return err
}

func loadMeta[T any](ctx context.Context, h Handle, prefix string) ([]T, error) {
	type pair struct{ name, value string }
	list, err := readAll(ctx, h, query(h, "meta_read"), nil, func(rows *sqlx.Rows) (p pair, err error) { return p, rows.Scan(&p.name, &p.value) })
	if err != nil {
		return nil, fmt.Errorf("read dso_meta: %w", err)
	}
	var all []T
	for _, p := range list {
		if !strings.HasPrefix(p.name, prefix) {
			continue
		}
		var v T
		if err := json.Unmarshal([]byte(p.value), &v); err != nil {
			return nil, fmt.Errorf("dso_meta, %s: %w", p.name, err)
		}
		all = append(all, v)
	}
	return all, nil
}

// Leased makes sure, in tx, that the epoch is that of the lease: a process that has lost it writes nothing more.
func Leased(ctx context.Context, tx Handle, server string, epoch int64) error {
	l, err := readLease(ctx, tx, dialectOf(tx).forUpdate)
	if err == nil && l.Epoch != epoch {
		err = &FencedError{What: "reader of " + server, Epoch: epoch, Newer: l.Epoch}
	}
	return err
}
