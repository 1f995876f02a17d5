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

// takeAtOnce bounds the updates that are read together (G7); the others come with the next look.
const takeAtOnce = 500

// TakeUpdates takes the updates that are due and returns them, with those that a former process took. What
// changes from now on waits anew.
func TakeUpdates(ctx context.Context, h Handle, now time.Time) ([]Pending, error) {
	w := where{tests: []string{"type = 'update'", "(status = 'running' OR due <= ?)"}, args: []any{dueText(h, now)}, limit: takeAtOnce}
	q, args := w.sql(h, "pending_select", "created, id")
	list, err := readAll(ctx, h, q, args, scanPending)
	if err != nil {
		return nil, err
	}
	var due []Pending
	for _, p := range list {
		switch p.Status {
		case Running:
			due = append(due, p)
		case Waiting:
			id := NewID()
			n, err := exec(ctx, h, "update_take", id, p.ID)
			if err != nil {
				return nil, err
			}
			if n == 0 {
				continue
			}
			// Another change may have joined it before it was taken; a return may have dropped it since.
			taken, err := ListPending(ctx, h, PendingFilter{ID: id})
			if err != nil {
				return nil, err
			}
			due = append(due, taken...)
		}
	}
	return due, nil
}

// DropUpdate gives up the update of a request that waits to go along a mapping, if one does.
func DropUpdate(ctx context.Context, tx Handle, form, request, mapping, target string) error {
	_, err := exec(ctx, tx, "update_drop", updateID(form, request, mapping, target))
	return err
}
