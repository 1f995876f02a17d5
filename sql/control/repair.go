package control

import (
	"context"
	"fmt"

	"ardso/sql/engine"
)

// repairThread is the row of dso_checkpoint that marks what a person has ardso write on a server. Being
// below zero it is no thread to those that load positions or drop stale layouts.
const repairThread = -2

func repairRow(server string) Checkpoint {
	return Checkpoint{Source: server, Pool: "owner", Layout: "repair", Thread: repairThread, Origin: server, Path: server, WriteBack: true}
}

// PrepareRepair makes sure that BeginRepair finds its row. It fences nobody.
func PrepareRepair(ctx context.Context, db *engine.DB) error {
	c := repairRow(db.Server)
	_, err := exec(ctx, db, "checkpoint_prepare", c.Source, c.Pool, c.Layout, c.Thread, "", 0)
	return err
}

// BeginRepair marks tx, which has written nothing yet, as a write-back on the server itself: its own
// reader knows it by that, and filters do not run. End it with CloseMark of the result.
//
// The mark's epoch is that of the lease as tx sees it. Being no newer than that of the process that
// reads the server, it fences nobody; should a new process take the lease at this very moment, it is
// refused (*FencedError), and the whole transaction may be tried again.
func BeginRepair(ctx context.Context, tx Handle, server string) (Checkpoint, error) {
	c := repairRow(server)
	l, err := ReadLease(ctx, tx)
	if err != nil {
		return c, err
	}
	c.Epoch = l.Epoch
	if err := Advance(ctx, tx, c); err != nil {
		return c, fmt.Errorf("%s: mark a repair: %w", server, err)
	}
	return c, nil
}
