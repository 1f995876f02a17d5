package run

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"ardso/apply"
	"ardso/mapping"
	"ardso/sql/control"
)

// updates hands updates that waited for their hour to their threads. Only what can go is taken from those that wait: what
// cannot, since its target does not accept, its pool polls or its mapping is gone, goes on waiting, where later changes join
// it and a person may give it up, and keeps no other from going. Of a request one goes at a time along a mapping, so that
// none overtakes another.
type updates struct {
	s *source

	look    sync.Mutex // held by the one look that is under way, which alone uses these
	after   string     // ID of the update that the last look came to; "" = all
	unknown []string   // targets that the definitions do not have
	said    map[string]bool

	mu    sync.Mutex
	taken map[updateKey][]*taken // nil: those of former processes are to be read
}

// updateKey names what there is one waiting update of.
type updateKey struct{ form, request, mapping, target string }

func keyOfUpdate(p *control.Pending) updateKey {
	return updateKey{p.Form, p.Request, p.Mapping, p.Target}
}

// taken is an update that was taken from those that wait and is not done.
type taken struct {
	id   string
	op   *mapping.Operation
	busy bool // a thread has it
}

// lookPages bounds what one look reads in vain.
const lookPages = 4

// run carries updates out when they are due, until ctx ends.
func (u *updates) run(ctx context.Context) error {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		_, err := u.carry(ctx, false)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// drain hands all that is due and can go to its threads; u may be nil.
func (u *updates) drain(ctx context.Context) error {
	if u == nil {
		return nil
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if left, err := u.carry(ctx, true); err != nil || !left {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// carry looks once for updates that can go: for all, or for some. left: there were some, or there are that can go once those
// before them are done.
func (u *updates) carry(ctx context.Context, all bool) (left bool, err error) {
	u.look.Lock()
	defer u.look.Unlock()
	db, now := u.s.server.DB, u.s.opt.Now()
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: updates that wait: %w", u.s.server.Name, err)
		}
	}()
	if err := u.readTaken(ctx); err != nil {
		return false, err
	}
	for key, x := range u.idle() {
		sent, err := u.send(ctx, key, x)
		if err != nil {
			return false, err
		}
		left = left || sent
	}
	if all {
		u.after = ""
	}
	for vain := 0; all || vain < lookPages; vain++ {
		list, more, err := control.DueUpdates(ctx, db, now, u.after, append(u.away(), u.unknown...)...)
		if err != nil {
			return false, err
		}
		for i := range list {
			u.after = list[i].ID
			goes, err := u.take(ctx, &list[i])
			if err != nil {
				return false, err
			}
			if goes {
				left, vain = true, 0
			}
		}
		if !more {
			u.after = ""
			return left, nil
		}
	}
	return left, nil
}

// readTaken reads what former processes have taken, once.
func (u *updates) readTaken(ctx context.Context) error {
	if u.taken != nil {
		return nil
	}
	list, err := control.TakenUpdates(ctx, u.s.server.DB)
	if err != nil {
		return err
	}
	all := make(map[updateKey][]*taken)
	for i := range list {
		op, err := readUpdate(&list[i])
		if err != nil {
			return err
		}
		key := keyOfUpdate(&list[i])
		all[key] = append(all[key], &taken{id: list[i].ID, op: op})
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.taken = all
	return nil
}

// idle are the updates that were taken and that no thread has: those of former processes, and those that a target did not
// accept. Of several of a request it is the first.
func (u *updates) idle() map[updateKey]*taken {
	u.mu.Lock()
	defer u.mu.Unlock()
	idle := make(map[updateKey]*taken)
	for key, list := range u.taken {
		if !list[0].busy {
			idle[key] = list[0]
		}
	}
	return idle
}

// away are the targets that accept nothing now.
func (u *updates) away() (names []string) {
	for name, t := range u.s.targets {
		if t.aside != nil && t.aside.IsAway() {
			names = append(names, name)
		}
	}
	return names
}

// take takes an update that waits, if it can go, and sends it. goes: it is sent, or may be once the one before it is done.
func (u *updates) take(ctx context.Context, p *control.Pending) (goes bool, err error) {
	key := keyOfUpdate(p)
	u.mu.Lock()
	before := u.taken[key]
	goes = len(before) > 0 && before[0].busy
	u.mu.Unlock()
	if len(before) > 0 {
		return goes, nil
	}
	op, err := readUpdate(p)
	if err != nil {
		return false, err
	}
	if u.thread(op, p.ID) == nil {
		return false, nil
	}
	if p, err = control.TakeUpdate(ctx, u.s.server.DB, p.ID); err != nil || p == nil {
		return false, err
	}
	if op, err = readUpdate(p); err != nil { // with what has joined it
		return false, err
	}
	x := &taken{id: p.ID, op: op}
	u.mu.Lock()
	u.taken[key] = append(u.taken[key], x)
	u.mu.Unlock()
	return u.send(ctx, key, x)
}

// thread is where an update goes; nil: it cannot go now.
func (u *updates) thread(op *mapping.Operation, id string) *apply.Thread {
	t := u.s.targets[op.Target]
	var at place
	ok := t != nil
	if ok {
		at, ok = t.layout.place(op, false)
	}
	switch {
	case !ok: // the mapping is gone: the update waits until it is back, and status and pending show it
		if t == nil && !slices.Contains(u.unknown, op.Target) {
			u.unknown = append(u.unknown, op.Target)
		}
		if !u.said[op.Mapping] {
			u.said[op.Mapping] = true
			u.s.log.Warn("no mapping for updates that wait", "update", id, "mapping", op.Mapping, "request", op.Request)
		}
		return nil
	case t.asideOf(at.pool) != nil && t.asideOf(at.pool).IsAway():
		return nil
	}
	return t.threads[at]
}

// send hands an update that was taken to its thread, if it can go.
func (u *updates) send(ctx context.Context, key updateKey, x *taken) (bool, error) {
	th := u.thread(x.op, x.id)
	if th == nil {
		return false, nil
	}
	u.mu.Lock()
	x.busy = true
	u.mu.Unlock()
	dropped := func(error) { // it may be carried out nevertheless, so it stays taken
		u.mu.Lock()
		defer u.mu.Unlock()
		x.busy = false
	}
	done := func() { // and out of the queue
		u.stayOpen(x.op)
		u.mu.Lock()
		defer u.mu.Unlock()
		if list := slices.DeleteFunc(u.taken[key], func(y *taken) bool { return y == x }); len(list) > 0 {
			u.taken[key] = list
		} else {
			delete(u.taken, key)
		}
	}
	u.stayOpen(x.op)
	told := apply.UpdatedOf(x.op, x.id)
	back := u.s.back
	return true, th.Send(ctx, apply.Work{Ops: []*mapping.Operation{x.op}, Path: x.op.Path, Late: true, Free: func() {}, Drop: dropped, Done: func() {
		_ = back.thread.Send(back.ctx, apply.Work{Ops: []*mapping.Operation{told}, Path: told.Path, Free: func() {}, Done: done})
	}})
}

// stayOpen keeps open a pool that polls and whose time has come, so that not only those updates go that a moment is enough
// for.
func (u *updates) stayOpen(op *mapping.Operation) {
	t := u.s.targets[op.Target]
	if at, ok := t.layout.place(op, false); ok {
		if a := t.polling[at.pool]; a != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			if !a.away {
				a.opened = time.Now()
			}
		}
	}
}

func readUpdate(p *control.Pending) (*mapping.Operation, error) {
	ops, err := ReadOperations(p.Operation)
	if err == nil && len(ops) != 1 {
		err = fmt.Errorf("%d operations", len(ops))
	}
	if err != nil {
		return nil, fmt.Errorf("update %s of request %q: %w", p.ID, p.Request, err)
	}
	return ops[0], nil
}
