package control

import (
	"context"
	"time"
)

// updateID names what there can be one waiting update of.
func updateID(form, request, mapping, target string) string {
	return hash("update", form, request, mapping, target)
}

// LockUpdate reads and locks the update of a request that waits to go along a mapping; nil if none does.
func LockUpdate(ctx context.Context, tx Handle, form, request, mapping, target string) (*Pending, error) {
	var w where
	w.equal("id", updateID(form, request, mapping, target))
	q, args := w.sql(tx, "pending_select", "")
	list, err := readAll(ctx, tx, q+"\n"+dialectOf(tx).forUpdate, args, scanPending)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// WaitUpdate lets an update wait until due; one that waits already takes the new operation and stays due when
// it was.
func WaitUpdate(ctx context.Context, tx Handle, p Pending) error {
	_, err := exec(ctx, tx, "update_wait", updateID(p.Form, p.Request, p.Mapping, p.Target), p.Mapping, p.Form,
		p.Request, p.Target, p.Operation, dueText(tx, p.Due))
	return err
}

// dueText writes a time as the engine reads it: only PostgreSQL's type has a zone.
func dueText(h Handle, t time.Time) string {
	zone := ""
	if dialectOf(h).name == "postgres" {
		zone = "Z07:00"
	}
	return t.UTC().Format("2006-01-02 15:04:05.999999" + zone)
}

// dueAtOnce bounds the updates that are read together (G7).
const dueAtOnce = 500

// DueUpdates reads updates that wait and are due, some at once in order of ID, after the one given; "" = from the
// first. more: there may be others after these. Those to some targets are left out.
func DueUpdates(ctx context.Context, h Handle, now time.Time, after string, except ...string) (list []Pending, more bool, err error) {
	w := where{tests: []string{"type = 'update'", "status = 'waiting'", "due <= ?"}, args: []any{dueText(h, now)}, limit: dueAtOnce}
	if after != "" {
		w.tests, w.args = append(w.tests, "id > ?"), append(w.args, after)
	}
	for _, target := range except {
		w.tests, w.args = append(w.tests, "target <> ?"), append(w.args, target)
	}
	q, args := w.sql(h, "pending_select", "id")
	if list, err = readAll(ctx, h, q, args, scanPending); err != nil {
		return nil, false, err
	}
	return list, len(list) == dueAtOnce, nil
}

// TakeUpdate takes an update that waits and returns it; nil if it does so no more. What changes from now on waits anew.
func TakeUpdate(ctx context.Context, h Handle, id string) (*Pending, error) {
	own := NewID()
	n, err := exec(ctx, h, "update_take", own, id)
	if err != nil || n == 0 {
		return nil, err
	}
	// Another change may have joined it before it was taken.
	taken, err := ListPending(ctx, h, PendingFilter{ID: own})
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	return &taken[0], nil
}

// TakenUpdates reads the updates that were taken and are not done, in the order in which they were made.
func TakenUpdates(ctx context.Context, h Handle) ([]Pending, error) {
	return ListPending(ctx, h, PendingFilter{Type: "update", Status: []Status{Running}})
}

// DropUpdate gives up the update of a request that waits to go along a mapping, if one does.
func DropUpdate(ctx context.Context, tx Handle, form, request, mapping, target string) error {
	_, err := exec(ctx, tx, "update_drop", updateID(form, request, mapping, target))
	return err
}
