package control

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Lease is this server's reader row: who reads its log, until when, and how far it is carried out.
type Lease struct {
	Position string
	Epoch    int64
	Holder   string    // "" = nobody
	Expires  time.Time // by the database's clock, as Updated
	Updated  time.Time
}

// ReadLease reads the reader row.
func ReadLease(ctx context.Context, h Handle) (Lease, error) { return readLease(ctx, h, "") }

func readLease(ctx context.Context, h Handle, lock string) (Lease, error) {
	var l Lease
	var expires, updated stamp
	row := h.QueryRowxContext(ctx, query(h, "lease_read")+"\n"+lock)
	if err := row.Scan(&l.Position, &l.Epoch, &l.Holder, &expires, &updated); err != nil {
		return Lease{}, fmt.Errorf("read lease: %w", err)
	}
	l.Expires, l.Updated = expires.Time, updated.Time
	return l, nil
}

// AcquireLease takes the lease for holder, which names this process and no other, if nobody holds
// it or it has run out by the database's clock. With ok the epoch is new and the position is where
// to read on; otherwise they are those of the process that holds it.
func AcquireLease(ctx context.Context, db *engine.DB, holder string, ttl time.Duration) (epoch int64, position string, ok bool, err error) {
	err = within(ctx, db, func(tx *sqlx.Tx) error {
		n, err := exec(ctx, tx, "lease_acquire", holder, ttl.Milliseconds(), holder)
		if err != nil {
			return err
		}
		ok = n > 0
		l, err := ReadLease(ctx, tx)
		epoch, position = l.Epoch, l.Position
		return err
	})
	if err != nil {
		return 0, "", false, fmt.Errorf("%s: acquire lease: %w", db.Server, err)
	}
	return epoch, position, ok, nil
}

// RenewLease moves the lease's end to ttl from now. It fails with *FencedError where another
// process has taken it.
func RenewLease(ctx context.Context, h Handle, server, holder string, epoch int64, ttl time.Duration) error {
	return leased(ctx, h, server, epoch, "lease_renew", ttl.Milliseconds(), holder, epoch)
}

// ReleaseLease gives the lease up, so that a process that stands by need not wait for its end.
// It is no error if another has it already.
func ReleaseLease(ctx context.Context, db *engine.DB, holder string, epoch int64) error {
	_, err := exec(ctx, db, "lease_release", holder, epoch)
	return err
}

// SavePosition stores how far the log has been carried out. It fails with *FencedError where the
// epoch is not that of the lease.
func SavePosition(ctx context.Context, db *engine.DB, epoch int64, position string) error {
	return leased(ctx, db, db.Server, epoch, "position_save", position, epoch)
}

// leased runs a statement on the reader row that refuses an epoch that is not the row's.
func leased(ctx context.Context, h Handle, server string, epoch int64, name string, args ...any) error {
	n, err := exec(ctx, h, name, args...)
	if err != nil || n > 0 {
		return err
	}
	l, err := ReadLease(ctx, h)
	if err != nil {
		return err
	}
	return &FencedError{What: "reader of " + server, Epoch: epoch, Newer: l.Epoch}
}
