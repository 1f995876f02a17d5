package integration

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// topLevel lists the folders of the repository; names that begin with a dot may be there besides.
var topLevel = []string{"apply", "bin", "cdc", "cmd", "docs", "integration", "mapping", "sql"}

// rule says what a package may import of ours. sql/value and sql/schema, plain data that all of us speak,
// are open to everyone but themselves.
type rule struct {
	imports []string // packages; "x/..." is x and all below it
	pure    bool     // no I/O, clock, randomness or goroutine: values in, values out
}

// rules is the table of packages in docs/ARCHITECTURE.md. A package that is not in it fails the test: add
// it with the least that it needs, along sql <- cdc <- mapping <- apply <- cmd.
var rules = map[string]rule{
	"sql/value":       {pure: true},
	"sql/schema":      {pure: true},
	"sql/engine":      {},
	"sql/binlog":      {imports: []string{"sql/engine"}},
	"sql/catalog":     {imports: []string{"sql/engine"}},
	"sql/control":     {imports: []string{"sql/engine"}},
	"sql/distributed": {imports: []string{"sql/catalog", "sql/engine"}},
	"sql/guard":       {imports: []string{"sql/engine"}},
	"sql/preflight":   {imports: []string{"sql/engine"}},
	"sql/replication": {imports: []string{"sql/engine"}},
	"sql/statement":   {imports: []string{"sql/engine"}},
	"sql/triggerlog":  {imports: []string{"sql/engine"}},

	"cdc":                   {pure: true},
	"cdc/postgres":          {imports: []string{"cdc", "cdc/postgres/pgoutput", "sql/..."}},
	"cdc/postgres/pgoutput": {pure: true},
	"cdc/binlog":            {imports: []string{"cdc", "cdc/binlog/event", "cdc/binlog/wire", "sql/..."}},
	"cdc/binlog/event":      {pure: true},
	"cdc/binlog/wire":       {},
	"cdc/trigger":           {imports: []string{"cdc", "sql/..."}},
	"cdc/watermark":         {imports: []string{"cdc", "sql/..."}},
	"cdc/cdctest":           {imports: []string{"cdc", "sql/..."}},

	"mapping":            {imports: []string{"cdc", "mapping/..."}, pure: true},
	"mapping/ownership":  {pure: true},
	"mapping/definition": {imports: []string{"mapping/qual", "mapping/schedule"}, pure: true},
	"mapping/qual":       {pure: true},
	"mapping/join":       {imports: []string{"cdc", "mapping/request"}, pure: true},
	"mapping/request":    {imports: []string{"cdc"}, pure: true},
	"mapping/schedule":   {pure: true},

	"apply":          {imports: []string{"cdc", "mapping/...", "sql/...", "apply/..."}},
	"apply/batch":    {imports: []string{"mapping", "mapping/ownership"}, pure: true},
	"apply/conflict": {imports: []string{"mapping", "mapping/definition", "mapping/request"}, pure: true},
	"apply/pending":  {imports: []string{"mapping", "sql/control"}},
	"apply/verify":   {imports: []string{"mapping/...", "sql/..."}},
	"apply/relay":    {imports: []string{"mapping"}},

	"cmd/ardso":            {imports: []string{"cmd/internal/...", "apply/...", "mapping/...", "cdc/...", "sql/..."}},
	"cmd/internal/run":     {imports: []string{"apply/...", "mapping/...", "cdc/...", "sql/..."}},
	"cmd/internal/console": {imports: []string{"cmd/internal/run", "cmd/internal/report", "apply/...", "mapping/...", "sql/..."}},
	"cmd/internal/report":  {},

	"integration":           {imports: everything},
	"integration/arfixture": {imports: []string{"sql/..."}},
	"integration/dbtest":    {imports: []string{"sql/..."}},
	"integration/qualtest":  {},
	"integration/stormtest": {imports: []string{"sql/..."}},
}

var everything = []string{"sql/...", "cdc/...", "mapping/...", "apply/...", "cmd/...", "integration/..."}

// dependencies lists, by the folder that may import them, the modules of others that we rely on. Each is a
// decision: see the commit that brought it.
var dependencies = map[string][]string{
	"": { // everywhere
		"filippo.io/edwards25519",
		"github.com/cockroachdb/apd/v3", "github.com/goccy/go-yaml", "github.com/jackc/pgx/v5",
		"github.com/go-sql-driver/mysql", "github.com/jmoiron/sqlx", "github.com/klauspost/compress", "modernc.org/sqlite",
		"github.com/schollz/progressbar/v3", "github.com/urfave/cli/v2",
		"golang.org/x/sync", "golang.org/x/sys", "golang.org/x/text", "golang.org/x/term",
	},
	"test": { // test files and integration/ only
		"github.com/dolthub/go-mysql-server", "github.com/dolthub/vitess",
		"github.com/google/go-cmp", "github.com/moby/moby", "github.com/rogpeppe/go-internal",
		"github.com/santhosh-tekuri/jsonschema/v6", "github.com/testcontainers/testcontainers-go",
		"go.uber.org/goleak", "pgregory.net/rapid",
	},
}

// impure are the packages of the standard library that a pure package must not import; "x/..." is x
// and all below it.
var impure = []string{
	"crypto/rand", "database/sql/...", "io/ioutil", "log/...", "math/rand/...", "net", "net/http/...",
	"net/rpc/...", "net/smtp", "os/...", "plugin", "runtime/...", "syscall/...",
}

// clock are the functions of package time that ask or wait for the time.
var clock = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

// source is one Go file of ours.
type source struct {
	path    string // from the repository's top, with slashes
	pkg     string // its folder
	test    bool
	file    *ast.File
	imports []string // as written, in order
	lines   []int    // the line of each import
	set     *token.FileSet
}

func (s source) at(line int) string { return fmt.Sprintf("%s:%d", s.path, line) }

// sources parses every Go file below root that is not in a folder with a dot or of test data.
func sources(root string) ([]source, error) {
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && name != root
		if d.IsDir() && (hidden || d.Name() == "testdata" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if d.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parseSource(name, filepath.ToSlash(rel))
		all = append(all, s)
		return err
	})
	return all, err
}

func parseSource(name, rel string) (source, error) {
	s := source{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), set: token.NewFileSet()}
	var err error
	if s.file, err = parser.ParseFile(s.set, name, nil, parser.SkipObjectResolution); err != nil {
		return s, err
	}
	for _, i := range s.file.Imports {
		imported, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return s, err
		}
		s.imports = append(s.imports, imported)
		s.lines = append(s.lines, s.set.Position(i.Pos()).Line)
	}
	return s, nil
}

// covers reports whether one of the patterns is name, or "x/..." with name at or below x.
func covers(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, subtree := strings.CutSuffix(p, "/...")
		return name == below || subtree && strings.HasPrefix(name, below+"/")
	})
}

// arrows complains about every import that goes against the table, one line each.
func arrows(s source) []string {
	r, known := rules[s.pkg]
	if !known {
		return []string{fmt.Sprintf("%s: package %s is not in the table of this test", s.path, s.pkg)}
	}
	var bad []string
	for i, imported := range s.imports {
		ours, is := strings.CutPrefix(imported, "ardso/")
		if !is {
			continue
		}
		allowed := covers(r.imports, ours) || ours == s.pkg
		switch {
		case s.test:
			allowed = true // tests look from outside
		case r.pure && !rules[ours].pure:
			allowed = false
		case ours == "sql/value" || ours == "sql/schema" && s.pkg != "sql/value":
			allowed = true
		}
		if !allowed {
			bad = append(bad, fmt.Sprintf("%s: %s must not import %s", s.at(s.lines[i]), s.pkg, ours))
		}
	}
	return bad
}

// impurities complains about what a pure package must not do: I/O, clock, randomness, goroutines.
func impurities(s source) []string {
	if !rules[s.pkg].pure || s.test {
		return nil
	}
	var bad []string
	for i, imported := range s.imports {
		if covers(impure, imported) {
			bad = append(bad, fmt.Sprintf("%s: pure package %s imports %s", s.at(s.lines[i]), s.pkg, imported))
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			bad = append(bad, fmt.Sprintf("%s: pure package %s starts a goroutine", s.at(s.set.Position(n.Pos()).Line), s.pkg))
		case *ast.SelectorExpr:
			if x, is := n.X.(*ast.Ident); is && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
				bad = append(bad, fmt.Sprintf("%s: pure package %s calls time.%s", s.at(s.set.Position(n.Pos()).Line), s.pkg, n.Sel.Name))
			}
		}
		return true
	})
	return bad
}

// strangers complains about imports of modules that are not in the list of dependencies.
func strangers(s source) []string {
	allowed := dependencies[""]
	if s.test || strings.HasPrefix(s.pkg, "integration") {
		allowed = slices.Concat(allowed, dependencies["test"])
	}
	var bad []string
	for i, imported := range s.imports {
		first, _, _ := strings.Cut(imported, "/")
		if !strings.Contains(first, ".") {
			continue // the standard library or ours
		}
		ok := slices.ContainsFunc(allowed, func(m string) bool {
			return imported == m || strings.HasPrefix(imported, m+"/")
		})
		if !ok {
			bad = append(bad, fmt.Sprintf("%s: %s is no agreed dependency of %s", s.at(s.lines[i]), imported, s.pkg))
		}
	}
	return bad
}

func TestLayout(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") && !slices.Contains(topLevel, e.Name()) {
			t.Errorf("folder %s: the top level has only %s", e.Name(), strings.Join(topLevel, ", "))
		}
	}
	all, err := sources("..")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("Go files: got %d; is this the repository?", len(all))
	}
	for _, s := range all {
		if s.pkg == "sql" {
			t.Errorf("%s: no Go file lies in sql/ itself, where it would hide database/sql", s.path)
		}
		for _, bad := range slices.Concat(arrows(s), impurities(s), strangers(s)) {
			t.Error(bad)
		}
	}
}

// The test above finds what it is there for.
func TestLayoutRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, code string
		want             string // part of the one complaint; "" = none
	}{
		{"along the arrow", "cdc/trigger/x.go", `import "ardso/sql/engine"`, ""},
		{"against the arrow", "sql/control/x.go", `import "ardso/cdc"`, "x.go:2: sql/control must not import cdc"},
		{"skip a level upwards", "cdc/watermark/x.go", `import "ardso/apply"`, "must not import apply"},
		{"sideways", "cdc/trigger/x.go", `import "ardso/cdc/postgres"`, "must not import cdc/postgres"},
		{"value from everywhere", "cmd/internal/report/x.go", `import "ardso/sql/value"`, ""},
		{"schema from value", "sql/value/x.go", `import "ardso/sql/schema"`, "must not import sql/schema"},
		{"integration from the program", "cmd/ardso/x.go", `import "ardso/integration/dbtest"`, "must not import integration/dbtest"},
		{"integration from a test", "cmd/ardso/x_test.go", `import "ardso/integration/dbtest"`, ""},
		{"unknown package", "cdc/util/x.go", ``, "not in the table"},
		{"pure imports impure", "mapping/x.go", `import "ardso/sql/engine"`, "must not import sql/engine"},
		{"pure imports os", "mapping/qual/x.go", `import "os"`, "imports os"},
		{"pure imports database/sql/driver", "sql/value/x.go", `import "database/sql/driver"`, "imports database/sql/driver"},
		{"pure asks the clock", "mapping/x.go", "import \"time\"\nvar now = time.Now()", "x.go:3: pure package mapping calls time.Now"},
		{"pure uses durations", "mapping/x.go", "import \"time\"\nvar d = time.Second", ""},
		{"pure starts a goroutine", "apply/batch/x.go", `func f() { go f() }`, "starts a goroutine"},
		{"test of a pure package", "mapping/x_test.go", `import "os"`, ""},
		{"stranger", "apply/x.go", `import "github.com/some/body"`, "no agreed dependency"},
		{"name that begins alike", "apply/x.go", `import "github.com/jmoiron/sqlxtra"`, "no agreed dependency"},
		{"test module in the program", "apply/x.go", `import "pgregory.net/rapid"`, "no agreed dependency"},
		{"test module in a test", "apply/x_test.go", `import "pgregory.net/rapid"`, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := filepath.Join(t.TempDir(), "x.go")
			if err := os.WriteFile(name, []byte("package x\n"+test.code+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			s, err := parseSource(name, test.path)
			if err != nil {
				t.Fatal(err)
			}
			got := slices.Concat(arrows(s), impurities(s), strangers(s))
			if test.want == "" && len(got) > 0 {
				t.Errorf("got %q, want no complaint", got)
			}
			if test.want != "" && (len(got) != 1 || !strings.Contains(got[0], test.want)) {
				t.Errorf("got %q, want one complaint with %q", got, test.want)
			}
		})
	}
}
