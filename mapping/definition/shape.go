package definition

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// shape is a kind of value in a definition file: how it is read and printed, and its JSON Schema. One
// description serves all, so that editors and this package never disagree.
type shape[T any] struct {
	// read returns the value, or false after it has complained.
	read func(r *reader, n ast.Node) (T, bool)
	// print returns the value as entries hold it; nil: plain does. how is for the objects in it.
	print  func(v T, how printing) any
	schema schemaOf
}

// schemaOf is a JSON Schema as json.Marshal writes it.
type schemaOf map[string]any

// scalar makes a shape of one text; parse says what is wrong with it and what to write.
func scalar[T any](schema schemaOf, parse func(text string) (v T, found, advice string)) shape[T] {
	return shape[T]{schema: schema, read: func(r *reader, n ast.Node) (v T, ok bool) {
		t, ok := r.text(n)
		if !ok {
			return v, false
		}
		v, found, advice := parse(t.Value)
		if found != "" {
			r.add(t.Pos, "bad_value", advice, "%s", found)
			return v, false
		}
		return v, true
	}}
}

// text is any text that is not empty.
var text = scalar(schemaOf{"type": "string", "minLength": 1}, func(s string) (string, string, string) {
	if s == "" {
		return "", "empty text", "write a text, or leave the key out"
	}
	return s, "", ""
})

// name is text without blanks around it or control characters, of at most n characters.
func name(n int) shape[string] {
	return scalar(schemaOf{"type": "string", "minLength": 1, "maxLength": n}, func(s string) (string, string, string) {
		switch {
		case s == "":
			return "", "empty name", "write a name"
		case strings.TrimSpace(s) != s || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }):
			return "", fmt.Sprintf("name %q begins or ends with a blank or holds a control character", s), "write the name without them"
		case len([]rune(s)) > n:
			return "", fmt.Sprintf("name %q has more than %d characters", s, n), "shorten it"
		}
		return s, "", ""
	})
}

// expression is a qualification or value expression, kept with its places. Bare numbers are allowed.
var expression = shape[Text]{
	schema: schemaOf{"type": []string{"string", "number"}, "minLength": 1},
	read: func(r *reader, n ast.Node) (Text, bool) {
		t, ok := r.number(n)
		if !ok {
			t, ok = r.text(n)
		}
		if ok && strings.TrimSpace(t.Value) == "" {
			r.add(t.Pos, "bad_value", "write an expression, or leave the key out", "empty expression")
			return t, false
		}
		return t, ok
	},
}

// fieldRef is a field by name or ID.
var fieldRef = shape[Text]{
	schema: schemaOf{"type": []string{"string", "integer"}, "minLength": 1},
	read:   expression.read,
}

// yesNo is a switch. YAML 1.2 has no yes and no, so JSON Schema sees them as strings.
var yesNo = shape[bool]{
	schema: schemaOf{"enum": []any{true, false, "yes", "no"}},
	read: func(r *reader, n ast.Node) (bool, bool) {
		if b, ok := unwrap(n).(*ast.BoolNode); ok {
			return b.Value, true
		}
		if s, ok := unwrap(n).(*ast.StringNode); ok {
			switch s.Value {
			case "yes":
				return true, true
			case "no":
				return false, true
			}
			r.add(r.pos(n), "wrong_type", "write yes or no", "expected yes or no, found %q", s.Value)
			return false, false
		}
		r.wrongType(n, "yes or no")
		return false, false
	},
}

// integer is a whole number from lo to hi.
func integer(lo, hi int) shape[int] {
	return shape[int]{
		schema: schemaOf{"type": "integer", "minimum": lo, "maximum": hi},
		read: func(r *reader, n ast.Node) (int, bool) {
			t, ok := r.number(n)
			if !ok {
				r.wrongType(n, "a whole number")
				return 0, false
			}
			v, err := strconv.Atoi(strings.ReplaceAll(t.Value, "_", ""))
			switch {
			case err != nil:
				r.add(t.Pos, "bad_number", "write decimal digits without a point", "%q is not a whole number", t.Value)
			case v < lo || v > hi:
				r.add(t.Pos, "out_of_range", fmt.Sprintf("write a number from %d to %d", lo, hi), "%d is out of range", v)
			default:
				return v, true
			}
			return 0, false
		},
	}
}

// oneOf is one of the spellings of a kind.
func oneOf[K ~int](n names[K]) shape[K] {
	return scalar(schemaOf{"enum": []string(n)}, func(s string) (k K, found, advice string) {
		if err := n.unmarshal([]byte(s), &k); err != nil {
			return k, fmt.Sprintf("unknown value %q", s), nearest(s, n)
		}
		return k, "", ""
	})
}

// listOf is a list of values.
func listOf[T any](item shape[T]) shape[[]T] {
	return shape[[]T]{
		schema: schemaOf{"type": "array", "items": item.schema},
		print:  item.printAll,
		read: func(r *reader, n ast.Node) ([]T, bool) {
			seq, ok := unwrap(n).(*ast.SequenceNode)
			if !ok {
				r.wrongType(n, "a list")
				return nil, false
			}
			return readAll(r, item, seq.Values)
		},
	}
}

// oneOrList is a value or a list of such.
func oneOrList[T any](item shape[T]) shape[[]T] {
	return shape[[]T]{
		schema: schemaOf{"anyOf": []any{item.schema, schemaOf{"type": "array", "items": item.schema, "minItems": 1}}},
		print: func(vs []T, how printing) any {
			if len(vs) == 1 {
				return item.printed(vs[0], how)
			}
			return item.printAll(vs, how)
		},
		read: func(r *reader, n ast.Node) ([]T, bool) {
			seq, ok := unwrap(n).(*ast.SequenceNode)
			if !ok {
				return readAll(r, item, []ast.Node{n})
			}
			if len(seq.Values) == 0 {
				r.add(r.pos(n), "wrong_type", "write at least one", "the list is empty")
				return nil, false
			}
			return readAll(r, item, seq.Values)
		},
	}
}

// oneOrDistinct is oneOrList without any that stands twice.
func oneOrDistinct[T comparable](item shape[T]) shape[[]T] {
	list := oneOrList(item)
	return shape[[]T]{schema: list.schema, print: list.print, read: func(r *reader, n ast.Node) ([]T, bool) {
		seen := map[T]bool{}
		once := item
		once.read = func(r *reader, n ast.Node) (T, bool) {
			v, ok := item.read(r, n)
			if ok && seen[v] {
				r.add(r.pos(n), "duplicate_value", "name each once", "%s stands twice", n)
			}
			seen[v] = true
			return v, ok
		}
		return oneOrList(once).read(r, n)
	}}
}

// readAll reads what it can; what it complained of is left out, so that the rest is still checked.
func readAll[T any](r *reader, item shape[T], nodes []ast.Node) ([]T, bool) {
	vs := make([]T, 0, len(nodes))
	for _, n := range nodes {
		if v, ok := item.read(r, n); ok {
			vs = append(vs, v)
		}
	}
	return vs, true
}

// duration is such as 90s, 5m, 24h, 7d or 1h30m, from lo on. special are words with a meaning of their own.
func duration(lo time.Duration, special map[string]time.Duration) shape[time.Duration] {
	words := make([]string, 0, len(special))
	for w := range special {
		words = append(words, w)
	}
	slices.Sort(words)
	pattern := `^([0-9]+(\.[0-9]+)?(d|h|m|s))+$`
	schema := schemaOf{"anyOf": []any{schemaOf{"type": "string", "pattern": pattern}}}
	if lo == 0 {
		schema["anyOf"] = append(schema["anyOf"].([]any), schemaOf{"const": 0})
	}
	for _, w := range words {
		schema["anyOf"] = append(schema["anyOf"].([]any), schemaOf{"const": w})
	}
	advice := "write such as 30s, 5m, 24h, 7d or 1h30m"
	for _, w := range words {
		advice += fmt.Sprintf(", or %q", w)
	}
	print := func(d time.Duration, _ printing) any {
		for w, x := range special {
			if x == d {
				return w
			}
		}
		return durationText(d)
	}
	return shape[time.Duration]{schema: schema, print: print, read: func(r *reader, n ast.Node) (time.Duration, bool) {
		t, isNumber := r.number(n)
		if !isNumber {
			var ok bool
			if t, ok = r.text(n); !ok {
				return 0, false
			}
		}
		if d, ok := special[t.Value]; ok {
			return d, true
		}
		d, err := ParseDuration(t.Value)
		switch {
		case err != nil && isNumber:
			r.add(t.Pos, "bad_duration", advice, "duration %s has no unit", t.Value)
		case err != nil:
			r.add(t.Pos, "bad_duration", advice, "%q is not a duration", t.Value)
		case d < lo:
			r.add(t.Pos, "out_of_range", "write at least "+lo.String(), "duration %s is too short", t.Value)
		default:
			return d, true
		}
		return 0, false
	}}
}

// ParseDuration reads Go's durations of h, m and s, and days.
func ParseDuration(s string) (time.Duration, error) {
	if s == "0" {
		return 0, nil
	}
	bad := fmt.Errorf("%q is not a duration", s)
	if s == "" {
		return 0, bad
	}
	var total float64
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if i <= 0 {
			return 0, bad
		}
		unit, ok := map[byte]time.Duration{'d': 24 * time.Hour, 'h': time.Hour, 'm': time.Minute, 's': time.Second}[s[i]]
		x, err := strconv.ParseFloat(s[:i], 64)
		if !ok || err != nil {
			return 0, bad
		}
		total += x * float64(unit)
		s = s[i+1:]
	}
	if total >= math.MaxInt64 {
		return 0, bad
	}
	return time.Duration(math.Round(total/1000)) * 1000, nil
}

// key is one key of an object.
type key[T any] struct {
	name     string
	doc      string
	schema   schemaOf
	required bool
	read     func(r *reader, n ast.Node, into *T)
	print    func(t *T, how printing) any
	// rank, if not nil, is the place of the key among others that have one: they are printed in that order.
	rank func(t *T) int
}

// is describes a key whose value goes to a field of T. A doc that ends in "default: x." tells the
// default, which a fresh T already holds.
func is[T, V any](name string, s shape[V], into func(*T) *V, doc string) key[T] {
	return key[T]{
		name: name, doc: doc, schema: s.schema,
		read: func(r *reader, n ast.Node, t *T) {
			if v, ok := s.read(r, n); ok {
				*into(t) = v
			}
		},
		print: func(t *T, how printing) any { return s.printed(*into(t), how) },
	}
}

// must makes a key required.
func must[T any](k key[T]) key[T] {
	k.required = true
	return k
}

// object describes a YAML mapping with fixed keys.
type object[T any] struct {
	what  string // with article, for complaints: "a filter"
	doc   string
	fresh func() T // with defaults; nil: the zero T
	place func(*T) *Place
	keys  []key[T]
}

// shape reads a *T. A missing required key is complained of, and the rest is still returned, so that
// what refers to the item finds it.
func (o object[T]) shape() shape[*T] {
	return shape[*T]{schema: o.schema(), print: o.print, read: func(r *reader, n ast.Node) (*T, bool) {
		return o.read(r, n, r.start(n))
	}}
}

// read reads the object at n, which complaints about the whole of it place at pos.
func (o object[T]) read(r *reader, n ast.Node, pos Pos) (*T, bool) {
	var t T
	if o.fresh != nil {
		t = o.fresh()
	}
	pairs, ok := r.pairs(n, o.what)
	if !ok {
		return nil, false
	}
	place := o.place(&t)
	place.Pos, place.keys = pos, map[string]Pos{}
	for _, p := range pairs {
		i := slices.IndexFunc(o.keys, func(k key[T]) bool { return k.name == p.key.Value })
		if i < 0 {
			r.add(p.key.Pos, "unknown_key", nearest(p.key.Value, o.keyNames()), "unknown key %q in %s", p.key.Value, o.what)
			continue
		}
		at := r.start(p.value)
		if at.Line != p.key.Pos.Line { // a block below its key: the key is what a reader looks for
			at = p.key.Pos
		}
		place.keys[p.key.Value] = at
		o.keys[i].read(r, p.value, &t)
	}
	for _, k := range o.keys {
		if k.required && !place.Has(k.name) {
			r.add(place.Pos, "missing_key", k.doc, "%s has no %q", o.what, k.name)
		}
	}
	return &t, true
}

func (o object[T]) keyNames() []string {
	ns := make([]string, len(o.keys))
	for i, k := range o.keys {
		ns[i] = k.name
	}
	return ns
}

func (o object[T]) schema() schemaOf {
	props, required := schemaOf{}, []string{}
	for _, k := range o.keys {
		p := schemaOf{"description": k.doc}
		for x, v := range k.schema {
			if _, ok := p[x]; !ok || x != "description" {
				p[x] = v
			}
		}
		props[k.name] = p
		if k.required {
			required = append(required, k.name)
		}
	}
	s := schemaOf{"type": "object", "description": o.doc, "additionalProperties": false, "properties": props}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}
