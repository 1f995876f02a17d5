package definition

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	yaml "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// testSecrets holds the passwords of testdata.
var testSecrets = Secrets{
	Env: func(name string) (string, bool) {
		v, ok := map[string]string{"SF_PASSWORD": "hunter2", "URL_WITH_PASSWORD": "mysql://u:hunter2@h/db", "HOST": "db-chi"}[name]
		return v, ok
	},
	File: func(path string) (string, error) {
		if strings.HasSuffix(path, "secrets/chicago") {
			return "hunter2\n", nil
		}
		return "", fmt.Errorf("open %s: no such file", filepath.Base(path))
	},
}

func read(t testing.TB, path string) File {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: filepath.ToSlash(path), Text: string(b)}
}

func glob(t testing.TB, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return paths
}

func parse(t testing.TB, text string) *Document {
	t.Helper()
	d, err := Parse([]File{{"d.yaml", text}}, testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestParseGood(t *testing.T) {
	for _, path := range glob(t, "testdata/good/*.yaml") {
		if _, err := Parse([]File{read(t, path)}, testSecrets); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestParseBad: each `# error: text` says what is to be complained of in its line, and nothing else may be.
func TestParseBad(t *testing.T) {
	for _, path := range glob(t, "testdata/bad/parse/*.yaml") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f := read(t, path)
			_, err := Parse([]File{f}, testSecrets)
			compareComplaints(t, f, err)
		})
	}
}

// compareComplaints compares problems with the expectations written in the file.
func compareComplaints(t *testing.T, f File, err error) {
	t.Helper()
	list, _ := errors.AsType[ErrorList](err)
	got := map[int][]string{}
	for i, p := range list {
		got[p.Pos.Line] = append(got[p.Pos.Line], p.Found)
		if p.Pos.File != f.Name || p.Line == "" || p.Caret == 0 || !strings.HasPrefix(p.Name(), "definition.") {
			t.Errorf("problem without place, line, caret or name: %+v", p)
		}
		if i > 0 && (list[i-1].Pos.Line > p.Pos.Line) {
			t.Errorf("not sorted: %s after %s", p.Pos, list[i-1].Pos)
		}
	}
	for i, line := range strings.Split(f.Text, "\n") {
		for j, want := range strings.Split(line, "# error:") {
			if want = strings.TrimSpace(want); j == 0 {
				continue
			}
			found := false
			for k, g := range got[i+1] {
				if strings.HasPrefix(g, want) {
					got[i+1] = append(got[i+1][:k:k], got[i+1][k+1:]...)
					found = true
					break
				}
			}
			if !found {
				t.Errorf("%s:%d: got %q, want %q", f.Name, i+1, got[i+1], want)
			}
		}
		for _, g := range got[i+1] {
			t.Errorf("%s:%d: unexpected: %s", f.Name, i+1, g)
		}
	}
}

// TestGolden keeps the full output for some files, as a person sees it.
func TestGolden(t *testing.T) {
	for _, name := range []string{"parse/keys.yaml", "parse/filters.yaml", "parse/secrets.yaml", "parse/syntax.txt"} {
		path := "testdata/bad/" + name
		_, err := Parse([]File{read(t, path)}, testSecrets)
		if err == nil {
			t.Fatalf("%s: no error", path)
		}
		golden(t, strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)), err.Error()+"\n")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/golden/" + name + ".txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

func TestSyntaxErrors(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unclosed", "servers: {a: [", "not YAML"},
		{"tab", "servers:\n\ta: 1", "indent with blanks"},
		{"half quoted", "filters:\n  - run_if: 'Status' = 1\n    on: submit", "needs quotes around the whole of it"},
		{"not a document", "just text", "expected a definition file with keys"},
		{"list", "- a", "expected a definition file with keys"},
		{"empty", "", "no servers are defined"},
		{"comment", "# nothing\n", "no servers are defined"},
		{"null", "servers:", "expected the list of servers with keys, found nothing"},
		{"alias", "servers: {a: {url: 'sqlite:x'}}\nmappings: *x", "definitions cannot use an alias"},
		{"merge key", "servers: {a: {url: 'sqlite:x', <<: {b: c}}}", "definitions cannot use a merge key"},
		{"tag", "servers: {a: {url: !!str x}}", "definitions cannot use a tag"},
		{"not UTF-8", "servers: \xff", "not UTF-8"},
		{"deep", strings.Repeat("[", 200000), "inside each other"},
		{"deep dashes", strings.Repeat("- ", 200000), "inside each other"},
		{"many lines", strings.Repeat("\n", maxLines), "the file has 20001 lines"},
		{"large", strings.Repeat("#", maxText+1), "the file has 1048577 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]File{{"d.yaml", tt.text}}, testSecrets)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.300v, want %s", err, tt.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	d := parse(t, `
servers:
  a: {url: "sqlite:a"}
  b:
    url: postgres://h/b
    catalog: plain
    forms: [{name: F, fields: [{column: c}]}]
mappings:
  - {name: M, from: {server: a, form: F}, to: {server: b, form: F}}
filters:
  - {name: f, server: a, form: F, on: submit, transfer: {mapping: M}}
`)
	m := d.Mapping("M")
	if m.TransferMode != DataOnly || m.DuplicateRequestID != Error || m.WhenToUpdate != NoUpdate || m.Match != LikeIDs ||
		m.MaxTimeToRetry != NoLimit || !m.EnforcePatternMatching || !m.RequireRequiredFields || !m.Enabled || m.Default ||
		m.OnConflict != ConflictError || m.OnForeignChange != Report {
		t.Errorf("mapping's defaults: %+v", m)
	}
	f := d.Filters[0]
	if f.Order != 500 || !f.Enabled || f.NullCompare != NullSQL || f.Actions[0].Transfer.Pool != DefaultPool || !f.RunIf.IsZero() {
		t.Errorf("filter's defaults: %+v", f)
	}
	a, b := d.Server("a"), d.Server("b")
	if a.Catalog != AR || a.Slot != "" || a.Publication != "ardso" || a.CaseSensitive || a.Location() != time.UTC || !a.Password.IsZero() {
		t.Errorf("server's defaults: %+v", a)
	}
	if form := b.Forms[0]; form.Table != "F" || !form.KeepEmptyStrings || form.Fields[0].Name != "c" {
		t.Errorf("form's defaults: %+v", form)
	}
	if p := d.Pool(DefaultPool); p == nil || p.Threads != 1 {
		t.Errorf("default pool: %+v", p)
	}
	if d.Pool("other") != nil || d.Server("c") != nil || d.Mapping("X") != nil {
		t.Error("found what is not there")
	}
}

// TestChoiceOfMapping is the order of dso-reference, "Which mapping is used".
func TestChoiceOfMapping(t *testing.T) {
	const servers = "servers: {a: {url: 'sqlite:a'}, b: {url: 'sqlite:b'}, c: {url: 'sqlite:c'}}\n"
	const mappings = `mappings:
  - {name: to b first, from: {server: a, form: F}, to: {server: b, form: F}}
  - {name: to c, from: {server: a, form: F}, to: {server: c, form: F}, enabled: no, default: yes}
  - {name: to b default, default: yes, from: {server: a, form: F}, to: {server: b, form: F}}
  - {name: to b late default, default: yes, from: {server: a, form: F}, to: {server: b, form: F}}
  - {name: to c late, from: {server: a, form: F}, to: {server: c, form: F}}
`
	tests := []struct{ transfer, want string }{
		{"{mapping: to b first}", "to b first"},
		{"{to_server: b, to_form: F}", "to b default"},
		{"{to_server: c, to_form: F}", "to c late"},
		{"{}", "to b default"},
	}
	for _, tt := range tests {
		d := parse(t, servers+mappings+"filters: [{name: f, server: a, form: F, on: submit, transfer: "+tt.transfer+"}]")
		if got := d.Filters[0].Actions[0].Transfer.Mapping; got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.transfer, got, tt.want)
		}
	}
}

func TestSeveralFiles(t *testing.T) {
	files := []File{
		{"x/servers.yaml", "servers:\n  a: {url: 'sqlite:a'}\n---\nservers:\n  b: {url: 'sqlite:b', password_file: secrets/chicago}\n"},
		{"x/pools.yaml", "# nothing yet\n"},
		{"x/rules.yaml", "mappings:\n  - {name: M, from: {server: a, form: F}, to: {server: b, form: F}}\n"},
	}
	d, err := Parse(files, testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Servers) != 2 || len(d.Mappings) != 1 || d.Server("b").Password.Reveal() != "hunter2" {
		t.Errorf("got %+v", d)
	}
	files = append(files, File{"a/again.yaml", "servers:\n  a: {url: 'sqlite:a'}\npools: [{nam: x}]\n"})
	_, err = Parse(files, testSecrets)
	const want = `a/again.yaml:2:3: server "a" is defined twice, first at x/servers.yaml:2:3 [definition.duplicate_name]
  2 |   a: {url: 'sqlite:a'}
    |   ^
  give each its own name
a/again.yaml:3:9: a pool has no "name" [definition.missing_key]
  3 | pools: [{nam: x}]
    |         ^
  Name of the pool: at most 80 letters, digits and blanks.
a/again.yaml:3:10: unknown key "nam" in a pool [definition.unknown_key]
  3 | pools: [{nam: x}]
    |          ^
  did you mean "name"?
3 problems in the definitions`
	if d := cmp.Diff(want, fmt.Sprint(err)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDurations(t *testing.T) {
	tests := []struct {
		text string
		want time.Duration
		bad  bool
	}{
		{"0", 0, false},
		{"24h", 24 * time.Hour, false},
		{"1d12h", 36 * time.Hour, false},
		{"90s", 90 * time.Second, false},
		{"1.5h", 90 * time.Minute, false},
		{"", 0, true},
		{"1", 0, true},
		{"h", 0, true},
		{"1x", 0, true},
		{"-1h", 0, true},
		{"1h 2m", 0, true},
		{"1..5h", 0, true},
		{"999999999999d", 0, true},
	}
	for _, tt := range tests {
		if got, err := ParseDuration(tt.text); got != tt.want || (err != nil) != tt.bad {
			t.Errorf("%q: got %v, %v; want %v, error %v", tt.text, got, err, tt.want, tt.bad)
		}
	}
}

// TestNoSecretInAnyOutput is O-6: whatever is done with a document, its passwords do not show.
func TestNoSecretInAnyOutput(t *testing.T) {
	d, err := Parse([]File{read(t, "testdata/good/furniture.yaml")}, testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	if d.Server("sanfrancisco").Password.Reveal() != "hunter2" || d.Server("chicago").Password.Reveal() != "hunter2" {
		t.Fatal("passwords were not read")
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		noSecret(t, verb, fmt.Sprintf(verb, d))
		noSecret(t, verb, fmt.Sprintf(verb, *d))
		for _, s := range d.Servers {
			noSecret(t, verb, fmt.Sprintf(verb, s), fmt.Sprintf(verb, *s), fmt.Sprintf(verb, s.Password), fmt.Sprintf(verb, &s.Password))
		}
	}
	j, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	noSecret(t, "json and yaml", string(j), string(y), reflect.ValueOf(d).String())
	if !strings.Contains(string(j), `"password":"***"`) {
		t.Errorf("no password in %s", j)
	}
	for _, path := range glob(t, "testdata/bad/parse/*") {
		_, err := Parse([]File{read(t, path)}, testSecrets)
		noSecret(t, path, fmt.Sprint(err), fmt.Sprintf("%+v", err))
	}
}

var anySecret = regexp.MustCompile(`(?i)hunter2|68756e74657232`)

func noSecret(t *testing.T, where string, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if m := anySecret.FindStringIndex(s); m != nil {
			t.Errorf("%s shows a password: …%s…", where, s[max(0, m[0]-60):m[1]])
		}
	}
}

// TestUnresolved: without functions for secrets a document can still be checked.
func TestUnresolved(t *testing.T) {
	d, err := Parse([]File{{"d.yaml", "servers:\n  a: {url: 'mysql://${HOST}/db', password: '${P}'}\n  b: {url: 'sqlite:x', password_file: f}\n"}}, Secrets{})
	if err != nil || !d.Server("a").Password.IsZero() || d.Server("a").URL != "mysql://${HOST}/db" {
		t.Errorf("got %+v, %v", d, err)
	}
	d = parse(t, "servers: {a: {url: 'mysql://${HOST}/db'}}")
	if d.Server("a").URL != "mysql://db-chi/db" {
		t.Errorf("got %s", d.Server("a").URL)
	}
}

// TestNoSecretInLogs: slog asks values for their text, or prints them with %+v.
func TestNoSecretInLogs(t *testing.T) {
	var b strings.Builder
	s := &Server{Name: "a", Password: NewSecret("hunter2")}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("open", "password", s.Password, "server", s, "value", *s, "group", slog.GroupValue(slog.Any("p", &s.Password)))
	}
	noSecret(t, "slog", b.String())
	if strings.Count(b.String(), hidden) < 4 {
		t.Errorf("got %s", b.String())
	}
}

// TestSpellings: each kind reads what it prints.
func TestSpellings(t *testing.T) {
	spellings(t, transferModes, (*TransferMode).UnmarshalText, TransferMode.String, TransferMode.MarshalText)
	spellings(t, duplicateActions, (*DuplicateAction).UnmarshalText, DuplicateAction.String, DuplicateAction.MarshalText)
	spellings(t, updateTimes, (*WhenToUpdate).UnmarshalText, WhenToUpdate.String, WhenToUpdate.MarshalText)
	spellings(t, matches, (*Match).UnmarshalText, Match.String, Match.MarshalText)
	spellings(t, conflictPolicies, (*ConflictPolicy).UnmarshalText, ConflictPolicy.String, ConflictPolicy.MarshalText)
	spellings(t, foreignChanges, (*ForeignChange).UnmarshalText, ForeignChange.String, ForeignChange.MarshalText)
	spellings(t, catalogKinds, (*CatalogKind).UnmarshalText, CatalogKind.String, CatalogKind.MarshalText)
	spellings(t, nullCompares, (*NullCompare).UnmarshalText, NullCompare.String, NullCompare.MarshalText)
}

func spellings[K ~int](t *testing.T, n names[K], read func(*K, []byte) error, print func(K) string, marshal func(K) ([]byte, error)) {
	t.Helper()
	for i, want := range n {
		var k K
		b, err := marshal(K(i))
		if err != nil || string(b) != want || print(K(i)) != want || read(&k, b) != nil || int(k) != i {
			t.Errorf("%s: got %s %s, %d, %v", want, b, print(K(i)), k, err)
		}
	}
}

// TestErrorList is what reports find with errors.As.
func TestErrorList(t *testing.T) {
	_, err := Parse([]File{{"d.yaml", "pool: []"}}, Secrets{})
	list, _ := errors.AsType[ErrorList](err)
	problem, ok := errors.AsType[*Problem](err)
	if !ok || len(list) != 2 || problem.Name() != "definition.unknown_key" || list.Name() != "definition.invalid" || problem.Remedy() == "" || list.Remedy() == "" {
		t.Errorf("got %v", err)
	}
	if list[:1].Remedy() != problem.Remedy() || (ErrorList{}).err() != nil {
		t.Error("a list of one, or of none, is not as it should be")
	}
}

func TestKinds(t *testing.T) {
	for i, s := range []string{"data only", "data + ownership", "independent copy", "copy + delete"} {
		var k TransferMode
		if err := k.UnmarshalText([]byte(s)); err != nil || int(k) != i || k.String() != s {
			t.Errorf("%s: got %d %s, %v", s, k, k, err)
		}
	}
	if NoUpdate != 4 || CreateNew != 2 || CopyDelete != 3 {
		t.Error("numbers are not AR System's")
	}
	var k DuplicateAction
	if err := k.UnmarshalText([]byte("merge")); err == nil {
		t.Error("no error for an unknown spelling")
	}
	if _, err := TransferMode(9).MarshalText(); err == nil || TransferMode(9).String() != "unknown 9" {
		t.Error("number 9 has a spelling")
	}
	e := Submit | Merge
	var back Event
	if err := back.UnmarshalText([]byte(e.String())); err != nil || back != e || e.String() != "submit, merge" || e.Has(Delete) {
		t.Errorf("got %s, %v", back, err)
	}
	if err := back.UnmarshalText([]byte("submit, x")); err == nil {
		t.Error("no error for an unknown event")
	}
}

func TestSchedule(t *testing.T) {
	d, _ := Parse([]File{read(t, "testdata/bad/parse/escalations.yaml")}, testSecrets)
	for i, want := range []string{
		"at sun,mon,tue,wed,thu,fri,1,31,last 07:15,18:00 Asia/Tokyo", "every 1h0m0s", "at 02:30 America/Los_Angeles",
	} {
		if got := d.Escalations[i].When(d.Server("sf")).String(); got != want {
			t.Errorf("escalation %q: got %s, want %s", d.Escalations[i].Name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/check/*.yaml", "testdata/bad/*/*"} {
		for _, path := range glob(f, pattern) {
			f.Add(read(f, path).Text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			return
		}
		var d *Document
		var err error
		done := make(chan struct{})
		go func() {
			defer close(done)
			d, err = Parse([]File{{"f.yaml", text}}, testSecrets)
		}()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatal("hangs")
		}
		if err == nil {
			if _, err := json.Marshal(d); err != nil {
				t.Fatalf("accepted, but does not print: %v", err)
			}
			again, err := Parse([]File{{"f.yaml", d.Print()}}, testSecrets)
			if err != nil {
				t.Fatalf("printed, it is refused: %v\n%s", err, d.Print())
			}
			if diff := cmp.Diff(said(t, d), said(t, again)); diff != "" {
				t.Fatalf("printed and read again it is another document (-was +is):\n%s", diff)
			}
			return
		}
		_ = err.Error()
		var list ErrorList
		if !errors.As(err, &list) {
			t.Fatalf("got %T, want an ErrorList", err)
		}
		for _, p := range list {
			if p.Pos.Line < 1 || p.Pos.Column < 1 {
				t.Fatalf("problem without a place: %+v", p)
			}
		}
	})
}
