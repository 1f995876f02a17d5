package control

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// OwnerPlace is another copy of a request and the mapping between the two. The zero value: none.
type OwnerPlace struct {
	Server, Form, Request, Mapping string
}

// OwnerKey names a request of this server.
type OwnerKey struct {
	Form, Request string
}

// ID is the key of the request's row.
func (k OwnerKey) ID() string { return hash(k.Form, k.Request) }

// Owner is a row of dso_owner: the ownership of one request of this server.
type Owner struct {
	OwnerKey
	Chain    string
	Epoch    int64
	Owns     bool
	From, To OwnerPlace
	Fields   string // JSON, opaque here
	Deleted  bool
	Fault    string    // why the request is not distributed until it is repaired; "" = it is
	AtReader string    // the state as of the reader's position, opaque here; not written by WriteOwner
	Updated  time.Time // by this database's clock; not written
}

// WriteOwner inserts or replaces a request's row.
func WriteOwner(ctx context.Context, tx Handle, o Owner) error {
	_, err := exec(ctx, tx, "owner_write", o.values()...)
	return err
}

// WriteOwners inserts or replaces the rows of several requests, no two of them the same.
func WriteOwners(ctx context.Context, tx Handle, owners []Owner) error {
	text, one, rest := splitValues(query(tx, "owner_write"))
	for len(owners) > 0 {
		n := min(len(owners), holdBatch)
		var args []any
		for _, o := range owners[:n] {
			args = append(args, o.values()...)
		}
		q := text + strings.Repeat(one+",\n", n-1) + one + rest
		if _, err := tx.ExecContext(ctx, sqlx.Rebind(dialectOf(tx).bind, q), clean(args)...); err != nil {
			return fmt.Errorf("owner write: %w", err)
		}
		owners = owners[n:]
	}
	return nil
}

// splitValues takes an INSERT of one row apart: what stands before the row, the row with ? for parameters, and
// what follows.
func splitValues(q string) (before, row, after string) {
	before, rest, _ := strings.Cut(q, "VALUES ")
	row, after, _ = strings.Cut(rest, "\n")
	return before + "VALUES ", numbered.ReplaceAllString(row, "?"), "\n" + after
}

var numbered = regexp.MustCompile(`\$[0-9]+`)

// values are the parameters of owner_write.sql.
func (o *Owner) values() []any {
	return []any{
		o.ID(), o.Form, o.Request, o.Chain, o.Epoch, boolInt(o.Owns),
		o.From.Server, o.From.Form, o.From.Request, o.From.Mapping,
		o.To.Server, o.To.Form, o.To.Request, o.To.Mapping, o.Fields, boolInt(o.Deleted), o.Fault,
	}
}

// LockOwner reads a request's row and locks it until the transaction ends; nil where there is none. The
// request itself is to be locked first.
func LockOwner(ctx context.Context, tx Handle, k OwnerKey) (*Owner, error) {
	var w where
	w.equal("id", k.ID())
	list, err := listOwners(ctx, tx, w, dialectOf(tx).forUpdate)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// ReadOwners reads the rows of these requests, in no order; those that have none are left out.
func ReadOwners(ctx context.Context, h Handle, keys ...OwnerKey) ([]Owner, error) {
	return someOwners(ctx, h, "", keys)
}

// LockOwners is LockOwner for several requests, in no order.
func LockOwners(ctx context.Context, tx Handle, keys ...OwnerKey) ([]Owner, error) {
	return someOwners(ctx, tx, dialectOf(tx).forUpdate, keys)
}

func someOwners(ctx context.Context, h Handle, lock string, keys []OwnerKey) ([]Owner, error) {
	var all []Owner
	for len(keys) > 0 {
		n := min(len(keys), holdBatch)
		ids := make([]string, n)
		for i, k := range keys[:n] {
			ids[i] = k.ID()
		}
		keys = keys[n:]
		var w where
		w.in("id", ids)
		list, err := listOwners(ctx, h, w, lock)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// OwnersOfChain reads this server's rows of a chain: one for each of its copies here.
func OwnersOfChain(ctx context.Context, h Handle, chain string) ([]Owner, error) {
	return OwnersOfChains(ctx, h, chain)
}

// OwnersOfChains is OwnersOfChain for several, in no order.
func OwnersOfChains(ctx context.Context, h Handle, chains ...string) ([]Owner, error) {
	var all []Owner
	for part := range slices.Chunk(chains, holdBatch) {
		var w where
		w.in("chain", part)
		list, err := listOwners(ctx, h, w, "")
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return all, nil
}

// ScanOwners reads up to limit rows that come after one of that chain and ID, in order of chain, then ID; of those
// without a chain it reads none. Fields and AtReader are left out. Begin with after nil.
func ScanOwners(ctx context.Context, h Handle, after *Owner, limit int) ([]Owner, error) {
	var chain, id string
	if after != nil {
		chain, id = after.Chain, after.ID()
	}
	q := sqlx.Rebind(dialectOf(h).bind, fmt.Sprintf("%s\nLIMIT %d", query(h, "owner_scan"), limit))
	list, err := readAll(ctx, h, q, []any{chain, chain, id}, func(rows *sqlx.Rows) (o Owner, err error) {
		var owns, deleted int
		var rowID string
		err = rows.Scan(&rowID, &o.Form, &o.Request, &o.Chain, &o.Epoch, &owns, &o.From.Server, &o.From.Form, &o.From.Request, &o.From.Mapping,
			&o.To.Server, &o.To.Form, &o.To.Request, &o.To.Mapping, &deleted, &o.Fault)
		o.Owns, o.Deleted = owns == 1, deleted == 1
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read dso_owner: %w", err)
	}
	return list, nil
}

// OwnerCount counts a server's requests under ownership.
type OwnerCount struct {
	Owned  int64            // that it owns
	Others int64            // that it does not
	Faults map[string]int64 // of both, those that are not distributed until they are repaired, by the fault
}

// CountOwners counts the requests under ownership.
func CountOwners(ctx context.Context, h Handle) (OwnerCount, error) {
	type group struct {
		owner, n int64
		fault    string
	}
	count := OwnerCount{Faults: map[string]int64{}}
	list, err := readAll(ctx, h, query(h, "owner_count"), nil, func(rows *sqlx.Rows) (g group, err error) {
		err = rows.Scan(&g.owner, &g.fault, &g.n)
		return g, err
	})
	if err != nil {
		return count, fmt.Errorf("count dso_owner: %w", err)
	}
	for _, g := range list {
		if g.owner == 1 {
			count.Owned += g.n
		} else {
			count.Others += g.n
		}
		if g.fault != "" {
			count.Faults[g.fault] += g.n
		}
	}
	return count, nil
}

func listOwners(ctx context.Context, h Handle, w where, lock string) ([]Owner, error) {
	q, args := w.sql(h, "owner_select", "id")
	if lock != "" {
		q += "\n" + lock
	}
	list, err := readAll(ctx, h, q, args, func(rows *sqlx.Rows) (o Owner, err error) {
		var owns, deleted int
		var updated stamp
		err = rows.Scan(&o.Form, &o.Request, &o.Chain, &o.Epoch, &owns, &o.From.Server, &o.From.Form, &o.From.Request, &o.From.Mapping,
			&o.To.Server, &o.To.Form, &o.To.Request, &o.To.Mapping, &o.Fields, &deleted, &o.Fault, &o.AtReader, &updated)
		o.Owns, o.Deleted, o.Updated = owns == 1, deleted == 1, updated.Time
		return o, err
	})
	if err != nil {
		return nil, fmt.Errorf("read dso_owner: %w", err)
	}
	return list, nil
}

// SavePositionWith is SavePosition that also stores, in the same transaction, what rows of dso_owner held at that
// position: states by row ID. Threads write the same rows in the order of their work, so that it may have to be
// done again.
func SavePositionWith(ctx context.Context, db *engine.DB, epoch int64, position string, states map[string]string) error {
	if len(states) == 0 {
		return SavePosition(ctx, db, epoch, position)
	}
	for attempt := 1; ; attempt++ {
		err := savePositionWith(ctx, db, epoch, position, states)
		if err == nil || attempt == saveAttempts || ctx.Err() != nil || db.Engine.Class(err) != engine.Transient {
			return err
		}
	}
}

// saveAttempts bounds how often a position is saved again where the database says that it may do better.
const saveAttempts = 10

func savePositionWith(ctx context.Context, db *engine.DB, epoch int64, position string, states map[string]string) error {
	return within(ctx, db, func(tx *sqlx.Tx) error {
		if err := leased(ctx, tx, db.Server, epoch, "position_save", position, epoch); err != nil {
			return err
		}
		for ids := range slices.Chunk(slices.Sorted(maps.Keys(states)), holdBatch) {
			if err := readBack(ctx, tx, ids, states); err != nil {
				return err
			}
		}
		return nil
	})
}

// readBack stores the states of some rows with one statement.
func readBack(ctx context.Context, tx Handle, ids []string, states map[string]string) error {
	n := len(ids)
	q := strings.NewReplacer("WHEN ? THEN ?", strings.Repeat("WHEN ? THEN ? ", n), "IN (?)", "IN (?"+strings.Repeat(", ?", n-1)+")").
		Replace(numbered.ReplaceAllString(query(tx, "owner_read_back"), "?"))
	args := make([]any, 0, 3*n)
	for _, id := range ids {
		args = append(args, id, states[id])
	}
	for _, id := range ids {
		args = append(args, id)
	}
	if _, err := tx.ExecContext(ctx, sqlx.Rebind(dialectOf(tx).bind, q), args...); err != nil {
		return fmt.Errorf("owner read back: %w", err)
	}
	return nil
}

// AsNow as Owner.AtReader: at the reader's position the row was as it is.
const AsNow = "="

// SetOwnersAsNow says of all rows that at the reader's position they were as they are: before a position that is
// set anew, what they held at the one before means nothing any more.
func SetOwnersAsNow(ctx context.Context, h Handle) error {
	_, err := exec(ctx, h, "owner_as_now")
	return err
}

// AskAgain asks for a job in the place of a failed operation: both in one transaction, so that it is neither
// lost nor asked for twice.
func AskAgain(ctx context.Context, db *engine.DB, errorID string, p Pending) error {
	return within(ctx, db, func(tx *sqlx.Tx) error {
		if err := DeleteError(ctx, tx, errorID); err != nil {
			return err
		}
		_, err := InsertPending(ctx, tx, p)
		return err
	})
}

// PruneOwners forgets requests that have been gone for that long.
func PruneOwners(ctx context.Context, h Handle, age time.Duration) error {
	_, err := exec(ctx, h, "owner_prune", -age.Milliseconds())
	return err
}
