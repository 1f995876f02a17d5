package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"ardso/mapping/definition"
	"ardso/sql/catalog"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// absence is a server that did not answer when a System was made.
type absence struct {
	cause error     // why
	taken time.Time // when the copy of its forms was, or when it was known last that they are those
	lack  string    // why there is no copy that would do; "" = there is one, and the server is in System.Servers
}

// OpenAvailable is OpenDocument for a process that is to run for long: servers that do not answer, but may later, are
// no error. The forms of such a one are taken from the copies that sources keep of their targets' (keepCatalogs), if
// the definitions stand with them. Where there is none that would do, the definitions that speak of it are left out,
// and the servers that send there wait. What answers is checked as OpenDocument does.
func OpenAvailable(ctx context.Context, doc *definition.Document) (*System, error) {
	return openAvailable(ctx, doc, nil)
}

// openAvailable is OpenAvailable; what before has for forms of a server, of the same definitions, goes before the copies.
func openAvailable(ctx context.Context, doc *definition.Document, before *System) (_ *System, err error) {
	s, problems := openServers(ctx, doc)
	defer func() {
		if err != nil {
			_ = s.Close() // the first error is what matters
		}
	}()
	final := false
	for name, p := range problems {
		if !engine.IsSilence(doc.Server(name).URL, p) {
			final = true
			continue
		}
		s.absent[name] = &absence{cause: p}
	}
	if final || ctx.Err() != nil {
		return nil, errors.Join(joined(problems), context.Cause(ctx))
	}
	if len(s.absent) == 0 {
		return s, s.check(nil)
	}
	copies, err := s.copies(ctx, before)
	defer func() {
		for name, c := range copies {
			if s.Servers[name] != c {
				_ = c.DB.Close() // it never had a connection
			}
		}
	}()
	if err != nil {
		return nil, err
	}
	// What is wrong without any copy is wrong.
	without := slices.Sorted(maps.Keys(s.absent))
	if err := s.check(without); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(copies)) {
		s.Servers[name] = copies[name]
		less := slices.DeleteFunc(slices.Clone(without), func(x string) bool { return x == name })
		if err := s.check(less); err != nil {
			s.absent[name].lack = "the definitions do not stand with the copy of its forms: " + err.Error()
			delete(s.Servers, name)
			if err := s.check(without); err != nil { // as it was
				return nil, err
			}
			continue
		}
		without = less
	}
	return s, nil
}

// copies makes absent servers of what is known of them.
func (s *System) copies(ctx context.Context, before *System) (map[string]*Server, error) {
	stored, err := s.storedCatalogs(ctx)
	if err != nil {
		return nil, err
	}
	copies := make(map[string]*Server)
	for name, a := range s.absent {
		def := s.Document.Server(name)
		var facts engine.Facts
		var c *catalog.Catalog
		if x, ok := stored[name]; ok {
			if c, err = x.restore(def); err != nil {
				a.lack = err.Error()
			}
			facts, a.taken = x.Engine, x.taken
		} else {
			a.lack = "no server that answers has a copy of its forms: a run makes one once it has opened both"
		}
		if before != nil && before.Servers[name] != nil {
			facts, c, a.lack, a.taken = before.Servers[name].DB.Facts(), before.Servers[name].Catalog, "", time.Now()
			if b := before.absent[name]; b != nil {
				a.taken = b.taken
			}
		}
		if c == nil {
			continue
		}
		db, err := engine.Absent(engineConfig(def), facts, a.cause)
		if err != nil {
			a.lack = err.Error()
			continue
		}
		copies[name] = &Server{Name: name, DB: db, Catalog: c, Def: def}
	}
	return copies, nil
}

// savedCatalog is what dso_catalog holds of a target.
type savedCatalog struct {
	Engine engine.Facts    `json:"engine"`
	Spec   catalog.Spec    `json:"spec"`  // by which the forms were read
	Forms  json.RawMessage `json:"forms"` // schema.EncodeForms

	taken time.Time
}

// storedCatalogs reads the copies of absent servers' forms from all that answer, of each the newest.
func (s *System) storedCatalogs(ctx context.Context) (map[string]savedCatalog, error) {
	newest := make(map[string]savedCatalog)
	for _, name := range slices.Sorted(maps.Keys(s.Servers)) {
		db := s.Servers[name].DB
		silent := func(err error) bool { return engine.IsSilence(s.Servers[name].Def.URL, err) }
		if err := control.Check(ctx, db, name); err != nil {
			s.unread = s.unread || silent(err)
			continue // whoever needs the tables says so
		}
		list, err := control.ReadCatalogs(ctx, db)
		if s.unread = s.unread || err != nil; err != nil && !silent(err) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, c := range list {
			if x, ok := newest[c.Server]; s.absent[c.Server] == nil || ok && !c.Taken.After(x.taken) {
				continue
			}
			x := savedCatalog{taken: c.Taken}
			if err := json.Unmarshal([]byte(c.Text), &x); err != nil {
				return nil, fmt.Errorf("%s: dso_catalog: %s: %w", name, c.Server, err)
			}
			newest[c.Server] = x
		}
	}
	return newest, nil
}

// restore makes the catalog, unless the server's definition reads other forms.
func (x savedCatalog) restore(def *definition.Server) (*catalog.Catalog, error) {
	was, err := json.Marshal(x.Spec)
	if err != nil {
		return nil, err
	}
	now, err := json.Marshal(spec(def))
	if err != nil {
		return nil, err
	}
	if string(was) != string(now) {
		return nil, errors.New("the definitions declare its forms otherwise than when the copy of them was made")
	}
	forms, err := schema.DecodeForms(x.Forms)
	if err != nil {
		return nil, err
	}
	return catalog.Restore(def.Name, x.Spec.Kind, forms), nil
}

// saveCatalog is a server's forms as far as the definitions use them.
func (s *System) saveCatalog(name string) (string, error) {
	srv := s.Servers[name]
	var forms []*schema.Form
	for _, form := range s.Document.FormsOf(name) {
		f, err := srv.Catalog.Lookup(form)
		if err != nil {
			return "", err
		}
		forms = append(forms, f)
	}
	text, err := schema.EncodeForms(forms)
	if err != nil {
		return "", err
	}
	whole, err := json.Marshal(savedCatalog{Engine: srv.DB.Facts(), Spec: spec(srv.Def), Forms: text})
	return string(whole), err
}

// keepCatalogs keeps copies of the targets' forms on their source, so that a process can start while they do not answer.
// Of those that do not answer now it keeps what there is.
func (r *runner) keepCatalogs(ctx context.Context) error {
	texts := make(map[string]string)
	var keep []string
	for _, name := range r.sys.targetsOf(r.server.Name) {
		switch {
		case name == r.server.Name:
		case r.sys.absent[name] != nil:
			keep = append(keep, name)
		default:
			text, err := r.sys.saveCatalog(name)
			if err != nil {
				return fmt.Errorf("%s: copy the forms of %s: %w", r.server.Name, name, err)
			}
			texts[name] = text
		}
	}
	written, err := control.SaveCatalogs(ctx, r.server.DB, texts, keep...)
	if err != nil {
		return fmt.Errorf("%s: %w", r.server.Name, err)
	}
	for _, name := range written {
		r.log.Debug("a copy of its forms is kept", "target", name)
	}
	return nil
}

// isPartial reports whether servers did not answer.
func (s *System) isPartial() bool { return len(s.absent) > 0 }

// canStart reports whether a source's log can be followed: it answered, and all that it sends to is known.
func (s *System) canStart(source string) bool {
	return s.Servers[source] != nil && s.absent[source] == nil && !slices.Contains(s.waiting, source)
}

// reopen opens everything anew if that promises more than there is; nil: it does not.
func (s *System) reopen(ctx context.Context) (*System, error) {
	if !s.unread && !s.anyAnswers(ctx) {
		return nil, nil
	}
	next, err := openAvailable(ctx, s.Document, s)
	if err != nil {
		return nil, err
	}
	for name := range s.absent {
		if next.absent[name] == nil {
			return next, nil
		}
	}
	if slices.ContainsFunc(s.waiting, func(source string) bool { return !slices.Contains(next.waiting, source) }) {
		return next, nil
	}
	_ = next.Close() // it is as good as there were none
	return nil, nil
}

// anyAnswers tries the servers that did not answer. Any answer but silence is one.
func (s *System) anyAnswers(ctx context.Context) bool {
	var mu sync.Mutex
	var g errgroup.Group
	answers := false
	for name := range s.absent {
		def := s.Document.Server(name)
		g.Go(func() error {
			db, err := engine.Open(ctx, engineConfig(def))
			if err == nil {
				err = db.Close()
			} else if engine.IsSilence(def.URL, err) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			answers = true
			return err
		})
	}
	_ = g.Wait() // what it was is found out when all are opened
	return answers && ctx.Err() == nil
}

// tellAbsent logs what does not answer, and what comes of that for those that are to be followed.
func (s *System) tellAbsent(log *slog.Logger, names []string) {
	for _, name := range slices.Sorted(maps.Keys(s.absent)) {
		a := s.absent[name]
		l := log.With("server", name, "err", a.cause)
		if slices.Contains(names, name) {
			l.Warn("server does not answer: its log is followed once it does")
		}
		targetOf := func(source string) bool { return slices.Contains(s.targetsOf(source), name) }
		switch {
		case a.lack != "":
			if _, waiting := s.Document.Without([]string{name}); slices.ContainsFunc(waiting, func(x string) bool { return slices.Contains(names, x) }) {
				l.Warn("server does not answer, and its forms are not known: servers that send to it wait until it does", "waiting", waiting, "reason", a.lack)
			}
		case slices.ContainsFunc(names, func(x string) bool { return s.canStart(x) && targetOf(x) }):
			l.Warn("server does not answer: what goes there is decided by its forms as they were, and waits in dso_pending", "forms_of", a.taken)
		}
	}
}
