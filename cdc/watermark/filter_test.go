package watermark

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/cdc"
	"ardso/sql/value"
)

// inline drives a Stream in one goroutine: what is written comes by at once, after the transactions that
// between gives for it.
type inline struct {
	stream  *Stream
	filter  func(*cdc.Transaction) error
	between map[string][]*cdc.Transaction // by kind of the watermark that they come before
	got     []string
}

func newInline() *inline {
	x := &inline{between: map[string][]*cdc.Transaction{}}
	x.stream = New(func(_ context.Context, k cdc.WatermarkKind, name string) error {
		for _, t := range x.between[string(k)] {
			if err := x.filter(t); err != nil {
				return err
			}
		}
		w := mark(k, name)
		w.Position = "p"
		return x.filter(w)
	}, Options{Run: "r"})
	x.filter = x.stream.Filter(func(t *cdc.Transaction) error {
		x.got = append(x.got, show(t))
		return nil
	})
	return x
}

// TestTouched: which rows of a chunk the log takes out of it.
func TestTouched(t *testing.T) {
	t.Parallel()
	other := &cdc.Relation{Schema: "public", Table: "chair", Columns: desk.Columns, Key: desk.Key}
	elsewhere := &cdc.Relation{Schema: "archive", Table: "desk", Columns: desk.Columns, Key: desk.Key}
	turned := &cdc.Relation{Schema: "public", Table: "desk", Columns: []string{"V", "note", "ID"}, Key: []bool{false, false, true}}
	decimal, err := value.Decimal("2.0")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		change cdc.RowChange
		want   string
	}{
		{"insert", cdc.RowChange{Relation: desk, Kind: cdc.Insert, After: row(2, 9)}, "p job j key 3 final true selected[1 1] selected[3 1]"},
		{"update", cdc.RowChange{Relation: desk, Kind: cdc.Update, After: row(2, 9)}, "p job j key 3 final true selected[1 1] selected[3 1]"},
		{"delete", cdc.RowChange{Relation: desk, Kind: cdc.Delete, Before: []value.Value{value.Int(3), value.Absent}}, "p job j key 3 final true selected[1 1] selected[2 1]"},
		{"key", cdc.RowChange{Relation: desk, Kind: cdc.Update, Before: row(1, 1), After: row(3, 1)}, "p job j key 3 final true selected[2 1]"},
		{"truncate", cdc.RowChange{Relation: desk, Kind: cdc.Truncate}, "p job j key 3 final true"},
		{"truncate of another", cdc.RowChange{Relation: other, Kind: cdc.Truncate}, "p job j key 3 final true selected[1 1] selected[2 1] selected[3 1]"},
		{"another table", cdc.RowChange{Relation: other, Kind: cdc.Insert, After: row(2, 9)}, "p job j key 3 final true selected[1 1] selected[2 1] selected[3 1]"},
		{"another schema", cdc.RowChange{Relation: elsewhere, Kind: cdc.Insert, After: row(2, 9)}, "p job j key 3 final true selected[1 1] selected[2 1] selected[3 1]"},
		{"another shape", cdc.RowChange{Relation: turned, Kind: cdc.Insert, After: []value.Value{value.Null, value.Null, decimal}}, "p job j key 3 final true selected[1 1] selected[3 1]"},
	}
	for _, tt := range tests {
		for _, when := range []string{"before the select", "after it"} {
			t.Run(tt.name+" "+when, func(t *testing.T) {
				t.Parallel()
				x := newInline()
				tr := &cdc.Transaction{Changes: []cdc.RowChange{tt.change}, Mark: &cdc.Mark{Origin: "tokyo"}}
				if when == "after it" {
					x.between["high"] = []*cdc.Transaction{tr}
				}
				err := x.stream.Select(t.Context(), Job{ID: "j", Rows: chunks(func(string, int) (*Chunk, error) {
					if when != "after it" {
						if err := x.filter(tr); err != nil {
							return nil, err
						}
					}
					return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, 1), row(2, 1), row(3, 1)}, Last: "3", Done: true}, nil
				})})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tt.want, x.got[2]); diff != "" {
					t.Errorf("selection (-want +got):\n%s\nstream %q", diff, x.got)
				}
			})
		}
	}
}

// TestTouchedWhole: a job that wants whole rows gets those that the log touches as it shows them last, at the end.
func TestTouchedWhole(t *testing.T) {
	t.Parallel()
	turned := &cdc.Relation{Schema: "public", Table: "desk", Columns: []string{"V", "note", "ID"}, Key: []bool{false, false, true}}
	insert := func(id, v int) cdc.RowChange {
		return cdc.RowChange{Relation: desk, Kind: cdc.Insert, After: row(id, v)}
	}
	update := func(id, v int) cdc.RowChange {
		return cdc.RowChange{Relation: desk, Kind: cdc.Update, After: row(id, v)}
	}
	gone := func(id int) cdc.RowChange {
		return cdc.RowChange{Relation: desk, Kind: cdc.Delete, Before: row(id, 1)}
	}
	tests := []struct {
		name    string
		changes []cdc.RowChange
		want    string
	}{
		{"update", []cdc.RowChange{update(2, 7), update(2, 9)}, "selected[1 1] selected[3 1] selected[2 9]"},
		{"of a row that was not selected", []cdc.RowChange{update(8, 7), insert(9, 1)}, "selected[1 1] selected[2 1] selected[3 1]"},
		{"delete", []cdc.RowChange{update(2, 7), gone(2)}, "selected[1 1] selected[3 1]"},
		{"made anew", []cdc.RowChange{gone(2), insert(2, 5)}, "selected[1 1] selected[3 1] selected[2 5]"},
		{"key", []cdc.RowChange{{Relation: desk, Kind: cdc.Update, Before: row(2, 1), After: row(8, 1)}, update(8, 9)}, "selected[1 1] selected[3 1] selected[8 9]"},
		{"truncate", []cdc.RowChange{update(2, 7), {Relation: desk, Kind: cdc.Truncate}, insert(1, 4)}, "selected[1 4]"},
		{"another shape", []cdc.RowChange{{Relation: turned, Kind: cdc.Update, After: []value.Value{value.Int(9), value.Null, value.Int(2)}}}, "selected[1 1] selected[3 1] selected[9 <null> 2]"},
	}
	for _, tt := range tests {
		for _, when := range []string{"before the select", "after it"} {
			t.Run(tt.name+" "+when, func(t *testing.T) {
				t.Parallel()
				x := newInline()
				tr := &cdc.Transaction{Changes: tt.changes}
				if when == "after it" {
					x.between["high"] = []*cdc.Transaction{tr}
				}
				err := x.stream.Select(t.Context(), Job{ID: "j", Whole: desk, Rows: chunks(func(string, int) (*Chunk, error) {
					if when != "after it" {
						if err := x.filter(tr); err != nil {
							return nil, err
						}
					}
					return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, 1), row(2, 1), row(3, 1)}, Last: "3", Done: true}, nil
				})})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff("p job j key 3 final true "+tt.want, x.got[2]); diff != "" {
					t.Errorf("selection (-want +got):\n%s\nstream %q", diff, x.got)
				}
			})
		}
	}
}

// TestIncompleteRow: where the log does not tell all of a row that it has touched, the chunk is selected again.
func TestIncompleteRow(t *testing.T) {
	t.Parallel()
	x := newInline()
	x.between["high"] = []*cdc.Transaction{{Changes: []cdc.RowChange{{Relation: desk, Kind: cdc.Update, After: []value.Value{value.Int(1), value.Unchanged}}}}}
	times := 0
	err := x.stream.Select(t.Context(), Job{ID: "j", Whole: desk, Rows: chunks(func(string, int) (*Chunk, error) {
		if times++; times == 2 {
			x.between = nil
		}
		return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, times)}, Last: "1", Done: true}, nil
	})})
	if err != nil || times != 2 || x.got[len(x.got)-2] != "p job j key 1 final true selected[1 2]" {
		t.Errorf("%v after %d selects; stream %q", err, times, x.got)
	}
}

// TestUnknownKey: a change that does not tell the key makes the chunk be selected again, not guessed.
func TestUnknownKey(t *testing.T) {
	t.Parallel()
	x := newInline()
	x.between["high"] = []*cdc.Transaction{{Changes: []cdc.RowChange{{Relation: desk, Kind: cdc.Delete, Before: []value.Value{value.Absent, value.Int(1)}}}}}
	times := 0
	err := x.stream.Select(t.Context(), Job{ID: "j", Rows: chunks(func(string, int) (*Chunk, error) {
		if times++; times == 2 {
			x.between = nil
		}
		return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, 1)}, Last: "1", Done: true}, nil
	})})
	if err != nil || times != 2 || len(x.got) != 6 || x.got[4] != "p job j key 1 final true selected[1 1]" {
		t.Errorf("%v after %d selects; stream %q", err, times, x.got)
	}
}

// TestOverflow: changes beyond what is kept during a select make it start again.
func TestOverflow(t *testing.T) {
	t.Parallel()
	x := newInline()
	many := &cdc.Transaction{Changes: make([]cdc.RowChange, maxTouched+1)}
	for i := range many.Changes {
		many.Changes[i] = cdc.RowChange{Relation: desk, Kind: cdc.Insert, After: row(i+1, 0)}
	}
	times := 0
	err := x.stream.Select(t.Context(), Job{ID: "j", Rows: chunks(func(string, int) (*Chunk, error) {
		if times++; times == 1 {
			if err := x.stream.observe(many); err != nil {
				return nil, err
			}
		}
		return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, 1)}, Last: "1", Done: true}, nil
	})})
	if err != nil || times != 2 {
		t.Errorf("%v after %d selects", err, times)
	}
}

// observe passes a transaction through the Filter in force, to nobody.
func (s *Stream) observe(t *cdc.Transaction) error {
	s.see(s.session, t)
	return nil
}

// TestEmptyChunk: the job ends with its last durable key, also where nothing is left to select.
func TestEmptyChunk(t *testing.T) {
	t.Parallel()
	x := newInline()
	err := x.stream.Select(t.Context(), Job{ID: "j", After: "41", Rows: chunks(func(string, int) (*Chunk, error) {
		return &Chunk{Relation: desk, Done: true}, nil
	})})
	if err != nil || x.got[1] != "p job j key 41 final true" {
		t.Errorf("%v; stream %q", err, x.got)
	}
}

// TestSelectErrors: what goes wrong is said, and the next select works.
func TestSelectErrors(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such table")
	tests := []struct {
		name string
		rows chunks
	}{
		{"select", func(string, int) (*Chunk, error) { return nil, cause }},
		{"no end", func(string, int) (*Chunk, error) { return &Chunk{Relation: desk}, nil }},
		{"no key", func(string, int) (*Chunk, error) {
			return &Chunk{Relation: desk, Rows: [][]value.Value{{value.Absent, value.Null}}, Done: true}, nil
		}},
	}
	x := newInline()
	for _, tt := range tests {
		if err := x.stream.Select(t.Context(), Job{ID: "j", Rows: tt.rows}); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
	good := Job{ID: "j", Rows: chunks(func(string, int) (*Chunk, error) { return &Chunk{Relation: desk, Done: true}, nil })}
	if err := x.stream.Select(t.Context(), good); err != nil {
		t.Error(err)
	}
	x.stream.Stop()
	if _, ok := errors.AsType[*RestartError](x.stream.Select(t.Context(), good)); !ok {
		t.Error("select without a reader: want a RestartError")
	}
}

// A chunk whose high watermark could not be written is not delivered, unless only the answer was lost: then it is, and once.
func TestHighWatermarkRefused(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection lost")
	for _, came := range []bool{true, false} {
		var late *cdc.Transaction
		x := newInline()
		x.stream.write = func(_ context.Context, k cdc.WatermarkKind, name string) error {
			if k == cdc.High && !came {
				late = mark(k, name)
				return cause
			}
			if err := x.filter(mark(k, name)); err != nil || k == cdc.Low {
				return err
			}
			return cause
		}
		delivered := 0
		err := x.stream.Select(t.Context(), Job{ID: "j", Delivered: func() { delivered++ }, Rows: chunks(func(string, int) (*Chunk, error) {
			return &Chunk{Relation: desk, Rows: [][]value.Value{row(1, 1)}, Last: "1", Done: true}, nil
		})})
		if came && (err != nil || delivered != 1 || len(x.got) != 3) {
			t.Errorf("it came by: %v, delivered %d, stream %q", err, delivered, x.got)
		}
		if came {
			continue
		}
		if err := x.filter(late); err != nil {
			t.Error(err)
		}
		if !errors.Is(err, cause) || delivered != 0 || len(x.got) != 2 {
			t.Errorf("it came late: %v, delivered %d, stream %q", err, delivered, x.got)
		}
	}
}

// TestOnEnd: an end watermark tells once everything before it was passed on.
func TestOnEnd(t *testing.T) {
	t.Parallel()
	x := newInline()
	mine, others := x.stream.OnEnd("run-1"), x.stream.OnEnd("run-2")
	if err := x.filter(mark(cdc.End, "run-1")); err != nil {
		t.Fatal(err)
	}
	select {
	case <-mine:
	default:
		t.Error("run-1 came by and nobody was told")
	}
	select {
	case <-others:
		t.Error("run-2 did not come by")
	default:
	}
}

func TestRing(t *testing.T) {
	t.Parallel()
	r := newRing(3)
	for id := range uint64(5) {
		r.add(id) // 2, 3, 4 are kept
	}
	var seen []uint64
	note := func(id uint64) bool { seen = append(seen, id); return true }
	if r.all(4, note); !cmp.Equal(seen, []uint64{2, 3}) {
		t.Errorf("the first four, of which two are kept: %v", seen)
	}
	if r.all(5, func(id uint64) bool { return id != 4 }) {
		t.Error("4 is kept and was not asked for")
	}
}
