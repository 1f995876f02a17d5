package control

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"
)

// Rows of dso_pending of this type are escalations, whose names are in Pending.Mapping: one that is Waiting until it
// is Due, with its schedule as Operation, and its last run, whose Due is when it began.
const Escalation = "escalation"

// WaitEscalation lets an escalation wait until due under a schedule. One that waits already is set anew.
func WaitEscalation(ctx context.Context, h Handle, name, form, schedule string, due time.Time) error {
	_, err := exec(ctx, h, "escalation_wait", hash(Escalation, name), name, form, schedule, dueText(h, due))
	return err
}

// BeginEscalation begins the run that p, which waits, is due for: in one transaction p waits for the next time, and the
// run is a new row. A run is begun once, whoever else may try: then there is nothing to do, and it reports false.
func BeginEscalation(ctx context.Context, db beginner, p Pending, runIf string, began, next time.Time) (bool, error) {
	begun := false
	err := within(ctx, db, func(tx *sqlx.Tx) error {
		n, err := exec(ctx, tx, "escalation_next", dueText(tx, next), p.ID, dueText(tx, p.Due))
		if err != nil || n == 0 {
			return err
		}
		begun = true
		if _, err := exec(ctx, tx, "escalation_forget", p.Mapping); err != nil {
			return err
		}
		_, err = exec(ctx, tx, "escalation_begin", NewID(), p.Mapping, p.Form, runIf, dueText(tx, began))
		return err
	})
	return begun && err == nil, err
}

// NoteTaken stores that a run has taken requests, where that is not known yet: its progress tells only once they are
// carried out.
func NoteTaken(ctx context.Context, h Handle, id string, n int64) error {
	_, err := exec(ctx, h, "escalation_taken", n, id)
	return err
}
