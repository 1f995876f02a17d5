package postgres

import (
	"context"
	"fmt"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/replication"
	"ardso/sql/schema"
)

// Check looks whether the changes of tables can be read, and safely. It changes nothing. The clock is not
// its business: package preflight asks that of every engine. A finding with
// severity Error keeps the reader from working, or work that it does from being right. An error of Check
// itself means that the server could not be asked.
func Check(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) ([]cdc.Finding, error) {
	o = o.withDefaults(db)
	if err := o.validate(); err != nil {
		return nil, err
	}
	f, err := gather(ctx, db, tables, o)
	if err != nil {
		return nil, fmt.Errorf("%s: check: %w", db.Server, err)
	}
	var all []cdc.Finding
	for _, r := range rules {
		for _, v := range r.judge(f) {
			all = append(all, cdc.Finding{Server: db.Server, Name: r.name, Severity: v.severity, Text: v.text, Remedy: v.remedy})
		}
	}
	return all, nil
}

// facts are all that the rules judge by, so that they can be tested without a server.
type facts struct {
	o           Options
	server      replication.Server
	state       replication.State
	publication replication.Publication
	wanted      []replication.Name
	tables      []replication.Table
	needFull    []bool // by table
	prepared    []replication.Prepared
}

func gather(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) (*facts, error) {
	f := &facts{o: o, wanted: wanted(db, tables)}
	var err error
	if f.server, err = replication.ReadServer(ctx, db); err != nil {
		return nil, err
	}
	if f.state, err = replication.ReadState(ctx, db, o.Slot); err != nil {
		return nil, err
	}
	if f.publication, err = replication.ReadPublication(ctx, db, o.Publication); err != nil {
		return nil, err
	}
	if f.tables, err = replication.ReadTables(ctx, db, names(db, tables)); err != nil {
		return nil, err
	}
	for _, t := range tables {
		f.needFull = append(f.needFull, o.NeedFull(t))
	}
	f.prepared, err = replication.ReadPrepared(ctx, db)
	return f, err
}
