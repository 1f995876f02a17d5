package run_test

import (
	"testing"

	"ardso/integration/arfixture"
	"ardso/sql/schema"
)

// matchPairs have every family of engines as source and as target.
var matchPairs = [][2]string{{"sqlite", "postgres15"}, {"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}, {"mysql5.6", "mysql5.6"}}

// matchWorld has a form on both sides whose requests have Request IDs of their own.
func matchWorld(t *testing.T, p [2]string, says string, setup ...string) *arWorld {
	t.Helper()
	fields := []arfixture.Field{{ID: 900001, Name: "Serial", Type: schema.Character, MaxLength: 30}}
	return newARWorld(t, map[string]arSide{
		"src": {engine: p[0], forms: []arfixture.Form{{ID: 1001, Name: "Repair", Fields: fields}}},
		"dst": {engine: p[1], forms: []arfixture.Form{{ID: 2002, Name: "Repair", Fields: fields, NextID: 7, Prefix: "HD"}}, setup: setup},
	}, `pools: [{name: p, threads: 2}]
mappings:
  - {name: m, from: {server: src, form: Repair}, to: {server: dst, form: Repair}, transfer_mode: independent copy, `+says+`}
filters:
`+sendAll("Repair", "m"))
}

func shortRow(table, id, short, serial string) string {
	return "INSERT INTO " + table + " (C1, C2, C3, C5, C6, C7, C8, C900001) VALUES ('" + id + "', 'ann', 1000, 'bob', 2000, 0, '" + short + "', '" + serial + "')"
}

const matchedRows = "SELECT C1, C8, C900001 FROM T2002 ORDER BY C1"

// A request is found by its serial number, whatever Request ID it has on the target.
func TestMatchingQualification(t *testing.T) {
	for _, p := range atHand(matchPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			w := matchWorld(t, p, `duplicate_request_id: overwrite, matching_qualification: "'Serial' = $Serial$"`)
			w.write("dst", shortRow("T2002", "T2", "theirs", "S2"), shortRow("T2002", "T3", "theirs", "S3"), shortRow("T2002", "T4", "theirs", "S3"), shortRow("T2002", "A5", "same ID", "S9"))
			w.write("src", shortRow("T1001", "A1", "no hit", "S1"), shortRow("T1001", "A2", "one hit", "S2"), shortRow("T1001", "A3", "two hits", "S3"))
			w.once()
			w.has("dst", matchedRows, "A1|no hit|S1", "A5|same ID|S9", "T2|one hit|S2", "T3|theirs|S3", "T4|theirs|S3")
			w.equal("errors", w.errors(), "A3|several_matches|create|held")
			w.equal("conflicts", w.conflicts(), "A2|insert_exists|duplicate_request_id: overwrite|update", "A3|several_matches|parked|parked")

			w.write("src", "UPDATE T1001 SET C8 = 'no hit, modified' WHERE C1 = 'A1'", "UPDATE T1001 SET C8 = 'one hit, modified' WHERE C1 = 'A2'", "UPDATE T1001 SET C8 = 'two hits, modified' WHERE C1 = 'A3'")
			w.once()
			w.has("dst", matchedRows, "A1|no hit, modified|S1", "A5|same ID|S9", "T2|one hit, modified|S2", "T3|theirs|S3", "T4|theirs|S3")
			w.equal("errors", w.errors(), "A3|several_matches|create|held")

			// One of the two gone, the retry finds the other.
			w.write("dst", "DELETE FROM T2002 WHERE C1 = 'T3'")
			w.retryAll()
			w.once()
			w.equal("errors", w.errors())
			w.has("dst", matchedRows, "A1|no hit, modified|S1", "A5|same ID|S9", "T2|one hit, modified|S2", "T4|two hits, modified|S3")

			// A conflict is seen on the request that was found.
			w.write("dst", "UPDATE T2002 SET C8 = 'by hand' WHERE C1 = 'T2'")
			w.write("src", "UPDATE T1001 SET C8 = 'again' WHERE C1 = 'A2'")
			w.once()
			w.equal("errors", w.errors(), "A2|update_differs|modify|held")
			w.write("dst", "UPDATE T2002 SET C8 = 'one hit, modified' WHERE C1 = 'T2'")
			w.retryAll()
			w.once()
			w.equal("errors", w.errors())

			w.write("src", "DELETE FROM T1001 WHERE C1 IN ('A2', 'A3')", shortRow("T1001", "A6", "found again", "S9"))
			w.once()
			w.equal("errors", w.errors())
			w.has("dst", matchedRows, "A1|no hit, modified|S1", "A5|found again|S9")
		})
	}
}

// What the qualification does not find is found by its Request ID: the copy whose serial number has
// changed or is empty, and the request that a create would collide with; but never another request.
func TestMatchingQualificationFindsNone(t *testing.T) {
	t.Parallel()
	w := matchWorld(t, matchPairs[0], `duplicate_request_id: overwrite, on_conflict: source, matching_qualification: "'Serial' = $Serial$"`)
	w.write("dst", shortRow("T2002", "A4", "theirs", "S9"), shortRow("T2002", "T5", "theirs", "S5"), shortRow("T2002", "A5", "another", "S8"))
	w.write("src", shortRow("T1001", "A1", "one", "S1"), shortRow("T1001", "A2", "two", ""), shortRow("T1001", "A3", "three", ""), shortRow("T1001", "A4", "four", "S4"), shortRow("T1001", "A5", "five", "S5"))
	w.once()
	w.equal("errors", w.errors())
	w.has("dst", matchedRows, "A1|one|S1", "A2|two|<null>", "A3|three|<null>", "A4|four|S4", "A5|another|S8", "T5|five|S5")
	w.write("src", "UPDATE T1001 SET C900001 = 'S1b' WHERE C1 = 'A1'", "UPDATE T1001 SET C8 = 'two, modified' WHERE C1 = 'A2'", "DELETE FROM T1001 WHERE C1 = 'A3'")
	w.write("dst", "DELETE FROM T2002 WHERE C1 = 'T5'")
	w.write("src", "DELETE FROM T1001 WHERE C1 = 'A5'")
	w.once()
	w.equal("errors", w.errors())
	w.has("dst", matchedRows, "A1|one|S1b", "A2|two, modified|<null>", "A4|four|S4", "A5|another|S8")
}

// A create that meets another request takes a new Request ID from the form's counter.
func TestCreateNew(t *testing.T) {
	for _, p := range atHand(matchPairs...) {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			unique := "CREATE UNIQUE INDEX serials ON T2002 (C900001)"
			w := matchWorld(t, p, "duplicate_request_id: create new", unique)
			next := func(want string) {
				t.Helper()
				w.has("dst", "SELECT nextId FROM arschema WHERE schemaId = 2002", want)
			}
			w.write("dst", shortRow("T2002", "A2", "theirs", "T2"), shortRow("T2002", "A3", "theirs", "T3"), shortRow("T2002", "A4", "theirs", "T4"), shortRow("T2002", "A5", "ours", "S5"))
			w.write("src", shortRow("T1001", "A1", "free", "S1"), shortRow("T1001", "A5", "ours", "S5"))
			w.once()
			next("7") // a free Request ID is kept, and an equal request is no other

			w.write("src", shortRow("T1001", "A2", "ours", "S2"), shortRow("T1001", "A3", "ours", "S3"))
			w.once()
			w.equal("errors", w.errors())
			next("9")
			w.has("dst", matchedRows, "A1|free|S1", "A2|theirs|T2", "A3|theirs|T3", "A4|theirs|T4", "A5|ours|S5",
				"HD0000000000007|ours|S2", "HD0000000000008|ours|S3")
			w.equal("conflicts", w.conflicts(), "A2|insert_exists|duplicate_request_id: create new|insert under a new Request ID", "A3|insert_exists|duplicate_request_id: create new|insert under a new Request ID")

			// The number is taken with the request, or not at all.
			w.write("src", shortRow("T1001", "A4", "taken", "T2"))
			w.once()
			w.equal("errors", w.errors(), "A4|unique_taken|create|held")
			next("9")
			w.write("dst", "UPDATE T2002 SET C900001 = 'free' WHERE C1 = 'A2'")
			w.retryAll()
			w.once()
			w.equal("errors", w.errors())
			next("10")
			w.has("dst", "SELECT C1, C8 FROM T2002 WHERE C900001 = 'T2'", "HD0000000000009|taken")

			// The request under the old Request ID stays another one: what follows does not touch it.
			w.write("src", "UPDATE T1001 SET C8 = 'later' WHERE C1 = 'A2'", "DELETE FROM T1001 WHERE C1 = 'A3'")
			w.once()
			w.equal("errors", w.errors(), "A2|update_differs|modify|held", "A3|delete_differs|delete|held")
			w.has("dst", "SELECT C1, C8 FROM T2002 WHERE C1 IN ('A2', 'A3') ORDER BY C1", "A2|theirs", "A3|theirs")
		})
	}
}
