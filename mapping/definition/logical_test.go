package definition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestLogicalServers: every place of a server takes a logical name, with or without dollar signs, and each
// definition reads it by the entries of the server it belongs to.
func TestLogicalServers(t *testing.T) {
	d := parse(t, `
servers: {hub1: {url: "sqlite:h"}, spoke1: {url: "sqlite:s1"}, spoke2: {url: "sqlite:s2"}}
logical_mappings:
  - {server: spoke1, logical: hub, physical: $centre$}
  - {server: spoke1, logical: centre, physical: hub1}
  - {server: spoke1, logical: $first$, physical: spoke1}
  - {server: hub1, logical: hub, physical: hub1}
  - {server: hub1, logical: out, physical: spoke2}
mappings:
  - {name: up, from: {server: $first$, form: F}, to: {server: $hub$, form: F}}
  - {name: plain, from: {server: first, form: G}, to: {server: hub, form: F}}
  - {name: down, from: {server: hub, form: F}, to: {server: $out$, form: F}}
  - {name: literally, from: {server: $spoke1$, form: F}, to: {server: $spoke2$, form: F}}
filters:
  - {name: f, server: $first$, form: F, on: submit, transfer: {to_server: $hub$, to_form: F}}
  - {name: g, server: spoke1, form: F, on: delete, delete: {server: centre, form: F, request_id: "'1'"}}
`)
	var got []string
	for _, m := range d.Mappings {
		got = append(got, m.Name+": "+m.From.Server+" to "+m.To.Server)
	}
	f, g := d.Filters[0], d.Filters[1]
	got = append(got, "f: "+f.Server+" along "+f.Actions[0].Transfer.Mapping, "g: "+g.Server+" on "+g.Actions[0].Delete.Server)
	want := []string{
		"up: spoke1 to hub1", "plain: spoke1 to hub1", "down: hub1 to spoke2", "literally: spoke1 to spoke2",
		"f: spoke1 along up", "g: spoke1 on hub1",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, x := range []struct{ owner, name, want string }{
		{"spoke1", "$hub$", "hub1"},
		{"spoke1", "hub", "hub1"},
		{"spoke1", "spoke2", "spoke2"},
		{"spoke1", "$spoke2$", "spoke2"},
		{"spoke2", "hub", ""},
		{"hub1", "$out$", "spoke2"},
	} {
		if got := d.ServerNamed(x.owner, x.name); got != x.want {
			t.Errorf("%s on %s: got %q, want %q", x.name, x.owner, got, x.want)
		}
	}
}

// TestLogicalFields: every place of a field takes a logical name, of either form of a mapping.
func TestLogicalFields(t *testing.T) {
	d := parse(t, `
servers: {sf: {url: "postgres://h/sf"}, chi: {url: "mariadb://h/chi"}}
logical_mappings:
  - {server: sf, logical: Text, physical: Short Description, kind: field}
  - {server: sf, logical: Their Text, physical: $Summary of it$, kind: field}
  - {server: sf, logical: Summary of it, physical: Summary, kind: field}
  - {server: sf, logical: Number, physical: 536870913, kind: field}
  - {server: sf, logical: Dimension, physical: Size, kind: field}
  - {server: sf, logical: State, physical: Status, kind: field}
  - {server: sf, logical: Master Flag, physical: Copied, kind: field}
  - {server: chi, logical: Number, physical: Nothing, kind: field}
mappings:
  - name: M
    from: {server: sf, form: Repair}
    to: {server: chi, form: Repair}
    exclude: [$Dimension$, Picture]
    fields: {$Their Text$: "'Text' + 'Number'", Copied: "'Number'"}
    matching_qualification: "'Number' = $Number$"
filters:
  - {name: f, server: sf, form: Repair, on: modify, run_if: "'TR.State' = \"Closed\" AND '$Text$' != \"x\"", transfer: {mapping: M}}
  - {name: g, server: sf, form: Repair, on: delete, delete: {server: chi, form: Repair, request_id: "'Number'"}}
`)
	c, err := Check(d, testCatalogs())
	if err != nil {
		t.Fatal(err)
	}
	m, f, g := c.Mapping("M"), c.Filters[0], c.Filters[1]
	var got []string
	for _, l := range m.Lines {
		from := "an expression"
		if l.Source != nil {
			from = l.Source.Name
		} else {
			for _, x := range l.Expr.Fields() {
				from += ", " + x.Name
			}
		}
		got = append(got, l.Target.Name+": "+from)
	}
	slices.Sort(got)
	for _, x := range f.RunIf.Fields() {
		got = append(got, "f: "+x.Name)
	}
	got = append(got, "g: "+g.Named[g.Actions[0].Delete].RequestID.Field().Name, "match: "+m.Match.Fields()[0].Name+" "+m.Match.CurrentFields()[0].Name)
	want := []string{
		"Copied: Serial", "Request ID: Request ID", "Serial: Serial", "Status: Status", "Summary: an expression, Short Description, Serial",
		"f: Status", "f: Short Description", "g: Serial", "match: Serial Serial",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	warned := false
	for _, w := range c.Warnings {
		warned = warned || w.Kind == "definition.logical_name_taken" && strings.Contains(w.Found, "Master Flag") && w.Pos.Line == 10
	}
	if !warned {
		t.Errorf("no warning of a name that the form has itself: %v", c.Warnings)
	}
}

// TestLogicalNamesFollowed: whatever stands for whatever, a name means the server at the end of its chain; and
// where there is none, that is complained of.
func TestLogicalNamesFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := map[string]string{}
		var text strings.Builder
		text.WriteString("servers: {s: {url: 'sqlite:s'}, u: {url: 'sqlite:u'}}\nlogical_mappings:\n")
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 1, 4, rapid.ID).Draw(t, "names") {
			entries[name] = rapid.SampledFrom([]string{"a", "b", "c", "d", "s", "u"}).Draw(t, "what "+name+" stands for")
			fmt.Fprintf(&text, "  - {server: s, logical: %s, physical: %s}\n", name, entries[name])
		}
		follow := func(name string) string {
			for range len(entries) + 1 {
				if name == "s" || name == "u" {
					return name
				}
				name = entries[name]
			}
			return ""
		}
		d, err := Parse([]File{{"d.yaml", text.String()}}, Secrets{})
		sound := true
		for name := range entries {
			sound = sound && follow(name) != ""
			if got := d.ServerNamed("s", name); got != follow(name) {
				t.Fatalf("%s is %q, want %q\n%s", name, got, follow(name), text.String())
			}
		}
		if (err == nil) != sound {
			t.Fatalf("got %v\n%s", err, text.String())
		}
		if list, ok := errors.AsType[ErrorList](err); ok {
			for _, p := range list {
				if p.Kind != "definition.logical_cycle" && p.Kind != "definition.unknown_server" {
					t.Fatalf("got %v\n%s", err, text.String())
				}
			}
		}
	})
}
