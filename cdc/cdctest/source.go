package cdctest

import (
	"testing"
	"time"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Source is a fresh, empty database and what is special about its reader. Every method that fails
// ends the test through t. Methods are called from the test's goroutine, Reader's result from others.
type Source interface {
	// DB is the database. The suite creates and alters its tables and begins transactions there; the
	// control tables exist.
	DB() *engine.DB
	// Setup makes changes of these tables readable, the control tables too, as `ardso init` does. It
	// is called again with all tables after a table has changed.
	Setup(t testing.TB, tables []*schema.Table)
	// Start is the position of a reader that has read nothing yet: behind all that is committed before
	// the first Setup, before all that follows.
	Start(t testing.TB) cdc.Position
	// Reader makes a new reader, as a new process would. One reads at a time.
	Reader(t testing.TB) cdc.Reader

	// Exec runs the statements in one transaction: a user's if mark is nil, else as an ardso
	// transaction with this mark, begun (and on SQLite closed) as those are.
	Exec(t testing.TB, mark *cdc.Mark, statements ...string)
	// Watermark writes a watermark in a transaction of its own.
	Watermark(t testing.TB, w cdc.Watermark)
	// Select reads all rows of a table in key order, the columns in table order, as every SELECT of
	// ardso reads values (INV-5).
	Select(t testing.TB, table *schema.Table) [][]value.Value

	// Released reports whether the log before p has been let go, as far as the engine does such a
	// thing; the suite asks until it says yes.
	Released(t testing.TB, p cdc.Position) bool
	// Lose destroys the log up to its present end behind the reader's back: a slot dropped and made
	// anew, rows deleted. A read from an earlier position must then fail with *cdc.PositionLostError.
	Lose(t testing.TB)

	// Types lists every column type that the reader can carry, with values to try.
	Types() []Type
	// Traits tell how the suite has to read the reader's output.
	Traits() Traits
}

// Type is a column type of the engine.
type Type struct {
	Column   schema.Column // DataType, Kind and whatever else the reader asks of a column; Name is the suite's
	Literals []string      // SQL expressions of values that the column stores; NULL is tried besides
}

// Traits of a reader. The zero value is the strictest.
type Traits struct {
	// Coarse: user transactions with nothing of ardso's between them may come as one. Order, marks and
	// positions hold all the same.
	Coarse bool
	// OneWriter: a second transaction cannot write while one is open, so nothing can interleave.
	OneWriter bool
	// NoTruncate: the engine has no TRUNCATE; emptying a table is deletes.
	NoTruncate bool
	// PartRows is how many rows a part of a large transaction holds at most, and PartBytes how many
	// bytes, one row more at worst.
	PartRows  int
	PartBytes int
	// Silence is how long the server bears a reader that says nothing; 0 = for ever. The suite blocks
	// a delivery for three times as long.
	Silence time.Duration
	// Idle is how often a position is due from an idle source whose log moves on; 0 = the log cannot
	// move without a change of ours.
	Idle time.Duration
	// Elsewhere is a statement that moves the log without touching any table of ours, for Idle.
	Elsewhere string
	// Unreleased: the server keeps its log by rules of its own, whoever reads it, so nothing is let go when
	// it is confirmed.
	Unreleased bool
}
