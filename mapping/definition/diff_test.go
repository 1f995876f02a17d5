package definition

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// diffText is a difference in lines of text.
func diffText(d Difference) string {
	var b strings.Builder
	for _, c := range d.Changes {
		fmt.Fprintf(&b, "%s %s %q\n", c.What, c.Kind, c.Name)
		for _, k := range c.Keys {
			fmt.Fprintf(&b, "  %s: %q -> %q\n", k.Key, k.Old, k.New)
		}
	}
	for _, w := range d.Operations {
		fmt.Fprintf(&b, "way %s %s to %s %s\n  %q\n  %q\n", w.From.Server, w.From.Form, w.To.Server, w.To.Form, w.Old, w.New)
	}
	for _, i := range d.Init {
		fmt.Fprintf(&b, "init %s: %s\n", i.Server, i.Why)
	}
	return b.String()
}

// TestDiff compares each testdata/diff/*.yaml with base.yaml beside it; the golden file says what is told.
func TestDiff(t *testing.T) {
	base := parseAll(t, read(t, "testdata/diff/base.yaml"))
	for _, path := range glob(t, "testdata/diff/*.yaml") {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		after := parseAll(t, read(t, path))
		d := Diff(base, after)
		golden(t, "diff-"+name, diffText(d))
		if d.IsEmpty() != (name == "base" || name == "same") {
			t.Errorf("%s: it is empty: %t", name, d.IsEmpty())
		}
		if d.IsEmpty() != (base.Version() == after.Version()) {
			t.Errorf("%s: the difference is empty: %t, and the versions are %s and %s", name, d.IsEmpty(), base.Version(), after.Version())
		}
		noSecret(t, path, fmt.Sprint(d))
	}
}

// TestDiffKeys: what keys come to is compared, and told by the way to it.
func TestDiffKeys(t *testing.T) {
	text, err := os.ReadFile("testdata/every.yaml")
	if err != nil {
		t.Fatal(err)
	}
	whole := parseAll(t, File{"testdata/every.yaml", string(text)})
	for _, x := range []struct{ from, to, want string }{
		{"password: ${SF_PASSWORD}", "password: ${HOST}", `server "sanfrancisco" password`},
		{"password_file: secrets/chicago", "password_file: other/secrets/chicago", `server "chicago" password_file`},
		{"slot: ardso_sf", "slot: ardso_sg", `server "sanfrancisco" slot`},
		{"4: Closed}", "5: Closed}", `server "chicago" forms[Repair].fields[status].values.5`},
		{"max_length: 100", "max_length: 99", `server "chicago" forms[Repair].fields[short].max_length`},
		{"type: outer}", "type: inner}", `server "chicago" forms[Repairs and more].join.type`},
		{"request_id: [site, nr]", "request_id: [nr, site]", `server "chicago" forms[yes].request_id`},
		{"interval: 90m", "interval: 91m", `pool "repairs" interval`},
		{"logical: hub, physical: chicago", "logical: hub, physical: osaka", `mapping "chairs to Chicago" to.server`},
		{"rank: 5", "rank: 6", `mapping "chairs to Chicago" fields.rank`},
		{"AND 'Status' != \"Closed\"\n", "AND 'Status' != \"New\"\n", `mapping "chairs to Chicago" matching_qualification`},
		{"max_time_to_retry: 1d12h", "max_time_to_retry: 36h", ""},
		{"enforce_pattern_matching: no", "enforce_pattern_matching: yes", `mapping "chairs to Chicago" enforce_pattern_matching`},
		{"max_time_to_retry: no limit", "", ""},
		{"on: [submit, modify, merge]", "on: [modify, merge]", `filter "route chairs" on`},
		{"pool: $Site$, override_loop_detection: yes", "pool: $Site$", `filter "route chairs" transfer.override_loop_detection`},
		{"request_id: \"'1'\", suppress", "request_id: \"'2'\", suppress", `filter "route chairs" delete[1].request_id`},
		{"return: {pool: repairs, override_loop_detection: no}", "return: {pool: repairs, override_loop_detection: yes}", `filter "route chairs" else.return.override_loop_detection`},
		{"weekdays: [mon-fri]", "weekdays: [mon-thu]", `escalation "close of business" at.weekdays`},
		{`["18:00", "00:05"]`, `["18:01", "00:05"]`, `escalation "close of business" at.time`},
		{"15, last]", "15, 31]", `escalation "close of business" at.monthdays`},
		{"fields: 8, on_conflict: target", "fields: 8, on_conflict: newest", `mapping "chairs to Chicago" field_groups[2].on_conflict`},
		{"every: 1h30m", "every: 90m", ""},
	} {
		if !strings.Contains(string(text), x.from) {
			t.Fatalf("testdata/every.yaml has no %q", x.from)
		}
		d := Diff(whole, parseAll(t, File{"testdata/every.yaml", strings.Replace(string(text), x.from, x.to, 1)}))
		var got []string
		for _, c := range d.Changes {
			for _, k := range c.Keys {
				got = append(got, fmt.Sprintf("%s %q %s", c.Kind, c.Name, k.Key))
			}
		}
		if all := strings.Join(got, "; "); x.want == "" && all != "" || !strings.Contains(all, x.want) {
			t.Errorf("%s: got %s, want %s", x.to, all, x.want)
		}
	}
}
