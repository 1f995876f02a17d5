package postgres

import (
	"fmt"
	"time"
)

// SlotActiveError is a slot that another connection reads: another process of ardso, or one that has
// been cut off and that the server has not noticed yet. It passes by itself, or never: try again, with
// patience.
type SlotActiveError struct {
	Server string
	Slot   string
	PID    int // the server's process that serves it; 0 = not known
}

func (e *SlotActiveError) Error() string {
	return fmt.Sprintf("%s: slot %q is read by another connection (pid %d)", e.Server, e.Slot, e.PID)
}

func (e *SlotActiveError) Name() string { return "reader.slot_active" }

func (e *SlotActiveError) Remedy() string {
	return fmt.Sprintf("see who it is: SELECT * FROM pg_stat_replication WHERE pid = %d; it ends by itself after wal_sender_timeout if its client is gone", e.PID)
}

// SetupError is a slot or publication that is not as the reader needs it.
type SetupError struct {
	Server string
	Reason string
	Fix    string
	Err    error // what the server said, if it said something
}

func (e *SetupError) Error() string {
	s := e.Server + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *SetupError) Unwrap() error  { return e.Err }
func (e *SetupError) Name() string   { return "reader.not_set_up" }
func (e *SetupError) Remedy() string { return e.Fix }

// SilentError is a server that keeps the connection open and says nothing, though it was asked to
// (PS-9). The connection is given up; a new one may do.
type SilentError struct {
	Server string
	For    time.Duration
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("%s: the replication connection has been silent for %s", e.Server, e.For.Round(time.Second))
}

func (e *SilentError) Name() string { return "reader.silent" }

func (e *SilentError) Remedy() string {
	return "ardso connects again by itself; if it comes again, look at the server's load and at the network between"
}
