package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres"
	"ardso/cdc/trigger"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/control"
	"ardso/sql/preflight"
	"ardso/sql/schema"
	"ardso/sql/triggerlog"
)

// Check looks at every server and at the definitions before anything runs, and returns what it finds:
// errors first, then by server. It changes nothing. Each server is looked at as far as it answers; what
// is wrong with the definitions themselves is the error, a definition.ErrorList.
func Check(ctx context.Context, doc *definition.Document) (_ []cdc.Finding, err error) {
	all, err := Connect(ctx, doc)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, CloseAll(all)) }()
	c := &checking{sys: &System{Document: doc, Servers: map[string]*Server{}}}
	for _, conn := range all {
		c.server(ctx, conn)
	}
	c.clocks(ctx)
	err = c.definitions(ctx)
	slices.SortStableFunc(c.findings, func(a, b cdc.Finding) int { return int(b.Severity) - int(a.Severity) })
	return c.findings, err
}

// checking gathers findings.
type checking struct {
	sys      *System // with the servers whose catalogs could be read
	broken   bool    // some catalog is missing: definitions cannot be judged
	findings []cdc.Finding
}

func (c *checking) found(server, name string, s cdc.Severity, remedy, format string, args ...any) {
	c.findings = append(c.findings, cdc.Finding{Server: server, Name: name, Severity: s, Text: fmt.Sprintf(format, args...), Remedy: remedy})
}

// failed turns an error into findings, one for each that is joined in it.
func (c *checking) failed(server string, err error) {
	if n, ok := err.(control.Named); ok { //nolint:errorlint // the tree is walked level by level
		c.found(server, n.Name(), cdc.Error, n.Remedy(), "%s", err)
		return
	}
	switch x := err.(type) { //nolint:errorlint // as above
	case interface{ Unwrap() []error }:
		for _, e := range x.Unwrap() {
			c.failed(server, e)
		}
		return
	case interface{ Unwrap() error }:
		if _, ok := errors.AsType[control.Named](err); ok {
			c.failed(server, x.Unwrap())
			return
		}
	}
	c.found(server, "check.failed", cdc.Error, "see what the server says, then check again", "%s", err)
}

// server checks what concerns one server alone.
func (c *checking) server(ctx context.Context, conn *Connection) {
	if conn.Err != nil {
		c.broken = true
		c.failed(conn.Name, conn.Err)
		return
	}
	if err := control.Check(ctx, conn.DB, conn.Name); err != nil {
		c.failed(conn.Name, err)
	}
	if err := preflight.Writable(ctx, conn.DB); err != nil {
		c.found(conn.Name, "target.read_only", cdc.Error, "let ardso's user write to the database", "the database cannot be written: %s", err)
	}
	c.durability(ctx, &conn.Server)
	var err error
	if conn.Catalog, err = catalog.Load(ctx, conn.DB, spec(conn.Def)); err != nil {
		c.broken = true
		c.failed(conn.Name, err)
		return
	}
	c.sys.Servers[conn.Name] = &conn.Server
}

// durability warns of commits that may be lost after they were confirmed: the source would have been
// told that they are safe (E-5).
func (c *checking) durability(ctx context.Context, srv *Server) {
	list, err := preflight.Undurable(ctx, srv.DB)
	if err != nil {
		c.failed(srv.Name, err)
	}
	for _, s := range list {
		c.found(srv.Name, "target.durability", cdc.Warning, "set "+s.Name+" = "+s.Safe+" on the server",
			"%s is %s: after a crash of the server, changes that ardso has acknowledged may be gone", s.Name, s.Value)
	}
}

// clockLimit is the difference of clocks from which $TIMESTAMP$, Modified Date and leases begin to lie.
const clockLimit = 2 * time.Second

// clocks compares the servers' clocks with each other.
func (c *checking) clocks(ctx context.Context) {
	type reading struct {
		server            string
		offset, uncertain time.Duration
	}
	var all []reading
	for _, d := range c.sys.Document.Servers {
		srv := c.sys.Servers[d.Name]
		if srv == nil {
			continue
		}
		offset, uncertain, err := preflight.ClockOffset(ctx, srv.DB)
		if err != nil {
			c.failed(d.Name, err)
			continue
		}
		all = append(all, reading{d.Name, offset, uncertain})
	}
	for i, a := range all {
		for _, b := range all[:i] {
			if d := (a.offset - b.offset).Abs(); d > clockLimit+a.uncertain+b.uncertain {
				c.found(a.server, "server.clock", cdc.Warning, "let both servers follow the same time service",
					"its clock differs from that of %s by %s: times that are compared between them mislead", b.server, d.Round(100*time.Millisecond))
			}
		}
	}
}

// definitions checks the definitions against all forms, then what they need of each server.
func (c *checking) definitions(ctx context.Context) error {
	if c.broken {
		c.found("", "check.definitions", cdc.Note, "", "the definitions were not checked against the forms, since not every server could be read")
		return nil
	}
	catalogs := map[string]definition.Catalog{}
	for name, srv := range c.sys.Servers {
		catalogs[name] = srv.Catalog
	}
	var err error
	if c.sys.Compiled, err = definition.Check(c.sys.Document, catalogs); err != nil {
		return err
	}
	for _, p := range c.sys.Compiled.Warnings {
		c.found("", p.Kind, cdc.Warning, p.Advice, "%s: %s", p.Pos, p.Found)
	}
	for _, name := range c.sys.Sources() {
		c.source(ctx, c.sys.Servers[name])
	}
	for _, t := range c.targets() {
		for _, rule := range targetRules {
			rule(ctx, c, t)
		}
	}
	c.newIDs()
	return nil
}

// source checks that the server's log can be read, and on from where ardso left off.
func (c *checking) source(ctx context.Context, srv *Server) {
	tables := mapping.NewDecider(srv.Name, c.sys.Compiled).Tables()
	var list []cdc.Finding
	var err error
	switch srv.DB.Engine.Dialect {
	case "postgres":
		list, err = postgres.Check(ctx, srv.DB, tables, PostgresOptions(srv, nil))
	case "sqlite":
		list, err = trigger.Check(ctx, srv.DB, tables)
	default:
		err = &SourceUnsupportedError{Server: srv.Name, Engine: srv.DB.Engine.Name}
	}
	c.findings = append(c.findings, list...)
	if err != nil {
		c.failed(srv.Name, err)
		return
	}
	if control.Check(ctx, srv.DB, srv.Name) != nil {
		return // said already
	}
	lease, err := control.ReadLease(ctx, srv.DB)
	if err == nil && lease.Position == "" {
		c.found(srv.Name, "reader.no_position", cdc.Error, "run `ardso init "+srv.Name+"`", "the log has no position to begin at")
		return
	}
	if err == nil {
		_, err = Backlog(ctx, srv, cdc.Position(lease.Position))
	}
	if err != nil && !slices.ContainsFunc(list, func(f cdc.Finding) bool { return f.Severity == cdc.Error }) {
		c.failed(srv.Name, err)
	}
}

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
		i := slices.IndexFunc(all, func(t *targetForm) bool { return t.Form == m.ToForm })
		if i < 0 {
			i = len(all)
			all = append(all, &targetForm{Form: m.ToForm, server: c.sys.Servers[m.To.Server]})
		}
		all[i].mappings = append(all[i].mappings, m)
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
