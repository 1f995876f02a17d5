package run_test

import (
	"fmt"
	"testing"

	"ardso/integration/arfixture"
	"ardso/sql/schema"
)

// A process that is killed may have made copies under new Request IDs whose sources the next one does not know to have
// been told. It finds them by what they say of where they came from, and leaves what sources have been told.
func TestCreateNewAfterKill(t *testing.T) {
	t.Parallel()
	for _, src := range inShort([]string{"postgres15", "mariadb10.11"}) {
		for _, told := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, told %t", src, told), func(t *testing.T) {
				t.Parallel()
				createNewAfterKill(t, src, told)
			})
		}
	}
}

func createNewAfterKill(t *testing.T, src string, told bool) {
	fields := []arfixture.Field{{ID: 900001, Name: "Serial", Type: schema.Character, MaxLength: 30}}
	for _, d := range schema.FieldsOf(schema.Full) {
		fields = append(fields, arfixture.Field{ID: d.ID, Name: d.Name, Type: d.Type, MaxLength: d.Length, Values: d.Values})
	}
	form := arfixture.Form{ID: 2002, Name: "Repair", Fields: fields, NextID: 7, Prefix: "HD"}
	w := newARWorld(t, map[string]arSide{
		"src":  {engine: src, forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: fields}}},
		"dst":  {engine: "postgres15", forms: []arfixture.Form{form}},
		"slow": {engine: "postgres15", forms: []arfixture.Form{form}},
	}, `mappings:
  - {name: copy, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: independent copy, duplicate_request_id: create new}
  - {name: show, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, duplicate_request_id: create new}
  - {name: move, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: copy + delete, duplicate_request_id: create new}
  - {name: slow, from: {server: src, form: Repair}, to: {server: slow, form: Repair}}
filters:
  - {name: copy, server: src, form: Repair, on: submit, run_if: "'Serial' = \"copy\"", transfer: {mapping: copy}}
  - {name: show, server: src, form: Repair, on: submit, run_if: "'Serial' = \"show\"", transfer: {mapping: show}}
  - {name: move, server: src, form: Repair, on: submit, run_if: "'Serial' = \"move\"", transfer: {mapping: move}}
  - {name: slow, server: src, form: Repair, on: submit, run_if: "'Serial' = \"slow\"", transfer: {mapping: slow}}
`)
	w.write("dst", shortRow("T2002", "A1", "theirs", "x"), shortRow("T2002", "A2", "theirs", "x"), shortRow("T2002", "A3", "theirs", "x"))
	waits := func(server string) func() bool {
		return func() bool {
			return len(rows(t, w.dbs[server], "SELECT pid FROM pg_locks WHERE NOT granted")) > 0
		}
	}
	const lock = "LOCK TABLE T2002 IN EXCLUSIVE MODE"
	slow := w.lock("slow", w.spell("slow", lock)) // which keeps the position where it is
	kill := w.toKill("src")
	defer kill()
	w.write("src", shortRow("T1001", "A9", "ours", "slow"))
	w.eventually("the position is held", waits("slow"))
	target := w.lock("dst", w.spell("dst", lock))
	w.write("src", shortRow("T1001", "A1", "ours", "copy"))
	w.write("src", shortRow("T1001", "A2", "ours", "show"))
	w.write("src", shortRow("T1001", "A3", "ours", "move"))
	user := func() {}
	if !told {
		user = w.user("src", w.spell("src", "UPDATE T1001 SET C8 = C8 WHERE C1 <> 'A9'"))
	}
	letGo(t, target)
	w.eventually("the copies are made", func() bool {
		return len(rows(t, w.dbs["dst"], w.spell("dst", "SELECT C1 FROM T2002 WHERE C8 = 'ours'"))) == 3
	})
	if told {
		w.eventually("the sources are told", func() bool {
			return len(rows(t, w.dbs["src"], w.spell("src", "SELECT C1 FROM T1001 WHERE C308 LIKE 'HD%' OR C1 = 'A3'"))) == 2
		})
	}
	kill()
	user()
	letGo(t, slow)
	w.comeToRest(0, testLog(t))
	id := func(serial string) string {
		return rows(t, w.dbs["dst"], w.spell("dst", "SELECT C1 FROM T2002 WHERE C900001 = '"+serial+"'"))[0]
	}
	w.has("dst", "SELECT C900001 FROM T2002 WHERE C8 = 'ours' ORDER BY C900001", "copy", "move", "show")
	w.has("src", "SELECT C1, C301, C308 FROM T1001 ORDER BY C1", "A1|0|"+id("copy"), "A2|0|"+id("show"), "A9|0|A9")
	w.noErrors()
}
