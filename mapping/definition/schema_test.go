package definition

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	yaml "github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const schemaFile = "../../docs/ardso.schema.json"

// TestSchemaFile keeps docs/ardso.schema.json as keys.go describes it; -update writes it.
func TestSchemaFile(t *testing.T) {
	if *update {
		if err := os.WriteFile(schemaFile, JSONSchema(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(JSONSchema()), string(got)); d != "" {
		t.Errorf("docs/ardso.schema.json is not as keys.go says; run the test with -update (-want +got):\n%s", d)
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("ardso.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("ardso.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	j, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	s := compileSchema(t)
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/check/*.yaml", "testdata/bad/parse/whole.yaml"} {
		for _, path := range glob(t, pattern) {
			if err := validate(t, s, read(t, path).Text); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// TestSchemaRefuses: what editors can know, the schema refuses as Parse does.
func TestSchemaRefuses(t *testing.T) {
	s := compileSchema(t)
	const ends = "from: {server: a, form: F}, to: {server: b, form: F}"
	for _, text := range []string{
		"server: {}",
		"servers: {A: {url: 'sqlite:x'}}",
		"servers: {a: {}}",
		"servers: {a: {url: 'sqlite:x', password: hunter2}}",
		"servers: {a: {url: 'sqlite:x', forms: [{nam: x}]}}",
		"pools: [{name: 'a/b'}]",
		"pools: [{name: a, threads: 65}]",
		"mappings: [{name: M, " + ends + ", transfer_mode: data}]",
		"mappings: [{name: M, " + ends + ", max_time_to_retry: 24}]",
		"mappings: [{name: M, " + ends + ", enforce_pattern_matching: maybe}]",
		"mappings: [{name: M, " + ends + ", field_groups: [{fields: [a]}]}]",
		"mappings: [{name: M, " + ends + ", field_groups: [{fields: [], on_conflict: merge}]}]",
		"filters: [{name: f, server: a, form: F, on: [update]}]",
		"filters: [{name: f, server: a, form: F, on: submit, transfer: {map: x}}]",
		"filters: [{name: f, server: a, form: F, on: submit, order: 1001}]",
		"escalations: [{name: f, server: a, form: F, at: {time: '25:00'}}]",
	} {
		if validate(t, s, text) == nil {
			t.Errorf("the schema accepts %s", text)
		}
	}
}

// TestKeysAndTypes: each key of the YAML has a field in the Go type that it fills, and each field a key.
func TestKeysAndTypes(t *testing.T) {
	tests := []struct {
		what   string
		goType any
		keys   []string
		// only names what has no counterpart by name, with the reason.
		only map[string]string
	}{
		{"document", Document{}, documentObject.keyNames(), nil},
		{"server", Server{}, serverObject.keyNames(), map[string]string{"name": "the key itself", "password_file": "fills Password"}},
		{"form", Form{}, formObject.keyNames(), nil},
		{"field", Field{}, fieldObject.keyNames(), nil},
		{"pool", Pool{}, poolObject.keyNames(), nil},
		{"logical mapping", LogicalMapping{}, logicalObject.keyNames(), nil},
		{"end", End{}, endObject.keyNames(), nil},
		{"mapping", Mapping{}, mappingObject.keyNames(), nil},
		{"field group", FieldGroup{}, fieldGroupObject.keyNames(), nil},
		{"transfer", Transfer{}, transferObject.keyNames(), nil},
		{"return", Return{}, returnObject.keyNames(), nil},
		{"delete", Deletion{}, deleteObject.keyNames(), nil},
		{"action", Action{}, elseObject.keyNames(), nil},
		{"filter", Filter{}, filterObject.keyNames(), map[string]string{
			"actions": "transfer, return and delete", "transfer": "fills Actions", "return": "fills Actions", "delete": "fills Actions",
		}},
		{"escalation", Escalation{}, escalationObject.keyNames(), map[string]string{
			"actions": "transfer, return and delete", "transfer": "fills Actions", "return": "fills Actions", "delete": "fills Actions",
		}},
		{"schedule", Schedule{}, scheduleObject.keyNames(), map[string]string{"hour": "time", "minute": "time", "time": "fills Hour and Minute"}},
	}
	for _, tt := range tests {
		fields := jsonNames(reflect.TypeOf(tt.goType))
		for _, f := range fields {
			if !slices.Contains(tt.keys, f) && tt.only[f] == "" {
				t.Errorf("%s: field %s has no key", tt.what, f)
			}
		}
		for _, k := range tt.keys {
			if !slices.Contains(fields, k) && tt.only[k] == "" {
				t.Errorf("%s: key %s has no field", tt.what, k)
			}
		}
	}
}

func jsonNames(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		if tag, _, _ := strings.Cut(f.Tag.Get("json"), ","); tag != "" && tag != "-" {
			names = append(names, tag)
		}
	}
	return names
}

// TestDocumentation: docs/definitions.md explains every key and every complaint.
func TestDocumentation(t *testing.T) {
	b, err := os.ReadFile("../../docs/definitions.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, keys := range [][]string{
		documentObject.keyNames(), serverObject.keyNames(), formObject.keyNames(), fieldObject.keyNames(), poolObject.keyNames(),
		logicalObject.keyNames(), endObject.keyNames(), mappingObject.keyNames(), fieldGroupObject.keyNames(), transferObject.keyNames(), returnObject.keyNames(),
		deleteObject.keyNames(), filterObject.keyNames(), escalationObject.keyNames(), scheduleObject.keyNames(),
	} {
		for _, k := range keys {
			if !strings.Contains(doc, "`"+k+"`") {
				t.Errorf("docs/definitions.md does not explain `%s`", k)
			}
		}
	}
	for _, kind := range complaintKinds(t) {
		if !strings.Contains(doc, "`definition."+kind+"`") {
			t.Errorf("docs/definitions.md does not list `definition.%s`", kind)
		}
	}
}

// complaintKinds finds the names of all complaints in the source: the second argument of add, and the
// one argument of kind.
func complaintKinds(t *testing.T) (kinds []string) {
	t.Helper()
	for _, path := range glob(t, "*.go") {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		for _, m := range addCall.FindAllStringSubmatch(read(t, path).Text, -1) {
			kinds = append(kinds, m[1]+m[2]+m[3])
		}
	}
	slices.Sort(kinds)
	return slices.Compact(kinds)
}

var addCall = regexp.MustCompile(`\.add\(.*?, "([a-z_]+)", |kind :?= "([a-z_]+)"|qualErrors\(.*?, "([a-z_]+)"`)
