package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/replication"
	"ardso/sql/schema"
)

// Plan returns what has still to be done so that changes of tables can be read: whole before images
// where they are needed, the publication with exactly these tables and the two control tables that
// readers look for, and after it the slot (PS-17). It is empty when all is in place. The control tables
// must exist when the steps are carried out, not before.
//
// It returns *NoIdentityError for tables that PostgreSQL would not let be changed any more once they are
// published (PD-8).
func Plan(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) ([]cdc.Step, error) {
	o = o.withDefaults(db)
	if err := o.validate(); err != nil {
		return nil, err
	}
	found, err := replication.ReadTables(ctx, db, names(db, tables))
	if err != nil {
		return nil, err
	}
	steps, err := identitySteps(db, tables, found, o)
	if err != nil {
		return nil, err
	}
	publication, err := replication.ReadPublication(ctx, db, o.Publication)
	if err != nil {
		return nil, err
	}
	steps = append(steps, publicationSteps(db, publication, wanted(db, tables), o)...)
	state, err := replication.ReadState(ctx, db, o.Slot)
	if err != nil {
		return nil, err
	}
	slot, err := slotSteps(db, state, o)
	return append(steps, slot...), err
}

// RemovePlan returns what removes slot and publication. Replica identities stay as they are, since what
// they were before is not known.
func RemovePlan(ctx context.Context, db *engine.DB, o Options) ([]cdc.Step, error) {
	o = o.withDefaults(db)
	if err := o.validate(); err != nil {
		return nil, err
	}
	state, err := replication.ReadState(ctx, db, o.Slot)
	if err != nil {
		return nil, err
	}
	publication, err := replication.ReadPublication(ctx, db, o.Publication)
	if err != nil {
		return nil, err
	}
	var steps []cdc.Step
	if state.Found && state.SlotDatabase == state.Database {
		steps = append(steps, cdc.Step{What: "drop replication slot " + o.Slot, SQL: replication.DropSlot(o.Slot)})
	}
	if publication.Found {
		steps = append(steps, cdc.Step{What: "drop publication " + o.Publication, SQL: replication.DropPublication(db.Engine, o.Publication)})
	}
	return steps, nil
}

// Start returns the position at which a reader begins that has none yet: where the slot does.
func Start(ctx context.Context, db *engine.DB, o Options) (cdc.Position, error) {
	o = o.withDefaults(db)
	s, err := replication.ReadState(ctx, db, o.Slot)
	if err != nil {
		return "", err
	}
	p, err := startAt(s, "", db.Server, o.Slot)
	if err != nil {
		return "", err
	}
	return p.text(), nil
}

// NoIdentityError is tables whose rows the log cannot name, so that PostgreSQL refuses to update and
// delete them as soon as they are published.
type NoIdentityError struct {
	Server string
	Tables []string
}

func (e *NoIdentityError) Error() string {
	return fmt.Sprintf("%s: no primary key and no other replica identity: %s", e.Server, strings.Join(e.Tables, ", "))
}

func (e *NoIdentityError) Name() string { return "postgres.no_identity" }

func (e *NoIdentityError) Remedy() string {
	return "give each a primary key, or ALTER TABLE … REPLICA IDENTITY FULL"
}

// identitySteps makes before images whole where that is needed (PD-5, PD-7). found runs along tables.
func identitySteps(db *engine.DB, tables []*schema.Table, found []replication.Table, o Options) ([]cdc.Step, error) {
	var steps []cdc.Step
	missing := &NoIdentityError{Server: db.Server}
	for i, t := range tables {
		name := replication.Name{Schema: schemaOf(db, t), Table: t.Name}
		switch f := found[i]; {
		case !f.Found && t.Name == cdc.OwnerTable: // made with the control tables, before these steps are taken
			steps = append(steps, cdc.Step{
				What: fmt.Sprintf("let the log of table %s carry whole rows before a change", t.Name),
				SQL:  replication.SetIdentityFull(db.Engine, name),
			})
		case !f.Found && t.Name == cdc.JoinTable: // likewise; its key is enough
		case !f.Found:
			return nil, fmt.Errorf("%s: table %s.%s does not exist", db.Server, name.Schema, name.Table)
		case o.NeedFull(t) && f.Identity != "f":
			steps = append(steps, cdc.Step{
				What: fmt.Sprintf("let the log of table %s carry whole rows before a change", t.Name),
				SQL:  replication.SetIdentityFull(db.Engine, name),
			})
		case !hasIdentity(f):
			missing.Tables = append(missing.Tables, t.Name)
		}
	}
	if missing.Tables != nil {
		return nil, missing
	}
	return steps, nil
}

// hasIdentity reports whether updates and deletes of a published table are possible (PD-8).
func hasIdentity(t replication.Table) bool {
	return t.Identity == "f" || t.Identity != "n" && t.HasKey
}

// wanted is what the publication has to hold, in order and without doubles.
func wanted(db *engine.DB, tables []*schema.Table) []replication.Name {
	all := []replication.Name{{Schema: db.Schema, Table: cdc.CheckpointTable}, {Schema: db.Schema, Table: cdc.WatermarkTable}}
	for _, t := range tables {
		all = append(all, replication.Name{Schema: schemaOf(db, t), Table: t.Name})
	}
	slices.SortFunc(all, compareNames)
	return slices.Compact(all)
}

func compareNames(a, b replication.Name) int {
	return cmp.Or(strings.Compare(a.Schema, b.Schema), strings.Compare(a.Table, b.Table))
}

func schemaOf(db *engine.DB, t *schema.Table) string { return cmp.Or(t.Schema, db.Schema) }

func names(db *engine.DB, tables []*schema.Table) []replication.Name {
	ns := make([]replication.Name, len(tables))
	for i, t := range tables {
		ns[i] = replication.Name{Schema: schemaOf(db, t), Table: t.Name}
	}
	return ns
}

func publicationSteps(db *engine.DB, p replication.Publication, want []replication.Name, o Options) []cdc.Step {
	if !p.Found {
		return []cdc.Step{{
			What: fmt.Sprintf("create publication %s for %d tables", o.Publication, len(want)),
			SQL:  replication.CreatePublication(db.Engine, o.Publication, want),
		}}
	}
	if p.AllTables {
		return nil // it cannot be made another; Check warns
	}
	var steps []cdc.Step
	if !p.AllKinds || !p.ViaRoot {
		steps = append(steps, cdc.Step{
			What: fmt.Sprintf("let publication %s send all kinds of changes, partitions under their table's name", o.Publication),
			SQL:  replication.SetPublicationOptions(db.Engine, o.Publication),
		})
	}
	if what := difference(p, want); what != "" {
		steps = append(steps, cdc.Step{
			What: fmt.Sprintf("change publication %s: %s", o.Publication, what),
			SQL:  replication.SetPublicationTables(db.Engine, o.Publication, want),
		})
	}
	return steps
}

// difference says in words how a publication differs from what it has to hold; "" if it does not.
func difference(p replication.Publication, want []replication.Name) string {
	have := map[replication.Name]bool{}
	var add, drop, whole []string
	for _, m := range p.Members {
		n := replication.Name{Schema: m.Schema, Table: m.Name}
		have[n] = true
		switch {
		case !slices.Contains(want, n):
			drop = append(drop, m.Name)
		case m.ColumnList || m.RowFilter: // PD-11
			whole = append(whole, m.Name)
		}
	}
	for _, n := range want {
		if !have[n] {
			add = append(add, n.Table)
		}
	}
	var parts []string
	for _, x := range []struct {
		what   string
		tables []string
	}{{"add", add}, {"drop", drop}, {"send all columns and rows of", whole}} {
		if x.tables != nil {
			parts = append(parts, x.what+" "+strings.Join(x.tables, ", "))
		}
	}
	if p.Schemas > 0 {
		parts = append(parts, "drop whole schemas")
	}
	return strings.Join(parts, "; ")
}

func slotSteps(db *engine.DB, s replication.State, o Options) ([]cdc.Step, error) {
	create := cdc.Step{What: "create replication slot " + o.Slot, SQL: replication.CreateSlot(db.Engine, o.Slot, o.SlotTimeout)}
	if !s.Found {
		return []cdc.Step{create}, nil
	}
	_, err := startAt(s, "", db.Server, o.Slot)
	if lost := (*cdc.PositionLostError)(nil); errors.As(err, &lost) { // its log is gone: only a new one will do (PS-13)
		return []cdc.Step{{What: "drop replication slot " + o.Slot + ", which has lost its log", SQL: replication.DropSlot(o.Slot)}, create}, nil
	}
	return nil, err
}
