package mapping

import (
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/mapping/join"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// joins is what the decider knows of join forms: the log tells of their parts, and in dso_join, once a round has
// settled what these changed, of their own requests.
type joins struct {
	tracker *join.Tracker
	forms   map[string]*form // those with filters, by name
	state   JoinState
}

// JoinState is what a transaction meant for join forms.
type JoinState struct {
	News    bool // parts' requests have changed: the position may not pass until they are settled
	Low     bool // a round has begun, of all that is not settled
	Settled bool // a round has ended that way
}

// joinTable is as much of dso_join as readers need to be told.
var joinTable = &schema.Table{Name: cdc.JoinTable, Key: []string{"id"}, Transactional: true}

func isJoinTable(r *cdc.Relation) bool { return strings.EqualFold(r.Table, cdc.JoinTable) }

// followJoins begins to follow the join forms that have filters.
func (d *Decider) followJoins() {
	j := &joins{forms: make(map[string]*form)}
	var forms []*schema.Form
	for _, fm := range d.forms {
		if fm.Join != nil && len(fm.filters) > 0 {
			j.forms[fm.Name] = fm
			forms = append(forms, fm.Form)
		}
	}
	if len(forms) == 0 {
		return
	}
	slices.SortFunc(forms, func(a, b *schema.Form) int { return strings.Compare(a.Name, b.Name) })
	j.tracker = join.NewTracker(d.server, forms)
	d.joins = j
}

// asImages is how rows of a join form are read, which are images already.
func (fm *form) asImages() *shaped {
	if fm.images == nil {
		rel := &cdc.Relation{Table: fm.Table.Name, Full: true}
		for _, f := range fm.Fields {
			rel.Columns, rel.Key = append(rel.Columns, f.Column.Name), append(rel.Key, fm.IsKey(f))
		}
		shape, _ := request.NewShape(fm.Form, rel) // nothing is missing
		fm.images = &shaped{form: fm, shape: shape}
	}
	return fm.images
}

// FollowsJoin reports whether changes of a join form's parts are settled in rounds.
func (d *Decider) FollowsJoin(form *schema.Form) bool {
	return d.joins != nil && d.joins.forms[form.Name] != nil && d.joins.forms[form.Name].Form == form
}

// Joins reports what the last transaction, or part of one, meant for join forms.
func (d *Decider) Joins() (s JoinState) {
	if d.joins != nil {
		s, d.joins.state = d.joins.state, JoinState{}
	}
	return s
}

// JoinsWait reports whether a round is needed to settle what parts of join forms have changed.
func (d *Decider) JoinsWait() bool { return d.joins != nil && d.joins.tracker.Waiting() }

// SettleJoins gives the changes of join forms' requests that a round has brought to light, when its high watermark
// comes by. They are to be written into the log, from where they are decided.
func (d *Decider) SettleJoins(round string, r join.Reader, emit func(join.Change) error) error {
	if d.joins == nil {
		return nil
	}
	return d.joins.tracker.Settle(round, r, emit)
}

// noteJoins takes note of watermarks of rounds.
func (d *Decider) noteJoins(tx *cdc.Transaction) {
	if d.joins == nil {
		return
	}
	for _, w := range tx.Watermarks {
		if w.Kind == cdc.Low && join.IsRound(w.Name) {
			d.joins.tracker.Low(w.Name)
			d.joins.state.Low = true
		}
	}
}

// notePart takes note of a change that may be of a part of join forms.
func (d *Decider) notePart(tx *cdc.Transaction, c *cdc.RowChange) error {
	if d.joins == nil || tx.Selection != nil {
		return nil
	}
	if c.Kind == cdc.Truncate {
		for _, name := range d.joins.tracker.Forms(c.Relation) {
			if !d.truncate[name] {
				return &TruncateError{Server: d.server, Form: name, Position: tx.Position}
			}
		}
	}
	news, err := d.joins.tracker.Note(tx, c)
	d.joins.state.News = d.joins.state.News || news
	return err
}

// joinRecord decides the changes of join forms' requests that a row of dso_join brings.
func (d *Decider) joinRecord(ops []*Operation, tx *cdc.Transaction, c *cdc.RowChange) ([]*Operation, error) {
	if d.joins == nil || c.Kind != cdc.Insert {
		return ops, nil
	}
	text := make(map[string]string)
	for i, name := range c.Relation.Columns {
		text[strings.ToLower(name)] = c.After[i].SQL()
	}
	changes, err := join.Decode(text["changes"], func(name string) *schema.Form {
		if fm := d.joins.forms[name]; fm != nil {
			return fm.Form
		}
		return nil
	})
	if err != nil {
		return nil, &cdc.UnreadableError{
			Server: d.server, What: fmt.Sprintf("a row of %s: %s", cdc.JoinTable, err),
			Fix: "run `ardso init " + d.server + "` for a new position, then transfer what changed",
		}
	}
	for _, x := range changes {
		sub := &cdc.Transaction{Position: tx.Position, Ahead: tx.Ahead, Order: tx.Order, CommitTime: x.At}
		if x.Merge {
			sub.Mark = &cdc.Mark{Path: x.Path, WriteBack: x.WriteBack && x.After != nil}
		}
		row := cdc.RowChange{Kind: cdc.Update, Before: x.Before, After: x.After}
		switch {
		case x.Before == nil:
			row.Kind = cdc.Insert
		case x.After == nil:
			row.Kind = cdc.Delete
		}
		if ops, err = d.change(ops, sub, &row, d.joins.forms[x.Form.Name].asImages()); err != nil {
			return nil, err
		}
	}
	if text["last"] == "1" && d.joins.tracker.Settled(text["round"]) {
		d.joins.state.Settled = true
	}
	return ops, nil
}

// selectedPair decides a selected pair of a join form: as the round of its select has settled it, for what has changed
// since comes after it.
func (d *Decider) selectedPair(ops []*Operation, tx *cdc.Transaction, c *cdc.RowChange, fm *form) ([]*Operation, error) {
	parts := fm.Join.Split(c.After)
	if d.joins != nil && d.joins.forms[fm.Name] != nil {
		settled, ok := d.joins.tracker.AsSettled(fm.Form, [2]request.Image{parts[0], parts[1]})
		if !ok {
			return ops, nil
		}
		parts[0], parts[1] = settled[0], settled[1]
	}
	return d.change(ops, tx, &cdc.RowChange{Kind: cdc.Selected, After: fm.Join.Row(parts)}, fm.asImages())
}

// unread is an error that names a field of a join form's request whose part holds what means nothing there, unless
// it did before: images of pairs leave such values out.
func unread(f *schema.Form, before, after request.Image) error {
	for i, v := range after {
		if v.Kind() == value.KindUnchanged && (before == nil || before[i].Kind() != value.KindUnchanged) {
			return &request.ValueError{Form: f.Name, Err: fmt.Errorf("field %q (%d): its part holds what is no %s", f.Fields[i].Name, f.Fields[i].ID, f.Fields[i].Type)}
		}
	}
	return nil
}
