package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/engine"
)

// Connection is a server of the definitions that was tried: open, or with the reason why not.
type Connection struct {
	Server
	Err error // then DB is nil
}

// Connect opens servers without reading their catalogs, for commands that look at control tables only
// and must work whatever else is wrong. names selects servers; none = all. A server that does not answer
// does not keep the others from being opened.
func Connect(ctx context.Context, doc *definition.Document, names ...string) ([]*Connection, error) {
	defs := doc.Servers
	if len(names) > 0 {
		defs = nil
		for _, n := range names {
			d := doc.Server(n)
			if d == nil {
				return nil, &UnknownServerError{Server: n, Known: ServerNames(doc)}
			}
			defs = append(defs, d)
		}
	}
	all := make([]*Connection, len(defs))
	var g errgroup.Group
	for i, d := range defs {
		g.Go(func() error {
			c := &Connection{Server: Server{Name: d.Name, Def: d}}
			c.DB, c.Err = engine.Open(ctx, engine.Config{Server: d.Name, URL: d.URL, Password: d.Password.Reveal()})
			all[i] = c
			return nil
		})
	}
	_ = g.Wait() // no function returns an error
	return all, nil
}

// CloseAll closes what is open.
func CloseAll(all []*Connection) error {
	var errs []error
	for _, c := range all {
		if c.DB != nil {
			errs = append(errs, c.DB.Close())
		}
	}
	return errors.Join(errs...)
}

// Status is how a server stands.
type Status struct {
	Server string `json:"server"`
	Engine string `json:"engine"` // name and version; only the name where it does not answer
	Error  string `json:"error,omitempty"`
	Reason string `json:"reason,omitempty"`
	Remedy string `json:"remedy,omitempty"`

	Reader  *ReaderStatus     `json:"reader,omitempty"` // nil: the definitions read nothing from it
	Applied []AppliedStatus   `json:"applied"`          // by threads that write to this server
	Pending map[string]int64  `json:"pending"`          // operations by status
	Errors  map[string]int64  `json:"errors"`           // likewise
	Settled int64             `json:"conflicts"`        // recorded conflicts
	Owned   *OwnedStatus      `json:"ownership"`        // nil: it could not be asked
	Away    []control.Away    `json:"away"`             // targets of its log that do not accept
	Jobs    []control.Pending `json:"-"`                // those not ended

	Escalations []EscalationStatus `json:"escalations"`
}

// OwnedStatus counts a server's requests under ownership, as ardso wrote their Master Flags last.
type OwnedStatus struct {
	Owned  int64 `json:"owned"`  // that are owned there
	Others int64 `json:"others"` // that are owned elsewhere
	// Faults counts those that are not distributed until they are repaired, by what `ardso verify` found.
	Faults map[string]int64 `json:"faults"`
}

// ReaderStatus is how far a source's log is carried out.
type ReaderStatus struct {
	Position string     `json:"position"`
	Moved    time.Time  `json:"moved"`             // when the position was stored
	Holder   string     `json:"holder"`            // process that reads it; "" = none
	Expires  *time.Time `json:"expires,omitempty"` // end of its lease
	Unit     string     `json:"unit,omitempty"`
	Behind   int64      `json:"behind"`   // written to the log since
	Retained int64      `json:"retained"` // kept by the server for ardso
	Limit    int64      `json:"limit"`    // may still be written until the position is lost; -1 = no limit

	Definitions string `json:"definitions"` // version of those by which it was carried out last
}

// AppliedStatus is how far one thread has carried a source's log out on this server.
type AppliedStatus struct {
	Source       string    `json:"source"`
	Pool         string    `json:"pool"`
	Thread       int       `json:"thread"`
	Position     string    `json:"position"`
	Transactions int64     `json:"transactions"`
	Updated      time.Time `json:"updated"`
}

// ReadStatus asks a server of the document how it stands. What is wrong with it is in the result, not an error.
func ReadStatus(ctx context.Context, c *Connection, doc *definition.Document) Status {
	st := Status{Server: c.Name, Applied: []AppliedStatus{}, Away: []control.Away{}, Escalations: []EscalationStatus{}}
	if c.Err != nil {
		st.fail(c.Err)
		if e, _, err := engine.ForURL(c.Def.URL); err == nil {
			st.Engine = e.Name
		}
		return st
	}
	st.Engine = fmt.Sprintf("%s %s", c.DB.Engine.Name, version(c.DB.Engine))
	err := control.Check(ctx, c.DB, c.Name)
	for _, read := range []func() error{
		func() error { return st.readTarget(ctx, c) },
		func() error { return st.readQueues(ctx, c) },
		func() error { return st.readSource(ctx, c, SourcesOf(doc)[c.Name]) },
		func() (err error) { st.Escalations, err = ReadEscalations(ctx, c.DB, doc, c.Name); return err },
	} {
		if err != nil {
			break
		}
		err = read()
	}
	if err != nil {
		st.fail(err)
	}
	return st
}

// fail notes why the rest of the status is missing.
func (st *Status) fail(err error) {
	st.Error, st.Reason = "error", err.Error()
	if n, ok := errors.AsType[control.Named](err); ok {
		st.Error, st.Remedy = n.Name(), n.Remedy()
	}
}

func (st *Status) readSource(ctx context.Context, c *Connection, source bool) error {
	if !source {
		return nil
	}
	lease, err := control.ReadLease(ctx, c.DB)
	if err != nil {
		return err
	}
	st.Reader = &ReaderStatus{Position: lease.Position, Holder: lease.Holder, Limit: -1}
	if lease.Holder != "" {
		st.Reader.Expires = &lease.Expires
	}
	if st.Reader.Definitions, err = control.ReadDefinitions(ctx, c.DB); err != nil {
		return err
	}
	b, err := Backlog(ctx, &c.Server, cdc.Position(lease.Position))
	if err != nil {
		return err
	}
	st.Reader.Unit, st.Reader.Behind, st.Reader.Retained, st.Reader.Limit = b.Unit, b.Behind, b.Retained, b.Limit
	return nil
}

func (st *Status) readTarget(ctx context.Context, c *Connection) error {
	all, err := control.AllCheckpoints(ctx, c.DB)
	if err != nil {
		return err
	}
	for _, x := range all {
		if x.Thread < 0 || x.Pool == mapping.HomePool && x.Layout != writeBackLayout && x.Transactions == 0 { // the source's epoch, and a thread without work
			continue
		}
		st.Applied = append(st.Applied, AppliedStatus{
			Source: x.Source, Pool: x.Pool, Thread: x.Thread, Position: x.Position, Transactions: x.Transactions, Updated: x.Updated,
		})
	}
	return nil
}

func (st *Status) readQueues(ctx context.Context, c *Connection) error {
	pending, err := control.CountPending(ctx, c.DB)
	if err != nil {
		return err
	}
	failed, err := control.CountErrors(ctx, c.DB)
	if err != nil {
		return err
	}
	st.Pending, st.Errors = map[string]int64{}, map[string]int64{}
	for s, n := range pending {
		st.Pending[string(s)] = n
	}
	for s, n := range failed {
		st.Errors[string(s)] = n
	}
	if st.Settled, err = control.CountConflicts(ctx, c.DB); err != nil {
		return err
	}
	owners, err := control.CountOwners(ctx, c.DB)
	if err != nil {
		return err
	}
	away, err := control.LoadAway(ctx, c.DB)
	if err != nil {
		return err
	}
	st.Away = append(st.Away, away...)
	slices.SortFunc(st.Away, func(a, b control.Away) int { return strings.Compare(a.Target, b.Target) })
	st.Owned = &OwnedStatus{Owned: owners.Owned, Others: owners.Others, Faults: owners.Faults}
	st.Jobs, err = control.ListPending(ctx, c.DB, control.PendingFilter{Status: []control.Status{control.New, control.Running}})
	return err
}

// version spells an engine's version as people do.
func version(e *engine.Engine) string {
	v := e.Version
	switch e.Name {
	case "postgres":
		return fmt.Sprintf("%d.%d", v/10000, v%10000)
	case "sqlite":
		return fmt.Sprintf("%d.%d.%d", v/1000000, v/1000%1000, v%1000)
	}
	return fmt.Sprintf("%d.%d.%d", v/10000, v/100%100, v%100)
}

// SourcesOf lists the servers whose logs a document's definitions read, checked against no database.
func SourcesOf(doc *definition.Document) map[string]bool {
	set := map[string]bool{}
	for _, m := range doc.Mappings {
		if m.Enabled {
			set[m.From.Server] = true
			if m.TransferMode == definition.DataOwnership {
				set[m.To.Server] = true // its changes go back
			}
		}
	}
	for _, f := range doc.Filters {
		if f.Enabled {
			set[f.Server] = true
		}
	}
	for _, e := range doc.Escalations {
		if e.Enabled {
			set[e.Server] = true
		}
	}
	return set
}
