package run_test

import (
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// A request can go to another form of its own server, from there to another server, and does not come back.
func TestSameServer(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"postgres15", "sqlite"}, {"mariadb10.11", "postgres15"}, {"sqlite", "mariadb10.11"}}) {
		t.Run(strings.Join(engines[:], " "), func(t *testing.T) {
			t.Parallel()
			const forms = "      - {name: Task, table: task, request_id: id}\n      - {name: Archive, table: archive, request_id: id}\n"
			w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, engines[0]), "b": dbtest.New(t, engines[1])}, map[string]string{"a": forms, "b": forms}, `
mappings:
  - {name: archive, from: {server: a, form: Task}, to: {server: a, form: Archive}, transfer_mode: copy + delete, match: like names}
  - {name: abroad, from: {server: a, form: Archive}, to: {server: b, form: Archive}, match: like names}
  - {name: again, from: {server: a, form: Archive}, to: {server: a, form: Task}, match: like names}
  - {name: back, from: {server: b, form: Archive}, to: {server: a, form: Task}, match: like names}
filters:
  - {name: archive, server: a, form: Task, on: [submit, modify], run_if: "'state' = \"closed\"", transfer: {mapping: archive}}
  - {name: abroad, server: a, form: Archive, on: merge, transfer: [{mapping: abroad}, {mapping: again}]}
  - {name: back, server: b, form: Archive, on: merge, transfer: {mapping: back}}
`)
			for s := range w.dbs {
				w.exec(s, "CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50), state varchar(20))",
					"CREATE TABLE archive (id varchar(20) PRIMARY KEY, title varchar(50), state varchar(20))")
			}
			w.open()
			w.exec("a", "INSERT INTO task VALUES ('T1', 'old', 'closed'), ('T2', 'new', 'open')")
			for range 4 {
				w.once()
			}
			w.exec("a", "UPDATE task SET state = 'closed' WHERE id = 'T2'")
			for range 4 {
				w.once()
			}
			for _, at := range [][2]string{{"a", "task"}, {"b", "task"}} {
				if got := rows(t, w.dbs[at[0]], "SELECT id FROM "+at[1]); len(got) > 0 {
					t.Errorf("%s on %s holds %v", at[1], at[0], got)
				}
			}
			for s := range w.dbs {
				if got := strings.Join(rows(t, w.dbs[s], "SELECT id, title, state FROM archive ORDER BY id"), " "); got != "T1|old|closed T2|new|closed" {
					t.Errorf("archive on %s holds %q", s, got)
				}
				if got := rows(t, w.dbs[s], "SELECT request, error FROM dso_pending_error"); len(got) > 0 {
					t.Errorf("%s: errors %v", s, got)
				}
			}
		})
	}
}
