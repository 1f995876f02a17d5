package run

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"ardso/cdc"
	"ardso/cdc/watermark"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/join"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// jobs carries out what is asked for in the server's dso_pending, one after another: transfers and returns by
// qualification and runs of escalations, chunk by chunk by watermark select. A job's progress is kept in its row
// once a chunk is durable on the targets, so it goes on there after a restart.
type jobs struct {
	s      *source
	writer *statement.Writer

	mu      sync.Mutex
	current *job
	loading map[string]bool   // mappings that a transfer is under way or waiting for, as last seen
	pauses  map[string]*pause // by ID, of jobs that were interrupted; only run uses it
	idle    chan struct{}     // closed once the queue was seen empty with nothing under way
}

// job is the one under way.
type job struct {
	control.Pending
	durable chan step    // chunks that became durable
	given   atomic.Int64 // chunks that were delivered
	taken   atomic.Int64 // of an escalation: at least so many requests, be they carried out or not
}

// step is a chunk that is durable.
type step struct {
	rows    int
	lastKey string
	final   bool
}

// pause is how long a job that was interrupted is left alone.
type pause struct {
	failures int // since it got on
	until    time.Time
}

const (
	longestPause = time.Minute
	// onceFailures is how often a batch run goes on with a job that does not get on; then it ends, and the job is the next one's.
	onceFailures = 5
)

func newJobs(s *source) *jobs {
	return &jobs{s: s, writer: statement.NewWriter(s.server.DB), pauses: make(map[string]*pause), idle: make(chan struct{})}
}

// run looks for jobs until ctx ends.
func (j *jobs) run(ctx context.Context) error {
	seenIdle := false
	escalations := newEscalations(j.s)
	retried := j.s.retried // which may ask for hand-overs again
	for {
		asked := retried == nil
		list, err := j.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		halted := false // a run of an escalation has begun and not ended
		for _, p := range list {
			if !j.isPaused(p.ID) {
				if err := j.interrupt(&p, j.one(ctx, p)); err != nil {
					if ctx.Err() != nil {
						return nil
					}
					return err
				}
			}
			halted = halted || p.Type == control.Escalation && j.pauses[p.ID] != nil
		}
		begun := false
		if !halted {
			begun, err = escalations.begin(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case begun:
			continue
		}
		if len(list) == 0 && asked && !seenIdle {
			seenIdle = true
			close(j.idle)
		}
		select {
		case <-retried:
			retried = nil
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return nil
		}
	}
}

// interruption ends an attempt at a job, which goes on later from where it is.
type interruption struct {
	error
	gotOn bool // a chunk has become durable
}

func (e *interruption) Unwrap() error { return e.error }

// interrupt lets a job that was interrupted pause while others go on; it returns other errors. If the job failed for that,
// nobody might ask for it again; if the whole source began anew, all else would be held up for, say, one locked table.
func (j *jobs) interrupt(p *control.Pending, err error) error {
	var cause *interruption
	if !errors.As(err, &cause) {
		delete(j.pauses, p.ID) // it has ended
		return err
	}
	x := j.pauses[p.ID]
	if x == nil || cause.gotOn {
		x = &pause{}
		j.pauses[p.ID] = x
	}
	x.failures++
	if j.s.opt.Once && x.failures > onceFailures {
		return fmt.Errorf("%s: %w", j.s.server.Name, cause.error)
	}
	wait := min(time.Second<<min(x.failures-1, 6), longestPause)
	x.until = time.Now().Add(wait)
	j.s.log.Warn("job interrupted, goes on later", "job", p.ID, "mapping", p.Mapping, "err", cause.error, "wait_ms", wait.Milliseconds())
	return nil
}

func (j *jobs) isPaused(id string) bool {
	x := j.pauses[id]
	return x != nil && time.Now().Before(x.until)
}

// look reads which jobs there are. It is called before the log is read and before each job begins, so
// that expect knows of a job before the job's first watermark comes by.
func (j *jobs) look(ctx context.Context) ([]control.Pending, error) {
	list, err := control.ListPending(ctx, j.s.server.DB, control.PendingFilter{Status: []control.Status{control.New, control.Running}})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", j.s.server.Name, err)
	}
	list = slices.DeleteFunc(list, func(p control.Pending) bool { return p.Type == jobUpdate })
	loading := make(map[string]bool)
	for _, p := range list {
		loading[p.Mapping] = loading[p.Mapping] || p.Type == jobTransfer
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.loading = loading
	return list, nil
}

// expect lets modifies create their requests where a transfer along their mapping is under way: it may not
// have come to a request yet.
func (j *jobs) expect(ops []*mapping.Operation) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, op := range ops {
		if op.Action == mapping.Modify && j.loading[op.Mapping] {
			op.CreateIfMissing = true
		}
	}
}

// drained waits until the queue was empty once.
func (j *jobs) drained(ctx context.Context) error {
	select {
	case <-j.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// one carries out a job. A job that cannot be carried out is marked failed with the reason; the
// error is one that concerns the whole source, or an *interruption.
func (j *jobs) one(ctx context.Context, p control.Pending) error {
	db := j.s.server.DB
	what := "mapping"
	if p.Type == control.Escalation {
		what = "escalation"
	}
	log := j.s.log.With("job", p.ID, what, p.Mapping)
	rows, where, err := j.prepare(ctx, &p)
	if err != nil {
		log.Error("job failed", "err", err)
		_, err = j.settle(ctx, p.ID, control.Failed, err)
		return err
	}
	if there, err := j.settle(ctx, p.ID, control.Running, nil); err != nil || !there {
		return err
	}
	log.Info("job started", "after", p.LastKey)
	jb := &job{Pending: p, durable: make(chan step, 1024)}
	j.mu.Lock()
	j.current = jb
	j.mu.Unlock()
	defer func() {
		j.mu.Lock()
		j.current = nil
		j.mu.Unlock()
	}()

	selected := make(chan error, 1) // nil once it has told that all is selected
	result := selected
	sctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() { result <- j.s.stream.Select(sctx, jb.selects(&chunker{jobs: j, form: rows, where: where})) }()
	var broken error // by what the selection was interrupted
	steps := int64(0)
	for {
		if broken != nil && steps == jb.given.Load() { // what was delivered is durable, so nothing is delivered twice
			return &interruption{broken, steps > 0}
		}
		select {
		case err := <-selected:
			if err == nil {
				selected = nil // the last chunk is delivered; its durability comes by the other way
				continue
			}
			var again *watermark.RestartError
			if ctx.Err() != nil || errors.As(err, &again) {
				return context.Cause(ctx) // it stays running and goes on with the next start
			}
			if db.Engine.Class(err) == engine.Transient {
				broken, selected = err, nil
				continue
			}
			log.Error("job failed", "err", err)
			_, err = j.settle(ctx, p.ID, control.Failed, err)
			return err
		case st := <-jb.durable:
			steps++
			jb.RowsDone += int64(st.rows)
			err := control.SetProgress(ctx, db, p.ID, st.lastKey, max(jb.RowsDone, jb.taken.Load()), jb.RowsTotal)
			if err != nil && !errors.As(err, new(*control.NotFoundError)) {
				return err
			}
			if st.final {
				log.Info("job done", "rows", jb.RowsDone)
				if err := control.PruneWatermarks(ctx, db, watermarkAge); err != nil {
					return err
				}
				if isOwn(p.Type) { // nobody has asked for it, so nobody asks what became of it
					err := control.DeletePending(ctx, db, p.ID)
					if errors.As(err, new(*control.NotFoundError)) {
						err = nil
					}
					return err
				}
				_, err := j.settle(ctx, p.ID, control.Done, nil)
				return err
			}
			if there, err := j.settle(ctx, p.ID, control.Running, nil); err != nil || !there {
				if stop(); selected != nil {
					log.Debug("job given up", "err", <-selected)
				}
				return err
			}
		case <-ctx.Done():
			if selected != nil {
				log.Debug("job interrupted", "err", <-selected)
			}
			return context.Cause(ctx)
		}
	}
}

// selects is what the job's rows are selected for. They come as the log shows them last where it touches them meanwhile: no
// filter need take such a change.
func (jb *job) selects(rows *chunker) watermark.Job {
	w := watermark.Job{ID: jb.ID, After: jb.LastKey, Rows: rows, Whole: rows.shape(), Delivered: func() { jb.given.Add(1) }}
	if rows.inRound() {
		w.Prefix = join.Prefix
	}
	if jb.Type == control.Escalation {
		w.Escalation, w.At, w.Before = jb.Mapping, jb.Due, jb.RowsDone
		return w
	}
	w.Mapping, w.Return, w.Where = jb.Mapping, isReturn(jb.Type), jb.Qualification
	w.Follow, w.Choose = jb.Type == jobFollow, jb.Type == jobChoose
	w.Again = jb.Type == control.TransferAgain || jb.Type == control.ReturnAgain
	return w
}

// settle sets a job's status, unless a person has ended or removed it; there says which.
func (j *jobs) settle(ctx context.Context, id string, to control.Status, cause error) (there bool, err error) {
	err = control.SetStatus(ctx, j.s.server.DB, id, to, cause)
	if errors.As(err, new(*control.NotFoundError)) {
		j.s.log.Info("job was cancelled", "job", id)
		return false, nil
	}
	return err == nil, err
}

// prepare finds the form to select from and the part of the qualification that the database can judge.
func (j *jobs) prepare(ctx context.Context, p *control.Pending) (*schema.Form, schema.Condition, error) {
	prepare := j.prepareTransfer
	if p.Type == control.Escalation {
		prepare = j.prepareEscalation
	}
	form, cond, err := prepare(p)
	if err != nil {
		return nil, cond, err
	}
	if p.RowsTotal <= 0 {
		p.RowsTotal = -1
		cctx, cancel := context.WithTimeout(ctx, 5*time.Second) // an estimate is not worth more
		if n, err := j.writer.Count(cctx, j.s.server.DB, form, cond); err == nil {
			p.RowsTotal = n
		}
		cancel()
	}
	return form, cond, nil
}

func (j *jobs) prepareTransfer(p *control.Pending) (*schema.Form, schema.Condition, error) {
	var none schema.Condition
	form, err := jobForm(j.s.sys.Compiled, j.s.server.Name, p)
	if err != nil {
		return nil, none, err
	}
	q, err := j.s.decider.CompileWhere(p.Qualification, form)
	if err != nil {
		return nil, none, &jobError{"qualification.error", fmt.Sprintf("%s: %s", p.Qualification, err), "correct the qualification"}
	}
	return form, q.Prefilter(), nil
}

// Types of jobs in dso_pending, beside control.Escalation.
const (
	jobTransfer = "transfer"
	jobReturn   = "return"
	jobFollow   = "follow" // along the requests' ownership chains, as they are now
	jobChoose   = "choose" // transfers along the mappings that the requests choose, as they are now
	jobUpdate   = "update" // no job: see updates
)

// isOwn reports whether ardso itself asks for jobs of that type.
func isOwn(kind string) bool {
	return kind == jobFollow || kind == jobChoose || kind == control.TransferAgain || kind == control.ReturnAgain
}

func isReturn(kind string) bool { return kind == jobReturn || kind == control.ReturnAgain }

// jobForm is the form whose requests a job takes along its mapping, or back.
func jobForm(defs *definition.Compiled, server string, p *control.Pending) (*schema.Form, error) {
	m := defs.Mapping(p.Mapping)
	switch {
	case p.Type == jobFollow, p.Type == jobChoose:
		if f := homeForm(server, defs, p.Form); f != nil {
			return f, nil
		}
		return nil, &jobError{"mapping.unknown", fmt.Sprintf("no mapping begins or ends at form %q on %s", p.Form, server), "bring the mapping back that brought the request"}
	case m != nil && m.Enabled && (p.Type == jobTransfer || p.Type == control.TransferAgain) && m.From.Server == server:
		return m.FromForm, nil
	case m != nil && m.Enabled && isReturn(p.Type) && m.To.Server == server && m.TransferMode == definition.DataOwnership:
		return m.ToForm, nil
	case isReturn(p.Type):
		return nil, &jobError{"mapping.unknown", fmt.Sprintf("mapping %q is not an enabled mapping that hands ownership over to %s", p.Mapping, server), "name a mapping of the definitions"}
	}
	return nil, &jobError{"mapping.unknown", fmt.Sprintf("mapping %q is not an enabled mapping from %s", p.Mapping, server), "name a mapping of the definitions"}
}

// homeForm is the one of homeForms that has a name; nil if none has.
func homeForm(server string, defs *definition.Compiled, name string) *schema.Form {
	for _, f := range homeForms(server, defs) {
		if f.Name == name {
			return f
		}
	}
	return nil
}

// jobError is why a job cannot be carried out.
type jobError struct{ name, reason, remedy string }

func (e *jobError) Error() string  { return e.reason }
func (e *jobError) Name() string   { return e.name }
func (e *jobError) Remedy() string { return e.remedy }

// onDurable returns what is to be called once tx, a selection, is durable; nil for others.
func (j *jobs) onDurable(tx *cdc.Transaction) func() {
	jb := j.of(tx)
	if jb == nil {
		return nil
	}
	st := step{rows: len(tx.Changes), lastKey: tx.Selection.LastKey, final: tx.Selection.Final}
	if jb.Type == control.Escalation {
		st.rows = int(tx.Selection.Taken)
	}
	return func() { jb.durable <- st } // at most one chunk is under way, so there is room
}

// of is the job under way, if tx is a selection of it; else nil.
func (j *jobs) of(tx *cdc.Transaction) *job {
	j.mu.Lock()
	defer j.mu.Unlock()
	if tx.Selection == nil || j.current == nil || j.current.ID != tx.Selection.Job {
		return nil
	}
	return j.current
}

// note stores, before anything of it is carried out, that an escalation has taken requests: begun anew after a crash, it
// may find none that is left, and that is no case for its else actions.
func (j *jobs) note(ctx context.Context, tx *cdc.Transaction) error {
	jb := j.of(tx)
	if jb == nil || tx.Selection.Taken == 0 || jb.taken.Load() > 0 {
		return nil
	}
	if x := j.s.sys.Compiled.Escalation(tx.Selection.Escalation); x == nil || len(x.Else) == 0 {
		return nil
	}
	jb.taken.Store(tx.Selection.Taken)
	return control.NoteTaken(ctx, j.s.server.DB, jb.ID, tx.Selection.Taken)
}

// chunker selects a form's requests in key order.
type chunker struct {
	jobs     *jobs
	form     *schema.Form
	where    schema.Condition
	relation *cdc.Relation
}

// Chunk selects the next rows. On PostgreSQL it does so in one snapshot, which tells which
// transactions it saw; elsewhere one statement is enough.
func (c *chunker) Chunk(ctx context.Context, after string, limit int) (_ *watermark.Chunk, err error) {
	var handle control.Handle = c.jobs.s.server.DB
	snapshots := c.jobs.s.server.DB.Engine.Dialect == "postgres"
	switch {
	case c.inRound():
		if handle, err = c.jobs.s.joins.openView(ctx); err != nil {
			return nil, err
		}
	case snapshots:
		tx, err := c.jobs.s.server.DB.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
		if err != nil {
			return nil, err
		}
		defer func() { _ = tx.Rollback() }() // nothing was written
		handle = tx
	}
	form, where := c.read(), c.where
	if c.form.Join != nil {
		where = c.form.Join.Translate(c.form, where)
	}
	rows, next, err := c.jobs.writer.Select(ctx, handle, form, where, statement.Chunk{After: after, Rows: limit})
	if err != nil {
		return nil, err
	}
	out := &watermark.Chunk{Relation: c.shape(), Last: next, Done: next == ""}
	if len(rows) > 0 && next == "" {
		if out.Last, err = keyOf(form, rows[len(rows)-1]); err != nil {
			return nil, err
		}
	}
	if snapshots {
		snapshot, err := control.InFlight(ctx, handle)
		if err != nil {
			return nil, err
		}
		out.Saw = snapshot.Saw
	}
	for _, row := range rows {
		for _, k := range form.Key { // keys are compared with those of the log, which are as stored
			if row[k.Index], err = k.Stored(row[k.Index]); err != nil {
				return nil, err
			}
		}
	}
	out.Rows = rows
	return out, nil
}

func keyOf(form *schema.Form, row []value.Value) (string, error) {
	key := make([]value.Value, len(form.Key))
	for i, k := range form.Key {
		v, err := k.Stored(row[k.Index])
		if err != nil {
			return "", err
		}
		key[i] = v
	}
	return statement.EncodeKey(key)
}

// inRound reports whether each chunk is a round that settles join forms: what has changed of parts before it is told
// first, so that no selected request is older than the job.
func (c *chunker) inRound() bool { return c.jobs.s.decider.FollowsJoin(c.form) }

// read is the form whose rows are selected: of a join form the pairs of its parts' requests.
func (c *chunker) read() *schema.Form {
	if c.form.Join != nil {
		return c.form.Join.Pair
	}
	return c.form
}

// shape is the relation of selected rows: the form's fields in their order.
func (c *chunker) shape() *cdc.Relation {
	if form := c.read(); c.relation == nil {
		r := &cdc.Relation{Schema: form.Table.Schema, Table: form.Table.Name}
		for _, f := range form.Fields {
			r.Columns = append(r.Columns, f.Column.Name)
			r.Key = append(r.Key, form.IsKey(f))
		}
		c.relation = r
	}
	return c.relation
}
