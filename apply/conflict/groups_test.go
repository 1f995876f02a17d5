package conflict_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// row is "status assigned short modified": - = NULL.
func row(text string) image {
	if text == "" {
		return nil
	}
	m := image{1: value.Text("R")}
	for i, id := range []int{status, assigned, short, schema.ModifiedDate} {
		part := strings.Fields(text)[i]
		switch {
		case part == "-":
			m[id] = value.Null
		case id == schema.ModifiedDate:
			var at int64
			_, _ = fmt.Sscan(part, &at)
			m[id] = value.Instant(at)
		default:
			m[id] = value.Text(part)
		}
	}
	return m
}

// between is the operation from a to b that changes before into after.
func between(before, after image) *mapping.Operation {
	op := &mapping.Operation{Action: mapping.Modify, Source: "a", Form: "F", Request: "R", Target: "b", TargetForm: "F", Key: []int{1}, CommitTime: time.UnixMicro(500)}
	switch {
	case before == nil:
		op.Action = mapping.Create
	case after == nil:
		op.Action = mapping.Delete
	}
	ids := maps.Clone(before)
	if ids == nil {
		ids = image{}
	}
	maps.Copy(ids, after)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		op.Fields = append(op.Fields, mapping.FieldChange{Field: id, Before: before[id], After: after[id]})
	}
	return op
}

// brief is an outcome in one line, with what was lost; times as numbers.
func brief(op *mapping.Operation, cur *conflict.Current, o conflict.Outcome, sets conflict.Sets) string {
	s := fmt.Sprintf("%s %s", o.Kind, o.Do)
	print := func(v value.Value) string {
		if v.Kind() == value.KindInstant {
			return fmt.Sprint(v.Int())
		}
		return strings.NewReplacer("\x03", ";", "\x04", "|", "<null>", "-").Replace(v.String())
	}
	for _, w := range o.Write {
		s += fmt.Sprintf(" %d=%s", w.Field, print(w.Value))
	}
	for i, l := range conflict.Lost(op, cur, o, sets) {
		if i == 0 {
			s += ", lost"
		}
		s += fmt.Sprintf(" %d=%s of %s", l.Field, print(l.Value), l.Side)
	}
	return strings.TrimSpace(s)
}

// Field groups, in short: Status (7) and Assigned To (4) belong together. The change is of Status where nothing else is said.
func TestFieldGroups(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                   string
		before, after, current string
		group, rest            string
		want, by               string
	}{
		{"both changed one field", "x y z 1", "s y z 5", "t y z 3", "source", "error", "update_differs update 6=5 7=s, lost 6=3 of target 7=t of target", "source"},
		{"both changed one field", "x y z 1", "s y z 5", "t y z 3", "target", "error", "update_differs update 6=5, lost 6=3 of target 7=s of source", "target"},
		{"both changed one field", "x y z 1", "s y z 5", "t y z 3", "newest", "error", "update_differs update 6=5 7=s, lost 6=3 of target 7=t of target", "newest"},
		{"both changed one field", "x y z 1", "s y z 3", "t y z 5", "newest", "error", "update_differs nothing, lost 6=3 of source 7=s of source", "newest"},
		{"both changed one field", "x y z 1", "s y z 5", "t y z 3", "merge", "error", "update_differs parked", ""},
		{"both changed one field", "x y z 1", "s y z 5", "t y z 3", "error", "source", "update_differs parked", ""},
		{"no time to compare", "x y z 1", "s y z 5", "t y z -", "newest", "error", "update_differs parked", ""},

		{"each another field of the group", "x y z 1", "s y z 5", "x b z 3", "source", "error", "update_differs update 4=y 6=5 7=s, lost 4=b of target 6=3 of target", "source"},
		{"each another field of the group", "x y z 1", "s y z 5", "x b z 3", "target", "error", "update_differs update 6=5, lost 6=3 of target 7=s of source", "target"},
		{"each another field of the group", "x y z 1", "s y z 3", "x b z 5", "newest", "error", "update_differs nothing, lost 6=3 of source 7=s of source", "newest"},
		{"each another field of the group", "x y z 1", "s y z 5", "x b z 3", "merge", "error", "update_differs update 6=5 7=s, lost 6=3 of target", "merge"},
		{"each another field of the group", "x y z 1", "s y z 5", "x b z 3", "error", "source", "update_differs parked", ""},

		{"both alike", "x y z 1", "s y z 5", "s y z 3", "error", "error", "update_differs update 6=5, lost 6=3 of target", "no group changed by both"},
		{"both alike, and the source one more", "x y z 1", "s a z 5", "s y z 3", "error", "error", "update_differs update 4=a 6=5, lost 6=3 of target", "no group changed by both"},
		{"both alike, and the target one more", "x y z 1", "s y z 5", "s b z 3", "error", "error", "update_differs update 6=5, lost 6=3 of target", "no group changed by both"},
		{"both alike, and the target one more", "x y z 1", "s y z 5", "s b z 3", "source", "error", "update_differs update 4=y 6=5, lost 4=b of target 6=3 of target", "source"},

		{"the target changed another group", "x y z 1", "s y z 5", "x y r 3", "error", "error", "update_differs update 6=5 7=s, lost 6=3 of target", "no group changed by both"},
		{"the target changed another group", "x y z 1", "s y z 5", "x y r 3", "target", "source", "update_differs update 6=5 7=s, lost 6=3 of target", "no group changed by both"},
		{"the source changed another group", "x y z 1", "x y q 5", "t y z 3", "source", "error", "update_differs update 6=5 8=q, lost 6=3 of target", "no group changed by both"},
		{"both changed both", "x y z 1", "s y q 5", "t y r 3", "source", "target", "update_differs update 6=5 7=s, lost 6=3 of target 7=t of target 8=q of source", "source, target"},
		{"both changed both", "x y z 1", "s y q 5", "t y r 3", "source", "error", "update_differs parked", ""},
		{"only the time differs", "x y z 1", "s y z 5", "x y z 3", "error", "error", "update_differs update 6=5 7=s, lost 6=3 of target", "no group changed by both"},
		{"the target's time is the later one", "x y z 1", "s y z 3", "x y z 5", "error", "error", "update_differs update 7=s, lost 6=3 of source", "no group changed by both"},

		{"the before image stands", "x y z 1", "s y z 5", "x y z 1", "error", "error", "update 6=5 7=s", ""},
		{"none there", "x y z 1", "s y z 5", "", "target", "source", "update_missing insert 1=R 4=y 6=5 7=s 8=z", "on_conflict: source"},
		{"none there", "x y z 1", "s y z 5", "", "source", "error", "update_missing parked", ""},
		{"a delete", "x y z 1", "", "t y z 3", "source", "target", "delete_differs nothing", "on_conflict: target"},
		{"a delete", "x y z 1", "", "t y z 3", "target", "source", "delete_differs delete, lost 6=3 of target 7=t of target", "on_conflict: source"},
	}
	for _, tt := range tests {
		r := conflict.Rules{OnConflict: policy(t, tt.rest), Groups: []definition.CompiledGroup{{Fields: []int{assigned, status}, OnConflict: policy(t, tt.group)}}}
		op, cur := between(row(tt.before), row(tt.after)), row(tt.current).current()
		o := conflict.Settle(op, cur, r)
		if got := brief(op, cur, o, nil); got != tt.want {
			t.Errorf("%s: %q to %q meets %q, %s, others %s:\ngot  %s\nwant %s", tt.name, tt.before, tt.after, tt.current, tt.group, tt.rest, got, tt.want)
		}
		by := tt.by
		if by != "" && !strings.HasPrefix(by, "on_conflict") {
			by = "field_groups: " + by
		}
		if o.By != by {
			t.Errorf("%s, %s, others %s: settled by %q, want %q", tt.name, tt.group, tt.rest, o.By, by)
		}
	}
}

// Of the same time that side wins whose name comes first, on one server the form: the same one on both sides.
func TestTiesGoByName(t *testing.T) {
	t.Parallel()
	for _, names := range [][4]string{{"a", "F", "b", "F"}, {"b", "F", "a", "F"}, {"a", "F", "a", "G"}, {"a", "G", "a", "F"}} {
		op := between(row("x y z 1"), row("s y z 5"))
		op.Source, op.Form, op.Target, op.TargetForm = names[0], names[1], names[2], names[3]
		o := conflict.Settle(op, row("t y z 5").current(), conflict.Rules{OnConflict: definition.TakeNewest})
		if first := names[0]+names[1] < names[2]+names[3]; (o.Do == conflict.Update) != first {
			t.Errorf("from form %s on %s to %s on %s: %s", names[1], names[0], names[3], names[2], o.Do)
		}
	}
}

// A group that holds all fields is settled as the request without groups is, but for Modified Date.
func TestOneGroupOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		one := func(name string) image {
			m := image{1: value.Text("R")}
			for _, id := range []int{status, assigned, short} {
				m[id] = rapid.SampledFrom([]value.Value{value.Null, value.Text("x"), value.Text("y")}).Draw(t, name)
			}
			return m
		}
		before, after, current := one("before"), one("after"), one("current")
		p := policy(t, rapid.SampledFrom([]string{"source", "target", "merge"}).Draw(t, "policy"))
		op := between(before, after)
		if !slices.ContainsFunc(op.Fields, mapping.FieldChange.Changes) {
			return
		}
		whole := conflict.Settle(op, current.current(), conflict.Rules{OnConflict: p})
		group := conflict.Settle(op, current.current(), conflict.Rules{OnConflict: definition.ConflictError, Groups: []definition.CompiledGroup{{Fields: []int{assigned, status, short}, OnConflict: p}}})
		if text(whole) != text(group) {
			t.Fatalf("%s: whole %q, as a group %q", p, text(whole), text(group))
		}
	})
}

const (
	seed = "1\x04ann\x04one\x03"
	two  = "2\x04ann\x04two\x03"
	due  = "3\x04bob\x04three\x03"
)

// Diaries keep the entries of both sides under every policy, and in every way in which a request comes; group lists are
// merged, or taken whole as any other value.
func TestSets(t *testing.T) {
	t.Parallel()
	const all = "error source target newest merge"
	diary := func(text string) image {
		return image{1: value.Text("R"), status: value.Text("x"), worklog: value.Text(text)}
	}
	with := func(m image, id int, v string) image {
		m = maps.Clone(m)
		m[id] = value.Text(v)
		return m
	}
	at := func(m image, us int64) image {
		m = maps.Clone(m)
		m[schema.ModifiedDate] = value.Instant(us)
		return m
	}
	list := func(text string) image { return image{1: value.Text("R"), groups: value.Text(text)} }
	tests := []struct {
		name                   string
		before, after, current image
		policies               string
		want                   string
	}{
		{"both wrote into the diary", diary(seed), diary(seed + two), diary(seed + due), all, "update_differs update 900001=1|ann|one;2|ann|two;3|bob|three;"},
		{"the target wrote earlier", diary(seed), diary(seed + due), diary(seed + two), all, "update_differs update 900001=1|ann|one;2|ann|two;3|bob|three;"},
		{"both wrote the same", diary(seed), diary(seed + two), diary(seed + two), all, "nothing"},
		{"only the target wrote, the source changed another field", diary(seed), with(diary(seed), status, "s"), diary(seed + due), all, "update_differs update 7=s"},
		{"the source's entry is there, and one more", diary(seed), diary(seed + two), diary(seed + two + due), all, "update_differs nothing"},
		{"in another order", diary(seed + two), diary(seed + two + due), diary(two + seed), all, "update 900001=1|ann|one;2|ann|two;3|bob|three;"},
		{"an entry is taken out, and the target is as it was", diary(seed + two), diary(seed), diary(seed + two), all, "update 900001=1|ann|one;"},
		{"an entry is taken out, and the target has written", diary(seed + two), diary(seed), diary(seed + two + due), all, "update_differs nothing"},
		{"into an empty diary", diary(""), diary(two), diary(""), all, "update 900001=2|ann|two;"},
		{"both into an empty diary", diary(""), diary(two), diary(due), all, "update_differs update 900001=2|ann|two;3|bob|three;"},
		{"a conflict in another field", diary(seed), with(diary(seed+two), status, "s"), with(diary(seed+due), status, "t"), "error merge", "update_differs parked"},
		{"a conflict in another field", diary(seed), with(diary(seed+two), status, "s"), with(diary(seed+due), status, "t"), "source", "update_differs update 7=s 900001=1|ann|one;2|ann|two;3|bob|three;, lost 7=t of target"},
		{"a conflict in another field", diary(seed), with(diary(seed+two), status, "s"), with(diary(seed+due), status, "t"), "target", "update_differs update 900001=1|ann|one;2|ann|two;3|bob|three;, lost 7=s of source"},
		{"the newer one", at(diary(seed), 1), at(with(diary(seed+two), status, "s"), 5), at(with(diary(seed+due), status, "t"), 3), "newest", "update_differs update 6=5 7=s 900001=1|ann|one;2|ann|two;3|bob|three;, lost 6=3 of target 7=t of target"},
		{"the older one", at(diary(seed), 1), at(with(diary(seed+two), status, "s"), 3), at(with(diary(seed+due), status, "t"), 5), "newest", "update_differs update 900001=1|ann|one;2|ann|two;3|bob|three;, lost 6=3 of source 7=s of source"},
		{"a create overwrites", nil, diary(two), diary(seed), "error source target merge", "insert_exists update 900001=1|ann|one;2|ann|two;"},
		{"a create that is there", nil, diary(two), diary(seed + two), all, "nothing"},
		{"an older create", nil, at(diary(two), 3), at(diary(seed), 5), "newest", "insert_exists update 900001=1|ann|one;2|ann|two;, lost 6=3 of source"},
		{"a delete", diary(seed), nil, diary(seed + due), "source", "delete_differs delete, lost 900001=1|ann|one;3|bob|three; of target"},

		{"both changed the group list", list(";1;2;"), list(";1;2;3;"), list(";2;4;"), "merge", "update_differs update 112=;2;3;4;"},
		{"both changed the group list", list(";1;2;"), list(";1;2;3;"), list(";2;4;"), "source", "update_differs update 112=;1;2;3;, lost 112=;2;4; of target"},
		{"both changed the group list", list(";1;2;"), list(";1;2;3;"), list(";2;4;"), "target", "update_differs nothing, lost 112=;1;2;3; of source"},
		{"both changed the group list", list(";1;2;"), list(";1;2;3;"), list(";2;4;"), "error newest", "update_differs parked"},
		{"the change is in already", list(";1;2;"), list(";1;"), list(";3;1;"), "merge", "update_differs nothing"},
		{"in another order", list(";1;2;"), list(";1;2;3;"), list(";2;1;"), all, "update 112=;1;2;3;"},
		{"no group list", list(";1;2;"), list(";1;2;3;"), list(";'2;"), "merge", "update_differs parked"},
		{"a create overwrites", nil, list(";1;"), list(";2;"), "source", "insert_exists update 112=;1;, lost 112=;2; of target"},
	}
	for _, tt := range tests {
		for _, name := range strings.Fields(tt.policies) {
			r := conflict.Rules{OnConflict: policy(t, name), Duplicate: definition.Overwrite, Sets: siteSets}
			op, cur := between(tt.before, tt.after), tt.current.current()
			if got := brief(op, cur, conflict.Settle(op, cur, r), siteSets); got != tt.want {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", tt.name, name, got, tt.want)
			}
			if tt.before == nil || tt.after == nil || name == "error" {
				continue
			}
			// In a group of its own kind nothing else comes out.
			r.Groups = []definition.CompiledGroup{{Fields: []int{groups, status, worklog}, OnConflict: r.OnConflict}}
			o := conflict.Settle(op, cur, r)
			if got := brief(op, cur, o, siteSets); tt.after[schema.ModifiedDate].Kind() != value.KindInstant && got != tt.want {
				t.Errorf("%s, as a group, %s:\ngot  %s\nwant %s", tt.name, name, got, tt.want)
			}
		}
	}
}

func TestSetsOf(t *testing.T) {
	t.Parallel()
	form := &schema.Form{}
	for _, f := range []schema.Field{
		{ID: 101, Type: schema.Character},
		{ID: 104, Type: schema.Character},
		{ID: 112, Type: schema.Character},
		{ID: 8, Type: schema.Character},
		{ID: 60000, Type: schema.Character},
		{ID: 60999, Type: schema.Character},
		{ID: 61000, Type: schema.Character},
		{ID: 60001, Type: schema.Integer},
		{ID: worklog, Type: schema.Diary},
	} {
		form.Fields = append(form.Fields, &f)
	}
	want := fmt.Sprint(conflict.Sets{104: conflict.GroupList, 112: conflict.GroupList, 60000: conflict.GroupList, 60999: conflict.GroupList, worklog: conflict.Diary})
	if got := fmt.Sprint(conflict.SetsOf(form)); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	form.Fields = form.Fields[1:] // without Login Name it is no User form
	if sets := conflict.SetsOf(form); sets[104] != 0 {
		t.Error("Group List of a form that is not the User form")
	}
}

// Overwriting what owns itself (dso-reference 29, choice 31).
func TestOverwriteOfWhatOwnsItself(t *testing.T) {
	t.Parallel()
	const yes, no = schema.MasterYes, schema.MasterNo
	came := image{schema.FromServer: value.Text("a"), schema.FromForm: value.Text("F"), schema.FromRequestID: value.Text("R")}
	tests := []struct {
		name      string
		brings    value.Value // Master Flag of the copy: No is Data Only
		has       value.Value
		from      image
		duplicate definition.DuplicateAction
		want      string
	}{
		{"a form without Master Flag", value.Absent, value.Absent, nil, definition.Overwrite, "insert_exists update"},
		{"independent copy", value.Int(yes), value.Int(yes), nil, definition.Overwrite, "insert_exists update"},
		{"data only onto a copy", value.Int(no), value.Int(no), nil, definition.Overwrite, "insert_exists update"},
		{"data only onto what owns itself", value.Int(no), value.Int(yes), nil, definition.Overwrite, "owned_there parked"},
		{"data only onto what was never handed over", value.Int(no), value.Null, nil, definition.Overwrite, "owned_there parked"},
		{"that came from here", value.Int(no), value.Int(yes), came, definition.Overwrite, "insert_exists update"},
		{"that came from elsewhere", value.Int(no), value.Int(yes), image{schema.FromServer: value.Text("c"), schema.FromForm: value.Text("F"), schema.FromRequestID: value.Text("R")}, definition.Overwrite, "owned_there parked"},
		{"that is another request from here", value.Int(no), value.Int(yes), image{schema.FromServer: value.Text("a"), schema.FromForm: value.Text("F"), schema.FromRequestID: value.Text("Q")}, definition.Overwrite, "owned_there parked"},
		{"under a new ID", value.Int(no), value.Int(yes), nil, definition.CreateNew, "insert_exists insert under a new Request ID"},
		{"no overwriting anyway", value.Int(no), value.Int(yes), nil, definition.Error, "insert_exists parked"},
	}
	for _, tt := range tests {
		after, current := image{1: value.Text("R"), short: value.Text("new")}, image{1: value.Text("R"), short: value.Text("old")}
		maps.Copy(current, tt.from)
		if tt.has.Kind() != value.KindAbsent {
			current[schema.MasterFlag] = tt.has
		}
		op := between(nil, after)
		if tt.brings.Known() {
			op.Fields = append(op.Fields, mapping.FieldChange{Field: schema.MasterFlag, After: tt.brings, Companion: true})
		}
		o := conflict.Settle(op, current.current(), conflict.Rules{Duplicate: tt.duplicate})
		if got := fmt.Sprintf("%s %s", o.Kind, o.Do); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
		// The same request again is no overwriting.
		same := maps.Clone(current)
		same[short] = value.Text("new")
		if o := conflict.Settle(op, same.current(), conflict.Rules{Duplicate: tt.duplicate}); o.Do != conflict.Nothing {
			t.Errorf("%s: the same request again: %s %s", tt.name, o.Kind, o.Do)
		}
	}
}

// What neither the target nor the record has in the end was in neither before (G5).
func TestNothingVanishes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t)
		r := conflict.Rules{OnConflict: policy(t, rapid.SampledFrom(policies).Draw(t, "policy")), Duplicate: definition.DuplicateAction(rapid.IntRange(0, 2).Draw(t, "duplicate"))}
		if rapid.Bool().Draw(t, "with groups") {
			r.Groups = []definition.CompiledGroup{{Fields: []int{8}, OnConflict: policy(t, rapid.SampledFrom(policies).Draw(t, "of the group"))}}
		}
		op := operation(d.before, d.after)
		o := conflict.Settle(op, d.current.current(), r)
		if o.Do == conflict.Park || o.Do == conflict.InsertNew {
			return
		}
		lost := conflict.Lost(op, d.current.current(), o, nil)
		recorded := func(side string, id int, v value.Value) bool {
			return slices.ContainsFunc(lost, func(l conflict.Loss) bool { return l.Side == side && l.Field == id && l.Value.Equal(v) })
		}
		if len(lost) > 0 && o.Kind == conflict.None {
			t.Fatalf("lost without a conflict: %v", lost)
		}
		end := carryOut(d.current, o)
		for _, f := range op.Fields {
			mine := f.After.Known() && f.Changes()
			if mine && !end[f.Field].Equal(f.After) && !recorded("source", f.Field, f.After) {
				t.Fatalf("field %d: the source's %s is neither written nor recorded: %s", f.Field, f.After, text(o))
			}
			theirs := d.current[f.Field]
			own := theirs.Known() && !theirs.Equal(f.Before) && (!theirs.IsNull() || f.Before.Known())
			if own && !end[f.Field].Equal(theirs) && !recorded("target", f.Field, theirs) {
				t.Fatalf("field %d: the target's %s is neither kept nor recorded: %s", f.Field, theirs, text(o))
			}
		}
	})
}
