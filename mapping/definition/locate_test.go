package definition

import (
	"fmt"
	"strings"
	"testing"
)

// TestTextPlaces: the place of every character of an expression, however YAML writes it.
func TestTextPlaces(t *testing.T) {
	tests := []struct {
		name, yaml string
		want       string // the value; ‸ stands before the character that is asked for
		at         string // line:column
	}{
		{"plain", "a = b", "a ‸= b", "4:15"},
		{"plain, two lines", "a\n      = b", "a ‸= b", "5:7"},
		{"plain, blank line", "a\n\n      = b", "a\n‸= b", "6:7"},
		{"single quotes", "'''A'' = ''é'' x'", "'A' = 'é' ‸x", "4:28"},
		{"single quotes, two lines", "'a\n        = b'", "a = ‸b", "5:11"},
		{"double quotes", `"a\t\"b\" \u00e9\x41 c"`, "a\t\"b\" éA ‸c", "4:34"},
		{"double quotes, surrogates", `"\uD83D\uDE00 c"`, "😀 ‸c", "4:27"},
		{"double quotes, two lines", "\"a\n     = b\"", "a = ‸b", "5:8"},
		{"double quotes, joined", "\"ab\\\n     cd\"", "abc‸d", "5:7"},
		{"literal", "|\n      'A' = 1\n      AND x\n", "'A' = 1\nAND ‸x\n", "6:11"},
		{"literal, kept indentation", "|\n      a\n        b\n", "a\n  ‸b\n", "6:9"},
		{"literal, blank line", "|-\n      a\n\n      b", "a\n\n‸b", "7:7"},
		{"literal, stated indentation", "|2-\n       ‸ b", "", ""},
		{"folded", ">-\n      a\n      b c", "a b ‸c", "6:9"},
		{"folded, two paragraphs", ">-\n      a\n\n      b c", "a\nb ‸c", "7:9"},
		{"end", "abc", "abc‸", "4:16"},
		{"CRLF", "|\r\n      a\r\n      b\r\n", "a\n‸b\n", "6:7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.want == "" {
				return
			}
			d, _ := Parse([]File{{"d.yaml", "filters:\n  - name: f\n    server: s\n    run_if: " + tt.yaml}}, testSecrets)
			if len(d.Filters) == 0 {
				t.Fatal("not read")
			}
			text := d.Filters[0].RunIf
			before, after, _ := strings.Cut(tt.want, "‸")
			if got := strings.ReplaceAll(text.Value, "\r\n", "\n"); got != before+after {
				t.Fatalf("got value %q, want %q", text.Value, before+after)
			}
			p := text.At(len(before))
			if got := fmt.Sprintf("%d:%d", p.Line, p.Column); got != tt.at {
				t.Errorf("got %s, want %s (%+v)", got, tt.at, text)
			}
		})
	}
}

func TestExcerpt(t *testing.T) {
	long := strings.Repeat("x", 500) + "Y" + strings.Repeat("z", 500)
	tests := []struct {
		line   string
		column int
		want   string // with ‸ before the caret
	}{
		{"a: b\r", 4, "a: ‸b"},
		{"\tc: {password: hunter2, x: y}", 25, "\tc: {password: ***, ‸x: y}"},
		{`password: "hunt\"er2" z`, 23, "password: *** ‸z"},
		{"url: mysql://u:hunter2@h/db?password=hunter2&x=y", 6, "url: ‸mysql://u:***@h/db?password=***&x=y"},
		{long, 501, strings.Repeat("x", 80) + "‸Y" + strings.Repeat("z", 79)},
		{"password: ${HUNTER} password_file: hunter", 1, "‸password: ${HUNTER} password_file: hunter"},
		{"a: b", 99, "a: b‸"},
		{"\x1b[2J", 1, "‸\uFFFD[2J"},
	}
	for _, tt := range tests {
		line, caret := excerpt(tt.line, tt.column)
		r := []rune(line)
		if got := string(r[:caret-1]) + "‸" + string(r[caret-1:]); got != tt.want {
			t.Errorf("%.50q:%d: got %q, want %q", tt.line, tt.column, got, tt.want)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"transfer_mode", "exclude", "match"}
	for found, want := range map[string]string{
		"trasfer_mode": `did you mean "transfer_mode"?`,
		"Match":        `did you mean "match"?`,
		"mtach":        `did you mean "match"?`,
		"zzzzzzzz":     `known: "transfer_mode", "exclude", "match"`,
	} {
		if got := nearest(found, names); got != want {
			t.Errorf("%s: got %s, want %s", found, got, want)
		}
	}
	if got := nearest("x", nil); got != "" {
		t.Errorf("no names: got %s", got)
	}
	if d := distance("Statsu", "Status"); d != 1 {
		t.Errorf("swapped letters: got %d", d)
	}
}
