package run_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// copiesCompile makes sure, of every world that is opened, that its definitions come to the same with copies of the
// servers' forms, and that what is left of them without one of the servers is valid.
func copiesCompile(t *testing.T, sys *run.System) {
	t.Helper()
	copies := make(map[string]definition.Catalog)
	for name, srv := range sys.Servers {
		var forms []*schema.Form
		for _, form := range sys.Document.FormsOf(name) {
			f, err := srv.Catalog.Lookup(form)
			if err != nil {
				t.Fatal(err)
			}
			forms = append(forms, f)
		}
		text, err := schema.EncodeForms(forms)
		if err != nil {
			t.Fatal(err)
		}
		back, err := schema.DecodeForms(text)
		if err != nil {
			t.Fatal(err)
		}
		copies[name] = catalog.Restore(name, srv.Catalog.Kind, back)
	}
	got, err := definition.Check(sys.Document, copies)
	if err != nil {
		t.Fatalf("with copies of the forms: %v", err)
	}
	if !reflect.DeepEqual(sys.Compiled, got) {
		t.Error("definitions come to something else with copies of the forms")
	}
	for name, c := range copies {
		delete(copies, name)
		rest, _ := sys.Document.Without([]string{name})
		if _, err := definition.Check(rest, copies); err != nil {
			t.Errorf("without %s: %v", name, err)
		}
		copies[name] = c
	}
}

// says waits until the log has said a text, as often as n says.
func (r *running) says(text string, n int) {
	r.t.Helper()
	r.eventually("the log says "+text, func() bool { return len(r.log.said(text)) >= n })
}

// clean makes sure that nothing went to errors and nothing was in conflict.
func (w *world) clean(servers ...string) {
	w.t.Helper()
	for _, s := range servers {
		if got := rows(w.t, w.dbs[s], "SELECT request, error, reason FROM dso_pending_error"); len(got) > 0 {
			w.t.Errorf("%s: errors %v", s, got)
		}
		if got := rows(w.t, w.dbs[s], "SELECT request, kind, outcome FROM dso_conflict"); len(got) > 0 {
			w.t.Errorf("%s: conflicts %v", s, got)
		}
	}
}

// back starts b again. Connections from before are not used any more.
func (o *outage) back() {
	o.t.Helper()
	o.server.Start(o.t)
	o.dbs["b"].SetMaxIdleConns(0)
	o.dbs["b"].SetMaxIdleConns(4)
}

// edit changes requests in all ways; the n of those that stay counts how often.
func (o *outage) edit(round int) {
	o.t.Helper()
	o.exec("a", "UPDATE task SET n = n + 1, title = 'edited' WHERE id LIKE 'R1%'",
		fmt.Sprintf("INSERT INTO task VALUES ('N%d', 'new', 1)", round), fmt.Sprintf("UPDATE task SET n = n + 1 WHERE id = 'N%d'", round),
		fmt.Sprintf("DELETE FROM task WHERE id = 'R2%d'", round), fmt.Sprintf("UPDATE task SET id = 'K%d' WHERE id = 'R3%d'", round, round),
		fmt.Sprintf("UPDATE task SET title = 'renamed' WHERE id = 'K%d'", round))
}

// follows waits until c has all that a has.
func (o *outage) follows() {
	o.t.Helper()
	o.eventually("c follows", func() bool {
		return fmt.Sprint(rows(o.t, o.dbs["c"], allTasks)) == fmt.Sprint(rows(o.t, o.dbs["a"], allTasks))
	})
}

// A process starts although a target does not answer, twice: changes wait for it, the log is not held and the other target
// is served. Once it answers, all of them are carried out, each once.
func TestStartWithoutTarget(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.open()
			o.exec("a", "INSERT INTO task SELECT "+requestOf(o.dbs["a"])+", 'made', i FROM "+numbers(o.dbs["a"], 50))
			o.once()

			o.edit(0) // what a former process has not come to
			o.server.Stop(t)
			var r *running
			for round := 1; round <= 2; round++ {
				o.edit(round)
				o.available()
				r = o.background()
				o.edit(2 + round)
				o.follows()
				o.eventually("the log is not held", func() bool { return o.waiting() > 0 && !behind(t, o.sys, "a") })
				r.says("what goes there is decided by its forms as they were", 1)
				if round == 1 {
					r.stop()
				}
			}
			o.back()
			r.says("server answers again", 1)
			o.edit(5)
			o.eventually("b has caught up", func() bool {
				return o.waiting() == 0 && fmt.Sprint(rows(t, o.dbs["b"], "SELECT id FROM task WHERE id = 'K5' AND title = 'renamed'")) == "[K5]"
			})
			r.stop()
			o.once()
			o.same("a", allTasks, "b", allTasks)
			o.same("a", allTasks, "c", allTasks)
			o.clean("a", "b", "c")
		})
	}
}

// sourceAway are two sources for one target; b is the one that can be stopped.
const sourceAway = `
mappings:
  - {name: from a, from: {server: a, form: Task}, to: {server: c, form: Task}}
  - {name: from b, from: {server: b, form: Task}, to: {server: c, form: Task}}
filters:
  - {name: send a, server: a, form: Task, on: [submit, modify], transfer: {mapping: from a}}
  - {name: send b, server: b, form: Task, on: [submit, modify], transfer: {mapping: from b}}
`

// use makes the outage's definitions others.
func (o *outage) use(definitions string) {
	o.yaml = strings.Replace(o.yaml, outageDefinitions, definitions, 1)
}

// A source that does not answer at the start is followed once it does; the others are at once.
func TestStartWithoutSource(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"mariadb10.11", "postgres15"}, {"postgres15", "mariadb10.11"}}) {
		t.Run(engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.use(sourceAway)
			o.open()
			o.exec("b", "INSERT INTO task VALUES ('B1', 'made', 1)")
			o.server.Stop(t)
			o.available()
			r := o.background()
			o.exec("a", "INSERT INTO task VALUES ('A1', 'made', 1)")
			o.has("c", "A1|made|1")
			r.says("server does not answer: its log is followed once it does", 1)
			o.back()
			o.has("c", "A1|made|1", "B1|made|1")
			o.exec("a", "UPDATE task SET n = 2")
			o.exec("b", "UPDATE task SET n = 2")
			o.has("c", "A1|made|2", "B1|made|2")
			if got := len(r.log.said(`msg="following the log"`)); got != 3 {
				t.Errorf("logs were begun to be followed %d times: a before and after, b once", got)
			}
			r.stop()
			o.clean("c")
		})
	}
}

// has waits until a server has these requests.
func (o *outage) has(server string, want ...string) {
	o.t.Helper()
	o.eventually(fmt.Sprintf("%s has %v", server, want), func() bool { return fmt.Sprint(rows(o.t, o.dbs[server], allTasks)) == fmt.Sprint(want) })
}

// Where nobody has a copy of a target's forms, the sources that send to it wait for it and the others do not. A process
// that can do nothing stays, and ends when it is asked to.
func TestStartWithoutCopy(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "postgres15", "mariadb10.11")
	whole := o.yaml
	o.dbs["d"] = dbtest.New(t, "sqlite")
	o.world = newWorld(t, o.dbs, map[string]string{"a": taskForm, "b": taskForm, "c": taskForm, "d": taskForm}, outageDefinitions+
		"  - {name: others, server: d, form: Task, on: submit, transfer: {mapping: to c from d}}\n")
	o.yaml = strings.Replace(o.yaml, "mappings:\n", "mappings:\n  - {name: to c from d, from: {server: d, form: Task}, to: {server: c, form: Task}}\n", 1)
	o.exec("d", "CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50), n integer)")
	o.open()
	o.exec("a", "INSERT INTO task VALUES ('A1', 'made', 1)")
	o.exec("d", "INSERT INTO task VALUES ('D1', 'made', 1)")
	o.server.Stop(t)
	o.available()
	r := o.background()
	o.has("c", "D1|made|1")
	lines := r.log.said("its forms are not known")
	if len(lines) != 1 || !strings.Contains(lines[0], "server=b") || !strings.Contains(lines[0], "waiting=[a]") || !strings.Contains(lines[0], "no server that answers has a copy") {
		t.Errorf("the log says %q", lines)
	}
	r.stop()

	// Of a and b alone nothing can start.
	o.yaml = whole
	o.available()
	for _, back := range []bool{false, true} {
		r, _ := o.behindTheScenes()
		r.says("nothing can be followed yet", 2) // which is said again
		if back {
			o.back()
			o.has("b", "A1|made|1")
		}
		r.stop()
		if got := len(r.log.said(`msg="following the log"`)); back != (got > 0) {
			t.Errorf("%d logs are followed, b is back: %t", got, back)
		}
	}
	o.clean("a", "b", "c")
}

// What has changed on a target that did not answer at the start is seen once it does: a new column is filled from then on;
// definitions that do not stand any more are refused by name, and what goes there goes on waiting until they do.
func TestStartWithoutTargetThatChanges(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}}) {
		t.Run(engines[0]+" to "+engines[1], func(t *testing.T) {
			t.Parallel()
			o := newOutage(t, engines[0], engines[1])
			o.use(strings.Replace(outageDefinitions, "match: like names}", "match: like names, fields: {n: \"'n'\"}}", 1))
			o.exec("a", "ALTER TABLE task ADD COLUMN extra varchar(20)")
			o.open()
			o.exec("a", "INSERT INTO task VALUES ('R1', 'made', 1, 'x')")
			o.once()
			o.exec("b", "ALTER TABLE task ADD COLUMN extra varchar(20)")
			o.server.Stop(t)
			o.available()
			r := o.background()
			o.exec("a", "UPDATE task SET n = 2")
			o.eventually("it waits", func() bool { return o.waiting() == 1 })
			o.back()
			r.says("server answers again", 1)
			o.has("b", "R1|made|2")
			o.exec("b", "UPDATE task SET extra = 'x'") // so that the copy is what the source had
			o.exec("a", "UPDATE task SET extra = 'y'")
			o.eventually("the column is filled", func() bool { return fmt.Sprint(rows(t, o.dbs["b"], "SELECT extra FROM task")) == "[y]" })
			r.stop()

			o.exec("b", "ALTER TABLE task RENAME COLUMN n TO m")
			o.server.Stop(t)
			o.available()
			r = o.background()
			o.exec("a", "UPDATE task SET title = 'edited', n = 3")
			o.eventually("it waits", func() bool { return o.waiting() == 1 })
			o.back()
			r.says("definitions refused", 1)
			if lines := r.log.said("definitions refused"); !strings.Contains(lines[0], "definition.unknown_field") || !strings.Contains(lines[0], `no field \"n\"`) {
				t.Errorf("the log says %q", lines)
			}
			o.exec("a", "INSERT INTO task VALUES ('R2', 'made', 2, 'x')")
			o.eventually("it goes on waiting", func() bool { return o.waiting() == 2 })
			o.exec("b", "ALTER TABLE task RENAME COLUMN m TO n")
			r.says("server answers again", 1)
			o.eventually("nothing waits", func() bool { return o.waiting() == 0 })
			o.has("b", "R1|edited|3", "R2|made|2")
			if lines := r.log.said("definitions refused"); len(lines) != 1 {
				t.Errorf("it is said %d times", len(lines))
			}
			r.stop()
			o.clean("a", "b", "c")
		})
	}
}

// Of two servers that do not answer one comes back: what hangs on that one goes on, the other is waited for. Changed
// definitions that leave it out are taken up.
func TestStartWithoutTwo(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "sqlite", "postgres15")
	second := dbtest.Server(t, "mariadb10.11")
	o.dbs["d"] = second.Database(t)
	forms := map[string]string{"a": taskForm, "b": taskForm, "c": taskForm, "d": taskForm}
	const toB, toC, toD = "{mapping: to b, pool: work}", "{mapping: to c, pool: work}", "{mapping: to d, pool: work}"
	o.world = newWorld(t, o.dbs, forms, strings.NewReplacer(
		"mappings:\n", "mappings:\n  - {name: to d, from: {server: a, form: Task}, to: {server: d, form: Task}}\n  - {name: d to c, from: {server: d, form: Task}, to: {server: c, form: Task}}\n",
		"["+toB+", "+toC+"]", "["+toB+", "+toD+"]", "on: delete, delete: ", "enabled: no, on: delete, delete: ",
	).Replace(outageDefinitions)+"  - {name: on, server: d, form: Task, on: [submit, modify, merge], transfer: {mapping: d to c}}\n")
	o.exec("d", "CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50), n integer)")
	o.open()
	o.exec("a", "INSERT INTO task VALUES ('A1', 'made', 1)")
	o.once()
	o.once() // from d to c
	o.server.Stop(t)
	second.Stop(t)
	o.available()
	r := o.background()
	o.exec("a", "UPDATE task SET n = 2")
	o.eventually("it waits for both", func() bool { return o.waiting() == 2 })
	second.Start(t)
	o.has("d", "A1|made|2")
	o.has("c", "A1|made|2") // so d is followed
	if got := o.waiting(); got != 1 {
		t.Errorf("%d operations wait for b, and for d", got)
	}
	o.exec("a", "UPDATE task SET n = 3")
	o.has("c", "A1|made|3")
	o.eventually("it waits for b", func() bool { return o.waiting() == 2 })
	if lines := r.log.said("server answers again"); len(lines) != 1 || !strings.Contains(lines[0], "server=d") {
		t.Errorf("the log says %q", lines)
	}
	whole := o.yaml
	r.take(newWorld(t, map[string]*engine.DB{"a": o.dbs["a"], "c": o.dbs["c"], "d": o.dbs["d"]}, forms, strings.NewReplacer(
		"  - {name: to b, from: {server: a, form: Task}, to: {server: b, form: Task}, match: like names}\n", "", toB+", ", "",
	).Replace(whole[strings.Index(whole, "\npools:"):])).yaml)
	o.exec("a", "UPDATE task SET n = 4")
	o.has("c", "A1|made|4")
	if o.waiting() == 0 { // of which its definitions know nothing
		t.Error("nothing waits for b any more")
	}
	r.yaml = whole
	r.reload <- struct{}{}
	r.says("definitions not taken up yet", 1)
	o.back()
	r.says("definitions taken up", 2)
	o.has("b", "A1|made|3") // what is committed meanwhile goes by the definitions of then
	r.stop()
	o.clean("a", "b", "c", "d")
}

// A copy of forms that the definitions do not stand with is as good as none.
func TestStartWithOtherDefinitions(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "sqlite", "postgres15")
	o.open()
	o.exec("a", "INSERT INTO task VALUES ('A1', 'made', 1)")
	o.once()
	o.exec("b", "ALTER TABLE task ADD COLUMN more integer")
	o.server.Stop(t)
	good := o.yaml
	for _, x := range []struct{ from, to, reason string }{
		{"match: like names}", "match: like names, fields: {more: \"'n'\"}}", "no field"}, // b has it, and nobody knows
		{"table: task, request_id: id}\n  c:", "table: task, request_id: id, keep_empty_strings: no}\n  c:", "declare its forms otherwise"},
	} {
		o.yaml = strings.Replace(good, x.from, x.to, 1)
		if o.yaml == good {
			t.Fatalf("no %q in\n%s", x.from, good)
		}
		o.available()
		r, _ := o.behindTheScenes()
		r.says("its forms are not known", 1)
		if lines := r.log.said("its forms are not known"); !strings.Contains(lines[0], x.reason) {
			t.Errorf("the log says %q", lines)
		}
		r.says("nothing can be followed yet", 1)
		r.stop()
	}
	o.yaml = strings.Replace(good, "match: like names}", "match: like names, fields: {more: \"'n'\"}}", 1)
	o.available()
	r, _ := o.behindTheScenes()
	o.back()
	o.exec("a", "INSERT INTO task VALUES ('A2', 'made', 7)")
	o.eventually("b has it", func() bool {
		return fmt.Sprint(rows(t, o.dbs["b"], "SELECT id, more FROM task WHERE id = 'A2'")) == "[A2|7]"
	})
	r.stop()
	o.clean("a", "b")
}

// A run that could not begin anything is cut off as any.
func TestStartCutOff(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "sqlite", "postgres15")
	o.open()
	o.server.Stop(t)
	o.available()
	ctx, cancel := context.WithCancel(t.Context())
	log := &logged{}
	done := make(chan error, 1)
	sys := o.sys
	go func() {
		_, err := sys.Run(ctx, nil, run.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
		done <- err
	}()
	o.eventually("it waits", func() bool { return len(log.said("nothing can be followed yet")) > 0 })
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

// Where requests are handed over both ends are sources. While one does not answer from the start on, the request stays with
// its owner, who goes on editing; it is handed over once the other answers, and edits of what that owned before come back.
func TestHandOverStartsWithoutTarget(t *testing.T) {
	t.Parallel()
	o := &outage{server: dbtest.Server(t, "mariadb10.11")}
	dbs := map[string]*engine.DB{"a": dbtest.New(t, "postgres15"), "b": o.server.Database(t)}
	o.world = newWorld(t, dbs, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, handOverDefinitions)
	w := &owned{world: o.world, group: 2}
	for s := range dbs {
		o.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(w.group)+")")
	}
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1), ('R2', 'broken', 'n', 0)")
	w.rest()
	o.exec("b", "UPDATE repair SET summary = 'seen to' WHERE id = 'R1'")
	o.server.Stop(t)
	o.exec("a", "UPDATE repair SET status = 1 WHERE id = 'R2'")
	o.available()
	r := o.background()
	o.eventually("R2 says Retry", func() bool {
		return fmt.Sprint(rows(t, dbs["a"], "SELECT dso_transfer_status, dso_master_flag FROM repair WHERE id = 'R2'")) == "[1|1]"
	})
	o.exec("a", "UPDATE repair SET summary = 'mine still' WHERE id = 'R2'")
	o.eventually("the log is not held", func() bool { return !behind(t, o.sys, "a") })
	o.back()
	o.eventually("R2 is b's", func() bool {
		return w.request("b", "R2") == "mine still|n|1" && w.request("a", "R2") == "mine still|n|0"
	})
	o.eventually("b's edit has come", func() bool { return w.request("a", "R1") == "seen to|n|0" })
	r.stop()
	w.rest()
	w.want("R1", "a", "seen to|n|0", "b", "seen to|n|1")
	w.want("R2", "a", "mine still|n|0", "b", "mine still|n|1")
	o.clean("a", "b")
}

// What will not pass by itself is refused at the start as ever.
func TestStartRefused(t *testing.T) {
	t.Parallel()
	o := newOutage(t, "sqlite", "postgres15")
	o.open()
	o.once()
	refused := func(yaml, want string) {
		t.Helper()
		doc, err := definition.Parse([]definition.File{{Name: "ardso.yaml", Text: yaml}}, o.secrets())
		if err != nil {
			t.Fatal(err)
		}
		sys, err := run.OpenAvailable(t.Context(), doc)
		if err == nil {
			_ = sys.Close()
			t.Fatalf("want %s, and it is opened", want)
		}
		if got := name(err); got != want {
			t.Errorf("got %s, want %s: %v", got, want, err)
		}
	}
	other := func(from, to string) string { return strings.Replace(o.yaml, from, to, 1) }
	url := o.dbs["b"].Config().URL
	for range 2 { // b answers, and does not
		refused(other("table: task", "table: tusk"), "catalog.unknown_table") // of a
		refused(other("match: like names}\n  - {name: to c", "match: like names}\n  - {exclude: [nothing], name: to c"), "definition.invalid")
		if url != "" {
			refused(other(url, strings.Replace(url, "?", "nothing?", 1)), "server.no_database")
			refused(other("    password: ${PASSWORD_b}\n", ""), "server.denied")
			url = ""
			o.server.Stop(t)
		}
	}
}
