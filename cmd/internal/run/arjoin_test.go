package run_test

import (
	"fmt"
	"testing"

	"ardso/integration/arfixture"
	"ardso/sql/schema"
)

// joinOfAR are two forms and the join form over them, which shows Status and Short Description of an order, and Item of
// its lines.
func joinOfAR(outer bool) []arfixture.Form {
	text := func(id int, name string) arfixture.Field {
		return arfixture.Field{ID: id, Name: name, Type: schema.Character, MaxLength: 254}
	}
	status := arfixture.Field{ID: 7, Name: "Status", Type: schema.Selection, Part: "primary"}
	for i, label := range []string{"New", "Assigned", "Fixed", "Rejected", "Closed"} {
		status.Values = append(status.Values, schema.EnumValue{ID: int64(i), Label: label})
	}
	part := func(f arfixture.Field, part string) arfixture.Field {
		f.Part = part
		return f
	}
	return []arfixture.Form{
		{ID: 1001, Name: "Order", Fields: []arfixture.Field{text(322, "Unique ID")}},
		{ID: 1002, Name: "Line", Fields: []arfixture.Field{text(900001, "Order ID"), text(900002, "Item")}},
		{ID: 1003, Name: "Order Lines", Join: &arfixture.Join{Primary: "Order", Secondary: "Line", On: [][2]int{{1, 900001}}, Outer: outer}, Fields: []arfixture.Field{
			{ID: 1, Name: "Request ID", Type: schema.Character, MaxLength: 31},
			part(text(2, "Submitter"), "primary"), status, part(text(8, "Short Description"), "primary"), part(text(900002, "Item"), "secondary"),
			part(text(322, "Unique ID"), "primary"),
		}},
	}
}

// A join form of the dictionary is followed, and its requests agree with the view that AR System makes of it; those of
// the copy say whose they are in Unique ID, by which they are found: Request ID and From Request ID have no room for two.
func TestARJoinAsSource(t *testing.T) {
	for _, p := range atHand([][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "sqlite"}}...) {
		for _, outer := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s to %s, outer %t", p[0], p[1], outer), func(t *testing.T) {
				t.Parallel()
				w := newARWorld(t, map[string]arSide{
					"src": {engine: p[0], upper: outer, forms: joinOfAR(outer)},
					"dst": {engine: p[1], forms: []arfixture.Form{{ID: 2001, Name: "Copy", Fields: []arfixture.Field{
						{ID: 900002, Name: "Item", Type: schema.Character, MaxLength: 254},
						{ID: 307, Name: "From Request ID", Type: schema.Character, MaxLength: 15},
						{ID: 322, Name: "Unique ID", Type: schema.Character, MaxLength: 254},
					}}}},
				}, `pools: [{name: p, threads: 2}]
mappings:
  - {name: m, from: {server: src, form: Order Lines}, to: {server: dst, form: Copy}, exclude: [Request ID],
     matching_qualification: "'Unique ID' = $Request ID$"}
filters:
`+sendAll("Order Lines", "m"))
				order := func(id, short string) string {
					return fmt.Sprintf("INSERT INTO T1001 (C1, C2, C7, C8) VALUES ('%s', 'ann', 0, '%s')", id, short)
				}
				line := func(id, of, item string) string {
					return fmt.Sprintf("INSERT INTO T1002 (C1, C2, C7, C8, C900001, C900002) VALUES ('%s', 'ann', 0, 'x', '%s', '%s')", id, of, item)
				}
				agree := func() {
					t.Helper()
					w.once()
					w.noErrors()
					a := rows(t, w.dbs["src"], w.spell("src", "SELECT C1, C2, C7, C8, C900002 FROM T1003"))
					b := rows(t, w.dbs["dst"], "SELECT C322, C2, C7, C8, C900002 FROM T2001")
					if d := diffSorted(a, b); d != "" {
						t.Fatalf("the copy is not what the view shows (-view +copy):\n%s", d)
					}
				}
				w.write("src", order("O1", "desk"), line("L1", "O1", "leg"), line("L2", "O1", "top"), order("O2", "chair"))
				agree()
				w.write("src", "UPDATE T1001 SET C7 = 1, C8 = 'Desk' WHERE C1 = 'O1'", "UPDATE T1002 SET C900001 = 'O2' WHERE C1 = 'L2'")
				agree()
				w.write("src", "DELETE FROM T1002 WHERE C1 = 'L1'", line("L00000000000003", "O1", "long"))
				agree()
				w.has("dst", "SELECT C307 FROM T2001 WHERE C322 LIKE '%L2'", "O2|L2")
				w.has("dst", "SELECT C307 FROM T2001 WHERE C322 LIKE '%3'", "<null>")
				w.write("src", "DELETE FROM T1001 WHERE C1 = 'O1'")
				agree()
			})
		}
	}
}

// A join form of the dictionary is written to: both parts, with what a server writes itself, and Unique ID.
func TestARJoinAsTarget(t *testing.T) {
	for _, p := range atHand([][2]string{{"sqlite", "postgres15"}, {"sqlite", "mariadb10.11"}, {"sqlite", "sqlite"}}...) {
		t.Run(p[1], func(t *testing.T) {
			t.Parallel()
			w := newARWorld(t, map[string]arSide{
				"src": {engine: p[0], forms: []arfixture.Form{{ID: 2001, Name: "Flat", Fields: []arfixture.Field{{ID: 900002, Name: "Item", Type: schema.Character, MaxLength: 254}}}}},
				"dst": {engine: p[1], forms: joinOfAR(false)},
			}, `pools: [{name: p, threads: 2}]
mappings:
  - {name: m, from: {server: src, form: Flat}, to: {server: dst, form: Order Lines}}
filters:
  - {name: send, server: src, form: Flat, on: [submit, modify], transfer: {mapping: m, pool: p}}
`)
			w.write("src", "INSERT INTO T2001 (C1, C2, C7, C8, C900002) VALUES ('O1|L1', 'ann', 0, 'desk', 'leg')")
			w.once()
			// AR System's required fields of the line are not in the join form, so that it cannot be made.
			w.has("dst", "SELECT error FROM dso_pending_error", "value.required")
			w.has("dst", "SELECT C1 FROM T1001")
			w.write("dst", "INSERT INTO T1002 (C1, C2, C7, C8, C900001, C900002) VALUES ('L1', 'ann', 0, 'x', 'O1', 'leg')")
			w.retryAll()
			w.once()
			w.noErrors()
			w.has("dst", "SELECT C1, C2, C5, C7, C8, C322 FROM T1001", "O1|ann|Distributed Server|0|desk|O1|L1")
			w.write("src", "UPDATE T2001 SET C900002 = 'arm'")
			w.once()
			w.noErrors()
			w.has("dst", "SELECT C1, C5, C8, C900001, C900002 FROM T1002", "L1|Distributed Server|x|O1|arm")
		})
	}
}
