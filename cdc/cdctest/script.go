package cdctest

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"ardso/cdc"
)

// Script is a reader that replays transactions from memory. Positions without one are set to the
// transaction's number, from 1, in eight digits; a part with More keeps none. A Script may be read
// again and again, but by one at a time.
type Script struct {
	Transactions []*cdc.Transaction
	// Before, if not nil, is called before transaction i (from 0) is delivered; its error ends Read, as
	// a lost connection would.
	Before func(i int) error
	// End is what Read returns after the last; nil = wait until the context ends.
	End error

	mu        sync.Mutex
	confirmed []cdc.Position
}

var _ cdc.Reader = (*Script)(nil)

// Read delivers copies of all transactions that end after from. A from that no transaction has is a
// *cdc.PositionLostError; "" is the beginning.
func (s *Script) Read(ctx context.Context, from cdc.Position, deliver func(*cdc.Transaction) error) error {
	start := 0
	if from != "" {
		if start = s.index(from) + 1; start == 0 {
			return &cdc.PositionLostError{Server: "script", Position: from, Reason: "no transaction ends there"}
		}
	}
	for i := start; i < len(s.Transactions); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if s.Before != nil {
			if err := s.Before(i); err != nil {
				return err
			}
		}
		if err := deliver(s.copy(i)); err != nil {
			return err
		}
	}
	if s.End != nil {
		return s.End
	}
	<-ctx.Done()
	return ctx.Err()
}

// Confirm keeps p for Confirmed.
func (s *Script) Confirm(p cdc.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed = append(s.confirmed, p)
}

// Confirmed returns all positions confirmed so far, in order.
func (s *Script) Confirmed() []cdc.Position {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.confirmed)
}

// Covers compares by the place in the script.
func (s *Script) Covers(durable, p cdc.Position) bool { return s.index(durable) >= s.index(p) }

// Order is the place of the transaction that ends at p.
func (s *Script) Order(p cdc.Position) int64 { return int64(s.index(p)) }

// Position returns where transaction i (from 0) ends.
func (s *Script) Position(i int) cdc.Position {
	switch t := s.Transactions[i]; {
	case t.More:
		return ""
	case t.Position != "":
		return t.Position
	}
	return cdc.Position(fmt.Sprintf("%08d", i+1))
}

func (s *Script) index(p cdc.Position) int {
	if p == "" {
		return -1
	}
	for i := range s.Transactions {
		if s.Position(i) == p {
			return i
		}
	}
	return -1
}

// copy makes a transaction that the receiver may own; relations stay shared, as a reader's are.
func (s *Script) copy(i int) *cdc.Transaction {
	t := *s.Transactions[i]
	t.Position = s.Position(i)
	t.Changes = slices.Clone(t.Changes)
	for j := range t.Changes {
		t.Changes[j].Before = slices.Clone(t.Changes[j].Before)
		t.Changes[j].After = slices.Clone(t.Changes[j].After)
	}
	t.Watermarks = slices.Clone(t.Watermarks)
	if t.Mark != nil {
		m := *t.Mark
		m.Path = slices.Clone(m.Path)
		t.Mark = &m
	}
	return &t
}
