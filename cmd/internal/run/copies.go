package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

const (
	searchTime  = 10 * time.Second // for one search of a form, which may have no index for it
	mostCopies  = 100              // that are looked for
	mostOfOne   = 20               // copies that one form may have of one request
	mostMatches = 10_000           // candidates of a matching qualification, as when it is carried out
)

// copies finds those copies of a request that are not under its ownership: dso_owner knows nothing of what a transfer of
// data alone made.
type copies struct {
	*Chain
	doc      *definition.Document
	catalogs map[string]definition.Catalog
	searched map[string]bool // forms that were searched for copies of one place
}

// findCopies adds, from each copy on, the one that it says it came from, and those that mappings make of it.
func (ch *Chain) findCopies(ctx context.Context, doc *definition.Document) error {
	f := &copies{Chain: ch, doc: doc, catalogs: make(map[string]definition.Catalog), searched: make(map[string]bool)}
	for _, conn := range ch.conns {
		if err := conn.readCatalog(ctx); err != nil {
			return fmt.Errorf("%s: %w", conn.Name, err)
		}
		f.catalogs[conn.Name] = conn.Catalog
	}
	for i := 0; i < len(ch.Copies); i++ { // it grows meanwhile
		if err := f.origin(ctx, ch.Copies[i]); err != nil {
			return err
		}
	}
	for i := 0; i < len(ch.Copies) && len(ch.Copies) < mostCopies; i++ { // likewise
		c := ch.Copies[i]
		if c.row == nil {
			continue
		}
		for _, m := range doc.Mappings {
			if m.From.Server != c.Server || m.From.Form != c.Form {
				continue
			}
			if conn := connectionOf(ch.conns, m.To.Server); conn != nil {
				if err := f.along(ctx, m, c, conn); err != nil {
					return err
				}
			}
		}
	}
	ch.sort()
	return nil
}

// origin adds the copy that c says it came from, and where that is under ownership all of its chain.
func (f *copies) origin(ctx context.Context, c *Copy) error {
	p := ownership.Place{Server: c.Value(schema.FromServer), Form: c.Value(schema.FromForm), Request: c.Value(schema.FromRequestID)}
	if m := f.doc.Mapping(c.Value(schema.FromMapping)); p.Form == "" && m != nil {
		p.Form = m.From.Form
	}
	if p.Server == "" || p.Form == "" || p.Request == "" {
		return nil
	}
	x, err := f.read(ctx, p)
	if x == nil || err != nil {
		return err
	}
	f.Copies = append(f.Copies, x)
	switch {
	case f.ID != "":
		return nil
	case x.state != nil && !x.state.Deleted:
		f.ID = x.state.Chain
	default:
		if f.ID, err = f.begunAt(ctx, x.Place()); err != nil {
			return err
		}
	}
	return f.complete(ctx)
}

// read reads the request at a place; nil where it is not there, cannot be asked, or was found before.
func (f *copies) read(ctx context.Context, p ownership.Place) (*Copy, error) {
	conn := connectionOf(f.conns, p.Server)
	if conn == nil || slices.ContainsFunc(f.Copies, func(c *Copy) bool { return c.Place() == p }) {
		return nil, nil
	}
	x, err := readCopy(ctx, conn, p, f.which)
	if err != nil || !x.Exists {
		return nil, err
	}
	return x, nil
}

// along adds the copies that a mapping has made of c.
func (f *copies) along(ctx context.Context, m *definition.Mapping, c *Copy, conn *Connection) error {
	to, err := conn.Catalog.Lookup(m.To.Form)
	if err != nil {
		return nil // the definitions are not of these databases: `ardso check` says so
	}
	sctx, cancel := context.WithTimeout(ctx, searchTime)
	defer cancel()
	err = f.tracked(sctx, m, c, conn, to)
	if err == nil {
		err = f.made(sctx, m, c, conn, to)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		reason := fmt.Sprintf("form %q could not be searched for copies of request %q of form %q on %s: %s", to.Name, c.Request, c.Form, c.Server, err)
		if errors.Is(sctx.Err(), context.DeadlineExceeded) {
			reason = fmt.Sprintf("form %q could not be searched for copies of request %q of form %q on %s within %s: an index on From Request ID, or for the matching qualification, helps",
				to.Name, c.Request, c.Form, c.Server, searchTime)
		}
		f.Unreachable = append(f.Unreachable, Unreachable{conn.Name, reason})
	}
	return nil
}

// tracked adds the requests of a form that say they came from c.
func (f *copies) tracked(ctx context.Context, m *definition.Mapping, c *Copy, conn *Connection, to *schema.Form) error {
	key := strings.Join([]string{conn.Name, to.Name, c.Server, c.Form, c.Request}, "\x00")
	server, id := to.FieldByID(schema.FromServer), to.FieldByID(schema.FromRequestID)
	if server == nil || id == nil || f.searched[key] {
		return nil
	}
	f.searched[key] = true
	where := schema.Condition{Op: schema.And}
	for _, x := range []struct {
		field *schema.Field
		text  string
	}{{id, c.Request}, {server, c.Server}} {
		v, err := x.field.Stored(value.Text(x.text))
		if err != nil {
			return nil // it cannot hold that
		}
		where.Parts = append(where.Parts, schema.Condition{Op: schema.Equal, Column: x.field.Column, Values: []value.Value{v}})
	}
	form := narrow(to, f.which)
	rows, err := statement.NewWriter(conn.DB).Find(ctx, conn.DB, form, where, mostOfOne)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := f.addMade(ctx, m, c, ownership.Place{Server: conn.Name, Form: to.Name, Request: request.ID(form, row)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// made adds the requests that the mapping would write to.
func (f *copies) made(ctx context.Context, m *definition.Mapping, c *Copy, conn *Connection, to *schema.Form) error {
	one, doc := *m, *f.doc // by itself: that the others are as they should be is not needed
	one.Enabled = true     // it may have been, once
	doc.Mappings, doc.Filters, doc.Escalations = []*definition.Mapping{&one}, nil, nil
	defs, err := definition.Check(&doc, f.catalogs)
	if err != nil {
		return nil // `ardso check` says so
	}
	_, row, err := c.whole(ctx)
	if err != nil || row == nil {
		return err
	}
	made := mapping.MadeBy(c.Server, defs, m.Name, row, time.Now())
	if made == nil || made.Mode == definition.DataOwnership || made.Mode == definition.CopyDelete {
		return nil // what these make is known by dso_owner, or by where it says that it came from
	}
	var keys [][]value.Value
	if made.Match != "" {
		if keys, err = f.matching(ctx, made.Match, conn, to); err != nil {
			return err
		}
	}
	if len(keys) == 0 && made.Key != nil {
		keys = [][]value.Value{made.Key}
	}
	for _, k := range keys {
		if err := f.addMade(ctx, m, c, ownership.Place{Server: conn.Name, Form: to.Name, Request: request.IDOf(to, k)}, made); err != nil {
			return err
		}
	}
	return nil
}

// matching finds the keys of those requests that a matching qualification takes.
func (f *copies) matching(ctx context.Context, text string, conn *Connection, to *schema.Form) ([][]value.Value, error) {
	q, err := qual.Compile(text, qual.Scope{Form: to, CaseSensitive: f.doc.Server(conn.Name).CaseSensitive})
	if err != nil {
		return nil, err
	}
	rows, err := statement.NewWriter(conn.DB).Find(ctx, conn.DB, to, q.Prefilter(), mostMatches)
	if err != nil {
		return nil, err
	}
	var keys [][]value.Value
	for _, row := range rows {
		if truth, err := q.Eval(&qual.Env{Fields: row}); err != nil || truth != qual.True || len(keys) == mostOfOne {
			continue
		}
		key := make([]value.Value, len(to.Key))
		for i, k := range to.Key {
			key[i] = row[k.Index]
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// addMade adds the request at a place, which mapping m has made of c, or would write to (made), unless it says that it
// came from elsewhere, or is another request of that ID.
func (f *copies) addMade(ctx context.Context, m *definition.Mapping, c *Copy, p ownership.Place, made *mapping.Made) error {
	x, err := f.read(ctx, p)
	if x == nil || err != nil {
		return err
	}
	from := ownership.Place{Server: x.Value(schema.FromServer), Form: x.Value(schema.FromForm), Request: x.Value(schema.FromRequestID)}
	switch tells := from.Server != "" && from.Request != ""; {
	case tells && (from.Server != c.Server || from.Request != c.Request || from.Form != "" && from.Form != c.Form):
		return nil
	case made != nil && !tells && x.form.FieldByID(schema.FromRequestID) != nil && made.Mode == definition.DataOnly &&
		(made.Duplicate == definition.CreateNew || x.state != nil && !x.state.Deleted):
		return nil // the copy, if there is one, would tell
	}
	x.along = m.Name
	if by := x.Value(schema.FromMapping); by != "" {
		x.along = by
	}
	f.Copies = append(f.Copies, x)
	return nil
}
