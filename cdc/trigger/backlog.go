package trigger

import (
	"context"
	"fmt"

	"ardso/cdc"
	"ardso/sql/engine"
	"ardso/sql/triggerlog"
)

// Backlog measures the log behind a position in rows. It fails with *cdc.PositionLostError where a
// reader could not go on from there, and with *cdc.UnreadableError where there is no log.
func Backlog(ctx context.Context, db *engine.DB, from cdc.Position) (cdc.Backlog, error) {
	seq, err := parsePosition(from)
	if err != nil {
		return cdc.Backlog{}, &cdc.PositionLostError{Server: db.Server, Position: from, Reason: err.Error()}
	}
	if err := New(db, Options{}).checkStart(ctx, seq); err != nil {
		return cdc.Backlog{}, err
	}
	e, err := triggerlog.ReadExtent(ctx, db)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	end := max(e.Given, e.Cut)
	return cdc.Backlog{Unit: "rows", Behind: end - seq, Retained: end - e.Trimmed, Limit: -1}, nil
}
