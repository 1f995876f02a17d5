package apply

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/apply/conflict"
	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/value"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// engines are one of each dialect.
var engines = []string{"sqlite", "postgres15", "mariadb10.11"}

func onEach(t *testing.T, f func(t *testing.T, w *world)) {
	t.Parallel()
	for _, name := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, dbtest.New(t, name)))
		})
	}
}

// world is a target chi with form Repair (table repair: id, n, t), which sf's log is applied to.
type world struct {
	*testing.T
	db   *engine.DB
	defs *definition.Compiled
}

const definitions = `
servers: {sf: {url: "sqlite:sf.db"}, chi: {url: "sqlite:chi.db"}}
mappings:
  - {name: M, from: {server: sf, form: Repair}, to: {server: chi, form: Repair}}
filters:
  - {name: f, server: sf, form: Repair, on: delete, delete: {server: chi, form: Note, request_id: "'id'"}}
`

func newWorld(t *testing.T, db *engine.DB) *world {
	t.Helper()
	ctx := t.Context()
	db.Server = "chi"
	w := &world{T: t, db: db}
	w.exec("CREATE TABLE repair (id varchar(15) NOT NULL PRIMARY KEY, n bigint, t text)", "CREATE TABLE note (id varchar(15) NOT NULL PRIMARY KEY)")
	w.must(control.Migrate(ctx, db, "chi"))
	fields := []catalog.FieldSpec{{Column: "id", ID: 1}, {Column: "n", ID: 10}, {Column: "t", ID: 11}}
	cat, err := catalog.Load(ctx, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
		{Name: "Repair", Table: "repair", Fields: fields}, {Name: "Note", Table: "note", Fields: fields[:1]},
	}})
	w.must(err)
	doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: definitions}}, definition.Secrets{})
	w.must(err)
	w.defs, err = definition.Check(doc, map[string]definition.Catalog{"sf": cat, "chi": cat})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) exec(statements ...string) {
	w.Helper()
	for _, s := range statements {
		if _, err := w.db.ExecContext(w.Context(), s); err != nil {
			w.Fatalf("%s: %v", s, err)
		}
	}
}

// thread makes the only thread of a target under a lease.
func (w *world) thread(epoch int64) *Thread {
	w.Helper()
	ctx := w.Context()
	w.must(control.Prepare(ctx, w.db, "sf", epoch, control.Checkpoint{Source: "sf", Pool: "default", Layout: "l"}))
	target := NewTarget(w.db, "sf", epoch, w.defs, slog.New(slog.DiscardHandler))
	err := target.LoadHeld(ctx)
	w.must(err)
	return target.NewThread(w.checkpoint())
}

func (w *world) checkpoint() control.Checkpoint {
	w.Helper()
	all, err := control.LoadCheckpoints(w.Context(), w.db, "sf")
	w.must(err)
	for _, c := range all {
		if c.Thread == 0 {
			return c
		}
	}
	w.Fatal("no checkpoint")
	return control.Checkpoint{}
}

// run starts a thread; wait returns how it ended.
func (w *world) run(th *Thread) (wait func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- th.Run(ctx) }()
	wait = sync.OnceValue(func() error { return <-done })
	w.Cleanup(func() { cancel(); _ = wait() })
	return wait
}

// rows lists the requests of form Repair as "id n t".
func (w *world) rows() (list []string) {
	w.Helper()
	var all []struct {
		ID string
		N  int64
		T  string
	}
	w.must(w.db.SelectContext(w.Context(), &all, "SELECT id, COALESCE(n, -1) AS n, COALESCE(t, '') AS t FROM repair ORDER BY id"))
	for _, r := range all {
		list = append(list, strings.TrimSpace(fmt.Sprint(r.ID, " ", r.N, " ", r.T)))
	}
	return list
}

func (w *world) wantRows(want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, w.rows()); diff != "" {
		w.Errorf("requests (-want +got):\n%s", diff)
	}
}

// op is an operation on request id that takes n from one number to another; -1: no image.
func op(id string, from, to int64) *mapping.Operation {
	o := &mapping.Operation{
		Mapping: "M", Source: "sf", Form: "Repair", Request: id, Target: "chi", TargetForm: "Repair", Path: []string{"sf"},
		CommitTime: time.Unix(1_800_000_000, 0), Action: mapping.Modify, Key: []int{1},
		Fields: []mapping.FieldChange{{Field: 1, Before: value.Text(id), After: value.Text(id)}, {Field: 10, Before: value.Int(from), After: value.Int(to)}},
	}
	if from < 0 {
		o.Action = mapping.Create
		o.Fields[0].Before, o.Fields[1].Before = value.Absent, value.Absent
	}
	if to < 0 {
		o.Action = mapping.Delete
		o.Fields[0].After, o.Fields[1].After = value.Absent, value.Absent
	}
	return o
}

func work(position int, ops ...*mapping.Operation) Work {
	return Work{Ops: ops, Position: cdc.Position(fmt.Sprint(position)), Path: []string{"sf"}, Free: func() {}, Done: func() {}}
}

// part is work of which more comes.
func part(ops ...*mapping.Operation) Work {
	x := work(0, ops...)
	x.Position, x.More = "", true
	return x
}

// send hands works to a thread and closes it.
func (w *world) send(th *Thread, works ...Work) {
	w.Helper()
	for _, x := range works {
		w.must(th.Send(w.Context(), x))
	}
}

// A batch ends where the path changes, before a retry and before a large transaction, and at its limits.
func TestCollect(t *testing.T) {
	t.Parallel()
	other := func(w Work) Work {
		w.Path = []string{"tokyo", "sf"}
		return w
	}
	many := make([]*mapping.Operation, maxBatchOps-1)
	for i := range many {
		many[i] = op("R", 0, 1)
	}
	large := op("R", -1, 1)
	large.Fields = append(large.Fields, mapping.FieldChange{Field: 11, After: value.Text(strings.Repeat("x", maxBatchBytes*2/3))})
	one := work(1, op("R", 0, 1))
	retry := Work{Retry: "id"}
	tests := []struct {
		name  string
		works []Work
		want  []int // works in each batch
	}{
		{"nothing", nil, nil},
		{"one path", []Work{one, one, one}, []int{3}},
		{"the path changes and returns", []Work{one, other(one), other(one), one}, []int{1, 2, 1}},
		{"a retry is alone", []Work{one, retry, one, one}, []int{1, 1, 2}},
		{"so is a part", []Work{one, part(op("R", 0, 1)), work(2), one}, []int{1, 1, 2}},
		{"operations", []Work{work(1, many...), one, one, one}, []int{2, 2}},
		{"more than fit are one batch", []Work{work(1, slices.Concat(many, many)...), one}, []int{1, 1}},
		{"bytes", []Work{work(1, large), work(2, large), one}, []int{1, 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			th := &Thread{queue: make(chan Work, 10)}
			for _, w := range test.works {
				if err := th.Send(t.Context(), w); err != nil {
					t.Fatal(err)
				}
			}
			th.Close()
			var got []int
			for {
				works, ok := th.collect(t.Context())
				if !ok {
					t.Fatal("ended by its context")
				}
				if len(works) == 0 {
					break
				}
				got = append(got, len(works))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("batches (-want +got):\n%s", diff)
			}
		})
	}
}

// Operations, position and mark of a batch are there together; what was freed and done is told once.
func TestBatch(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		th := w.thread(1)
		var freed, done int
		last := work(3, op("B", 1, -1), op("A", 2, 3))
		last.Free, last.Done = func() { freed++ }, func() { done++ }
		w.send(th, work(1, op("A", -1, 1), op("B", -1, 1)), work(2, op("A", 1, 2), op("C", -1, 7)), last)
		th.Close()
		w.must(w.run(th)())
		w.wantRows("A 3", "C 7")
		c := w.checkpoint()
		if c.Position != "3" || c.Origin != "sf" || c.Path != "sf" || c.Transactions != 1 || th.checkpoint.Transactions != 1 {
			t.Errorf("got checkpoint %+v", c)
		}
		if freed != 1 || done != 1 || th.target.Counters.Operations.Load() != 6 {
			t.Errorf("freed %d, done %d, counted %d", freed, done, th.target.Counters.Operations.Load())
		}
	})
}

func TestFencing(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		first := w.thread(1)
		w.send(first, work(1, op("A", -1, 1)))
		first.Close()
		w.must(w.run(first)())
		first = w.thread(1)
		second := w.thread(2)
		w.send(first, work(2, op("A", 1, 2)))
		first.Close()
		if e, ok := errors.AsType[*control.FencedError](w.run(first)()); !ok || e.Newer != 2 {
			t.Errorf("the older process: got %v", e)
		}
		w.wantRows("A 1")
		w.send(second, work(2, op("A", 1, 5)))
		second.Close()
		w.must(w.run(second)())
		w.wantRows("A 5")
	})
}

// A bad request is parked and holds back its own later operations only; a retry carries them out in order,
// under the mark of the way that they came.
func TestParkAndRetry(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.exec("INSERT INTO repair (id, n) VALUES ('A', 50)")
		th := w.thread(1)
		via := func(o *mapping.Operation) *mapping.Operation {
			o.Path = []string{"tokyo", "sf"}
			return o
		}
		first := work(1, via(op("A", 1, 2)), via(op("B", -1, 1)))
		first.Path = []string{"tokyo", "sf"}
		w.send(th, first, work(2, op("A", 2, 3), op("C", -1, 1)))
		wait := w.run(th)
		await(t, "position 2", func() bool { return w.checkpoint().Position == "2" })
		w.wantRows("A 50", "B 1", "C 1")
		list, err := control.ListErrors(t.Context(), w.db, control.ErrorFilter{})
		if err != nil || len(list) != 1 || list[0].Error != "update_differs" || list[0].Request != "A" {
			t.Fatalf("got %+v, %v", list, err)
		}
		id := list[0].ID

		retry := func() {
			t.Helper()
			w.must(control.SetErrorStatus(t.Context(), w.db, id, control.ErrorRetry))
			done := make(chan struct{})
			w.send(th, Work{Retry: id, Free: func() {}, Done: func() { close(done) }})
			<-done
		}
		retry() // the target is as it was: parked again
		if list, err = control.ListErrors(t.Context(), w.db, control.ErrorFilter{}); err != nil || len(list) != 1 || list[0].ID != id || list[0].Attempts != 2 {
			t.Fatalf("after a vain retry: got %+v, %v", list, err)
		}
		w.exec("UPDATE repair SET n = 1 WHERE id = 'A'")
		retry()
		w.wantRows("A 3", "B 1", "C 1")
		// The two came along different ways: only what both passed is on the path.
		if c := w.checkpoint(); c.Path != "sf" || c.Mapping != "M" || c.Position != "2" {
			t.Errorf("mark of the retry: got %+v", c)
		}
		retryGone := make(chan struct{})
		w.send(th, Work{Retry: id, Free: func() {}, Done: func() { close(retryGone) }}, work(3, op("A", 3, 4)))
		<-retryGone
		th.Close()
		w.must(wait())
		w.wantRows("A 4", "B 1", "C 1")
	})
}

// The mark of a retry is that of the parked operation, not that of the thread's last batch.
func TestRetryMark(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		th := w.thread(1)
		bad := op("A", 1, 2)
		bad.Path = []string{"tokyo", "sf"}
		first := work(1, bad)
		first.Path = bad.Path
		w.send(th, first, work(2, op("B", -1, 1)))
		wait := w.run(th)
		await(t, "position 2", func() bool { return w.checkpoint().Position == "2" })
		list, err := control.ListErrors(t.Context(), w.db, control.ErrorFilter{})
		if err != nil || len(list) != 1 || list[0].Error != "update_missing" {
			t.Fatalf("got %+v, %v", list, err)
		}
		w.exec("INSERT INTO repair (id, n) VALUES ('A', 1)")
		w.must(control.SetErrorStatus(t.Context(), w.db, list[0].ID, control.ErrorRetry))
		w.send(th, Work{Retry: list[0].ID, Free: func() {}, Done: func() {}})
		th.Close()
		w.must(wait())
		w.wantRows("A 2", "B 1")
		if c := w.checkpoint(); c.Path != "tokyo>sf" || c.Position != "2" {
			t.Errorf("got %+v", c)
		}
	})
}

// A delete that names its request reaches a form that no mapping leads to.
func TestNamedDelete(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		w.exec("INSERT INTO note (id) VALUES ('A')")
		o := op("A", 1, -1)
		o.Mapping, o.TargetForm, o.Fields = "", "Note", o.Fields[:1]
		th := w.thread(1)
		w.send(th, work(1, o))
		th.Close()
		w.must(w.run(th)())
		var n int
		w.must(w.db.GetContext(t.Context(), &n, "SELECT COUNT(*) FROM note"))
		if parked := th.target.Counters.Parked.Load(); n != 0 || parked != 0 {
			t.Errorf("got %d requests, %d operations parked", n, parked)
		}
	})
}

// What brings the whole request takes the place of what waits because it was missing, and nothing else does (G3, G5).
func TestSupersedes(t *testing.T) {
	may := op("1", 2, 3)
	may.CreateIfMissing = true
	partly := op("1", -1, 3)
	partly.Fields[1].After = value.Unchanged
	failed := op("1", -1, 3)
	failed.Failure = &mapping.Failure{Kind: "value.undecodable"}
	selected := op("1", -1, 3)
	selected.Selected = true
	renamed := op("2", 2, 3)
	renamed.Fields[0].Before = value.Text("1")
	waits, err := encode([]*mapping.Operation{op("1", 1, 2)})
	if err != nil {
		t.Fatal(err)
	}
	renames, err := encode([]*mapping.Operation{renamed})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		op      *mapping.Operation
		error   conflict.Kind
		waiting string
		want    bool
	}{
		{"a create", op("1", -1, 3), conflict.UpdateMissing, waits, true},
		{"a modify that may create", may, conflict.UpdateMissing, waits, true},
		{"a modify", op("1", 2, 3), conflict.UpdateMissing, waits, false},
		{"a delete", op("1", 2, -1), conflict.UpdateMissing, waits, false},
		{"a create that knows not all", partly, conflict.UpdateMissing, waits, false},
		{"a create that failed", failed, conflict.UpdateMissing, waits, false},
		{"a create where the request differs", op("1", -1, 3), conflict.UpdateDiffers, waits, false},
		{"a transfer where the request differs", selected, conflict.UpdateDiffers, waits, true},
		{"a create where a rename waits", op("1", -1, 3), conflict.UpdateMissing, renames, false},
	}
	for _, tt := range tests {
		got, err := supersedes(tt.op, &control.PendingError{Error: string(tt.error), Operation: tt.waiting})
		if err != nil || got != tt.want {
			t.Errorf("%s: got %t, %v, want %t", tt.name, got, err, tt.want)
		}
	}
}

// Where a connection was lost at commit, the count of transactions decides: what is in is not
// carried out again, its parked requests are held back, and one still on its way is waited for.
func TestLostCommit(t *testing.T) {
	tests := []struct {
		name      string
		in, late  bool
		attempted int
	}{
		{"it was in", true, false, 1},
		{"it was not", false, false, 2},
		{"it comes in while we ask", true, true, 1},
	}
	onEach(t, func(t *testing.T, w *world) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				w := &world{T: t, db: w.db, defs: w.defs}
				th := w.thread(1)
				next := th.checkpoint
				next.Transactions++
				next.Position = test.name
				attempts := 0
				err := th.persist(t.Context(), &next, func(ctx context.Context) error {
					attempts++
					var held *writing
					commit := make(chan struct{})
					ended := make(chan error, 1)
					go func() {
						ended <- th.transact(context.WithoutCancel(ctx), next, func(x *writing) error {
							x.held = []control.Key{{Mapping: "M", TargetForm: "Repair", Request: test.name}}
							held = x
							if !test.in && attempts == 1 {
								return errNever
							}
							if test.late {
								close(commit)
								for w.db.Stats().InUse < 2 { // until the thread asks
									time.Sleep(time.Millisecond)
								}
							}
							return nil
						})
					}()
					if test.late {
						<-commit
						t.Cleanup(func() { w.must(<-ended) })
						return &commitError{driver.ErrBadConn, held}
					}
					if err := <-ended; attempts > 1 || err != nil && !errors.Is(err, errNever) {
						return err
					}
					return &commitError{driver.ErrBadConn, held}
				})
				w.must(err)
				if c := w.checkpoint(); attempts != test.attempted || c.Position != test.name || c.Transactions != next.Transactions {
					t.Errorf("got %d attempts, want %d; checkpoint %+v", attempts, test.attempted, c)
				}
				if s := th.target.held.suspects([]control.Key{{Mapping: "M", TargetForm: "Repair", Request: test.name}}); len(s) != 1 {
					t.Error("what was parked is not held back")
				}
			})
		}
	})
}

var errNever = errors.New("the server went down before the commit")

// A transaction that comes in parts is one transaction on the target; retries that come between its parts
// wait for its end.
func TestStream(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		th := w.thread(1)
		var order []string
		told := func(x Work, name string) Work {
			x.Free = func() { order = append(order, "free "+name) }
			x.Done = func() { order = append(order, "done "+name) }
			return x
		}
		w.send(th, work(1, op("A", -1, 1)), told(part(op("A", 1, 2), op("B", -1, 1)), "1"), told(Work{Retry: "gone"}, "retry"),
			told(part(op("A", 2, 3)), "2"), told(work(2, op("B", 1, 2)), "3"), work(3, op("C", -1, 1)))
		th.Close()
		w.must(w.run(th)())
		w.wantRows("A 3", "B 2", "C 1")
		want := []string{"free 1", "free 2", "free 3", "done 1", "done 2", "done 3", "free retry", "done retry"}
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
		if c := w.checkpoint(); c.Position != "3" || c.Transactions != th.checkpoint.Transactions {
			t.Errorf("got %+v, the thread counts %d", c, th.checkpoint.Transactions)
		}
	})
}

// Reading that ends inside a large transaction, as a drain may, leaves none of it and is no failure.
func TestUnfinishedStream(t *testing.T) {
	onEach(t, func(t *testing.T, w *world) {
		th := w.thread(1)
		p := part(op("A", -1, 1))
		p.Done = func() { t.Error("told as durable") }
		w.send(th, p)
		th.Close()
		w.must(w.run(th)())
		w.wantRows()
		if c := w.checkpoint(); c.Position != "" || c.Transactions != 0 {
			t.Errorf("got %+v", c)
		}
	})
}

// A large transaction whose connection is lost between its parts must be read again.
func TestLostStream(t *testing.T) {
	t.Parallel()
	for _, name := range engines[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, dbtest.New(t, name))
			th := w.thread(1)
			written := make(chan struct{})
			p := part(op("A", -1, 1))
			p.Free = func() { close(written) }
			w.send(th, p)
			wait := w.run(th)
			<-written
			admin, err := engine.Open(t.Context(), w.db.Config())
			w.must(err)
			defer admin.Close()
			w.terminateOthers(admin)
			w.send(th, work(1, op("B", -1, 1)))
			if _, ok := errors.AsType[*RestartError](wait()); !ok {
				t.Errorf("got %v, want a *RestartError", wait())
			}
			w.db.SetMaxIdleConns(0)
			w.wantRows()
		})
	}
}

// Connections die at any moment under load: each operation is in once, and at every moment the requests
// are as the checkpoint says (INV-1, INV-2, G2).
func TestKilledConnections(t *testing.T) {
	t.Parallel()
	kills, requests := 40, 10
	if testing.Short() {
		kills = 8
	}
	for _, name := range engines[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, dbtest.New(t, name))
			watch, err := engine.Open(t.Context(), w.db.Config())
			w.must(err)
			defer watch.Close()
			th := w.thread(1)
			wait := w.run(th)
			stop := make(chan struct{})
			sent := make(chan int, 1)
			go func() {
				n := 0
				for alive := true; alive; n++ {
					var ops []*mapping.Operation
					for i := range requests {
						ops = append(ops, op(fmt.Sprint("R", i), int64(n)-1, int64(n)))
					}
					if n == 0 {
						for i := range ops {
							ops[i] = op(fmt.Sprint("R", i), -1, 0)
						}
					}
					if th.Send(t.Context(), work(n, ops...)) != nil {
						break
					}
					select {
					case <-stop:
						alive = false
					default:
					}
				}
				th.Close()
				sent <- n - 1
			}()
			// Consistent at every moment: one statement sees one state.
			const state = "SELECT c.position, COUNT(r.id), COALESCE(MIN(r.n), -1), COALESCE(MAX(r.n), -1) FROM dso_checkpoint c LEFT JOIN repair r ON 1 = 1 WHERE c.thread = 0 GROUP BY c.position"
			look := func() (position string, n int, lo, hi int64) {
				if err := watch.QueryRowxContext(t.Context(), state).Scan(&position, &n, &lo, &hi); err != nil {
					t.Error(err)
				}
				if position != "" && (n != requests || lo != hi || position != fmt.Sprint(lo)) {
					t.Errorf("checkpoint %q, but %d requests of %d to %d", position, n, lo, hi)
				}
				return position, n, lo, hi
			}
			for range kills {
				before, _, _, _ := look()
				w.terminateOthers(watch)
				await(t, "progress after a kill", func() bool { p, _, _, _ := look(); return p != before })
			}
			close(stop)
			last := <-sent
			w.must(wait())
			if position, _, _, _ := look(); position != fmt.Sprint(last) {
				t.Errorf("got position %s, want %d", position, last)
			}
			c, k := w.checkpoint(), &th.target.Counters
			if c.Transactions != th.checkpoint.Transactions || k.Parked.Load() != 0 || k.Conflicts.Load() != 0 {
				t.Errorf("%d transactions, the thread counts %d; %d parked, %d conflicts", c.Transactions, th.checkpoint.Transactions, k.Parked.Load(), k.Conflicts.Load())
			}
			t.Logf("%d works in %d transactions, %d tried again", last+1, c.Transactions, k.Retries.Load())
		})
	}
}

// terminateOthers ends all connections but that of keep.
func (w *world) terminateOthers(keep *engine.DB) {
	w.Helper()
	if keep.Engine.Dialect == "postgres" {
		_, err := keep.ExecContext(w.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		w.must(err)
		return
	}
	keep.SetMaxOpenConns(1)
	var ids []int64
	w.must(keep.SelectContext(w.Context(), &ids, "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"))
	for _, id := range ids {
		_, _ = keep.ExecContext(w.Context(), fmt.Sprintf("KILL %d", id)) // it may have ended by itself
	}
}

// A deadlock with someone else's transaction is tried again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	for _, name := range engines[1:] {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, dbtest.New(t, name))
			w.exec("INSERT INTO repair (id, n) VALUES ('A', 1)")
			th := w.thread(1)
			other, err := w.db.BeginTxx(t.Context(), nil)
			w.must(err)
			defer other.Rollback() //nolint:errcheck // the transaction may have ended
			do := func(s string) {
				t.Helper()
				if _, err := other.ExecContext(t.Context(), s); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			if w.db.Engine.Dialect == "postgres" {
				do("SET LOCAL deadlock_timeout = '10min'") // the thread is to find it
			} else {
				for i := range 50 { // the thread's transaction is to be the smaller one
					do(fmt.Sprintf("INSERT INTO note (id) VALUES ('%d')", i))
				}
			}
			do("UPDATE repair SET t = 'x' WHERE id = 'A'")
			w.send(th, work(1, op("A", 1, 2)))
			th.Close()
			wait := w.run(th)
			await(t, "the thread's lock", func() bool {
				_, err := w.db.ExecContext(t.Context(), "SELECT 1 FROM dso_checkpoint WHERE thread = 0 FOR UPDATE NOWAIT")
				return err != nil
			})
			do("UPDATE dso_checkpoint SET mapping = mapping WHERE thread = 0")
			w.must(other.Commit())
			w.must(wait())
			w.wantRows("A 2 x")
			if th.target.Counters.Retries.Load() == 0 {
				t.Error("nothing was tried again")
			}
		})
	}
}

// await waits for a condition.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("no %s within 30 s", what)
		}
	}
}
