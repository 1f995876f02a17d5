package postgres

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/replication"
	"ardso/sql/schema"

	"github.com/google/go-cmp/cmp"
)

// eachServer runs f with a source on each server of the matrix.
func eachServer(t *testing.T, f func(t *testing.T, s *source)) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newSource(t, name))
		})
	}
}

func (s *source) plan(t *testing.T, tables ...*schema.Table) []string {
	t.Helper()
	steps, err := Plan(t.Context(), s.db, tables, s.o)
	if err != nil {
		t.Fatal(err)
	}
	var what []string
	for _, step := range steps {
		what = append(what, step.What)
		s.exec(t, step.SQL)
	}
	return what
}

func TestPlan(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		slot := s.o.withDefaults(s.db).Slot
		s.exec(t, `CREATE TABLE one (id integer PRIMARY KEY, n integer)`)
		s.exec(t, `CREATE TABLE "Two" (id integer PRIMARY KEY, n integer)`)
		s.exec(t, `CREATE TABLE keyless (n integer)`)
		one, two := &schema.Table{Name: "one"}, &schema.Table{Name: "Two", Schema: "public", Identity: schema.IdentityFull}
		step := func(name string, want []string, tables ...*schema.Table) {
			t.Helper()
			if diff := cmp.Diff(want, s.plan(t, tables...)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if again := s.plan(t, tables...); again != nil {
				t.Errorf("%s: there is still to do: %q", name, again)
			}
		}
		step("first", []string{"create publication ardso for 3 tables", "create replication slot " + slot}, one)
		start := s.Start(t)
		step("a table more", []string{
			"let the log of table Two carry whole rows before a change",
			"change publication ardso: add Two",
		}, one, two)
		step("a table less", []string{"change publication ardso: drop one"}, two)
		s.exec(t, `ALTER PUBLICATION ardso SET TABLE one WHERE (id > 1), elsewhere, "Two" (id, n), dso_checkpoint, dso_watermark`)
		step("filters", []string{"change publication ardso: drop elsewhere; send all columns and rows of Two, one"}, one, two)
		s.exec(t, `ALTER PUBLICATION ardso SET (publish = 'insert', publish_via_partition_root = false)`)
		step("options", []string{"let publication ardso send all kinds of changes, partitions under their table's name"}, one, two)
		if got := s.Start(t); got != start {
			t.Errorf("the slot has moved from %s to %s", start, got)
		}

		_, err := Plan(t.Context(), s.db, []*schema.Table{one, {Name: "keyless"}}, s.o)
		var keyless *NoIdentityError
		if !errors.As(err, &keyless) || !slices.Equal(keyless.Tables, []string{"keyless"}) {
			t.Errorf("a table without a key: got error %v", err)
		}
		if _, err = Plan(t.Context(), s.db, []*schema.Table{{Name: "missing"}}, s.o); err == nil {
			t.Error("a table that does not exist: got no error")
		}

		steps, err := RemovePlan(t.Context(), s.db, s.o)
		s.carryOut(t, steps, err)
		if steps, err = RemovePlan(t.Context(), s.db, s.o); err != nil || steps != nil {
			t.Errorf("after the removal: got %v and error %v", steps, err)
		}
		var lost *cdc.PositionLostError
		if _, err := Start(t.Context(), s.db, s.o); !errors.As(err, &lost) {
			t.Errorf("start without a slot: got error %v", err)
		}
	})
}

// TestSlotWaits checks that the slot's creation gives up in time and says what it waits for (PS-16, PS-28).
func TestSlotWaits(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	in := dbtest.Server(t, "postgres15", "max_prepared_transactions=4")
	s := &source{db: in.Database(t), o: Options{SlotTimeout: 200 * time.Millisecond}}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatal(err)
	}
	s.exec(t, "CREATE TABLE one (id integer PRIMARY KEY)")
	conn, err := s.db.Connx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, q := range []string{"BEGIN", "INSERT INTO one VALUES (1)", "PREPARE TRANSACTION 'forgotten'", "SET application_name = 'sleeper'", "BEGIN", "INSERT INTO one VALUES (2)"} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := Plan(t.Context(), s.db, []*schema.Table{{Name: "one"}}, s.o)
	if err != nil || len(steps) != 2 {
		t.Fatalf("got %d steps and error %v", len(steps), err)
	}
	s.exec(t, steps[0].SQL)
	_, err = s.db.ExecContext(t.Context(), steps[1].SQL)
	if err == nil || !strings.Contains(err.Error(), "sleeper") || !strings.Contains(err.Error(), "prepared transaction forgotten of postgres") {
		t.Errorf("got error %v, want the transactions that it waits for", err)
	}
	if got := s.find(t, "postgres.prepared_transactions"); len(got) != 1 {
		t.Errorf("got findings %v, want one for the prepared transaction", got)
	}
	for _, q := range []string{"ROLLBACK", "ROLLBACK PREPARED 'forgotten'"} {
		if _, err := conn.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(t, steps[1].SQL) // nothing of the first attempt is in the way
}

func (s *source) find(t *testing.T, name string, tables ...*schema.Table) []cdc.Finding {
	t.Helper()
	all, err := Check(t.Context(), s.db, tables, s.o)
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f cdc.Finding) bool { return f.Name != name })
}

func TestCheck(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		s.exec(t, `CREATE TABLE one (id integer PRIMARY KEY, n integer)`)
		s.exec(t, `CREATE TABLE keyless (n integer)`)
		s.exec(t, `CREATE UNLOGGED TABLE fleeting (id integer PRIMARY KEY)`)
		s.exec(t, `CREATE VIEW seen AS SELECT * FROM one`)
		errorsIn := func(tables ...*schema.Table) []string {
			t.Helper()
			all, err := Check(t.Context(), s.db, tables, s.o)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range all {
				if f.Text == "" || f.Server != s.db.Server || (f.Remedy == "") != (f.Severity == cdc.Note) {
					t.Errorf("got finding %+v", f)
				}
				if f.Severity == cdc.Error {
					names = append(names, f.Name)
				}
			}
			return names
		}
		want := func(what string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: got errors %q, want %q", what, got, want)
			}
		}
		one := &schema.Table{Name: "one"}
		full := &schema.Table{Name: "one", Identity: schema.IdentityFull}
		want("nothing set up", errorsIn(one), "postgres.publication", "postgres.slot")
		s.plan(t, one)
		want("all set up", errorsIn(one))
		want("whole images needed", errorsIn(full), "postgres.identity")
		want("another table", errorsIn(one, &schema.Table{Name: "elsewhere", Identity: schema.IdentityFull}), "postgres.identity", "postgres.membership")
		want("unfit tables", errorsIn(one, &schema.Table{Name: "missing"}, &schema.Table{Name: "fleeting"}, &schema.Table{Name: "seen"}, &schema.Table{Name: "keyless"}),
			"postgres.table", "postgres.table", "postgres.table", "postgres.identity", "postgres.identity", "postgres.membership")
		s.exec(t, `ALTER PUBLICATION ardso SET TABLE one WHERE (id > 1), dso_checkpoint, dso_watermark`)
		want("row filter", errorsIn(one), "postgres.membership")
		s.plan(t, one)
		s.exec(t, `ALTER PUBLICATION ardso SET (publish = 'insert')`)
		want("kinds of changes", errorsIn(one), "postgres.publication")
		s.exec(t, `DROP PUBLICATION ardso`)
		s.exec(t, `CREATE PUBLICATION ardso FOR ALL TABLES`)
		if got := s.find(t, "postgres.publication", one); len(got) != 1 || got[0].Severity != cdc.Warning {
			t.Errorf("all tables: got %v, want a warning", got)
		}
	})
}

// TestRules tries the rules that take a server of another kind.
func TestRules(t *testing.T) {
	good := func() *facts {
		return &facts{
			o:           Options{Slot: "s", Publication: "p", SenderTimeout: time.Minute},
			server:      replication.Server{WALLevel: "logical", MaxSlots: 10, MaxSenders: 10, KeepMB: 1000, SenderTimeoutMS: 60000, CanReplicate: true, Role: "r", CanCreate: true},
			state:       replication.State{Found: true, Plugin: "pgoutput", Database: "d", SlotDatabase: "d", WALStatus: "reserved", Failover: "true"},
			publication: replication.Publication{Found: true, AllKinds: true, ViaRoot: true, Owned: true},
		}
	}
	tests := []struct {
		name string
		make func(*facts)
		want string // severity and rule
	}{
		{"good", func(*facts) {}, ""},
		{"wal_level", func(f *facts) { f.server.WALLevel = "replica" }, "error postgres.wal_level"},
		{"standby", func(f *facts) { f.state.Standby = true }, "error postgres.standby"},
		{"no privilege", func(f *facts) { f.server.CanReplicate = false }, "error postgres.privilege"},
		{"no slot free", func(f *facts) { f.server.UsedSlots = 10; f.state = replication.State{} }, "error postgres.slots_free error postgres.slot"},
		{"slots taken, ours among them", func(f *facts) { f.server.UsedSlots = 10 }, ""},
		{"no sender free", func(f *facts) { f.server.UsedSenders = 10 }, "error postgres.senders_free"},
		{"ours is busy", func(f *facts) { f.server.UsedSenders, f.state.ActivePID = 10, 7 }, ""},
		{"unlimited log", func(f *facts) { f.server.KeepMB = -1 }, "warning postgres.retention"},
		{"idle slots are dropped", func(f *facts) { f.server.IdleSlotTimeoutS = 3600 }, "warning postgres.idle_slot_timeout"},
		{"no sender timeout", func(f *facts) { f.server.SenderTimeoutMS = 0 }, "note postgres.sender_timeout"},
		{"old prepared transaction", func(f *facts) { f.prepared = []replication.Prepared{{GID: "x", Age: 4000}, {GID: "new", Age: 1}} }, "warning postgres.prepared_transactions"},
		{"may not select", func(f *facts) {
			f.tables, f.needFull = []replication.Table{{Found: true, Kind: "r", Persistence: "p", Identity: "f"}}, []bool{true}
		}, "error postgres.table"},
		{"identity of somebody else's", func(f *facts) {
			f.tables, f.needFull = []replication.Table{{Found: true, Kind: "r", Persistence: "p", CanSelect: true, Identity: "d", HasKey: true, Owner: "x"}}, []bool{true}
		}, "error postgres.identity"},
		{"identity nothing", func(f *facts) {
			f.tables, f.needFull = []replication.Table{{Found: true, Kind: "r", Persistence: "p", CanSelect: true, Identity: "n", HasKey: true}}, []bool{false}
		}, "error postgres.identity"},
		{"may not create", func(f *facts) { f.publication.Found, f.server.CanCreate = false, false }, "error postgres.publication"},
		{"partitions by their names", func(f *facts) { f.publication.ViaRoot = false }, "error postgres.publication"},
		{"somebody else's publication", func(f *facts) { f.publication.Owned = false }, "note postgres.publication"},
		{"member missing", func(f *facts) { f.wanted = []replication.Name{{Schema: "s", Table: "t"}} }, "error postgres.membership"},
		{"another plug-in", func(f *facts) { f.state.Plugin = "wal2json" }, "error postgres.slot"},
		{"slot lost", func(f *facts) { f.state.WALStatus = "lost" }, "error postgres.slot"},
		{"slot invalidated", func(f *facts) { f.state.Invalidation = "idle_timeout" }, "error postgres.slot"},
		{"slot nearly lost", func(f *facts) { f.state.WALStatus = "unreserved" }, "warning postgres.slot"},
		{"two-phase slot", func(f *facts) { f.state.TwoPhase = "true" }, "error postgres.slot"},
		{"slot stays behind", func(f *facts) { f.state.Failover = "false" }, "warning postgres.failover"},
		{"version without failover", func(f *facts) { f.state.Failover = "" }, "note postgres.failover"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := good()
			tt.make(f)
			var got []string
			for _, r := range rules {
				for _, v := range r.judge(f) {
					got = append(got, v.severity.String()+" "+r.name)
				}
			}
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("got %q, want %q", s, tt.want)
			}
		})
	}
}

// TestLeastPrivileges reads as a role that has what docs/postgres-source.md lists and nothing else.
func TestLeastPrivileges(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		s.exec(t, `CREATE TABLE one (id integer PRIMARY KEY, n integer)`)
		role := "reader_" + strings.ToLower(strings.ReplaceAll(s.db.URL.Path[1:], "-", "_"))
		database := s.db.Engine.Quote(s.db.URL.Path[1:])
		for _, q := range []string{
			"CREATE ROLE " + role + " LOGIN REPLICATION PASSWORD 'least'",
			"REVOKE ALL ON DATABASE " + database + " FROM PUBLIC",
			"GRANT CONNECT ON DATABASE " + database + " TO " + role,
			"REVOKE ALL ON SCHEMA public FROM PUBLIC",
			"GRANT USAGE ON SCHEMA public TO " + role,
			"GRANT SELECT ON one TO " + role,
		} {
			s.exec(t, q)
		}
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			for _, q := range []string{"DROP OWNED BY " + role, "DROP ROLE " + role} {
				if _, err := s.db.ExecContext(ctx, q); err != nil {
					t.Errorf("%s: %v", q, err)
				}
			}
		})
		s.plan(t, &schema.Table{Name: "one"})
		start := s.Start(t)

		c := s.db.Config()
		u := *s.db.URL
		u.User = url.User(role)
		c.URL, c.Password = u.String(), "least"
		db, err := engine.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = db.Close() })
		s.exec(t, "INSERT INTO one VALUES (1, 1)")
		enough := errors.New("enough")
		err = New(db, s.o).Read(t.Context(), start, func(tx *cdc.Transaction) error {
			if len(tx.Changes) == 1 {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Errorf("got error %v", err)
		}
		all, err := Check(t.Context(), db, []*schema.Table{{Name: "one"}}, s.o)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range all {
			if f.Severity == cdc.Error {
				t.Errorf("got finding %+v", f)
			}
		}
	})
}

// TestSlotLosesItsLog has the server drop the log that a slot holds, while nobody reads and while
// somebody does (PS-13, PS-14).
func TestSlotLosesItsLog(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	in := dbtest.Server(t, "postgres15", "max_slot_wal_keep_size=1MB", "max_wal_size=32MB", "min_wal_size=32MB", "checkpoint_timeout=1h")
	s := &source{db: in.Database(t)}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatal(err)
	}
	s.exec(t, `CREATE TABLE one (id integer PRIMARY KEY)`)
	s.plan(t, &schema.Table{Name: "one"})
	start := s.Start(t)
	for range 5 {
		s.exec(t, "SELECT pg_logical_emit_message(false, 'x', 'x')")
		s.exec(t, "SELECT pg_switch_wal()")
	}
	s.exec(t, "CHECKPOINT")
	if got := s.state(t).WALStatus; got != "lost" {
		t.Fatalf("got wal_status %q, want the log lost", got)
	}
	err := New(s.db, s.o).Read(t.Context(), start, func(*cdc.Transaction) error { return nil })
	var lost *cdc.PositionLostError
	if !errors.As(err, &lost) || !strings.Contains(lost.Reason, "wal_status = lost") {
		t.Errorf("got error %v, want the position lost", err)
	}
	if got := s.find(t, "postgres.slot", &schema.Table{Name: "one"}); len(got) != 1 {
		t.Errorf("got findings %v", got)
	}
	slot := s.o.withDefaults(s.db).Slot
	want := []string{"drop replication slot " + slot + ", which has lost its log", "create replication slot " + slot}
	if diff := cmp.Diff(want, s.plan(t, &schema.Table{Name: "one"})); diff != "" {
		t.Error(diff)
	}
	if err := New(s.db, s.o).Read(t.Context(), start, func(*cdc.Transaction) error { return nil }); !errors.As(err, &lost) {
		t.Errorf("old position, new slot: got error %v, want the position lost", err)
	}
}

func TestNames(t *testing.T) {
	for database, want := range map[string]string{
		"arsystem":               "ardso_arsystem",
		"AR-System":              "ardso_ar_system_",
		strings.Repeat("x", 100): "ardso_" + strings.Repeat("x", 40) + "_",
	} {
		got := slotName(database)
		if !strings.HasPrefix(got, want) || !validName.MatchString(got) {
			t.Errorf("%s: got slot %q, want %q…", database, got, want)
		}
	}
	if slotName("a-b") == slotName("a_b") || slotName("A_b") == slotName("a_b") {
		t.Error("two databases share a slot")
	}
	for _, bad := range []string{"Ardso", "a-b", "a b", `a"b`, "ä", strings.Repeat("x", 64)} {
		if err := (Options{Slot: bad, Publication: "p"}).validate(); err == nil {
			t.Errorf("slot name %q: got no error", bad)
		}
		if err := (Options{Slot: "s", Publication: bad}).validate(); err == nil {
			t.Errorf("publication name %q: got no error", bad)
		}
	}
}

func TestPosition(t *testing.T) {
	for _, want := range []position{{0, 0}, {0x16B374D848, 7391234567890123456}, {^pgoutput.LSN(0), ^uint64(0)}} {
		text := want.text()
		if !strings.HasPrefix(string(text), want.lsn.String()+"@") {
			t.Errorf("got %q for %s", text, want.lsn)
		}
		if got, err := parsePosition(text); err != nil || got != want {
			t.Errorf("%q: got %v and error %v", text, got, err)
		}
	}
	for _, bad := range []cdc.Position{"x", "0/1", "0/1@", "@1", "0/1@x", "0/1@1@1", "0/1@-1"} {
		if p, err := parsePosition(bad); err == nil {
			t.Errorf("%q: got %v, want an error", bad, p)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("16/B374D848@7391234567890123456")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePosition(cdc.Position(s))
		if err != nil {
			return
		}
		if again, err := parsePosition(p.text()); err != nil || again != p {
			t.Fatalf("%q: got %v, then %v and error %v", s, p, again, err)
		}
	})
}
