package join_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/mapping/join"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// form makes a form of a text key and fields of text.
func form(name string, fields ...string) *schema.Form {
	f := &schema.Form{Server: "a", Name: name, Table: &schema.Table{Schema: "s", Name: name}}
	for i, x := range append([]string{"id"}, fields...) {
		c := &schema.Column{Name: x, Kind: value.KindText, Ordinal: i}
		f.Table.Columns = append(f.Table.Columns, c)
		f.Fields = append(f.Fields, &schema.Field{ID: i + 1, Name: x, Type: schema.Character, Column: c, Index: i})
	}
	f.Key = f.Fields[:1]
	return f
}

// joinOf joins forms by their fields on and of.
func joinOf(a, b *schema.Form, on, of string, outer bool) *schema.Form {
	j := &schema.Join{Parts: [2]*schema.Form{a, b}, Outer: outer, On: [][2]*schema.Field{{a.FieldByName(on), b.FieldByName(of)}}}
	f := &schema.Form{Server: "a", Name: a.Name + " and " + b.Name, Table: &schema.Table{Name: "join"}, Join: j}
	add := func(x *schema.Field, from schema.JoinField) {
		c := *x.Column
		c.Name = fmt.Sprintf("C%d", len(f.Fields)+1)
		f.Fields = append(f.Fields, &schema.Field{ID: len(f.Fields) + 1, Name: fmt.Sprint(from.Part, x.Name), Type: x.Type, Column: &c, Index: len(f.Fields)})
		j.From = append(j.From, from)
	}
	add(a.Fields[0], schema.JoinField{})
	for n, part := range j.Parts {
		for _, x := range part.Fields {
			add(x, schema.JoinField{Part: n, Field: x})
		}
	}
	f.Key = f.Fields[:1]
	j.Pair = schema.NewPair(f)
	return f
}

// table is the rows of a form by key.
type table map[string]request.Image

func (t table) clone() table { return maps.Clone(t) }

// entry is what the log of the model holds: a change of a part, a watermark, or the changes of a round.
type entry struct {
	form          *schema.Form
	before, after request.Image
	low, high     string
	settled       string
	changes       []join.Change
}

// world is a database with its log, and one process that reads it.
type world struct {
	t         *rapid.T
	forms     []*schema.Form // parts
	join      *schema.Form
	relations map[*schema.Form]*cdc.Relation
	tables    map[*schema.Form]table
	log       []entry

	tracker *join.Tracker
	read    int // entries read
	since   int // the position may not pass this entry: what has changed there is not settled; -1 = nothing
	aside   int
	durable int // where the next process begins to read
	round   string
	rounds  int
	view    map[*schema.Form]table

	copy  map[string]request.Image // what the changes made
	taken int                      // entries whose changes were taken
}

func (w *world) start() {
	w.tracker = join.NewTracker("a", []*schema.Form{w.join})
	w.read, w.since, w.aside, w.round, w.view = w.durable, -1, -1, "", nil
}

// edit changes a request of a part.
func (w *world) edit(f *schema.Form, key string, after request.Image) {
	before := w.tables[f][key]
	if before == nil && after == nil {
		return
	}
	if after == nil {
		delete(w.tables[f], key)
	} else {
		w.tables[f][key] = after
	}
	w.log = append(w.log, entry{form: f, before: before, after: after})
}

// next lets the process read one entry.
func (w *world) next() {
	if w.read == len(w.log) {
		return
	}
	e := w.log[w.read]
	switch {
	case e.form != nil:
		c := cdc.RowChange{Relation: w.relations[e.form], Kind: cdc.Update, Before: e.before, After: e.after}
		news, err := w.tracker.Note(&cdc.Transaction{CommitTime: time.Unix(int64(w.read), 0)}, &c)
		if err != nil {
			w.t.Fatal(err)
		}
		if news && w.since < 0 {
			w.since = w.read
		}
	case e.low != "":
		w.tracker.Low(e.low)
		if w.aside < 0 {
			w.aside = w.since
		}
		w.since = -1
	case e.high != "" && e.high == w.round:
		w.settle()
	case e.settled != "":
		if w.read >= w.taken {
			w.take(e.changes)
			w.taken = w.read + 1
		}
		if w.tracker.Settled(e.settled) {
			w.aside = -1
		}
	}
	w.read++
	switch { // everything that was read is carried out at once
	case w.aside >= 0:
		w.durable = max(w.durable, min(w.aside, w.read))
	case w.since >= 0:
		w.durable = max(w.durable, min(w.since, w.read))
	default:
		w.durable = w.read
	}
}

// begin writes a low watermark.
func (w *world) begin() {
	if w.round == "" {
		w.rounds++
		w.round = fmt.Sprint("r", w.rounds)
		w.log = append(w.log, entry{low: w.round})
	}
}

// look opens the view, which comes after the low watermark was read, and writes the high one.
func (w *world) look() {
	for i := range w.read {
		if w.log[i].low == w.round && w.round != "" && w.view == nil {
			w.view = map[*schema.Form]table{}
			for _, f := range w.forms {
				w.view[f] = w.tables[f].clone()
			}
			return
		}
	}
}

func (w *world) high() {
	if w.view != nil && !slices.ContainsFunc(w.log, func(e entry) bool { return e.high == w.round }) {
		w.log = append(w.log, entry{high: w.round})
	}
}

func (w *world) settle() {
	var changes []join.Change
	err := w.tracker.Settle(w.round, viewReader{w}, func(c join.Change) error {
		changes = append(changes, c)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	slices.SortStableFunc(changes, func(a, b join.Change) int { return kindOf(a) - kindOf(b) })
	w.log = append(w.log, entry{settled: w.round, changes: changes})
	w.round, w.view = "", nil
}

// kindOf puts deletes first.
func kindOf(c join.Change) int {
	if c.After == nil {
		return 0
	}
	return 1
}

// take applies changes to the copy, which has to be as they say.
func (w *world) take(changes []join.Change) {
	for _, c := range changes {
		id := ""
		if c.Before != nil {
			id = c.Before[0].Text()
			if diff := cmp.Diff(text(w.copy[id]), text(c.Before)); diff != "" {
				w.t.Fatalf("%s: the copy is not what it was before the change (-copy +before):\n%s", id, diff)
			}
			delete(w.copy, id)
		} else if id = c.After[0].Text(); w.copy[id] != nil {
			w.t.Fatalf("%s: is there already", id)
		}
		if c.After != nil {
			w.copy[id] = c.After
		}
	}
}

func text(im request.Image) string {
	var b strings.Builder
	for _, v := range im {
		b.WriteString(v.String() + " ")
	}
	return b.String()
}

// joined is the join form's requests as the tables are now.
func joined(f *schema.Form, tables map[*schema.Form]table) map[string]request.Image {
	out := map[string]request.Image{}
	j := f.Join
	add := func(parts [2][]value.Value) {
		row := j.Row(parts)
		out[row[0].Text()] = row
	}
	for _, a := range tables[j.Parts[0]] {
		alone := true
		for _, b := range tables[j.Parts[1]] {
			x, y := a[j.On[0][0].Index], b[j.On[0][1].Index]
			if !x.IsNull() && x.Equal(y) {
				add([2][]value.Value{a, b})
				alone = false
			}
		}
		if alone && j.Outer {
			add([2][]value.Value{a})
		}
	}
	return out
}

// viewReader reads the view of a world.
type viewReader struct{ *world }

func (r viewReader) Keyed(part *schema.Form, keys [][]value.Value, f func(request.Image) error) error {
	for _, k := range keys {
		if im := r.view[part][k[0].Text()]; im != nil {
			if err := f(im); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r viewReader) Pairs(form *schema.Form, part int, keys [][]value.Value, f func([2]request.Image) error) error {
	j := form.Join
	for _, row := range joined(form, r.view) {
		ids, err := j.Keys(row[0].Text())
		if err != nil {
			return err
		}
		for _, k := range keys {
			if ids[part] == nil || !ids[part][0].Equal(k[0]) {
				continue
			}
			var parts [2]request.Image
			for n := range parts {
				if ids[n] != nil {
					parts[n] = r.view[j.Parts[n]][ids[n][0].Text()]
				}
			}
			if err := f(parts); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r viewReader) Having(part *schema.Form, field *schema.Field, values []value.Value, f func(request.Image) error) error {
	for _, id := range slices.Sorted(maps.Keys(r.view[part])) {
		im := r.view[part][id]
		if slices.ContainsFunc(values, im[field.Index].Equal) {
			if err := f(im); err != nil {
				return err
			}
		}
	}
	return nil
}

// However edits, rounds, views and crashes fall: each change finds the copy as it says, and in the end the copy
// is what the join form shows.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, outer := range []bool{false, true} {
		for _, self := range []bool{false, true} {
			t.Run(fmt.Sprintf("outer %t, self %t", outer, self), func(t *testing.T) {
				t.Parallel()
				rapid.Check(t, func(t *rapid.T) { settles(t, outer, self) })
			})
		}
	}
}

func settles(t *rapid.T, outer, self bool) {
	a, b := form("A", "x", "note"), form("B", "y", "note")
	w := &world{t: t, tables: map[*schema.Form]table{}, relations: map[*schema.Form]*cdc.Relation{}, copy: map[string]request.Image{}}
	w.forms, w.join = []*schema.Form{a, b}, joinOf(a, b, "x", "y", outer)
	if self {
		w.forms, w.join = []*schema.Form{a}, joinOf(a, a, "x", "note", outer)
	}
	for _, f := range w.forms {
		w.tables[f] = table{}
		w.relations[f] = &cdc.Relation{Schema: "s", Table: f.Name, Columns: []string{"id", f.Fields[1].Name, "note"}, Key: []bool{true, false, false}, Full: true}
	}
	image := func(key string) request.Image {
		im := request.Image{value.Text(key), value.Null, value.Null}
		for i := 1; i < 3; i++ {
			if n := rapid.IntRange(0, 3).Draw(t, "value"); n > 0 {
				im[i] = value.Text(fmt.Sprint("k", n))
			}
		}
		return im
	}
	edit := func(t *rapid.T) {
		f := rapid.SampledFrom(w.forms).Draw(t, "form")
		key := fmt.Sprint("k", rapid.IntRange(1, 4).Draw(t, "key"))
		if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
			w.edit(f, key, nil)
		} else {
			w.edit(f, key, image(key))
		}
	}
	for range rapid.IntRange(0, 8).Draw(t, "before") { // what was there before the log began to be read
		edit(t)
	}
	w.log = nil
	maps.Copy(w.copy, joined(w.join, w.tables))
	w.start()
	t.Repeat(map[string]func(*rapid.T){
		"edit":  edit,
		"edits": edit,
		"read":  func(*rapid.T) { w.next() },
		"begin": func(*rapid.T) { w.begin() },
		"look":  func(*rapid.T) { w.look() },
		"high":  func(*rapid.T) { w.high() },
		"crash": func(*rapid.T) { w.start() },
		"select": func(*rapid.T) {
			// What a select shows is, as it was settled, what the copy has.
			for _, row := range joined(w.join, w.tables) {
				ids, err := w.join.Join.Keys(row[0].Text())
				if err != nil || w.read < len(w.log) {
					return
				}
				var parts [2]request.Image
				for n := range parts {
					if ids[n] != nil {
						parts[n] = w.tables[w.join.Join.Parts[n]][ids[n][0].Text()]
					}
				}
				if was, ok := w.tracker.AsSettled(w.join, parts); ok {
					im := w.join.Join.Row([2][]value.Value{was[0], was[1]})
					if diff := cmp.Diff(text(w.copy[im[0].Text()]), text(im)); diff != "" {
						t.Fatalf("selected as it was not settled (-copy +selected):\n%s", diff)
					}
				}
			}
		},
	})
	for rounds := 0; ; rounds++ {
		for w.read < len(w.log) {
			w.next()
		}
		if !w.tracker.Waiting() {
			break
		}
		if rounds > 3 {
			t.Fatal("it does not come to rest")
		}
		w.begin()
		w.next()
		w.look()
		w.high()
		w.next()
	}
	want := joined(w.join, w.tables)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(w.copy))); diff != "" {
		t.Fatalf("requests (-want +copy):\n%s", diff)
	}
	for id, im := range want {
		if diff := cmp.Diff(text(im), text(w.copy[id])); diff != "" {
			t.Fatalf("%s (-want +copy):\n%s", id, diff)
		}
	}
}
