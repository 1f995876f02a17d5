package binlog

import (
	"context"
	"fmt"
	"strings"

	"ardso/cdc"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Check looks whether the changes of tables can be read, and safely. It changes nothing. A finding with severity
// Error keeps the reader from working, or work that it does from being right. An error of Check itself means that
// the server could not be asked.
func Check(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) ([]cdc.Finding, error) {
	f, err := gather(ctx, db, tables, o.withDefaults(db))
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
	o       Options
	engine  *engine.Engine
	schema  string
	server  string // logical name
	state   binlog.State
	log     binlog.Log
	account binlog.Account

	replicas     []binlog.Replica
	seesReplicas bool
	replica      bool // the server is one itself
	knowsReplica bool
	prepared     int // XA transactions
	tables       []checked
}

// checked is a table that is read.
type checked struct {
	binlog.Table
	named bool // the definitions say what names its rows
}

func gather(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) (*facts, error) {
	f := &facts{o: o, engine: db.Engine, schema: db.Schema, server: db.Server}
	var err error
	if f.state, err = binlog.ReadState(ctx, db); err != nil {
		return nil, err
	}
	if f.log, err = binlog.ReadLog(ctx, db); err != nil {
		return nil, err
	}
	if f.account, err = binlog.ReadAccount(ctx, db); err != nil {
		return nil, err
	}
	if f.replicas, f.seesReplicas, err = binlog.ReadReplicas(ctx, db); err != nil {
		return nil, err
	}
	if f.replica, f.knowsReplica, err = binlog.IsReplica(ctx, db); err != nil {
		return nil, err
	}
	if f.prepared, _, err = binlog.ReadPreparedXA(ctx, db); err != nil {
		return nil, err
	}
	for _, t := range tables {
		found, err := binlog.ReadTable(ctx, db, t.Name)
		if err != nil {
			return nil, err
		}
		f.tables = append(f.tables, checked{Table: found, named: len(t.Key) > 0})
	}
	return f, nil
}

// grants are the statements that give the user all that a reader needs.
func (f *facts) grants() string {
	names := []string{cdc.CheckpointTable, cdc.WatermarkTable}
	for _, t := range f.tables {
		names = append(names, t.Name)
	}
	return strings.Join(binlog.Grants(f.engine, f.account.Quoted(), f.schema, names, !f.state.HasRowMetadata()), "; ")
}
