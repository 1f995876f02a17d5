package run

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"time"

	"ardso/sql/control"
)

// TransferOptions of Transfer.
type TransferOptions struct {
	Log *slog.Logger
	// Progress, if not nil, is told how many requests are done, of how many; total is -1 where it is
	// not known.
	Progress func(done, total int64)
}

// TransferResult is what a transfer has done.
type TransferResult struct {
	Job    string `json:"job"`
	Rows   int64  `json:"rows"`   // requests selected
	Parked int64  `json:"parked"` // of them to dso_pending_error; -1 where another process carried it out
}

// Transfer sends the requests that a qualification selects along a mapping, by watermark select:
// safe beside whatever else runs. It puts the order into the source's dso_pending; a process that
// reads the source carries it out, and where there is none, this one does. If it is cut off, the next
// run goes on where it was.
func (s *System) Transfer(ctx context.Context, mappingName, where string, o TransferOptions) (TransferResult, error) {
	return s.operate(ctx, jobTransfer, mappingName, where, o)
}

// Return gives the requests that a qualification over the mapping's To form selects back along the mapping, with
// their ownership. It works as Transfer does.
func (s *System) Return(ctx context.Context, mappingName, where string, o TransferOptions) (TransferResult, error) {
	return s.operate(ctx, jobReturn, mappingName, where, o)
}

func (s *System) operate(ctx context.Context, kind, mappingName, where string, o TransferOptions) (TransferResult, error) {
	m := s.Compiled.Mapping(mappingName)
	if m == nil {
		return TransferResult{}, fmt.Errorf("mapping %q: no such mapping", mappingName)
	}
	if !m.Enabled {
		return TransferResult{}, fmt.Errorf("mapping %q is disabled", mappingName)
	}
	server, form := m.From.Server, m.FromForm
	if kind == jobReturn {
		server, form = m.To.Server, m.ToForm
	}
	db := s.Servers[server].DB
	who := "unknown"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if err := control.Check(ctx, db, server); err != nil {
		return TransferResult{}, err
	}
	id, err := control.InsertPending(ctx, db, control.Pending{
		Type: kind, Mapping: mappingName, Form: form.Name, Qualification: where, CreatedBy: who, RowsTotal: -1,
	})
	if err != nil {
		return TransferResult{}, err
	}
	result := TransferResult{Job: id, Parked: -1}

	wctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type ran struct {
		summary Summary
		err     error
	}
	own := make(chan ran, 1)
	go func() {
		sum, err := s.Run(wctx, nil, Options{Servers: []string{server}, Once: true, NoWait: true, Log: o.Log})
		own <- ran{sum, err}
	}()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	finished := false // by our own run: then the row must be settled
	for {
		p, err := control.GetPending(ctx, db, id)
		if err != nil {
			return result, err
		}
		result.Rows = p.RowsDone
		if o.Progress != nil {
			o.Progress(p.RowsDone, p.RowsTotal)
		}
		switch p.Status {
		case control.Done, control.Failed, control.Cancelled:
			if own != nil {
				r := <-own
				if r.err == nil {
					result.Parked = r.summary.Parked()
				}
			}
			return result, settled(p)
		}
		if finished {
			return result, fmt.Errorf("%s %s is %s, and the run that was to carry it out has ended", kind, id, p.Status)
		}
		select {
		case r := <-own:
			var held *LeaseHeldError
			switch {
			case errors.As(r.err, &held): // that process does it; we watch
				own = nil
			case r.err != nil:
				return result, r.err
			default:
				result.Parked = r.summary.Parked()
				own, finished = nil, true
			}
		case <-tick.C:
		case <-ctx.Done():
			return result, context.Cause(ctx)
		}
	}
}

// settled is the error of a job that ended otherwise than done.
func settled(p control.Pending) error {
	switch p.Status {
	case control.Failed:
		return &jobError{p.Error, p.Reason, p.Remedy}
	case control.Cancelled:
		return &jobError{"transfer.cancelled", fmt.Sprintf("%s %s was cancelled", p.Type, p.ID), "start it again if that was not meant"}
	}
	return nil
}
