package qual

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// TestValue covers §7 and what §6.4 says of NULL in value expressions.
func TestValue(t *testing.T) {
	t.Parallel()
	day := func(y int, m time.Month, d int) value.Value { return value.Date(dayOf(y, m, d)) }
	noon := value.Instant(at2026(12, 0))
	tests := []struct {
		text string
		want value.Value
		typ  schema.Type
	}{
		{`"SF"`, value.Text("SF"), schema.Character},
		{`'Item'`, value.Text("chair"), schema.Character},
		{`$Item$`, value.Text("chair"), schema.Character},
		{`$NULL$`, value.Null, 0},
		{`'Log'`, value.Null, schema.Character},
		{`5`, value.Int(5), schema.Integer},
		{`2.50`, dec("2.5"), schema.Decimal},
		{`$USER$`, value.Text("Demo"), schema.Character},
		{`$TIMESTAMP$`, value.Instant(at2026(21, 9)), schema.DateTime},
		{`'Status'`, value.Int(1), schema.Selection},

		{`'Log' + "x"`, value.Text("x"), schema.Character},
		{`"x" + 'Log' + 'Priority' + "y"`, value.Text("xy"), schema.Character},
		{`"is " + 'Status'`, value.Text("is Assigned"), schema.Character},
		{`"n=" + 'Odd'`, value.Text("n=1"), schema.Character},
		{`"at " + 'Create Date'`, value.Text("at 2026-11-22 09:30:00"), schema.Character},
		{`'536870925' + 1`, value.Int(1), schema.Integer},
		{`$NULL$ + 1`, value.Int(1), schema.Integer},
		{`'536870925' * 5`, value.Int(0), schema.Integer},
		{`5 / '536870925'`, value.Null, schema.Integer},
		{`'Create Date' + '536870925'`, value.Null, schema.DateTime},
		{`'Cost' + 'Odd'`, dec("13.5"), schema.Decimal},
		{`1.0 / 3`, dec("0.3333333333333333333333333333333333333333"), schema.Decimal},
		{`2.0 / 3`, dec("0.6666666666666666666666666666666666666667"), schema.Decimal},
		{`'Weight' + 1`, value.Real(3.5), schema.Real},

		{`DATE('Create Date')`, value.Text("2026-11-22"), schema.Character},
		{`TIME('Create Date')`, value.Text("09:30:00"), schema.Character},
		{`DATE('Log')`, value.Absent, 0},
		{`MONTH('Create Date') * 10000 + DAY('Day') * 100 + HOUR('Hour')`, value.Int(112210), schema.Integer},
		{`YEAR("07/05/2020") + MINUTE('Create Date') + SECOND("10:20:30")`, value.Int(2080), schema.Integer},
		{`WEEKDAY('Day')`, value.Int(1), schema.Integer},
		{`MONTH($NULL$)`, value.Null, schema.Integer},
		{`TRUNC(2.9) + TRUNC(-2.9)`, value.Int(0), schema.Integer},
		{`ROUND(2.5)`, value.Int(3), schema.Integer},
		{`ROUND(-2.5)`, value.Int(-2), schema.Integer},
		{`ROUND('Weight')`, value.Int(3), schema.Integer},
		{`TRUNC(12345678901234567890.5)`, dec("12345678901234567890"), schema.Integer},

		{`LENGTH("Ärm")`, value.Int(4), schema.Integer},
		{`LENGTHC("Ärm")`, value.Int(3), schema.Integer},
		{`UPPER("Ärm") + LOWER("ÄRM")`, value.Text("ÄRMärm"), schema.Character},
		{`SUBSTR("abcdef", 1, 3)`, value.Text("bcd"), schema.Character},
		{`SUBSTR("abcdef", 4)`, value.Text("ef"), schema.Character},
		{`SUBSTR("aÄb", 1, 1)`, value.Text(""), schema.Character},
		{`SUBSTR("aÄb", 1, 2)`, value.Text("Ä"), schema.Character},
		{`SUBSTR("aÄb", 2, 3)`, value.Text("b"), schema.Character},
		{`SUBSTRC("aÄb", 1, 1)`, value.Text("Ä"), schema.Character},
		{`SUBSTR("abc", 5, 9) + SUBSTR("abc", 2, 1) + SUBSTR("abc", -5, 0)`, value.Text("a"), schema.Character},
		{`LEFT("漢字", 3)`, value.Text("漢"), schema.Character},
		{`LEFT("漢字", 5)`, value.Text("漢"), schema.Character},
		{`LEFTC("漢字", 5)`, value.Text("漢字"), schema.Character},
		{`RIGHT("漢字", 4)`, value.Text("字"), schema.Character},
		{`RIGHTC("漢字x", 2)`, value.Text("字x"), schema.Character},
		{`LEFT("abc", -1) + RIGHT("abc", 0)`, value.Text(""), schema.Character},
		{`"<" + LTRIM("  a ") + RTRIM(" b	 ") + ">"`, value.Text("<a  b>"), schema.Character},
		{`LPAD('Odd', 4, "0")`, value.Text("0001"), schema.Character},
		{`RPAD("a", 6, "xy") + LPAD("abc", 2, "x") + LPAD("a", 3, "")`, value.Text("axyxyxabca"), schema.Character},
		{`LPAD("a", 4, "Ä") + LPADC("a", 3, "Ä")`, value.Text("ÄaÄÄa"), schema.Character},
		{`RPAD("a", 3, "Ä") + RPADC("a", 2, "Ä")`, value.Text("aÄaÄ"), schema.Character},
		{`REPLACE("banana", "an", "-an-") + REPLACE("a", "", "x")`, value.Text("b-an--an-aa"), schema.Character},
		{`STRSTR("aÄb", "b")`, value.Int(3), schema.Integer},
		{`STRSTRC("aÄb", "b")`, value.Int(2), schema.Integer},
		{`STRSTR("abc", "x")`, value.Int(-1), schema.Integer},
		{`STRIPHTML("<p class='x'>a &lt; b<br/><!-- <i> --><script>x<y</script>c 1 < 2</p>")`, value.Text("a < bc 1 < 2"), schema.Character},

		{`MIN(3, 'Odd', 2)`, value.Int(1), schema.Integer},
		{`MAX(3, 'Cost', 2)`, dec("12.5"), schema.Decimal},
		{`MAX('536870925', -5)`, value.Int(-5), schema.Integer},
		{`MIN('536870925', -5)`, value.Null, schema.Integer},
		{`MAX("a", 'Item', "B")`, value.Text("chair"), schema.Character},
		{`MAX('Create Date', "2027-01-01")`, value.Instant(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()), schema.DateTime},

		{`DATEADD("MONTH", 1, CONVERT("2026-01-31", "DATE"))`, day(2026, 2, 28), schema.Date},
		{`DATEADD("year", -1, CONVERT("2024-02-29", "DATE"))`, day(2023, 2, 28), schema.Date},
		{`DATEADD("QUARTER", -4, CONVERT("2026-01-31", "DATE"))`, day(2025, 1, 31), schema.Date},
		{`DATEADD("WEEK", 2, 'Day')`, day(2026, 12, 6), schema.Date},
		{`DATEADD("MINUTE", 150, 'Create Date')`, noon, schema.DateTime},
		{`DATEDIFF("DAY", "2026-11-20", "2026-11-22")`, value.Int(2), schema.Integer},
		{`DATEDIFF("DAY", "2026-11-22", "2026-11-20")`, value.Int(-2), schema.Integer},
		{`DATEDIFF("MONTH", "2026-01-31", "2026-02-28")`, value.Int(1), schema.Integer},
		{`DATEDIFF("YEAR", "2024-06-02", "2026-06-01")`, value.Int(1), schema.Integer},
		{`DATEDIFF("HOUR", 'Create Date', "2026-11-22 12:29")`, value.Int(2), schema.Integer},
		{`DATENAME("MONTH", 'Day') + DATENAME("WEEKDAY", 'Day') + DATENAME("YEAR", 'Day')`, value.Text("NovemberSunday2026"), schema.Character},
		{`DATENUM("QUARTER", 'Day') * 100 + DATENUM("WEEK", 'Day')`, value.Int(447), schema.Integer},

		{`CONVERT('Odd', "CHARACTER")`, value.Text("1"), schema.Character},
		{`CONVERT('Status', "character")`, value.Text("Assigned"), schema.Character},
		{`CONVERT("12.50", "DECIMAL")`, dec("12.5"), schema.Decimal},
		{`CONVERT('Odd', "REAL") + 'Weight'`, value.Real(3.5), schema.Real},
		{`CONVERT('Create Date', "DATE")`, value.Date(2461367), schema.Date},
		{`CONVERT('Create Date', "TIME")`, value.TimeOfDay(34200 * secondMicros), schema.Time},
		{`CONVERT('Day', "DATE/TIME")`, value.Instant(at2026(0, 0)), schema.DateTime},
		{`CONVERT('Create Date', "INTEGER")`, value.Int(at2026(9, 30) / secondMicros), schema.Integer},
		{`CONVERT("0a0b", "BYTES")`, value.Bytes([]byte{10, 11}), schema.Bytes},
		{`CONVERT('Log', "INTEGER")`, value.Null, schema.Integer},
		{`CONVERT('Weight', "DECIMAL") + 'Odd'`, dec("3.5"), schema.Decimal},
		{`CONVERT(3.0, "INTEGER") + CONVERT('Weight' * 2, "INTEGER")`, value.Int(8), schema.Integer},
		{`CONVERT('Day', "INTEGER") + CONVERT('Hour', "INTEGER")`, value.Int(2461367 + 36000), schema.Integer},
		{`CONVERT(3, "DECIMAL") / 2`, dec("1.5"), schema.Decimal},
		{`CONVERT('Odd', "DATE/TIME")`, value.Instant(secondMicros), schema.DateTime},
		{`CONVERT('Odd', "TIME")`, value.TimeOfDay(secondMicros), schema.Time},
		{`CONVERT("NaN", "DECIMAL") + 1`, dec("NaN"), schema.Decimal},
		{`CONVERT("Infinity", "DECIMAL") * -1`, dec("-Infinity"), schema.Decimal},
		{`CONVERT("Infinity", "DECIMAL") - CONVERT("Infinity", "DECIMAL")`, dec("NaN"), schema.Decimal},
		{`-CONVERT("-Infinity", "DECIMAL")`, dec("Infinity"), schema.Decimal},
		{`-'Cost' - -'Weight' * 0.0`, value.Absent, 0},
		{`ROUND(CONVERT("NaN", "DECIMAL"))`, value.Null, schema.Integer},
		{`TRUNC(CONVERT("Infinity", "REAL"))`, value.Null, schema.Integer},
		{`'Weight' - 0.5 - 'Weight' * 1.0 / 0.5`, value.Real(-3), schema.Real},
		{`'Weight' / 0`, value.Null, schema.Real},
		{`9223372036854775807 * 2 - 9223372036854775807`, value.Int(math.MaxInt64), schema.Integer},
		{`LEFT("abc", 99999999999999999999) + LEFT("abc", -99999999999999999999)`, value.Text("abc"), schema.Character},
		{`5 + 'Create Date' - 5`, value.Instant(at2026(9, 30)), schema.DateTime},
		{`$NULL$ - 'Create Date'`, value.Null, 0},
		{`'Hour' - "09:00"`, value.Int(3600), schema.Integer},
		{`MAX($NULL$, 'Log', 'Item')`, value.Text("chair"), schema.Character},
	}
	s := runIf()
	s.TRDB = false
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			x, err := CompileValue(tt.text, s)
			if err != nil {
				if tt.want.Kind() == value.KindAbsent {
					return // refused, as it should be
				}
				t.Fatal(err)
			}
			got, err := x.Eval(chair(s.Form))
			if err != nil || !got.Equal(tt.want) || got.Kind() != tt.want.Kind() && !got.Equal(tt.want) {
				t.Errorf("got %s, %v; want %s", got, err, tt.want)
			}
			if x.Type() != tt.typ {
				t.Errorf("got type %v, want %v", x.Type(), tt.typ)
			}
			again, err := CompileValue(x.String(), s)
			if err != nil || again.String() != x.String() {
				t.Errorf("printed as %s, which reads as %v, %v", x, again, err)
			}
		})
	}
}

// TestTargetFitsLiterals: §12 rows 13 and 14 for a literal that is the whole value.
func TestTargetFitsLiterals(t *testing.T) {
	t.Parallel()
	tests := []struct {
		field, text string
		want        value.Value
		typ         schema.Type
	}{
		{"Status", `"Closed"`, value.Int(4), schema.Selection},
		{"Create Date", `"2026-11-22 12:00"`, value.Instant(at2026(12, 0)), schema.DateTime},
		{"Day", `"11/22/26"`, value.Date(2461367), schema.Date},
		{"Day", `$DATE$`, value.Date(2461367), schema.Date},
		{"Hour", `$TIME$`, value.TimeOfDay((21*3600 + 9*60) * secondMicros), schema.Time},
		{"Weight", `2`, value.Real(2), schema.Real},
		{"Item", `'Odd'`, value.Int(1), schema.Integer},
	}
	for _, tt := range tests {
		s := runIf()
		s.Target = s.Form.FieldByName(tt.field)
		x, err := CompileValue(tt.text, s)
		if err != nil {
			t.Fatalf("%s for %s: %v", tt.text, tt.field, err)
		}
		if got, err := x.Eval(chair(s.Form)); err != nil || !got.Equal(tt.want) || x.Type() != tt.typ {
			t.Errorf("%s for %s: got %s (%v), %v; want %s (%v)", tt.text, tt.field, got, x.Type(), err, tt.want, tt.typ)
		}
	}
}

func TestValueField(t *testing.T) {
	t.Parallel()
	s := runIf()
	for text, want := range map[string]string{`'Item'`: "Item", `('7')`: "Status", `$Item$`: "Item", `'Item' + ""`: "", `"a"`: "", `'536870917.TYPE'`: ""} {
		x, err := CompileValue(text, s)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		if f := x.Field(); f != nil {
			name = f.Name
		}
		if name != want {
			t.Errorf("%s: copies %q, want %q", text, name, want)
		}
	}
}

func TestValueErrors(t *testing.T) {
	t.Parallel()
	s := runIf()
	env := chair(s.Form)
	env.Fields[s.Form.FieldByName("Log").Index] = value.Text(strings.Repeat("x", 1<<20))
	for _, text := range []string{
		`CONVERT('Item', "INTEGER")`, `CONVERT('Weight', "INTEGER")`, `CONVERT('Item', "DATE")`,
		`LPAD("a", 99999999999, "x")`, `REPLACE('Log', "x", 'Log')`, `'Create Date' + 9223372036854775807`,
		`DATEADD("YEAR", 999999999, 'Day')`,
	} {
		x, err := CompileValue(text, s)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, err = x.Eval(env)
		var named interface {
			Name() string
			Remedy() string
		}
		if !errors.As(err, &named) || named.Name() == "" || named.Remedy() == "" {
			t.Errorf("%s: got %v, want an error with name and remedy", text, err)
		}
	}
}

func TestFunctionsAreDocumented(t *testing.T) {
	t.Parallel()
	if n := len(Functions()); n != 38 {
		t.Errorf("%d functions are offered, want 38", n)
	}
	for _, f := range functions {
		if f.reject == "" && (!strings.HasPrefix(f.doc, f.name+"(") || f.run == nil || f.result == nil || f.least > len(f.params)) {
			t.Errorf("the entry of %s is not complete", f.name)
		}
	}
}

// TestSummerTime: days go by the calendar where clocks change.
func TestSummerTime(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("America/Los_Angeles")
	if err != nil {
		t.Fatal(err)
	}
	s := runIf()
	s.Zone = zone
	tests := []struct{ text, want string }{
		{`TIME(DATEADD("DAY", 1, "2026-03-07 12:00"))`, "12:00:00"},
		{`TIME(DATEADD("HOUR", 24, "2026-03-07 12:00"))`, "13:00:00"},
		{`"" + DATEDIFF("DAY", "2026-03-07 12:00", "2026-03-08 12:00")`, "1"},
		{`"" + DATEDIFF("HOUR", "2026-03-07 12:00", "2026-03-08 12:00")`, "23"},
		{`"" + CONVERT("2026-03-08 12:00", "DATE/TIME")`, "2026-03-08 12:00:00"},
	}
	for _, tt := range tests {
		x, err := CompileValue(tt.text, s)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := x.Eval(&Env{}); err != nil || got.Text() != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.text, got, err, tt.want)
		}
	}
}
