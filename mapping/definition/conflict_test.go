package definition

import (
	"fmt"
	"strings"
	"testing"

	"ardso/sql/schema"

	"github.com/google/go-cmp/cmp"
)

// pairCatalogs are two forms of the same fields.
func pairCatalogs(modified bool) map[string]Catalog {
	catalogs := map[string]Catalog{}
	for _, server := range []string{"a", "b"} {
		f := makeForm(server, "F", 0,
			makeField(1, "Request ID", schema.Character, schema.Column{}),
			makeField(7, "Status", schema.Character, nullable),
			makeField(8, "Short Description", schema.Character, nullable),
			makeField(536870913, "Work Log", schema.Diary, nullable),
			makeField(536870914, "Notes", schema.Character, nullable))
		if modified {
			m := makeField(6, "Modified Date", schema.DateTime, nullable)
			m.Index = len(f.Fields)
			f.Fields = append(f.Fields, m)
		}
		catalogs[server] = forms{f}
	}
	return catalogs
}

// checkPair compiles two mappings between a and b and returns the warnings, one a line.
func checkPair(t *testing.T, catalogs map[string]Catalog, there, back string) (*Compiled, string) {
	t.Helper()
	text := "servers: {a: {url: 'sqlite:x'}, b: {url: 'sqlite:y'}}\nmappings:\n"
	for _, m := range [][2]string{{"name: there, from: {server: a, form: F}, to: {server: b, form: F}", there}, {"name: back, from: {server: b, form: F}, to: {server: a, form: F}", back}} {
		if m[1] != "" {
			text += fmt.Sprintf("  - {%s, transfer_mode: independent copy, %s}\n", m[0], m[1])
		}
	}
	c, err := Check(parse(t, text), catalogs)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	var found []string
	for _, p := range c.Warnings {
		found = append(found, strings.TrimPrefix(p.Kind, "definition.")+": "+p.Found)
	}
	return c, strings.Join(found, "\n")
}

func TestFieldGroups(t *testing.T) {
	c, warnings := checkPair(t, pairCatalogs(true), `field_groups: [{fields: [Short Description, "7"], on_conflict: source}, {fields: Notes, on_conflict: merge}]`, "")
	if warnings != "" {
		t.Errorf("warnings: %s", warnings)
	}
	m := c.Mapping("there")
	if d := cmp.Diff([]CompiledGroup{{[]int{7, 8}, TakeSource}, {[]int{536870914}, MergeFields}}, m.Groups); d != "" {
		t.Errorf("groups (-want +got):\n%s", d)
	}
	if m.NeedsBefore(7) || !m.NeedsBefore(536870914) || !m.NeedsBefore(6) {
		t.Error("what the source's values are taken of needs no before image, all else does")
	}
	_, warnings = checkPair(t, pairCatalogs(true), `exclude: [Notes], field_groups: [{fields: [Modified Date, Work Log, Notes], on_conflict: source}]`, "")
	for _, want := range []string{`"Modified Date" (6) changes with every other`, `"Work Log" (536870913) is a diary`, `does not fill field "Notes"`} {
		if !strings.Contains(warnings, want) {
			t.Errorf("got %s, want %s", warnings, want)
		}
	}
}

// What two sides must not disagree on; apply/conflict's TestSidesThatDisagree shows that the copies differ then, and
// that they do not otherwise.
func TestPairs(t *testing.T) {
	all := []ConflictPolicy{ConflictError, TakeSource, TakeTarget, TakeNewest, MergeFields}
	agree := map[string]bool{"source target": true, "target source": true, "newest newest": true, "merge merge": true}
	for _, one := range all {
		for _, other := range all {
			_, warnings := checkPair(t, pairCatalogs(true), "on_conflict: "+one.String(), "on_conflict: "+other.String())
			want := one != ConflictError && other != ConflictError && !agree[one.String()+" "+other.String()]
			if got := strings.Contains(warnings, "the copies can differ for good"); got != want || (warnings != "") != want {
				t.Errorf("%s there, %s back: got %q, want a warning: %t", one, other, warnings, want)
			}
		}
	}
	const source, target = "{fields: Status, on_conflict: source}", "{fields: Status, on_conflict: target}"
	tests := []struct{ name, there, back, want string }{
		{"groups that agree", "on_conflict: merge, field_groups: [" + source + "]", "on_conflict: merge, field_groups: [" + target + "]", ""},
		{"a group on one side only", "on_conflict: merge, field_groups: [" + source + "]", "on_conflict: merge", `in "Status"`},
		{"groups that swap", "on_conflict: merge, field_groups: [" + source + "]", "on_conflict: merge, field_groups: [" + source + "]", `in "Status"`},
		{
			"torn", "on_conflict: merge, field_groups: [{fields: [Status, Notes], on_conflict: source}]",
			"on_conflict: merge, field_groups: [" + target + ", {fields: Notes, on_conflict: target}]", `one settles "Status" and "Notes" together`,
		},
		{"the newest of a group", "on_conflict: merge, field_groups: [{fields: Status, on_conflict: newest}]", "on_conflict: merge, field_groups: [{fields: Status, on_conflict: newest}]", "Modified Date does not tell when the fields of one group"},
		{"the newest without a time", "on_conflict: newest, exclude: [Modified Date]", "on_conflict: newest", "Modified Date (6) is not carried"},
		{"creates that swap", "duplicate_request_id: overwrite", "duplicate_request_id: overwrite", "each copy is overwritten with the other"},
		{"creates of which the newest stays", "on_conflict: newest, duplicate_request_id: overwrite", "on_conflict: newest, duplicate_request_id: overwrite", ""},
		{"creates of which one stays", "duplicate_request_id: overwrite", "duplicate_request_id: error", ""},
		{"one way only", "on_conflict: source, duplicate_request_id: overwrite", "", ""},
		{"disabled", "on_conflict: source", "on_conflict: source, enabled: no", ""},
		{"other fields each way", "on_conflict: source, match: custom, fields: {Request ID: \"'1'\", Status: \"'7'\"}", "on_conflict: source, match: custom, fields: {Request ID: \"'1'\", Notes: \"'Notes'\"}", ""},
	}
	for _, tt := range tests {
		_, warnings := checkPair(t, pairCatalogs(true), tt.there, tt.back)
		if tt.want == "" && warnings != "" || !strings.Contains(warnings, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, warnings, tt.want)
		}
		for line := range strings.SplitSeq(warnings, "\n") {
			if line != "" && !strings.HasPrefix(line, "sides_disagree: mappings ") {
				t.Errorf("%s: %s", tt.name, line)
			}
		}
	}
	if _, warnings := checkPair(t, pairCatalogs(false), "on_conflict: newest", ""); !strings.HasPrefix(warnings, "no_modified_date: ") {
		t.Errorf("newest on a form without Modified Date: %q", warnings)
	}
}
