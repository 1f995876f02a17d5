package catalog_test

import (
	"fmt"
	"strings"
	"testing"

	"ardso/integration/arfixture"
	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"

	"github.com/google/go-cmp/cmp"
)

const serial, owner = 536870913, 536870914

// joined are an order, its lines, and forms that join them.
func joined(forms ...arfixture.Form) []arfixture.Form {
	return append([]arfixture.Form{
		{ID: 1001, Name: "Order", Fields: []arfixture.Field{{ID: serial, Name: "Serial", Type: schema.Character, MaxLength: 30}}},
		{ID: 1002, Name: "Line", Fields: []arfixture.Field{
			{ID: owner, Name: "Order ID", Type: schema.Character, MaxLength: 15},
			{ID: serial, Name: "Number", Type: schema.Integer},
		}},
	}, forms...)
}

// The dictionary says of a join form which fields are whose, and what they are like.
func TestJoinOfDictionary(t *testing.T) {
	t.Parallel()
	for _, upper := range []bool{false, true} {
		t.Run(fmt.Sprintf("upper %t", upper), func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, db *engine.DB) {
				arfixture.Dictionary{Upper: upper, Lean: upper}.Create(t, db, joined(arfixture.Form{
					ID: 1003, Name: "Order Lines", Join: &arfixture.Join{Primary: "Order", Secondary: "Line", Outer: upper, ByNumber: upper, On: [][2]int{{1, owner}, {7, 7}}},
					Fields: []arfixture.Field{
						{ID: 1, Name: "IDs", Type: schema.Character, MaxLength: 31},
						{ID: 8, Name: "Summary", Type: schema.Character, MaxLength: 100, Part: "primary"},
						{ID: 536870920, Name: "Line Summary", Type: schema.Character, MaxLength: 254, Part: "secondary", Real: 8},
						{ID: 536870921, Name: "Lost", Type: schema.Character, MaxLength: 254},
						{ID: 536870922, Name: "Gone", Type: schema.Integer, Part: "secondary", Real: 8},
						{ID: 536870923, Name: "Other", Type: schema.Integer, Part: "primary", Real: serial},
					},
				})...)
				f := lookup(t, load(t, db, catalog.Spec{Kind: catalog.AR}), "Order Lines")
				var got []string
				for i, x := range f.Fields {
					from := f.Join.From[i]
					what := "IDs"
					if from.Field != nil {
						what = fmt.Sprintf("%s of %s", from.Field.Name, f.Join.Parts[from.Part].Name)
					}
					got = append(got, fmt.Sprintf("%d %s %d: %s", x.ID, x.Name, x.MaxLength, what))
				}
				if diff := cmp.Diff([]string{
					"1 IDs 0: IDs", "8 Summary 100: Short Description of Order", "536870920 Line Summary 254: Short Description of Line",
				}, got); diff != "" {
					t.Errorf("fields (-want +got):\n%s", diff)
				}
				if len(f.Unsupported) != 3 || f.ID != 1003 || f.Join.Outer != upper || f.Key[0].ID != 1 || !f.EmptyIsNull {
					t.Errorf("got %+v, unsupported %v", f, f.Unsupported)
				}
				on := f.Join.On
				if len(on) != 2 || on[0][0].Name != "Request ID" || on[0][1].Name != "Order ID" || on[1][1].Name != "Status" {
					t.Errorf("on %v", on)
				}
				if n := len(f.Join.Pair.Fields); n != len(f.Join.Parts[0].Fields)+len(f.Join.Parts[1].Fields) || len(f.Join.Pair.Key) != 2 {
					t.Errorf("pair has %d fields", n)
				}
			})
		})
	}
}

// A join form that cannot be used says why to who asks for it, and for no others.
func TestUnusableJoins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		id := []arfixture.Field{{ID: 1, Name: "IDs", Type: schema.Character}}
		arfixture.Create(t, db, joined(
			arfixture.Form{ID: 1003, Name: "Order Lines", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Line", On: [][2]int{{1, owner}}}},
			arfixture.Form{ID: 1004, Name: "Nested", Fields: id, Join: &arfixture.Join{Primary: "Order Lines", Secondary: "Line", Qualification: `4\1\99\1\1\1\`}},
			arfixture.Form{ID: 1005, Name: "Unequal", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Line", Qualification: `4\2\99\1\1\1\`}},
			arfixture.Form{ID: 1006, Name: "Either", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Line", Qualification: `2\4\1\99\1\1\1\4\1\99\8\1\8\`}},
			arfixture.Form{ID: 1007, Name: "Constant", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Line", Qualification: `4\1\99\7\2\6\3\`}},
			arfixture.Form{ID: 1008, Name: "Mixed", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Line", Qualification: `4\1\99\1\1\536870913\`}},
			arfixture.Form{ID: 1009, Name: "Partless", Fields: id, Join: &arfixture.Join{Primary: "Order", Secondary: "Nothing", Qualification: `4\1\99\1\1\1\`}},
		)...)
		c := load(t, db, catalog.Spec{Kind: catalog.AR})
		for name, want := range map[string]string{
			"Nested":   "joins of joins are not supported",
			"Unequal":  "otherwise than by =",
			"Either":   "equalities joined by AND",
			"Constant": "something else than fields",
			"Mixed":    "in one of",
			"Partless": `no form "Nothing"`,
		} {
			_, err := c.Lookup(name)
			var named interface {
				Name() string
				Remedy() string
			}
			named, _ = err.(interface {
				Name() string
				Remedy() string
			})
			if named == nil || named.Name() != "catalog.join" || named.Remedy() == "" || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want %s", name, err, want)
			}
		}
	})
}

// A declared join form has the fields of both parts, under free names and numbers.
func TestDeclaredJoin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE orders (id varchar(15) NOT NULL PRIMARY KEY, state integer, note varchar(20))",
			"CREATE TABLE line (order_id varchar(15) NOT NULL, no integer NOT NULL, note varchar(20), price double precision, PRIMARY KEY (order_id, no))")
		spec := func(j catalog.JoinSpec, fields ...catalog.FieldSpec) catalog.Spec {
			return catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
				{Name: "Order Lines", Join: &j, Fields: fields},
				{Name: "Order", Table: "orders", KeepEmptyStrings: true, Fields: []catalog.FieldSpec{{Column: "id", Name: "Request ID", ID: 1}, {Column: "state", Name: "Status", ID: 7}}},
				{Name: "Line", Table: "line", KeepEmptyStrings: true},
			}}
		}
		on := [][2]string{{"Request ID", "order_id"}}
		f := lookup(t, load(t, db, spec(catalog.JoinSpec{Primary: "Order", Secondary: "Line", On: on, Outer: true}, catalog.FieldSpec{Column: "Secondary.note", Name: "Line Note", ID: 8})), "Order Lines")
		got := map[string]int{}
		for _, x := range f.Fields {
			got[x.Name] = x.ID
		}
		if diff := cmp.Diff(map[string]int{
			"Request ID": 1, "Status": 7, "Line Note": 8, "Primary.Request ID": named("Primary.Request ID"), "note": named("note"),
			"order_id": named("order_id"), "no": named("no"), "price": named("price"),
		}, got); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if f.EmptyIsNull || len(f.Join.Pair.Key) != 3 || !f.FieldByName("no").Column.Nullable {
			t.Errorf("got %+v", f)
		}
		for want, s := range map[string]catalog.Spec{
			`no field "Request"`: spec(catalog.JoinSpec{Primary: "Order", Secondary: "Line", On: [][2]string{{"Request", "order_id"}}}),
			"in one of double":   spec(catalog.JoinSpec{Primary: "Line", Secondary: "Line", On: [][2]string{{"price", "price"}}}),
			"names no part":      spec(catalog.JoinSpec{Primary: "Order", Secondary: "Line", On: on}, catalog.FieldSpec{Column: "note"}),
			`no form "Lines"`:    spec(catalog.JoinSpec{Primary: "Order", Secondary: "Lines", On: on}),
		} {
			if _, err := load(t, db, s).Lookup("Order Lines"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
		}
	})
}

// How the dictionary describes joins differs between releases: where it is not as expected, join forms cannot be used,
// and all others can.
func TestUnknownJoinDictionary(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		arfixture.Dictionary{}.Create(t, db, joined(arfixture.Form{
			ID: 1003, Name: "Order Lines", Join: &arfixture.Join{Primary: "Order", Secondary: "Line", On: [][2]int{{1, owner}}},
			Fields: []arfixture.Field{{ID: 1, Name: "IDs", Type: schema.Character, MaxLength: 31}},
		})...)
		for _, s := range []string{"DROP TABLE schema_join", "CREATE TABLE schema_join (id integer)"} {
			if _, err := db.ExecContext(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		c := load(t, db, catalog.Spec{Kind: catalog.AR})
		lookup(t, c, "Order")
		if _, err := c.Lookup("Order Lines"); err == nil || !strings.Contains(err.Error(), "schema_join has no column") {
			t.Errorf("got %v", err)
		}
	})
}
