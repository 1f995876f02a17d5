// Package apply carries operations out on one target database: in threads, in batches, each batch in
// one transaction whose first statement advances the thread's checkpoint (INV-1, INV-2).
//
// A batch is folded and grouped (package batch) and written set-based with the conflict check inside
// the statement (package statement). What a statement refused is looked at one by one and settled as
// its mapping says (package conflict); what cannot be settled is parked in dso_pending_error, in the
// same transaction, and holds back later operations of its request (G3). One bad request never fails
// its batch.
//
// It leaves to others: deciding (package mapping), dealing operations out to threads and following
// how far a log is done (package run). It never calls back into cdc.
//
// Read Target, Thread, Work, then Thread.Run.
package apply

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/mapping/qual"
	"ardso/sql/control"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/statement"
)

// Target is one target server, as the operations of one source server see it.
type Target struct {
	DB     *engine.DB
	Source string // server whose log is applied here
	Epoch  int64  // lease of that server's reader; writes of an older one are refused
	Log    *slog.Logger
	// Patience is how long a target that does not accept is waited for; 0 = without end.
	Patience time.Duration

	// Aside, if not nil, names what takes the work of a pool's threads that the target does not accept.
	Aside func(pool string) Aside

	// Tell is called with what the source must be told, once it is durable here and before the work is done.
	Tell func(Result)
	// IsOpen tells of a request of this server's own whether a hand-over of it is open.
	IsOpen func(form, request string) bool
	// Ownership leaves rules of the hand-over out, in tests only.
	Ownership ownership.Rules

	Counters Counters

	writer   *statement.Writer
	mappings map[string]*definition.CompiledMapping
	forms    map[string]*schema.Form
	serial   map[string]bool
	sets     map[string]conflict.Sets // by form
	// caseSensitive is how the target's qualifications compare text.
	caseSensitive bool

	held    held
	matches matches
}

// Counters count what was committed.
type Counters struct {
	Operations   atomic.Int64 // carried out, folded ones counted singly
	Written      atomic.Int64 // requests written
	Transactions atomic.Int64
	Conflicts    atomic.Int64 // settled
	Parked       atomic.Int64
	Retries      atomic.Int64 // transactions tried again after a transient error
}

// NewTarget prepares a target for the operations of source under the definitions.
func NewTarget(db *engine.DB, source string, epoch int64, defs *definition.Compiled, log *slog.Logger) *Target {
	t := &Target{
		DB: db, Source: source, Epoch: epoch, Log: log.With("target", db.Server),
		Tell:     func(Result) {},
		IsOpen:   func(string, string) bool { return false },
		writer:   statement.NewWriter(db),
		mappings: make(map[string]*definition.CompiledMapping),
		forms:    make(map[string]*schema.Form),
		serial:   make(map[string]bool),
		sets:     make(map[string]conflict.Sets),
	}
	if s := defs.Document.Server(db.Server); s != nil {
		t.caseSensitive = s.CaseSensitive
	}
	for _, m := range defs.Mappings {
		if m.From.Server == source && m.To.Server == db.Server {
			t.mappings[m.Name] = m
			t.addForm(m.ToForm)
		}
		// Changes go back along mappings that hand ownership over.
		if m.To.Server == source && m.From.Server == db.Server && m.TransferMode == definition.DataOwnership {
			t.mappings[m.Name] = m
			t.addForm(m.FromForm)
		}
		if source == db.Server { // write-backs
			for _, f := range []*schema.Form{m.FromForm, m.ToForm} {
				if f.Server == source {
					t.addForm(f)
				}
			}
		}
	}
	for _, u := range defs.Uses() {
		if u.Server == source && source == db.Server {
			t.addForm(u.Form)
		}
		if u.Server == source && u.Named != nil && u.Delete.Server == db.Server {
			t.addForm(u.Named.Form)
		}
	}
	t.held.load(nil)
	t.held.many = true // until LoadHeld has asked
	return t
}

// LoadHeld reads which requests are held back; before, every one is asked about.
func (t *Target) LoadHeld(ctx context.Context) error {
	keys, err := control.LoadHeld(ctx, t.DB, t.Source)
	if err != nil {
		return fmt.Errorf("%s: %w", t.DB.Server, err)
	}
	t.held.load(keys)
	return nil
}

// Form returns a form that definitions name; nil if there is none.
func (t *Target) Form(name string) *schema.Form { return t.forms[name] }

func (t *Target) addForm(f *schema.Form) {
	t.forms[f.Name] = f
	t.serial[f.Name] = f.IsSerial()
	t.sets[f.Name] = conflict.SetsOf(f)
	if f.Join != nil { // what is written are its parts
		for _, part := range f.Join.Parts {
			t.sets[part.Name] = conflict.SetsOf(part)
		}
	}
}

// held remembers which requests are held back by a row of dso_pending_error, so that a batch asks the
// database only about those. Rows are added by this process alone (the lease); people may remove
// them, so a remembered request is asked about before it is believed.
type held struct {
	mu   sync.Mutex
	keys map[control.Key]struct{}
	many bool // too many to remember: ask about every request
}

// maxHeld bounds the memory of held, G7.
const maxHeld = 100_000

func (h *held) load(keys []control.Key) {
	h.mu.Lock()
	h.keys, h.many = make(map[control.Key]struct{}), false
	h.mu.Unlock()
	for _, k := range keys {
		h.add(k)
	}
}

func (h *held) add(k control.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.keys) >= maxHeld {
		h.many = true
		h.keys = nil
	}
	if !h.many {
		h.keys[k] = struct{}{}
	}
}

func (h *held) remove(k control.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.keys, k)
}

// suspects returns the keys that may be held.
func (h *held) suspects(keys []control.Key) []control.Key {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.many {
		return keys
	}
	var some []control.Key
	for _, k := range keys {
		if _, ok := h.keys[k]; ok {
			some = append(some, k)
		}
	}
	return some
}

// matches caches compiled matching qualifications by their text: values differ per request, so it is
// small and short-lived.
type matches struct {
	mu sync.Mutex
	m  map[string]*qual.Qualification
}

func (c *matches) compile(text string, form *schema.Form, caseSensitive bool) (*qual.Qualification, error) {
	key := form.Name + "\x00" + text
	c.mu.Lock()
	q := c.m[key]
	c.mu.Unlock()
	if q != nil {
		return q, nil
	}
	q, err := qual.Compile(text, qual.Scope{Form: form, CaseSensitive: caseSensitive})
	if err != nil {
		return nil, fmt.Errorf("matching qualification: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) > 1000 {
		c.m = make(map[string]*qual.Qualification)
	}
	c.m[key] = q
	return q, nil
}

// Current reads, under a lock, the request that op is to write, as a thread would before it settles it: nil where
// there is none. The failure of a matching qualification is an error.
func Current(ctx context.Context, db *engine.DB, tx *statement.Tx, op *mapping.Operation, form *schema.Form, caseSensitive bool) (*conflict.Current, error) {
	w := &writing{t: &Target{writer: statement.NewWriter(db), caseSensitive: caseSensitive}, tx: tx}
	_, cur, failure, err := w.find(ctx, op, form)
	if err == nil && failure != nil {
		err = failure
	}
	return cur, err
}
