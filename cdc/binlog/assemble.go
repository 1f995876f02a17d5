package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// assembler puts events together to transactions. It is used by one goroutine.
type assembler struct {
	db        *engine.DB
	partRows  int
	partBytes int
	heartbeat time.Duration
	deliver   func(*cdc.Transaction) error
	now       func() time.Time

	relations *relations
	tracker   *tracker
	inFile    bool   // positions are places in files, since the server gives transactions no GTID
	file      string // that the events come from

	tx     *cdc.Transaction     // the part being gathered; nil outside a group
	group  group                // how the open group ends
	parts  int                  // of the transaction that have been delivered
	rows   int                  // row events' tables of ours met in the transaction, the control tables' too
	ours   bool                 // the group has changed rows of our tables
	tables map[uint64]*relation // of the open group, by the number its table maps gave; nil = not ours
	cells  []value.Value        // from which images are cut

	idle     bool         // the log was read further without anything to deliver
	passed   int          // transactions without anything to deliver, so far
	lastIdle time.Time    // when a wait for more of the log began first since the last delivery; zero = none has
	known    cdc.Position // the last one delivered, or where reading began
}

// group is what ends a group of events.
type group uint8

const (
	single group = iota + 1 // the one statement that it consists of
	open                    // a GTID came, what follows says which of the others it is
	full                    // XID, COMMIT, ROLLBACK or XA PREPARE (MS-20)
)

func newAssembler(ctx context.Context, db *engine.DB, state binlog.State, tables []*schema.Table, o Options, from position) (*assembler, error) {
	rs, err := newRelations(ctx, db, state, tables, o)
	if err != nil {
		return nil, err
	}
	if rs.shapes != nil {
		if err := rs.shapes.load(ctx, rs.wanted); err != nil {
			return nil, err
		}
	}
	return &assembler{
		db:        db,
		partRows:  o.PartRows,
		partBytes: o.PartBytes,
		heartbeat: o.Heartbeat,
		now:       time.Now,
		relations: rs,
		tracker:   newTracker(from),
		inFile:    from.flavor == filePlace,
		file:      from.file.name,
		tables:    map[uint64]*relation{},
		known:     from.text(),
		lastIdle:  time.Now(),
	}, nil
}

// last is how far the log has been read for certain.
func (a *assembler) last() cdc.Position { return a.known }

// event takes the next event of the log.
func (a *assembler) event(ctx context.Context, d *event.Decoder, h event.Header, e event.Event) error {
	switch e := e.(type) {
	case *event.Rows:
		return a.rowsEvent(e)
	case *event.TableMap:
		return a.tableMap(ctx, h, e)
	case *event.MariaDBGTID:
		return a.mariadbGTID(h, e)
	case *event.GTID:
		return a.gtid(h, e)
	case *event.Query:
		return a.query(ctx, h, e)
	case *event.XID:
		return a.commit(h)
	case *event.XAPrepare:
		return a.xaPrepare(h, e)
	case *event.TransactionPayload:
		return a.payload(ctx, d, h, e)
	case *event.Rotate:
		return a.rotate(e)
	case *event.FormatDescription:
		return a.newFile(h)
	case *event.Incident: // MS-23
		return a.unreadable("an incident: the server lost events of its log", fmt.Errorf("%q", e.Message))
	case *event.Heartbeat, *event.Other:
		return nil
	}
	return a.unreadable(fmt.Sprintf("an event of type %T", e), errors.New("it was not expected"))
}

// rotate tells which file comes next. Who asks for the log's beginning, and gives no GTIDs, gets the oldest file
// that there is: only the first that was ever written is the beginning (MS-11).
func (a *assembler) rotate(e *event.Rotate) error {
	a.file = e.File
	if !a.inFile || a.tracker.at.file.name != "" {
		return nil
	}
	if _, number, ok := fileNumber(e.File); !ok || number != 1 {
		return &cdc.PositionLostError{Server: a.db.Server, Reason: "the server has purged the log's beginning: its oldest file is " + e.File}
	}
	a.tracker.file(e.File, firstEvent)
	return nil
}

// firstEvent is the place of a file's first event.
const firstEvent = 4

// newFile is the beginning of a file. A group that was open in the file before was cut off by a crash, and the
// server has rolled it back.
func (a *assembler) newFile(h event.Header) error {
	if a.tx == nil || h.Flags&event.FlagArtificial != 0 || h.End == 0 {
		return nil
	}
	if a.parts > 0 {
		return a.unreadable("a transaction without an end", errors.New("the file ends within it"))
	}
	a.tx, a.group = nil, 0
	return nil
}

// --- groups ---

// transactionBytes and rowBytes are what a transaction and a row take besides their values, roughly.
const (
	transactionBytes = 200
	rowBytes         = 96
	valueBytes       = 32
)

func (a *assembler) begin(at time.Time, g group) error {
	if a.tx != nil {
		return a.unreadable("a transaction", errors.New("it begins within another"))
	}
	a.tx = &cdc.Transaction{CommitTime: at, Bytes: transactionBytes}
	a.group, a.parts, a.rows, a.ours = g, 0, 0, false
	clear(a.tables)
	return nil
}

// headerTime is in whole seconds, and of the statement's beginning (O-2).
func headerTime(h event.Header) time.Time { return time.Unix(int64(h.Time), 0).UTC() }

// mariadbGTID begins every group of MariaDB (MS-9).
func (a *assembler) mariadbGTID(h event.Header, e *event.MariaDBGTID) error {
	g := full
	if e.Flags&event.GTIDStandalone != 0 {
		g = single
	}
	if err := a.begin(headerTime(h), g); err != nil {
		return err
	}
	a.tracker.mariadb(e.Domain, e.ServerID, e.Sequence)
	return nil
}

// gtid begins every group of MySQL where GTIDs are on, and from 5.7 on where they are off.
func (a *assembler) gtid(h event.Header, e *event.GTID) error {
	at := headerTime(h)
	if e.ImmediateCommit > 0 {
		at = time.UnixMicro(e.ImmediateCommit).UTC()
	}
	if err := a.begin(at, open); err != nil {
		return err
	}
	switch {
	case a.inFile: // its end is known when it comes
	case e.Anonymous:
		return a.unreadable("a transaction without a GTID", errors.New("gtid_mode was not ON when it was made"))
	default:
		a.tracker.mysql(e.SID, e.Tag, e.Number)
	}
	return nil
}

func (a *assembler) query(ctx context.Context, h event.Header, q *event.Query) error {
	switch q.Text {
	case "BEGIN":
		return a.opened(h)
	case "COMMIT": // a group without XID: tables of an engine without transactions (MS-21)
		return a.commit(h)
	}
	s := a.relations.parse(q)
	switch s.kind {
	case stmtBegin:
		return a.opened(h)
	case stmtCommit:
		return a.commit(h)
	case stmtRollback:
		return a.rollback(h)
	case stmtSavepoint:
		return a.alone(h)
	case stmtRollbackTo:
		if a.ours {
			return a.unreadable("ROLLBACK TO SAVEPOINT within a transaction",
				errors.New("it undoes rows that the log holds, beside those of a table without transactions (MyISAM, Aria)"))
		}
		return a.alone(h)
	case stmtXAStart:
		return a.opened(h)
	case stmtXAEnd:
		return nil
	}
	return a.statement(ctx, h, q, s)
}

// statement takes a statement that is no bound of a transaction.
func (a *assembler) statement(ctx context.Context, h event.Header, q *event.Query, s statement) error {
	if a.tx == nil { // MySQL before 5.7, or without GTIDs
		if err := a.begin(headerTime(h), single); err != nil {
			return err
		}
	}
	switch s.kind {
	case stmtTruncate:
		if err := a.truncate(ctx, q, s); err != nil {
			return err
		}
	case stmtDDL:
		if s.partitions { // what it means for the copies a person must say
			if err := a.truncate(ctx, q, s); err != nil {
				return err
			}
		}
		if err := a.changeShapes(ctx, h, q, s); err != nil {
			return err
		}
	case stmtDML:
		if err := a.dml(ctx, q, s); err != nil {
			return err
		}
	}
	return a.alone(h)
}

// dml takes a statement that changes rows, of which the log then has none (MS-24). One that failed has changed rows of
// a table without transactions. A MEMORY table is empty after a restart of its server, which writes that into the log
// as a DELETE, whatever binlog_format is.
func (a *assembler) dml(ctx context.Context, q *event.Query, s statement) error {
	if !a.relations.mayTouch(q) {
		return nil
	}
	if s.emptied {
		inMemory, err := a.relations.inMemory(ctx, s.tables[0].or(q.Schema))
		if err != nil {
			return err
		}
		if inMemory {
			return a.truncate(ctx, q, s)
		}
	}
	return &cdc.UnreadableError{
		Server: a.db.Server,
		What:   fmt.Sprintf("a statement in the log where rows should be (default database %s)", q.Schema),
		Fix: "SET GLOBAL binlog_format = 'ROW' and end sessions that set another; then `ardso init " + a.db.Server +
			"`, which sets a new position, and `ardso transfer` what changed since the last one",
		Err: errors.New("binlog_format was STATEMENT or MIXED when it ran"),
	}
}

// opened is a BEGIN: the group's end is another event.
func (a *assembler) opened(h event.Header) error {
	if a.tx == nil {
		return a.begin(headerTime(h), full)
	}
	if a.group != open {
		return a.unreadable("BEGIN", errors.New("it stands within a transaction"))
	}
	a.group = full
	return nil
}

// alone is a statement that ends a group which consists of it alone, and no other group (MS-20).
func (a *assembler) alone(h event.Header) error {
	if a.tx != nil && a.group != full {
		return a.commit(h)
	}
	return nil
}

func (a *assembler) rollback(h event.Header) error {
	if a.tx == nil {
		return nil
	}
	if a.ours {
		return a.unreadable("ROLLBACK at the end of a transaction",
			errors.New("it undoes rows that the log holds, beside those of a table without transactions (MyISAM, Aria)"))
	}
	return a.commit(h)
}

// xaPrepare ends the rows of a transaction that somebody else decides later (MS-19). Holding them for however
// long that takes is not in our power, so those of our tables are refused.
func (a *assembler) xaPrepare(h event.Header, e *event.XAPrepare) error {
	if a.ours && !e.OnePhase {
		return &cdc.UnreadableError{
			Server: a.db.Server,
			What:   "a transaction that was prepared by XA and is decided later",
			Fix: "let no application change these forms by two-phase XA transactions; `ardso init " + a.db.Server +
				"` sets a new position behind it, then `ardso transfer` what it changed",
			Err: errors.New("ardso carries transactions when they are committed, and the log holds the rows of this one before"),
		}
	}
	return a.commit(h)
}

// commit ends the open group.
func (a *assembler) commit(h event.Header) error {
	tx := a.tx
	if tx == nil {
		return a.unreadable("a commit", errors.New("no transaction is open"))
	}
	a.tx, a.group = nil, 0
	if a.inFile {
		if err := a.ends(h); err != nil {
			return err
		}
	}
	if len(tx.Changes)+len(tx.Watermarks) == 0 && tx.Mark == nil && a.parts == 0 {
		a.idle = true // nothing of ours: only the position matters (L-13)
		if a.passed++; a.passed%beatEvery == 0 {
			return a.beat() // where such transactions never end, nobody waits for more of the log
		}
		return nil
	}
	tx.Position = a.tracker.text()
	a.delivered(tx.Position)
	return a.deliver(tx)
}

// beatEvery is after how many transactions without anything of ours the clock is looked at, while more come.
const beatEvery = 1024

// ends moves the place in the files on. An event tells its end in 32 bits, so beyond 4 GiB places repeat (MS-22).
func (a *assembler) ends(h event.Header) error {
	was := a.tracker.at.file
	if was.name == a.file && uint64(h.End) <= was.offset {
		return a.unreadable("a transaction", fmt.Errorf("it ends at byte %d, before the one before it: the file is larger than 4 GiB", h.End))
	}
	a.tracker.file(a.file, uint64(h.End))
	return nil
}

// behind is the place behind an event.
func (a *assembler) behind(h event.Header) place { return place{name: a.file, offset: uint64(h.End)} }

func (a *assembler) delivered(p cdc.Position) {
	a.known, a.idle, a.lastIdle = p, false, time.Time{}
}

// due is when a bare position is to be delivered; zero = there is none.
func (a *assembler) due() time.Time {
	if a.tx != nil || !a.idle {
		return time.Time{}
	}
	if a.lastIdle.IsZero() {
		a.lastIdle = a.now()
	}
	return a.lastIdle.Add(a.heartbeat)
}

// beat delivers a bare position when the log has moved on and none has been delivered for a while, so that
// the stored position does not fall behind what the server purges (L-13, MS-13).
func (a *assembler) beat() error {
	if due := a.due(); due.IsZero() || a.now().Before(due) {
		return nil
	}
	p := a.tracker.text()
	a.delivered(p)
	return a.deliver(&cdc.Transaction{Position: p, CommitTime: a.now().UTC(), Bytes: transactionBytes})
}

// payload takes a transaction that came compressed as one event (MS-17). Its events have no place in the
// file, so they end where the payload does.
func (a *assembler) payload(ctx context.Context, d *event.Decoder, h event.Header, p *event.TransactionPayload) error {
	events, err := d.Payload(p)
	if err != nil {
		return a.unreadable("a compressed transaction", err)
	}
	for {
		inner, e, err := events.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return a.unreadable("a compressed transaction", err)
		}
		inner.End = h.End
		if err := a.event(ctx, d, inner, e); err != nil {
			return err
		}
	}
}

// --- rows ---

func (a *assembler) tableMap(ctx context.Context, h event.Header, m *event.TableMap) error {
	if a.tx == nil {
		return a.unreadable("a table map", errors.New("no transaction is open"))
	}
	r, err := a.relations.of(ctx, m, a.tracker, a.behind(h))
	if err != nil {
		return err
	}
	a.tables[m.ID] = r
	return nil
}

func (a *assembler) rowsEvent(e *event.Rows) error {
	r, found := a.tables[e.TableID]
	switch {
	case a.tx == nil:
		return a.unreadable("rows", errors.New("no transaction is open"))
	case !found && e.TableID == dummyTable && len(e.Data) == 0:
		return nil // ends a statement
	case !found:
		return a.unreadable(fmt.Sprintf("rows of table number %d", e.TableID), errors.New("the log has not described it"))
	case r == nil:
		return nil
	}
	a.ours = true
	if r.dropped {
		a.rows++
		return nil
	}
	if err := r.whole(e); err != nil { // MS-15, MS-16
		return a.unreadableIn(r, "", err)
	}
	return a.images(r, e)
}

// dummyTable is the number in a rows event that only ends a statement.
const dummyTable = 0x00ffffff

func (a *assembler) images(r *relation, e *event.Rows) error {
	n := len(r.Columns)
	reader := r.layout.Rows(e)
	for {
		c := cdc.RowChange{Relation: r.Relation}
		cells := a.room(2 * n)
		used := n
		switch e.Kind {
		case event.Insert:
			c.Kind, c.After = cdc.Insert, cells[:n:n]
		case event.Update:
			c.Kind, c.Before, c.After = cdc.Update, cells[:n:n], cells[n:2*n:2*n]
			used = 2 * n
		case event.Delete:
			c.Kind, c.Before = cdc.Delete, cells[:n:n]
		}
		more, err := reader.Next(c.Before, c.After)
		if err != nil {
			return a.unreadableValue(r, err)
		}
		if !more {
			return nil
		}
		a.cells = cells[used:]
		size := textBytes(c.Before) + textBytes(c.After)
		if err := a.row(r, c, rowBytes+size+valueBytes*(len(c.Before)+len(c.After))); err != nil {
			return err
		}
	}
}

func (a *assembler) unreadableValue(r *relation, err error) error {
	var v *event.ValueError
	if errors.As(err, &v) && v.Column < len(r.Columns) {
		return a.unreadableIn(r, r.Columns[v.Column], err)
	}
	return a.unreadableIn(r, "", err)
}

func textBytes(image []value.Value) (n int) {
	for i := range image {
		n += len(image[i].Text())
	}
	return n
}

func (a *assembler) row(r *relation, c cdc.RowChange, bytes int) error {
	first := a.rows == 0
	a.rows++
	switch {
	case !r.control:
		return a.add(c, bytes)
	case c.Kind == cdc.Delete:
		return nil // cleaning up
	case strings.EqualFold(r.Table, cdc.WatermarkTable):
		a.tx.Watermarks = append(a.tx.Watermarks, cdc.ReadWatermark(c))
	case first:
		a.tx.Mark = cdc.ReadMark(c)
	}
	return nil
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
	a.tx = &cdc.Transaction{CommitTime: tx.CommitTime, Mark: copyMark(tx.Mark), Bytes: transactionBytes}
	tx.More, tx.Ahead = true, a.ahead()
	a.parts++
	return a.deliver(tx)
}

// ahead is covered exactly by what covers the open transaction's end: with GTIDs that end is known, in files it
// is behind where the transaction began.
func (a *assembler) ahead() cdc.Position {
	if !a.inFile {
		return a.tracker.text()
	}
	p := a.tracker.position()
	p.file.offset++
	return p.text()
}

// room is memory for at least n values, out of a larger piece, since most rows come in crowds. What is used of it
// is to be taken from cells.
func (a *assembler) room(n int) []value.Value {
	if len(a.cells) < n {
		a.cells = make([]value.Value, max(n, 512))
	}
	return a.cells
}

// --- statements that change tables ---

func (a *assembler) truncate(ctx context.Context, q *event.Query, s statement) error {
	if s.unknown && a.relations.mayTouch(q) {
		return a.unreadable("a TRUNCATE", fmt.Errorf("which tables it is about cannot be told of %.200q", q.Text))
	}
	for _, t := range s.tables {
		r, err := a.relations.named(ctx, t.or(q.Schema))
		if err != nil {
			return err
		}
		if r == nil || r.dropped || r.control {
			continue
		}
		a.ours = true
		a.rows++
		if err := a.add(cdc.RowChange{Relation: r.Relation, Kind: cdc.Truncate}, rowBytes); err != nil {
			return err
		}
	}
	return nil
}

// changeShapes forgets what is known of the tables that a statement may have changed (S-1, S-2).
func (a *assembler) changeShapes(ctx context.Context, h event.Header, q *event.Query, s statement) error {
	behind := a.tracker.position().within(a.behind(h))
	if s.unknown {
		return a.relations.changedAll(ctx, behind)
	}
	for _, t := range s.tables {
		if err := a.relations.changed(ctx, t.or(q.Schema), behind); err != nil {
			return err
		}
	}
	return nil
}

func (a *assembler) unreadable(what string, err error) error {
	return &cdc.UnreadableError{
		Server: a.db.Server,
		What:   what + " behind position " + string(a.known) + " in file " + a.file,
		Fix: "report this with the server's version; `ardso init " + a.db.Server +
			"` sets a new position, then `ardso transfer` what changed since the last one",
		Err: err,
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
