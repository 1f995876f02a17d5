package cdctest

import (
	"context"
	"errors"
	"testing"

	"ardso/cdc"

	"github.com/google/go-cmp/cmp"
)

func TestScript(t *testing.T) {
	rel := &cdc.Relation{Table: "t", Columns: []string{"id"}, Key: []bool{true}}
	broken := errors.New("connection lost")
	s := &Script{
		Transactions: []*cdc.Transaction{
			{Changes: []cdc.RowChange{{Relation: rel, Kind: cdc.Insert}}},
			{More: true},
			{Mark: &cdc.Mark{Origin: "o", Path: []string{"o"}}},
			{Position: "own"},
		},
		End: broken,
	}
	read := func(from cdc.Position) (got []cdc.Position, err error) {
		err = s.Read(t.Context(), from, func(tx *cdc.Transaction) error {
			got = append(got, tx.Position)
			if tx.Mark != nil {
				tx.Mark.Path[0] = "changed by its owner"
			}
			return nil
		})
		return got, err
	}
	for range 2 {
		got, err := read("")
		if diff := cmp.Diff([]cdc.Position{"00000001", "", "00000003", "own"}, got); diff != "" || !errors.Is(err, broken) {
			t.Errorf("got %v and error %v", got, err)
		}
	}
	if got := s.Transactions[2].Mark.Path[0]; got != "o" {
		t.Errorf("the receiver changed the script: %q", got)
	}
	if got, _ := read("00000003"); len(got) != 1 {
		t.Errorf("from the third: got %v", got)
	}
	var lost *cdc.PositionLostError
	if _, err := read("elsewhere"); !errors.As(err, &lost) {
		t.Errorf("from an unknown position: got error %v", err)
	}
	if !s.Covers("own", "00000003") || s.Covers("00000001", "own") || !s.Covers("", "") {
		t.Error("Covers does not follow the script")
	}
	s.Confirm("00000001")
	if diff := cmp.Diff([]cdc.Position{"00000001"}, s.Confirmed()); diff != "" {
		t.Error(diff)
	}
	s.Before = func(i int) error {
		if i == 2 {
			return context.DeadlineExceeded
		}
		return nil
	}
	if got, err := read(""); len(got) != 2 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a fault: got %v and error %v", got, err)
	}
}
