package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ardso/cmd/internal/report"
	"ardso/mapping/definition"
)

const root = "../.."

// Every name in brackets that the code can print is explained in docs/messages.md or, for those of
// definitions, in docs/definitions.md; and every one that messages.md explains exists.
func TestEveryMessageIsDocumented(t *testing.T) {
	t.Parallel()
	documented := namesIn(t, "docs/messages.md")
	definitions := namesIn(t, "docs/definitions.md")
	used := messageNames(t)
	for name, place := range used {
		list, doc := documented, "docs/messages.md"
		if strings.HasPrefix(name, "definition.") && name != "definition.not_found" {
			list, doc = definitions, "docs/definitions.md"
		}
		if !slices.Contains(list, name) && !slices.Contains(documented, name) {
			t.Errorf("%s: %s is not in %s", place, name, doc)
		}
	}
	for _, name := range documented {
		if _, ok := used[name]; !ok {
			t.Errorf("docs/messages.md explains %s, which nothing prints", name)
		}
	}
}

// namesIn lists the names that stand first in a row of a table.
func namesIn(t *testing.T, file string) []string {
	t.Helper()
	var names []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z_]+(?:\\.[a-z_]+)?)` \\|").FindAllStringSubmatch(read(t, file), -1) {
		names = append(names, m[1])
	}
	return names
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// parts before the point of names that are no file, table or column.
var kinds = regexp.MustCompile(`^(apply|binlog|catalog|check|control|decide|definition|escalation|expression|field|init|join|mapping|match|override|ownership|pool|postgres|qualification|reader|request|request_id|retry|run|server|source|sqlite|target|transfer|usage|value)\.[a-z_]+$`)

// messageNames finds the names in the code, with a place for each: texts that look like one, what
// methods Name return, the kinds of conflict, and the faults of opening.
func messageNames(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	files := token.NewFileSet()
	for _, folder := range []string{"apply", "cdc", "cmd", "mapping", "sql"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			add := func(n ast.Node, name string) { found[name] = files.Position(n.Pos()).String() }
			ast.Inspect(f, func(n ast.Node) bool { return inspect(n, f.Name.Name, add) })
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func inspect(n ast.Node, pkg string, add func(ast.Node, string)) bool {
	switch x := n.(type) {
	case *ast.Field: // a struct tag is no name
		return x.Tag == nil
	case *ast.FuncDecl:
		if x.Name.Name == "Name" && x.Recv != nil {
			ast.Inspect(x.Body, func(n ast.Node) bool {
				if s := textOf(n); s != "" && !strings.HasSuffix(s, ".") {
					add(n, s)
				}
				return true
			})
		}
	case *ast.CallExpr:
		if f, ok := x.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "add" && pkg == "definition" && len(x.Args) > 1 {
			if s := textOf(x.Args[1]); s != "" {
				add(x, "definition."+s)
			}
		}
	case *ast.ValueSpec:
		typ, ok := x.Type.(*ast.Ident)
		if !ok || len(x.Values) != 1 || textOf(x.Values[0]) == "" {
			return true
		}
		switch pkg + "." + typ.Name {
		case "conflict.Kind":
			add(x, textOf(x.Values[0]))
		case "engine.fault":
			add(x, "server."+textOf(x.Values[0]))
		}
	default:
		if s := textOf(n); kinds.MatchString(s) && !regexp.MustCompile(`\.(sql|yaml|db|golden|pem)$`).MatchString(s) {
			add(n, s)
		}
	}
	return true
}

// textOf is the value of a string literal; "" for anything else.
func textOf(n ast.Node) string {
	l, ok := n.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	s, err := strconv.Unquote(l.Value)
	if err != nil {
		return ""
	}
	return s
}

// README's table of exit codes is the one in code.
func TestExitCodesInReadme(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	for _, c := range report.ExitCodes {
		row := "| " + strconv.Itoa(int(c.Code)) + " | " + c.Meaning + " |"
		if !strings.Contains(text, row) {
			t.Errorf("README.md has no row %q", row)
		}
	}
}

// The definitions in the README are valid, and every command in it exists.
func TestReadme(t *testing.T) {
	t.Parallel()
	text := read(t, "README.md")
	_, yaml, found := strings.Cut(text, "```yaml\n")
	yaml, _, closed := strings.Cut(yaml, "```\n")
	if !found || !closed {
		t.Fatal("README.md holds no definitions")
	}
	_, err := definition.Parse([]definition.File{{Name: "README.md", Text: yaml}}, definition.Secrets{
		Env: func(string) (string, bool) { return "secret", true },
	})
	if err != nil {
		t.Error(err)
	}
	app := (&environment{out: io.Discard, err: io.Discard}).app()
	for _, file := range []string{"README.md", "docs/operations.md", "docs/ownership.md", "docs/uses.md"} {
		for _, m := range regexp.MustCompile(`(?m)^ {4,7}(?:bin/|\.\./bin/)?ardso ([a-z]+)`).FindAllStringSubmatch(read(t, file), -1) {
			if find(app.Commands, m[1]) == nil {
				t.Errorf("%s: there is no command %q", file, m[1])
			}
		}
	}
	for _, c := range app.Commands {
		if !strings.Contains(text, "| `ardso "+c.Name+"` |") {
			t.Errorf("README.md does not list `ardso %s`", c.Name)
		}
	}
}

// The definitions of docs/uses.md are valid each for themselves.
func TestUses(t *testing.T) {
	t.Parallel()
	parts := strings.Split(read(t, "docs/uses.md"), "```yaml\n")
	if len(parts) != 3 {
		t.Fatalf("docs/uses.md holds %d definitions, want 2", len(parts)-1)
	}
	for _, part := range parts[1:] {
		yaml, _, _ := strings.Cut(part, "```\n")
		_, err := definition.Parse([]definition.File{{Name: "uses.md", Text: yaml}}, definition.Secrets{
			Env: func(string) (string, bool) { return "secret", true },
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// README and docs/ link to files that exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	for _, file := range []string{"README.md", "docs/messages.md", "docs/operations.md", "docs/ownership.md", "docs/uses.md"} {
		for _, m := range link.FindAllStringSubmatch(read(t, file), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(file), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", file, m[1], err)
			}
		}
	}
}
