// Package qualtest makes random qualifications and rows for tests. A qualification comes with an
// evaluator of its own, which shares no code with package qual: logic by tables, numbers by
// math/big, text by folded runes, LIKE by package regexp.
package qualtest

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// Case is a qualification and what it means.
type Case struct {
	Text string
	// Truth judges a row of logical values along the form's fields: true, false, or nil for unknown.
	Truth func(row []value.Value) *bool
}

// Options of Draw.
type Options struct {
	CaseSensitive bool
	Depth         int // of AND, OR and NOT
}

var (
	yes, no = true, false
	ops     = []string{"=", "!=", "<", "<=", ">", ">="}
)

// Texts, Numbers and the rest are drawn for rows and literals alike, so that they meet.
var (
	texts = []string{
		"a", "A", "b", "chair", "CHAIR", "chairs", "sam", "ſam", "SAM", "k", "K", "\u212a", "i", "I", "ı", "İ",
		"Straße", "STRASSE", "Ärm", "ärm", "Arm", "σς", "ΣΣ", "a ", " ", "0815", "50%", "x_y", "[b]", "\"q\"", "漢字", "😀", "aA", "aa",
	}
	integers = []int64{-2147483648, -7, -1, 0, 1, 2, 3, 4, 59, 60, 2460000, 2147483647}
	decimals = []string{"-1.5", "-1", "0", "0.1", "0.3", "1", "1.5", "12.5", "12.4999999999", "123456789012.3456789012", "99999999999999999"}
	reals    = []float64{-2.5, 0, 0.1, 0.30000000000000004, 1, 2.5, 1e10}
	patterns = []string{"%", "_", "a%", "%a", "%a%", "c_a_r", "CHAIR", "[abc]%", "[a-f]%", "[^a-f]%", "%[%]", "x[_]y", "[[]b]", "%ß%", "", "%_%", "s%m", "%i%", "[s]am", "[]", "[^]", "k", "_", "[x", "aa%aa"}
	seconds  = []int64{-86400, -1, 0, 1, 1792659845, 1792659846, 1800000000}
	days     = []int64{2440588, 2461367, 2461368, 2415021}
	clocks   = []int64{0, 1, 36000, 86399}
)

// Draw makes a well-typed qualification over the form's fields.
func Draw(t *rapid.T, f *schema.Form, o Options) Case {
	if o.Depth > 0 {
		p := o
		p.Depth--
		switch rapid.IntRange(0, 4).Draw(t, "junction") {
		case 0:
			return junction(t, f, p, "AND", false)
		case 1:
			return junction(t, f, p, "OR", true)
		case 2:
			inner := Draw(t, f, p)
			return Case{"NOT (" + inner.Text + ")", func(row []value.Value) *bool { return not(inner.Truth(row)) }}
		}
	}
	return leaf(t, f, o)
}

// junction is AND, decided by a false part, or OR, decided by a true one.
func junction(t *rapid.T, f *schema.Form, o Options, word string, decisive bool) Case {
	parts := make([]Case, rapid.IntRange(2, 3).Draw(t, "parts"))
	texts := make([]string, len(parts))
	for i := range parts {
		parts[i] = Draw(t, f, o)
		texts[i] = "(" + parts[i].Text + ")"
	}
	return Case{strings.Join(texts, " "+word+" "), func(row []value.Value) *bool {
		unknown := false
		for _, p := range parts {
			switch x := p.Truth(row); {
			case x == nil:
				unknown = true
			case *x == decisive:
				return x
			}
		}
		if unknown {
			return nil
		}
		return truth(!decisive)
	}}
}

func not(x *bool) *bool {
	if x == nil {
		return nil
	}
	return truth(!*x)
}

func truth(b bool) *bool {
	if b {
		return &yes
	}
	return &no
}

// operand is one side of a comparison: text and what it is in a row. nil is NULL.
type operand struct {
	text string
	get  func(row []value.Value) any
}

func leaf(t *rapid.T, f *schema.Form, o Options) Case {
	x := rapid.SampledFrom(f.Fields).Draw(t, "field")
	left := fieldOperand(x)
	switch rapid.IntRange(0, 9).Draw(t, "leaf") {
	case 0:
		return nullTest(t, left)
	case 1, 2:
		if x.Type == schema.Character {
			return like(t, left, o)
		}
		return in(t, x, left, o)
	case 3:
		return in(t, x, left, o)
	}
	right := literal(t, x)
	if same := sameType(f, x); rapid.IntRange(0, 5).Draw(t, "two fields") == 0 {
		right = fieldOperand(rapid.SampledFrom(same).Draw(t, "other"))
	}
	if rapid.Bool().Draw(t, "mirror") {
		left, right = right, left
	}
	op := rapid.SampledFrom(ops).Draw(t, "op")
	return Case{left.text + " " + op + " " + right.text, func(row []value.Value) *bool {
		a, b := left.get(row), right.get(row)
		if a == nil || b == nil {
			return nil
		}
		return truth(holds(op, compare(a, b, o.CaseSensitive)))
	}}
}

func sameType(f *schema.Form, x *schema.Field) []*schema.Field {
	var same []*schema.Field
	for _, y := range f.Fields {
		if y.Type == x.Type {
			same = append(same, y)
		}
	}
	return same
}

func fieldOperand(x *schema.Field) operand {
	return operand{"'" + strings.ReplaceAll(x.Name, "'", "''") + "'", func(row []value.Value) any { return plain(row[x.Index]) }}
}

// plain is a value as text, a *big.Rat, or a float64.
func plain(v value.Value) any {
	switch v.Kind() {
	case value.KindNull:
		return nil
	case value.KindText:
		return v.Text()
	case value.KindReal:
		return v.Real()
	case value.KindInstant, value.KindTime:
		return big.NewRat(v.Int(), 1_000_000)
	}
	r, ok := new(big.Rat).SetString(v.SQL())
	if !ok {
		r = new(big.Rat).SetInt64(v.Int()) // a day number
	}
	return r
}

func holds(op string, c int) bool {
	switch op {
	case "=":
		return c == 0
	case "!=":
		return c != 0
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func compare(a, b any, exact bool) int {
	switch x := a.(type) {
	case string:
		return slices.Compare(runes(x, exact), runes(b.(string), exact))
	case float64:
		y := b.(float64)
		return new(big.Float).SetFloat64(x).Cmp(new(big.Float).SetFloat64(y))
	}
	return a.(*big.Rat).Cmp(b.(*big.Rat))
}

// runes folds by the least rune of each orbit, ASCII letters to lower case.
func runes(s string, exact bool) []rune {
	list := []rune(s)
	for i, r := range list {
		if exact {
			continue
		}
		orbit := []rune{r}
		for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
			orbit = append(orbit, x)
		}
		list[i] = slices.Min(orbit)
		if list[i] < 128 {
			list[i] = unicode.ToLower(list[i])
		}
	}
	return list
}

func nullTest(t *rapid.T, x operand) Case {
	op := rapid.SampledFrom([]string{"=", "!="}).Draw(t, "op")
	return Case{x.text + " " + op + " $NULL$", func(row []value.Value) *bool { return truth((x.get(row) == nil) == (op == "=")) }}
}

func like(t *rapid.T, x operand, o Options) Case {
	p := rapid.SampledFrom(patterns).Draw(t, "pattern")
	re := regexp.MustCompile(LikeRegexp(p, o.CaseSensitive))
	word, want := "LIKE", true
	if rapid.Bool().Draw(t, "not") {
		word, want = "NOT LIKE", false
	}
	return Case{x.text + " " + word + " " + quote(p), func(row []value.Value) *bool {
		s := x.get(row)
		if s == nil {
			return nil
		}
		return truth(re.MatchString(s.(string)) == want)
	}}
}

// LikeRegexp writes a pattern of LIKE as a regular expression.
func LikeRegexp(p string, exact bool) string {
	out := "(?s"
	if !exact {
		out += "i"
	}
	out += `)\A`
	for list := []rune(p); len(list) > 0; list = list[1:] {
		end := slices.Index(list, ']')
		switch r := list[0]; {
		case r == '%':
			out += ".*"
		case r == '_':
			out += "."
		case r == '[' && end > 0:
			out += class(list[1:end])
			list = list[end:]
		default:
			out += regexp.QuoteMeta(string(r))
		}
	}
	return out + `\z`
}

// class writes a set. RE2 knows neither the empty set nor reversed ranges.
func class(body []rune) string {
	negated := len(body) > 0 && body[0] == '^'
	if negated {
		body = body[1:]
	}
	members := ""
	for i := 0; i < len(body); i++ {
		from, to := body[i], body[i]
		if i+2 < len(body) && body[i+1] == '-' {
			to = body[i+2]
			i += 2
		}
		if from <= to {
			members += fmt.Sprintf(`\x{%x}-\x{%x}`, from, to)
		}
	}
	switch {
	case members == "" && negated:
		return "."
	case members == "":
		return `[^\x{0}-\x{10ffff}]`
	case negated:
		return "[^" + members + "]"
	}
	return "[" + members + "]"
}

func in(t *rapid.T, x *schema.Field, left operand, o Options) Case {
	members := make([]operand, rapid.IntRange(1, 3).Draw(t, "members"))
	list := make([]string, len(members))
	for i := range members {
		members[i] = literal(t, x)
		if rapid.IntRange(0, 9).Draw(t, "null member") == 0 {
			members[i] = operand{"$NULL$", func([]value.Value) any { return nil }}
		}
		list[i] = members[i].text
	}
	word, want := " IN (", true
	if rapid.Bool().Draw(t, "not") {
		word, want = " NOT IN (", false
	}
	return Case{left.text + word + strings.Join(list, ", ") + ")", func(row []value.Value) *bool {
		a := left.get(row)
		if a == nil {
			return nil
		}
		found := slices.ContainsFunc(members, func(m operand) bool {
			b := m.get(row)
			return b != nil && compare(a, b, o.CaseSensitive) == 0
		})
		return truth(found == want)
	}}
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func constant(text string, v any) operand {
	return operand{text, func([]value.Value) any { return v }}
}

// literal is a constant that goes with the field.
func literal(t *rapid.T, x *schema.Field) operand {
	switch x.Type {
	case schema.Character:
		s := rapid.SampledFrom(texts).Draw(t, "text")
		return constant(quote(s), s)
	case schema.Real:
		r := rapid.SampledFrom(reals).Draw(t, "real")
		return constant(strconv.FormatFloat(r, 'f', -1, 64), r)
	case schema.Selection:
		if v := rapid.SampledFrom(x.Values).Draw(t, "label"); rapid.Bool().Draw(t, "as label") {
			return constant(quote(v.Label), big.NewRat(v.ID, 1))
		}
	case schema.DateTime:
		if s := rapid.SampledFrom(seconds).Draw(t, "instant"); rapid.Bool().Draw(t, "as text") {
			us := s*1_000_000 + rapid.SampledFrom([]int64{0, 0, 500_000}).Draw(t, "fraction")
			return constant(quote(time.UnixMicro(us).UTC().Format("2006-01-02 15:04:05.999999")), big.NewRat(us, 1_000_000))
		}
	case schema.Date:
		d := rapid.SampledFrom(days).Draw(t, "day")
		return constant(quote(value.Date(d).SQL()), big.NewRat(d, 1))
	case schema.Time:
		s := rapid.SampledFrom(clocks).Draw(t, "clock")
		return constant(quote(value.TimeOfDay(s*1_000_000).SQL()), big.NewRat(s, 1))
	}
	if x.Type == schema.Integer || x.Type == schema.Decimal {
		if s := rapid.SampledFrom(decimals).Draw(t, "decimal"); rapid.Bool().Draw(t, "as decimal") {
			r, _ := new(big.Rat).SetString(s)
			return constant(s, r)
		}
	}
	n := rapid.SampledFrom(slices.Concat(integers, seconds)).Draw(t, "integer")
	return constant(strconv.FormatInt(n, 10), big.NewRat(n, 1))
}

// Row makes logical values for a request of the form, NULL among them. What a column cannot hold is
// drawn again.
func Row(t *rapid.T, f *schema.Form) []value.Value {
	row := make([]value.Value, len(f.Fields))
	for i, x := range f.Fields {
		row[i] = rapid.Custom(func(t *rapid.T) value.Value { return fieldValue(t, x) }).
			Filter(func(v value.Value) bool { _, err := x.Fits(v); return err == nil && (!v.IsNull() || x.Column.Nullable) }).
			Draw(t, x.Name)
	}
	return row
}

func fieldValue(t *rapid.T, x *schema.Field) value.Value {
	if rapid.IntRange(0, 5).Draw(t, "null") == 0 {
		return value.Null
	}
	switch x.Type {
	case schema.Character:
		return value.Text(rapid.SampledFrom(texts).Draw(t, "text"))
	case schema.Real:
		return value.Real(rapid.SampledFrom(reals).Draw(t, "real"))
	case schema.Decimal:
		v, _ := value.Decimal(rapid.SampledFrom(decimals).Draw(t, "decimal"))
		return v
	case schema.Selection:
		return value.Int(rapid.SampledFrom(x.Values).Draw(t, "state").ID)
	case schema.DateTime:
		fraction := int64(0)
		if x.Column.Kind == value.KindInstant {
			fraction = rapid.SampledFrom([]int64{0, 500_000}).Draw(t, "fraction")
		}
		return value.Instant(rapid.SampledFrom(seconds).Draw(t, "instant")*1_000_000 + fraction)
	case schema.Date:
		return value.Date(rapid.SampledFrom(days).Draw(t, "day"))
	case schema.Time:
		return value.TimeOfDay(rapid.SampledFrom(clocks).Draw(t, "clock") * 1_000_000)
	}
	return value.Int(rapid.SampledFrom(integers).Draw(t, "integer"))
}
