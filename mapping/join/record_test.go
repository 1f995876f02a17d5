package join_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/mapping/join"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
)

// What is written into the log is read from it, under the fields that the form has then.
func TestRecord(t *testing.T) {
	a, b := form("A", "x"), form("B", "y")
	f, g := joinOf(a, b, "x", "y", false), joinOf(b, a, "y", "x", true)
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	row := func(texts ...string) (im request.Image) {
		for _, s := range texts {
			im = append(im, value.Text(s))
		}
		return im
	}
	changes := []join.Change{
		{Form: f, After: row("a|b", "a", "1", "b", "1"), Mark: join.Mark{At: at}},
		{Form: g, Before: row("b|", "b", "1", "", ""), Mark: join.Mark{Merge: true, Path: []string{"c", "d"}, At: at}},
		{Form: f, Before: row("a|b", "a", "1", "b", "1"), After: row("a|b", "a", "1", "b", "2"), Mark: join.Mark{Merge: true, WriteBack: true, At: at}},
	}
	text, err := join.Encode(changes)
	if err != nil {
		t.Fatal(err)
	}
	read := func(forms ...*schema.Form) string {
		t.Helper()
		got, err := join.Decode(text, func(name string) *schema.Form {
			for _, x := range forms {
				if x.Name == name {
					return x
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		out := ""
		for _, c := range got {
			out += fmt.Sprintln(c.Form.Name, c.Before, c.After, c.Mark)
		}
		return out
	}
	want := ""
	for _, c := range changes {
		want += fmt.Sprintln(c.Form.Name, c.Before, c.After, c.Mark)
	}
	if diff := cmp.Diff(want, read(f, g)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Of a form that is followed no more nothing is left, and of a field that it did not have, no value.
	later := joinOf(a, b, "x", "y", false)
	later.Fields[4].ID = 99
	got := read(later)
	want = fmt.Sprintln(later.Name, request.Image(nil), append(row("a|b", "a", "1", "b"), value.Absent), changes[0].Mark) +
		fmt.Sprintln(later.Name, append(row("a|b", "a", "1", "b"), value.Absent), append(row("a|b", "a", "1", "b"), value.Absent), changes[2].Mark)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := join.Decode("{", nil); err == nil {
		t.Error("no error")
	}
}

// More changed requests than there is memory for, and a log that does not hold what they were before, are named.
func TestNoteRefuses(t *testing.T) {
	a, b := form("A", "x"), form("B", "y")
	tracker := join.NewTracker("a", []*schema.Form{joinOf(a, b, "x", "y", false)})
	rel := &cdc.Relation{Schema: "s", Table: "A", Columns: []string{"id", "x"}, Key: []bool{true, false}}
	note := func(rel *cdc.Relation, key, before, after value.Value) error {
		_, err := tracker.Note(&cdc.Transaction{}, &cdc.RowChange{Relation: rel, Kind: cdc.Update, Before: []value.Value{key, before}, After: []value.Value{key, after}})
		return err
	}
	var unreadable *cdc.UnreadableError
	if err := note(rel, value.Text("k"), value.Absent, value.Text("1")); !errors.As(err, &unreadable) {
		t.Errorf("without a before image: %v", err)
	}
	if err := note(&cdc.Relation{Schema: "s", Table: "A", Columns: []string{"id", "z"}}, value.Text("k"), value.Null, value.Null); !errors.As(err, &unreadable) {
		t.Errorf("without the column: %v", err)
	}
	limit := join.Limit
	defer func() { join.Limit = limit }()
	join.Limit = 10_000
	var many *join.TooManyError
	for i := range 1000 {
		if err := note(rel, value.Text(fmt.Sprint("k", i)), value.Text("1"), value.Text("2")); err != nil {
			if !errors.As(err, &many) || many.Remedy() == "" || many.Count < 10 {
				t.Errorf("got %v", err)
			}
			return
		}
	}
	t.Error("no limit")
}
