package qual

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/sql/schema"
	"ardso/sql/value"
)

var update = flag.Bool("update", false, "rewrite golden files")

// repair is a form with a field of every type, and names that a lexer may trip over.
func repair() *schema.Form {
	form := &schema.Form{Server: "sanfrancisco", Name: "Repair", EmptyIsNull: true}
	add := func(id int, name string, t schema.Type, kind value.Kind, more ...func(*schema.Field)) {
		f := &schema.Field{ID: id, Name: name, Type: t, Index: len(form.Fields), Column: &schema.Column{
			Name: fmt.Sprintf("c%d", id), Kind: kind, BaseType: "text", Bits: 64,
		}}
		for _, m := range more {
			m(f)
		}
		form.Fields = append(form.Fields, f)
	}
	labels := func(f *schema.Field) {
		f.Values = []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Assigned"}, {ID: 2, Label: "In.Progress"}, {ID: 4, Label: "Closed"}}
	}
	add(1, "Request ID", schema.Character, value.KindText)
	add(2, "Submitter", schema.Character, value.KindText)
	add(3, "Create Date", schema.DateTime, value.KindInt)
	add(7, "Status", schema.Selection, value.KindInt, labels)
	add(8, "Short Description", schema.Character, value.KindText)
	add(15, "Status History", schema.Character, value.KindText)
	add(536870913, "Item", schema.Character, value.KindText)
	add(536870914, "Doug's Box", schema.Integer, value.KindInt)
	add(536870915, "Cost", schema.Decimal, value.KindDecimal)
	add(536870916, "Weight", schema.Real, value.KindReal)
	add(536870917, "Price", schema.Currency, value.KindDecimal)
	add(536870918, "Day", schema.Date, value.KindInt)
	add(536870919, "Hour", schema.Time, value.KindInt)
	add(536870920, "Log", schema.Diary, value.KindText)
	add(536870921, "TR.Odd", schema.Integer, value.KindInt)
	add(536870922, "Odd", schema.Integer, value.KindInt)
	add(536870923, "Price.VALUE", schema.Integer, value.KindInt)
	add(536870924, "USER", schema.Character, value.KindText)
	add(536870925, "Twin", schema.Integer, value.KindInt)
	add(536870926, "Twin", schema.Integer, value.KindInt)
	add(536870927, "Filter", schema.Character, value.KindText)
	add(536870928, "Priority", schema.Selection, value.KindInt, labels)
	add(536870929, "Raw", schema.Bytes, value.KindBytes)
	add(536870930, "Cash$", schema.Integer, value.KindInt)
	form.Key = form.Fields[:1]
	return form
}

// runIf is the scope of a filter's run_if with a current request of the same form.
func runIf() Scope {
	f := repair()
	return Scope{Form: f, Current: f, TRDB: true}
}

func at2026(hour, minute int) int64 {
	return time.Date(2026, 11, 22, hour, minute, 0, 0, time.UTC).UnixMicro()
}

// request is a request as it stands after a modify; set fills fields by name.
func request(f *schema.Form, set map[string]value.Value) []value.Value {
	values := make([]value.Value, len(f.Fields))
	for i, x := range f.Fields {
		values[i] = value.Null
		if v, ok := set[x.Name]; ok {
			values[i] = v
		}
	}
	return values
}

func dec(s string) value.Value { return decimal(s) }

// chair is the request that most tests judge.
func chair(f *schema.Form) *Env {
	set := map[string]value.Value{
		"Request ID": value.Text("REQ1"), "Submitter": value.Text("Robert \"Bobby\" Smith"), "Item": value.Text("chair"),
		"Create Date": value.Instant(at2026(9, 30)), "Status": value.Int(1), "Short Description": value.Text("Broken ÄRM 50%"),
		"Doug's Box": value.Int(7), "Cost": dec("12.50"), "Weight": value.Real(2.5), "Day": value.Date(2461367),
		"Hour": value.TimeOfDay(10 * 3600 * secondMicros), "Odd": value.Int(1), "TR.Odd": value.Int(2), "Price.VALUE": value.Int(5),
		"Filter": value.Text(`'Item' = "chair"`), "Raw": value.Bytes([]byte{1, 2}), "Cash$": value.Int(3),
	}
	fields := request(f, set)
	before := request(f, set)
	before[f.FieldByName("Status").Index] = value.Int(0)
	before[f.FieldByName("Short Description").Index] = value.Text("Broken")
	before[f.FieldByName("Log").Index] = value.Text("gone")
	tr := make([]value.Value, len(fields))
	for _, name := range []string{"Status", "Short Description"} {
		i := f.FieldByName(name).Index
		tr[i] = fields[i]
	}
	return &Env{
		Fields: fields, DB: before, TR: tr, Current: fields,
		Keywords: Keywords{User: "Demo", Operation: "SET", Server: "sanfrancisco", Schema: "Repair", Now: time.UnixMicro(at2026(21, 9)).UTC()},
		StatusHistory: func(_ Source, state int64, time bool) value.Value {
			switch {
			case state > 1:
				return value.Null
			case time:
				return value.Instant(at2026(9, int(state)))
			}
			return value.Text(fmt.Sprintf("user%d", state))
		},
		Currency: func(from Source, _ int, part string) value.Value {
			switch part {
			case "VALUE":
				return dec("99.95")
			case "TYPE":
				return value.Text("EUR")
			case "USD":
				return dec("110")
			}
			return value.Null
		},
	}
}

// TestEval cites the sections of the AR System reference.
func TestEval(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule, text string
		want       Truth
	}{
		{"6.8 empty text", "", True},
		{"6.8 blank text", " \t\r\n", True},
		{"6.1 field by name", `'Item' = "chair"`, True},
		{"6.1 field by ID", `'536870913' = "chair"`, True},
		{"6.1 doubled quote in a name", `'Doug''s Box' = 7`, True},
		{"6.1 doubled quote in text", `'Submitter' = "Robert ""Bobby"" Smith"`, True},
		{"6.1 current value", `$Item$ = "chair"`, True},
		{"6.1 current value by ID", `$536870913$ = "chair"`, True},
		{"6.1 dollar in a name", `$Cash$$$ = 3`, True},
		{"6.1 status history by label", `'Status History.New.USER' = "user0"`, True},
		{"6.1 status history by number", `'Status History.1.TIME' > "2026-11-22"`, True},
		{"6.1 status history, label with a point", `'Status History.In.Progress.TIME' = $NULL$`, True},
		{"6.1 status history by ID", `'15.0.TIME' = "11/22/2026 9:00 AM"`, True},
		{"6.1 currency parts", `'536870917.TYPE' = "EUR" AND 'Price.USD' = 110.0`, True},
		{"6.1 currency against NULL", `'Price' != $NULL$`, True},
		{"6.1 currency against another", `'Price' = $Price$ AND 'Price' <= $Price$`, True},
		{"6.8 field called Price.VALUE", `'Price.VALUE' = 5`, True},
		{"6.8 field called TR.Odd", `'TR.Odd' = 2 AND 'Odd' = 1`, True},
		{"6.1 integer seconds against a time", `'Hour' = 60 * 60 * 10`, True},
		{"6.1 integer against a date/time", `'Create Date' > 1700000000`, True},

		{"6.2 NOT binds looser than =", `NOT 'Status' = "New"`, True},
		{"6.2 ! && ||", `!('Odd' = 2) && 'Odd' = 1 || 1 = 2`, True},
		{"6.2 AND before OR", `1 = 1 OR 1 = 1 AND 1 = 2`, True},
		{"6.2 term before sum", `1 + 2 * 3 = 7`, True},
		{"6.2 from the left", `10 - 3 - 2 = 5 AND 100 / 10 / 5 = 2`, True},
		{"6.2 unary minus", `-'Odd' = -1 AND - -1 = 1`, True},
		{"6.2 words in any case", `not 'Odd' = 2 and 'Item' like "ch%" Or 1 = 2`, True},
		{"6.2 seconds after", `'Create Date' + 60 = "2026-11-22 09:31"`, True},
		{"6.2 time - time", `$TIMESTAMP$ - 'Create Date' = 41940`, True},
		{"6.2 time - literal", `'Create Date' - "2026-11-22" = 34200`, True},
		{"6.2 day + days", `'Day' + 1 = "2026-11-23" AND 'Day' - "2026-11-20" = 2`, True},
		{"6.2 + joins text", `'Item' + "s" = "chairs"`, True},

		{"6.3 LIKE", `'Item' LIKE "c%r"`, True},
		{"6.3 LIKE one", `'Item' LIKE "cha_r"`, True},
		{"6.3 LIKE set and range", `'Item' LIKE "[abc][f-j]a[^j]r"`, True},
		{"6.3 LIKE without a wildcard", `'Item' LIKE "chai"`, False},
		{"6.3 NOT LIKE", `'Item' NOT LIKE "desk%"`, True},
		{"12.11 brackets escape", `'Short Description' LIKE "%50[%]"`, True},
		{"12.11 no backslash escape", `'Short Description' LIKE "%50\%"`, False},
		{"6.3 wildcards mean nothing with =", `'Item' = "c%"`, False},
		{"12.12 LIKE ignores case, not accents", `'Short Description' LIKE "BROKEN ärm%" AND NOT 'Short Description' LIKE "Broken ARM%"`, True},

		{"6.4 comparison with NULL", `'Log' = "x"`, Unknown},
		{"6.4 != does not find empty", `'Log' != "Yes"`, Unknown},
		{"6.4 NULL with itself", `'Log' = 'Log'`, Unknown},
		{"6.4 = $NULL$", `'Log' = $NULL$`, True},
		{"6.4 $NULL$ on the left", `$NULL$ != 'Item'`, True},
		{"6.4 $NULL$ both sides", `$NULL$ = $NULL$ AND NOT $NULL$ != $NULL$`, True},
		{"6.4 order against $NULL$", `'Odd' > $NULL$`, Unknown},
		{"6.4 NULL of a keyword is a value", `'Log' = $GROUPS$`, Unknown},
		{"6.4 -$NULL$ is a value", `'Log' = -$NULL$`, Unknown},
		{"6.4 NOT Unknown", `NOT 'Log' = "x"`, Unknown},
		{"6.4 Unknown AND False", `'Log' = "x" AND 1 = 2`, False},
		{"6.4 Unknown AND True", `'Log' = "x" AND 1 = 1`, Unknown},
		{"6.4 Unknown OR True", `'Log' = "x" OR 1 = 1`, True},
		{"6.4 Unknown OR False", `'Log' = "x" OR 1 = 2`, Unknown},
		{"6.4 LIKE of NULL", `'Log' LIKE "%"`, Unknown},
		{"6.4 NULL in arithmetic", `'536870926' + 1 = 1`, Unknown},

		{"6.5 TR of a changed field", `'TR.Status' = "Assigned" AND 'DB.Status' = "New" AND 'Status' = "Assigned"`, True},
		{"6.5 TR of an unchanged field", `'TR.Item' = $NULL$ AND 'DB.Item' = "chair"`, True},
		{"12.2 TR != DB", `'TR.Status' != 'DB.Status'`, True},
		{"12.2 TR != DB, unchanged", `'TR.Item' != 'DB.Item'`, Unknown},
		{"12.3 TR by ID", `'TR.7' = 1`, True},
		{"12.4 CHANGED", `CHANGED('Status') AND NOT CHANGED('Item')`, True},
		{"12.4 CHANGED to NULL", `CHANGED('Log') AND 'TR.Log' = $NULL$`, True},

		{"6.6 $USER$", `$USER$ != "Distributed Server"`, True},
		{"6.6 keyword before the field of its name", `$USER$ = "demo"`, True},
		{"6.6 $OPERATION$ $SCHEMA$ $SERVER$", `$OPERATION$ = "SET" AND $SCHEMA$ = "Repair" AND $SERVER$ = "sanfrancisco"`, True},
		{"6.6 $DATE$ beside a date/time", `'Create Date' > $DATE$ AND $DATE$ + 34200 = 'Create Date'`, True},
		{"6.6 $DATE$ beside a date", `'Day' = $DATE$ AND 'Day' = $DATE$ + 1 - 1`, True},
		{"6.6 $DATE$ beside a time", `'Hour' > $DATE$`, True},
		{"6.6 $TIME$", `'Hour' < $TIME$ AND 'Create Date' < $TIME$`, True},
		{"6.6 $WEEKDAY$", `$WEEKDAY$ = "Sunday"`, True},
		{"12.8 whole seconds", `$TIMESTAMP$ = "2026-11-22 21:09:00"`, True},

		{"12.12 case", `'Item' = "CHAIR"`, True},
		{"12.12 simple folding", `'Short Description' = "bROKEN ärM 50%"`, True},
		{"12.12 no padding", `'Item' = "chair "`, False},
		{"12.12 order ignores case", `'Item' > "CHAI" AND 'Item' < "Chaise"`, True},
		{"12.13 US date", `'Create Date' > "11/22/26" AND 'Create Date' < "11/23/2026"`, True},
		{"12.13 date with 12-hour time", `'Create Date' = "11/22/26 9:30 AM"`, True},
		{"12.13 month name", `'Day' = "November 22, 2026"`, True},
		{"12.13 ISO with zone", `'Create Date' = "2026-11-22T10:30:00+01:00"`, True},
		{"12.13 time", `'Hour' = "10:00" AND 'Hour' < "11:00 PM"`, True},
		{"12.14 label", `'Status' = "Assigned" AND 'Status' < "Closed"`, True},
		{"12.14 label in another case", `'Status' = "assigned"`, True},
		{"12.14 number, also in quotes", `'Status' = 1 AND 'Status' = "1"`, True},
		{"6.1 two selections", `'Status' > 'Priority'`, Unknown},
		{"12.15 integer with decimal", `'Odd' = 1.0 AND 'Odd' < 1.5 AND 'Cost' > 12 AND 'Cost' = 12.5`, True},
		{"12.15 decimals are exact", `0.1 + 0.2 = 0.3 AND 'Cost' * 2 = 25`, True},
		{"12.15 integer / truncates", `7 / 2 = 3 AND -7 / 2 = -3 AND 7 / 2.0 = 3.5`, True},
		{"12.15 real", `'Weight' = 2.5 AND 'Weight' * 2 = 5`, True},
		{"12.15 division by zero", `1 / 0 = 1`, Unknown},
		{"12.15 decimal division by zero", `'Cost' / 0 = 1`, Unknown},
		{"12.16 sign of the dividend", `-7 % 3 = -1 AND 7 % -3 = 1`, True},
		{"12.16 % by zero", `1 % 0 = 1`, Unknown},
		{"12.17 IN", `'Item' IN ("desk", "Chair") AND 'Status' IN ("New", 1)`, True},
		{"12.17 NOT IN", `'Item' NOT IN ("desk", "lamp")`, True},
		{"12.17 NULL members never match", `'Odd' IN (2, $NULL$)`, False},
		{"12.17 NOT IN with NULL", `'Odd' NOT IN (2, $NULL$)`, True},
		{"12.17 IN of NULL", `'Log' IN ("x", "y")`, Unknown},
		{"12.18 EXTERNAL", `EXTERNAL('Filter') AND EXTERNAL($Filter$)`, True},
		{"12.18 EXTERNAL of NULL", `EXTERNAL('Log')`, True},
		{"bytes", `'Raw' = $Raw$ AND NOT 'Raw' != $Raw$`, True},
		{"beyond 64 bits", `9223372036854775807 + 1 = 9223372036854775808 AND 9223372036854775808 - 1 = 9223372036854775807`, True},
		{"least 64-bit integer", `-9223372036854775808 / -1 = 9223372036854775808`, True},
	}
	s := runIf()
	env := chair(s.Form)
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			q := mustCompile(t, tt.text, s)
			if got, err := q.Eval(env); err != nil || got != tt.want {
				t.Errorf("%s\n got %v, %v\nwant %v", tt.text, got, err, tt.want)
			}
			again := mustCompile(t, q.String(), s)
			if got, err := again.Eval(env); err != nil || got != tt.want || again.String() != q.String() {
				t.Errorf("printed %s\n   again %s\n got %v, %v, want %v", q, again, got, err, tt.want)
			}
		})
	}
}

func mustCompile(t testing.TB, text string, s Scope) *Qualification {
	t.Helper()
	q, err := Compile(text, s)
	if err != nil {
		t.Fatalf("compile %s: %v", text, err)
	}
	return q
}

// TestScopeSwitches covers §12 rows 2 and 12, and the zone of literals.
func TestScopeSwitches(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("CET", 3600)
	tests := []struct {
		name, text string
		change     func(*Scope)
		want       Truth
	}{
		{"null_compare ar, = of two NULLs", `'Log' = 'Log' AND 'Log' = 'TR.Log'`, func(s *Scope) { s.NullCompareAR = true }, True},
		{"null_compare ar, != with NULL", `'TR.Item' != 'DB.Item'`, func(s *Scope) { s.NullCompareAR = true }, True},
		{"null_compare ar, = with NULL", `'TR.Item' = 'DB.Item'`, func(s *Scope) { s.NullCompareAR = true }, False},
		{"null_compare ar leaves order alone", `'536870926' > 1`, func(s *Scope) { s.NullCompareAR = true }, Unknown},
		{"case sensitive =", `'Item' = "Chair"`, func(s *Scope) { s.CaseSensitive = true }, False},
		{"case sensitive LIKE", `'Item' LIKE "C%"`, func(s *Scope) { s.CaseSensitive = true }, False},
		{"case sensitive order", `'Item' > "Z"`, func(s *Scope) { s.CaseSensitive = true }, True},
		{"zone of literals", `'Create Date' = "2026-11-22 10:30"`, func(s *Scope) { s.Zone = berlin }, True},
		{"zone of $DATE$", `$DATE$ = "2026-11-21T23:00:00Z"`, func(s *Scope) { s.Zone = berlin }, True},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := runIf()
			tt.change(&s)
			if got, err := mustCompile(t, tt.text, s).Eval(chair(s.Form)); err != nil || got != tt.want {
				t.Errorf("%s: got %v, %v, want %v", tt.text, got, err, tt.want)
			}
		})
	}
}

// TestOrderOfOddValues pins what the package comment says of NaN and infinite values.
func TestOrderOfOddValues(t *testing.T) {
	t.Parallel()
	s := runIf()
	tests := []struct {
		field string
		v     value.Value
		text  string
		want  Truth
	}{
		{"Cost", dec("NaN"), `'Cost' > 99999999999999999999 AND 'Cost' = 'Cost'`, True},
		{"Cost", dec("NaN"), `'Cost' > CONVERT("Infinity", "DECIMAL")`, True},
		{"Cost", dec("-Infinity"), `'Cost' < -99999999999999999999`, True},
		{"Weight", value.Real(math.NaN()), `'Weight' > CONVERT("Infinity", "REAL") AND 'Weight' = 'Weight'`, True},
		{"Create Date", value.Instant(value.PosInfinity), `'Create Date' > "9999-12-31" AND 'Create Date' + 60 = 'Create Date'`, True},
		{"Create Date", value.Instant(value.PosInfinity), `'Create Date' - "2026-01-01" > 0`, Unknown},
		{"Create Date", value.Instant(value.NegInfinity), `'Create Date' < 0`, True},
		{"Create Date", value.Instant(-1), `'Create Date' < 0 AND 'Create Date' > -1`, True},
		{"Create Date", value.Instant(1), `'Create Date' > 0 AND 'Create Date' < 1`, True},
		{"Odd", value.Null, `'Odd' = $NULL$`, True},
		{"Odd", dec("18446744073709551615"), `'Odd' > 9223372036854775807 AND 'Odd' % 10 = 5 AND 'Odd' / 5 = 3689348814741910323`, True},
	}
	for _, tt := range tests {
		env := &Env{Fields: request(s.Form, map[string]value.Value{tt.field: tt.v})}
		if got, err := mustCompile(t, tt.text, s).Eval(env); err != nil || got != tt.want {
			t.Errorf("%s of %s: got %v, %v, want %v", tt.text, tt.v, got, err, tt.want)
		}
	}
}

func TestDivisionsByZeroAreCounted(t *testing.T) {
	t.Parallel()
	s := runIf()
	env := chair(s.Form)
	if _, err := mustCompile(t, `1 / 0 = 1 OR 1 % 0 = 1 OR 'Weight' / 0 = 1.5`, s).Eval(env); err != nil || env.DivisionsByZero != 3 {
		t.Errorf("counted %d, %v; want 3", env.DivisionsByZero, err)
	}
}

// TestUnknownValues: a value that the log did not tell is not NULL (G8), and stops only what needs it.
func TestUnknownValues(t *testing.T) {
	t.Parallel()
	s := runIf()
	env := chair(s.Form)
	env.Fields[s.Form.FieldByName("Item").Index] = value.Unchanged
	env.Fields[s.Form.FieldByName("Odd").Index] = value.Absent
	tests := []struct{ text, field string }{
		{`'Item' = "x"`, "'Item'"},
		{`'Odd' = $NULL$`, "'Odd'"},
		{`1 = 2 OR 'Odd' IN (1)`, "'Odd'"},
		{`CHANGED('Odd')`, "'Odd'"},
		{`EXTERNAL('Item')`, "'Item'"},
		{`'Item' + "s" LIKE "a"`, "'Item'"},
	}
	for _, tt := range tests {
		_, err := mustCompile(t, tt.text, s).Eval(env)
		var unknown *UnknownValueError
		if !errors.As(err, &unknown) || unknown.Field != tt.field || unknown.Name() == "" || unknown.Remedy() == "" {
			t.Errorf("%s: got %v, want an unknown value of %s", tt.text, err, tt.field)
		}
	}
	for _, text := range []string{`1 = 2 AND 'Odd' = 1`, `1 = 1 OR 'Item' = "x"`, `NOT CHANGED('Item')`} {
		if _, err := mustCompile(t, text, s).Eval(env); err != nil {
			t.Errorf("%s: got %v, want no error: the value does not matter", text, err)
		}
	}
}

func TestExternal(t *testing.T) {
	t.Parallel()
	s := runIf()
	env := chair(s.Form)
	i := s.Form.FieldByName("Filter").Index
	q := mustCompile(t, `EXTERNAL('Filter')`, s)
	tests := []struct {
		text string
		want string // of the error
	}{
		{`EXTERNAL('Filter')`, "nested deeper than 5"},
		{`'Item' = `, "expected a value, found the end"},
		{`'Nothing' = 1`, `no field "Nothing"`},
	}
	for _, tt := range tests {
		env.Fields[i] = value.Text(tt.text)
		_, err := q.Eval(env)
		var external *ExternalError
		if !errors.As(err, &external) || !strings.Contains(err.Error(), tt.want) || external.Remedy() == "" || external.Name() == "" {
			t.Errorf("%s: got %v, want %s", tt.text, err, tt.want)
		}
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	s := runIf()
	tests := []struct {
		text             string
		before, external bool
		fields           string
		warnings         string
	}{
		{`'Item' = "a" AND 'Status' = 0 OR 'Item' = "b"`, false, false, "Item Status", ""},
		{`'TR.Item' = "a"`, true, false, "Item", ""},
		{`'DB.Item' = 'Item'`, true, false, "Item", ""},
		{`CHANGED('Odd')`, true, false, "Odd", ""},
		{`EXTERNAL($Filter$)`, true, true, "", ""},
		{`$GROUPS$ = "x"`, false, false, "", "at 0: $GROUPS$ is always NULL here"},
		{`$USER$ = "x"`, false, false, "", "at 0: $USER$ is the keyword, not the field of that name (the field is $536870924$)"},
		{`'Item' = ""`, false, false, "Item", `at 0: 'Item' is never "": empty text is NULL (write $NULL$)`},
		{`'Odd' < $NULL$`, false, false, "Odd", "at 0: a comparison with $NULL$ by < is never true (only = and != ask for $NULL$)"},
		{`'Odd' IN (1, $NULL$)`, false, false, "Odd", "at 13: NULL in a list never matches (write OR … = $NULL$)"},
		{`'Status' = 9`, false, false, "Status", `at 11: field "Status" has no value 9`},
	}
	for _, tt := range tests {
		q := mustCompile(t, tt.text, s)
		var names []string
		for _, f := range q.Fields() {
			names = append(names, f.Name)
		}
		if q.UsesBefore() != tt.before || q.HasExternal() != tt.external || strings.Join(names, " ") != tt.fields || q.Warnings().Error() != tt.warnings {
			t.Errorf("%s: got before %v, external %v, fields %v, warnings %v", tt.text, q.UsesBefore(), q.HasExternal(), names, q.Warnings())
		}
		if q.IsAlways() {
			t.Errorf("%s: selects all", tt.text)
		}
	}
	for text, want := range map[string]bool{"": false, `'Item' = "a"`: false, `$GROUPS$ = "a"`: false, `$USER$ = "a"`: true, `EXTERNAL('Filter')`: true} {
		if got := mustCompile(t, text, s).UsesKeywords(); got != want {
			t.Errorf("%s uses keywords: got %v, want %v", text, got, want)
		}
	}
	if !mustCompile(t, " ", s).IsAlways() || len(mustCompile(t, `$Item$ = "a"`, s).CurrentFields()) != 1 {
		t.Error("an empty text does not select all, or a current field is not told")
	}
}

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", path, diff)
	}
}

// TestPrint: canonical text of what people write, one pair per line.
func TestPrint(t *testing.T) {
	t.Parallel()
	inputs := strings.Split(strings.TrimSpace(readFile(t, "testdata/print.in")), "\n")
	var b strings.Builder
	for _, text := range inputs {
		q, err := Compile(text, runIf())
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		fmt.Fprintf(&b, "%s\n    %s\n", text, q)
	}
	golden(t, "print.golden", b.String())
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReject: each mistake of testdata/reject.in with the complaints it gets, and carets below the
// text.
func TestReject(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimRight(readFile(t, "testdata/reject.in"), "\n"), "\n") {
		kind, text, _ := strings.Cut(line, ": ")
		var err error
		switch kind {
		case "search": // an escalation or a hand-run operation
			_, err = Compile(text, Scope{Form: repair()})
		case "run if":
			_, err = Compile(text, runIf())
		case "value":
			_, err = CompileValue(text, Scope{Form: repair(), Target: repair().FieldByName("Status")})
		default:
			t.Fatalf("unknown kind of line %q", line)
		}
		fmt.Fprintf(&b, "%s\n", line)
		var list ErrorList
		if !errors.As(err, &list) || len(list) == 0 {
			t.Errorf("%s: got %v, want complaints", line, err)
		}
		for _, e := range list {
			if e.Offset < 0 || e.Length < 1 || e.Offset > len(text) {
				t.Errorf("%s: complaint at %d+%d lies outside", line, e.Offset, e.Length)
			}
			indent := strings.Repeat(" ", len(kind)+2+len([]rune(text[:e.Offset])))
			fmt.Fprintf(&b, "%s%s %s", indent, strings.Repeat("^", e.Length), e.Msg)
			if e.Hint != "" {
				fmt.Fprintf(&b, " (%s)", e.Hint)
			}
			b.WriteByte('\n')
		}
	}
	golden(t, "reject.golden", b.String())
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	const n = 100_000
	for _, text := range []string{
		strings.Repeat("(", n) + "1 = 1" + strings.Repeat(")", n),
		strings.Repeat("NOT ", n) + "1 = 1",
		strings.Repeat("! ", n),
		strings.Repeat("-", n) + "'Odd' = 1",
		"1" + strings.Repeat(" + 1", n) + " = 2",
		strings.Repeat("LEFT(", n),
	} {
		_, err := Compile(text, runIf())
		if err == nil || !strings.Contains(err.Error(), "nested deeper than 500") {
			t.Errorf("%.20s…: got %v, want a complaint of the depth", text, err)
		}
	}
	long := "1 = 1" + strings.Repeat(" AND 1 = 1", n)
	if got, err := mustCompile(t, long, runIf()).Eval(&Env{}); err != nil || got != True {
		t.Errorf("a long chain of AND: got %v, %v", got, err)
	}
}
