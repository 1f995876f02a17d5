package run_test

import (
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// A mapping that overwrites whole requests gives fields that it does not carry what a new request would have; a later
// change of the source's request writes only what it changes.
func TestOverwriteAllFields(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		const form = "      - {name: Task, table: task, request_id: id}\n"
		w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, "sqlite"), "b": db}, map[string]string{"a": form, "b": form}, `
mappings:
  - {name: copy, from: {server: a, form: Task}, to: {server: b, form: Task}, transfer_mode: independent copy, match: like names,
     duplicate_request_id: overwrite, overwrite_style: all fields}
filters:
  - {name: send, server: a, form: Task, on: [submit, modify], transfer: {mapping: copy}}
`)
		w.exec("a", "CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50))")
		w.exec("b", `CREATE TABLE task (id varchar(20) PRIMARY KEY, title varchar(50), note varchar(50), state varchar(20) DEFAULT 'it''s new',
			place integer NOT NULL DEFAULT 7, weight decimal(8,2) DEFAULT 1.5)`,
			"INSERT INTO task VALUES ('T1', 'theirs', 'n', 's', 1, 2), ('T2', 'ours', 'n', 's', 1, 2), ('T3', 'theirs', 'n', 's', 1, 2)")
		w.open()
		w.exec("a", "INSERT INTO task VALUES ('T1', 'ours'), ('T2', 'ours')")
		w.once()
		w.exec("b", "UPDATE task SET note = 'kept' WHERE id = 'T1'")
		w.exec("a", "UPDATE task SET title = 'later' WHERE id = 'T1'")
		w.once()
		const query = "SELECT id, title, note, state, place, CASE WHEN weight = 1.5 THEN 'default' ELSE 'other' END FROM task ORDER BY id"
		got := rows(t, db, query)
		want := []string{"T1|later|kept|it's new|7|default", "T2|ours|<null>|it's new|7|default", "T3|theirs|n|s|1|other"}
		if len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := rows(t, db, "SELECT request, kind, settled_by, outcome FROM dso_conflict ORDER BY request"); len(got) != 2 || got[1] != "T2|insert_exists|duplicate_request_id: overwrite, all fields|update" {
			t.Errorf("conflicts %q", got)
		}
	})
}
