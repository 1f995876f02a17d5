package run_test

import (
	"strings"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// A transfer of data only that meets the copy it has made before brings it up to date, also where duplicate_request_id
// says error; that counts for its own copies only, and is recorded.
func TestTransferAgain(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][2]string{{"sqlite", "postgres15"}, {"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}}) {
		t.Run(strings.Join(engines[:], " to "), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, map[string]*engine.DB{"a": dbtest.New(t, engines[0]), "b": dbtest.New(t, engines[1])}, map[string]string{"a": stormtest.Form, "b": stormtest.Form}, `
mappings:
  - {name: copy, from: {server: a, form: Repair}, to: {server: b, form: Repair}}
`)
			for s := range w.dbs {
				w.exec(s, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(schema.Full)+")")
			}
			w.open()
			w.exec("b", "INSERT INTO repair (id, summary) VALUES ('R2', 'another')")
			w.exec("a", "INSERT INTO repair (id, summary) VALUES ('R1', 'first'), ('R2', 'first')")
			for _, summary := range []string{"first", "second"} {
				w.exec("a", "UPDATE repair SET summary = '"+summary+"'")
				if _, err := w.sys.Transfer(t.Context(), "copy", "", run.TransferOptions{Log: testLog(t)}); err != nil {
					t.Fatal(err)
				}
			}
			if got := strings.Join(rows(t, w.dbs["b"], "SELECT id, summary FROM repair ORDER BY id"), " "); got != "R1|second R2|another" {
				t.Errorf("b holds %s", got)
			}
			if got := strings.Join(rows(t, w.dbs["b"], "SELECT request, error FROM dso_pending_error"), " "); got != "R2|insert_exists" {
				t.Errorf("errors: %s", got)
			}
			if got := strings.Join(rows(t, w.dbs["b"], "SELECT request, settled_by, outcome FROM dso_conflict WHERE request = 'R1'"), " "); got != "R1|data only: a copy of this request|update" {
				t.Errorf("recorded: %s", got)
			}
		})
	}
}
