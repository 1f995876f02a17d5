package mapping_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// catalog is the forms of one server.
type catalog []*schema.Form

func (c catalog) Lookup(name string) (*schema.Form, error) {
	for _, f := range c {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, errors.New("unknown form")
}

func (c catalog) Names() (names []string) {
	for _, f := range c {
		names = append(names, f.Name)
	}
	return names
}

const (
	item   = 536870913
	count  = 536870914
	price  = 536870915
	secret = 536870916 // only on tokyo
)

// repair makes form Repair; id is its schemaId, 0 in a plain catalog.
func repair(server, name string, id int) *schema.Form {
	text := func(n int) *schema.Column {
		return &schema.Column{Kind: value.KindText, Nullable: true, Length: n, DataType: "varchar"}
	}
	number := func(kind value.Kind) *schema.Column {
		return &schema.Column{Kind: kind, Nullable: true, Bits: 32, DataType: "numeric(6,2)", Precision: 6, Scale: 2}
	}
	labels := []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Open"}, {ID: 4, Label: "Closed"}}
	f := &schema.Form{Server: server, Name: name, ID: id, EmptyIsNull: id != 0, Fields: []*schema.Field{
		{ID: 1, Name: "Request ID", Type: schema.Character, Column: &schema.Column{Kind: value.KindText, Length: 15}},
		{ID: 2, Name: "Submitter", Type: schema.Character, Column: text(254)},
		{ID: 3, Name: "Create Date", Type: schema.DateTime, Column: number(value.KindInt)},
		{ID: 5, Name: "Last Modified By", Type: schema.Character, Column: text(254)},
		{ID: 6, Name: "Modified Date", Type: schema.DateTime, Column: number(value.KindInt)},
		{ID: 7, Name: "Status", Type: schema.Selection, Column: number(value.KindInt), Values: labels},
		{ID: 8, Name: "Short Description", Type: schema.Character, Column: text(20)},
		{ID: item, Name: "Item", Type: schema.Character, Column: text(0)},
		{ID: count, Name: "Count", Type: schema.Integer, Column: number(value.KindInt)},
		{ID: price, Name: "Price", Type: schema.Decimal, Column: number(value.KindDecimal)},
	}}
	f.Key = f.Fields[:1]
	f.Table = &schema.Table{Schema: "main", Name: "T_" + name, Key: []string{"c1"}, Identity: schema.IdentityFull}
	for i, x := range f.Fields {
		x.Index = i
		x.Column.Name = fmt.Sprintf("c%d", x.ID)
		f.Table.Columns = append(f.Table.Columns, x.Column)
	}
	return f
}

func catalogs() map[string]definition.Catalog {
	tokyo := repair("tokyo", "Repair", 0)
	tokyo.FieldByID(8).Required = true
	tokyo.FieldByID(item).Pattern = "$UPPER$"
	tokyo.FieldByID(item).MaxLength, tokyo.FieldByID(item).LengthInBytes = 10, true
	tokyo.FieldByID(7).Values = []schema.EnumValue{{ID: 10, Label: "New"}, {ID: 11, Label: "Open"}}
	return map[string]definition.Catalog{
		"sf":      catalog{repair("sf", "Repair", 5), repair("sf", "Note", 6)},
		"chicago": catalog{repair("chicago", "Repair", 7)},
		"tokyo":   catalog{tokyo},
	}
}

const servers = `
servers:
  sf: {url: "sqlite:sf.db", catalog: ar}
  chicago: {url: "sqlite:chicago.db", catalog: ar}
  tokyo: {url: "sqlite:tokyo.db"}
pools: [{name: p, threads: 2}]
`

const toChicago = `
mappings:
  - {name: M, from: {server: sf, form: Repair}, to: {server: chicago, form: Repair}}
  - {name: T, from: {server: sf, form: Repair}, to: {server: tokyo, form: Repair}, exclude: [3, 5, 6]}
`

func compile(t testing.TB, text string) *definition.Compiled {
	t.Helper()
	doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: servers + text}}, definition.Secrets{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := definition.Check(doc, catalogs())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func decider(t testing.TB, text string) *mapping.Decider {
	return mapping.NewDecider("sf", compile(t, text))
}

// relation is form Repair of sf as the log shows it.
var relation = relationOf("Repair")

func relationOf(form string) *cdc.Relation {
	r := &cdc.Relation{Schema: "MAIN", Table: "t_" + form, Full: true}
	for _, f := range repair("sf", form, 5).Fields {
		r.Columns = append(r.Columns, strings.ToUpper(f.Column.Name))
		r.Key = append(r.Key, f.ID == 1)
	}
	return r
}

// row is "field=value" pairs over a request that has all fields. Numbers are of their column's kind;
// "" is NULL, "?" absent.
func row(pairs ...string) []value.Value {
	f := repair("sf", "Repair", 5)
	r := make([]value.Value, len(f.Fields))
	set := func(name, text string) {
		x := f.FieldByName(name)
		v, err := value.Parse(x.Column.Kind, text)
		switch {
		case text == "":
			v = value.Null
		case text == "?":
			v = value.Absent
		case err != nil:
			v = value.Text(text) // what the column cannot be
		}
		r[x.Index] = v
	}
	for _, p := range slices.Concat([]string{
		"Request ID=R1", "Submitter=ann", "Create Date=100", "Last Modified By=ann", "Modified Date=100",
		"Status=1", "Short Description=d", "Item=CHAIR", "Count=3", "Price=1.5",
	}, pairs) {
		name, text, _ := strings.Cut(p, "=")
		set(name, text)
	}
	return r
}

var at = time.Unix(1_800_000_000, 123_000).UTC()

func tx(changes ...cdc.RowChange) *cdc.Transaction {
	return &cdc.Transaction{Position: "9", CommitTime: at, Changes: changes}
}

func insert(after []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: relation, Kind: cdc.Insert, After: after}
}

func update(before, after []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: relation, Kind: cdc.Update, Before: before, After: after}
}

func remove(before []value.Value) cdc.RowChange {
	return cdc.RowChange{Relation: relation, Kind: cdc.Delete, Before: before}
}

func merged(t *cdc.Transaction, path ...string) *cdc.Transaction {
	t.Mark = &cdc.Mark{Origin: path[len(path)-1], Path: path, Mapping: "other"}
	return t
}

func decide(t testing.TB, d *mapping.Decider, tx *cdc.Transaction) []*mapping.Operation {
	t.Helper()
	ops, err := d.Decide(tx)
	if err != nil {
		t.Fatal(err)
	}
	return ops
}

// short tells operations in a line each: what, along which mapping, of which request, failures.
func short(ops []*mapping.Operation) string {
	var lines []string
	for _, o := range ops {
		s := fmt.Sprintf("%s %s %s", o.Action, o.Mapping, o.Request)
		if o.Mapping == "" {
			s = fmt.Sprintf("%s %s/%s %v", o.Action, o.Target, o.TargetForm, o.TargetKey())
		}
		if o.CreateIfMissing {
			s += " or create"
		}
		if o.Failure != nil {
			s += " " + o.Failure.Kind
		}
		lines = append(lines, s)
	}
	return strings.Join(lines, "; ")
}

// Which events of which kind of change become which operations (design §2, §4; ar-database-reference §6.5).
func TestDecide(t *testing.T) {
	t.Parallel()
	filter := func(lines string) string {
		return toChicago + "filters:\n  - {name: f, server: sf, form: Repair, " + lines + "}\n"
	}
	all := "on: [submit, modify, merge], "
	created, changed, gone := tx(insert(row())), tx(update(row(), row("Count=4"))), tx(remove(row()))
	tests := []struct {
		name  string
		yaml  string
		tx    *cdc.Transaction
		want  string
		after func(*testing.T, []*mapping.Operation)
	}{
		{name: "submit", yaml: filter("on: submit, transfer: {mapping: M}"), tx: created, want: "create M R1"},
		{name: "submit is not modify", yaml: filter("on: modify, transfer: {mapping: M}"), tx: created},
		{name: "modify", yaml: filter("on: [submit, modify], transfer: {mapping: M}"), tx: changed, want: "modify M R1"},
		{name: "modify is not submit", yaml: filter("on: submit, transfer: {mapping: M}"), tx: changed},
		{name: "whether it was transferred is not known without submit", yaml: filter("on: modify, transfer: {mapping: M}"), tx: changed, want: "modify M R1 or create"},
		{name: "delete by mapping", yaml: filter("on: delete, delete: {mapping: M}"), tx: gone, want: "delete M R1"},
		{name: "delete is not modify", yaml: filter("on: modify, delete: {mapping: M}"), tx: gone},
		{name: "modify that deletes the copy", yaml: filter(`on: modify, run_if: "'Status' = \"Open\"", delete: {mapping: M}`), tx: changed, want: "delete M R1"},
		{name: "submit that deletes a copy", yaml: filter("on: submit, delete: {mapping: M}"), tx: created, want: "delete M R1"},
		{name: "what ardso inserted is a merge", yaml: filter("on: submit, transfer: {mapping: M}"), tx: merged(tx(insert(row())), "tokyo")},
		{name: "a merge's insert", yaml: filter("on: merge, transfer: {mapping: M}"), tx: merged(tx(insert(row())), "tokyo"), want: "create M R1"},
		{name: "a merge's update", yaml: filter(all + "transfer: {mapping: M}"), tx: merged(tx(update(row(), row("Count=4"))), "tokyo"), want: "modify M R1"},
		{name: "a merge's delete is a delete", yaml: filter(`on: delete, run_if: '$USER$ = "Distributed Server" AND $OPERATION$ = "DELETE"', delete: {mapping: M}`), tx: merged(tx(remove(row())), "tokyo"), want: "delete M R1"},
		{name: "nothing goes to a server on the path", yaml: filter(all + "transfer: [{mapping: M}, {mapping: T}]"), tx: merged(tx(insert(row())), "chicago"), want: "create T R1"},
		{name: "a merge's delete is no merge", yaml: filter("on: merge, delete: {mapping: M}"), tx: merged(tx(remove(row())), "tokyo")},
		{name: "nor does a delete", yaml: filter(`on: delete, delete: [{mapping: M}, {server: chicago, form: Repair, request_id: "'Request ID'"}]`), tx: merged(tx(remove(row())), "tokyo", "chicago")},
		{name: "a write-back triggers nothing", yaml: filter(all + "transfer: {mapping: T}"), tx: func() *cdc.Transaction {
			x := merged(tx(insert(row())), "chicago")
			x.Mark.WriteBack = true
			return x
		}()},
		{
			name: "the path grows", yaml: filter("on: merge, transfer: {mapping: M}"), tx: merged(tx(insert(row())), "tokyo"), want: "create M R1",
			after: func(t *testing.T, ops []*mapping.Operation) {
				if d := cmp.Diff([]string{"tokyo", "sf"}, ops[0].Path); d != "" {
					t.Error(d)
				}
			},
		},
		{name: "else", yaml: filter(`on: [submit, modify], run_if: "'Count' > 5", transfer: {mapping: M}, else: {transfer: {mapping: T}}`), tx: changed, want: "modify T R1"},
		{
			name: "else takes what run_if took before", yaml: filter(`on: [submit, modify], run_if: "'Count' > 5", transfer: {mapping: M}, else: {transfer: {mapping: T}}`),
			tx: tx(update(row("Count=9"), row("Count=4"))), want: "create T R1",
		},
		{
			name: "both ways lead along one mapping", yaml: filter(`on: [submit, modify], run_if: "'Count' > 5", transfer: {mapping: M}, else: {transfer: {mapping: M}}`),
			tx: tx(update(row("Count=9"), row("Count=4"))), want: "modify M R1",
		},
		{name: "UNKNOWN does not fire", yaml: filter(`on: submit, run_if: "'Count' != 5", transfer: {mapping: M}`), tx: tx(insert(row("Count=")))},
		{name: "UNKNOWN is else", yaml: filter(`on: submit, run_if: "'Count' != 5", transfer: {mapping: M}, else: {transfer: {mapping: T}}`), tx: tx(insert(row("Count="))), want: "create T R1"},
		{name: "null_compare: ar", yaml: filter(`on: submit, null_compare: ar, run_if: "'Count' != 5", transfer: {mapping: M}`), tx: tx(insert(row("Count="))), want: "create M R1"},
		{name: "TR is the new value", yaml: filter(`on: modify, run_if: "'TR.Count' = 4", transfer: {mapping: M}`), tx: changed, want: "modify M R1 or create"},
		{name: "TR of what did not change is NULL", yaml: filter(`on: modify, run_if: "'TR.Status' = \"Open\"", transfer: {mapping: M}`), tx: changed},
		{name: "DB is the old value", yaml: filter(`on: modify, run_if: "'DB.Count' = 3 AND 'Count' = 4", transfer: {mapping: M}`), tx: changed, want: "modify M R1 or create"},
		{name: "DB on create is NULL", yaml: filter(`on: submit, run_if: "'DB.Count' = $NULL$ AND 'TR.Count' = 3", transfer: {mapping: M}`), tx: created, want: "create M R1"},
		{name: "TR on delete is NULL, F is DB", yaml: filter(`on: delete, run_if: "'TR.Count' = $NULL$ AND 'DB.Count' = 3 AND 'Count' = 3", delete: {mapping: M}`), tx: gone, want: "delete M R1"},
		{name: "first transfer", yaml: filter(`on: [submit, modify], run_if: "'Count' = 4", transfer: {mapping: M}`), tx: changed, want: "create M R1"},
		{name: "transferred before", yaml: filter(`on: [submit, modify], run_if: "'Count' >= 3", transfer: {mapping: M}`), tx: changed, want: "modify M R1"},
		{name: "keywords cannot be judged of the past", yaml: filter(`on: [submit, modify], run_if: "$USER$ = \"ann\"", transfer: {mapping: M}`), tx: changed, want: "modify M R1 or create"},
		{name: "what the mapping does not carry", yaml: toChicago + "  - {name: S, from: {server: sf, form: Repair}, to: {server: tokyo, form: Repair}, match: custom, fields: {1: \"'Request ID'\", 8: \"'Short Description'\"}}\nfilters:\n  - {name: f, server: sf, form: Repair, on: [submit, modify], transfer: {mapping: S}}\n", tx: changed},
		{name: "delete of a named request", yaml: filter(`on: delete, delete: {server: tokyo, form: Repair, request_id: "'Item' + \"-1\""}`), tx: gone, want: "delete tokyo/Repair [CHAIR-1]"},
		{name: "a named request without a name", yaml: filter(`on: delete, delete: {server: tokyo, form: Repair, request_id: "'Item'"}`), tx: tx(remove(row("Item="))), want: "delete tokyo/Repair [<null>] decide.error"},
		{name: "broadcast", yaml: filter("on: submit, transfer: [{mapping: M}, {mapping: T, pool: p}]"), tx: created, want: "create M R1; create T R1"},
		{name: "a value that the source cannot mean", yaml: filter("on: submit, transfer: {mapping: M}"), tx: tx(insert(row("Count=many"))), want: "create M R1 value.undecodable"},
		{name: "a condition that cannot be judged", yaml: filter(`on: [submit, modify], run_if: "'Count' = 4", transfer: {mapping: M}`), tx: tx(insert(row("Count=?"))), want: "create M R1 qualification.value_unknown"},
		{name: "no before image", yaml: filter("on: [submit, modify], transfer: {mapping: M}"), tx: tx(update(row("Price=?"), row("Count=4"))), want: "modify M R1 source.no_before_image"},
		{
			name: "a new Request ID", yaml: filter("on: [submit, modify], transfer: {mapping: M}"), tx: tx(update(row(), row("Request ID=R2"))), want: "modify M R1",
			after: func(t *testing.T, ops []*mapping.Operation) {
				if ops[0].Renamed == "" || !ops[0].ChangesKey() || ops[0].TargetKey()[0].Text() != "R1" {
					t.Errorf("got renamed %q, changes key %v, key %v", ops[0].Renamed, ops[0].ChangesKey(), ops[0].TargetKey())
				}
			},
		},
		{name: "tables of no form", yaml: filter("on: submit, transfer: {mapping: M}"), tx: tx(cdc.RowChange{Relation: &cdc.Relation{Schema: "main", Table: "other"}, Kind: cdc.Insert})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ops := decide(t, decider(t, test.yaml), test.tx)
			if got := short(ops); got != test.want {
				t.Fatalf("got %q, want %q", got, test.want)
			}
			if test.after != nil {
				test.after(t, ops)
			}
		})
	}
}

// Filters run by their order, equal ones as they are written; a mapping that two name is carried out once
// (dso-reference 28, case 17).
func TestOrder(t *testing.T) {
	t.Parallel()
	d := decider(t, toChicago+`
filters:
  - {name: late, server: sf, form: Repair, on: submit, order: 900, transfer: {mapping: M}}
  - {name: second, server: sf, form: Repair, on: submit, transfer: {mapping: T}}
  - {name: third, server: sf, form: Repair, on: submit, delete: {mapping: M}}
  - {name: again, server: sf, form: Repair, on: submit, order: 950, transfer: [{mapping: M}, {mapping: T}]}
  - {name: "off", server: sf, form: Repair, on: submit, enabled: no, order: 0, transfer: {mapping: M}}
`)
	got := short(decide(t, d, tx(insert(row()), insert(row("Request ID=R2")))))
	want := "create T R1; delete M R1; create M R1; create T R2; delete M R2; create M R2"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Two filters that share a mapping: leaving one and entering the other is no first transfer.
func TestFiltersThatShareAMapping(t *testing.T) {
	t.Parallel()
	yaml := toChicago + `
filters:
  - {name: open, server: sf, form: Repair, on: [submit, modify], run_if: "'Status' = \"Open\"", transfer: {mapping: M}}
  - {name: closed, server: sf, form: Repair, on: [submit, %s], run_if: "'Status' = \"Closed\"", transfer: {mapping: M}}
`
	d := decider(t, fmt.Sprintf(yaml, "modify"))
	if got := short(decide(t, d, tx(update(row(), row("Status=4"))))); got != "modify M R1" {
		t.Errorf("from one filter to the other: got %q", got)
	}
	if got := short(decide(t, d, tx(update(row("Status=0"), row("Status=4"))))); got != "create M R1" {
		t.Errorf("from none: got %q", got)
	}
	d = decider(t, fmt.Sprintf(yaml, "merge")) // closed ones may have come by a modify, or by submit
	if got := short(decide(t, d, tx(update(row("Status=4"), row("Status=1"))))); got != "modify M R1 or create" {
		t.Errorf("from a filter that does not see every change: got %q", got)
	}
}

func transferOf(mappingLines string) string {
	return "mappings:\n  - {name: M, from: {server: sf, form: Repair}, to: " + mappingLines + "}\nfilters:\n  - {name: f, server: sf, form: Repair, on: [submit, modify], transfer: {mapping: M}}\n  - {name: g, server: sf, form: Repair, on: delete, delete: {mapping: M}}\n"
}

// Nothing is cut, rounded or replaced on its way (dso-reference 10.5); required fields and patterns as the
// mapping asks.
func TestValueChecks(t *testing.T) {
	t.Parallel()
	const tokyo = "{server: tokyo, form: Repair}, exclude: [3, 5, 6]"
	tests := []struct {
		name, mapping string
		before, after []value.Value // no before: submit
		want          string        // kind of failure
	}{
		{"fits", tokyo, nil, row("Status=1"), ""},
		{"too many characters", tokyo, nil, row("Short Description=123456789012345678901"), "value.too_long"},
		{"characters, not bytes", tokyo, nil, row("Short Description=ääääääääääääääääääää"), ""},
		{"bytes where the field counts them", tokyo, nil, row("Item=ÄÄÄÄÄÄ"), "value.too_long"},
		{"more decimals than there are", tokyo, nil, row("Price=1.125"), "value.precision"},
		{"more digits than there are", tokyo, nil, row("Price=12345.5"), "value.out_of_range"},
		{"U+0000", tokyo, nil, row("Short Description=a\x00"), "value.character"},
		{"required", tokyo, nil, row("Short Description="), "value.required"},
		{"required is not asked for", tokyo + ", require_required_fields: no", nil, row("Short Description="), ""},
		{"required on modify", tokyo, row(), row("Short Description="), "value.required"},
		{"required, empty before and after", tokyo, row("Short Description="), row("Short Description=", "Count=9"), ""},
		{"Short Description of an AR System form", "{server: chicago, form: Repair}, require_required_fields: no", nil, row("Short Description="), "value.required"},
		{"Submitter of an AR System form, the empty text", "{server: chicago, form: Repair}, fields: {Submitter: '\"\"'}", nil, row(), "value.required"},
		{"pattern", tokyo, nil, row("Item=chair"), "value.pattern"},
		{"pattern is not asked for", tokyo + ", enforce_pattern_matching: no", nil, row("Item=chair"), ""},
		{"pattern of an old value", tokyo, row("Item=chair"), row("Item=chair", "Count=9"), ""},
		{"selection by label", tokyo, nil, row("Status=1"), ""},
		{"a label that the target does not have", tokyo, nil, row("Status=4"), "value.type"},
		{"a number without a label", tokyo, nil, row("Status=77"), "value.type"},
		{"type", tokyo + ", fields: {Count: \"'Item'\"}", nil, row(), "value.type"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			change := insert(test.after)
			if test.before != nil {
				change = update(test.before, test.after)
			}
			ops := decide(t, decider(t, transferOf(test.mapping)), tx(change))
			got := ""
			if f := ops[0].Failure; f != nil {
				got = f.Kind
				if f.Fix == "" || !strings.Contains(f.Reason, `request "R1"`) {
					t.Errorf("reason %q, remedy %q", f.Reason, f.Fix)
				}
			}
			if got != test.want {
				t.Errorf("got failure %q (%v), want %q", got, ops[0].Failure, test.want)
			}
		})
	}
}

// fields lists an operation's fields as "ID before→after".
func fields(o *mapping.Operation) (list []string) {
	for _, f := range o.Fields {
		list = append(list, fmt.Sprintf("%d %s→%s", f.Field, f.Before, f.After))
	}
	return list
}

// What a server writes itself, ardso writes in its stead; what does not depend on the request alone is
// never compared (dso-reference 10.6; ar-database-reference 12, rows 7, 8 and 32).
func TestSystemAndVolatileFields(t *testing.T) {
	t.Parallel()
	d := decider(t, transferOf(`{server: chicago, form: Repair}, match: custom, fields: {1: "'Request ID'", 2: "'Submitter'", 7: "'Status'", 8: "$USER$ + \"!\"", Count: "'Count' + 1"}`))
	created := decide(t, d, tx(insert(row())))[0]
	want := []string{"1 <absent>→R1", "2 <absent>→ann", "3 <absent>→2027-01-15 08:00:00", "5 <absent>→Distributed Server", "6 <absent>→2027-01-15 08:00:00", "7 <absent>→1", "8 <absent>→ann!", "536870914 <absent>→4"}
	if diff := cmp.Diff(want, fields(created)); diff != "" {
		t.Errorf("create (-want +got):\n%s", diff)
	}
	changed := decide(t, d, tx(update(row(), row("Count=4", "Last Modified By=bob"))))[0]
	want = []string{"1 R1→R1", "2 ann→ann", "5 <absent>→Distributed Server", "6 <absent>→2027-01-15 08:00:00", "7 1→1", "8 <absent>→bob!", "536870914 4→5"}
	if diff := cmp.Diff(want, fields(changed)); diff != "" {
		t.Errorf("modify (-want +got):\n%s", diff)
	}
	gone := decide(t, d, tx(remove(row())))[0]
	if diff := cmp.Diff([]string{"1 R1→<absent>", "2 ann→<absent>", "7 1→<absent>", "536870914 4→<absent>"}, fields(gone)); diff != "" {
		t.Errorf("delete (-want +got):\n%s", diff)
	}
	if ops := decide(t, d, tx(update(row(), row("Last Modified By=bob")))); len(ops) != 0 {
		t.Errorf("a change of what is volatile alone: got %s", short(ops))
	}
	plain := decider(t, transferOf(`{server: tokyo, form: Repair}, match: custom, fields: {1: "'Request ID'", 8: "'Item'"}`))
	if diff := cmp.Diff([]string{"1 <absent>→R1", "8 <absent>→CHAIR"}, fields(decide(t, plain, tx(insert(row())))[0])); diff != "" {
		t.Errorf("a plain target writes its own (-want +got):\n%s", diff)
	}
}

// The last field of a mapping is looked at like the others, though fields of create alone are not carried.
func TestNoBeforeImageOfAnyField(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"error", "source"} {
		d := decider(t, transferOf("{server: chicago, form: Repair}, on_conflict: "+policy))
		for _, name := range []string{"Submitter", "Status", "Short Description", "Item", "Count", "Price"} {
			ops := decide(t, d, tx(update(row(name+"=?"), row("Request ID=R1", name+"=1"))))
			failed := ops[0].Failure != nil && ops[0].Failure.Kind == "source.no_before_image"
			if failed != (policy == "error") {
				t.Errorf("%s, on_conflict %s: got %s", name, policy, short(ops))
			}
		}
	}
	// Of fields in groups it is the group's policy that says whether it is needed.
	d := decider(t, transferOf("{server: chicago, form: Repair}, on_conflict: source, field_groups: [{fields: [Status, Item], on_conflict: merge}]"))
	for _, name := range []string{"Submitter", "Status", "Item"} {
		ops := decide(t, d, tx(update(row(name+"=?"), row("Request ID=R1", name+"=1"))))
		if failed := ops[0].Failure != nil; failed != (name != "Submitter") {
			t.Errorf("%s: got %s", name, short(ops))
		}
	}
}

// A value that the target cannot mean fails its operation; the correction that follows does not fail for
// what was there before.
func TestCorrectionAfterAFailure(t *testing.T) {
	t.Parallel()
	d := decider(t, transferOf(`{server: tokyo, form: Repair}, exclude: [3, 5, 6]`))
	ops := decide(t, d, tx(insert(row("Status=4")), update(row("Status=4"), row("Status=1"))))
	if got := short(ops); got != "create M R1 value.type; modify M R1" {
		t.Fatalf("got %q", got)
	}
	if f := ops[1].Field(7); f.Before.Kind() != value.KindAbsent || f.After.Int() != 11 {
		t.Errorf("Status of the correction: got %s→%s", f.Before, f.After)
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	d := decider(t, transferOf("{server: chicago, form: Repair}"))
	emptied := tx(cdc.RowChange{Relation: relation, Kind: cdc.Truncate})
	_, err := d.Decide(emptied)
	e, ok := errors.AsType[*mapping.TruncateError](err)
	if !ok || e.Form != "Repair" || e.Position != "9" || !strings.Contains(e.Remedy(), "--accept-truncate Repair") {
		t.Fatalf("got %v", err)
	}
	d.AcceptTruncate("Note")
	if _, err := d.Decide(emptied); err == nil {
		t.Error("accepted though it is another form's")
	}
	d.AcceptTruncate("Repair")
	if ops := decide(t, d, emptied); len(ops) != 0 {
		t.Errorf("got %s", short(ops))
	}
	if ops := decide(t, decider(t, toChicago), emptied); len(ops) != 0 { // nothing follows that form
		t.Errorf("no filter: got %s", short(ops))
	}
}

// A column that definitions use and the log lacks stops the stream; one that nobody uses does not.
func TestLostColumn(t *testing.T) {
	t.Parallel()
	without := func(id int) *cdc.Relation {
		r := *relation
		i := slices.Index(r.Columns, fmt.Sprintf("C%d", id))
		r.Columns = slices.Delete(slices.Clone(r.Columns), i, i+1)
		return &r
	}
	yaml := `
mappings:
  - {name: M, from: {server: sf, form: Repair}, to: {server: tokyo, form: Repair}, match: custom, fields: {1: "'Request ID'", 8: "'Item' + \"x\""}}
filters:
  - {name: f, server: sf, form: Repair, on: submit, run_if: "'Count' > 1", transfer: {mapping: M}}
`
	for id, lost := range map[int]bool{1: true, item: true, count: true, price: false, 7: false} {
		rel := without(id)
		_, err := decider(t, yaml).Decide(tx(cdc.RowChange{Relation: rel, Kind: cdc.Insert, After: make([]value.Value, len(rel.Columns))}))
		e, ok := errors.AsType[*cdc.UnreadableError](err)
		if ok != lost || ok && (e.Remedy() == "" || !strings.Contains(e.Error(), fmt.Sprint(id))) {
			t.Errorf("field %d: got %v", id, err)
		}
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	d := decider(t, transferOf("{server: chicago, form: Repair}"))
	selected := func(mapping, where string, rows ...[]value.Value) *cdc.Transaction {
		x := tx()
		x.Selection = &cdc.Selection{Mapping: mapping, Where: where}
		for _, r := range rows {
			x.Changes = append(x.Changes, cdc.RowChange{Relation: relation, Kind: cdc.Selected, After: r})
		}
		return x
	}
	rows := [][]value.Value{row(), row("Request ID=R2", "Count=9"), row("Request ID=R3", "Count=")}
	for where, want := range map[string]string{
		"":              "create M R1; create M R2; create M R3",
		"'Count' > 5":   "create M R2",
		"'Count' = 100": "",
	} {
		ops := decide(t, d, selected("M", where, rows...))
		if got := short(ops); got != want {
			t.Errorf("where %s: got %q, want %q", where, got, want)
		}
		for _, o := range ops {
			if !o.Selected || o.Fields[0].Before.Known() {
				t.Errorf("where %s: got selected %v, before %s", where, o.Selected, o.Fields[0].Before)
			}
		}
	}
	if ops := decide(t, d, selected("gone", "", rows...)); len(ops) != 0 {
		t.Errorf("a mapping that is no more: got %s", short(ops))
	}
	if got := short(decide(t, d, selected("M", "'Count' > 5", row("Count=?")))); got != "create M R1 qualification.value_unknown" {
		t.Errorf("where that cannot be judged: got %q", got)
	}
	if _, err := d.Decide(selected("M", "'Count' >", rows...)); err == nil {
		t.Error("a where that is no qualification was accepted")
	}
}

func TestMatchingQualification(t *testing.T) {
	t.Parallel()
	d := decider(t, transferOf(`{server: tokyo, form: Repair}, exclude: [3, 5, 6], matching_qualification: "'Item' = $Item$ AND 'Count' = $Count$"`))
	if got := decide(t, d, tx(insert(row())))[0].Match; got != `'Item' = "CHAIR" AND 'Count' = 3` {
		t.Errorf("got %q", got)
	}
	if o := decide(t, d, tx(remove(row("Item=DESK"))))[0]; !strings.Contains(o.Match, "DESK") {
		t.Errorf("of a delete: got %q", o.Match)
	}
}

// drawTx makes any transaction of form Repair.
func drawTx(t *rapid.T) *cdc.Transaction {
	image := func() []value.Value {
		pairs := []string{"Request ID=R" + fmt.Sprint(rapid.IntRange(1, 3).Draw(t, "request"))}
		for name, texts := range map[string][]string{"Status": {"0", "1", "4", ""}, "Item": {"CHAIR", "desk", "", "?"}, "Count": {"3", "9", "", "many"}, "Short Description": {"d", "", "123456789012345678901"}} {
			pairs = append(pairs, name+"="+rapid.SampledFrom(texts).Draw(t, name))
		}
		return row(pairs...)
	}
	x := tx()
	for range rapid.IntRange(1, 8).Draw(t, "changes") {
		switch rapid.IntRange(0, 2).Draw(t, "kind") {
		case 0:
			x.Changes = append(x.Changes, insert(image()))
		case 1:
			x.Changes = append(x.Changes, update(image(), image()))
		default:
			x.Changes = append(x.Changes, remove(image()))
		}
	}
	if path := rapid.SampledFrom([][]string{nil, {"chicago"}, {"tokyo"}, {"tokyo", "chicago"}, {"elsewhere"}}).Draw(t, "path"); path != nil {
		merged(x, path...)
	}
	return x
}

const manyFilters = toChicago + `
filters:
  - {name: a, server: sf, form: Repair, on: [submit, modify, merge], run_if: "'Status' < \"Closed\"", transfer: [{mapping: M}, {mapping: T}]}
  - {name: b, server: sf, form: Repair, on: [submit, modify], order: 100, run_if: "'TR.Count' > 5 OR 'DB.Item' = \"desk\"", transfer: {mapping: T}, else: {transfer: {mapping: M}}}
  - {name: c, server: sf, form: Repair, on: [delete, merge], delete: [{mapping: M}, {mapping: T}]}
  - {name: d, server: sf, form: Repair, on: [delete], delete: {server: chicago, form: Repair, request_id: "'Item'"}}
`

// Decide says the same of a transaction however often it is asked, whatever was decided before, and in
// however many parts it comes; no operation goes to a server on the path (G6).
func TestDecideProperties(t *testing.T) {
	defs := compile(t, manyFilters)
	used := mapping.NewDecider("sf", defs)
	rapid.Check(t, func(t *rapid.T) {
		x := drawTx(t)
		encode := func(ops []*mapping.Operation, err error) string {
			if err != nil {
				t.Fatal(err)
			}
			b, err := json.MarshalIndent(ops, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		ops, err := used.Decide(x)
		want := encode(ops, err)
		if diff := cmp.Diff(want, encode(mapping.NewDecider("sf", defs).Decide(x))); diff != "" {
			t.Fatalf("asked again (-first +again):\n%s", diff)
		}
		var parts []*mapping.Operation
		for rest := x.Changes; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			part := *x
			part.Changes, rest = rest[:n], rest[n:]
			more, err := used.Decide(&part)
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, more...)
		}
		if diff := cmp.Diff(want, encode(parts, nil)); diff != "" && len(ops)+len(parts) > 0 {
			t.Fatalf("in parts (-whole +parts):\n%s", diff)
		}
		var back []*mapping.Operation
		if err := json.Unmarshal([]byte(want), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, encode(back, nil)); diff != "" {
			t.Fatalf("through JSON (-want +got):\n%s", diff)
		}
		for i, o := range ops {
			if !slices.Equal(o.TargetKey(), back[i].TargetKey()) || o.ChangesKey() != back[i].ChangesKey() || !o.CommitTime.Equal(back[i].CommitTime) {
				t.Fatalf("%s came back as %s", short(ops[i:i+1]), short(back[i:i+1]))
			}
			if slices.Contains(o.Path, o.Target) || o.Path[len(o.Path)-1] != "sf" {
				t.Fatalf("%s goes to %s along %v", short(ops[i:i+1]), o.Target, o.Path)
			}
		}
	})
}

func TestTables(t *testing.T) {
	t.Parallel()
	var names []string
	for _, table := range decider(t, toChicago+"filters:\n  - {name: n, server: sf, form: Note, on: delete, delete: {server: tokyo, form: Repair, request_id: \"'Item'\"}}\n").Tables() {
		names = append(names, table.Name)
	}
	if diff := cmp.Diff([]string{"T_Note", "T_Repair"}, names); diff != "" {
		t.Error(diff)
	}
}

// BenchmarkDecide: what a change costs hangs little on how much is defined, on other forms and on its own.
func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ forms, filters, mappings int }{{1, 1, 1}, {50, 1000, 200}} {
		b.Run(fmt.Sprintf("%d filters, %d mappings", size.filters, size.mappings), func(b *testing.B) {
			var sf, chicago catalog
			var yaml strings.Builder
			yaml.WriteString("mappings:\n")
			for i := range size.forms {
				sf = append(sf, repair("sf", fmt.Sprint("F", i), i+1))
				chicago = append(chicago, repair("chicago", fmt.Sprint("F", i), i+1))
			}
			for i := range size.mappings {
				fmt.Fprintf(&yaml, "  - {name: M%d, from: {server: sf, form: F%d}, to: {server: chicago, form: F%d}}\n", i, i%size.forms, i%size.forms)
			}
			yaml.WriteString("filters:\n")
			for i := range size.filters {
				form := i % size.forms
				// One filter of each form takes the change; the others are asked, too, and do not.
				least := 1
				if i >= size.forms {
					least = 1000 + i
				}
				fmt.Fprintf(&yaml, "  - {name: f%d, server: sf, form: F%d, run_if: \"'Count' > %d\", on: [submit, modify], transfer: {mapping: M%d}}\n", i, form, least, form)
			}
			doc, err := definition.Parse([]definition.File{{Name: "d.yaml", Text: servers + yaml.String()}}, definition.Secrets{})
			if err != nil {
				b.Fatal(err)
			}
			defs, err := definition.Check(doc, map[string]definition.Catalog{"sf": sf, "chicago": chicago})
			if err != nil {
				b.Fatal(err)
			}
			d := mapping.NewDecider("sf", defs)
			x := tx(update(row(), row("Count=4")))
			x.Changes[0].Relation = relationOf("F0")
			b.ReportAllocs()
			for b.Loop() {
				if ops, err := d.Decide(x); err != nil || len(ops) != 1 {
					b.Fatal(len(ops), err)
				}
			}
		})
	}
}
