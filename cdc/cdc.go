// Package cdc holds the words of reading a database's log: Position, Transaction, RowChange, Mark,
// Watermark, and the Reader that every engine's reader is.
//
// A reader turns a log into transactions in commit order. It knows nothing of forms or mappings:
// it speaks of tables and columns, in canonical values. The readers are in the folders below;
// package cdctest is the suite that each must pass.
package cdc

import (
	"context"
	"time"

	"ardso/sql/value"
)

// Position is how far a log is read: a transaction's end, never a place inside one (INV-3). It is
// opaque outside the reader that made it; the zero Position is the log's beginning.
type Position string

// Transaction is one source transaction, or a part of one that is too large to hold: all parts but
// the last have More set and come one after another with nothing in between. Where a transaction is
// cut into parts depends on its content alone, so a replay cuts at the same places.
//
// A transaction without changes, mark and watermarks only says that the log has been read so far:
// an idle source's heartbeat, or a transaction that touched nothing of ours (L-13).
//
// The receiver owns a delivered Transaction and everything in it (PS-22, MD-17).
type Transaction struct {
	Position   Position  // its end; in a part with More set it is only known to lie ahead, and is ""
	Ahead      Position  // in a part with More set: a durable position covers it exactly if it covers the end
	Order      int64     // grows along the log, as Reader.Order says; readers leave it to who delivers
	CommitTime time.Time // by the source's clock, UTC
	ID         uint64    // PostgreSQL's transaction ID, to compare with a snapshot; 0 elsewhere
	More       bool      // further parts of this transaction follow
	Mark       *Mark     // not nil: ardso made it; the same in every part
	Changes    []RowChange
	Watermarks []Watermark // in the order written; a transaction that writes one writes nothing else
	Selection  *Selection  // not nil: the changes are selected rows, not log records
	Bytes      int         // memory taken, roughly, for queue budgets
}

// Mark shows a transaction to be ardso's own. It is read from the first row of the transaction,
// which is in dso_checkpoint (L-11).
type Mark struct {
	Origin    string   // the server whose log the changes came from
	Path      []string // servers passed, first the one where a user made the change; does not name this one
	Mapping   string   // "" where the transaction holds operations of several mappings
	WriteBack bool     // it wrote distributed fields only and triggers nothing
}

// Kind is what happened to a row.
type Kind uint8

const (
	Insert Kind = iota + 1
	Update
	Delete
	Truncate // the table was emptied; no images
	Selected // read by a watermark select; After is the row as it stood
)

func (k Kind) String() string {
	return [...]string{"?", "insert", "update", "delete", "truncate", "selected"}[min(int(k), 5)]
}

// Relation is the shape of a table's rows as the log describes it at that point. A reader makes a
// new Relation when the shape changes, so a pointer may serve as a cache key; it is never modified.
type Relation struct {
	Schema  string
	Table   string
	Columns []string // in the order of the images
	Key     []bool   // by column: part of what identifies a row in the log
	Full    bool     // before images carry all columns
}

// RowChange is one changed row. Images run along Relation.Columns; nil where there is none: no
// Before on insert, no After on delete. In a Before image that holds only the identity the other
// columns are value.Absent; in an After image a column that the log did not send is
// value.Unchanged, unless the Before image told it (PD-1).
type RowChange struct {
	Relation *Relation
	Kind     Kind
	Before   []value.Value
	After    []value.Value
}

// WatermarkKind says what a watermark is for.
type WatermarkKind string

const (
	Low  WatermarkKind = "low"  // the select begins after this
	High WatermarkKind = "high" // the selected rows enter the stream here
	End  WatermarkKind = "end"  // a batch run goes as far as this
)

// Watermark is a row that ardso wrote into dso_watermark to find its place in the log again.
type Watermark struct {
	Kind WatermarkKind
	Name string // unique per select chunk or run
}

// Selection tells why rows were selected: for a transfer along Mapping, a return, or a run of an escalation.
type Selection struct {
	Job     string // ID of the row in dso_pending that asks for it
	Mapping string
	Return  bool   // the rows go back along the mapping, with ownership
	Follow  bool   // the rows go along their ownership chains, by no mapping of the job
	Choose  bool   // each row goes along the mapping that it names itself, else along Mapping
	Again   bool   // hand-overs that were to be carried out before: those no longer to be are passed over
	Where   string // qualification that each row is still to be judged by; "" = all
	LastKey string // what Progress of the job becomes once these rows are durable
	Final   bool   // the last chunk of the job
	Round   string // name of the watermarks around it

	// Of an escalation; Mapping, Return and Where are empty.
	Escalation string
	At         time.Time // when the run began
	Before     int64     // rows that it took before the select began, or began anew
	Taken      int64     // rows of these that it takes; who decides tells
}

// Reader reads one server's log.
type Reader interface {
	// Read delivers, in commit order, every transaction that ends after from, until ctx ends, deliver
	// returns an error, or the log cannot be read on. While deliver blocks, Read keeps its connection
	// alive and holds only bounded memory. It returns the cause, never nil.
	Read(ctx context.Context, from Position, deliver func(*Transaction) error) error
	// Confirm says that all up to p is durable downstream (INV-1), so the log may be cut there. It
	// does not wait and may be called at any time from any goroutine; positions never go back.
	Confirm(p Position)
	// Covers reports whether a log read to durable has passed the transaction that ends at p.
	Covers(durable, p Position) bool
	// Order is a number that grows with the positions of this server's log; 0 for one that it cannot tell.
	Order(p Position) int64
}

// PositionLostError is a log that no longer reaches back to the position asked for.
type PositionLostError struct {
	Server   string
	Position Position
	Reason   string // what the server said or showed
}

func (e *PositionLostError) Error() string {
	return e.Server + ": position " + string(e.Position) + " lost: " + e.Reason
}

func (e *PositionLostError) Name() string { return "reader.position_lost" }

func (e *PositionLostError) Remedy() string {
	return "run `ardso init " + e.Server + "`, which sets a new position, then `ardso transfer` what changed since the last one"
}

// UnreadableError is a log record that cannot be read for certain. Reading stops there (G8, INV-7).
type UnreadableError struct {
	Server string
	What   string // the record, with table and column where known
	Fix    string // what to do
	Err    error
}

func (e *UnreadableError) Error() string {
	s := e.Server + ": " + e.What
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *UnreadableError) Unwrap() error  { return e.Err }
func (e *UnreadableError) Name() string   { return "reader.unreadable" }
func (e *UnreadableError) Remedy() string { return e.Fix }
