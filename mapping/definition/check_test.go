package definition

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"ardso/sql/schema"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
)

// forms is a catalog of a test.
type forms []*schema.Form

func (fs forms) Lookup(name string) (*schema.Form, error) {
	for _, f := range fs {
		if f.Name == name {
			return f, nil
		}
	}
	if name == "Broken" {
		return nil, &brokenForm{}
	}
	return nil, errors.New("unknown form")
}

// brokenForm is a form that is there and cannot be used.
type brokenForm struct{}

func (*brokenForm) Error() string  { return `form "Broken": no primary key` }
func (*brokenForm) Name() string   { return "catalog.no_key" }
func (*brokenForm) Remedy() string { return "give the table a primary key" }

func (fs forms) Names() (names []string) {
	for _, f := range fs {
		names = append(names, f.Name)
	}
	return names
}

// makeForm makes a form whose first field is the key.
func makeForm(server, name string, id int, fields ...*schema.Field) *schema.Form {
	f := &schema.Form{Server: server, Name: name, ID: id, Fields: fields, Table: &schema.Table{Name: name}, Key: fields[:1]}
	for i, x := range fields {
		x.Index = i
		f.Table.Columns = append(f.Table.Columns, x.Column)
	}
	return f
}

func makeField(id int, name string, typ schema.Type, column schema.Column) *schema.Field {
	if column.Kind == 0 {
		column.Kind = map[schema.Type]value.Kind{
			schema.Integer: value.KindInt, schema.Selection: value.KindInt, schema.DateTime: value.KindInt,
			schema.Decimal: value.KindDecimal, schema.Real: value.KindReal,
		}[typ]
		if column.Kind == 0 {
			column.Kind = value.KindText
		}
	}
	return &schema.Field{ID: id, Name: name, Type: typ, Column: &column}
}

var nullable = schema.Column{Nullable: true}

func testCatalogs() map[string]Catalog {
	text := func(n int) schema.Column { return schema.Column{Nullable: true, Length: n} }
	sf := makeForm("sf", "Repair", 5,
		makeField(1, "Request ID", schema.Character, schema.Column{Length: 15}),
		makeField(2, "Submitter", schema.Character, text(254)),
		makeField(3, "Create Date", schema.DateTime, nullable),
		makeField(5, "Last Modified By", schema.Character, text(254)),
		makeField(6, "Modified Date", schema.DateTime, nullable),
		makeField(7, "Status", schema.Selection, nullable),
		makeField(8, "Short Description", schema.Character, text(254)),
		makeField(303, "Master Flag", schema.Selection, nullable),
		makeField(536870913, "Serial", schema.Character, text(0)),
		makeField(536870916, "Work Log", schema.Diary, nullable),
		makeField(536870917, "Size", schema.DateTime, nullable),
	)
	sf.FieldByID(7).Values = []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 4, Label: "Closed"}}
	sf.FieldByID(8).Required = true
	sf.EmptyIsNull = true
	sf.Unsupported = map[string]string{"Picture": "attachments come later"}

	chi := makeForm("chi", "Repair", 0,
		makeField(1, "Request ID", schema.Character, schema.Column{Length: 15}),
		makeField(7, "Status", schema.Selection, nullable),
		makeField(303, "Master Flag", schema.Selection, nullable),
		makeField(536870913, "Serial", schema.Character, text(20)),
		makeField(536870917, "Size", schema.Decimal, nullable),
		makeField(536870918, "Doubled", schema.Integer, schema.Column{Nullable: true, Generated: true}),
		makeField(536870919, "Copied", schema.Character, text(0)),
		makeField(536870920, "Summary", schema.Character, text(100)),
	)
	chi.FieldByID(7).Values = sf.FieldByID(7).Values
	chi.FieldByName("Summary").Required = true
	chi.NextID = &schema.NextID{Length: 15}
	chi.Unsupported = map[string]string{"Attached": "attachments come later", "Picture": "attachments come later"}

	log := makeForm("chi", "Log", 0,
		makeField(536870912, "nr", schema.Character, schema.Column{}),
		makeField(536870913, "line", schema.Character, schema.Column{}),
	)
	pairs := makeForm("sf", "Pairs", 6,
		makeField(1, "Request ID", schema.Character, schema.Column{}),
		makeField(7, "Status", schema.Selection, nullable),
		makeField(536870913, "Serial", schema.Character, text(0)),
	)
	pairs.FieldByID(7).Values = sf.FieldByID(7).Values
	pairs.Join = &schema.Join{
		Parts: [2]*schema.Form{sf, sf}, On: [][2]*schema.Field{{sf.Fields[0], sf.FieldByName("Serial")}},
		From: []schema.JoinField{{}, {Part: schema.Primary, Field: sf.FieldByName("Status")}, {Part: schema.Secondary, Field: sf.FieldByName("Serial")}},
	}
	return map[string]Catalog{"sf": forms{sf, pairs}, "chi": forms{chi, log}}
}

func describeCompiled(c *Compiled) string {
	var b strings.Builder
	for _, m := range c.Mappings {
		fmt.Fprintf(&b, "mapping %s: %s %s to %s %s, match %t\n", m.Name, m.FromForm.Server, m.FromForm.Name, m.ToForm.Server, m.ToForm.Name, m.Match != nil)
		for _, lines := range [][]Line{m.Lines, m.Returns} {
			for _, l := range lines {
				from := "an expression"
				if l.Source != nil {
					from = l.Source.Name
				}
				fmt.Fprintf(&b, "  %s: %s\n", l.Target.Name, from)
			}
		}
	}
	for _, f := range c.Filters {
		fmt.Fprintf(&b, "filter %s: form %s, always %t, named deletes %d\n", f.Name, f.Form.Name, f.RunIf.IsAlways(), len(f.Named))
	}
	for _, e := range c.Escalations {
		fmt.Fprintf(&b, "escalation %s: form %s, %s, always %t, named deletes %d\n", e.Name, e.Form.Name, e.When, e.RunIf.IsAlways(), len(e.Named))
	}
	return b.String()
}

func TestCheckGood(t *testing.T) {
	d, err := Parse([]File{read(t, "testdata/check/repair.yaml")}, testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Check(d, testCatalogs())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "compiled", describeCompiled(c)+"\n"+c.Warnings.Error()+"\n")
	if c.Mapping("chairs") == nil || c.Mapping("nothing") != nil {
		t.Error("Mapping finds the wrong ones")
	}
}

func TestCheckBad(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/check/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := read(t, path)
			d, err := Parse([]File{f}, testSecrets)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Check(d, testCatalogs())
			compareComplaints(t, f, err)
			if err != nil {
				golden(t, "check-"+strings.TrimSuffix(filepath.Base(path), ".yaml"), err.Error()+"\n")
			}
		})
	}
}

// TestPlacesInQualifications: a complaint about a qualification points at its character in the file.
func TestPlacesInQualifications(t *testing.T) {
	tests := []struct{ name, runIf, want string }{
		{"block", "|\n      'Status' = 4\n      AND 'Stats' = 1\n", "7:11"},
		{"folded", ">\n      'Status' = 4\n      AND 'Stats' = 1\n", "7:11"},
		{"double quotes", `"\u0027Status\u0027 = \"New\" AND 'Stats' = 1"`, "5:47"},
		{"single quotes", `'''Status'' = 4 AND ''Stats'' = 1'`, "5:33"},
		{"plain", `$USER$ = "é" AND 'Stats' = 1`, "5:30"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := parse(t, "servers: {sf: {url: 'sqlite:x'}, chi: {url: 'sqlite:y'}}\nmappings: [{name: M, from: {server: sf, form: Repair}, to: {server: chi, form: Repair}, match: custom, fields: {Request ID: \"'1'\", Summary: \"'8'\"}}]\nfilters:\n  - name: f\n    run_if: "+
				tt.runIf+"\n    server: sf\n    form: Repair\n    on: submit\n    transfer: {mapping: M}\n")
			_, err := Check(d, testCatalogs())
			list, ok := errors.AsType[ErrorList](err)
			if !ok || len(list) != 1 {
				t.Fatalf("got %v, want one problem", err)
			}
			if got := fmt.Sprintf("%d:%d", list[0].Pos.Line, list[0].Pos.Column); got != tt.want {
				t.Errorf("got %s, want %s:\n%v", got, tt.want, err)
			}
		})
	}
}

// TestMatrix is the table of dso-reference, "Data-type and size rules": + goes, . does not.
func TestMatrix(t *testing.T) {
	to := []schema.Type{schema.Character, schema.Integer, schema.Decimal, schema.Selection, schema.DateTime, schema.Date, schema.Time, schema.Diary, schema.Attachment, schema.Currency}
	for from, row := range map[schema.Type]string{
		schema.Character:  "++++++++.+",
		schema.Integer:    "+++++++..+",
		schema.Decimal:    "+++......+",
		schema.Real:       "+++......+",
		schema.Selection:  "++++......",
		schema.DateTime:   "++..+++...",
		schema.Diary:      "+......+..",
		schema.Attachment: "........+.",
		schema.Currency:   "+.+......+",
	} {
		got := ""
		for _, x := range to {
			if compatible(from, x) {
				got += "+"
			} else {
				got += "."
			}
		}
		if got != row {
			t.Errorf("%s: got %s, want %s", from, got, row)
		}
	}
}

func TestMayNotFit(t *testing.T) {
	text := func(max int, inBytes bool, column int) *schema.Field {
		return &schema.Field{Type: schema.Character, MaxLength: max, LengthInBytes: inBytes, Column: &schema.Column{Kind: value.KindText, Length: column}}
	}
	number := func(bits int, unsigned bool) *schema.Field {
		return &schema.Field{Type: schema.Integer, Column: &schema.Column{Kind: value.KindInt, Bits: bits, Unsigned: unsigned}}
	}
	decimal := func(p, s int) *schema.Field {
		return &schema.Field{Type: schema.Decimal, Column: &schema.Column{Kind: value.KindDecimal, Precision: p, Scale: s, DataType: fmt.Sprintf("decimal(%d,%d)", p, s)}}
	}
	tests := []struct {
		from, to *schema.Field
		want     string
	}{
		{text(0, false, 0), text(0, false, 0), ""},
		{text(0, false, 10), text(0, false, 10), ""},
		{text(0, false, 10), text(5, false, 10), "up to 10 characters into 5 characters"},
		{text(0, false, 0), text(0, false, 10), "unlimited text into 10 characters"},
		{text(10, false, 0), text(10, true, 0), "up to 40 bytes into 10 bytes"},
		{text(10, true, 0), text(10, false, 0), ""},
		{text(10, true, 0), text(9, true, 0), "up to 10 bytes into 9 bytes"},
		{number(64, false), number(32, false), "64 bits into 32"},
		{number(32, false), number(32, false), ""},
		{number(32, true), number(32, false), "unsigned into signed"},
		{decimal(10, 2), decimal(10, 2), ""},
		{decimal(10, 2), decimal(0, 0), ""},
		{decimal(10, 2), decimal(10, 3), "decimal(10,2) into decimal(10,3)"},
		{decimal(0, 0), decimal(10, 3), "decimal(0,0) into decimal(10,3)"},
	}
	for _, tt := range tests {
		if got := mayNotFit(tt.from, tt.to); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

func TestTwoDefaults(t *testing.T) {
	const text = `
servers: {sf: {url: 'sqlite:x'}, chi: {url: 'sqlite:y'}}
mappings:
  - {name: A, default: yes, from: {server: sf, form: Repair}, to: {server: chi, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}
  - {name: B, default: yes, from: {server: sf, form: Repair}, to: {server: chi, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}
`
	c, err := Check(parse(t, text), testCatalogs())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(`mapping "B" is never the default: "A" comes first`, c.Warnings[0].Found); d != "" || len(c.Warnings) != 1 {
		t.Errorf("got %v", c.Warnings)
	}
}
