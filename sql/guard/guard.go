// Package guard makes triggers that refuse, at once, what ardso could else only find out from the log: edits
// of a request by someone who does not own it any more, and distributed fields that are written by hand.
//
// Who is ardso, a trigger is told by the first statement of each of its transactions, control.Advance. So the
// readers' mark and the triggers' pass are one thing, and no path by which ardso writes can have the one
// without the other:
//
//   - PostgreSQL: Advance sets ardso.writer to the transaction's own ID, for that transaction. A value that a
//     session keeps, or a pool hands on, names another transaction and lets nobody through. The triggers ask in
//     WHEN, before any function is called, and need no table and no privilege for it.
//   - MariaDB and MySQL: Advance sets @ardso_writer, in the same packet. It is NULL in every session that does
//     not set it itself, and ardso's sessions are its own. A trigger cannot see which transaction it runs in
//     without privileges that users lack, and a mark in a table that only its own transaction sees would cost a
//     second write in each: nothing resets the variable, so what ardso's own sessions write passes without
//     Advance, too. Nothing does. ardso's sessions are READ COMMITTED, for which these servers log rows, and
//     replicas fire no triggers for those.
//   - SQLite: the row of dso_checkpoint that Advance writes is open until control.CloseMark, within the same
//     transaction. Nobody else sees it so, and while it is nobody else writes.
//
// A user who sets one of these on purpose passes. The triggers keep people from mistakes; what comes by them is
// still found in the log (on_foreign_change).
//
// Read Read, State, Install and Remove, then the triggers in <engine>/*.sql.
package guard

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

//go:embed postgres/*.sql mysql/*.sql sqlite/*.sql
var files embed.FS

// Prefix begins the names of our triggers and functions.
const Prefix = "dso_guard_"

// Guard is a form with the triggers that its table has.
type Guard struct {
	Form *schema.Form

	db    *engine.DB
	rules Rules
	have  []Trigger // of the form's table, those of others too where they matter
	want  []trigger
}

// Trigger is a trigger that a database has.
type Trigger struct {
	Schema   string `db:"table_schema"`
	Table    string `db:"table_name"` // "": a function of ours without a trigger
	Name     string `db:"name"`
	Function string `db:"function"` // PostgreSQL
	Body     string `db:"body"`     // of the function there
	Version  string `db:"version"`  // PostgreSQL
	Enabled  bool   `db:"enabled"`
	Ours     bool   `db:"ours"` // only MariaDB and MySQL list those of others
	Slot     string `db:"slot"` // "BEFORE UPDATE", there
}

// Installed reads the triggers of the schema that has the control tables, and of another one, on MariaDB and
// MySQL, where triggers are in their table's schema.
func Installed(ctx context.Context, db *engine.DB, more ...string) ([]Trigger, error) {
	schemas := []string{db.Schema}
	if db.Engine.Dialect == "mysql" {
		schemas = append(schemas, more...)
	}
	slices.Sort(schemas)
	var all []Trigger
	for _, s := range slices.Compact(schemas) {
		var list []Trigger
		if err := db.SelectContext(ctx, &list, text(db, "installed.sql"), s); err != nil {
			return nil, fmt.Errorf("%s: read the guards: %w", db.Server, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

// Rules are what triggers must know of the definitions; with others they are outdated.
type Rules struct {
	Servers []string // that a request may be given to: on SQLite a message must be written down for each
	// Names of enabled mappings: those that begin at the form, with and without allow_any_user_to_delete, and those that
	// end at it, with that.
	GaveFree, GaveBound, CameFree []string
}

// sorted is r in an order that does not hang on that of the definitions.
func (r Rules) sorted() Rules {
	for _, list := range []*[]string{&r.Servers, &r.GaveFree, &r.GaveBound, &r.CameFree} {
		*list = slices.Sorted(slices.Values(*list))
	}
	return r
}

// Read looks at a form and its table's triggers.
func Read(ctx context.Context, db *engine.DB, form *schema.Form, rules Rules) (*Guard, error) {
	all, err := Installed(ctx, db, form.Table.Schema)
	if err != nil {
		return nil, err
	}
	return Of(db, form, rules, all), nil
}

// Of is Read with triggers that were read already.
func Of(db *engine.DB, form *schema.Form, rules Rules, installed []Trigger) *Guard {
	g := &Guard{Form: form, db: db, rules: rules.sorted()}
	for _, t := range installed {
		orphan := t.Table == "" && t.Function == g.function()
		if t.Schema == form.Table.Schema && t.Table == form.Table.Name || orphan {
			g.have = append(g.have, t)
		}
	}
	if form.FieldByID(schema.MasterFlag) != nil {
		g.want = g.render()
	}
	return g
}

// IsProtected reports whether a distributed field is written by ardso alone: those that tell who owns a request,
// where it came from and went to.
func IsProtected(id int) bool {
	return id >= schema.TransferStatus && id <= schema.FromServer || id == schema.FromPool
}

// Status is how a form stands.
type Status string

const (
	None     Status = "none"
	Guarded  Status = "guarded"
	Outdated Status = "outdated" // installed, but not as it should be
	Disabled Status = "disabled" // installed and switched off (PostgreSQL)
)

// State tells how the form stands, and why where it is outdated or disabled.
func (g *Guard) State() (Status, string) {
	var missing, stale, off []string
	found := false
	for _, w := range g.want {
		t := g.find(&w)
		switch {
		case t == nil:
			missing = append(missing, w.name)
			continue
		case !w.is(t):
			stale = append(stale, t.Name)
		case !t.Enabled:
			off = append(off, t.Name)
		}
		found = true
	}
	strays := g.strays()
	switch {
	case !found && len(strays) == 0:
		return None, ""
	case len(off) > 0:
		return Disabled, "switched off: " + strings.Join(off, ", ")
	case len(missing) > 0:
		return Outdated, "missing: " + strings.Join(missing, ", ")
	case len(stale)+len(strays) > 0:
		return Outdated, "made for other fields or definitions, or by another version of ardso: " + strings.Join(append(stale, strays...), ", ")
	}
	return Guarded, ""
}

// find returns the trigger that stands for w: of its name, or one of somebody's with w merged into it.
func (g *Guard) find(w *trigger) *Trigger {
	for i := range g.have {
		if t := &g.have[i]; t.Ours && t.Name == w.name && t.Table != "" || g.merged(t, w) {
			return t
		}
	}
	return nil
}

// merged reports whether a trigger of others has ours in it, by the label.
func (g *Guard) merged(t *Trigger, w *trigger) bool {
	return !t.Ours && t.Slot == w.slot && strings.Contains(t.Body, g.db.Engine.Quote(w.name)+":")
}

// strays are triggers of ours under other names: the table was renamed.
func (g *Guard) strays() (names []string) {
	for _, t := range g.have {
		if t.Ours && t.Table != "" && !slices.ContainsFunc(g.want, func(w trigger) bool { return w.name == t.Name }) {
			names = append(names, t.Name)
		}
	}
	return names
}

// Step is one thing that is done to a server.
type Step struct {
	What       string   // for the administrator
	Statements []string // in order
}

// SQL is the statements as one text.
func (s Step) SQL() string { return strings.Join(s.Statements, ";\n") + ";\n" }

// Install plans what makes the form guarded; no steps where it is. Errors are *NoMasterFlagError and, joined,
// *PlaceTakenError.
func (g *Guard) Install() ([]Step, error) {
	if g.want == nil {
		return nil, &NoMasterFlagError{Server: g.db.Server, Form: g.Form.Name}
	}
	if err := g.placesTaken(); err != nil {
		return nil, err
	}
	if s, _ := g.State(); s == Guarded {
		return nil, nil
	}
	steps := g.drop(func(t *Trigger) bool {
		return t.Table == "" || slices.ContainsFunc(g.want, func(w trigger) bool { return w.name == t.Name })
	})
	if g.db.Engine.Dialect == "postgres" {
		steps = append(steps, Step{What: "create function " + g.function(), Statements: g.want[0].before})
	}
	for _, w := range g.want {
		t := g.find(&w)
		replaces := g.db.Engine.Dialect == "postgres" // by the statement itself, which needs no owner
		if t != nil && (!t.Ours || w.is(t) && !replaces) {
			continue
		}
		step := Step{What: fmt.Sprintf("create trigger %s on table %s", w.name, g.Form.Table.Name)}
		if t != nil && !replaces {
			step.Statements = append(step.Statements, dropping(g.db, g.Form.Table.Schema, t))
		}
		step.Statements = append(step.Statements, w.create)
		steps = append(steps, step)
	}
	return steps, nil
}

// placesTaken returns, for each trigger, who holds its place on a server that has one for each event.
func (g *Guard) placesTaken() error {
	var taken []*PlaceTakenError
	e := g.db.Engine
	if e.Name != "mysql" || e.Version >= 50702 {
		return nil
	}
	for i := range g.want {
		w := &g.want[i]
		for _, t := range g.have {
			if !t.Ours && t.Slot == w.slot && !(g.merged(&t, w) && w.is(&t)) {
				taken = append(taken, &PlaceTakenError{Server: g.db.Server, Form: g.Form.Name, Table: t.Table, Trigger: t.Name, Place: t.Slot, Ours: w.body})
			}
		}
	}
	return join(taken)
}

// Remove plans what takes the form's guard away; no steps where there is none. A *MergedError names triggers of
// others that have ours in them: the steps leave these alone.
func (g *Guard) Remove() ([]Step, error) {
	var merged []string
	for _, w := range g.want {
		if t := g.find(&w); t != nil && !t.Ours {
			merged = append(merged, t.Name)
		}
	}
	steps := g.drop(func(*Trigger) bool { return false })
	if len(merged) > 0 {
		return steps, &MergedError{Server: g.db.Server, Form: g.Form.Name, Triggers: merged}
	}
	return steps, nil
}

// drop makes a step for each trigger of ours but those that are to stay; on PostgreSQL for each function with
// its triggers.
func (g *Guard) drop(stays func(*Trigger) bool) []Step {
	list := slices.DeleteFunc(slices.Clone(g.have), func(t Trigger) bool { return stays(&t) })
	return RemoveAll(g.db, list)
}

// RemoveAll plans what drops those of the triggers that are ours.
func RemoveAll(db *engine.DB, installed []Trigger) (steps []Step) {
	seen := map[string]bool{}
	for i := range installed {
		t := &installed[i]
		what := fmt.Sprintf("drop trigger %s of table %s", t.Name, t.Table)
		if t.Function != "" {
			what = fmt.Sprintf("drop function %s with its triggers", t.Function)
		}
		if !t.Ours || seen[what] {
			continue
		}
		seen[what] = true
		steps = append(steps, Step{What: what, Statements: []string{dropping(db, t.Schema, t)}})
	}
	return steps
}

func dropping(db *engine.DB, schemaName string, t *Trigger) string {
	switch db.Engine.Dialect {
	case "postgres":
		return execute(db, "drop.sql", db.Engine.Table(db.Schema, t.Function))
	case "mysql":
		return execute(db, "drop.sql", db.Engine.Table(schemaName, t.Name))
	}
	return execute(db, "drop.sql", db.Engine.Quote(t.Name))
}
