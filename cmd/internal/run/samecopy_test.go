package run_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ardso/cmd/internal/run"
	"ardso/integration/arfixture"
	"ardso/sql/schema"
)

// otherIDs are mappings under which a request's copy has another Request ID than the request, and what b has before.
var otherIDs = []struct{ name, says, there, copied string }{
	{"create new", "duplicate_request_id: create new", "A2", "HD0000000000007"},
	{"matching qualification", `duplicate_request_id: overwrite, matching_qualification: "'Serial' = $Serial$"`, "T5", "T5"},
	{"no Request ID", `exclude: [Request ID], matching_qualification: "'Short Description' = $Short Description$"`, "A2", "HD0000000000007"},
}

// handsOver is a world of a, and of b whose copies get Request IDs of their own: a's A2 meets one request there. What
// a user wants of a request is in the field Wish.
func handsOver(t *testing.T, engines [2]string, says, there string) *arWorld {
	t.Helper()
	fields := []arfixture.Field{
		{ID: 900001, Name: "Serial", Type: schema.Character, MaxLength: 30},
		{ID: 900002, Name: "Wish", Type: schema.Character, MaxLength: 30},
	}
	for _, d := range schema.FieldsOf(schema.Advanced) {
		fields = append(fields, arfixture.Field{ID: d.ID, Name: d.Name, Type: d.Type, MaxLength: d.Length, Values: d.Values})
	}
	w := newARWorld(t, map[string]arSide{
		"a": {engine: engines[0], forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: fields}}},
		"b": {engine: engines[1], forms: []arfixture.Form{{ID: 2002, Name: "Repair", Fields: fields, NextID: 7, Prefix: "HD"}}},
	}, `mappings:
  - {name: give, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: immediately, `+says+`}
filters:
  - {name: give, server: a, form: Repair, on: [submit, modify], run_if: "'TR.Wish' = \"give\"", transfer: {mapping: give}}
  - {name: back, server: b, form: Repair, on: modify, run_if: "'TR.Wish' = \"back\"", return: {}}
`)
	w.write("b", shortRow("T2002", there, "theirs", "S2"))
	w.write("a", shortRow("T1001", "A2", "ours", "S2"))
	return w
}

// holds compares what a and b have: Request ID, Short Description, Master Flag of each request.
func (w *arWorld) holds(a, b string) {
	w.t.Helper()
	for server, want := range map[string]string{"a": a, "b": b} {
		table := map[string]string{"a": "T1001", "b": "T2002"}[server]
		if got := strings.Join(rows(w.t, w.dbs[server], w.spell(server, "SELECT C1, C8, C303 FROM "+table+" ORDER BY C1")), " "); got != want {
			w.t.Errorf("%s has %s, want %s", server, got, want)
		}
	}
	if w.t.Failed() {
		for server := range w.dbs {
			for _, q := range []string{"SELECT request, chain, epoch, owner, from_request, to_request, deleted FROM dso_owner", "SELECT request, kind, settled_by, outcome FROM dso_conflict"} {
				w.t.Logf("%s: %q", server, rows(w.t, w.dbs[server], q))
			}
		}
		w.t.FailNow()
	}
}

// besides is what b has under a mapping: the copy as given, and what was there before, if it is another request.
func besides(there, copied, as string) string {
	if there == copied {
		return copied + "|" + as
	}
	return there + "|theirs|<null> " + copied + "|" + as
}

// A request that is handed over again goes to the copy that it has there, whatever its key or the qualification would
// find (dso-reference 29, choice 7), and so do the edits made while the hand-over is open.
func TestHandOverAgain(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort(matchPairs[:3]) {
		for _, m := range otherIDs {
			t.Run(fmt.Sprintf("%s to %s, %s", engines[0], engines[1], m.name), func(t *testing.T) {
				t.Parallel()
				w := handsOver(t, engines, m.says, m.there)
				w.write("a", "UPDATE T1001 SET C900002 = 'give' WHERE C1 = 'A2'")
				w.comeToRest(0, testLog(t))
				w.holds("A2|ours|0", besides(m.there, m.copied, "ours|1"))
				w.write("b", "UPDATE T2002 SET C8 = 'mended', C900002 = 'back' WHERE C1 = '"+m.copied+"'")
				w.comeToRest(0, testLog(t))
				w.holds("A2|mended|1", besides(m.there, m.copied, "mended|0"))

				w.write("a", "UPDATE T1001 SET C8 = 'again', C900001 = 'S9', C900002 = 'give' WHERE C1 = 'A2'")
				w.write("a", "UPDATE T1001 SET C8 = 'late' WHERE C1 = 'A2'")
				w.comeToRest(0, testLog(t))
				w.holds("A2|late|0", besides(m.there, m.copied, "late|1"))
				w.has("a", "SELECT C308 FROM T1001", m.copied)
				w.write("b", "UPDATE T2002 SET C8 = 'seen' WHERE C1 = '"+m.copied+"'")
				w.comeToRest(0, testLog(t))
				w.holds("A2|seen|0", besides(m.there, m.copied, "seen|1"))
				w.write("b", "UPDATE T2002 SET C900002 = 'back' WHERE C1 = '"+m.copied+"'")
				w.comeToRest(0, testLog(t))
				w.holds("A2|seen|1", besides(m.there, m.copied, "seen|0"))

				// A delete finds it, too.
				w.write("a", "UPDATE T1001 SET C900002 = 'give' WHERE C1 = 'A2'")
				w.write("a", "DELETE FROM T1001 WHERE C1 = 'A2'")
				w.comeToRest(0, testLog(t))
				w.holds("", strings.Trim(strings.Replace(besides(m.there, m.copied, ""), m.copied+"|", "", 1), " "))
				w.noErrors()
				w.equal("conflicts", rows(t, w.dbs["b"], "SELECT kind FROM dso_conflict WHERE kind <> 'insert_exists'"))
			})
		}
	}
}

// A hand-over by hand that is cut off before its server hears of it goes on with the copy that it has made, and makes no
// second owner.
func TestHandOverCutOff(t *testing.T) {
	t.Parallel()
	for _, m := range otherIDs {
		for _, edit := range []string{"", "late"} {
			t.Run(m.name+" "+edit, func(t *testing.T) {
				t.Parallel()
				w := handsOver(t, [2]string{"postgres15", "sqlite"}, m.says, m.there)
				w.once()
				held := w.lock("a", w.spell("a", "SELECT C1 FROM T1001 FOR UPDATE"))
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = w.sys.Transfer(ctx, "give", "", run.TransferOptions{Log: testLog(t)}) // its error is the cut's
				}()
				w.eventually("b owns it", func() bool {
					return fmt.Sprint(rows(t, w.dbs["b"], "SELECT C1 FROM T2002 WHERE C303 = 1")) == "["+m.copied+"]"
				})
				cancel()
				<-done
				as := "ours"
				if edit != "" {
					as = edit
					if _, err := held.Exec(w.spell("a", "UPDATE T1001 SET C8 = '"+edit+"', C900001 = 'S9'")); err != nil {
						t.Fatal(err)
					}
				}
				if err := held.Commit(); err != nil {
					t.Fatal(err)
				}
				w.comeToRest(0, testLog(t))
				w.holds("A2|"+as+"|0", besides(m.there, m.copied, as+"|1"))
				w.noErrors()
			})
		}
	}
}

// A copy that anybody has deleted comes again under its Request ID, though that of the request is free by now. One that
// its owner has deleted takes nothing of its chain any more, and no other request does in its place, until it is forgotten.
func TestHandOverToDeletedCopy(t *testing.T) {
	t.Parallel()
	w := handsOver(t, [2]string{"sqlite", "postgres15"}, "duplicate_request_id: create new, allow_any_user_to_delete: yes", "A2")
	give := func() {
		t.Helper()
		w.write("a", "UPDATE T1001 SET C900002 = 'give' WHERE C1 = 'A2'")
		w.comeToRest(0, testLog(t))
	}
	back := func(id string) {
		t.Helper()
		w.write("b", "UPDATE T2002 SET C900002 = 'back' WHERE C1 = '"+id+"'")
		w.comeToRest(0, testLog(t))
	}
	give()
	back("HD0000000000007")
	w.holds("A2|ours|1", "A2|theirs|<null> HD0000000000007|ours|0")
	w.write("b", "DELETE FROM T2002")
	w.comeToRest(0, testLog(t))
	give()
	w.holds("A2|ours|0", "HD0000000000007|ours|1")
	w.noErrors()

	back("HD0000000000007")
	w.write("b", "UPDATE dso_owner SET deleted = 1", "DELETE FROM T2002 WHERE C1 = 'HD0000000000007'") // as after a delete that has lost on a
	w.comeToRest(0, testLog(t))
	give()
	w.holds("A2|ours|1", "")
	w.has("a", "SELECT request, error FROM dso_pending_error", "A2|owned_there")

	w.write("b", "DELETE FROM dso_owner")
	w.write("a", "UPDATE T1001 SET C900002 = NULL")
	give()
	w.holds("A2|ours|0", "A2|ours|1")
	w.noErrors()
}
