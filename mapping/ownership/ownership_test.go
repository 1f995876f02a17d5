package ownership_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/mapping/ownership"
)

func at(server string) ownership.Place {
	return ownership.Place{Server: server, Form: "Repair", Request: "1", Mapping: "m"}
}

type fieldsOf = map[int]ownership.Field

func field(hash string, v ownership.Version) ownership.Field {
	return ownership.Field{Hash: hash, Version: v}
}

func TestWays(t *testing.T) {
	up := func(s string) ownership.Way { return ownership.Way{Direction: ownership.Up, To: at(s)} }
	down := func(s string) ownership.Way { return ownership.Way{Direction: ownership.Down, To: at(s)} }
	user, merged := ownership.Change{WasOwner: true}, ownership.Change{Merged: true, Path: []string{"sf"}}
	open := &ownership.HandOver{To: at("tokyo"), Epoch: 2}
	tests := []struct {
		name   string
		change ownership.Change
		state  ownership.State
		open   *ownership.HandOver
		rules  ownership.Rules
		want   []ownership.Way
	}{
		{"where a chain begins", user, ownership.State{}, nil, ownership.Rules{}, nil},
		{"an owner's change is an update", user, ownership.State{From: at("sf")}, nil, ownership.Rules{}, []ownership.Way{down("sf")}},
		{"a foreign change goes nowhere", ownership.Change{}, ownership.State{From: at("sf"), To: at("tokyo")}, nil, ownership.Rules{}, nil},
		{"while a hand-over is open, both ways", user, ownership.State{From: at("sf")}, open, ownership.Rules{}, []ownership.Way{up("tokyo"), down("sf")}},
		{"a return is open", user, ownership.State{From: at("tokyo")}, open, ownership.Rules{}, []ownership.Way{up("tokyo")}},
		{"a merged change goes on to the copy that was given ownership", merged, ownership.State{From: at("sf"), To: at("tokyo")}, nil, ownership.Rules{}, []ownership.Way{up("tokyo")}},
		{"a merged change comes down", ownership.Change{Merged: true, Path: []string{"tokyo"}}, ownership.State{From: at("sf"), To: at("tokyo")}, nil, ownership.Rules{}, []ownership.Way{down("sf")}},
		{"a ring ends", ownership.Change{Merged: true, Path: []string{"sf", "tokyo"}}, ownership.State{From: at("sf"), To: at("tokyo")}, nil, ownership.Rules{}, nil},
		{"without rule 4", user, ownership.State{From: at("sf")}, open, ownership.Rules{NoForward: true}, []ownership.Way{down("sf")}},
		{"without updates while it is open", user, ownership.State{From: at("sf")}, open, ownership.Rules{NoBoth: true}, []ownership.Way{up("tokyo")}},
		{"without the way on", merged, ownership.State{To: at("tokyo")}, nil, ownership.Rules{NoOnward: true}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, ownership.Ways(tt.change, &tt.state, tt.open, tt.rules)); d != "" {
				t.Errorf("ways (-want +got):\n%s", d)
			}
		})
	}
}

func TestAccept(t *testing.T) {
	offer := &ownership.Offer{Chain: "c", Epoch: 4}
	tests := []struct {
		name  string
		state *ownership.State
		owns  bool
		want  ownership.Answer
	}{
		{"no copy", nil, false, ownership.Take},
		{"a request that was never handed over", &ownership.State{}, true, ownership.Take},
		{"a copy that owned it once", &ownership.State{Chain: "c", Epoch: 2}, false, ownership.Take},
		{"a copy whose own hand-over is not written back yet", &ownership.State{Chain: "c", Epoch: 3, Owner: true}, true, ownership.Take},
		{"taken already", &ownership.State{Chain: "c", Epoch: 5, Owner: true}, true, ownership.Have},
		{"taken, and gone on since", &ownership.State{Chain: "c", Epoch: 7}, false, ownership.Have},
		{"taken, and deleted since", &ownership.State{Chain: "c", Epoch: 5, Deleted: true}, false, ownership.Have},
		{"deleted by its owner", &ownership.State{Chain: "c", Epoch: 2, Deleted: true}, false, ownership.Refuse},
		{"owns itself under another chain", &ownership.State{Chain: "d", Epoch: 1, Owner: true}, true, ownership.Refuse},
		{"of another chain, whose owner is elsewhere", &ownership.State{Chain: "d", Epoch: 9}, false, ownership.Take},
		{"deleted under another chain", &ownership.State{Chain: "d", Epoch: 9, Deleted: true}, true, ownership.Take},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ownership.Accept(tt.state, tt.owns, offer); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	offer := &ownership.Offer{Chain: "c", Epoch: 3, From: at("sf"), Changed: map[int]ownership.Version{
		7: {Epoch: 3, Order: 12}, 8: {Epoch: 1, Order: 5},
	}}
	was := &ownership.State{Chain: "c", Epoch: 2, From: at("osaka"), To: at("sf"), Fields: fieldsOf{7: field("a", ownership.Version{Epoch: 1, Order: 5})}}
	values := map[int]string{7: "x", 8: "own"}
	want := ownership.State{Chain: "c", Epoch: 4, Owner: true, From: at("sf"), Fields: fieldsOf{
		7: field("x", ownership.Version{Epoch: 3, Order: 12}),
		8: field("own", ownership.Version{Epoch: 2}),
	}}
	got := ownership.Accepted(was, offer, values, func(id int) bool { return id == 7 })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("a transfer (-want +got):\n%s", d)
	}
	back := *offer
	back.Return = true
	if got := ownership.Accepted(was, &back, values, nil); got.From != at("osaka") {
		t.Errorf("after a return the copy comes from %v, want what it came from first", got.From)
	}
	if got := ownership.Accepted(nil, offer, values, nil); got.Fields[8] != field("own", ownership.Version{Epoch: 1, Order: 5}) {
		t.Errorf("a new copy's field is %v, want the offer's version", got.Fields[8])
	}
}

func TestVersions(t *testing.T) {
	ascending := []ownership.Version{
		{},
		{Epoch: 1, Order: 5},
		{Epoch: 1, Order: 6},
		{Epoch: 1}, // not read yet
		{Epoch: 2, Order: 1},
		{Epoch: 2},
		{Epoch: 2, Turn: 1, By: 1, Order: 9},
		{Epoch: 2, Turn: 1, By: 2, Order: 1},
		{Epoch: 2, Turn: 2, By: 1, Order: 1},
		{Epoch: 3, Order: 1},
	}
	ascending[0].Order = 1
	for i, v := range ascending {
		for j, w := range ascending {
			got, want := v.Compare(w), 0
			switch {
			case i < j:
				want = -1
			case i > j:
				want = 1
			}
			if got != want {
				t.Errorf("%v and %v: got %d, want %d", v, w, got, want)
			}
		}
	}
	if got := (ownership.Version{Epoch: 1}).Read(7).Read(9); got.Order != 7 {
		t.Errorf("read at 7 and 9, the order is %d", got.Order)
	}
}

func TestChangedAt(t *testing.T) {
	s := &ownership.State{Epoch: 2, Fields: fieldsOf{
		7: field("a", ownership.Version{Epoch: 1, Order: 5}),
		8: field("b", ownership.Version{Epoch: 3, Order: 6}),
		9: field("c", ownership.Version{Epoch: 3, Turn: 2, By: 3, Order: 6}),
	}}
	tests := []struct {
		name  string
		field int
		hash  string
		want  ownership.Version
	}{
		{"as it was written", 7, "a", ownership.Version{Epoch: 1, Order: 5}},
		{"edited", 7, "x", ownership.Version{Epoch: 2}},
		{"never written", 6, "x", ownership.Version{Epoch: 2}},
		{"edited over a later owner's value", 8, "x", ownership.Version{Epoch: 3, Turn: 1, By: 2}},
		{"and once more", 9, "x", ownership.Version{Epoch: 3, Turn: 3, By: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.ChangedAt(tt.field, tt.hash); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := (&ownership.State{}).ChangedAt(7, "x"); got != (ownership.Version{Epoch: 1}) {
		t.Errorf("where a chain begins: got %+v", got)
	}
}

func TestTakes(t *testing.T) {
	s := &ownership.State{Chain: "c", Epoch: 2, Owner: true, Fields: fieldsOf{7: field("a", ownership.Version{Epoch: 1, Order: 5})}}
	given := s.WrittenBack(at("tokyo"), map[int]string{7: "b"})
	tests := []struct {
		name  string
		state *ownership.State
		offer ownership.Version
		hash  string
		rules ownership.Rules
		want  bool
	}{
		{"a later owner's", s, ownership.Version{Epoch: 3, Order: 1}, "x", ownership.Rules{}, true},
		{"older than what was edited here", s, ownership.Version{Epoch: 1, Order: 9}, "x", ownership.Rules{}, false},
		{"its own edit, edited once more", s, ownership.Version{Epoch: 2, Order: 9}, "x", ownership.Rules{}, false},
		{"the same owner's later one", s, ownership.Version{Epoch: 1, Order: 9}, "a", ownership.Rules{}, true},
		{"the same owner's earlier one", s, ownership.Version{Epoch: 1, Order: 4}, "a", ownership.Rules{}, false},
		{"older than what was edited here before it was given away", &given, ownership.Version{Epoch: 2, Order: 9}, "b", ownership.Rules{}, false},
		{"older than what someone has set who does not own it", &given, ownership.Version{Epoch: 1, Order: 4}, "x", ownership.Rules{}, true},
		{"no copy", nil, ownership.Version{Epoch: 1, Order: 4}, "", ownership.Rules{}, true},
		{"of another chain", &ownership.State{Chain: "d", Epoch: 9}, ownership.Version{Epoch: 1, Order: 4}, "a", ownership.Rules{}, true},
		{"images", s, ownership.Version{Epoch: 1, Order: 4}, "x", ownership.Rules{NoFields: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := &ownership.Offer{Chain: "c", Epoch: 4, Changed: map[int]ownership.Version{7: tt.offer}}
			if got := tt.state.Takes(o, 7, tt.hash, tt.rules); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestMerge(t *testing.T) {
	s := &ownership.State{Epoch: 2, Fields: fieldsOf{7: field("a", ownership.Version{Epoch: 1, Order: 5})}}
	const before = "a"
	tests := []struct {
		name           string
		version        ownership.Version
		after, current string
		want           ownership.Outcome
	}{
		{"as it was", ownership.Version{Epoch: 1, Order: 9}, "x", "a", ownership.Outcome{Write: true}},
		{"the same already", ownership.Version{Epoch: 1, Order: 9}, "x", "x", ownership.Outcome{}},
		{"edited here by the later owner", ownership.Version{Epoch: 1, Order: 9}, "x", "y", ownership.Outcome{Conflict: true}},
		{"edited there by the later owner", ownership.Version{Epoch: 3, Order: 1}, "x", "y", ownership.Outcome{Write: true, Conflict: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := s.Side(7, tt.current, tt.version)
			if got := ownership.Merge(d, func(a, b string) bool { return a == b }, before, tt.after, tt.current); got != tt.want {
				t.Errorf("side %s: got %+v, want %+v", d, got, tt.want)
			}
		})
	}
	v := ownership.Version{Epoch: 3, Order: 1}
	if got := s.Merged(7, "x", v); got.Fields[7] != field("x", v) || s.Fields[7].Hash != "a" {
		t.Errorf("merged: %+v, and before: %+v", got.Fields, s.Fields)
	}
	if got := (*ownership.State)(nil).Side(7, "x", v); got != ownership.Down {
		t.Errorf("a copy under no ownership: got %s", got)
	}
}

func TestWriteBack(t *testing.T) {
	owner := ownership.State{Chain: "c", Epoch: 2, Owner: true}
	tests := []struct {
		name  string
		state ownership.State
		owns  bool
		rules ownership.Rules
		want  bool
	}{
		{"still the owner", owner, true, ownership.Rules{}, true},
		{"written back already", ownership.State{Epoch: 2}, false, ownership.Rules{}, false},
		{"ownership came back", ownership.State{Epoch: 4, Owner: true}, true, ownership.Rules{}, false},
		{"deleted", ownership.State{Epoch: 2, Deleted: true}, true, ownership.Rules{}, false},
		{"without rule 2", ownership.State{Epoch: 4, Owner: true}, true, ownership.Rules{NoEpoch: true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := ownership.WriteBack(&tt.state, tt.owns, 2, tt.rules); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

// TestCloses: whatever ends a hand-over is seen in the log, and what else happens to the giver meanwhile is not
// its end.
func TestCloses(t *testing.T) {
	begin := ownership.Begin("c")
	h := &ownership.HandOver{To: at("tokyo"), Epoch: 1}
	offer := &ownership.Offer{Chain: "c", Epoch: 2, From: at("tokyo"), Return: true}
	tests := []struct {
		name  string
		state ownership.State
		want  bool
	}{
		{"nothing has happened", begin, false},
		{"an update was merged", begin.Merged(7, "x", ownership.Version{Epoch: 2, Order: 1}), false},
		{"written back", begin.WrittenBack(at("tokyo"), nil), true},
		{"not taken", begin.NotTaken(nil), true},
		{"ownership came back", ownership.Accepted(&begin, offer, nil, nil), true},
		{"deleted", begin.Tombstone(1), true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := h.Closes(&tt.state); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
}

func TestNotTaken(t *testing.T) {
	s := ownership.State{Chain: "c", Epoch: 2, Owner: true, From: at("sf"), Fields: fieldsOf{7: field("a", ownership.Version{Epoch: 1, Order: 5})}}
	want := ownership.State{Chain: "c", Epoch: 3, Owner: true, From: at("sf"), Fields: fieldsOf{
		7: field("a", ownership.Version{Epoch: 1, Order: 5}),
		8: field("x", ownership.Version{Epoch: 2}),
	}}
	if d := cmp.Diff(want, s.NotTaken(map[int]string{7: "a", 8: "x"})); d != "" {
		t.Errorf("not taken (-want +got):\n%s", d)
	}
}

func TestDeletes(t *testing.T) {
	s := &ownership.State{Epoch: 2, Fields: fieldsOf{7: field("a", ownership.Version{Epoch: 1, Order: 5})}}
	tests := []struct {
		name  string
		epoch int64
		hash  string
		want  bool
	}{
		{"as it was handed over", 1, "a", true},
		{"edited since", 1, "x", false},
		{"by its own owner", 2, "x", true},
		{"by a later owner", 3, "x", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := s.Deletes(tt.epoch, map[int]string{7: tt.hash}); got != tt.want {
				t.Errorf("got %t, want %t", got, tt.want)
			}
		})
	}
	gone := s.Tombstone(3)
	if want := (ownership.State{Epoch: 3, Deleted: true}); !cmp.Equal(want, gone) {
		t.Errorf("tombstone: got %+v, want %+v", gone, want)
	}
	if s.Deleted || len(s.Fields) != 1 {
		t.Errorf("the state itself has become %+v", s)
	}
}

func TestFieldText(t *testing.T) {
	f := field("a", ownership.Version{Epoch: 3, Turn: 1, By: 2, Order: 7})
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"h":"a","e":3,"t":1,"b":2,"o":7}`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
	var back ownership.Field
	if err := json.Unmarshal(text, &back); err != nil || back != f {
		t.Errorf("read back: %+v, %v", back, err)
	}
}
