package trigger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
)

// Check looks whether the changes of tables can be read, and returns what an administrator should know.
// It changes nothing. The error is one of asking, not of what was found.
func Check(ctx context.Context, db *engine.DB, tables []*schema.Table) ([]cdc.Finding, error) {
	c := &checker{db: db}
	if err := c.database(ctx); err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	state, err := readState(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	if !state.hasTables {
		c.found("sqlite.log_missing", cdc.Error, "run `ardso init "+db.Server+"`", "the trigger log does not exist")
	}
	for _, name := range logged(tables) {
		if err := c.table(ctx, state, name); err != nil {
			return nil, fmt.Errorf("%s: %w", db.Server, err)
		}
	}
	return c.findings, nil
}

type checker struct {
	db       *engine.DB
	findings []cdc.Finding
}

func (c *checker) found(name string, s cdc.Severity, remedy, format string, args ...any) {
	c.findings = append(c.findings, cdc.Finding{
		Server: c.db.Server, Name: name, Severity: s, Text: fmt.Sprintf(format, args...), Remedy: remedy,
	})
}

// database checks what holds for the whole file.
func (c *checker) database(ctx context.Context) error {
	journal, err := triggerlog.JournalMode(ctx, c.db)
	if err != nil {
		return err
	}
	if !strings.EqualFold(journal, "wal") {
		c.found("sqlite.journal_mode", cdc.Warning, "run `PRAGMA journal_mode = WAL` on the file once",
			"journal_mode is %s: readers and writers wait for each other", journal)
	}
	if err := c.writable(ctx); err != nil {
		return err
	}
	c.found("sqlite.replace", cdc.Note, "",
		"INSERT OR REPLACE logs the deleted row only from connections with recursive_triggers on; INSERT ... ON CONFLICT DO UPDATE is logged whole")
	c.found("sqlite.busy_timeout", cdc.Note, "",
		"ardso writes to this file too, so every other writer needs a busy_timeout; a file on a network share cannot be told from here and is not safe")
	return nil
}

// writable takes the write lock and gives it back.
func (c *checker) writable(ctx context.Context) error {
	conn, err := c.db.Connx(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	err = triggerlog.Lock(ctx, conn)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ctx.Err()
	case c.db.Engine.Class(err) == engine.Transient && strings.Contains(err.Error(), "locked"):
		c.found("sqlite.locked", cdc.Warning, "find the process that keeps a transaction open",
			"another process held the write lock for the whole time that ardso waits for it: %v", err)
	default:
		c.found("sqlite.writable", cdc.Error, "let ardso's user write to the file and its directory",
			"the database cannot be written: %v", err)
	}
	return nil
}

// table checks one table that is to be logged.
func (c *checker) table(ctx context.Context, s *state, name string) error {
	rel, err := triggerlog.FindRelation(ctx, c.db, name)
	if err != nil {
		return err
	}
	initRemedy := "run `ardso init " + c.db.Server + "`"
	if rel == nil {
		remedy := "create the table, or take it out of the definitions"
		if cdc.IsControl(name) {
			remedy = initRemedy
		}
		c.found("sqlite.table_missing", cdc.Error, remedy, "table %s does not exist", name)
		return nil
	}
	if why := noTriggers(rel); why != "" {
		c.found("sqlite.no_triggers", cdc.Error, "map a table of its own", "%s %s", name, why)
		return nil
	}
	p, err := s.table(ctx, c.db, name)
	if err != nil {
		return err
	}
	switch {
	case p.reason == youngerTrigger:
		c.found("sqlite.trigger_order", cdc.Warning, initRemedy, "triggers that log table %s: %s and may hide the order of changes", p.name, p.reason)
	case p.reason != "" && s.hasTables:
		c.found("sqlite.triggers", cdc.Error, initRemedy, "triggers that log table %s: %s%s", p.name, p.reason, list(": ", p.added))
	}
	if !slices.ContainsFunc(p.columns, func(x triggerlog.Column) bool { return x.Key }) {
		c.found("sqlite.no_primary_key", cdc.Error, "give the table a primary key", "table %s has no primary key", p.name)
	}
	return nil
}
