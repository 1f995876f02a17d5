package definition

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// parseAll reads definitions without faults.
func parseAll(t testing.TB, f File) *Document {
	t.Helper()
	d, err := Parse([]File{f}, testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// said is all that a document holds, as JSON.
func said(t testing.TB, d *Document) string {
	t.Helper()
	b, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestPrintEveryKey: what was read, printed and read again is the same document, every key of the language in it, and
// prints the same.
func TestPrintEveryKey(t *testing.T) {
	d := parseAll(t, read(t, "testdata/every.yaml"))
	for _, missing := range keysWithout(d) {
		t.Errorf("testdata/every.yaml has no %s", missing)
	}
	text := d.Print()
	golden(t, "every", text)
	again := parseAll(t, File{Name: "testdata/printed.yaml", Text: text})
	if diff := cmp.Diff(said(t, d), said(t, again)); diff != "" {
		t.Errorf("printed and read again it is another document (-was +is):\n%s", diff)
	}
	if diff := cmp.Diff(text, again.Print()); diff != "" {
		t.Errorf("it prints otherwise (-was +is):\n%s", diff)
	}
	if d.Version() != again.Version() {
		t.Error("it has another version")
	}
	noSecret(t, "print", text)
	for _, reference := range []string{"password: ${SF_PASSWORD}", "password_file: secrets/chicago", "url: postgres://ardso@${HOST}/"} {
		if !strings.Contains(text, reference) {
			t.Errorf("no %q in\n%s", reference, text)
		}
	}
}

// TestPrintGood: the same of other files.
func TestPrintGood(t *testing.T) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/check/*.yaml", "../../cmd/ardso/demo/*.yaml"} {
		for _, path := range glob(t, pattern) {
			f := read(t, path)
			d := parseAll(t, f)
			again := parseAll(t, File{Name: f.Name, Text: d.Print()})
			if diff := cmp.Diff(said(t, d), said(t, again)); diff != "" {
				t.Errorf("%s: printed and read again it is another document (-was +is):\n%s", path, diff)
			}
		}
	}
}

// keysWithout lists the keys of the language that nothing in a document has.
func keysWithout(d *Document) (missing []string) {
	look := func(what string, keys []string, has func(key string) bool) {
		for _, k := range keys {
			if !has(k) {
				missing = append(missing, what+": "+k)
			}
		}
	}
	places := map[string][]Place{}
	put := func(what string, p Place) { places[what] = append(places[what], p) }
	for _, s := range d.Servers {
		put("server", s.Place)
		for _, f := range s.Forms {
			put("form", f.Place)
			for _, x := range f.Fields {
				put("field", x.Place)
			}
			if f.Join != nil {
				put("join", f.Join.Place)
			}
		}
	}
	for _, p := range d.Pools {
		put("pool", p.Place)
	}
	for _, l := range d.LogicalMappings {
		put("logical mapping", l.Place)
	}
	for _, m := range d.Mappings {
		put("mapping", m.Place)
		put("end", m.From.Place)
		for _, g := range m.FieldGroups {
			put("field group", g.Place)
		}
	}
	actions := func(list []Action) {
		for _, a := range list {
			switch {
			case a.Transfer != nil:
				put("transfer", a.Transfer.Place)
			case a.Return != nil:
				put("return", a.Return.Place)
			case a.Delete != nil:
				put("delete", a.Delete.Place)
			}
		}
	}
	var otherwise []Action
	for _, f := range d.Filters {
		put("filter", f.Place)
		actions(f.Actions)
		actions(f.Else)
		otherwise = append(otherwise, f.Else...)
		if len(f.Actions) > 0 && f.Has("transfer") {
			put("filter", Place{keys: map[string]Pos{"return": {}}}) // as in the other half
		}
	}
	for _, e := range d.Escalations {
		put("escalation", e.Place)
		if e.At != nil {
			put("schedule", e.At.Place)
		}
		actions(e.Actions)
	}
	for what, keys := range map[string][]string{
		"server": serverObject.keyNames(), "form": formObject.keyNames(), "join": joinObject.keyNames(), "field": fieldObject.keyNames(), "pool": poolObject.keyNames(),
		"logical mapping": logicalObject.keyNames(), "mapping": mappingObject.keyNames(), "end": endObject.keyNames(),
		"transfer": transferObject.keyNames(), "return": returnObject.keyNames(), "delete": deleteObject.keyNames(),
		"field group": fieldGroupObject.keyNames(), "filter": filterObject.keyNames(), "escalation": escalationObject.keyNames(), "schedule": scheduleObject.keyNames(),
	} {
		look(what, keys, func(k string) bool {
			return slices.ContainsFunc(places[what], func(p Place) bool { return p.Has(k) })
		})
	}
	look("else", elseObject.keyNames(), func(k string) bool {
		return slices.ContainsFunc(otherwise, func(a Action) bool {
			return k == "transfer" && a.Transfer != nil || k == "return" && a.Return != nil || k == "delete" && a.Delete != nil
		})
	})
	look("document", documentObject.keyNames(), func(k string) bool {
		return slices.ContainsFunc(d.entries(asWritten), func(e entry) bool { return e.key == k })
	})
	return missing
}

// drawText draws texts, most of which YAML takes for something else when they are not quoted.
var drawText = rapid.OneOf(
	rapid.StringOf(rapid.SampledFrom([]rune("ab '\"$:#-?|>[]{},&*!%@`\\/=\t\n\r~é😀\u0085\u2028\ufeff0123.yesnotruel"))),
	rapid.String(),
	rapid.SampledFrom([]string{
		"yes", "no", "true", "null", "~", "1", "1.5", "0x1f", "1e3", ".inf", "2001-01-01", "- a", "a: b", "a:", "---", "...", "|", ">-", "'", `"`, "<<", "=",
		"18:00", "1_000", " a", "a ", "\na", "a\n", "a\n\n", "  a\nb", "a\n  b\n", "a\n\nb", "#a", "a #b", "a\n#b", "!!str a", "&a b", "*a", "@a", "`a`", "%a", "? a", "\ta",
		"'a' = \"b\"\nAND 'c' = 1\n", "mysql://u@h/d?x=1", "sqlite:a.db", "${A}", "{a}", "[a]", "a, b", "$a$", "a\n---\nb", "a\n...\nb",
	}),
)

// TestPrintTexts: any text that can be read is printed so that it is read as the same, wherever it stands.
func TestPrintTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &Mapping{
			Name: "m", MatchingQualification: Text{Value: drawText.Draw(t, "text")}, Exclude: []Text{{Value: drawText.Draw(t, "item")}, {Value: "x"}},
			Fields: []Assignment{{Target: Text{Value: drawText.Draw(t, "key")}, Value: Text{Value: drawText.Draw(t, "value")}}},
		}
		m.keys = map[string]Pos{"name": {}, "matching_qualification": {}, "exclude": {}, "fields": {}}
		if rapid.Bool().Draw(t, "long") {
			m.Name = strings.Repeat("m", 2*maxLine) // nothing around it fits on a line
			m.Fields = append(m.Fields, Assignment{Target: Text{Value: m.Name}, Value: Text{Value: m.Name}})
		}
		out := (&Document{Mappings: []*Mapping{m}}).Print()
		d, _ := Parse([]File{{"p.yaml", out}}, Secrets{})
		if d == nil || len(d.Mappings) != 1 {
			t.Fatalf("cannot be read:\n%s", out)
		}
		same := func(what, want, got string) {
			if strings.TrimSpace(want) != "" && got != want { // the others are refused
				t.Fatalf("the %s %q is read as %q:\n%s", what, want, got, out)
			}
		}
		got := d.Mappings[0]
		same("text", m.MatchingQualification.Value, got.MatchingQualification.Value)
		same("item", m.Exclude[0].Value, got.Exclude[0].Value)
		if strings.TrimSpace(m.Fields[0].Value.Value) != "" {
			same("key", m.Fields[0].Target.Value, got.Fields[0].Target.Value)
			same("value", m.Fields[0].Value.Value, got.Fields[0].Value.Value)
		}
	})
}

func TestPrintDurations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(0, 1e13).Draw(t, "microseconds")) * time.Microsecond
		if got, err := ParseDuration(durationText(d)); err != nil || got != d {
			t.Fatalf("%s prints as %s, which is read as %s, %v", d, durationText(d), got, err)
		}
	})
}
