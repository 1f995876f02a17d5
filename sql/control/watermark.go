package control

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ardso/sql/engine"
)

// WriteWatermark writes a watermark into the server's log, in a transaction of its own: it is in
// the log when this returns. A name may have one watermark of each kind.
func WriteWatermark(ctx context.Context, db *engine.DB, kind, name string) error {
	_, err := exec(ctx, db, "watermark_write", name, kind)
	return err
}

// PruneWatermarks deletes the watermarks that were written longer ago than age. Readers do not
// look at deletes, so it may run at any time after they have passed.
func PruneWatermarks(ctx context.Context, db *engine.DB, age time.Duration) error {
	_, err := exec(ctx, db, "watermark_prune", -age.Milliseconds())
	return err
}

// Snapshot is which transactions a statement of PostgreSQL saw.
type Snapshot struct {
	Xmin   uint64   // all below had ended
	Xmax   uint64   // this and all above had not begun
	Active []uint64 // between the two, had not ended; ascending
}

// InFlight reads PostgreSQL's current snapshot. A row that a SELECT of the same snapshot or a later
// one did not see may still come from a transaction that is active here, though the log shows its
// commit before a watermark written meanwhile.
func InFlight(ctx context.Context, h Handle) (Snapshot, error) {
	var text string
	if err := h.QueryRowxContext(ctx, query(h, "snapshot")).Scan(&text); err != nil {
		return Snapshot{}, fmt.Errorf("read snapshot: %w", err)
	}
	return ParseSnapshot(text)
}

// ParseSnapshot reads PostgreSQL's text form, xmin:xmax:xip,xip,….
func ParseSnapshot(text string) (Snapshot, error) {
	var s Snapshot
	bad := fmt.Errorf("snapshot %q: not xmin:xmax:list", text)
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return s, bad
	}
	var err1, err2 error
	s.Xmin, err1 = strconv.ParseUint(parts[0], 10, 64)
	s.Xmax, err2 = strconv.ParseUint(parts[1], 10, 64)
	if err1 != nil || err2 != nil {
		return Snapshot{}, bad
	}
	for x := range strings.SplitSeq(parts[2], ",") {
		if x == "" {
			continue
		}
		n, err := strconv.ParseUint(x, 10, 64)
		if err != nil {
			return Snapshot{}, bad
		}
		s.Active = append(s.Active, n)
	}
	return s, nil
}

// Saw reports whether the transaction with this ID had ended when the snapshot was taken. Logs give
// the ID without its epoch (32 bits); it is completed to the one nearest to the snapshot.
func (s Snapshot) Saw(id uint64) bool {
	if id>>32 == 0 {
		id = s.complete(uint32(id))
	}
	if id < s.Xmin {
		return true
	}
	if id >= s.Xmax {
		return false
	}
	for _, a := range s.Active {
		if a == id {
			return false
		}
	}
	return true
}

// complete adds the epoch to a 32-bit ID: transaction IDs in use are less than 2^31 apart.
func (s Snapshot) complete(id uint32) uint64 {
	return s.Xmax + uint64(int64(int32(id-uint32(s.Xmax))))
}
