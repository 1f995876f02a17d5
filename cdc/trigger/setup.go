package trigger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/guard"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
)

// Start is the position of a reader that begins now: the end of the log, which exists.
func Start(ctx context.Context, db *engine.DB) (cdc.Position, error) {
	e, err := triggerlog.ReadExtent(ctx, db)
	if err != nil {
		return "", fmt.Errorf("%s: %w", db.Server, err)
	}
	return formatPosition(max(e.Given, e.Cut)), nil
}

// Plan returns what is to be done so that the changes of tables, and of dso_checkpoint and
// dso_watermark, which exist, are logged: nothing where all is in place. A table whose columns are not
// those that its triggers log gets a new shape and new triggers. Triggers of tables that are no longer
// named are left alone.
func Plan(ctx context.Context, db *engine.DB, tables []*schema.Table) ([]cdc.Step, error) {
	state, err := readState(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	var steps []cdc.Step
	if !state.hasTables {
		steps = append(steps, cdc.Step{What: "create the tables of the trigger log", SQL: triggerlog.CreateTables()})
	}
	for _, name := range logged(tables) {
		p, err := state.table(ctx, db, name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", db.Server, err)
		}
		if p.reason == "" {
			continue
		}
		state.nextShape++
		sql, err := triggerlog.Install(triggerlog.Shape{ID: state.nextShape, Table: p.name, Columns: p.columns}, p.ours)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", db.Server, err)
		}
		steps = append(steps, cdc.Step{What: fmt.Sprintf("create triggers that log table %s (%s)", p.name, p.reason), SQL: sql})
	}
	return steps, nil
}

// Alter returns what is to be done around an ALTER TABLE, in its transaction, so that the log goes on
// without a gap: before drops the triggers, after creates them for the columns that the table has then.
// Both are "" where the table is not logged. added are the columns to come, as the ALTER TABLE declares
// them; dropped names those that go.
//
// A *cdc.UnreadableError says that the triggers do not fit their table already: changes may have been
// missed, which new triggers would hide.
func Alter(ctx context.Context, db *engine.DB, table string, added []triggerlog.Column, dropped []string) (before, after string, err error) {
	state, err := readState(ctx, db)
	if err != nil || !state.hasTables {
		return "", "", wrap(db, err)
	}
	p, err := state.table(ctx, db, table)
	if err != nil || len(p.ours) == 0 {
		return "", "", wrap(db, err)
	}
	if p.reason != "" && p.reason != youngerTrigger {
		return "", "", p.unreadable(db.Server)
	}
	columns := slices.DeleteFunc(slices.Clone(p.columns), func(c triggerlog.Column) bool {
		return slices.ContainsFunc(dropped, func(name string) bool { return strings.EqualFold(name, c.Name) })
	})
	after, err = triggerlog.CreateTriggers(triggerlog.Shape{ID: state.nextShape + 1, Table: p.name, Columns: append(columns, added...)})
	return triggerlog.DropTriggers(p.ours), after, wrap(db, err)
}

func wrap(db *engine.DB, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", db.Server, err)
}

// RemovePlan returns what is to be done to remove triggers and log.
func RemovePlan(ctx context.Context, db *engine.DB) ([]cdc.Step, error) {
	state, err := readState(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	var steps []cdc.Step
	var names []string
	for _, t := range state.triggers {
		if isOurs(t.Name) {
			names = append(names, t.Name)
		}
	}
	if len(names) > 0 {
		steps = append(steps, cdc.Step{
			What: fmt.Sprintf("drop %d triggers that log changes", len(names)),
			SQL:  triggerlog.DropTriggers(names),
		})
	}
	if state.hasTables {
		steps = append(steps, cdc.Step{What: "drop the tables of the trigger log", SQL: triggerlog.RemoveTables()})
	}
	return steps, nil
}

// logged lists the tables to log: ours first, so that no change is logged before marks are.
func logged(tables []*schema.Table) []string {
	names := []string{cdc.CheckpointTable, cdc.WatermarkTable}
	for _, t := range tables {
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, t.Name) }) {
			names = append(names, t.Name)
		}
	}
	return names
}

func isOurs(trigger string) bool { return strings.HasPrefix(trigger, triggerlog.Prefix) }

// state is what the database has of the log.
type state struct {
	hasTables bool
	triggers  []triggerlog.Trigger
	shapes    map[string]triggerlog.Shape // the present one by lower-case table name
	nextShape int64                       // the highest ID given
}

func readState(ctx context.Context, q triggerlog.Querier) (*state, error) {
	s := &state{shapes: map[string]triggerlog.Shape{}}
	t, err := triggerlog.FindRelation(ctx, q, "dso_log_state")
	if err != nil {
		return nil, err
	}
	if s.triggers, err = triggerlog.Installed(ctx, q); err != nil || t == nil {
		return s, err
	}
	s.hasTables = true
	shapes, err := triggerlog.Shapes(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, sh := range shapes {
		s.shapes[strings.ToLower(sh.Table)] = sh
		s.nextShape = max(s.nextShape, sh.ID)
	}
	return s, nil
}

// place is a table and how its triggers stand.
type place struct {
	relation triggerlog.Relation
	name     string // as the database spells it
	columns  []triggerlog.Column
	ours     []string // names of our triggers on it
	reason   string   // why the triggers must be made anew; "" = they are in force
	added    []string // columns that the triggers do not log, where they exist
}

// table looks a table up. It is an error if it does not exist or cannot have triggers.
func (s *state) table(ctx context.Context, q triggerlog.Querier, name string) (*place, error) {
	rel, err := triggerlog.FindRelation(ctx, q, name)
	if err != nil {
		return nil, err
	}
	if rel == nil {
		return nil, fmt.Errorf("table %s does not exist", name)
	}
	if why := noTriggers(rel); why != "" {
		return nil, fmt.Errorf("%s %s", name, why)
	}
	p := &place{relation: *rel, name: rel.Name}
	if p.columns, err = triggerlog.Columns(ctx, q, rel.Name); err != nil {
		return nil, err
	}
	s.judge(p)
	return p, nil
}

// judge fills in how the triggers of p stand.
func (s *state) judge(p *place) {
	have := map[string]triggerlog.Trigger{}
	lastForeign := int64(0)
	for _, t := range s.triggers {
		switch {
		case !strings.EqualFold(t.Table, p.name):
		case isOurs(t.Name):
			have[t.Name] = t
			p.ours = append(p.ours, t.Name)
		case strings.HasPrefix(t.Name, guard.Prefix): // it writes nothing
		default:
			lastForeign = t.Created
		}
	}
	sh, known := s.shapes[strings.ToLower(p.name)]
	if !known || len(have) == 0 {
		p.reason = "none yet"
		return
	}
	for _, c := range p.columns {
		if !slices.ContainsFunc(sh.Columns, func(x triggerlog.Column) bool { return x == c }) {
			p.added = append(p.added, c.Name)
		}
	}
	if !slices.Equal(sh.Columns, p.columns) || sh.Table != p.name {
		p.reason = "its columns have changed"
		return
	}
	for _, want := range triggerlog.Triggers(sh) {
		t, ok := have[want.Name]
		switch {
		case !ok:
			p.reason = "one is missing"
		case t.SQL != want.SQL:
			p.reason = "they are of another version"
		case t.Created < lastForeign:
			// SQLite fires the youngest trigger first: one of the user's that writes to the same row
			// would get its change into the log before the change that made it fire.
			p.reason = youngerTrigger
		}
	}
}

const youngerTrigger = "another trigger of the table is younger"

// noTriggers says why a relation cannot be logged; "" where it can.
func noTriggers(rel *triggerlog.Relation) string {
	switch {
	case rel.Type == "view":
		return "is a view, not a table"
	case strings.HasPrefix(strings.ToUpper(rel.SQL), "CREATE VIRTUAL"):
		return "is a virtual table, and SQLite has no triggers on those"
	}
	return ""
}

// staleTriggers returns an *cdc.UnreadableError as stale where a table that was logged is no longer logged
// as it is: to read on would lose changes without a word (G8).
func staleTriggers(ctx context.Context, q triggerlog.Querier, server string) (stale, err error) {
	s, err := readState(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, sh := range s.shapes {
		rel, err := triggerlog.FindRelation(ctx, q, sh.Table)
		if err != nil {
			return nil, err
		}
		if rel == nil {
			continue // dropped, with its triggers
		}
		p, err := s.table(ctx, q, sh.Table)
		if err != nil {
			return nil, err
		}
		if p.reason == "" || p.reason == youngerTrigger {
			continue
		}
		return p.unreadable(server), nil
	}
	return nil, nil
}

// unreadable is the error that the triggers of p do not fit it.
func (p *place) unreadable(server string) error {
	return &cdc.UnreadableError{
		Server: server,
		What:   fmt.Sprintf("the triggers that log table %s do not fit: %s%s", p.name, p.reason, list(": ", p.added)),
		Fix:    "run `ardso init " + server + "`, start again, and transfer what changed since the table was altered",
	}
}

func list(before string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return before + strings.Join(names, ", ")
}
