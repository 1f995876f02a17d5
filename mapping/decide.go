// Package mapping decides what each change means for the other servers. It is pure: the same
// transaction and the same definitions give the same operations, whenever and however often it is
// asked (design: "Decide").
//
// It leaves to others: reading the definitions (definition), the language of run_if (qual), rows and
// values (request), and carrying operations out (package apply).
//
// Read Operation, Decider, then Decide.
package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// DistributedServer is the user that ardso writes as, where the source's own value is not mapped
// (dso-reference, "User").
const DistributedServer = "Distributed Server"

// Decider turns the transactions of one source server into operations. It is not for concurrent use:
// one stream has one Decider.
type Decider struct {
	server   string
	doc      *definition.Document
	forms    map[string]*form // by table, see tableKey
	mappings map[string]*plan
	order    []*plan          // the same in document order
	returns  map[string]*plan // ways back of mappings that lead here with ownership
	shapes   map[*cdc.Relation]*shaped
	owners   *owners
	joins    *joins          // nil: no filter is on a join form
	rules    ownership.Rules // all, but in tests
	// matchTexts are matching qualifications that requests bring themselves.
	matchTexts map[string]*qual.Qualification

	truncate      map[string]bool // forms whose TRUNCATE is passed over
	selection     *selection
	escalations   map[string]*definition.CompiledEscalation
	namedPools    map[*definition.Deletion]definition.PoolRule // of deletes that name their request by themselves
	run           escalationRun
	caseSensitive bool
	zone          *time.Location
	duplicates    []Duplicate

	// DivisionsByZero counts what made a condition unknown that was probably meant to be known.
	DivisionsByZero int
}

// form is a source form with all that is defined on it.
type form struct {
	*schema.Form
	filters []*filter // in execution order
	// master is the Master Flag; nil: the form knows no ownership.
	master    *schema.Field
	gives     bool // some mapping hands its requests over
	overrides *overrides
	images    *shaped // of a join form: its rows are images
	// poolFields are fields whose values are kept with each operation, since pools are, or were, chosen by them.
	poolFields []*schema.Field
}

type filter struct {
	*definition.CompiledFilter
	// judgesBefore: whether the filter selects a before image says whether it ran when the request came to
	// be so.
	judgesBefore bool
}

// cause is a filter that transfers along a mapping: where its run_if is true, or otherwise.
type cause struct {
	*filter
	otherwise bool
}

// shaped is how one relation's rows are read.
type shaped struct {
	form  *form // nil: no definition is on that table
	shape *request.Shape
	lost  *schema.Field // a field that definitions use and the log does not have
}

// NewDecider makes the Decider for one server's log.
func NewDecider(server string, defs *definition.Compiled) *Decider {
	d := &Decider{
		server:   server,
		doc:      defs.Document,
		forms:    make(map[string]*form),
		mappings: make(map[string]*plan),
		returns:  make(map[string]*plan),
		owners:   newOwners(),

		matchTexts:  make(map[string]*qual.Qualification),
		shapes:      make(map[*cdc.Relation]*shaped),
		escalations: make(map[string]*definition.CompiledEscalation),
		namedPools:  make(map[*definition.Deletion]definition.PoolRule),
	}
	if s := defs.Document.Server(server); s != nil {
		d.caseSensitive, d.zone = s.CaseSensitive, s.Location()
	}
	for _, m := range defs.Mappings {
		if m.From.Server == server && m.Enabled {
			d.mappings[m.Name] = newPlan(m)
			d.order = append(d.order, d.mappings[m.Name])
		}
		if m.To.Server == server && m.Enabled && m.TransferMode == definition.DataOwnership {
			d.returns[m.Name] = newReturn(m)
		}
	}
	for _, f := range defs.Filters {
		if f.Server != server || !f.Enabled {
			continue
		}
		fm := d.form(f.Form)
		x := &filter{CompiledFilter: f, judgesBefore: judgesBefore(f, defs)}
		fm.filters = append(fm.filters, x)
		d.cause(x, f.Actions, false)
		d.cause(x, f.Else, true)
	}
	for _, e := range defs.Escalations {
		if e.Server == server {
			d.schedule(e)
		}
	}
	for _, m := range d.mappings {
		fm := d.form(m.FromForm) // hand-run transfers select from it, filters or not
		fm.gives = fm.gives || m.TransferMode == definition.DataOwnership
	}
	for _, m := range d.returns {
		d.form(m.FromForm) // changes of owned requests go back
	}
	d.choosePools(defs)
	for _, fm := range d.forms {
		slices.SortStableFunc(fm.filters, func(a, b *filter) int { return a.Order - b.Order })
	}
	d.followJoins()
	return d
}

// cause notes which mappings a filter's actions name.
func (d *Decider) cause(f *filter, actions []definition.Action, otherwise bool) {
	for _, a := range actions {
		if a.Transfer == nil {
			continue
		}
		if m := d.mappings[a.Transfer.Mapping]; m != nil {
			m.causes = append(m.causes, cause{filter: f, otherwise: otherwise})
		}
	}
}

func (d *Decider) form(f *schema.Form) *form {
	k := tableKey(f.Table.Schema, f.Table.Name)
	fm := d.forms[k]
	if fm == nil {
		fm = &form{Form: f, master: f.FieldByID(schema.MasterFlag), overrides: newOverrides(f)}
		if f.Join != nil { // what a part says of its distribution is not said of the pair
			fm.master, fm.overrides = nil, &overrides{}
		}
		d.forms[k] = fm
	}
	return fm
}

// tableKey folds case: databases fold it in their own ways (MD-18), and no two tables of AR System
// differ by case only.
func tableKey(schema, table string) string {
	return strings.ToLower(schema) + "." + strings.ToLower(table)
}

// Tables lists the tables whose changes the definitions need, for the publication or the triggers.
func (d *Decider) Tables() []*schema.Table {
	var tables []*schema.Table
	for _, f := range d.forms {
		if f.Join == nil {
			tables = append(tables, f.Table)
		}
	}
	if d.joins != nil {
		tables = append(tables, joinTable)
		tables = append(tables, d.joins.tracker.Tables()...)
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(d.forms)), func(f *form) bool { return f.master != nil }) {
		tables = append(tables, ownerTable)
	}
	slices.SortFunc(tables, func(a, b *schema.Table) int {
		return strings.Compare(tableKey(a.Schema, a.Name), tableKey(b.Schema, b.Name))
	})
	return slices.Compact(tables)
}

// WritesBack reports whether anything may have to be written on the source itself.
func (d *Decider) WritesBack() bool {
	for _, f := range d.forms {
		if f.master != nil || f.Join == nil && f.FieldByID(schema.TransferStatus) != nil {
			return true
		}
	}
	for _, m := range d.mappings {
		if m.TransferMode == definition.CopyDelete {
			return true
		}
	}
	return false
}

// ownerTable is as much of dso_owner as readers need to be told.
var ownerTable = &schema.Table{Name: cdc.OwnerTable, Key: []string{"id"}, Transactional: true}

// judgesBefore reports whether the filter can say of a before image alone that the request was
// transferred when it came to be so: then a modify of a request that it did not select is a first
// transfer, and one of a request that it did select is not. It cannot where the request could have
// come to be without the filter running: on submit, on modify, or by a merge where requests arrive.
func judgesBefore(f *definition.CompiledFilter, defs *definition.Compiled) bool {
	if !f.On.Has(definition.Submit) || !f.On.Has(definition.Modify) || f.RunIf.UsesBefore() || f.RunIf.HasExternal() || f.RunIf.UsesKeywords() {
		return false
	}
	arrives := slices.ContainsFunc(defs.Mappings, func(m *definition.CompiledMapping) bool { return shares(m.ToForm, f.Form) })
	return !arrives || f.On.Has(definition.Merge)
}

// shares reports whether what is written to a form may be a request of another, of which it is a part or which it is.
func shares(written, f *schema.Form) bool {
	parts := func(f *schema.Form) []*schema.Form {
		if f.Join == nil {
			return []*schema.Form{f}
		}
		return f.Join.Parts[:]
	}
	return slices.ContainsFunc(parts(written), func(p *schema.Form) bool { return slices.Contains(parts(f), p) })
}

// Decide says what tx, or a part of one, becomes: operations in log order. Errors are a table that
// was emptied (*TruncateError) and a log that does not hold what the definitions need
// (*cdc.UnreadableError); nothing is decided past them.
func (d *Decider) Decide(tx *cdc.Transaction) ([]*Operation, error) {
	defer d.ended(tx)
	d.noteJoins(tx)
	if tx.Selection != nil {
		tx.Selection.Taken = 0
	}
	var ops []*Operation
	for i := range tx.Changes {
		if isJoinTable(tx.Changes[i].Relation) {
			var err error
			if ops, err = d.joinRecord(ops, tx, &tx.Changes[i]); err != nil {
				return nil, err
			}
			continue
		}
		if isOwnerTable(tx.Changes[i].Relation) {
			if err := d.ownerRecord(tx, &tx.Changes[i]); err != nil {
				return nil, err
			}
			continue
		}
		if err := d.notePart(tx, &tx.Changes[i]); err != nil {
			return nil, err
		}
		sh, err := d.shaped(tx.Changes[i].Relation)
		if err != nil {
			return nil, err
		}
		if sh.form == nil {
			continue
		}
		if sh.form.Join != nil { // the log has none of its rows
			if ops, err = d.selectedPair(ops, tx, &tx.Changes[i], sh.form); err != nil {
				return nil, err
			}
			continue
		}
		if tx.Mark != nil && tx.Mark.WriteBack && (sh.form.master == nil || tx.Changes[i].Kind != cdc.Delete) {
			continue // a write-back triggers nothing, but the copies of what it deletes go, too
		}
		if ops, err = d.change(ops, tx, &tx.Changes[i], sh); err != nil {
			return nil, err
		}
	}
	if tx.Selection != nil && tx.Selection.Escalation != "" {
		ops = d.chunkEnds(ops, tx)
	}
	return ops, nil
}

func (d *Decider) shaped(rel *cdc.Relation) (*shaped, error) {
	sh := d.shapes[rel]
	if sh == nil {
		if len(d.shapes) > 4096 { // relations are made anew with each connection: do not keep them for ever
			clear(d.shapes)
		}
		sh = &shaped{form: d.forms[tableKey(rel.Schema, rel.Table)]}
		if sh.form != nil && sh.form.Join == nil {
			var missing []*schema.Field
			sh.shape, missing = request.NewShape(sh.form.Form, rel)
			for _, f := range missing {
				if d.uses(sh.form, f) {
					sh.lost = f
					break
				}
			}
		}
		d.shapes[rel] = sh
	}
	if sh.lost != nil {
		return nil, &cdc.UnreadableError{
			Server: d.server,
			What:   fmt.Sprintf("form %q, table %s: the log no longer has column %s of field %q (%d), which a definition uses", sh.form.Name, rel.Table, sh.lost.Column.Name, sh.lost.Name, sh.lost.ID),
			Fix:    "bring the column back, or take the field out of the mappings and filters, and restart",
		}
	}
	return sh, nil
}

// uses reports whether a definition on the form reads the field.
func (d *Decider) uses(fm *form, f *schema.Field) bool {
	if fm.IsKey(f) || f == fm.master || slices.Contains(fm.overrides.options, f) || slices.Contains(fm.poolFields, f) ||
		f == fm.overrides.toMapping || f == fm.overrides.toForm || f == fm.overrides.toServer {
		return true
	}
	for _, m := range d.returns {
		if m.FromForm == fm.Form && m.reads(f) {
			return true
		}
	}
	for _, fl := range fm.filters {
		if slices.Contains(fl.RunIf.Fields(), f) {
			return true
		}
	}
	for _, x := range d.escalations {
		if x.Form == fm.Form && escalationReads(x, f) {
			return true
		}
	}
	for _, m := range d.mappings {
		if m.FromForm == fm.Form && m.reads(f) {
			return true
		}
	}
	return false
}

// TruncateError is a TRUNCATE of a table that definitions use. What it should mean for the copies
// cannot be guessed (PD-14).
type TruncateError struct {
	Server, Form string
	Position     cdc.Position
}

func (e *TruncateError) Error() string {
	return fmt.Sprintf("%s: form %q was emptied by TRUNCATE at %s", e.Server, e.Form, e.Position)
}
func (e *TruncateError) Name() string { return "decide.truncate" }

func (e *TruncateError) Remedy() string {
	return "decide what the copies should do: delete them there by hand if they should go too; then go on with `ardso run --accept-truncate " + e.Form + "`"
}

// AcceptTruncate makes a TRUNCATE of a form pass: a person has seen to the copies.
func (d *Decider) AcceptTruncate(form string) {
	if d.truncate == nil {
		d.truncate = make(map[string]bool)
	}
	d.truncate[form] = true
}

// event is one change of one request, ready to be judged.
type event struct {
	tx            *cdc.Transaction
	kind          cdc.Kind
	before, after request.Image
	id            string // Request ID before the change, after it on insert
	path          []string
	merge         bool
	renamed       string   // the Request ID after the change, where it changed
	failure       *Failure // the row cannot be read whole
	env           qual.Env

	// Of forms that know ownership only.
	key     ownership.Key
	state   ownership.State
	open    *openHandOver
	gave    string           // the mapping along which this very change gives the request away, or moves it
	former  string           // the chain of a request of this ID that was deleted before
	foreign bool             // made by someone who does not own the request
	stays   bool             // and goes to no other server
	was     *ownership.State // before the change
}

// wasForeign reports whether what a field held before the change was set by someone who does not own the request: then it
// has gone to no other server.
func (e *event) wasForeign(f *schema.Field) bool {
	return e.was != nil && e.before != nil && e.was.IsForeign(f.ID, HashOf(e.before[f.Index]))
}

// current is the image that 'F' reads.
func (e *event) current() request.Image {
	if e.after != nil {
		return e.after
	}
	return e.before
}

func (d *Decider) change(ops []*Operation, tx *cdc.Transaction, c *cdc.RowChange, sh *shaped) ([]*Operation, error) {
	fm := sh.form
	if c.Kind == cdc.Truncate {
		if !d.follows(fm) || d.truncate[fm.Name] {
			return ops, nil
		}
		return nil, &TruncateError{Server: d.server, Form: fm.Name, Position: tx.Position}
	}
	e := &event{tx: tx, kind: c.Kind, merge: tx.Mark != nil, path: []string{d.server}}
	if e.merge {
		e.path = append(slices.Clone(tx.Mark.Path), d.server)
	}
	var wasWrong, isWrong error
	e.before, wasWrong = sh.shape.Image(c.Before)
	e.after, isWrong = sh.shape.After(c.After, c.Before)
	if fm.Join != nil {
		isWrong = unread(fm.Form, e.before, e.after)
	}
	switch {
	case isWrong != nil:
		e.failure = failureOf(isWrong)
	case wasWrong != nil && !keyKnown(fm.Form, e.before): // else what it is now counts
		e.failure = failureOf(wasWrong)
	}
	if e.before != nil {
		e.id = request.ID(fm.Form, e.before)
		if e.after != nil {
			if id := request.ID(fm.Form, e.after); id != e.id {
				e.renamed = id
			}
		}
	} else {
		e.id = request.ID(fm.Form, e.after)
	}
	if fm.master != nil {
		ops = d.follow(ops, e, fm)
	}
	switch {
	case c.Kind == cdc.Selected && tx.Selection.Escalation != "":
		return d.escalate(ops, e, fm), nil
	case c.Kind == cdc.Selected:
		return d.selected(ops, e, fm)
	case e.merge && tx.Mark.WriteBack, e.stays:
		return ops, nil
	}
	return d.filters(ops, e, fm)
}

// follows reports whether changes of the form's requests may have to go anywhere.
func (d *Decider) follows(fm *form) bool {
	if len(fm.filters) > 0 {
		return true
	}
	for _, m := range d.returns {
		if m.FromForm == fm.Form {
			return true
		}
	}
	return false
}

// keyKnown reports whether an image names its request.
func keyKnown(f *schema.Form, im request.Image) bool {
	return !slices.ContainsFunc(f.Key, func(k *schema.Field) bool { return !im[k.Index].Known() })
}

// filters runs the form's filters on the event in execution order. A mapping that two of them name
// for one change is carried out once (dso-reference 28, case 17).
func (d *Decider) filters(ops []*Operation, e *event, fm *form) ([]*Operation, error) {
	on := e.on()
	first := len(ops)
	ready := false
	for _, f := range fm.filters {
		if !f.On.Has(on) {
			continue
		}
		if !ready {
			d.fillEnv(e, fm)
			ready = true
		}
		truth, err := f.RunIf.Eval(&e.env)
		actions := f.Actions
		switch {
		case err != nil:
			// The filter cannot be judged: its operations are parked, so that nothing is lost.
			for _, a := range f.Actions {
				ops = d.act(ops, first, e, rule{f.Name, fm, f.Named}, a, failureOf(fmt.Errorf("filter %q: run_if: %w", f.Name, err)))
			}
			continue
		case truth != qual.True:
			actions = f.Else
		}
		for _, a := range actions {
			ops = d.act(ops, first, e, rule{f.Name, fm, f.Named}, a, e.failure)
		}
	}
	d.DivisionsByZero += e.env.DivisionsByZero
	e.env.DivisionsByZero = 0
	return ops, nil
}

// on is the event as a filter's `on` names it. What ardso applied is a merge (ar-database-reference 9),
// but for deletes: there is no merge that deletes, so Distributed Server deletes as users do
// (dso-reference 8).
func (e *event) on() definition.Event {
	switch {
	case e.merge && e.kind != cdc.Delete:
		return definition.Merge
	case e.kind == cdc.Insert:
		return definition.Submit
	case e.kind == cdc.Update:
		return definition.Modify
	}
	return definition.Delete
}

var operationKeyword = map[cdc.Kind]string{cdc.Insert: "CREATE", cdc.Update: "SET", cdc.Delete: "DELETE", cdc.Selected: "SET"}

func (d *Decider) fillEnv(e *event, fm *form) {
	e.env = qual.Env{Fields: e.current(), DB: e.before, TR: transactionValues(e)}
	e.env.Keywords = qual.Keywords{
		Operation: operationKeyword[e.kind],
		Server:    d.server,
		Schema:    fm.Name,
		Now:       e.tx.CommitTime,
	}
	if e.merge {
		if e.kind != cdc.Delete {
			e.env.Keywords.Operation = "MERGE"
		}
		e.env.Keywords.User = DistributedServer
	} else if f := fm.FieldByID(schema.LastModifiedBy); f != nil && e.after != nil {
		e.env.Keywords.User = e.after[f.Index].Text()
	}
}

// transactionValues are the TR values: what the change gave a new value; on create all that is not
// NULL (ar-database-reference 12, row 3).
func transactionValues(e *event) []value.Value {
	if e.after == nil {
		return nil
	}
	tr := make([]value.Value, len(e.after))
	for i, v := range e.after {
		switch {
		case e.before == nil && !v.IsNull():
			tr[i] = v
		case e.before != nil && v.Known() && !v.Equal(e.before[i]):
			tr[i] = v
		}
	}
	return tr
}

// rule is what actions need of the filter or escalation that has them.
type rule struct {
	name  string
	form  *form
	named map[*definition.Deletion]*definition.NamedDelete
}

// act turns one action of a rule into an operation.
func (d *Decider) act(ops []*Operation, first int, e *event, r rule, a definition.Action, failure *Failure) []*Operation {
	var op *Operation
	switch {
	case a.Transfer != nil:
		op = d.transfer(e, a.Transfer, r.form)
	case a.Return != nil:
		op = d.giveBack(e, r.form)
	case a.Delete != nil:
		op = d.delete(e, r, a.Delete)
	}
	if op == nil {
		return ops
	}
	if failure == nil && op.Home == nil {
		failure = d.fault(e, r.form)
	}
	if failure != nil {
		op.Failure = failure
	}
	for _, o := range ops[first:] {
		if o.Mapping == op.Mapping && o.Target == op.Target && o.TargetForm == op.TargetForm && o.Request == op.Request && (o.Action == Delete) == (op.Action == Delete) && slices.EqualFunc(o.TargetKey(), op.TargetKey(), value.Value.Equal) {
			d.duplicates = append(d.duplicates, Duplicate{Filter: r.name, Mapping: op.Mapping, Request: op.Request})
			return ops
		}
	}
	return append(ops, op)
}

// Duplicate is an operation that a filter or escalation asks for and that it, or an earlier filter of the same change,
// has asked for already; it is carried out once (dso-reference 16.3).
type Duplicate struct {
	Filter  string // or escalation, that asks again
	Mapping string
	Request string
}

// Duplicates returns those that were found since it was asked last.
func (d *Decider) Duplicates() []Duplicate {
	found := d.duplicates
	d.duplicates = nil
	return found
}

// passed reports whether the change has been on the server before (G6). Where it is now it may go on to another form.
func (e *event) passed(server string) bool { return slices.Contains(e.path[:len(e.path)-1], server) }

func (d *Decider) transfer(e *event, t *definition.Transfer, fm *form) *Operation {
	m := d.mappings[t.Mapping]
	if e.after == nil {
		return nil
	}
	own, failure := d.chosen(e, fm)
	if own != nil {
		m = own
	}
	if failure != nil {
		return d.notChosen(e, fm, ownership.Place{Server: d.server, Form: fm.Name, Request: e.id}, t.Mapping, failure)
	}
	if m == nil || e.passed(m.To.Server) && !t.OverrideLoopDetection {
		return nil
	}
	to := m.goesTo()
	if m, failure = d.overruled(m, e, fm); failure != nil {
		return d.notChosen(e, fm, to, t.Mapping, failure)
	}
	if m.TransferMode == definition.DataOwnership || m.TransferMode == definition.CopyDelete {
		return d.transferOwnership(m, e, d.form(m.FromForm))
	}
	op := m.operation(d, e)
	op.TellSource = m.statuses
	switch e.kind {
	case cdc.Insert:
		op.Action = Create
	case cdc.Selected:
		op.Action, op.Selected = Create, true
	case cdc.Update:
		op.Action = Modify
		switch d.transferred(e, m) {
		case qual.False:
			op.Action = Create
		case qual.Unknown:
			op.CreateIfMissing = true
		}
	}
	changed := m.fill(op, e)
	if op.Action == Modify {
		m.leaveForeign(op, e)
	}
	if !changed && op.Action == Modify && op.Failure == nil && !op.CreateIfMissing {
		return nil // nothing that the mapping carries has changed
	}
	return op
}

// transferred says whether the request as it was before e had been transferred along m: whether one of
// the filters that name m took it then, be it by their else. It is Unknown where none is known to have,
// and one cannot tell, as an escalation may have.
func (d *Decider) transferred(e *event, m *plan) qual.Truth {
	answer := qual.False
	if m.escalated {
		answer = qual.Unknown
	}
	for _, c := range m.causes {
		if !c.judgesBefore {
			answer = qual.Unknown
			continue
		}
		env := e.env
		env.Fields, env.TR, env.DB = e.before, nil, nil
		truth, err := c.RunIf.Eval(&env)
		switch {
		case err != nil:
			answer = qual.Unknown
		case (truth == qual.True) != c.otherwise && slices.ContainsFunc(c.RunIf.Fields(), e.wasForeign):
			answer = qual.Unknown // what made it so may be what went nowhere
		case (truth == qual.True) != c.otherwise:
			return qual.True
		}
	}
	return answer
}

func (d *Decider) delete(e *event, r rule, a *definition.Deletion) *Operation {
	if a.Mapping == "" {
		return d.deleteNamed(e, r, a)
	}
	m := d.mappings[a.Mapping]
	if m == nil || e.passed(m.To.Server) {
		return nil
	}
	op := m.operation(d, e)
	op.Action, op.Quiet = Delete, op.Quiet || a.SuppressNoSuchEntry
	if e.before == nil {
		// A submit, merge or escalation that asks for a delete: the copy as this request would make it.
		e.before = e.after
		defer func() { e.before = nil }()
	}
	m.fill(op, e)
	if e.kind == cdc.Delete {
		m.leaveForeign(op, e)
	}
	return op
}

// selected turns a selected row into the transfer that the selection asks for.
func (d *Decider) selected(ops []*Operation, e *event, fm *form) ([]*Operation, error) {
	s := e.tx.Selection
	if s.Follow {
		return d.selectedToFollow(ops, e, fm)
	}
	if s.Choose {
		return d.chooseAgain(ops, e, fm)
	}
	m := d.mappings[s.Mapping]
	if s.Return {
		m = d.returns[s.Mapping]
	}
	if m == nil {
		return ops, nil
	}
	where, err := d.where(s.Where, m.FromForm)
	if err != nil {
		return nil, err
	}
	d.fillEnv(e, d.form(m.FromForm))
	truth, err := where.Eval(&e.env)
	switch {
	case err != nil:
		e.failure = failureOf(fmt.Errorf("transfer where %s: %w", s.Where, err))
	case truth != qual.True:
		return ops, nil
	}
	if !s.Return {
		var failure *Failure
		fm, to := d.form(m.FromForm), m.goesTo()
		if m, failure = d.overruled(m, e, fm); failure != nil {
			return append(ops, d.failed(e, fm, to, failure)), nil
		}
	}
	if s.Again && (e.open != nil || !owns(fm.master, e.after)) {
		return ops, nil
	}
	if s.Return || m.TransferMode == definition.DataOwnership || m.TransferMode == definition.CopyDelete {
		op := (*Operation)(nil)
		switch fm := d.form(m.FromForm); {
		case s.Return && !e.state.From.IsZero() && e.state.From.Mapping != s.Mapping: // another brought it
		case s.Return:
			op = d.giveBack(e, fm)
		default:
			op = d.transferOwnership(m, e, fm)
		}
		if op != nil {
			ops = append(ops, op)
		}
		return ops, nil
	}
	op := m.operation(d, e)
	op.Action, op.Selected, op.TellSource = Create, true, m.statuses
	m.fill(op, e)
	if e.failure != nil {
		op.Failure = e.failure
	} else if f := d.fault(e, fm); f != nil {
		op.Failure = f
	}
	return append(ops, op), nil
}

// selectedToFollow is selected for a request that goes along its ownership chain.
func (d *Decider) selectedToFollow(ops []*Operation, e *event, fm *form) ([]*Operation, error) {
	where, err := d.where(e.tx.Selection.Where, fm.Form)
	if err != nil {
		return nil, err
	}
	d.fillEnv(e, fm)
	if truth, err := where.Eval(&e.env); err != nil || truth != qual.True {
		return ops, err
	}
	return d.followSelected(ops, e, fm), nil
}

// where compiles the qualification of a selection, once.
func (d *Decider) where(text string, f *schema.Form) (*qual.Qualification, error) {
	if d.selection == nil || d.selection.form != f || d.selection.text != text {
		q, err := d.CompileWhere(text, f)
		if err != nil {
			return nil, err
		}
		d.selection = &selection{form: f, text: text, where: q}
	}
	return d.selection.where, nil
}

// selection is the qualification of the last selection; its chunks come one after another.
type selection struct {
	form  *schema.Form
	text  string
	where *qual.Qualification
}

// CompileWhere compiles a qualification over requests of one of this server's forms, by the
// server's rules.
func (d *Decider) CompileWhere(text string, f *schema.Form) (*qual.Qualification, error) {
	return qual.Compile(text, qual.Scope{Form: f, CaseSensitive: d.caseSensitive, Zone: d.zone, Logical: d.doc.LogicalFields(d.server)})
}

// failureOf keeps the name and remedy that an error brings.
func failureOf(err error) *Failure {
	f := &Failure{Kind: "decide.error", Reason: err.Error(), Fix: "correct the definition or the request, then retry the operation"}
	for e := err; e != nil; {
		if n, ok := e.(interface {
			Name() string
			Remedy() string
		}); ok {
			f.Kind, f.Fix = n.Name(), n.Remedy()
			break
		}
		u, ok := e.(interface{ Unwrap() error })
		if !ok {
			break
		}
		e = u.Unwrap()
	}
	return f
}
