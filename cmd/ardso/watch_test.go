package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A change is told of once it has stood from one look to the next, and once only.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := &watch{told: "a", last: "a"}
	for i, x := range []struct {
		now  string
		told bool
	}{
		{"a", false},
		{"b", false},
		{"b", true},
		{"b", false},
		{"half", false},
		{"c", false},
		{"c", true},
		{"d", false},
		{"c", false}, // taken back before it stood
		{"c", false},
		{"a", false},
		{"a", true},
	} {
		if got := w.look(x.now); got != x.told {
			t.Errorf("look %d at %s: told %t, want %t", i, x.now, got, x.told)
		}
	}
}

// Whatever a folder's definitions go through shows in its stamp; other files do not.
func TestStamp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	differs := func(what string) {
		t.Helper()
		s := stamp(dir)
		if before, ok := seen[s]; ok {
			t.Errorf("%s: the stamp is that of %s", what, before)
		}
		seen[s] = what
	}
	differs("an empty folder")
	write("a.yaml", "x")
	differs("a file")
	write("b.yaml", "")
	differs("another")
	write("a.yaml", "xy")
	differs("a longer one")
	before := stamp(dir)
	write("a.yaml~", "z")
	if stamp(dir) != before {
		t.Error("a file that is no definition shows")
	}
	if err := os.Remove(filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	differs("without the first")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	differs("no folder")
}
