package conflict_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ardso/apply/conflict"
)

// docs/conflicts.md lists every kind of conflict, and the tests that it names are there.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/conflicts.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, k := range conflict.Kinds {
		if !strings.Contains(doc, "`"+string(k)+"`") {
			t.Errorf("docs/conflicts.md does not list %s", k)
		}
	}
	var tests strings.Builder
	for _, pattern := range []string{"*_test.go", "../../cmd/internal/run/*_test.go"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tests.Write(text)
		}
	}
	for _, name := range regexp.MustCompile("`(Test[A-Za-z]+)`").FindAllStringSubmatch(doc, -1) {
		if !strings.Contains(tests.String(), "func "+name[1]+"(") {
			t.Errorf("docs/conflicts.md names %s, which is not there", name[1])
		}
	}
}
