package qual

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ardso/integration/qualtest"
	"ardso/sql/value"
)

// FuzzCompile: no text makes the compiler or the evaluator panic or hang; what compiles prints to a
// text that compiles to the same and judges the same.
func FuzzCompile(f *testing.F) {
	for _, file := range []string{"testdata/print.in", "testdata/reject.in"} {
		for _, line := range strings.Split(readFile(f, file), "\n") {
			if kind, text, ok := strings.Cut(line, ": "); ok && !strings.Contains(kind, "'") {
				line = text
			}
			f.Add(line)
		}
	}
	s := runIf()
	for _, x := range functions {
		f.Add(x.name + `('Item', "a", 1)`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start := time.Now()
		if x, err := CompileValue(text, s); err == nil {
			checkValue(t, x, s)
		}
		q, err := Compile(text, s)
		if err != nil {
			var list ErrorList
			if !errors.As(err, &list) {
				t.Fatalf("%q: got %v, want an ErrorList", text, err)
			}
			for _, e := range list {
				if e.Offset < 0 || e.Length < 1 || e.Offset > len(text) || e.Msg == "" {
					t.Fatalf("%q: complaint %+v", text, e)
				}
			}
			return
		}
		again, err := Compile(q.String(), s)
		if err != nil || again.String() != q.String() {
			t.Fatalf("%q\nprinted %s\n  again %v, %v", text, q, again, err)
		}
		a, err1 := q.Eval(chair(s.Form))
		b, err2 := again.Eval(chair(s.Form))
		if a != b || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%q is %v, %v; printed %s is %v, %v", text, a, err1, again, b, err2)
		}
		q.Prefilter()
		checkBind(t, q, s, a, err1)
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("%.100q took %v", text, d)
		}
	})
}

func checkValue(t *testing.T, x *Expression, s Scope) {
	again, err := CompileValue(x.String(), s)
	if err != nil || again.String() != x.String() || again.Type() != x.Type() {
		t.Fatalf("printed %s\n  again %v, %v", x, again, err)
	}
	a, err1 := x.Eval(chair(s.Form))
	b, err2 := again.Eval(chair(s.Form))
	if (err1 == nil) != (err2 == nil) || err1 == nil && (!a.Known() || !a.Equal(b)) {
		t.Fatalf("%s is %s, %v; then %s, %v", x, a, err1, b, err2)
	}
}

// checkBind: a bound text compiles, and where the row decides nothing else, judges as q does.
func checkBind(t *testing.T, q *Qualification, s Scope, want Truth, failed error) {
	env := chair(s.Form)
	text, err := q.Bind(env)
	if err != nil {
		return
	}
	bound, err := Compile(text, Scope{Form: s.Form, TRDB: true})
	if err != nil && strings.Contains(err.Error(), "nested deeper") {
		return // the values are a level deeper
	}
	if err != nil {
		t.Fatalf("%s\nbound %s: %v", q, text, err)
	}
	env.Current, env.Keywords = nil, Keywords{}
	if got, err := bound.Eval(env); failed == nil && !q.HasExternal() && (err != nil || got != want) {
		t.Fatalf("%s is %v\nbound %s: %v, %v", q, want, text, got, err)
	}
}

// FuzzLike compares the matcher with a regular expression.
func FuzzLike(f *testing.F) {
	for _, seed := range [][2]string{{"%a%", "banana"}, {"[a-f]_[^x]", "bcd"}, {"[%][[]%", "%[x"}, {"%aab", "aaaaab"}, {"[]", ""}, {"k", "\u212a"}} {
		f.Add(seed[0], seed[1], true)
	}
	f.Fuzz(func(t *testing.T, p, s string, exact bool) {
		p, s = strings.ToValidUTF8(p, "?"), strings.ToValidUTF8(s, "?")
		if strings.Contains(p, "\ufffd") || strings.Contains(s, "\ufffd") || len(p) > 200 {
			return
		}
		re, err := regexp.Compile(qualtest.LikeRegexp(p, exact))
		if err != nil {
			return // more than package regexp takes
		}
		if got, want := compilePattern(p, exact).match(s), re.MatchString(s); got != want {
			t.Fatalf("%q LIKE %q (exact %v): got %v, want %v", s, p, exact, got, want)
		}
	})
}

// TestLike draws texts and patterns of few letters, so that they match often.
func TestLike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.StringOfN(rapid.RuneFrom([]rune("abAß%%_[]^-kK\u212a")), 0, 12, -1).Draw(t, "pattern")
		exact := rapid.Bool().Draw(t, "exact")
		re := regexp.MustCompile(qualtest.LikeRegexp(p, exact))
		pat := compilePattern(p, exact)
		for range 30 {
			s := rapid.StringOfN(rapid.RuneFrom([]rune("abAßk\u212a^-")), 0, 10, -1).Draw(t, "text")
			if got, want := pat.match(s), re.MatchString(s); got != want || Like(s, p, exact) != want {
				t.Fatalf("%q LIKE %q (exact %v): got %v, want %v", s, p, exact, got, want)
			}
		}
	})
}

// TestLikeDoesNotBlowUp: patterns that make a backtracking matcher take years.
func TestLikeDoesNotBlowUp(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("a", 1<<20)
	for _, p := range []string{
		strings.Repeat("%a", 500) + "%b", strings.Repeat("a%", 500) + "b", "%" + strings.Repeat("a", 4000) + "b%",
		strings.Repeat("%_a", 100) + "b", "%[ab][ab][ab][ab]b%",
	} {
		start := time.Now()
		if compilePattern(p, false).match(text) {
			t.Errorf("%.20s matches", p)
		}
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%.20s took %v", p, d)
		}
	}
}

// TestBindSurvives: values of every type, and odd ones, come back out of the text.
func TestBindSurvives(t *testing.T) {
	t.Parallel()
	s := runIf()
	s.Zone = time.FixedZone("CET", 3600)
	tests := []struct {
		text  string
		field string
		v     value.Value
		want  string
	}{
		{`'Item' = $Item$`, "Item", value.Text(`say "hi" to 'em $USER$`), `'Item' = "say ""hi"" to 'em $USER$"`},
		{`'Item' = $Item$`, "Item", value.Null, `'Item' = -$NULL$`},
		{`'Item' = $Item$ OR $Item$ = $NULL$`, "Item", value.Null, ``},
		{`'Item' = $NULL$`, "Item", value.Null, `'Item' = $NULL$`},
		{`'Item' LIKE $Item$ + "%"`, "Item", value.Text("ch"), `'Item' LIKE "ch%"`},
		{`'Odd' = $Odd$`, "Odd", value.Int(-5), `'Odd' = -5`},
		{`'Odd' = $Odd$`, "Odd", dec("18446744073709551615"), `'Odd' = 18446744073709551615`},
		{`'Cost' / 2 = $Cost$ / 'Odd'`, "Cost", dec("5"), `'Cost' / 2 = 5.0 / 'Odd'`},
		{`'Cost' = $Cost$`, "Cost", dec("NaN"), `'Cost' = CONVERT("NaN", "DECIMAL")`},
		{`'Weight' < $Weight$`, "Weight", value.Real(1e300), `'Weight' < CONVERT("1e+300", "REAL")`},
		{`'Create Date' = $Create Date$`, "Create Date", value.Instant(1_500_000), `'Create Date' = CONVERT("1970-01-01 00:00:01.5Z", "DATE/TIME")`},
		{`'Create Date' > "2026-11-22"`, "Item", value.Null, `'Create Date' > CONVERT("2026-11-21 23:00:00Z", "DATE/TIME")`},
		{`'Create Date' < $Create Date$`, "Create Date", value.Instant(value.PosInfinity), `'Create Date' < CONVERT("infinity", "DATE/TIME")`},
		{`'Create Date' = $Create Date$`, "Create Date", value.Instant(-99_999_999_999 * secondMicros), `'Create Date' = CONVERT("1200-02-15 14:13:21Z BC", "DATE/TIME")`},
		{`'Day' = $Day$`, "Day", value.Date(1), `'Day' = CONVERT("4714-11-25 BC", "DATE")`},
		{`'Day' = $Day$`, "Day", value.Date(2_000_000_000), `'Day' = CONVERT(2000000000, "DATE")`},
		{`'Hour' = $Hour$`, "Hour", value.TimeOfDay(-90_000 * secondMicros), `'Hour' = CONVERT("-25:00:00", "TIME")`},
		{`'Hour' = $Hour$`, "Hour", value.TimeOfDay(99_999_999 * secondMicros), `'Hour' = CONVERT(99999999, "TIME")`},
		{`'Status' = $Status$ AND 'Status' < "Closed"`, "Status", value.Int(1), `'Status' = 1 AND 'Status' < "Closed"`},
		{`'Raw' = $Raw$`, "Raw", value.Bytes([]byte{0, 255}), `'Raw' = CONVERT("00ff", "BYTES")`},
		{`'Item' = "a" AND $Odd$ = 1`, "Odd", value.Int(2), `1 = 0`},
		{`'Item' = "a" AND $Odd$ = 1`, "Odd", value.Int(1), `'Item' = "a"`},
		{`'Item' = "a" OR NOT $Odd$ > 1`, "Odd", value.Null, `'Item' = "a" OR 1 < $NULL$`},
		{`'Item' = "a" AND EXTERNAL($Filter$)`, "Filter", value.Text(`'Odd' = 1 OR $Odd$ = 5`), `'Item' = "a" AND ('Odd' = 1 OR 1 < $NULL$)`},
		{`'Item' = $USER$ AND 'Day' = $DATE$`, "Odd", value.Null, `'Item' = "Demo" AND 'Day' = CONVERT("2026-11-22", "DATE")`},
	}
	for _, tt := range tests {
		q := mustCompile(t, tt.text, s)
		env := &Env{Current: request(s.Form, map[string]value.Value{tt.field: tt.v}), Keywords: chair(s.Form).Keywords}
		got, err := q.Bind(env)
		if err != nil || got != tt.want {
			t.Errorf("%s with %s:\n got %s, %v\nwant %s", tt.text, tt.v, got, err, tt.want)
			continue
		}
		alone := mustCompile(t, got, Scope{Form: s.Form})
		for _, row := range [][]value.Value{env.Current, request(s.Form, nil), chair(s.Form).Fields} {
			env.Fields = row
			want, err1 := q.Eval(env)
			if got, err2 := alone.Eval(&Env{Fields: row}); got != want || err1 != nil || err2 != nil {
				t.Errorf("%s: got %v, want %v (%v, %v)", alone, got, want, err1, err2)
			}
		}
	}
}

func TestBindRefusesWholeCurrency(t *testing.T) {
	t.Parallel()
	s := runIf()
	_, err := mustCompile(t, `'Price' = $Price$`, s).Bind(chair(s.Form))
	var e *BindError
	if !errors.As(err, &e) || e.Name() == "" || e.Remedy() == "" || !strings.Contains(e.Error(), "$Price$") {
		t.Errorf("got %v, want a *BindError", err)
	}
}

// BenchmarkEval judges what filters usually ask.
func BenchmarkEval(b *testing.B) {
	s := runIf()
	for name, text := range map[string]string{
		"run if":  `'Item' = "chair" AND 'Status' < "Closed" AND $USER$ != "Distributed Server"`,
		"TR":      `'TR.Status' != 'DB.Status' AND 'Odd' IN (1, 2, 3)`,
		"like":    `'Short Description' LIKE "Brok%50[%]"`,
		"decimal": `'Cost' > 12 AND 'Cost' <= 12.5`,
	} {
		b.Run(name, func(b *testing.B) {
			q, env := mustCompile(b, text, s), chair(s.Form)
			b.ReportAllocs()
			for b.Loop() {
				if got, err := q.Eval(env); got != True || err != nil {
					b.Fatal(got, err)
				}
			}
		})
	}
}

// TestEvalDoesNotAllocate keeps the benchmark's promise.
func TestEvalDoesNotAllocate(t *testing.T) {
	s := runIf()
	q, env := mustCompile(t, `'Item' = "chair" AND 'Status' < "Closed" AND $USER$ != "Distributed Server" AND 'Cost' > 12 AND 'Item' LIKE "c%"`, s), chair(s.Form)
	if n := testing.AllocsPerRun(100, func() { _, _ = q.Eval(env) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkCompile is what EXTERNAL pays per row.
func BenchmarkCompile(b *testing.B) {
	s := runIf()
	b.ReportAllocs()
	for b.Loop() {
		mustCompile(b, `'Item' = "chair" AND 'Status' < "Closed" AND $USER$ != "Distributed Server"`, s)
	}
}
