package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/control"
	"ardso/sql/preflight"
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
	c.findings = append(c.findings, Warnings(c.sys.Compiled.Warnings)...)
	for _, name := range c.sys.Sources() {
		c.source(ctx, c.sys.Servers[name])
		c.escalations(ctx, c.sys.Servers[name])
	}
	for _, t := range c.targets() {
		for _, rule := range targetRules {
			rule(ctx, c, t)
		}
	}
	c.newIDs()
	return nil
}

// escalations tells when the server's escalations run, and of last runs that failed.
func (c *checking) escalations(ctx context.Context, srv *Server) {
	if control.Check(ctx, srv.DB, srv.Name) != nil {
		return // said already
	}
	list, err := ReadEscalations(ctx, srv.DB, c.sys.Document, srv.Name)
	if err != nil {
		c.failed(srv.Name, err)
	}
	for _, e := range list {
		text := fmt.Sprintf("escalation %q (%s): next run %s, ", e.Name, e.Schedule, e.Local(e.Next))
		switch {
		case e.Last == nil:
			c.found(srv.Name, "escalation.next", cdc.Note, "", "%snever run", text)
		case e.Last.Error != "":
			c.found(srv.Name, "escalation.failed", cdc.Warning, e.Last.Remedy, "%slast run %s failed: %s", text, e.Local(e.Last.Began), e.Last.Reason)
		default:
			c.found(srv.Name, "escalation.next", cdc.Note, "", "%slast run %s is %s, %d requests matched", text, e.Local(e.Last.Began), e.Last.Status, e.Last.Matched)
		}
	}
}

// noPosition is a source whose log was never begun to be read.
func noPosition(server string) cdc.Finding {
	return cdc.Finding{Server: server, Name: "reader.no_position", Severity: cdc.Error, Text: "the log has no position to begin at", Remedy: "run `ardso init " + server + "`"}
}

// Warnings are findings of what definitions say that is allowed but worth a look.
func Warnings(list definition.ErrorList) (findings []cdc.Finding) {
	for _, p := range list {
		findings = append(findings, cdc.Finding{Name: p.Kind, Severity: cdc.Warning, Text: fmt.Sprintf("%s: %s", p.Pos, p.Found), Remedy: p.Advice})
	}
	return findings
}

// source checks that the server's log can be read, and on from where ardso left off.
func (c *checking) source(ctx context.Context, srv *Server) {
	list, err := checkLog(ctx, srv, mapping.NewDecider(srv.Name, c.sys.Compiled).Tables())
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
		c.findings = append(c.findings, noPosition(srv.Name))
		return
	}
	if err == nil {
		_, err = Backlog(ctx, srv, cdc.Position(lease.Position))
	}
	if err != nil && !slices.ContainsFunc(list, func(f cdc.Finding) bool { return f.Severity == cdc.Error }) {
		c.failed(srv.Name, err)
	}
}
