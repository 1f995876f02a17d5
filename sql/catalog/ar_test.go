package catalog_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const site = 536870912 // the lowest ID that a site gives

// repair has a field of every type.
var repair = arfixture.Form{
	ID: 1001, Name: "HD:Repair", NextID: 42, Prefix: "SF", History: true,
	Fields: []arfixture.Field{
		{ID: 15, Name: "Status History", Type: schema.Character},
		{ID: 179, Name: "GUID", Type: schema.Character, MaxLength: 38, Option: 5},
		{ID: site + 1, Name: "Notes", Type: schema.Diary},
		{ID: site + 2, Name: "Count", Type: schema.Integer, Low: "0", High: "100"},
		{ID: site + 3, Name: "Weight", Type: schema.Real},
		{ID: site + 4, Name: "Cost", Type: schema.Decimal, Low: "-1.50"},
		{ID: site + 5, Name: "Price", Type: schema.Currency},
		{ID: site + 6, Name: "Due", Type: schema.Date},
		{ID: site + 7, Name: "At", Type: schema.Time},
		{ID: site + 8, Name: "Photo", Type: schema.Attachment},
		{ID: site + 9, Name: "Options", Type: schema.Bitmask},
		{ID: site + 10, Name: "Raw", Type: schema.Bytes},
		{ID: site + 11, Name: "Serial", Type: schema.Character, MaxLength: 30, Pattern: "[A-Z]%"},
		{ID: site + 12, Name: "Text", Type: schema.Character},
		{ID: site + 13, Name: "Shown Only", Type: schema.Character, Option: 4},
		{ID: site + 14, Name: "Button", Type: 31},
		{ID: site + 15, Name: "Severity", Type: schema.Selection, Values: []schema.EnumValue{{ID: 1, Label: "Low"}, {ID: 7, Label: "High"}}},
		{ID: site + 16, Name: "Lost", Type: schema.Character, NoColumn: true},
		{ID: site + 17, Name: "When", Type: schema.DateTime},
	},
}

func load(t *testing.T, db *engine.DB, spec catalog.Spec) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load(t.Context(), db, spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func lookup(t *testing.T, c *catalog.Catalog, name string) *schema.Form {
	t.Helper()
	f, err := c.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The dictionary's names and those of the tables may be spelt in either case.
func TestEveryFieldTypeInEitherCase(t *testing.T) {
	t.Parallel()
	for _, upper := range []bool{false, true} {
		t.Run(fmt.Sprintf("upper=%v", upper), func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				arfixture.Dictionary{Upper: upper}.Create(t, db, repair)
				c := load(t, db, catalog.Spec{Kind: catalog.AR})
				checkRepair(t, c, lookup(t, c, "HD:Repair"))
			})
		})
	}
}

func checkRepair(t *testing.T, c *catalog.Catalog, f *schema.Form) {
	t.Helper()
	type field struct {
		Name     string
		Type     schema.Type
		Kind     value.Kind
		Required bool
		System   bool
		Max      int
		Low      string
		High     string
	}
	want := map[int]field{
		1:         {"Request ID", schema.Character, value.KindText, false, true, 15, "", ""},
		2:         {"Submitter", schema.Character, value.KindText, true, false, 254, "", ""},
		3:         {"Create Date", schema.DateTime, value.KindInt, false, true, 0, "", ""},
		4:         {"Assigned To", schema.Character, value.KindText, false, false, 254, "", ""},
		5:         {"Last Modified By", schema.Character, value.KindText, false, true, 254, "", ""},
		6:         {"Modified Date", schema.DateTime, value.KindInt, false, true, 0, "", ""},
		7:         {"Status", schema.Selection, value.KindInt, true, false, 0, "", ""},
		8:         {"Short Description", schema.Character, value.KindText, true, false, 254, "", ""},
		179:       {"GUID", schema.Character, value.KindText, false, true, 38, "", ""},
		site + 1:  {"Notes", schema.Diary, value.KindText, false, false, 0, "", ""},
		site + 2:  {"Count", schema.Integer, value.KindInt, false, false, 0, "0", "100"},
		site + 3:  {"Weight", schema.Real, value.KindReal, false, false, 0, "", ""},
		site + 4:  {"Cost", schema.Decimal, value.KindDecimal, false, false, 0, "-1.50", ""},
		site + 6:  {"Due", schema.Date, value.KindInt, false, false, 0, "", ""},
		site + 7:  {"At", schema.Time, value.KindInt, false, false, 0, "", ""},
		site + 9:  {"Options", schema.Bitmask, value.KindInt, false, false, 0, "", ""},
		site + 11: {"Serial", schema.Character, value.KindText, false, false, 30, "", ""},
		site + 12: {"Text", schema.Character, value.KindText, false, false, 0, "", ""},
		site + 15: {"Severity", schema.Selection, value.KindInt, false, false, 0, "", ""},
		site + 17: {"When", schema.DateTime, value.KindInt, false, false, 0, "", ""},
	}
	got := map[int]field{}
	for i, x := range f.Fields {
		got[x.ID] = field{x.Name, x.Type, x.Column.Kind, x.Required, x.System, x.MaxLength, x.Min, x.Max}
		if x.Index != i {
			t.Errorf("field %d: got index %d, want %d", x.ID, x.Index, i)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	unsupported := map[string]string{
		"Status History": "the status history is not carried",
		"Price":          "currency fields are not carried",
		"Photo":          "attachments are not carried",
		"Raw":            "byte lists are not carried",
		"Lost":           "table " + f.Table.Name + " has no column C" + fmt.Sprint(site+16),
	}
	if diff := cmp.Diff(unsupported, f.Unsupported); diff != "" {
		t.Errorf("unsupported (-want +got):\n%s", diff)
	}
	if len(f.Key) != 1 || f.Key[0].ID != 1 || !f.IsKey(f.FieldByID(1)) {
		t.Errorf("got key %v, want field 1", f.Key)
	}
	if !f.EmptyIsNull || f.ID != 1001 || f.Server == "" || !f.Table.Transactional || f.Table.Identity != schema.IdentityFull {
		t.Errorf("got %+v, %+v", f, f.Table)
	}
	if f.NextID == nil || f.NextID.Format(42) != "SF0000000000042" {
		t.Errorf("got request IDs by %+v, want SF0000000000042", f.NextID)
	}
	if n := c.Counter(); n == nil || n.Table == nil || n.NextID == "" || n.FormID == "" {
		t.Errorf("got counter %+v", n)
	}
	if x := f.FieldByName("Serial"); x.Pattern != "[A-Z]%" {
		t.Errorf("got pattern %q", x.Pattern)
	}
	if diff := cmp.Diff([]schema.EnumValue{{ID: 1, Label: "Low"}, {ID: 7, Label: "High"}}, f.FieldByName("Severity").Values); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if c.FormForTable(f.Table.Schema, f.Table.Name) != f || c.FormForTable(f.Table.Schema, "arschema") != nil {
		t.Error("forms are not found by their tables")
	}
}

// An old server has fewer dictionary columns.
func TestOldDictionary(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Dictionary{Lean: true}.Create(t, db, repair)
		f := lookup(t, load(t, db, catalog.Spec{Kind: catalog.AR}), "HD:Repair")
		if got := f.NextID.Format(7); got != "000000000000007" {
			t.Errorf("got request ID %q, want no prefix", got)
		}
		if x := f.FieldByName("Count"); x.Min != "" {
			t.Errorf("got a lower limit %q without field_int", x.Min)
		}
	})
}

// ar-database-reference §2.2, §2.4 and §12 row 29.
func TestOverlays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Create(t, db,
			arfixture.Form{ID: 1001, Name: "Repair", Fields: []arfixture.Field{
				{ID: site + 1, Name: "Serial", Type: schema.Character, MaxLength: 30},
				{ID: site + 2, Name: "Added", Type: schema.Character, MaxLength: 20},
				{ID: site + 3, Name: "Kind", Type: schema.Selection, Values: []schema.EnumValue{{ID: 0, Label: "Desk"}}},
			}},
			// The overlay shares T1001, says more of Serial, and keeps Kind's labels.
			arfixture.Form{ID: 2001, Name: "Repair__o", ResolvedID: 1001, ResolvedName: "Repair", Fields: []arfixture.Field{
				{ID: site + 1, Name: "Serial Number", Type: schema.Character, MaxLength: 25, Option: 1},
				{ID: site + 3, Name: "Kind of Thing", Type: schema.Selection},
			}},
			arfixture.Form{ID: 1002, Name: "Knowledge__c"},             // custom: only the name is marked
			arfixture.Form{ID: 1003, Name: "Ticket__o"},                // overlay without a resolved name
			arfixture.Form{ID: 1004, Name: "Repair + Ticket", Kind: 2}, // join
			arfixture.Form{ID: 1005, Name: "Gone", NoTables: true},     // dictionary without table
			arfixture.Form{ID: 1006, Name: "Twice"}, arfixture.Form{ID: 1007, Name: "Twice__c"},
		)
		c := load(t, db, catalog.Spec{Kind: catalog.AR, Forms: []catalog.FormSpec{{Name: "Ticket", KeepEmptyStrings: true}}})
		if diff := cmp.Diff([]string{"Knowledge", "Repair", "Ticket"}, c.Names()); diff != "" {
			t.Errorf("forms (-want +got):\n%s", diff)
		}
		f := lookup(t, c, "Repair")
		x := f.FieldByID(site + 1)
		if f.ID != 1001 || x.Name != "Serial Number" || x.MaxLength != 25 || !x.Required || f.FieldByName("Added") == nil {
			t.Errorf("got form %d, field %+v", f.ID, x)
		}
		if n, ok := f.FieldByName("Kind of Thing").Number("desk"); !ok || n != 0 {
			t.Error("the overlay of a selection has lost the labels of its base")
		}
		if lookup(t, c, "Ticket").EmptyIsNull || !f.EmptyIsNull {
			t.Error("KeepEmptyStrings was not heeded")
		}
		var table *catalog.UnknownTableError
		if _, err := c.Lookup("Gone"); !errors.As(err, &table) || table.Table != "T1005" {
			t.Errorf("got %v, want an unknown table T1005", err)
		}
		var twice *catalog.DuplicateError
		if _, err := c.Lookup("Twice"); !errors.As(err, &twice) {
			t.Errorf("got %v, want a duplicate", err)
		}
		var unknown *catalog.UnknownFormError
		if _, err := c.Lookup("Repiar"); !errors.As(err, &unknown) || unknown.Nearest != "Repair" {
			t.Errorf("got %v, want the form Repair suggested", err)
		}
	})
}

func TestNoDictionary(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		var missing *catalog.DictionaryError
		_, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.AR})
		if !errors.As(err, &missing) {
			t.Fatalf("got %v, want a missing dictionary", err)
		}
		if _, err := db.Exec("CREATE TABLE arschema (schemaId integer, name varchar(254))"); err != nil {
			t.Fatal(err)
		}
		_, err = catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.AR})
		if !errors.As(err, &missing) || missing.Reason != "table arschema has no column schemaType" {
			t.Errorf("got %v, want a missing column", err)
		}
	})
}

func TestNoKeyOnRequestID(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Create(t, db, arfixture.Form{ID: 1001, Name: "Repair", NoTables: true}, arfixture.Form{ID: 1002, Name: "Ticket", NoTables: true})
		for _, s := range []string{
			"CREATE TABLE T1001 (C1 varchar(15), C2 varchar(254), C7 integer)",
			// No primary key, as some servers make it (ar-database-reference §2.6).
			"CREATE TABLE T1002 (C1 varchar(15), C2 varchar(254), C7 integer)",
			"CREATE UNIQUE INDEX IT1002 ON T1002 (C1)",
		} {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		c := load(t, db, catalog.Spec{Kind: catalog.AR})
		var noKey *catalog.NoKeyError
		if _, err := c.Lookup("Repair"); !errors.As(err, &noKey) {
			t.Errorf("got %v, want no key", err)
		}
		f := lookup(t, c, "Ticket")
		if db.Engine.Dialect == "postgres" && f.Table.Identity != schema.IdentityNothing {
			t.Errorf("got replica identity %s without a primary key, want nothing", f.Table.Identity)
		}
	})
}

// A load costs queries by the kind of thing read, not by the form.
func TestManyForms(t *testing.T) {
	forms := make([]arfixture.Form, 2000)
	for i := range forms {
		forms[i] = arfixture.Form{ID: i + 1, Name: fmt.Sprintf("Form %d", i), Fields: []arfixture.Field{
			{ID: site + 1, Name: "Serial", Type: schema.Character, MaxLength: 30},
		}}
	}
	// The MySQL family takes too long to make as many tables.
	for name, n := range map[string]int{"postgres15": 2000, "sqlite": 2000, "mariadb10.11": 200, "mysql5.6": 200} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() {
				n /= 10
			}
			forms := forms[:n]
			db := dbtest.New(t, name)
			arfixture.Create(t, db, forms...)
			start := time.Now()
			c := load(t, db, catalog.Spec{Kind: catalog.AR})
			took := time.Since(start)
			t.Logf("%d forms in %v", len(c.Names()), took)
			if len(c.Names()) != len(forms) || took > 20*time.Second {
				t.Errorf("got %d forms in %v", len(c.Names()), took)
			}
		})
	}
}

// Distributed fields are fields like any other, those of an overlay too.
func TestARDistributedFields(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Create(t, db,
			arfixture.Form{ID: 7, Name: "Repair", Fields: []arfixture.Field{
				{ID: schema.MasterFlag, Name: "Master Flag", Type: schema.Selection, Values: []schema.EnumValue{{ID: 0, Label: "Nein"}, {ID: 1, Label: "Ja"}}},
				{ID: schema.FromServer, Name: "From Server", Type: schema.Character, MaxLength: 64},
			}},
			arfixture.Form{ID: 8, Name: "Repair__o", ResolvedID: 7, ResolvedName: "Repair", Fields: []arfixture.Field{
				{ID: schema.FromServer, Name: "Von Server", Type: schema.Character, MaxLength: 64},
			}},
		)
		f := lookup(t, load(t, db, catalog.Spec{Kind: catalog.AR}), "Repair")
		flag, server := f.FieldByID(schema.MasterFlag), f.FieldByID(schema.FromServer)
		if flag == nil || len(flag.Values) != 2 || flag.Values[1].Label != "Ja" {
			t.Errorf("Master Flag is %+v", flag)
		}
		if server == nil || server.Name != "Von Server" || server.MaxLength != 64 {
			t.Errorf("From Server is %+v", server)
		}
	})
}
