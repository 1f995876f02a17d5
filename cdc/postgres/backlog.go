package postgres

import (
	"context"
	"fmt"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/sql/engine"
	"ardso/sql/replication"
)

// Backlog measures the log behind a position, and what the slot keeps of it, in bytes. It fails with
// *cdc.PositionLostError or *SetupError where a reader could not go on from there.
func Backlog(ctx context.Context, db *engine.DB, from cdc.Position, o Options) (cdc.Backlog, error) {
	o = o.withDefaults(db)
	s, err := replication.ReadState(ctx, db, o.Slot)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	at, err := startAt(s, from, db.Server, o.Slot)
	if err != nil {
		return cdc.Backlog{}, err
	}
	end, err := pgoutput.ParseLSN(s.LogEnd)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: end of the log: %w", db.Server, err)
	}
	b := cdc.Backlog{Unit: "bytes", Behind: distance(at.lsn, end), Limit: s.SafeBytes}
	if kept, err := pgoutput.ParseLSN(s.Restart); err == nil { // a slot that is being made keeps nothing yet
		b.Retained = distance(kept, end)
	}
	return b, nil
}

// distance is the bytes from a to b; 0 where b is not behind a.
func distance(a, b pgoutput.LSN) int64 {
	if b < a {
		return 0
	}
	return int64(b - a)
}
