package definition

import (
	"crypto/sha256"
	"encoding"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// printing says what is printed of an object.
type printing uint8

const (
	asWritten printing = iota // the keys that were written, as they were
	inEffect                  // all that have a value, with what they come to: defaults, and names that others stand for
)

// Print writes the document as one file of YAML: the keys that were written, in the order of the documentation.
// Passwords are written as they are named, never as they are. Parse reads it as the same document.
func (d *Document) Print() string {
	return yamlOf(d.entries(asWritten))
}

// Version names what the document comes to: two that differ only in how they say it share it.
func (d *Document) Version() string {
	c := *d // the order of these means nothing
	c.Servers, c.Pools, c.LogicalMappings = inOrderOfName(d.Servers), inOrderOfName(d.Pools), inOrderOfName(d.LogicalMappings)
	sum := sha256.Sum256([]byte(yamlOf(c.entries(inEffect))))
	return hex.EncodeToString(sum[:6])
}

func inOrderOfName[T named](items []T) []T {
	return slices.SortedStableFunc(slices.Values(items), func(a, b T) int { return strings.Compare(a.name(), b.name()) })
}

func (d *Document) entries(how printing) entries {
	return documentObject.print(&documentFile{Document: *d}, how).(entries)
}

// entries are keys with values, in order. A value is a text, a number, a switch, a list of such, or entries.
type entries []entry

type entry struct {
	key   string
	value any
}

// print returns the keys of t with their values; of none, nothing.
func (o object[T]) print(t *T, how printing) any {
	if t == nil {
		return nil
	}
	place := o.place(t)
	_, whole := any(t).(*documentFile) // of which nobody wrote down what was written: its sections are joined
	out := entries{}
	for _, k := range o.inOrder(t) {
		if how == asWritten && !whole && !place.Has(k.name) && k.rank == nil {
			continue
		}
		v := k.print(t, how)
		if w, ok := place.written[k.name]; ok && how == asWritten {
			v = w
		}
		if v != nil && !(isEmptyValue(v) && (whole || how == inEffect && !place.Has(k.name))) {
			out = append(out, entry{k.name, v})
		}
	}
	return out
}

// inOrder are the keys in the order in which they are printed: last those that have a rank.
func (o object[T]) inOrder(t *T) []key[T] {
	keys := slices.Clone(o.keys)
	slices.SortStableFunc(keys, func(a, b key[T]) int {
		switch {
		case a.rank == nil && b.rank == nil:
			return 0
		case a.rank == nil:
			return -1
		case b.rank == nil:
			return 1
		}
		return a.rank(t) - b.rank(t)
	})
	return keys
}

// isEmptyValue reports what need not be said.
func isEmptyValue(v any) bool {
	switch x := v.(type) {
	case string:
		return x == ""
	case int:
		return x == 0
	case []any:
		return len(x) == 0
	case entries:
		return len(x) == 0
	}
	return false
}

// printed is a value as entries hold it.
func (s shape[T]) printed(v T, how printing) any {
	if s.print != nil {
		return s.print(v, how)
	}
	return plain(v)
}

func (s shape[T]) printAll(vs []T, how printing) any {
	out := make([]any, len(vs))
	for i, v := range vs {
		out[i] = s.printed(v, how)
	}
	return out
}

// plain prints what is a text, a number or a switch.
func plain(v any) any {
	switch x := v.(type) {
	case encoding.TextMarshaler:
		b, err := x.MarshalText()
		if err != nil {
			panic(err) // Parse makes no kind without a spelling
		}
		return string(b)
	case fmt.Stringer:
		return x.String()
	}
	return v
}

func printEvents(set Event, _ printing) any {
	var all []any
	for _, e := range events {
		if set.Has(e.event) {
			all = append(all, e.name)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return all
}

// durationText writes a duration as ParseDuration reads it.
func durationText(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	var b strings.Builder
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.of; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d -= n * unit.of
		}
	}
	if d > 0 {
		b.WriteString(strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + "s")
	}
	return b.String()
}
