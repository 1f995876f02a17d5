package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/mapping/ownership"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// OwnershipFinding is a fault in the ownership of a request, with what to do about it.
type OwnershipFinding struct {
	Server   string        `json:"server"` // of the copy that the remedy is about, as form and request
	Form     string        `json:"form"`
	Request  string        `json:"request"`
	Name     string        `json:"name"`
	Severity cdc.Severity  `json:"severity"`
	Text     string        `json:"text"`
	Remedy   string        `json:"remedy"`
	Chain    string        `json:"chain"`
	Copies   []FindingCopy `json:"copies"`
}

// FindingCopy is a copy of the request that a finding is about.
type FindingCopy struct {
	Server     string `json:"server"`
	Form       string `json:"form"`
	Request    string `json:"request"`
	Exists     bool   `json:"exists"`
	MasterFlag string `json:"master_flag"` // as the request has it
	Owner      bool   `json:"owner"`       // as dso_owner has it
	Epoch      int64  `json:"epoch"`
}

// VerifyOptions say what to verify.
type VerifyOptions struct {
	Server, Form string        // only requests with a copy there; "" = all
	Patience     time.Duration // how long a fault must stand unchanged to be one; 0 = 10 s
}

// VerifySummary is what a verification has looked at.
type VerifySummary struct {
	Chains   int // requests under ownership
	Findings int
	Moving   int // that were handed over all the while: not judged
}

const (
	scanRows   = 1000 // of dso_owner that a server is asked for at once
	scanChains = 500  // whose requests are read at once
	patience   = 10 * time.Second
	lookAgain  = 200 * time.Millisecond
)

// VerifyOwnership looks at all requests under ownership on all servers that answer, and calls found for each
// fault. It changes and locks nothing, holds some hundreds of requests in memory whatever their number, and
// takes no hand-over that is under way for a fault: what looks like one is looked at again until it has stood
// unchanged, epochs and flags, for as long as Patience. Where a server cannot be asked that is the error, at the
// end.
func VerifyOwnership(ctx context.Context, all []*Connection, o VerifyOptions, found func(OwnershipFinding) error) (VerifySummary, error) {
	v := &verifying{options: o, found: found, known: map[string]bool{}, forms: map[[2]string]*schema.Form{}}
	v.options.Patience = cmp.Or(o.Patience, patience)
	var problems []error
	for _, c := range all {
		v.known[c.Name] = true
		if err := c.usable(ctx); err != nil {
			problems = append(problems, err)
			continue
		}
		if err := c.readCatalog(ctx); err != nil {
			return v.sum, fmt.Errorf("%s: %w", c.Name, err)
		}
		v.conns = append(v.conns, c)
	}
	err := v.scan(ctx)
	return v.sum, errors.Join(append([]error{err}, problems...)...)
}

// IsHeld reports whether a request is not to be distributed until such a finding is repaired: nobody can say whose
// edits count (dso-reference 29, choice 48).
func (f *OwnershipFinding) IsHeld() bool {
	return f.Name == "ownership.several" || f.Name == "ownership.none" || f.Name == "ownership.epoch"
}

// HoldOwnership stops the distribution of the request that a finding is about: in dso_owner of every copy that can be
// reached it says so, and the logs carry it to those who read them. It reports whether the request is held, which it is
// not where the fault has been repaired meanwhile. `ardso owner` lets it go again.
func HoldOwnership(ctx context.Context, all []*Connection, f OwnershipFinding, who string) (bool, error) {
	ch, err := ReadChain(ctx, all, f.Server, f.Form, f.Request)
	if err != nil {
		return false, err
	}
	v := &verifying{known: map[string]bool{}, conns: ch.conns}
	for _, c := range all {
		v.known[c.Name] = true
	}
	g := &group{Chain: *ch, there: map[ownership.Place]bool{}}
	if !slices.ContainsFunc(v.judge(g), func(x OwnershipFinding) bool { return x.Name == f.Name }) {
		return false, nil
	}
	held := false
	for _, c := range ch.Copies {
		if !c.isLiving() {
			continue
		}
		held = true
		if c.stored != nil && c.stored.Fault == f.Name {
			continue
		}
		c.inChain(ch.ID)
		step := c.step(nil, func(s *ownership.State) { s.Fault = f.Name })
		if err := step.Apply(ctx, "verify --ownership", who); err != nil {
			return held, err
		}
	}
	return held, nil
}

// KnowsForm makes sure that the server has the form, or if none is named some server that answers. Without a form
// there is nothing to know.
func KnowsForm(ctx context.Context, all []*Connection, server, form string) error {
	var unknown error
	for _, c := range all {
		if form == "" || server != "" && c.Name != server || c.usable(ctx) != nil {
			continue
		}
		if err := c.readCatalog(ctx); err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		_, err := c.Catalog.Lookup(form)
		if err == nil {
			return nil
		}
		unknown = cmp.Or(unknown, err)
	}
	return unknown
}

// verifying is one verification under way.
type verifying struct {
	options VerifyOptions
	found   func(OwnershipFinding) error
	conns   []*Connection   // that can be asked
	known   map[string]bool // servers of the definitions
	forms   map[[2]string]*schema.Form
	sum     VerifySummary
}

// group is the copies of one request, by its chain.
type group struct {
	Chain
	there map[ownership.Place]bool // requests that copies point to, which belong to no chain or another
}

// ownerCursor reads a server's rows of dso_owner in order of chain.
type ownerCursor struct {
	conn *Connection
	rows []control.Owner
	last *control.Owner
	end  bool
}

// head is the next row; nil at the end.
func (c *ownerCursor) head(ctx context.Context) (*control.Owner, error) {
	if len(c.rows) == 0 && !c.end {
		rows, err := control.ScanOwners(ctx, c.conn.DB, c.last, scanRows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.conn.Name, err)
		}
		if c.rows = rows; len(rows) > 0 {
			c.last = &rows[len(rows)-1]
		}
		c.end = len(rows) < scanRows
	}
	if len(c.rows) == 0 {
		return nil, nil
	}
	return &c.rows[0], nil
}

// scan joins the servers' rows by chain as they come.
func (v *verifying) scan(ctx context.Context) error {
	cursors := make([]*ownerCursor, len(v.conns))
	for i, c := range v.conns {
		cursors[i] = &ownerCursor{conn: c}
	}
	var batch, suspects []*group
	for {
		g, err := nextGroup(ctx, cursors)
		if err != nil {
			return err
		}
		if g != nil {
			batch = append(batch, g)
		}
		if g == nil || len(batch) == scanChains {
			faulty, err := v.judgeAll(ctx, batch)
			if err != nil {
				return err
			}
			suspects, batch = append(suspects, faulty...), batch[:0]
		}
		if len(suspects) > 0 && (g == nil || len(suspects) >= scanChains) {
			if err := v.settle(ctx, suspects); err != nil {
				return err
			}
			suspects = nil
		}
		if g == nil {
			return nil
		}
	}
}

// nextGroup takes the rows of the lowest chain from all servers; nil at the end.
func nextGroup(ctx context.Context, cursors []*ownerCursor) (*group, error) {
	lowest := ""
	for _, c := range cursors {
		o, err := c.head(ctx)
		if err != nil {
			return nil, err
		}
		if o != nil && (lowest == "" || o.Chain < lowest) {
			lowest = o.Chain
		}
	}
	if lowest == "" {
		return nil, nil
	}
	g := &group{Chain: Chain{ID: lowest}}
	for _, c := range cursors {
		for {
			o, err := c.head(ctx)
			if err != nil {
				return nil, err
			}
			if o == nil || o.Chain != lowest {
				break
			}
			if err := g.put(c.conn, o); err != nil {
				return nil, err
			}
			c.rows = c.rows[1:]
		}
	}
	return g, nil
}

func (g *group) put(conn *Connection, o *control.Owner) error {
	c := &Copy{Server: conn.Name, Form: o.Form, Request: o.Request, conn: conn}
	if err := c.setOwner(o); err != nil {
		return fmt.Errorf("%s: %w", conn.Name, err)
	}
	g.Copies = append(g.Copies, c)
	return nil
}

// judgeAll returns those groups in which something looks wrong.
func (v *verifying) judgeAll(ctx context.Context, all []*group) (faulty []*group, err error) {
	all = slices.DeleteFunc(slices.Clone(all), func(g *group) bool { return !v.wanted(g) })
	if err := v.fill(ctx, all); err != nil {
		return nil, err
	}
	for _, g := range all {
		v.sum.Chains++
		if len(v.judge(g)) > 0 {
			faulty = append(faulty, g)
		}
	}
	return faulty, nil
}

// wanted reports whether the options ask for a request.
func (v *verifying) wanted(g *group) bool {
	return slices.ContainsFunc(g.Copies, func(c *Copy) bool {
		return (v.options.Server == "" || c.Server == v.options.Server) && (v.options.Form == "" || c.Form == v.options.Form)
	})
}

// fill reads the copies' requests, and what else copies say that they came from and went to: a chain's origin
// has no row of dso_owner until its first write-back.
func (v *verifying) fill(ctx context.Context, all []*group) error {
	var copies []*Copy
	for _, g := range all {
		g.there = map[ownership.Place]bool{}
		copies = append(copies, g.Copies...)
	}
	if err := v.read(ctx, copies); err != nil {
		return err
	}
	var others []*Copy
	of := map[*Copy]*group{}
	for _, g := range all {
		for _, p := range g.pointed() {
			if conn := connectionOf(v.conns, p.Server); conn != nil {
				c := &Copy{Server: p.Server, Form: p.Form, Request: p.Request, conn: conn}
				of[c] = g
				others = append(others, c)
			}
		}
	}
	if err := v.readOwners(ctx, others); err != nil {
		return err
	}
	if err := v.read(ctx, others); err != nil {
		return err
	}
	for _, c := range others {
		g := of[c]
		g.there[c.Place()] = c.Exists
		if c.Exists && c.state == nil {
			g.Copies = append(g.Copies, c)
		}
	}
	return nil
}

// pointed lists the places that copies point to and that are none of them.
func (g *group) pointed() []ownership.Place {
	var list []ownership.Place
	for _, c := range g.Copies {
		if c.state == nil || c.state.Deleted {
			continue
		}
		for _, p := range []ownership.Place{c.state.From, c.state.To} {
			p.Mapping = ""
			if !p.IsZero() && !slices.Contains(list, p) && !slices.ContainsFunc(g.Copies, func(x *Copy) bool { return x.Place() == p }) {
				list = append(list, p)
			}
		}
	}
	return list
}

func (v *verifying) readOwners(ctx context.Context, copies []*Copy) error {
	for conn, list := range byServer(copies) {
		byKey := map[control.OwnerKey]*Copy{}
		var keys []control.OwnerKey
		for _, c := range list {
			k := control.OwnerKey{Form: c.Form, Request: c.Request}
			byKey[k] = c
			keys = append(keys, k)
		}
		rows, err := control.ReadOwners(ctx, conn.DB, keys...)
		if err != nil {
			return fmt.Errorf("%s: %w", conn.Name, err)
		}
		for i := range rows {
			if err := byKey[rows[i].OwnerKey].setOwner(&rows[i]); err != nil {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
		}
	}
	return nil
}

func byServer(copies []*Copy) map[*Connection][]*Copy {
	out := map[*Connection][]*Copy{}
	for _, c := range copies {
		out[c.conn] = append(out[c.conn], c)
	}
	return out
}

// read reads the requests themselves, a form at a time.
func (v *verifying) read(ctx context.Context, copies []*Copy) error {
	for conn, list := range byServer(copies) {
		byForm := map[*schema.Form][]*Copy{}
		for _, c := range list {
			f, err := v.form(conn, c.Form)
			if err == nil {
				err = c.setForm(f)
			}
			if err != nil {
				c.Problem = err.Error()
				continue
			}
			byForm[f] = append(byForm[f], c)
		}
		for f, list := range byForm {
			keys := make([][]value.Value, len(list))
			for i, c := range list {
				keys[i] = c.key
			}
			rows, err := statement.NewWriter(conn.DB).Lookup(ctx, conn.DB, f, keys, false)
			if err != nil {
				return err
			}
			for i, c := range list {
				c.setRow(rows[i])
			}
		}
	}
	return nil
}

// form is a form with as much of it as is verified.
func (v *verifying) form(conn *Connection, name string) (*schema.Form, error) {
	key := [2]string{conn.Name, name}
	if f := v.forms[key]; f != nil {
		return f, nil
	}
	f, err := conn.Catalog.Lookup(name)
	if err == nil && f.FieldByID(schema.MasterFlag) == nil {
		err = &NoFieldsError{Server: conn.Name, Form: name}
	}
	if err != nil {
		return nil, err
	}
	v.forms[key] = narrow(f, func(id int) bool { return id == schema.MasterFlag })
	return v.forms[key], nil
}

// settle looks at groups again until each is well or has stood unchanged for long enough.
func (v *verifying) settle(ctx context.Context, suspects []*group) error {
	now := time.Now()
	since := make(map[string]time.Time, len(suspects))
	looks := make(map[string]string, len(suspects))
	for _, g := range suspects {
		since[g.ID], looks[g.ID] = now, g.look()
	}
	tick := time.NewTicker(min(lookAgain, v.options.Patience))
	defer tick.Stop()
	for end := now.Add(3 * v.options.Patience); len(suspects) > 0; {
		select {
		case now = <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		again, err := v.again(ctx, suspects)
		if err != nil {
			return err
		}
		suspects = suspects[:0]
		for _, g := range again {
			faults := v.judge(g)
			switch look := g.look(); {
			case len(faults) == 0:
			case look != looks[g.ID]:
				looks[g.ID], since[g.ID] = look, now
				suspects = append(suspects, g)
			case now.Sub(since[g.ID]) < v.options.Patience:
				suspects = append(suspects, g)
			default:
				if err := v.report(faults); err != nil {
					return err
				}
			}
		}
		if now.After(end) {
			v.sum.Moving += len(suspects)
			return nil
		}
	}
	return nil
}

func (v *verifying) report(faults []OwnershipFinding) error {
	for _, f := range faults {
		v.sum.Findings++
		if err := v.found(f); err != nil {
			return err
		}
	}
	return nil
}

// again reads groups anew.
func (v *verifying) again(ctx context.Context, old []*group) ([]*group, error) {
	list := make([]*group, len(old))
	byChain := map[string]*group{}
	var chains []string
	for i, g := range old {
		list[i] = &group{Chain: Chain{ID: g.ID}}
		byChain[g.ID] = list[i]
		chains = append(chains, g.ID)
	}
	for _, conn := range v.conns {
		rows, err := control.OwnersOfChains(ctx, conn.DB, chains...)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", conn.Name, err)
		}
		for i := range rows {
			if err := byChain[rows[i].Chain].put(conn, &rows[i]); err != nil {
				return nil, err
			}
		}
	}
	return list, v.fill(ctx, list)
}

// look is all that a hand-over changes, to see whether one is under way.
func (g *group) look() string {
	list := make([]string, len(g.Copies))
	for i, c := range g.Copies {
		list[i] = fmt.Sprintf("%s|%s|%s|%t|%t|%d", c.Server, c.Form, c.Request, c.Exists, c.Owns(), c.Epoch())
		if c.state != nil {
			list[i] += fmt.Sprintf("|%t|%t", c.state.Owner, c.state.Deleted)
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// isLiving: the request is there, and belongs to the chain.
func (c *Copy) isLiving() bool { return c.Exists && (c.state == nil || !c.state.Deleted) }

// judge says what is wrong with a request's ownership.
func (v *verifying) judge(g *group) []OwnershipFinding {
	var living, owners []*Copy
	var faults []OwnershipFinding
	readable := true
	for _, c := range g.Copies {
		switch {
		case c.state != nil && c.state.Deleted:
		case c.Problem != "":
			readable = false
			faults = append(faults, g.finding(c, "ownership.unreadable", cdc.Warning, "bring the form back as it was; or take the request out of ownership: `"+ownerCommand("clear", c, "--all")+"`", "%s cannot be read: %s", placeText(c.Place()), c.Problem))
		case c.isLiving():
			living = append(living, c)
			if c.Owns() {
				owners = append(owners, c)
			}
		}
	}
	if len(living) == 0 {
		return faults
	}
	highest := slices.MaxFunc(living, func(a, b *Copy) int { return cmp.Compare(a.Epoch(), b.Epoch()) })
	switch {
	case len(owners) == 0 && readable && !v.mayOwnElsewhere(g):
		faults = append(faults, g.finding(highest, "ownership.none", cdc.Error, "make the right copy the owner, for example: `"+ownerCommand("set", highest, "--master yes")+"`",
			"%s: no copy owns the request: the Master Flags of all %d say No", placeText(highest.Place()), len(living)))
	case len(owners) > 1:
		faults = append(faults, g.several(owners))
	case len(owners) == 1:
		faults = append(faults, g.epochs(living, owners[0])...)
	}
	for _, c := range living {
		faults = append(faults, g.flag(c, highest)...)
		faults = append(faults, v.places(g, c)...)
	}
	return faults
}

// mayOwnElsewhere reports whether copies point to a server that could not be asked: the owner may be there.
func (v *verifying) mayOwnElsewhere(g *group) bool {
	return slices.ContainsFunc(g.Copies, func(c *Copy) bool {
		if c.state == nil {
			return false
		}
		return slices.ContainsFunc([]ownership.Place{c.state.From, c.state.To}, func(p ownership.Place) bool {
			return v.known[p.Server] && connectionOf(v.conns, p.Server) == nil
		})
	})
}

// several is two owners or more: a hand-over that stays open, or a fault.
func (g *group) several(owners []*Copy) OwnershipFinding {
	owner := slices.MaxFunc(owners, func(a, b *Copy) int { return cmp.Compare(a.Epoch(), b.Epoch()) })
	var names []string
	for _, c := range owners {
		names = append(names, fmt.Sprintf("%s (epoch %d)", c.Server, c.Epoch()))
	}
	remedy := "make the right copy the only owner, for example the one of the highest epoch: `" + ownerCommand("set", owner, "--master yes") + "`"
	if len(owners) == 2 && owner.state != nil {
		giver := owners[0]
		if giver == owner {
			giver = owners[1]
		}
		from := owner.state.From
		from.Mapping = ""
		if owner.Epoch() == giver.Epoch()+1 && (from == giver.Place() || giver.state != nil && giver.state.From.Server == owner.Server) {
			return g.finding(owner, "ownership.open", cdc.Warning, "let `ardso run` follow the log of "+giver.Server+": it closes the hand-over. Otherwise: `"+ownerCommand("set", owner, "--master yes")+"`",
				"%s has been handed over from %s, which has not been told yet: both own it", placeText(owner.Place()), giver.Server)
		}
	}
	return g.finding(owner, "ownership.several", cdc.Error, remedy, "%s: %d copies own the request: %s", placeText(owner.Place()), len(owners), strings.Join(names, ", "))
}

// epochs that cannot be: every hand-over raises the epoch, so that the owner's is above all others.
func (g *group) epochs(living []*Copy, owner *Copy) []OwnershipFinding {
	for _, c := range living {
		if c != owner && c.state != nil && c.Epoch() >= owner.Epoch() {
			return []OwnershipFinding{g.finding(owner, "ownership.epoch", cdc.Error, "see which copy is the right one, then make it the owner, which raises its epoch: `"+ownerCommand("set", owner, "--master yes")+"`",
				"%s owns the request with epoch %d, but the copy on %s has epoch %d", placeText(owner.Place()), owner.Epoch(), c.Server, c.Epoch())}
		}
	}
	return nil
}

// flag compares the request's Master Flag with what ardso wrote last.
func (g *group) flag(c, highest *Copy) []OwnershipFinding {
	if c.state == nil || c.state.Owner == c.Owns() {
		return nil
	}
	says := map[bool]string{true: "Yes", false: "No"}
	set := "--master no"
	if c == highest {
		set = "--master yes"
	}
	flag := cmp.Or(c.Value(schema.MasterFlag), "empty, which counts as Yes")
	return []OwnershipFinding{g.finding(c, "ownership.flag_differs", cdc.Error, "somebody has changed the field; set both: `"+ownerCommand("set", c, set)+"`",
		"%s: its Master Flag is %s, but ardso wrote %s last", placeText(c.Place()), flag, says[c.state.Owner])}
}

// places looks whether the copies are there that c came from and went to.
func (v *verifying) places(g *group, c *Copy) []OwnershipFinding {
	if c.state == nil {
		return nil
	}
	var faults []OwnershipFinding
	check := func(p ownership.Place, name, flag, what string) {
		why := v.missing(g, p)
		if why != "" {
			faults = append(faults, g.finding(c, name, cdc.Warning, "if that copy is gone for good: `"+ownerCommand("clear", c, flag)+"`", "%s %s %s: %s", placeText(c.Place()), what, placeText(p), why))
		}
	}
	check(c.state.From, "ownership.from_missing", "--from", "came from")
	if !c.state.Owner {
		check(c.state.To, "ownership.to_missing", "--to", "was given to")
	}
	return faults
}

// missing says why a place is nothing; "" if it is a copy, or cannot be told.
func (v *verifying) missing(g *group, p ownership.Place) string {
	p.Mapping = ""
	switch {
	case p.IsZero():
		return ""
	case !v.known[p.Server]:
		return "server " + p.Server + " is not in the definitions"
	case connectionOf(v.conns, p.Server) == nil:
		return ""
	case g.there[p], slices.ContainsFunc(g.Copies, func(x *Copy) bool { return x.Place() == p && (x.isLiving() || x.Problem != "") }):
		return ""
	}
	return "it is not there"
}

func (g *group) finding(c *Copy, name string, s cdc.Severity, remedy, format string, args ...any) OwnershipFinding {
	f := OwnershipFinding{
		Server: c.Server, Form: c.Form, Request: c.Request, Name: name, Severity: s,
		Text: fmt.Sprintf(format, args...), Remedy: remedy, Chain: g.ID,
	}
	for _, x := range g.Copies {
		f.Copies = append(f.Copies, FindingCopy{
			Server: x.Server, Form: x.Form, Request: x.Request, Exists: x.Exists,
			MasterFlag: x.Value(schema.MasterFlag), Owner: x.state != nil && x.state.Owner, Epoch: x.Epoch(),
		})
	}
	return f
}

// ownerCommand is a command line that can be pasted.
func ownerCommand(verb string, c *Copy, flags string) string {
	return fmt.Sprintf("ardso owner %s %s --server %s --form %s %s", verb, quoted(c.Request), quoted(c.Server), quoted(c.Form), flags)
}

// quoted quotes an argument for a shell, where it needs that.
func quoted(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
