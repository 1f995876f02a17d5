package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/sql/value"
)

// assembler puts messages together to transactions. It is used by one goroutine.
type assembler struct {
	server    string
	system    uint64
	partRows  int
	partBytes int
	heartbeat time.Duration
	types     *types
	deliver   func(*cdc.Transaction) error
	now       func() time.Time

	relations map[uint32]*relation // of this connection (PD-9)
	origin    pgoutput.LSN         // all up to here is known to the receiver

	tx    *cdc.Transaction // the part being gathered; nil outside a transaction
	final pgoutput.LSN     // where its commit record begins
	rows  int              // published rows of the transaction so far, the control tables' too
	cells []value.Value    // from which images are cut

	idle     pgoutput.LSN // read so far without anything to deliver; 0 = nothing new
	lastIdle time.Time    // when a position was delivered last
}

// relation is a table as the connection described it last.
type relation struct {
	*cdc.Relation
	types   []uint32
	mods    []int32
	parse   []parser
	dropped bool // a control table that is no mark and no watermark
}

// frame takes the next message of the stream.
func (a *assembler) frame(ctx context.Context, f frame) error {
	if f.data == nil {
		if a.tx == nil { // within a transaction its end is still to come (PS-4)
			a.idle = max(a.idle, f.end)
		}
		return a.beat()
	}
	m, err := pgoutput.Parse(f.data)
	if err != nil {
		return a.unreadable("a message of the log", err)
	}
	return a.message(ctx, m, len(f.data))
}

func (a *assembler) message(ctx context.Context, m pgoutput.Message, size int) error {
	switch m := m.(type) {
	case *pgoutput.BeginMessage:
		return a.begin(m)
	case *pgoutput.CommitMessage:
		return a.commit(m)
	case *pgoutput.RelationMessage:
		return a.describe(ctx, m)
	case *pgoutput.InsertMessage:
		return a.row(m.RelationID, cdc.Insert, 0, nil, m.Tuple, size)
	case *pgoutput.UpdateMessage:
		return a.row(m.RelationID, cdc.Update, m.OldTupleType, m.OldTuple, m.NewTuple, size)
	case *pgoutput.DeleteMessage:
		return a.row(m.RelationID, cdc.Delete, m.OldTupleType, m.OldTuple, nil, size)
	case *pgoutput.TruncateMessage:
		return a.truncate(m)
	case *pgoutput.OriginMessage, *pgoutput.TypeMessage, *pgoutput.LogicalDecodingMessage:
		return nil // marks say the origin (L-4), types are known by the catalog, messages are others' own
	}
	return a.unreadable(fmt.Sprintf("a message of type %T", m), fmt.Errorf("it was not asked for")) // PS-20
}

func (a *assembler) begin(m *pgoutput.BeginMessage) error {
	if a.tx != nil {
		return a.unreadable("a transaction", fmt.Errorf("it begins within another"))
	}
	if m.FinalLSN < a.origin { // it would be delivered twice, or it was passed over (PS-3, PS-4)
		return a.unreadable("a transaction", fmt.Errorf("it ends at %s, and the log has been read to %s", m.FinalLSN, a.origin))
	}
	a.tx = &cdc.Transaction{ID: uint64(m.Xid), CommitTime: m.CommitTime, Bytes: transactionBytes}
	a.rows, a.final = 0, m.FinalLSN
	return nil
}

// transactionBytes and rowBytes are what a transaction and a row take besides their values, roughly.
const (
	transactionBytes = 200
	rowBytes         = 96
)

func (a *assembler) commit(m *pgoutput.CommitMessage) error {
	tx := a.tx
	if tx == nil {
		return a.unreadable("a commit", fmt.Errorf("no transaction is open"))
	}
	a.tx = nil
	if a.idle = max(a.idle, m.TransactionEndLSN); len(tx.Changes)+len(tx.Watermarks) == 0 && tx.Mark == nil {
		return a.beat() // nothing of ours: only the position matters (L-13)
	}
	tx.Position = position{m.TransactionEndLSN, a.system}.text()
	a.delivered(m.TransactionEndLSN)
	return a.deliver(tx)
}

func (a *assembler) delivered(p pgoutput.LSN) {
	a.origin, a.idle, a.lastIdle = max(a.origin, p), 0, a.now()
}

// beat delivers a bare position when the log has moved on and none has been delivered for a while. It
// follows all that was delivered before in the same order, so the receiver confirms it only when that
// is durable (PS-4), and it is the receiver who stores it before it confirms (PS-5).
func (a *assembler) beat() error {
	if a.tx != nil || a.idle <= a.origin || a.now().Sub(a.lastIdle) < a.heartbeat {
		return nil
	}
	p := a.idle
	a.delivered(p)
	return a.deliver(&cdc.Transaction{Position: position{p, a.system}.text(), CommitTime: a.now().UTC(), Bytes: transactionBytes})
}

// describe keeps a table's shape. The cdc.Relation stays the same while the shape does, so that it can
// be a key downstream (PD-9).
func (a *assembler) describe(ctx context.Context, m *pgoutput.RelationMessage) error {
	r := &relation{Relation: &cdc.Relation{
		Schema: m.Namespace,
		Table:  m.RelationName,
		Full:   m.ReplicaIdentity == pgoutput.ReplicaIdentityFull,
	}}
	if r.Schema == "" {
		r.Schema = "pg_catalog"
	}
	for _, c := range m.Columns {
		r.Columns = append(r.Columns, c.Name)
		r.Key = append(r.Key, c.Key)
		r.types = append(r.types, c.DataType)
		r.mods = append(r.mods, c.TypeModifier)
	}
	if old := a.relations[m.RelationID]; old != nil && old.same(r) {
		return nil
	}
	var err error
	if r.parse, err = a.types.parsers(ctx, r.types); err != nil {
		return fmt.Errorf("%s: types of table %s.%s: %w", a.server, r.Schema, r.Table, err)
	}
	r.dropped = cdc.IsControl(r.Table) && r.Table != cdc.CheckpointTable && r.Table != cdc.WatermarkTable
	a.relations[m.RelationID] = r
	return nil
}

func (r *relation) same(s *relation) bool {
	return r.Schema == s.Schema && r.Table == s.Table && r.Full == s.Full && slices.Equal(r.Columns, s.Columns) &&
		slices.Equal(r.Key, s.Key) && slices.Equal(r.types, s.types) && slices.Equal(r.mods, s.mods)
}

func (a *assembler) row(id uint32, kind cdc.Kind, oldType uint8, before, after pgoutput.TupleData, size int) error {
	r, err := a.relation(id)
	if err != nil || r.dropped {
		return err
	}
	c := cdc.RowChange{Relation: r.Relation, Kind: kind}
	if oldType != 0 {
		if c.Before, err = a.image(r, before, oldType); err != nil {
			return err
		}
	}
	if kind != cdc.Delete {
		if c.After, err = a.image(r, after, 0); err != nil {
			return err
		}
		fillUnchanged(c.Before, c.After)
	}
	first := a.rows == 0
	a.rows++
	switch {
	case !cdc.IsControl(r.Table):
		return a.add(c, rowBytes+size+valueBytes*(len(c.Before)+len(c.After)))
	case kind == cdc.Delete:
		return nil // cleaning up
	case r.Table == cdc.WatermarkTable:
		return a.watermark(c)
	case first:
		return a.mark(c)
	}
	return nil
}

// valueBytes is what a value takes besides its text.
const valueBytes = 32

// fillUnchanged takes the values that were not sent again from the before image, where it has them (PD-1).
func fillUnchanged(before, after []value.Value) {
	if before == nil {
		return
	}
	for i := range after {
		if after[i].Kind() == value.KindUnchanged && before[i].Known() {
			after[i] = before[i]
		}
	}
}

// add puts a change into the part being gathered. The cut before it depends on what the rows hold and on
// nothing else, so a replay cuts in the same places.
func (a *assembler) add(c cdc.RowChange, bytes int) error {
	if n := len(a.tx.Changes); n > 0 && (n >= a.partRows || a.tx.Bytes+bytes > a.partBytes) {
		if err := a.part(); err != nil {
			return err
		}
	}
	a.tx.Changes = append(a.tx.Changes, c)
	a.tx.Bytes += bytes
	return nil
}

// part delivers what has been gathered and goes on with an empty part of the same transaction.
func (a *assembler) part() error {
	tx := a.tx
	a.tx = &cdc.Transaction{ID: tx.ID, CommitTime: tx.CommitTime, Mark: copyMark(tx.Mark), Bytes: transactionBytes}
	// Positions are ends of commit records: one past this record's beginning is at its end or later.
	tx.More, tx.Ahead = true, position{a.final + 1, a.system}.text()
	return a.deliver(tx)
}

func (a *assembler) mark(c cdc.RowChange) error {
	if err := a.whole(c, "origin", "path", "mapping", "write_back"); err != nil {
		return err
	}
	a.tx.Mark = cdc.ReadMark(c)
	return nil
}

func (a *assembler) watermark(c cdc.RowChange) error {
	if err := a.whole(c, "kind", "name"); err != nil {
		return err
	}
	a.tx.Watermarks = append(a.tx.Watermarks, cdc.ReadWatermark(c))
	return nil
}

// whole makes sure that columns of a control row are there, since a mark that lacks its origin would be
// a user's change to everybody downstream.
func (a *assembler) whole(c cdc.RowChange, columns ...string) error {
	for _, name := range columns {
		i := slices.Index(c.Relation.Columns, name)
		if i < 0 || !c.After[i].Known() {
			return a.unreadable(fmt.Sprintf("a row of %s", c.Relation.Table), fmt.Errorf("column %s was not sent", name))
		}
	}
	return nil
}

func (a *assembler) truncate(m *pgoutput.TruncateMessage) error {
	for _, id := range m.RelationIDs {
		r, err := a.relation(id)
		if err != nil {
			return err
		}
		a.rows++
		if cdc.IsControl(r.Table) {
			continue
		}
		if err := a.add(cdc.RowChange{Relation: r.Relation, Kind: cdc.Truncate}, rowBytes); err != nil {
			return err
		}
	}
	return nil
}

// relation returns the table of a row, within a transaction only.
func (a *assembler) relation(id uint32) (*relation, error) {
	if a.tx == nil {
		return nil, a.unreadable("a row", fmt.Errorf("no transaction is open"))
	}
	r := a.relations[id]
	if r == nil {
		return nil, a.unreadable(fmt.Sprintf("a row of relation %d", id), fmt.Errorf("the log has not described it"))
	}
	return r, nil
}

// image decodes a tuple. oldType is 0 for a new row.
func (a *assembler) image(r *relation, t pgoutput.TupleData, oldType uint8) ([]value.Value, error) {
	if len(t) != len(r.Columns) { // PD-10
		return nil, a.unreadableIn(r, "", fmt.Errorf("%d values for %d columns", len(t), len(r.Columns)))
	}
	text := join(t)
	vs := a.carve(len(t))
	for i, c := range t {
		switch {
		case oldType == pgoutput.TupleKey && !r.Key[i]:
			vs[i] = value.Absent // sent as null, which it need not be (PD-6)
		case c.DataType == pgoutput.ColumnNull:
			vs[i] = value.Null
		case c.DataType == pgoutput.ColumnToast && oldType == 0:
			vs[i] = value.Unchanged
		case c.DataType == pgoutput.ColumnText:
			var err error
			if vs[i], err = r.parse[i](text[:len(c.Data)]); err != nil {
				return nil, a.unreadableIn(r, r.Columns[i], err)
			}
		default:
			return nil, a.unreadableIn(r, r.Columns[i], fmt.Errorf("value kind %q where it cannot be", c.DataType))
		}
		text = text[len(c.Data):]
	}
	return vs, nil
}

// join copies a tuple's values out of the buffer they lie in (PS-22), as one string that the values
// share.
func join(t pgoutput.TupleData) string {
	n := 0
	for i := range t {
		n += len(t[i].Data)
	}
	var b strings.Builder
	b.Grow(n)
	for i := range t {
		b.Write(t[i].Data)
	}
	return b.String()
}

// carve cuts an image of n values out of a larger piece of memory, since most rows come in crowds.
func (a *assembler) carve(n int) []value.Value {
	if len(a.cells) < n {
		a.cells = make([]value.Value, max(n, 512))
	}
	vs := a.cells[:n:n]
	a.cells = a.cells[n:]
	return vs
}

func (a *assembler) unreadable(what string, err error) error {
	return &cdc.UnreadableError{
		Server: a.server,
		What:   what,
		Fix:    "report this with the server's version; `ardso init` sets a new position, at the price of what lies between",
		Err:    err,
	}
}

func (a *assembler) unreadableIn(r *relation, column string, err error) error {
	what := fmt.Sprintf("a row of table %s.%s", r.Schema, r.Table)
	if column != "" {
		what += ", column " + column
	}
	return a.unreadable(what, err)
}

// copyMark gives each part a mark of its own, since receivers own what they get.
func copyMark(m *cdc.Mark) *cdc.Mark {
	if m == nil {
		return nil
	}
	c := *m
	c.Path = slices.Clone(m.Path)
	return &c
}
