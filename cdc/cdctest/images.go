package cdctest

import (
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// valuesAsSelected writes every type's values, NULL too, by insert, update of something else, update of
// all, and delete, and compares each image with a SELECT, byte for byte (INV-5, X-8, T-2).
func valuesAsSelected(b *bench) {
	types := b.Types()
	columns := []schema.Column{b.number("touched")}
	rows := 0
	for i, ty := range types {
		c := ty.Column
		c.Name = fmt.Sprintf("c%d", i)
		columns = append(columns, c)
		rows = max(rows, len(ty.Literals))
	}
	t := b.table("torture", true, columns...)
	b.Setup(b, []*schema.Table{t})
	start := b.Start(b)

	row := func(n int) []string { // each type's n-th value, NULL in the row after the last
		ls := make([]string, len(types))
		for i, ty := range types {
			if ls[i] = "NULL"; n < rows {
				ls[i] = ty.Literals[n%len(ty.Literals)]
			}
		}
		return ls
	}
	for n := range rows + 1 {
		b.user(fmt.Sprintf("INSERT INTO %s VALUES (%d, 0, %s)", b.quoted(t), n, strings.Join(row(n), ", ")))
	}
	first := b.Select(b, t)
	b.user("UPDATE " + b.quoted(t) + " SET touched = 1")
	second := b.Select(b, t)
	for n := range rows + 1 { // every value becomes the next row's, NULL included
		var assign []string
		for i, l := range row((n + 1) % (rows + 1)) {
			assign = append(assign, fmt.Sprintf("c%d = %s", i, l))
		}
		b.user(b.set(t, n, strings.Join(assign, ", ")))
	}
	third := b.Select(b, t)
	b.user("DELETE FROM " + b.quoted(t))

	got := changes(b.read(start))
	want := 4 * (rows + 1)
	if len(got) != want {
		b.Fatalf("got %d changes, want %d", len(got), want)
	}
	for i, c := range got {
		n := int(pick(c)[0].Int())
		switch i / (rows + 1) {
		case 0:
			b.sameRow(t, types, "insert", c.After, first[n])
		case 1:
			b.sameRow(t, types, "before a touch", c.Before, first[n])
			b.sameRow(t, types, "after a touch", c.After, second[n])
		case 2:
			b.sameRow(t, types, "before an update", c.Before, second[n])
			b.sameRow(t, types, "after an update", c.After, third[n])
		case 3:
			b.sameRow(t, types, "delete", c.Before, third[n])
		}
	}
}

// pick is the image that a change has.
func pick(c cdc.RowChange) []value.Value {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

func (b *bench) sameRow(t *schema.Table, types []Type, what string, got, want []value.Value) {
	b.Helper()
	if len(got) != len(want) {
		b.Errorf("%s: got %d values, want %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] { // not Equal: the kind and the text must be the same
			b.Errorf("%s of %s: got %s %s, a SELECT says %s %s", what, t.Columns[i].DataType,
				got[i].Kind(), got[i], want[i].Kind(), want[i])
		}
	}
}

// imagesByIdentity checks before images of a table with whole ones and of one with the key only (PD-5, PD-6).
func imagesByIdentity(b *bench) {
	full := b.table("whole", true, text("name"), b.number("qty"))
	key := b.table("keyed", false, text("name"), b.number("qty"))
	b.Setup(b, []*schema.Table{full, key})
	start := b.Start(b)
	for _, t := range []*schema.Table{full, key} {
		b.user(b.insert(t, 1, "chair", 4), fmt.Sprintf("INSERT INTO %s (id) VALUES (2)", b.quoted(t)))
		b.user(b.set(t, 1, "qty = 5"))
		b.user(b.set(t, 2, "name = ''"))
		b.user(b.set(t, 1, "name = NULL, qty = NULL"))
		b.user(b.remove(t, 1))
	}
	i, s := value.Int, value.Text
	none := value.Null
	type images struct{ before, after []value.Value }
	want := []images{
		{nil, []value.Value{i(1), s("chair"), i(4)}},
		{nil, []value.Value{i(2), none, none}},
		{[]value.Value{i(1), s("chair"), i(4)}, []value.Value{i(1), s("chair"), i(5)}},
		{[]value.Value{i(2), none, none}, []value.Value{i(2), s(""), none}},
		{[]value.Value{i(1), s("chair"), i(5)}, []value.Value{i(1), none, none}},
		{[]value.Value{i(1), none, none}, nil},
	}
	got := changes(b.read(start))
	if len(got) != 2*len(want) {
		b.Fatalf("got %d changes, want %d:\n%s", len(got), 2*len(want), strings.Join(lines(got), "\n"))
	}
	for n, c := range got {
		w := want[n%len(want)]
		b.want(fmt.Sprintf("change %d after", n), fmt.Sprint(c.After), fmt.Sprint(w.after))
		before := w.before
		if !c.Relation.Full {
			if c.Relation.Table == full.Name {
				b.Errorf("table %s: got an identity that is not full", full.Name)
			}
			if c.Kind == cdc.Update && c.Before == nil {
				continue // the key did not change, so nothing was sent
			}
			before = onlyKey(c.Relation, before)
		}
		b.want(fmt.Sprintf("change %d before", n), fmt.Sprint(c.Before), fmt.Sprint(before))
	}
}

// onlyKey makes all columns absent that do not belong to the identity.
func onlyKey(r *cdc.Relation, image []value.Value) []value.Value {
	k := slices.Clone(image)
	for i := range k {
		if !r.Key[i] {
			k[i] = value.Absent
		}
	}
	return k
}

// largeValueUnchanged changes a row beside a value that is stored out of line: it is told, or it is
// called unchanged, but it never is NULL (PD-1).
func largeValueUnchanged(b *bench) {
	long := schema.Column{Name: "body", DataType: "text", BaseType: "text", Kind: value.KindText}
	if b.DB().Engine.Dialect == "mysql" { // whose text ends at 64 KiB
		long.DataType, long.BaseType = "mediumtext", "mediumtext"
	}
	full := b.table("whole", true, long, b.number("qty"))
	key := b.table("keyed", false, long, b.number("qty"))
	b.Setup(b, []*schema.Table{full, key})
	start := b.Start(b)
	body := incompressible(100_000)
	for _, t := range []*schema.Table{full, key} {
		b.user(fmt.Sprintf("INSERT INTO %s (id, body, qty) VALUES (1, '%s', 1)", b.quoted(t), body))
		b.user(b.set(t, 1, "qty = 2"))
		b.user(b.set(t, 1, "body = NULL"))
	}
	for _, c := range changes(b.read(start)) {
		if c.Kind != cdc.Update {
			continue
		}
		var want value.Value
		if want = value.Null; c.After[2] == value.Int(2) && b.isTouch(c) {
			want = value.Text(body)
		}
		if c.After[1] != want && (c.Relation.Full || c.After[1] != value.Unchanged) {
			b.Errorf("%s: got body %.20s…, want %.20s…", c.Relation.Table, c.After[1], want)
		}
		if c.Relation.Full && c.Before[1] != value.Text(body) {
			b.Errorf("%s: got body before %.20s…", c.Relation.Table, c.Before[1])
		}
	}
}

// isTouch reports whether the update left the body alone: in the second one it becomes NULL.
func (b *bench) isTouch(c cdc.RowChange) bool { return !c.After[1].IsNull() }

// incompressible is text of n letters that a database cannot make small.
func incompressible(n int) string {
	s, x := make([]byte, n), uint64(88172645463325252)
	for i := range s {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		s[i] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"[x>>58]
	}
	return string(s)
}

// keyChange checks that both keys are told, whatever the identity.
func keyChange(b *bench) {
	full := b.table("whole", true, text("name"), b.number("qty"))
	key := b.table("keyed", false, text("name"), b.number("qty"))
	b.Setup(b, []*schema.Table{full, key})
	start := b.Start(b)
	for _, t := range []*schema.Table{full, key} {
		b.user(b.insert(t, 1, "desk", 1))
		b.user(b.set(t, 1, "id = 9, qty = 2"))
	}
	got := changes(b.read(start))
	if len(got) != 4 {
		b.Fatalf("got %d changes, want 4", len(got))
	}
	for _, c := range []cdc.RowChange{got[1], got[3]} {
		b.want("kind", c.Kind, cdc.Update)
		b.want("key before", c.Before[0], value.Int(1))
		b.want("key after", c.After[0], value.Int(9))
		b.want("name after", c.After[1], value.Text("desk"))
		if !c.Relation.Full {
			b.want("name before", c.Before[1], value.Absent)
		}
	}
}

// truncate empties tables.
func truncate(b *bench) {
	if b.Traits().NoTruncate {
		return
	}
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insert(t, 1, "desk", 1))
	b.user("TRUNCATE TABLE " + b.quoted(t))
	b.user(b.insert(t, 1, "lamp", 1))
	b.want("changes", summary(changes(b.read(start))), []string{"insert item 1", "truncate item", "insert item 1"})
}

// columnAdded changes a table while it is read: rows written before keep their shape, rows written after
// have the new one, and the relation tells (S-1, S-2, PD-9).
func columnAdded(b *bench) {
	t := b.items(true)
	start := b.Start(b)
	b.user(b.insert(t, 1, "desk", 1))
	b.user(b.insert(t, 2, "lamp", 1))
	b.user("ALTER TABLE " + b.quoted(t) + " ADD COLUMN note varchar(20)")
	note := text("note")
	note.Ordinal = len(t.Columns)
	wider := *t
	wider.Columns = append(slices.Clone(t.Columns), &note)
	b.Setup(b, []*schema.Table{&wider})
	b.user("UPDATE " + b.quoted(t) + " SET note = 'new' WHERE id = 1")
	got := changes(b.read(start))
	if len(got) != 3 {
		b.Fatalf("got %d changes, want 3:\n%s", len(got), strings.Join(lines(got), "\n"))
	}
	b.want("columns before", got[0].Relation.Columns, []string{"id", "name", "qty"})
	b.want("columns after", got[2].Relation.Columns, []string{"id", "name", "qty", "note"})
	b.want("row after", fmt.Sprint(got[2].After), fmt.Sprint([]value.Value{value.Int(1), value.Text("desk"), value.Int(1), value.Text("new")}))
	if got[0].Relation != got[1].Relation {
		b.Error("the relation is another one though the shape is the same")
	}
}
