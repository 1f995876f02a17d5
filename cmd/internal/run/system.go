// Package run is the life of the servers: it opens them, follows each source's log under its lease,
// decides, deals operations out to the targets' threads, and keeps track of what is durable. It is
// the only place that joins cdc, mapping and apply.
//
// Read System and Open, then Run; source.go is the way of the data, progress.go what may be
// acknowledged.
package run

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/engine"
)

// System is a set of definitions with the servers that they speak of.
type System struct {
	Document *definition.Document
	Compiled *definition.Compiled
	Servers  map[string]*Server

	// Of OpenAvailable: servers that did not answer, and sources that wait for some of those.
	absent  map[string]*absence
	waiting []string
	unread  bool // a server went away while its copies of forms were to be read
}

// Server is an open server with its forms.
type Server struct {
	Name    string
	DB      *engine.DB
	Catalog *catalog.Catalog
	Def     *definition.Server
}

// Open reads definitions, opens every server in them, reads their catalogs and checks the
// definitions against both ends. Errors are definition.ErrorList, *engine.OpenError and those of
// package catalog; those of several servers are joined.
func Open(ctx context.Context, files []definition.File, secrets definition.Secrets) (*System, error) {
	doc, err := definition.Parse(files, secrets)
	if err != nil {
		return nil, err
	}
	return OpenDocument(ctx, doc)
}

// OpenDocument is Open for definitions that were parsed already.
func OpenDocument(ctx context.Context, doc *definition.Document) (_ *System, err error) {
	s, problems := openServers(ctx, doc)
	defer func() {
		if err != nil {
			_ = s.Close() // the first error is what matters
		}
	}()
	if err := joined(problems); err != nil {
		return nil, err
	}
	return s, s.check(nil)
}

// openServers opens all servers of a document. Servers that answer are opened even where others do not, so that one run
// tells all that is wrong.
func openServers(ctx context.Context, doc *definition.Document) (*System, map[string]error) {
	s := &System{Document: doc, Servers: make(map[string]*Server), absent: make(map[string]*absence)}
	opened := make([]*Server, len(doc.Servers))
	errs := make([]error, len(doc.Servers))
	var g errgroup.Group
	for i, def := range doc.Servers {
		g.Go(func() error {
			opened[i], errs[i] = openServer(ctx, def)
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	problems := make(map[string]error)
	for i, def := range doc.Servers {
		if errs[i] != nil {
			problems[def.Name] = errs[i]
			continue
		}
		s.Servers[def.Name] = opened[i]
	}
	return s, problems
}

// joined joins the errors of servers, in order of name.
func joined(problems map[string]error) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		errs = append(errs, problems[name])
	}
	return errors.Join(errs...)
}

// check checks the definitions against the servers' catalogs, but for those of some servers that are not known.
func (s *System) check(without []string) (err error) {
	catalogs := make(map[string]definition.Catalog)
	for name, srv := range s.Servers {
		catalogs[name] = srv.Catalog
	}
	rest, waiting := s.Document.Without(without)
	s.waiting = waiting
	s.Compiled, err = definition.Check(rest, catalogs)
	return err
}

func engineConfig(def *definition.Server) engine.Config {
	return engine.Config{Server: def.Name, URL: def.URL, Password: def.Password.Reveal()}
}

func openServer(ctx context.Context, def *definition.Server) (*Server, error) {
	db, err := engine.Open(ctx, engineConfig(def))
	if err != nil {
		return nil, err
	}
	c, err := catalog.Load(ctx, db, spec(def))
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &Server{Name: def.Name, DB: db, Catalog: c, Def: def}, nil
}

// spec is a server's catalog as its definition declares it.
func spec(def *definition.Server) catalog.Spec {
	out := catalog.Spec{Kind: def.Catalog.String()}
	for _, f := range def.Forms {
		fs := catalog.FormSpec{Name: f.Name, Table: f.Table, RequestID: f.RequestID, KeepEmptyStrings: f.KeepEmptyStrings}
		if j := f.Join; j != nil {
			fs.Join = &catalog.JoinSpec{Primary: j.Primary, Secondary: j.Secondary, On: j.Pairs, Outer: j.Type == definition.Outer}
		}
		for _, x := range f.Fields {
			fs.Fields = append(fs.Fields, catalog.FieldSpec{
				Column: x.Column, Name: x.Name, ID: x.ID, Type: x.Type, Values: x.Values, Required: x.Required, Pattern: x.Pattern, MaxLength: x.MaxLength,
			})
		}
		out.Forms = append(out.Forms, fs)
	}
	return out
}

// Close closes all servers.
func (s *System) Close() error {
	var errs []error
	for _, srv := range s.Servers {
		if err := srv.DB.Close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: close: %w", srv.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Sources lists the servers whose logs the definitions read, in order of name.
func (s *System) Sources() []string {
	return slices.Sorted(maps.Keys(SourcesOf(s.Document)))
}

// targetsOf lists the servers that operations from source may go to, in order of name.
func (s *System) targetsOf(source string) []string {
	set := make(map[string]bool)
	for _, m := range s.Compiled.Mappings {
		if m.From.Server == source && m.Enabled {
			set[m.To.Server] = true
		}
		if m.To.Server == source && m.Enabled && m.TransferMode == definition.DataOwnership {
			set[m.From.Server] = true
		}
	}
	if mapping.NewDecider(source, s.Compiled).WritesBack() {
		set[source] = true
	}
	for _, u := range s.Compiled.Uses() {
		if u.Server == source && u.Named != nil {
			set[u.Delete.Server] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}
