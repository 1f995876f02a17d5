package run

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/apply"
	"ardso/mapping"
	"ardso/mapping/ownership"
	"ardso/mapping/request"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// Copy is one copy of a request, as its server holds it now.
type Copy struct {
	Server  string      `json:"server"`
	Form    string      `json:"form"`
	Request string      `json:"request"`
	Exists  bool        `json:"exists"`            // the request is there
	Values  []CopyField `json:"values,omitempty"`  // other fields that were read, the key among them
	Fields  []CopyField `json:"fields,omitempty"`  // distributed fields that the form has
	Owner   *CopyOwner  `json:"owner,omitempty"`   // its row of dso_owner; nil: there is none
	Problem string      `json:"problem,omitempty"` // why the request cannot be read

	conn *Connection
	form *schema.Form // narrowed to key and distributed fields; nil with Problem
	key  []value.Value
	row  []value.Value // along form.Fields; nil: there is none
	// stored is its row of dso_owner, nil: there is none; state is what that means for the chain.
	stored, state *ownership.State
	along         string // mapping that made it; "" = it belongs to the request that was asked for
}

// CopyField is a field of a copy, with its value as people read it: "" = NULL.
type CopyField struct {
	ID    int    `json:"id"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// CopyOwner is what dso_owner holds of a copy.
type CopyOwner struct {
	Chain   string          `json:"chain"`
	Epoch   int64           `json:"epoch"`
	Owner   bool            `json:"owner"`
	Deleted bool            `json:"deleted"`
	Fault   string          `json:"fault,omitempty"` // why it is not distributed until it is repaired
	From    ownership.Place `json:"from"`
	To      ownership.Place `json:"to"`
	Updated time.Time       `json:"updated"`
}

// Place names the copy.
func (c *Copy) Place() ownership.Place {
	return ownership.Place{Server: c.Server, Form: c.Form, Request: c.Request}
}

// field reads one of the copy's fields; Absent where the form has none, or the request is not there.
func (c *Copy) field(id int) value.Value {
	if c.row == nil {
		return value.Absent
	}
	if f := c.form.FieldByID(id); f != nil {
		return c.row[f.Index]
	}
	return value.Absent
}

// Value is one of the copy's distributed fields as people read it; "" = NULL, or the form has none.
func (c *Copy) Value(id int) string {
	for _, f := range c.Fields {
		if f.ID == id {
			return f.Value
		}
	}
	return ""
}

// Owns reports what the Master Flag says: a request whose flag is empty owns itself.
func (c *Copy) Owns() bool {
	v := c.field(schema.MasterFlag)
	return c.row != nil && (!v.Known() || v.IsNull() || v.Int() != schema.MasterNo)
}

// MadeAlong is the mapping that made the copy without handing the request over; "" where it is of the request itself.
func (c *Copy) MadeAlong() string { return c.along }

// Epoch is that of the copy's last hand-over.
func (c *Copy) Epoch() int64 {
	if c.state == nil {
		return 1
	}
	return c.state.At()
}

// Chain is all copies of a request that can be found.
type Chain struct {
	ID          string        `json:"chain"` // "" = the request is not under ownership
	Copies      []*Copy       `json:"copies"`
	Unreachable []Unreachable `json:"unreachable,omitempty"` // servers that could not be asked

	conns []*Connection
	which func(id int) bool // fields of copies that are read
}

// Unreachable is a server that could not be asked.
type Unreachable struct {
	Server string `json:"server"`
	Reason string `json:"reason"`
}

// Owner is the copy that owns the request: of those that are there and whose flag does not say No, that of
// the highest epoch; nil if there is none. What was made without ownership is none.
func (ch *Chain) Owner() *Copy {
	var owner *Copy
	for _, c := range ch.Copies {
		if c.along == "" && c.Owns() && (owner == nil || c.Epoch() > owner.Epoch()) {
			owner = c
		}
	}
	return owner
}

// usable says why a connection cannot be asked for ownership; nil if it can.
func (c *Connection) usable(ctx context.Context) error {
	if c.Err != nil {
		return c.Err
	}
	return control.Check(ctx, c.DB, c.Name)
}

// split parts connections into those that can be asked and the others.
func split(ctx context.Context, all []*Connection) (usable []*Connection, others []Unreachable) {
	for _, c := range all {
		if err := c.usable(ctx); err != nil {
			others = append(others, Unreachable{c.Name, err.Error()})
		} else {
			usable = append(usable, c)
		}
	}
	return usable, others
}

func connectionOf(all []*Connection, server string) *Connection {
	for _, c := range all {
		if c.Name == server {
			return c
		}
	}
	return nil
}

// ReadChain finds the copies of a request on all servers of the definitions: all are those of Connect. The
// copy asked for comes first, the others by server, form and request.
//
// Errors are those of the request's own server, *catalog.UnknownFormError and *UnknownRequestError.
func ReadChain(ctx context.Context, all []*Connection, server, form, id string) (*Chain, error) {
	return readChain(ctx, all, ownership.Place{Server: server, Form: form, Request: id}, schema.IsDistributed)
}

// readChain reads those fields of the copies, beside the key, that which selects.
func readChain(ctx context.Context, all []*Connection, p ownership.Place, which func(id int) bool) (*Chain, error) {
	server, form, id := p.Server, p.Form, p.Request
	home := connectionOf(all, server)
	if err := home.usable(ctx); err != nil {
		return nil, err
	}
	if err := home.readCatalog(ctx); err != nil {
		return nil, err
	}
	if _, err := home.Catalog.Lookup(form); err != nil {
		return nil, err
	}
	ch := &Chain{which: which}
	ch.conns, ch.Unreachable = split(ctx, all)
	first, err := readCopy(ctx, home, p, which)
	if err != nil {
		return nil, err
	}
	if first.Problem != "" || !first.Exists && first.Owner == nil {
		return nil, &UnknownRequestError{Server: server, Form: form, Request: id, Reason: first.Problem}
	}
	ch.Copies = []*Copy{first}
	if first.state != nil && !first.state.Deleted {
		ch.ID = first.state.Chain
	}
	if ch.ID == "" {
		if ch.ID, err = ch.begunAt(ctx, first.Place()); err != nil {
			return nil, err
		}
	}
	if err := ch.complete(ctx); err != nil {
		return nil, err
	}
	ch.sort()
	return ch, nil
}

// sort puts the copies behind the first in order.
func (ch *Chain) sort() {
	slices.SortFunc(ch.Copies[1:], func(a, b *Copy) int {
		return slices.Compare([]string{a.Server, a.Form, a.Request}, []string{b.Server, b.Form, b.Request})
	})
}

// begunAt finds the chain that begins at a request whose own server does not know its name yet: other copies do,
// and names tell where chains begin. "" = there is none.
func (ch *Chain) begunAt(ctx context.Context, p ownership.Place) (string, error) {
	origin := mapping.OriginOf(p.Server, p.Form, p.Request)
	newest := control.Owner{}
	for _, conn := range ch.conns {
		rows, err := control.ScanOwners(ctx, conn.DB, &control.Owner{Chain: origin}, scanRows)
		if err != nil {
			return "", fmt.Errorf("%s: %w", conn.Name, err)
		}
		for _, o := range rows {
			if mapping.BeginsAt(o.Chain, p.Server, p.Form, p.Request) && !o.Deleted && (newest.Chain == "" || o.Epoch > newest.Epoch) {
				newest = o
			}
		}
	}
	return newest.Chain, nil
}

// complete finds the other copies: by the name of the chain on every server, then by where copies say that
// they came from and went to. The origin of a chain has no row of its own until its first write-back.
func (ch *Chain) complete(ctx context.Context) error {
	if ch.ID == "" {
		return nil
	}
	for _, conn := range ch.conns {
		rows, err := control.OwnersOfChain(ctx, conn.DB, ch.ID)
		if err != nil {
			return fmt.Errorf("%s: %w", conn.Name, err)
		}
		for _, o := range rows {
			if err := ch.add(ctx, ownership.Place{Server: conn.Name, Form: o.Form, Request: o.Request}); err != nil {
				return err
			}
		}
	}
	for i := 0; i < len(ch.Copies); i++ { // it grows meanwhile
		if s := ch.Copies[i].state; s != nil {
			for _, p := range []ownership.Place{s.From, s.To} {
				if err := ch.add(ctx, p); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// add reads the copy at a place, unless it is there already, is nothing, or belongs to another chain.
func (ch *Chain) add(ctx context.Context, p ownership.Place) error {
	p.Mapping = ""
	conn := connectionOf(ch.conns, p.Server)
	if conn == nil || slices.ContainsFunc(ch.Copies, func(c *Copy) bool { return c.Place() == p }) {
		return nil
	}
	c, err := readCopy(ctx, conn, p, ch.which)
	switch {
	case err != nil:
		return err
	case !c.Exists && c.Owner == nil && c.Problem == "", c.state != nil && c.state.Chain != ch.ID:
		return nil
	}
	ch.Copies = append(ch.Copies, c)
	return nil
}

// readCopy reads a request and its row of dso_owner. What keeps the request itself from being read is in the
// copy, not an error.
func readCopy(ctx context.Context, conn *Connection, p ownership.Place, which func(id int) bool) (*Copy, error) {
	c := &Copy{Server: conn.Name, Form: p.Form, Request: p.Request, conn: conn}
	rows, err := control.ReadOwners(ctx, conn.DB, control.OwnerKey{Form: c.Form, Request: c.Request})
	if err == nil && len(rows) > 0 {
		err = c.setOwner(&rows[0])
	}
	if err == nil {
		err = conn.readCatalog(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", conn.Name, err)
	}
	whole, err := conn.Catalog.Lookup(c.Form)
	if err != nil {
		c.Problem = err.Error()
		return c, nil
	}
	if err := c.setForm(narrow(whole, which)); err != nil {
		c.Problem = err.Error()
		return c, nil
	}
	found, err := statement.NewWriter(conn.DB).Lookup(ctx, conn.DB, c.form, [][]value.Value{c.key}, false)
	if err != nil {
		return nil, err
	}
	c.setRow(found[0])
	return c, nil
}

func (c *Copy) setForm(f *schema.Form) (err error) {
	c.form = f
	c.key, err = request.ParseID(f, c.Request)
	return err
}

func (c *Copy) setOwner(o *control.Owner) error {
	s, err := apply.StateOf(o)
	if err != nil {
		return err
	}
	c.stored, c.state = &s, &s
	c.Owner = &CopyOwner{Chain: s.Chain, Epoch: s.Epoch, Owner: s.Owner, Deleted: s.Deleted, From: s.From, To: s.To, Fault: s.Fault, Updated: o.Updated}
	return nil
}

func (c *Copy) setRow(row []value.Value) {
	c.row, c.Exists, c.Fields, c.Values = row, row != nil, nil, nil
	if row == nil {
		return
	}
	for _, f := range c.form.Fields {
		x := CopyField{ID: f.ID, Name: f.Name, Value: shown(f, row[f.Index])}
		if schema.IsDistributed(f.ID) {
			c.Fields = append(c.Fields, x)
		} else {
			c.Values = append(c.Values, x)
		}
	}
}

// shown is a value as people read it: a selection by its label, NULL as nothing.
func shown(f *schema.Field, v value.Value) string {
	if !v.Known() || v.IsNull() {
		return ""
	}
	if f.Type == schema.Selection && v.Kind() == value.KindInt {
		if label, ok := f.Label(v.Int()); ok {
			return label
		}
	}
	return strings.TrimSpace(v.SQL())
}

// narrow is a form with its key and those of its fields that which selects: the others need not be readable.
func narrow(f *schema.Form, which func(id int) bool) *schema.Form {
	n := *f
	n.Fields, n.Key = nil, make([]*schema.Field, len(f.Key))
	for _, x := range f.Fields {
		if !f.IsKey(x) && !which(x.ID) {
			continue
		}
		y := *x
		y.Index = len(n.Fields)
		n.Fields = append(n.Fields, &y)
		if i := slices.Index(f.Key, x); i >= 0 {
			n.Key[i] = &y
		}
	}
	return &n
}

// UnknownRequestError is a request that is not there, and of which nothing is known.
type UnknownRequestError struct {
	Server, Form, Request string
	Reason                string // why the ID cannot be one; "" = there is none
}

func (e *UnknownRequestError) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("%s: %s", e.Server, e.Reason)
	}
	return fmt.Sprintf("%s: form %q has no request %q", e.Server, e.Form, e.Request)
}
func (e *UnknownRequestError) Name() string { return "request.unknown" }
func (e *UnknownRequestError) Remedy() string {
	return "write the Request ID in full as the form shows it, with its prefix and zeros; the parts of a key of several fields are joined by |"
}
