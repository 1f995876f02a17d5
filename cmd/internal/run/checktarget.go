package run

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/preflight"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
)

// targetForm is a form that definitions write to.
type targetForm struct {
	*schema.Form
	server   *Server
	mappings []*definition.CompiledMapping
}

func (c *checking) targets() []*targetForm {
	var all []*targetForm
	for _, m := range c.sys.Compiled.Mappings {
		if !m.Enabled {
			continue
		}
		forms := []*schema.Form{m.ToForm}
		if m.ToForm.Join != nil { // what is written are its parts
			forms = m.ToForm.Join.Parts[:]
		}
		for _, f := range forms {
			i := slices.IndexFunc(all, func(t *targetForm) bool { return t.Form == f })
			if i < 0 {
				i = len(all)
				all = append(all, &targetForm{Form: f, server: c.sys.Servers[m.To.Server]})
			}
			all[i].mappings = append(all[i].mappings, m)
		}
	}
	return all
}

// targetRules are what is asked of every form that is written to.
var targetRules = []func(context.Context, *checking, *targetForm){
	privileges, counterPrivilege, foreignTriggers, transactional, uniqueIndexes, foreignKeys, directWrites,
}

func privileges(ctx context.Context, c *checking, t *targetForm) {
	denied, err := preflight.Denied(ctx, t.server.DB, t.Table, "INSERT", "UPDATE", "DELETE")
	if err != nil {
		c.failed(t.Server, err)
	}
	if len(denied) > 0 {
		kinds := strings.Join(denied, ", ")
		c.found(t.Server, "target.privilege", cdc.Error, fmt.Sprintf("let an administrator run: GRANT SELECT, %s ON %s TO the user of ardso", kinds, t.Table.Name),
			"form %q: the user of ardso may not %s on table %s", t.Name, kinds, t.Table.Name)
	}
}

// counterPrivilege: new Request IDs are taken from AR System's own counter.
func counterPrivilege(ctx context.Context, c *checking, t *targetForm) {
	counter := t.server.Catalog.Counter()
	if counter == nil || !slices.ContainsFunc(t.mappings, makesIDs) {
		return
	}
	denied, err := preflight.Denied(ctx, t.server.DB, counter.Table, "UPDATE")
	if err != nil {
		c.failed(t.Server, err)
	}
	if len(denied) > 0 {
		c.found(t.Server, "target.privilege", cdc.Error, "let an administrator run: GRANT SELECT, UPDATE ON "+counter.Table.Name+" TO the user of ardso",
			"form %q: the user of ardso may not UPDATE %s, from which new Request IDs are taken", t.Name, counter.Table.Name)
	}
}

func makesIDs(m *definition.CompiledMapping) bool {
	return m.DuplicateRequestID == definition.CreateNew || m.Match != nil
}

// foreignTriggers: what a trigger changes besides is seen as a user's change.
func foreignTriggers(_ context.Context, c *checking, t *targetForm) {
	var names []string
	for _, n := range t.Table.Triggers {
		if !strings.HasPrefix(n, triggerlog.Prefix) {
			names = append(names, n)
		}
	}
	if len(names) > 0 {
		c.found(t.Server, "target.triggers", cdc.Warning, "see that the triggers do nothing that the source's own did already",
			"form %q: triggers on table %s fire on ardso's writes too: %s", t.Name, t.Table.Name, strings.Join(names, ", "))
	}
}

func transactional(_ context.Context, c *checking, t *targetForm) {
	if !t.Table.Transactional {
		c.found(t.Server, "target.not_transactional", cdc.Error, "ALTER TABLE "+t.Table.Name+" ENGINE = InnoDB",
			"form %q: table %s has no transactions, so a crash could leave changes done twice or by half", t.Name, t.Table.Name)
	}
}

func uniqueIndexes(_ context.Context, c *checking, t *targetForm) {
	for _, u := range t.Table.Unique {
		c.found(t.Server, "target.unique_index", cdc.Note, "", "form %q: unique index %s: a request whose value another one has goes to errors, and changes run in one thread", t.Name, u.Name)
	}
}

func foreignKeys(_ context.Context, c *checking, t *targetForm) {
	if t.Table.HasForeignKeys {
		c.found(t.Server, "target.foreign_key", cdc.Note, "", "form %q: table %s has foreign keys: changes of this form run in one thread, and those of two forms may meet in the wrong order and are then retried", t.Name, t.Table.Name)
	}
}

// directWrites says what a running AR server does not do for rows that it did not write itself.
func directWrites(_ context.Context, c *checking, t *targetForm) {
	if t.server.Def.Catalog.String() != catalog.AR {
		return
	}
	c.found(t.Server, "target.direct_writes", cdc.Note, "",
		"form %q: ardso writes its table itself, so an AR server that runs on it runs no filters, notifications or audit for these changes, "+
			"does not index them for full-text search, and shows cached rows until it reads them again", t.Name)
}

// newIDs: two counters with the same prefix give the same Request IDs.
func (c *checking) newIDs() {
	for _, m := range c.sys.Compiled.Mappings {
		from, to := m.FromForm.NextID, m.ToForm.NextID
		if m.Enabled && m.DuplicateRequestID == definition.CreateNew && from != nil && to != nil && from.Prefix == to.Prefix {
			c.found(m.To.Server, "target.same_prefix", cdc.Warning, "give one of the two forms another prefix of Request IDs",
				"mapping %q: both forms make Request IDs with the prefix %q, so that a new request may look like a copy", m.Name, from.Prefix)
		}
	}
}
