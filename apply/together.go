package apply

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// Operations that look at who owns what are carried out together, too, as long as nothing is out of the ordinary: the
// requests and their rows of dso_owner are read, and written, with a few statements for all. Where anything
// is, none of it is kept and each is looked at by itself.

// manner is how operations are carried out together.
type manner uint8

const (
	apart     manner = iota
	takeover         // hand-overs
	following        // changes along a chain
	writeback        // write-backs of hand-overs that were taken
)

func mannerOf(op *mapping.Operation) manner {
	switch {
	case op.Failure != nil || op.Match != "":
	case op.Offer != nil:
		return takeover
	case op.Along != nil && op.Action == mapping.Modify:
		return following
	case op.Home != nil && op.Home.Kind == mapping.HandedOver:
		return writeback
	}
	return apart
}

// leading splits off the operations at the beginning that can be carried out together with others, or those that
// cannot.
func leading(ops []*mapping.Operation) (some, rest []*mapping.Operation) {
	n := 1
	for n < len(ops) && (mannerOf(ops[n]) == apart) == (mannerOf(ops[0]) == apart) {
		n++
	}
	return ops[:n], ops[n:]
}

// inRounds carries out operations that look at who owns what.
func (w *writing) inRounds(ctx context.Context, ops []*mapping.Operation) error {
	for _, some := range rounds(ops) {
		if err := w.together(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// rounds deals operations out to rounds, so that those on one request stay in order, and in each to lists of one
// manner and form.
func rounds(ops []*mapping.Operation) [][]*mapping.Operation {
	type list struct {
		round  int
		manner manner
		form   string
	}
	type copied struct{ form, request string }
	round := make(map[copied]int)
	lists := make(map[list][]*mapping.Operation)
	var order []list
	for _, op := range ops {
		c := copied{op.TargetForm, op.Request}
		round[c]++
		l := list{round[c], mannerOf(op), op.TargetForm}
		if lists[l] == nil {
			order = append(order, l)
		}
		lists[l] = append(lists[l], op)
	}
	slices.SortStableFunc(order, func(a, b list) int { return a.round - b.round })
	out := make([][]*mapping.Operation, len(order))
	for i, l := range order {
		out[i] = lists[l]
	}
	return out
}

// errApart: something is out of the ordinary.
var errApart = errors.New("to be carried out one by one")

// together carries out operations of one manner on one form, no two on the same request.
func (w *writing) together(ctx context.Context, ops []*mapping.Operation) error {
	form := w.t.forms[ops[0].TargetForm]
	if form == nil || w.anyHeld(ops) || len(w.t.held.suspects(heldKeys(ops))) > 0 {
		return w.each(ctx, ops)
	}
	results, written := len(w.results), w.written
	err := w.within(ctx, func() error {
		b := &bulk{writing: w, form: form}
		if err := b.plan(ctx, ops); err != nil {
			return err
		}
		return b.write(ctx)
	})
	if err == nil || w.passes(err) {
		return err
	}
	w.results, w.written = w.results[:results], written
	return w.each(ctx, ops)
}

func heldKeys(ops []*mapping.Operation) []control.Key {
	keys := make([]control.Key, len(ops))
	for i, op := range ops {
		keys[i] = heldKey(op)
	}
	return keys
}

// bulk is what is to be written together.
type bulk struct {
	*writing
	form   *schema.Form
	owners []control.Owner
	sets   map[string]*bulkSet // by the fields that are written
	order  []string
}

// bulkSet is rows of which the same fields are written.
type bulkSet struct {
	isNew  bool
	fields []*schema.Field
	rows   []statement.UpdateRow
}

func (b *bulk) plan(ctx context.Context, ops []*mapping.Operation) error {
	copies, err := b.copies(ctx, ops)
	if err != nil {
		return err
	}
	for i, op := range ops {
		c := copies[i]
		switch mannerOf(op) {
		case takeover:
			err = b.takeover(op, c)
		case following:
			err = b.following(op, c)
		default:
			err = b.writeback(ctx, op, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copies reads and locks the copies: the requests, then their rows of dso_owner. First copies are not looked for:
// to insert them tells whether they are there.
func (b *bulk) copies(ctx context.Context, ops []*mapping.Operation) ([]*copyOf, error) {
	copies := make([]*copyOf, len(ops))
	ids := make([]control.OwnerKey, len(ops))
	for i, op := range ops {
		key := op.TargetKey()
		if op.Home != nil {
			var err error
			if key, err = request.ParseID(b.form, op.Request); err != nil {
				return nil, err
			}
		}
		if slices.ContainsFunc(key, func(v value.Value) bool { return !v.Known() || v.IsNull() }) {
			return nil, errApart
		}
		copies[i] = &copyOf{form: b.form, key: key}
		ids[i] = copies[i].ownerKey()
	}
	known := make(map[control.OwnerKey]bool)
	if ops[0].Offer != nil {
		rows, err := control.ReadOwners(ctx, b.tx, ids...)
		if err != nil {
			return nil, err
		}
		for _, o := range rows {
			known[o.OwnerKey] = true
		}
		if err := b.onlyHere(ctx, ops, ids); err != nil {
			return nil, err
		}
	}
	var look []int
	var keys [][]value.Value
	for i := range copies {
		if ops[0].Offer == nil || known[ids[i]] {
			look, keys = append(look, i), append(keys, copies[i].key)
		}
	}
	if len(look) == 0 {
		return copies, nil
	}
	rows, err := b.t.writer.Lookup(ctx, b.tx, b.form, keys, true)
	if err != nil {
		return nil, err
	}
	locked, err := control.LockOwners(ctx, b.tx, ids...)
	if err != nil {
		return nil, err
	}
	states := make(map[control.OwnerKey]*ownership.State, len(locked))
	for i := range locked {
		s, err := StateOf(&locked[i])
		if err != nil {
			return nil, err
		}
		states[locked[i].OwnerKey] = &s
	}
	for n, i := range look {
		if rows[n] != nil {
			copies[i].row = currentRow(b.form, rows[n])
		}
		copies[i].state = states[ids[i]]
	}
	return copies, nil
}

// onlyHere is errApart where the chain of one of the transfers has a copy on this form that is not at the key given for
// it: that one is to take it then.
func (b *bulk) onlyHere(ctx context.Context, ops []*mapping.Operation, ids []control.OwnerKey) error {
	at := make(map[string]control.OwnerKey)
	var chains []string
	for i, op := range ops {
		if !op.Offer.Return {
			at[op.Offer.Chain] = ids[i]
			chains = append(chains, op.Offer.Chain)
		}
	}
	rows, err := control.OwnersOfChains(ctx, b.tx, chains...)
	if err != nil {
		return err
	}
	for _, o := range rows {
		if o.Form == b.form.Name && o.OwnerKey != at[o.Chain] {
			return errApart
		}
	}
	return nil
}

func (b *bulk) takeover(op *mapping.Operation, c *copyOf) error {
	isNew := c.row == nil
	var write []conflict.Write
	var kept []int
	switch {
	case isNew && mapping.BeginsAt(op.Offer.Chain, op.Target, b.form.Name, c.id()):
		return errApart // it was deleted where its chain began, whether dso_owner says so yet or not
	case isNew && c.state == nil && b.lacks(op, b.form) == nil:
		write = withCreateDate(op, b.form, written(op))
	case isNew || c.state == nil || c.state.Chain != op.Offer.Chain || c.state.Fault != "" || c.isAnew():
		return errApart
	case ownership.Accept(c.state, c.owns(), op.Offer) != ownership.Take:
		return errApart
	default:
		write, kept = b.mergeOffer(op, c)
	}
	s := ownership.Accepted(c.state, op.Offer, c.hashes(write), func(id int) bool { return !slices.Contains(kept, id) })
	b.tell(op, c.id(), nil)
	return b.add(c, &s, isNew, overlay(b.form, write, distributed(op, c, &s)))
}

func (b *bulk) following(op *mapping.Operation, c *copyOf) error {
	if c.row == nil {
		return errApart
	}
	c.join(op.Along.Chain, op.Target)
	if c.state == nil || c.state.Chain != op.Along.Chain || c.isAnew() {
		return errApart
	}
	write, s, lost := mergeFields(op, c, b.t.sets[b.form.Name])
	switch {
	case len(lost) > 0:
		return errApart
	}
	b.tellUpdated(op, c)
	if len(write) == 0 {
		return nil
	}
	return b.add(c, &s, false, companions(op, write))
}

func (b *bulk) writeback(ctx context.Context, op *mapping.Operation, c *copyOf) error {
	s, ok := b.mayWriteBack(op, c)
	if !ok {
		return nil
	}
	set, err := b.handedOverTo(ctx, op, c, &s)
	if err != nil {
		return err
	}
	return b.add(c, &s, false, overlay(b.form, nil, set))
}

// add notes what is to be written of one copy.
func (b *bulk) add(c *copyOf, s *ownership.State, isNew bool, write []conflict.Write) error {
	b.owners = append(b.owners, OwnerOf(c.ownerKey(), s))
	if !isNew {
		write = withoutKey(b.form, write)
	}
	fields, vals, err := fits(b.form, write)
	if err != nil {
		return err
	}
	name := strconv.FormatBool(isNew)
	for _, f := range fields {
		name += " " + strconv.Itoa(f.ID)
	}
	set := b.sets[name]
	if set == nil {
		if b.sets == nil {
			b.sets = make(map[string]*bulkSet)
		}
		set = &bulkSet{isNew: isNew, fields: fields}
		b.sets[name] = set
		b.order = append(b.order, name)
	}
	set.rows = append(set.rows, statement.UpdateRow{Key: c.key, Set: vals})
	return nil
}

// write writes dso_owner, then the requests.
func (b *bulk) write(ctx context.Context) error {
	if err := control.WriteOwners(ctx, b.tx, b.owners); err != nil {
		return err
	}
	for _, name := range b.order {
		set := b.sets[name]
		if len(set.fields) == 0 {
			continue
		}
		var refused []int
		var err error
		if set.isNew {
			rows := make([][]value.Value, len(set.rows))
			for i, r := range set.rows {
				rows[i] = r.Set
			}
			refused, err = b.t.writer.Insert(ctx, b.tx, b.form, set.fields, rows)
		} else {
			refused, err = b.t.writer.Update(ctx, b.tx, b.form, statement.UpdateSet{Set: set.fields}, set.rows)
		}
		switch {
		case err != nil:
			return err
		case len(refused) > 0:
			return errApart
		}
		b.written += int64(len(set.rows))
	}
	return nil
}
