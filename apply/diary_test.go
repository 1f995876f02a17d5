package apply

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/ownership"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Along an ownership chain diaries have the entries of both sides, whichever version is the later one; other fields go
// by their version.
func TestDiariesAlongChains(t *testing.T) {
	t.Parallel()
	const notes, log = 8, 900001
	sets := conflict.Sets{log: conflict.Diary}
	const seed, ann, bob = "1\x04ann\x04one\x03", "2\x04ann\x04two\x03", "3\x04bob\x04three\x03"
	early, late := ownership.Version{Epoch: 1, Order: 5}, ownership.Version{Epoch: 3, Order: 5}
	tests := []struct {
		name           string
		after, current string // of the diary; it was seed
		version        ownership.Version
		along          string // what a change along the chain writes
		offer, kept    string // what a hand-over writes, and which fields the copy keeps
	}{
		{"only the change", seed + ann, seed, early, "8=src 900001=1|ann|one;2|ann|two;", "8=src 900001=1|ann|one;2|ann|two;", "[]"},
		{"both, and the change is the later one", seed + ann, seed + bob, late, "8=src 900001=1|ann|one;2|ann|two;3|bob|three;", "8=src 900001=1|ann|one;2|ann|two;3|bob|three;", "[]"},
		{"both, and the change is the earlier one", seed + ann, seed + bob, early, "8=src 900001=1|ann|one;2|ann|two;3|bob|three;", "8=src 900001=1|ann|one;2|ann|two;3|bob|three;", "[]"},
		{"it is there already, and more", seed + ann, seed + ann + bob, late, "8=src", "8=src", "[900001]"},
	}
	for _, tt := range tests {
		values := map[int]value.Value{notes: value.Text("n"), log: value.Text(tt.current)}
		c := &copyOf{
			form: &schema.Form{Name: "Repair"},
			row:  &conflict.Current{Field: func(id int) value.Value { return values[id] }},
			state: &ownership.State{Chain: "c", Epoch: 2, Owner: true, Fields: map[int]ownership.Field{
				notes: {Hash: mapping.HashOf(value.Text("n")), Version: ownership.Version{Epoch: 1, Order: 1}},
				log:   {Hash: mapping.HashOf(value.Text(seed)), Version: ownership.Version{Epoch: 1, Order: 1}},
			}},
		}
		versions := map[int]ownership.Version{notes: late, log: tt.version}
		op := &mapping.Operation{
			Action: mapping.Modify, TargetForm: "Repair",
			Along: &mapping.Along{Chain: "c", Epoch: 1, Versions: versions},
			Offer: &ownership.Offer{Chain: "c", Epoch: 2, Changed: versions},
			Fields: []mapping.FieldChange{
				{Field: notes, Before: value.Text("n"), After: value.Text("src")},
				{Field: log, Before: value.Text(seed), After: value.Text(tt.after)},
			},
		}
		write, state, lost := mergeFields(op, c, sets)
		if got := inOneLine(write); got != tt.along || len(lost) > 0 {
			t.Errorf("%s: a change along the chain writes %s, and loses %v; want %s", tt.name, got, lost, tt.along)
		}
		for _, x := range write {
			if f := state.Fields[x.Field]; f.Hash != mapping.HashOf(x.Value) || f.Compare(versions[x.Field]) < 0 {
				t.Errorf("%s: field %d is written, and dso_owner holds %+v", tt.name, x.Field, f)
			}
		}
		w := &writing{t: &Target{sets: map[string]conflict.Sets{"Repair": sets}, Log: slog.New(slog.DiscardHandler)}}
		write, kept := w.mergeOffer(op, c)
		if got := inOneLine(write); got != tt.offer || fmt.Sprint(kept) != tt.kept {
			t.Errorf("%s: a hand-over writes %s and keeps %v; want %s and %s", tt.name, got, kept, tt.offer, tt.kept)
		}
	}
}

// inOneLine is what is to be written in one line.
func inOneLine(write []conflict.Write) string {
	parts := make([]string, len(write))
	for i, x := range write {
		parts[i] = fmt.Sprintf("%d=%s", x.Field, strings.NewReplacer("\x03", ";", "\x04", "|").Replace(x.Value.String()))
	}
	return strings.Join(parts, " ")
}
