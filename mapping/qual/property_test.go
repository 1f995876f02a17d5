package qual_test

import (
	"fmt"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/integration/qualtest"
	"ardso/mapping/qual"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// form has two fields of each type whose columns are what one catalog or another makes of them.
func form(t *rapid.T) *schema.Form {
	f := &schema.Form{Name: "Repair", EmptyIsNull: rapid.Bool().Draw(t, "empty is null")}
	untyped := rapid.Bool().Draw(t, "sqlite")
	add := func(name string, typ schema.Type, columns ...schema.Column) {
		c := rapid.SampledFrom(columns).Draw(t, name)
		c.Name, c.Nullable, c.Untyped = strings.ToLower(name), true, untyped
		if c.Bits == 0 && c.Kind == value.KindInt {
			c.Bits = 64
		}
		c.DataType = c.BaseType
		f.Fields = append(f.Fields, &schema.Field{
			ID: 536870912 + len(f.Fields), Name: name, Type: typ, Index: len(f.Fields), Column: &c,
			Values: []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 1, Label: "Assigned"}, {ID: 4, Label: "Closed"}},
		})
	}
	text := []schema.Column{
		{Kind: value.KindText, BaseType: "text"},
		{Kind: value.KindText, BaseType: "public.citext", CaseFolding: true},
		{Kind: value.KindText, BaseType: "varchar", Charset: "utf8mb4", CaseFolding: true},
		{Kind: value.KindText, BaseType: "uuid"},
	}
	whole := schema.Column{Kind: value.KindInt, BaseType: "bigint"}
	instant := schema.Column{Kind: value.KindInstant, BaseType: "timestamp", Scale: 6}
	for _, n := range []string{"1", "2"} {
		add("Text "+n, schema.Character, text...)
		add("Integer "+n, schema.Integer, whole)
		add("Decimal "+n, schema.Decimal, schema.Column{Kind: value.KindDecimal, BaseType: "numeric"})
		add("Real "+n, schema.Real, schema.Column{Kind: value.KindReal, BaseType: "double precision"})
		add("Status "+n, schema.Selection, whole)
		add("Instant "+n, schema.DateTime, whole, instant)
		add("Day "+n, schema.Date, whole, schema.Column{Kind: value.KindDate, BaseType: "date"})
		add("Clock "+n, schema.Time, whole, schema.Column{Kind: value.KindTime, BaseType: "time", Scale: 6})
	}
	return f
}

func truthOf(b *bool) qual.Truth {
	switch {
	case b == nil:
		return qual.Unknown
	case *b:
		return qual.True
	}
	return qual.False
}

// TestAgainstReference: Eval agrees with the evaluator of qualtest; print and parse keep text and
// meaning; the pre-filter selects every row that Eval accepts.
func TestAgainstReference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := form(t)
		s := qual.Scope{Form: f, CaseSensitive: rapid.Bool().Draw(t, "case sensitive")}
		c := qualtest.Draw(t, f, qualtest.Options{CaseSensitive: s.CaseSensitive, Depth: 3})
		q, err := qual.Compile(c.Text, s)
		if err != nil {
			t.Fatalf("%s: %v", c.Text, err)
		}
		again, err := qual.Compile(q.String(), s)
		if err != nil || again.String() != q.String() {
			t.Fatalf("%s\n  printed %s\n  again %v, %v", c.Text, q, again, err)
		}
		filter := q.Prefilter()
		for range 20 {
			row := qualtest.Row(t, f)
			if f.EmptyIsNull {
				for i, v := range row {
					if v.Kind() == value.KindText && v.Text() == "" {
						row[i] = value.Null
					}
				}
			}
			want := truthOf(c.Truth(row))
			got, err := q.Eval(&qual.Env{Fields: row})
			if err != nil || got != want {
				t.Fatalf("%s\nof %v: got %v, %v; want %v", c.Text, row, got, err, want)
			}
			if got, _ := again.Eval(&qual.Env{Fields: row}); got != want {
				t.Fatalf("%s\nprinted %s: got %v, want %v", c.Text, again, got, want)
			}
			if want == qual.True && !selects(f, filter, row) {
				t.Fatalf("%s\nfilter %s\nloses %v", c.Text, show(filter), row)
			}
		}
	})
}

// selects interprets a condition as strictly as any engine may: text is equal only to itself, and
// nothing is known of its order.
func selects(f *schema.Form, c schema.Condition, row []value.Value) bool {
	switch c.Op {
	case schema.Always:
		return true
	case schema.And, schema.Or:
		for _, p := range c.Parts {
			if selects(f, p, row) != (c.Op == schema.And) {
				return c.Op == schema.Or
			}
		}
		return c.Op == schema.And
	}
	x := fieldOf(f, c.Column)
	v, err := x.Stored(row[x.Index])
	if err != nil {
		panic(err)
	}
	switch c.Op {
	case schema.IsNull:
		return v.IsNull()
	case schema.NotNull:
		return !v.IsNull()
	}
	if v.IsNull() {
		return false
	}
	for _, w := range c.Values {
		if compares(c, v, w) {
			return true
		}
	}
	return false
}

func fieldOf(f *schema.Form, c *schema.Column) *schema.Field {
	for _, x := range f.Fields {
		if x.Column == c {
			return x
		}
	}
	panic("a condition on a column of no field")
}

func compares(c schema.Condition, v, w value.Value) bool {
	if c.Column.Kind == value.KindText {
		switch {
		case c.Op != schema.Equal && c.Op != schema.In:
			panic("a condition on the order of text")
		case !isCitext(c.Column):
			return v.Text() == w.Text()
		}
		return asciiLower(v.Text()) == asciiLower(w.Text())
	}
	if w.Kind() == value.KindText && c.Column.Untyped { // stands behind all numbers
		return c.Op == schema.Less || c.Op == schema.LessEqual
	}
	d := 0
	switch {
	case v.Kind() == value.KindReal:
		d = sign(v.Real() - w.Real())
	case v.Kind() == value.KindDecimal:
		d = compareDecimals(v, w)
	default:
		d = sign(float64(v.Int()) - float64(w.Int()))
	}
	switch c.Op {
	case schema.Equal, schema.In:
		return d == 0
	case schema.NotEqual:
		return d != 0
	case schema.Less:
		return d < 0
	case schema.LessEqual:
		return d <= 0
	case schema.Greater:
		return d > 0
	}
	return d >= 0
}

func isCitext(c *schema.Column) bool { return strings.HasSuffix(c.BaseType, "citext") }

// asciiLower is citext in the most stubborn locale: only ASCII letters fold, and i does not.
func asciiLower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' && r != 'I' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

func sign(f float64) int {
	switch {
	case f < 0:
		return -1
	case f > 0:
		return 1
	}
	return 0
}

func show(c schema.Condition) string {
	if c.Column != nil {
		return fmt.Sprintf("%s %d %v", c.Column.Name, c.Op, c.Values)
	}
	parts := make([]string, len(c.Parts))
	for i, p := range c.Parts {
		parts[i] = show(p)
	}
	return fmt.Sprintf("%d(%s)", c.Op, strings.Join(parts, "; "))
}

// TestBindKeepsMeaning: what Bind writes judges rows as the qualification does with the values, in
// whatever zone.
func TestBindKeepsMeaning(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := form(t)
		s := qual.Scope{Form: f, Current: f, NullCompareAR: rapid.Bool().Draw(t, "null compare")}
		c := qualtest.Draw(t, f, qualtest.Options{Depth: 3})
		text := dollars(t, c.Text)
		q, err := qual.Compile(text, s)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		env := &qual.Env{Current: qualtest.Row(t, f)}
		bound, err := q.Bind(env)
		if err != nil {
			t.Fatalf("bind %s: %v", text, err)
		}
		alone, err := qual.Compile(bound, qual.Scope{Form: f, NullCompareAR: s.NullCompareAR})
		if err != nil {
			t.Fatalf("%s\nbound %s: %v", text, bound, err)
		}
		for range 10 {
			env.Fields = qualtest.Row(t, f)
			want, err1 := q.Eval(env)
			got, err2 := alone.Eval(&qual.Env{Fields: env.Fields})
			if got != want || err1 != nil || err2 != nil {
				t.Fatalf("%s\nbound %s\nof %v: got %v, want %v (%v, %v)", text, bound, env.Fields, got, want, err1, err2)
			}
		}
	})
}

var references = regexp.MustCompile(`'[A-Z][a-z]+ [12]'`)

// dollars turns some 'F' into $F$.
func dollars(t *rapid.T, text string) string {
	return references.ReplaceAllStringFunc(text, func(s string) string {
		if rapid.Bool().Draw(t, "current") {
			return "$" + strings.Trim(s, "'") + "$"
		}
		return s
	})
}

func compareDecimals(a, b value.Value) int {
	x, _ := new(big.Rat).SetString(a.SQL())
	y, _ := new(big.Rat).SetString(b.SQL())
	return x.Cmp(y)
}
