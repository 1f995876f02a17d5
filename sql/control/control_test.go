package control

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jmoiron/sqlx"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// migrated runs f on every engine with the control tables of server "chicago".
func migrated(t *testing.T, f func(t *testing.T, db *engine.DB)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if err := Migrate(t.Context(), db, "chicago"); err != nil {
			t.Fatal(err)
		}
		f(t, db)
	})
}

func must0(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// get(f())(t) is f's result; an error fails the test.
func get[T any](x T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must0(t, err)
		return x
	}
}

func wantError[E error](t *testing.T, err error) E {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a %T", err, e)
	}
	return e
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		_, _, err := Version(ctx, db)
		wantError[*NotInitialisedError](t, err)
		wantError[*NotInitialisedError](t, Check(ctx, db, "chicago"))

		plan, err := Plan(ctx, db, "chicago")
		must0(t, err)
		for _, table := range tables {
			if !slices.ContainsFunc(plan, func(s Step) bool { return s.What == "create table "+table }) {
				t.Errorf("plan does not say that it makes %s: %v", table, plan)
			}
		}

		must0(t, Migrate(ctx, db, "chicago"))
		must0(t, Migrate(ctx, db, "chicago"))
		must0(t, Check(ctx, db, "chicago"))
		plan, err = Plan(ctx, db, "chicago")
		must0(t, err)
		if len(plan) != 0 {
			t.Errorf("got plan %v for tables that are there, want none", plan)
		}

		other := wantError[*OtherServerError](t, Migrate(ctx, db, "tokyo"))
		if other.Owner != "chicago" || !strings.Contains(other.Remedy(), "chicago") {
			t.Errorf("got owner %q, remedy %q", other.Owner, other.Remedy())
		}
		wantError[*OtherServerError](t, Check(ctx, db, "tokyo"))

		_, err = db.ExecContext(ctx, "UPDATE dso_meta SET value = '99' WHERE name = 'schema_version'")
		must0(t, err)
		newer := wantError[*NewerSchemaError](t, Migrate(ctx, db, "chicago"))
		if newer.Version != 99 {
			t.Errorf("got version %d, want 99", newer.Version)
		}
		wantError[*NewerSchemaError](t, Check(ctx, db, "chicago"))

		must0(t, Remove(ctx, db))
		must0(t, Remove(ctx, db))
		_, _, err = Version(ctx, db)
		wantError[*NotInitialisedError](t, err)
	})
}

// Tables that are half made, as a killed MySQL migration leaves them, count as not there and are
// completed.
func TestMigrateHalf(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		steps := get(migrationOf(db))(t)
		for _, s := range steps[:len(steps)/2] {
			if _, err := db.ExecContext(ctx, s.SQL); err != nil {
				t.Fatal(err)
			}
		}
		wantError[*NotInitialisedError](t, Check(ctx, db, "chicago"))
		must0(t, Migrate(ctx, db, "chicago"))
		must0(t, Check(ctx, db, "chicago"))
	})
}

func migrationOf(db *engine.DB) ([]Step, error) { return migration(db.Engine.Dialect, 1) }

func TestMigrateTwoAtOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		var wg sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			wg.Go(func() { errs[i] = Migrate(t.Context(), db, "chicago") })
		}
		wg.Wait()
		must0(t, errors.Join(errs...))
		must0(t, Check(t.Context(), db, "chicago"))
	})
}

func TestLease(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		epoch, position, ok, err := AcquireLease(ctx, db, "one", time.Minute)
		if err != nil || !ok || epoch != 1 || position != "" {
			t.Fatalf("got epoch %d, position %q, %v, %v; want 1, none, true", epoch, position, ok, err)
		}
		must0(t, SavePosition(ctx, db, 1, "0/16B3748"))
		must0(t, SavePosition(ctx, db, 1, "0/16B3748"))

		epoch, position, ok, err = AcquireLease(ctx, db, "two", time.Minute)
		if err != nil || ok || epoch != 1 || position != "0/16B3748" {
			t.Fatalf("got epoch %d, position %q, %v, %v; want 1, 0/16B3748, false", epoch, position, ok, err)
		}
		l := get(ReadLease(ctx, db))(t)
		if l.Holder != "one" || l.Expires.Sub(l.Updated) < 59*time.Second || l.Expires.Sub(l.Updated) > 61*time.Second {
			t.Errorf("got holder %q until %s, updated %s", l.Holder, l.Expires, l.Updated)
		}
		if d := time.Since(l.Updated); d < -time.Minute || d > time.Minute {
			t.Errorf("updated is %s ago: not UTC", d)
		}

		// It runs out by the database's clock.
		must0(t, RenewLease(ctx, db, db.Server, "one", 1, -time.Second))
		epoch, position, ok, err = AcquireLease(ctx, db, "two", time.Minute)
		if err != nil || !ok || epoch != 2 || position != "0/16B3748" {
			t.Fatalf("got epoch %d, position %q, %v, %v; want 2, 0/16B3748, true", epoch, position, ok, err)
		}
		fenced := wantError[*FencedError](t, RenewLease(ctx, db, db.Server, "one", 1, time.Minute))
		if fenced.Epoch != 1 || fenced.Newer != 2 {
			t.Errorf("got epochs %d and %d, want 1 and 2", fenced.Epoch, fenced.Newer)
		}
		wantError[*FencedError](t, SavePosition(ctx, db, 1, "0/0"))
		must0(t, ReleaseLease(ctx, db, "one", 1)) // has no effect

		if _, _, ok, err = AcquireLease(ctx, db, "three", time.Minute); ok || err != nil {
			t.Fatalf("lease was taken though two holds it: %v", err)
		}
		must0(t, ReleaseLease(ctx, db, "two", 2))
		if epoch, _, ok, err = AcquireLease(ctx, db, "three", time.Minute); !ok || epoch != 3 || err != nil {
			t.Fatalf("got epoch %d, %v, %v; want 3, true", epoch, ok, err)
		}
	})
}

func TestLeaseManyAtOnce(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range 8 {
			wg.Go(func() {
				_, _, ok, err := AcquireLease(t.Context(), db, fmt.Sprint("holder ", i), time.Minute)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				if ok {
					won++
				}
			})
		}
		wg.Wait()
		if won != 1 {
			t.Errorf("%d processes got the lease, want 1", won)
		}
	})
}

var ignoreTimes = cmpopts.IgnoreTypes(time.Time{})

func TestCheckpoints(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		c := Checkpoint{Source: "sanfrancisco", Pool: "repairs", Layout: "2", Epoch: 5}
		wantError[*NotPreparedError](t, Advance(ctx, db, c))
		second := c
		second.Thread = 1
		must0(t, Prepare(ctx, db, c.Source, 5, c, second))
		must0(t, Prepare(ctx, db, c.Source, 5, c, second))
		must0(t, Prepare(ctx, db, "tokyo", 1, Checkpoint{Pool: "repairs", Layout: "2"}))

		c.Position, c.Origin, c.Path, c.Mapping, c.WriteBack = "0/1", "tokyo", "tokyo>sanfrancisco", "chairs", true
		must0(t, within(ctx, db, func(tx *sqlx.Tx) error {
			if err := Advance(ctx, tx, c); err != nil {
				return err
			}
			return CloseMark(ctx, tx, c)
		}))
		must0(t, Advance(ctx, db, c)) // the same again is written again: the log must show it
		c.Transactions = 2
		must0(t, Prepare(ctx, db, c.Source, 5, c, second)) // changes nothing
		second.Epoch = 5
		got := get(LoadCheckpoints(ctx, db, c.Source))(t)
		if diff := cmp.Diff([]Checkpoint{c, second}, got, ignoreTimes); diff != "" {
			t.Errorf("checkpoints (-want +got):\n%s", diff)
		}
		all := get(AllCheckpoints(ctx, db))(t)
		if len(all) != 3 {
			t.Errorf("got %d checkpoints of all sources, want 3", len(all))
		}

		must0(t, Fence(ctx, db, c.Source, 6))
		fenced := wantError[*FencedError](t, Advance(ctx, db, c))
		if fenced.Epoch != 5 || fenced.Newer != 6 {
			t.Errorf("got epochs %d and %d, want 5 and 6", fenced.Epoch, fenced.Newer)
		}
		wantError[*FencedError](t, Fence(ctx, db, c.Source, 5))
		// A process that lost its lease must not make itself new rows either.
		third := second
		third.Thread = 2
		wantError[*FencedError](t, Prepare(ctx, db, c.Source, 5, third))
		wantError[*NotPreparedError](t, Advance(ctx, db, third))
		must0(t, Advance(ctx, db, Checkpoint{Source: "tokyo", Pool: "repairs", Layout: "2", Epoch: 1}))

		c.Layout, c.Epoch = "3", 6
		must0(t, Prepare(ctx, db, c.Source, 6, c))
		wantError[*FencedError](t, DropStale(ctx, db, c.Source, 5, "3", ""))
		must0(t, DropStale(ctx, db, c.Source, 6, "3", ""))
		got = get(LoadCheckpoints(ctx, db, c.Source))(t)
		if len(got) != 1 || got[0].Layout != "3" {
			t.Errorf("got %v, want the row of layout 3 only", got)
		}
		wantError[*FencedError](t, Fence(ctx, db, c.Source, 5))
	})
}

// On SQLite the mark is open from the first statement to the last; elsewhere it never is.
func TestCloseMark(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		c := Checkpoint{Source: "tokyo", Pool: "p", Layout: "1", Epoch: 1}
		must0(t, Prepare(ctx, db, c.Source, 1, c))
		read := func(h Handle) (open int) {
			must0(t, h.QueryRowxContext(ctx, "SELECT open FROM dso_checkpoint WHERE pool = 'p'").Scan(&open))
			return open
		}
		must0(t, within(ctx, db, func(tx *sqlx.Tx) error {
			must0(t, Advance(ctx, tx, c))
			if got, want := read(tx), boolInt(db.Engine.Dialect == "sqlite"); got != want {
				t.Errorf("got open = %d within the transaction, want %d", got, want)
			}
			return CloseMark(ctx, tx, c)
		}))
		if got := read(db); got != 0 {
			t.Errorf("got open = %d after the transaction, want 0", got)
		}
	})
}

func TestWatermarks(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		must0(t, WriteWatermark(ctx, db, "low", "chunk 1"))
		must0(t, WriteWatermark(ctx, db, "high", "chunk 1"))
		must0(t, PruneWatermarks(ctx, db, time.Hour))
		var n int
		must0(t, db.GetContext(ctx, &n, "SELECT COUNT(*) FROM dso_watermark"))
		if n != 2 {
			t.Errorf("got %d watermarks, want 2", n)
		}
		must0(t, PruneWatermarks(ctx, db, -time.Minute))
		must0(t, db.GetContext(ctx, &n, "SELECT COUNT(*) FROM dso_watermark"))
		if n != 0 {
			t.Errorf("got %d watermarks, want 0", n)
		}
	})
}

// awkward is text that a careless statement would not survive.
const awkward = "it's \\ \"odd\" \U0001F6CB ? $1 %s"

func TestPending(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		p := Pending{Type: "transfer", Mapping: awkward, Form: "Repair", Qualification: awkward, RowsTotal: -1, CreatedBy: "Demo"}
		id := get(InsertPending(ctx, db, p))(t)
		other := get(InsertPending(ctx, db, Pending{Type: "transfer", Mapping: "m"}))(t)
		got := get(GetPending(ctx, db, id))(t)
		p.ID, p.Status = id, New
		if diff := cmp.Diff(p, got, ignoreTimes); diff != "" {
			t.Errorf("pending (-want +got):\n%s", diff)
		}
		if got.Created.IsZero() || got.Updated.Before(got.Created) {
			t.Errorf("created %s, updated %s", got.Created, got.Updated)
		}
		must0(t, SetStatus(ctx, db, id, Running, nil))
		must0(t, SetStatus(ctx, db, id, Running, nil))
		must0(t, SetProgress(ctx, db, id, `["i:5"]`, 10, 100))
		must0(t, SetStatus(ctx, db, id, Failed, fmt.Errorf("transfer: %w", &NotFoundError{ID: "x"})))
		got = get(GetPending(ctx, db, id))(t)
		if got.Status != Failed || got.LastKey != `["i:5"]` || got.RowsDone != 10 || got.RowsTotal != 100 ||
			got.Error != "control.not_found" || got.Reason == "" || got.Remedy == "" {
			t.Errorf("got %+v", got)
		}
		wantError[*NotFoundError](t, SetStatus(ctx, db, id, Running, nil)) // it has ended
		must0(t, SetStatus(ctx, db, other, Cancelled, nil))

		list := get(ListPending(ctx, db, PendingFilter{Status: []Status{Failed, Done}, Form: "Repair", Limit: 5}))(t)
		if len(list) != 1 || list[0].ID != id {
			t.Errorf("got %v, want %s only", list, id)
		}
		counts := get(CountPending(ctx, db))(t)
		if diff := cmp.Diff(map[Status]int64{Failed: 1, Cancelled: 1}, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		must0(t, DeletePending(ctx, db, id))
		wantError[*NotFoundError](t, DeletePending(ctx, db, id))
		_, err := GetPending(ctx, db, id)
		wantError[*NotFoundError](t, err)
	})
}

// Rows are selected by age, named, counted, and locked, in all three tables.
func TestFilters(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		for _, request := range []string{"R1", "R2", "R3"} {
			get(InsertPending(ctx, db, Pending{ID: "p" + request, Type: "transfer", Mapping: "m"}))(t)
			get(Park(ctx, db, PendingError{ID: "e" + request, Source: "tokyo", Mapping: "m", Request: request, Operation: "[]"}))(t)
			get(InsertConflict(ctx, db, Conflict{ID: "c" + request, Source: "tokyo", Mapping: "m", Request: request}))(t)
		}
		for _, table := range []string{"dso_pending", "dso_pending_error", "dso_conflict"} {
			_, err := db.ExecContext(ctx, "UPDATE "+table+" SET created = '2020-01-01 00:00:00' WHERE id LIKE '%R3'")
			must0(t, err)
		}
		type filter interface {
			IDs(ctx context.Context, h Handle) ([]string, error)
			Count(ctx context.Context, h Handle) (int64, error)
		}
		for letter, f := range map[string][2]filter{
			"p": {PendingFilter{Mapping: "m", Limit: 2}, PendingFilter{OlderThan: time.Hour}},
			"e": {ErrorFilter{Mapping: "m", Limit: 2}, ErrorFilter{OlderThan: time.Hour}},
			"c": {ConflictFilter{Mapping: "m", Limit: 2}, ConflictFilter{OlderThan: time.Hour}},
		} {
			if ids := get(f[0].IDs(ctx, db))(t); len(ids) != 2 || ids[0] != letter+"R3" {
				t.Errorf("got %v, want two, the oldest first", ids)
			}
			if n := get(f[0].Count(ctx, db))(t); n != 3 {
				t.Errorf("counted %d, want 3", n)
			}
			if ids := get(f[1].IDs(ctx, db))(t); fmt.Sprint(ids) != "["+letter+"R3]" {
				t.Errorf("older than an hour: %v", ids)
			}
		}
		must0(t, within(ctx, db, func(tx *sqlx.Tx) error {
			if got := get(LockPending(ctx, tx, "pR3", "gone", "pR1"))(t); len(got) != 2 {
				t.Errorf("locked %v", got)
			}
			must0(t, AskPending(ctx, tx, "pR1"))
			wantError[*NotFoundError](t, AskPending(ctx, tx, "gone"))
			_, err := LockError(ctx, tx, "gone")
			wantError[*NotFoundError](t, err)
			if got := get(LockError(ctx, tx, "eR2"))(t); got.Request != "R2" {
				t.Errorf("locked %v", got)
			}
			return nil
		}))
		if got := get(GetPending(ctx, db, "pR1"))(t); time.Since(got.Due).Abs() > time.Minute {
			t.Errorf("due %s", got.Due)
		}
		get(InsertEvent(ctx, db, Event{What: "w", Source: "tokyo", Form: "Repair", Request: "R1"}))(t)
		if got := get(ListEvents(ctx, db, EventFilter{Form: "Repair", Request: "R1"}))(t); len(got) != 1 || got[0].Source != "tokyo" {
			t.Errorf("events %v", got)
		}
	})
}

func TestPendingErrors(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		e := PendingError{
			Source: "tokyo", Mapping: "chairs", Form: "Repair", Request: awkward, TargetForm: "Repair",
			Pool: "repairs", Action: "modify", Error: "value.too_long", Reason: awkward, Remedy: "r", Operation: `[{"a":1}]`,
		}
		id := get(Park(ctx, db, e))(t)
		e2 := e
		e2.Request = strings.ToUpper(awkward) // another request, whatever the collation
		id2 := get(Park(ctx, db, e2))(t)
		if id == id2 {
			t.Fatal("two requests share a row")
		}
		got := get(GetError(ctx, db, id))(t)
		e.ID, e.Status, e.Attempts = id, ErrorHeld, 1
		if diff := cmp.Diff(e, got, ignoreTimes); diff != "" {
			t.Errorf("error (-want +got):\n%s", diff)
		}

		must0(t, within(ctx, db, func(tx *sqlx.Tx) error {
			held := get(Held(ctx, tx, "tokyo", e.Key(), Key{Request: "none"}))(t)
			if len(held) != 1 || held[0].ID != id {
				t.Errorf("got held %v, want %s", held, id)
			}
			return Join(ctx, tx, id, `[{"a":1},{"a":2}]`)
		}))
		if held := get(Held(ctx, db, "chicago", e.Key()))(t); len(held) != 0 {
			t.Errorf("got %v held of another source", held)
		}
		many := make([]Key, 0, 1201)
		for i := range 1200 {
			many = append(many, Key{Mapping: "chairs", TargetForm: "Repair", Request: fmt.Sprint(i)})
		}
		if held := get(Held(ctx, db, "tokyo", append(many, e.Key())...))(t); len(held) != 1 {
			t.Errorf("got %d held of 1201 keys, want 1", len(held))
		}
		keys := get(LoadHeld(ctx, db, "tokyo"))(t)
		slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(b.Request, a.Request) })
		if diff := cmp.Diff([]Key{e.Key(), e2.Key()}, keys); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}

		must0(t, SetErrorStatus(ctx, db, id, ErrorRetry))
		retries := get(TakeRetries(ctx, db, "tokyo"))(t)
		if len(retries) != 1 || retries[0].Operation != `[{"a":1},{"a":2}]` {
			t.Errorf("got retries %v", retries)
		}
		e.ID, e.Error, e.Operation = "", "value.type", `[{"a":3}]`
		if again := get(Park(ctx, db, e))(t); again != id {
			t.Errorf("parked again as %s, want %s", again, id)
		}
		got = get(GetError(ctx, db, id))(t)
		if got.Attempts != 2 || got.Status != ErrorHeld || got.Error != "value.type" || got.Operation != `[{"a":3}]` {
			t.Errorf("got %+v after the second attempt", got)
		}
		counts := get(CountErrors(ctx, db))(t)
		if diff := cmp.Diff(map[ErrorStatus]int64{ErrorHeld: 2}, counts); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
		must0(t, DeleteError(ctx, db, id))
		wantError[*NotFoundError](t, DeleteError(ctx, db, id))
		list := get(ListErrors(ctx, db, ErrorFilter{Source: "tokyo", Mapping: "chairs", Error: "value.too_long"}))(t)
		if len(list) != 1 || list[0].ID != id2 {
			t.Errorf("got %v, want %s only", list, id2)
		}
	})
}

func TestConflicts(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		c := Conflict{
			Source: "tokyo", Mapping: "chairs", Form: "Repair", Request: "R1", TargetForm: "Repair", Kind: "update_differs",
			SettledBy: "newest", Outcome: "source", SourceImage: `{"8":"t:` + awkward + `"}`, TargetImage: "{}",
		}
		id := get(InsertConflict(ctx, db, c))(t)
		c.ID = id
		got := get(GetConflict(ctx, db, id))(t)
		if diff := cmp.Diff(c, got, ignoreTimes); diff != "" {
			t.Errorf("conflict (-want +got):\n%s", diff)
		}
		list := get(ListConflicts(ctx, db, ConflictFilter{Kind: "delete_missing"}))(t)
		if len(list) != 0 {
			t.Errorf("got %v, want none", list)
		}
		if n := get(CountConflicts(ctx, db))(t); n != 1 {
			t.Errorf("got %d conflicts, want 1", n)
		}
		must0(t, DeleteConflict(ctx, db, id))
		wantError[*NotFoundError](t, DeleteConflict(ctx, db, id))
	})
}

// A transaction that was open at the snapshot is seen as such, whatever the width of its ID.
func TestInFlight(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect != "postgres" {
			return
		}
		ctx := t.Context()
		xid := func(h Handle) (id uint64) {
			must0(t, h.QueryRowxContext(ctx, "SELECT CAST(CAST(pg_current_xact_id() AS text) AS bigint)").Scan(&id))
			return id
		}
		before := xid(db)
		tx := get(db.BeginTxx(ctx, nil))(t)
		open := xid(tx)
		s := get(InFlight(ctx, db))(t)
		must0(t, tx.Rollback())
		after := xid(db)
		for id, want := range map[uint64]bool{before: true, open: false, after: false} {
			if s.Saw(id) != want || s.Saw(id&0xffffffff) != want {
				t.Errorf("snapshot %v saw %d: got %v, want %v", s, id, s.Saw(id), want)
			}
		}
	})
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	s, err := ParseSnapshot("4294967290:4294967300:4294967295,4294967298")
	must0(t, err)
	for id, want := range map[uint64]bool{
		4294967289: true, 4294967290: true, 4294967295: false, 2: false /* 4294967298 */, 1: true, 4: false, 5: false,
	} {
		if got := s.Saw(id); got != want {
			t.Errorf("saw %d: got %v, want %v", id, got, want)
		}
	}
	for _, bad := range []string{"", "1:2", "a:2:", "1:2:x"} {
		if _, err := ParseSnapshot(bad); err == nil {
			t.Errorf("%q was read without an error", bad)
		}
	}
}

func TestNewID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 1000 {
		id := NewID()
		if len(id) != 16 || seen[id] {
			t.Fatalf("got ID %q, of %d letters or not new", id, len(id))
		}
		seen[id] = true
	}
}

// Text that not every engine can store does not keep an error from being stored.
func TestUnstorableText(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		e := PendingError{Source: "tokyo", Request: "R\x001", Reason: "bad byte \xff", Operation: "{}"}
		id := get(Park(t.Context(), db, e))(t)
		got := get(GetError(t.Context(), db, id))(t)
		if got.Request != "R\uFFFD1" || got.Reason != "bad byte \uFFFD" {
			t.Errorf("got request %q, reason %q", got.Request, got.Reason)
		}
		if held := get(Held(t.Context(), db, "tokyo", e.Key()))(t); len(held) != 1 {
			t.Errorf("got %d rows by the key, want 1", len(held))
		}
	})
}

var update = flag.Bool("update", false, "rewrite the golden files")

// All statements as each engine gets them.
func TestGolden(t *testing.T) {
	t.Parallel()
	for dialect, list := range queries() {
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(list)) {
			fmt.Fprintf(&b, "-- %s\n%s;\n\n", name, list[name])
		}
		file := filepath.Join("testdata", dialect+".sql")
		if *update {
			must0(t, os.MkdirAll("testdata", 0o755))
			must0(t, os.WriteFile(file, []byte(b.String()), 0o644))
		}
		want, err := os.ReadFile(file)
		must0(t, err)
		if diff := cmp.Diff(string(want), b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

// The server answers with such text; whatever it is, it is read or refused.
func FuzzSnapshot(f *testing.F) {
	f.Add("10:20:10,14,15", uint64(12))
	f.Add("4294967290:4294967300:4294967295", uint64(2))
	f.Fuzz(func(t *testing.T, text string, id uint64) {
		s, err := ParseSnapshot(text)
		if err != nil {
			return
		}
		if id>>32 != 0 && id < s.Xmin && !s.Saw(id) {
			t.Errorf("%v did not see %d, which is below it", s, id)
		}
		s.Saw(id)
	})
}

// Every statement tells a DBA who asks.
func TestStatementsAreSigned(t *testing.T) {
	t.Parallel()
	for engine, list := range queries() {
		for name, text := range list {
			if !strings.HasPrefix(text, "/* ardso ") {
				t.Errorf("%s %s begins with %.20q", engine, name, text)
			}
		}
	}
}

// A cancelled context leaves no transaction behind.
func TestCancelled(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := Fence(ctx, db, "tokyo", 1); err == nil {
			t.Error("a cancelled context was not noticed")
		}
		must0(t, Fence(t.Context(), db, "tokyo", 1))
	})
}

// Control tables of version 1 count as not initialised until they have been migrated.
func TestMigrateFromFirst(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for _, s := range get(migrationOf(db))(t) {
			if _, err := db.ExecContext(t.Context(), s.SQL); err != nil {
				t.Fatal(err)
			}
		}
		for _, kv := range [][2]string{{"server", "chicago"}, {"schema_version", "1"}} {
			if _, err := exec(t.Context(), db, "meta_write", kv[0], kv[1]); err != nil {
				t.Fatal(err)
			}
		}
		old := wantError[*NotInitialisedError](t, Check(t.Context(), db, "chicago"))
		if old.Version != 1 {
			t.Errorf("got version %d, want 1", old.Version)
		}
		must0(t, Migrate(t.Context(), db, "chicago"))
		must0(t, Check(t.Context(), db, "chicago"))
		if all := get(ReadShapes(t.Context(), db))(t); len(all) != 0 {
			t.Errorf("got shapes %v, want none", all)
		}
	})
}

func TestShapes(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		want := []Shape{{"a", 1, "p1", "[]"}, {"a", 2, "p2", ""}, {"b", 1, "p1", "[1]"}}
		must0(t, ReplaceShapes(ctx, db, want[:1]))
		must0(t, ReplaceShapes(ctx, db, want[:1]))
		must0(t, WriteShape(ctx, db, want[2]))
		must0(t, WriteShape(ctx, db, want[1]))
		if err := WriteShape(ctx, db, want[1]); err == nil {
			t.Error("the same shape twice: got no error")
		}
		if diff := cmp.Diff(want, get(ReadShapes(ctx, db))(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		must0(t, DropShapes(ctx, db, "a"))
		if diff := cmp.Diff(want[2:], get(ReadShapes(ctx, db))(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestOwners(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		key := OwnerKey{Form: "Repair", Request: "SF1"}
		want := Owner{
			OwnerKey: key, Chain: "c1", Epoch: 2, Owns: true, Fields: `{"8":{"h":"x","e":1}}`, Fault: "ownership.several",
			From: OwnerPlace{"tokyo", "Repair", "TK1", "to Chicago"},
		}
		other := Owner{OwnerKey: OwnerKey{"Repair", "SF2"}, Chain: "c2", Epoch: 1, Deleted: true}
		must0(t, WriteOwner(ctx, db, other))
		must0(t, WriteOwner(ctx, db, Owner{OwnerKey: key, Chain: "c0"}))
		must0(t, WriteOwner(ctx, db, want))
		ignore := cmpopts.IgnoreFields(Owner{}, "Updated")
		if diff := cmp.Diff(&want, get(LockOwner(ctx, db, key))(t), ignore); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := get(LockOwner(ctx, db, OwnerKey{"Repair", "none"}))(t); got != nil {
			t.Errorf("got %v for a request without ownership", got)
		}

		epoch, _, _, err := AcquireLease(ctx, db, "h", time.Minute)
		must0(t, err)
		must0(t, SavePositionWith(ctx, db, epoch, "p1", map[string]string{key.ID(): "state"}))
		want.AtReader = "state"
		must0(t, WriteOwner(ctx, db, want)) // leaves at_reader alone
		if diff := cmp.Diff([]Owner{want}, get(OwnersOfChain(ctx, db, "c1"))(t), ignore); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		wantError[*FencedError](t, SavePositionWith(ctx, db, epoch-1, "p2", map[string]string{key.ID(): "late"}))
		if got := get(LockOwner(ctx, db, key))(t); got.AtReader != "state" {
			t.Errorf("a fenced save wrote %q", got.AtReader)
		}

		must0(t, PruneOwners(ctx, db, time.Hour))
		if got := get(ReadOwners(ctx, db, key, other.OwnerKey))(t); len(got) != 2 {
			t.Errorf("pruned too early: %v left", got)
		}
		must0(t, PruneOwners(ctx, db, -time.Hour))
		if diff := cmp.Diff([]Owner{want}, get(ReadOwners(ctx, db, key, other.OwnerKey))(t), ignore); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// All rows of a chain come one after another, in chunks of any size.
func TestScanOwners(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		var want []string
		for _, chain := range []string{"0a", "a0", "a9", "f"} {
			for i := range 3 {
				o := Owner{OwnerKey: OwnerKey{"Repair", fmt.Sprint(chain, i)}, Chain: chain, Epoch: int64(i), Owns: i == 2, Deleted: i == 0}
				if chain == "f" && i > 0 {
					o.Fault = "ownership.none"
				}
				must0(t, WriteOwner(ctx, db, o))
				want = append(want, fmt.Sprintf("%s %d", chain, i))
			}
		}
		must0(t, WriteOwner(ctx, db, Owner{OwnerKey: OwnerKey{"Repair", "left"}, Owns: true}))
		for _, limit := range []int{1, 2, 3, 5, 100} {
			var got []string
			var last *Owner
			for {
				list := get(ScanOwners(ctx, db, last, limit))(t)
				if len(list) == 0 {
					break
				}
				for _, o := range list {
					got = append(got, fmt.Sprintf("%s %d", o.Chain, o.Epoch))
				}
				last = &list[len(list)-1]
			}
			chains := func(list []string) (out []string) {
				for _, x := range list {
					out = append(out, x[:len(x)-2])
				}
				return out
			}
			if diff := cmp.Diff(chains(want), chains(got)); diff != "" {
				t.Errorf("limit %d: chains (-want +got):\n%s", limit, diff)
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("limit %d (-want +got):\n%s", limit, diff)
			}
		}
		count := get(CountOwners(ctx, db))(t)
		if diff := cmp.Diff(OwnerCount{Owned: 4, Others: 4, Faults: map[string]int64{"ownership.none": 2}}, count); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestEvents(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		e := Event{What: "owner set --master yes", Who: "jane@ops1", Form: "Repair", Request: "R1", Before: `{"303":"` + awkward + `"}`, After: "{}"}
		e.ID = get(InsertEvent(ctx, db, e))(t)
		get(InsertEvent(ctx, db, Event{Form: "Repair", Request: "R2"}))(t)
		got := get(ListEvents(ctx, db, EventFilter{Form: "Repair", Request: "R1"}))(t)
		if diff := cmp.Diff([]Event{e}, got, ignoreTimes); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(got) == 1 && time.Since(got[0].Created).Abs() > time.Hour {
			t.Errorf("created at %s", got[0].Created)
		}
		if got := get(ListEvents(ctx, db, EventFilter{}))(t); len(got) != 2 {
			t.Errorf("got %d events, want 2", len(got))
		}
	})
}

// A change of the definitions is an event; the first ones, and that they are the same, are none.
func TestNoteDefinitions(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		if got := get(ReadDefinitions(ctx, db))(t); got != "" {
			t.Errorf("before the first they are %q", got)
		}
		for i, x := range []struct{ version, before string }{{"v1", ""}, {"v1", "v1"}, {"v2", "v1"}, {"v1", "v2"}} {
			if got := get(NoteDefinitions(ctx, db, x.version, "host/1"))(t); got != x.before {
				t.Errorf("%d: before %s they were %q, want %q", i, x.version, got, x.before)
			}
			if got := get(ReadDefinitions(ctx, db))(t); got != x.version {
				t.Errorf("%d: they are %q, want %q", i, got, x.version)
			}
		}
		var told []string
		for _, e := range get(ListEvents(ctx, db, EventFilter{}))(t) {
			told = append(told, e.What+" by "+e.Who+" from "+e.Before+" to "+e.After)
		}
		want := []string{
			`definitions changed by host/1 from {"version":"v1"} to {"version":"v2"}`,
			`definitions changed by host/1 from {"version":"v2"} to {"version":"v1"}`,
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A repair is marked as a write-back; it fences nobody, and is fenced only while the lease changes hands.
func TestRepair(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		repair := func() (c Checkpoint, err error) {
			must0(t, PrepareRepair(ctx, db))
			err = within(ctx, db, func(tx *sqlx.Tx) error {
				if c, err = BeginRepair(ctx, tx, db.Server); err != nil {
					return err
				}
				return CloseMark(ctx, tx, c)
			})
			return c, err
		}
		if c := get(repair())(t); !c.WriteBack || c.Epoch != 0 {
			t.Errorf("before any lease: got %+v", c)
		}
		epoch, _, _, err := AcquireLease(ctx, db, "h", time.Minute)
		must0(t, err)
		row := Checkpoint{Source: db.Server, Pool: "home", Layout: "write-back", Epoch: epoch}
		must0(t, Prepare(ctx, db, db.Server, epoch, row))
		if c := get(repair())(t); c.Epoch != epoch {
			t.Errorf("got epoch %d, want the lease's, %d", c.Epoch, epoch)
		}
		must0(t, Advance(ctx, db, row))
		must0(t, DropStale(ctx, db, db.Server, epoch, "none", ""))
		if list := get(LoadCheckpoints(ctx, db, db.Server))(t); len(list) != 0 {
			t.Errorf("a repair counts as a thread: %v", list)
		}
		get(repair())(t)
		must0(t, Fence(ctx, db, db.Server, epoch+1)) // by a process whose lease this one does not see yet
		_, err = repair()
		wantError[*FencedError](t, err)
	})
}

func TestCatalogs(t *testing.T) {
	migrated(t, func(t *testing.T, db *engine.DB) {
		ctx := t.Context()
		save := func(texts map[string]string, written ...string) {
			t.Helper()
			got := get(SaveCatalogs(ctx, db, texts))(t)
			slices.Sort(got)
			if diff := cmp.Diff(written, got); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			var want []Catalog
			for _, server := range slices.Sorted(maps.Keys(texts)) {
				want = append(want, Catalog{Server: server, Text: texts[server]})
			}
			all := get(ReadCatalogs(ctx, db))(t)
			if diff := cmp.Diff(want, all, cmpopts.IgnoreFields(Catalog{}, "Taken")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, c := range all {
				if age := time.Since(c.Taken); age < -time.Minute || age > time.Minute {
					t.Errorf("%s: taken %s", c.Server, c.Taken)
				}
			}
		}
		large := strings.Repeat(`{"größe":"\u0000"}`, 20_000)
		save(map[string]string{"tokyo": `{"a":1}`, "osaka": large}, "osaka", "tokyo")
		save(map[string]string{"tokyo": `{"a":1}`, "osaka": large})
		save(map[string]string{"tokyo": `{"a":2}`, "osaka": large}, "tokyo")
		save(map[string]string{"osaka": large})
		if got := get(SaveCatalogs(ctx, db, map[string]string{"kyoto": "{}"}, "osaka"))(t); !slices.Equal(got, []string{"kyoto"}) || len(get(ReadCatalogs(ctx, db))(t)) != 2 {
			t.Errorf("written %v, and what is to be kept is not", got)
		}
		save(nil)
	})
}
