package run_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cmd/internal/run"
	"ardso/integration/stormtest"
	"ardso/sql/control"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares v as JSON with a file; times, IDs and names of chains are left out.
func golden(t *testing.T, file string, v any) {
	t.Helper()
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for pattern, to := range map[string]string{
		`\d{4}-\d\d-\d\dT[0-9:.]+Z`: `TIME`,
		`"[0-9a-f]{32}"`:            `"CHAIN"`,
		`"id": "[0-9a-v]{16}"`:      `"id": "ID"`,
	} {
		text = regexp.MustCompile(pattern).ReplaceAll(text, []byte(to))
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(text)+"\n"); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

const explainDefinitions = `
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately}
  - {name: copies, from: {server: a, form: Repair}, to: {server: c, form: Repair}}
  - {name: off, enabled: no, from: {server: a, form: Repair}, to: {server: c, form: Repair}}
escalations:
  - {name: evening, server: a, form: Repair, at: {time: "18:00", zone: Asia/Tokyo}, run_if: "'status' = 1 AND $USER$ = \"AR_ESCALATOR\"", transfer: {mapping: copies}}
  - {name: night, server: a, form: Repair, every: 1h, run_if: "'status' = 7", transfer: {mapping: a to b}, enabled: no}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], order: 300, run_if: "'status' = 1 AND 'summary' LIKE \"%o%\"", transfer: {mapping: a to b}}
  - {name: copy, server: a, form: Repair, on: [submit, modify], order: 200, run_if: "'status' = 7 OR 'notes' = \"x\"", transfer: {mapping: copies}}
  - {name: new ones, server: a, form: Repair, on: submit, transfer: {mapping: copies}}
  - {name: changed, server: a, form: Repair, on: modify, run_if: "'TR.summary' != $NULL$", transfer: {mapping: copies}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'status' = 2", return: {}}
`

// explained is a world in which R1 went from a to b, with a repair, a conflict, an error and a pending transfer.
func explained(t *testing.T, engines []string) *owned {
	o := newOwned(t, engines, explainDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 'broken', 'n', 1)")
	o.rest()
	o.exec("a", "UPDATE repair SET summary = 'foreign' WHERE id = 'R1'")
	o.rest()
	o.change("b", "R1", run.OwnerChange{ClearTo: true}, -1) // changes nothing
	server, form, id, mapping, pool := "a", "Repair", "R1", "a to b", "fast"
	o.change("b", "R1", run.OwnerChange{FromServer: &server, FromForm: &form, FromRequest: &id, FromMapping: &mapping, FromPool: &pool}, -1)
	ctx := t.Context()
	for _, where := range []string{"", "'id' = \"R1\"", "'id' = \"R2\""} {
		if _, err := control.InsertPending(ctx, o.dbs["a"], control.Pending{Type: "transfer", Mapping: "copies", Form: "Repair", Qualification: where, RowsTotal: -1}); err != nil {
			t.Fatal(err)
		}
	}
	if err := control.WaitUpdate(ctx, o.dbs["a"], control.Pending{Mapping: "a to b", Form: "Repair", Request: "R1", Target: "b", Operation: "{}", Due: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	if _, err := control.Park(ctx, o.dbs["c"], control.PendingError{Source: "a", Mapping: "copies", Form: "Repair", Request: "R1", TargetForm: "Repair", Action: "modify", Error: "value.too_long", Operation: "[]"}); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11", "sqlite"}, {"sqlite", "postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite", "postgres15"}}) {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			o := explained(t, engines)
			all := o.connect()
			x, err := run.Explain(t.Context(), o.sys.Document, all, "a", "Repair", "R1")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "explain.json", x)
			if len(x.Pending) != 3 || len(x.Errors) != 1 || x.Errors[0].Server != "c" {
				t.Errorf("pending %v, errors %v", x.Pending, x.Errors)
			}
			x, err = run.Explain(t.Context(), o.sys.Document, all, "b", "Repair", "R1")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "explain_owner.json", x)
		})
	}
}

// A request that was never handed over, and one that chooses its mapping itself.
func TestExplainAlone(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite", "sqlite"}, explainDefinitions)
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, status, dso_to_mapping) VALUES ('R1', 'stays', 1, 'copies'), ('R2', 'stays', 7, 'off'), ('R3', 'stays', 7, NULL)")
	o.exec("a", "UPDATE repair SET dso_to_server = 'c', dso_to_form = 'Repair' WHERE id = 'R3'")
	all := o.connect()
	for id, want := range map[string]string{
		"R1": "To Mapping: copies, ",
		"R2": `To Mapping: off, no enabled mapping "off" begins at this form`,
		"R3": "To Server and To Form: copies, ",
	} {
		x, err := run.Explain(t.Context(), o.sys.Document, all, "a", "Repair", id)
		if err != nil {
			t.Fatal(err)
		}
		if x.Chosen == nil || x.Chosen.Field+": "+x.Chosen.Mapping+", "+x.Chosen.Problem != want {
			t.Errorf("%s: got %+v, want %s", id, x.Chosen, want)
		}
		if x.Owned == nil || x.Owned.Server != "a" || len(x.Copies) != 1 || x.ID != "" {
			t.Errorf("%s: owner %v, %d copies, chain %q", id, x.Owned, len(x.Copies), x.ID)
		}
	}
	if _, err := run.Explain(t.Context(), o.sys.Document, all, "a", "Repair", "R9"); name(err) != "request.unknown" {
		t.Errorf("got %v", err)
	}
	if _, err := run.Explain(t.Context(), o.sys.Document, all, "a", "Repiar", "R9"); name(err) != "catalog.unknown_form" {
		t.Errorf("got %v", err)
	}
}

// Copies that were made without ownership are found from each other: by what mappings make of a request, by their matching
// qualifications, and by where copies say that they came from.
func TestExplainCopies(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11", "sqlite"}, {"sqlite", "postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite", "postgres15"}}) {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, engines, `
mappings:
  - {name: copies, from: {server: a, form: Repair}, to: {server: b, form: Repair}}
  - {name: onward, from: {server: b, form: Repair}, to: {server: c, form: Repair}}
  - {name: around, from: {server: c, form: Repair}, to: {server: a, form: Repair}}
  - {name: give, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership}
  - {name: journal, from: {server: a, form: Repair}, to: {server: c, form: Log}, match: custom, fields: {id: "'summary'", text: "'notes'"}}
  - {name: index, from: {server: a, form: Repair}, to: {server: b, form: Log}, transfer_mode: independent copy, match: custom, fields: {id: "'notes'", ref: "'id'"}, matching_qualification: "'ref' = $id$"}
filters:
  - {name: copy, server: a, form: Repair, on: submit, run_if: "'status' = 1", transfer: [{mapping: copies}, {mapping: journal}, {mapping: index}]}
  - {name: give, server: a, form: Repair, on: submit, run_if: "'status' = 2", transfer: {mapping: give}}
  - {name: onward, server: b, form: Repair, on: merge, transfer: {mapping: onward}}
`)
			o.yaml = strings.ReplaceAll(o.yaml, stormtest.Form, stormtest.Form+"      - {name: Log, table: log, request_id: id}\n")
			for server := range o.dbs {
				o.exec(server, "CREATE TABLE log (id varchar(20) PRIMARY KEY, text varchar(200), ref varchar(20))")
			}
			o.open()
			o.exec("a", "INSERT INTO repair (id, summary, notes, status) VALUES ('R1', 's1', 'n1', 1)", "INSERT INTO repair (id, summary, notes, status) VALUES ('R2', 's2', 'n2', 2)",
				"INSERT INTO repair (id, summary, notes, status) VALUES ('R3', 's3', 'n3', 0)")
			o.exec("b", "INSERT INTO repair (id, summary, dso_from_server, dso_from_form, dso_from_request_id) VALUES ('R3', 'of another', 'c', 'Repair', 'R9')")
			o.rest()
			o.exec("b", "UPDATE log SET id = 'elsewhere' WHERE ref = 'R1'")

			all := o.connect()
			explain := func(server, id string) *run.Explanation {
				x, err := run.Explain(t.Context(), o.sys.Document, all, server, "Repair", id)
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
			copiesOf := func(x *run.Explanation) (list []string) {
				for _, c := range x.Copies {
					list = append(list, fmt.Sprintf("%s %s %s %s", c.Server, c.Form, c.Request, c.MadeAlong()))
				}
				return list
			}
			x := explain("a", "R1")
			o.equal("R1 of a", copiesOf(x), "a Repair R1 ", "b Log elsewhere index", "b Repair R1 copies", "c Log s1 journal", "c Repair R1 onward")
			if x.Owned == nil || x.Owned.Server != "a" || len(x.Unreachable) > 0 {
				t.Errorf("R1 of a: owner %v, unreachable %v", x.Owned, x.Unreachable)
			}
			x = explain("c", "R1")
			o.equal("R1 of c", copiesOf(x), "c Repair R1 ", "a Repair R1 ", "b Log elsewhere index", "b Repair R1 ", "c Log s1 journal")
			if x.Owned == nil || x.Owned.Server != "a" {
				t.Errorf("R1 of c: owner %v", x.Owned)
			}
			x = explain("c", "R2")
			o.equal("R2 of c", copiesOf(x), "c Repair R2 ", "a Repair R2 ", "b Repair R2 ")
			if x.Owned == nil || x.Owned.Server != "b" || x.ID == "" {
				t.Errorf("R2 of c: owner %v, chain %q", x.Owned, x.ID)
			}
			o.equal("R2 of a", copiesOf(explain("a", "R2")), "a Repair R2 ", "b Repair R2 ", "c Repair R2 onward")
			o.equal("R3 of a", copiesOf(explain("a", "R3")), "a Repair R3 ")

			// A server that does not answer is named, and what is behind it is found where copies tell of it.
			for _, conn := range all {
				if conn.Name == "b" {
					conn.Err = errors.New("it is down")
				}
			}
			x = explain("a", "R1")
			o.equal("R1 without b", copiesOf(x), "a Repair R1 ", "c Log s1 journal")
			if len(x.Unreachable) != 1 || x.Unreachable[0].Server != "b" {
				t.Errorf("unreachable: %v", x.Unreachable)
			}
		})
	}
}

// The origin of a chain does not know its name before the hand-over is written back; others do.
func TestExplainOrigin(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "postgres15"}, handOverDefinitions)
	o.handedOver(2)
	o.exec("a", "DELETE FROM dso_owner", "UPDATE repair SET dso_master_flag = NULL")
	ch := o.chain("a", "R1")
	if len(ch.Copies) != 2 || ch.Copies[1].Server != "b" || ownerOf(ch) != "b 2" {
		t.Errorf("got %d copies of chain %q, owner %s", len(ch.Copies), ch.ID, ownerOf(ch))
	}
	o.change("a", "R1", master(true), -1)
	if got := ownerOf(o.chain("b", "R1")); got != "a 1002" {
		t.Errorf("owner is %s", got)
	}
}
