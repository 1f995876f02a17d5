package join

import (
	"maps"
	"slices"
	"strings"

	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"

	"golang.org/x/text/unicode/norm"
)

// Reader reads a view of the database that lies between the low and the high watermark of a round. Images run
// along the parts' fields; f may keep them.
type Reader interface {
	// Keyed reads requests of a part by their keys.
	Keyed(part *schema.Form, keys [][]value.Value, f func(request.Image) error) error
	// Pairs reads the requests of a join form of which a part has one of keys; the secondary part may be nil.
	Pairs(form *schema.Form, part int, keys [][]value.Value, f func([2]request.Image) error) error
	// Having reads the requests of a part whose field is one of values, as the database compares them.
	Having(part *schema.Form, field *schema.Field, values []value.Value, f func(request.Image) error) error
}

// Change is a change of a request of a join form. Images run along Form.Fields.
type Change struct {
	Form          *schema.Form
	Before, After request.Image // nil: there was none, there is none
	Mark
}

// chunk is how many changed requests are looked at together.
const chunk = 200

// Settle gives the changes of the join forms from when all was settled last to the low watermark of the round, all
// up to its high watermark having been noted.
func (t *Tracker) Settle(round string, r Reader, emit func(Change) error) error {
	if t.aside == nil || t.round != round {
		return nil
	}
	for _, f := range t.forms {
		s := &settling{t: t, Reader: r, form: f, emit: emit, flips: make(map[string]*lone)}
		for n, of := range f.Join.Parts {
			s.parts[n] = t.part(of)
			s.index[n] = t.indexOf(f, n)
		}
		for n := range f.Join.Parts {
			if err := s.drive(n); err != nil {
				return err
			}
		}
		if err := s.alone(); err != nil {
			return err
		}
	}
	return nil
}

// settling is the settling of one join form.
type settling struct {
	Reader
	t     *Tracker
	form  *schema.Form
	parts [2]*part
	emit  func(Change) error
	index [2]index
	// flips are unchanged primary requests that may have lost their only secondary one, or got a first.
	flips map[string]*lone
}

type lone struct {
	key []value.Value
	Mark
}

// index finds changed requests of a part by what they are joined by.
type index map[string][]string

// side is one part of a pair: as it was settled, at the low watermark, and in the view.
type side struct {
	id                string
	settled, low, now request.Image
	changed           *row // nil: up to the low watermark it did not
}

// at tells of a request of a part what it was, the view being known.
func (s *settling) at(n int, id string, now request.Image) *side {
	x := &side{id: id, now: now, low: now, changed: s.t.aside.rows[s.parts[n]][id]}
	if r := s.t.now.rows[s.parts[n]][id]; r != nil {
		x.low = r.before
	}
	x.settled = x.low
	if x.changed != nil {
		x.settled = x.changed.before
	}
	return x
}

// hasChanged reports whether a request of a part changed before or after the low watermark.
func (t *Tracker) hasChanged(p *part, id string) bool {
	return t.now.rows[p][id] != nil || t.aside != nil && t.aside.rows[p][id] != nil
}

// drive compares the pairs of all requests of a part that changed. Pairs of two changed requests are the
// primary's.
func (s *settling) drive(n int) error {
	ids := slices.Sorted(maps.Keys(s.t.aside.rows[s.parts[n]]))
	for some := range slices.Chunk(ids, chunk) {
		keys := make([][]value.Value, len(some))
		for i, id := range some {
			key, err := request.ParseID(s.parts[n].Form, id)
			if err != nil {
				return err
			}
			keys[i] = key
		}
		all, err := s.sides(n, some, keys)
		if err != nil {
			return err
		}
		err = s.pairs(n, all, keys, func(mine, other *side, was, is bool) error {
			switch {
			case n == schema.Secondary && other.changed != nil:
				return nil
			case n == schema.Secondary && was != is && s.form.Join.Outer:
				s.flip(other, mine.changed.Mark)
			}
			return s.pair(n, mine, other, was, is)
		}, func(mine *side, was, is bool) error {
			if n == schema.Secondary {
				return nil
			}
			return s.single(mine, was, is, mine.changed.Mark)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// alone settles unchanged primary requests whose secondary ones came or went.
func (s *settling) alone() error {
	ids := slices.Sorted(maps.Keys(s.flips))
	for some := range slices.Chunk(ids, chunk) {
		keys := make([][]value.Value, len(some))
		for i, id := range some {
			keys[i] = s.flips[id].key
		}
		all, err := s.sides(schema.Primary, some, keys)
		if err != nil {
			return err
		}
		err = s.pairs(schema.Primary, all, keys, func(*side, *side, bool, bool) error { return nil }, func(mine *side, was, is bool) error {
			return s.single(mine, was, is, s.flips[mine.id].Mark)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *settling) flip(primary *side, m Mark) {
	if l := s.flips[primary.id]; l != nil {
		l.Mark = l.and(m)
		return
	}
	im := primary.low
	key := make([]value.Value, len(s.parts[schema.Primary].Key))
	for i, k := range s.parts[schema.Primary].Key {
		key[i] = im[k.Index]
	}
	s.flips[primary.id] = &lone{key: key, Mark: m}
}

// sides reads requests of a part.
func (s *settling) sides(n int, ids []string, keys [][]value.Value) (map[string]*side, error) {
	now := make(map[string]request.Image, len(ids))
	err := s.Keyed(s.parts[n].Form, keys, func(im request.Image) error {
		now[request.ID(s.parts[n].Form, im)] = im
		return nil
	})
	all := make(map[string]*side, len(ids))
	for _, id := range ids {
		all[id] = s.at(n, id, now[id])
	}
	return all, err
}

// pairs calls f with the pairs of mine, requests of part n, that were or are, and with each of mine once: done tells
// whether it was in any pair, and is. A pair comes once, unless nothing has changed of either.
func (s *settling) pairs(n int, mine map[string]*side, keys [][]value.Value, f func(mine, other *side, was, is bool) error, done func(mine *side, was, is bool) error) error {
	m := 1 - n
	partner := s.parts[m]
	type count struct {
		was, is  bool
		wandered bool            // joined by something else than the view shows, once
		seen     map[string]bool // partners that may come again
	}
	counts := make(map[*side]*count, len(mine))
	wandered := make(map[string][]*side) // by what they were joined by, which differs from what the view shows
	var values []value.Value
	for _, x := range mine {
		c := &count{seen: make(map[string]bool)}
		counts[x] = c
		for _, im := range []request.Image{x.settled, x.low} {
			if im == nil || x.now != nil && s.sameOn(n, im, x.now) {
				continue
			}
			c.wandered = true
			on := s.form.Join.On[0][n]
			if v, err := on.Stored(im[on.Index]); err == nil && v.Known() && !v.IsNull() {
				k := loose(v)
				if !slices.Contains(wandered[k], x) {
					wandered[k] = append(wandered[k], x)
				}
				values = append(values, v)
			}
		}
	}
	look := func(x, other *side, inView bool) error {
		c := counts[x]
		if c.seen[other.id] {
			return nil
		}
		if !inView || s.t.hasChanged(partner, other.id) || c.wandered {
			c.seen[other.id] = true
		}
		was := s.joined(n, x.settled, x.now, other.settled, other.now, inView)
		is := s.joined(n, x.low, x.now, other.low, other.now, inView)
		c.was, c.is = c.was || was, c.is || is
		if !was && !is {
			return nil
		}
		return f(x, other, was, is)
	}
	err := s.Pairs(s.form, n, keys, func(parts [2]request.Image) error {
		x := mine[request.ID(s.parts[n].Form, parts[n])]
		if x == nil || parts[m] == nil {
			return nil
		}
		return look(x, s.at(m, request.ID(partner.Form, parts[m]), parts[m]), true)
	})
	if err != nil {
		return err
	}
	if len(values) > 0 {
		err := s.Having(partner.Form, s.form.Join.On[0][m], values, func(im request.Image) error {
			on := s.form.Join.On[0][m]
			v, err := on.Stored(im[on.Index])
			if err != nil {
				return nil //nolint:nilerr // it is joined with nothing
			}
			other := s.at(m, request.ID(partner.Form, im), im)
			for _, x := range wandered[loose(v)] {
				if err := look(x, other, false); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(mine)) {
		x := mine[id]
		for _, im := range []request.Image{x.settled, x.low} {
			for _, other := range s.index[m][s.onOf(n, im)] {
				// What the view has of it is not joined with x, or it would have come by.
				if err := look(x, s.at(m, other, nil), false); err != nil {
					return err
				}
			}
		}
		if err := done(x, counts[x].was, counts[x].is); err != nil {
			return err
		}
	}
	return nil
}

// pair gives the change of a pair.
func (s *settling) pair(n int, mine, other *side, was, is bool) error {
	mark := mine.changed.Mark
	if other.changed != nil {
		mark = mark.and(other.changed.Mark)
	}
	var before, after [2]request.Image
	before[n], before[1-n], after[n], after[1-n] = mine.settled, other.settled, mine.low, other.low
	return s.give(before, after, was, is, mark)
}

// single gives the change of a primary request without a secondary one. was and is tell whether it was and is in
// a pair.
func (s *settling) single(mine *side, was, is bool, m Mark) error {
	if !s.form.Join.Outer {
		return nil
	}
	return s.give([2]request.Image{mine.settled}, [2]request.Image{mine.low}, mine.settled != nil && !was, mine.low != nil && !is, m)
}

func (s *settling) give(before, after [2]request.Image, was, is bool, m Mark) error {
	c := Change{Form: s.form, Mark: m}
	if was {
		c.Before = row2(s.form, before)
	}
	if is {
		c.After = row2(s.form, after)
	}
	switch {
	case !was && !is, was && is && slices.EqualFunc(c.Before, c.After, same), m.WriteBack && is:
		return nil
	}
	return s.emit(c)
}

func row2(f *schema.Form, parts [2]request.Image) request.Image {
	return f.Join.Row([2][]value.Value{parts[0], parts[1]})
}

// same compares values of images: what means nothing is as it was.
func same(a, b value.Value) bool { return a.Equal(b) || !a.Known() && a.Kind() == b.Kind() }

// joined reports whether a request of part n and one of the other part are a pair. The view has said so of both as
// it shows them, and so of all that agree with it in what they are joined by.
func (s *settling) joined(n int, mine, mineNow, other, otherNow request.Image, inView bool) bool {
	if mine == nil || other == nil {
		return false
	}
	if mineNow != nil && otherNow != nil && s.sameOn(n, mine, mineNow) && s.sameOn(1-n, other, otherNow) {
		return inView
	}
	if n == schema.Primary {
		return match(s.form.Join, mine, other)
	}
	return match(s.form.Join, other, mine)
}

// sameOn reports whether two images of a request of part n agree in what it is joined by.
func (s *settling) sameOn(n int, a, b request.Image) bool {
	return !slices.ContainsFunc(s.form.Join.On, func(on [2]*schema.Field) bool { return !same(a[on[n].Index], b[on[n].Index]) })
}

// match reports whether two requests are joined. The database is asked wherever it can be; here it is never said
// of a pair that it is none because of a collation: what comes of one too many is seen and put right.
func match(j *schema.Join, primary, secondary request.Image) bool {
	for _, on := range j.On {
		a, errA := on[0].Stored(primary[on[0].Index])
		b, errB := on[1].Stored(secondary[on[1].Index])
		if errA != nil || errB != nil || !a.Known() || !b.Known() || a.IsNull() || b.IsNull() {
			return false
		}
		if a.Equal(b) {
			continue
		}
		folds := on[0].Column.CaseFolding || on[1].Column.CaseFolding
		pads := on[0].Column.Charset != "" || on[1].Column.Charset != ""
		switch {
		case folds && loose(a) == loose(b):
		case pads && a.Kind() == value.KindText && b.Kind() == value.KindText && strings.TrimRight(a.Text(), " ") == strings.TrimRight(b.Text(), " "):
		default:
			return false
		}
	}
	return true
}

// loose is equal for all values that any collation may find equal.
func loose(v value.Value) string {
	if v.Kind() != value.KindText {
		return v.SQL()
	}
	s := norm.NFKD.String(strings.ToLower(strings.ToUpper(v.Text())))
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if r >= 0x300 && r < 0x370 { // combining marks
			return -1
		}
		return r
	}, s), " ")
}

// onOf is by what a request of part n is joined, for an index; "" of nothing.
func (s *settling) onOf(n int, im request.Image) string { return onOf(s.form, n, im) }

func onOf(f *schema.Form, n int, im request.Image) string {
	if im == nil {
		return ""
	}
	var b strings.Builder
	for _, on := range f.Join.On {
		v, err := on[n].Stored(im[on[n].Index])
		if err != nil || !v.Known() || v.IsNull() {
			return ""
		}
		b.WriteString(loose(v))
		b.WriteByte(0)
	}
	return b.String()
}

// indexOf indexes the changed requests of a form's part by what they were.
func (t *Tracker) indexOf(f *schema.Form, n int) index {
	out := make(index)
	p := t.part(f.Join.Parts[n])
	for _, c := range []*changes{t.aside, t.now} {
		if c == nil {
			continue
		}
		for id, r := range c.rows[p] {
			if k := onOf(f, n, r.before); k != "" && !slices.Contains(out[k], id) {
				out[k] = append(out[k], id)
			}
		}
	}
	for _, ids := range out {
		slices.Sort(ids)
	}
	return out
}

// AsSettled is a selected pair as it was settled last; ok is false where there was none. What has changed since
// comes with the next round, after what is selected now.
func (t *Tracker) AsSettled(f *schema.Form, now [2]request.Image) (settled [2]request.Image, ok bool) {
	s := &settling{t: t, form: f}
	for n, im := range now {
		s.parts[n] = t.part(f.Join.Parts[n])
		settled[n] = im
		if im == nil {
			continue
		}
		id := request.ID(s.parts[n].Form, im)
		for _, c := range []*changes{t.now, t.aside} {
			if c == nil {
				continue
			}
			if r := c.rows[s.parts[n]][id]; r != nil {
				settled[n] = r.before
			}
		}
	}
	switch {
	case settled[schema.Primary] == nil:
		return settled, false
	case now[schema.Secondary] != nil:
		return settled, s.joined(schema.Primary, settled[0], now[0], settled[1], now[1], true)
	case !s.sameOn(schema.Primary, settled[0], now[0]):
		return settled, false
	}
	// It is alone now. It was not if it was joined with what has changed since.
	if t.lookups == nil {
		t.lookups = make(map[*schema.Form]index)
	}
	if t.lookups[f] == nil {
		t.lookups[f] = t.indexOf(f, schema.Secondary)
	}
	return settled, len(t.lookups[f][s.onOf(schema.Primary, settled[schema.Primary])]) == 0
}
