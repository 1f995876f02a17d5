package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/postgres/pgoutput"
	"ardso/integration/dbtest"
	"ardso/sql/control"
	"ardso/sql/replication"
	"ardso/sql/schema"
)

// following reads in the background; each transaction goes to got.
func (s *source) following(t *testing.T, from cdc.Position) (r *Reader, got chan *cdc.Transaction, done chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, got, done = New(s.db, s.o), make(chan *cdc.Transaction, 1000), make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done <- r.Read(ctx, from, func(tx *cdc.Transaction) error {
			got <- tx
			return nil
		})
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return r, got, done, stop
}

// table makes and sets up table one.
func (s *source) table(t *testing.T) cdc.Position {
	t.Helper()
	s.exec(t, "CREATE TABLE one (id integer PRIMARY KEY, n integer)")
	s.plan(t, &schema.Table{Name: "one"})
	return s.Start(t)
}

func await[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// awaitChange waits for a transaction with changes, passing over bare positions.
func awaitChange(t *testing.T, got <-chan *cdc.Transaction) *cdc.Transaction {
	t.Helper()
	for {
		if tx := await(t, "a change", got); len(tx.Changes) > 0 {
			return tx
		}
	}
}

func TestSlotIsActive(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		start := s.table(t)
		_, got, _, stop := s.following(t, start)
		s.exec(t, "INSERT INTO one VALUES (1, 1)")
		awaitChange(t, got)

		second := New(s.db, s.o)
		second.patience = 100 * time.Millisecond
		err := second.Read(t.Context(), start, func(*cdc.Transaction) error { return nil })
		var active *SlotActiveError
		if !errors.As(err, &active) || active.PID != s.state(t).ActivePID || active.Slot != s.o.withDefaults(s.db).Slot {
			t.Errorf("got error %v, want the slot occupied by %d", err, s.state(t).ActivePID)
		}
		stop()
		_, got, _, _ = s.following(t, start)
		awaitChange(t, got)
	})
}

// idle waits until nobody reads the slot: the server takes a moment to notice the end of a connection.
func (s *source) idle(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for s.state(t).ActivePID != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the slot stays occupied")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestWrongSetup(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		start := s.table(t)
		o := s.o.withDefaults(s.db)
		read := func(from cdc.Position) error {
			return New(s.db, s.o).Read(t.Context(), from, func(tx *cdc.Transaction) error {
				if len(tx.Changes) > 0 {
					return fmt.Errorf("delivered %d changes", len(tx.Changes))
				}
				return nil
			})
		}
		var lost *cdc.PositionLostError
		p, err := parsePosition(start)
		if err != nil {
			t.Fatal(err)
		}
		if err := read(position{p.lsn, p.system + 1}.text()); !errors.As(err, &lost) {
			t.Errorf("position of another server: got error %v", err) // PS-27
		}
		if err := read(position{p.lsn + 1<<40, p.system}.text()); !errors.As(err, &lost) {
			t.Errorf("position beyond the log's end: got error %v", err)
		}

		s.exec(t, replication.DropPublication(s.db.Engine, o.Publication))
		s.exec(t, "INSERT INTO one VALUES (1, 1)")
		var setup *SetupError
		if err := read(start); !errors.As(err, &setup) || setup.Fix == "" {
			t.Errorf("no publication: got error %v", err)
		}
		s.plan(t, &schema.Table{Name: "one"})
		s.exec(t, "INSERT INTO one VALUES (2, 2)")
		setup = nil
		if err := read(start); !errors.As(err, &setup) {
			t.Errorf("no publication when a row was written: got error %v", err) // PS-17
		}
		s.idle(t)
		s.exec(t, replication.DropSlot(o.Slot))
		if err := read(start); !errors.As(err, &lost) {
			t.Errorf("no slot: got error %v", err)
		}
		s.exec(t, "SELECT pg_create_logical_replication_slot('"+o.Slot+"', 'test_decoding')")
		if err := read(start); !errors.As(err, &setup) {
			t.Errorf("slot of another plug-in: got error %v", err)
		}
		s.exec(t, replication.DropSlot(o.Slot))

		s.o.Slot = "No-Good"
		if err := read(start); !errors.As(err, &setup) {
			t.Errorf("slot name: got error %v", err)
		}
	})
}

// TestSlotDroppedWhileReading: the server ends the connection of a slot whose reader is killed and
// whose slot is dropped; the error says what lasts.
func TestSlotDroppedWhileReading(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		start := s.table(t)
		_, got, done, _ := s.following(t, start)
		s.exec(t, "INSERT INTO one VALUES (1, 1)")
		awaitChange(t, got)
		pid := s.state(t).ActivePID
		s.exec(t, fmt.Sprintf("SELECT pg_terminate_backend(%d)", pid))
		if err := await(t, "the end of Read", done); err == nil || errors.Is(err, context.Canceled) {
			t.Errorf("connection ended by the server: got error %v", err)
		}
	})
}

// TestServerDies kills the server while it is read, and reads on after it has come back.
func TestServerDies(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	in := dbtest.Server(t, "postgres15")
	s := &source{db: in.Database(t)}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatal(err)
	}
	start := s.table(t)
	_, got, done, _ := s.following(t, start)
	s.exec(t, "INSERT INTO one VALUES (1, 1)")
	first := awaitChange(t, got)
	in.Kill(t)
	if err := await(t, "the end of Read", done); err == nil {
		t.Error("the server is dead: got no error")
	}
	in.Start(t)
	s.exec(t, "INSERT INTO one VALUES (2, 2)")
	_, got, _, _ = s.following(t, first.Position)
	if tx := awaitChange(t, got); tx.Changes[0].After[0].Int() != 2 {
		t.Errorf("got %v after the restart, want the second row", tx.Changes[0].After)
	}
}

// TestServerIsSilent freezes the server: the connection stays open, and is given up (PS-9).
func TestServerIsSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a silence to last, on a server of its own")
	}
	in := dbtest.Server(t, "postgres15")
	s := &source{db: in.Database(t), o: Options{SenderTimeout: time.Second}}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatal(err)
	}
	start := s.table(t)
	_, got, done, _ := s.following(t, start)
	s.exec(t, "INSERT INTO one VALUES (1, 1)")
	awaitChange(t, got)
	in.Pause(t)
	defer in.Resume(t)
	err := await(t, "the end of Read", done)
	var silent *SilentError
	if !errors.As(err, &silent) || silent.For < time.Second {
		t.Errorf("got error %v, want a *SilentError", err)
	}
}

// TestQuietSenderTimeout reads a server that never asks for a reply (PS-6).
func TestQuietSenderTimeout(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a server of its own")
	}
	in := dbtest.Server(t, "postgres15", "wal_sender_timeout=0")
	s := &source{db: in.Database(t), o: Options{Heartbeat: 50 * time.Millisecond}}
	if err := control.Migrate(t.Context(), s.db, s.db.Server); err != nil {
		t.Fatal(err)
	}
	start := s.table(t)
	r, got, _, _ := s.following(t, start)
	s.exec(t, "INSERT INTO one VALUES (1, 1)")
	tx := awaitChange(t, got)
	r.Confirm(tx.Position)
	deadline := time.Now().Add(30 * time.Second)
	for !s.Released(t, tx.Position) {
		if time.Now().After(deadline) {
			t.Fatal("the slot does not move")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := s.find(t, "postgres.sender_timeout"); len(got) != 1 {
		t.Errorf("got findings %v", got)
	}
}

// TestStatus pins what is told to the server: received, and twice what is durable, never a zero that
// another field would be copied into (PS-1, PS-2, PS-7).
func TestStatus(t *testing.T) {
	durable := pgoutput.LSN(5)
	s := &stream{confirmed: func() pgoutput.LSN { return durable }, received: 9}
	now := time.Date(2026, 11, 22, 21, 9, 0, 1000, time.UTC)
	check := func(b []byte, reply byte, want ...uint64) {
		t.Helper()
		if len(b) != 34 || b[0] != 'r' || b[33] != reply {
			t.Fatalf("got % x", b)
		}
		for i, w := range want {
			if got := binary.BigEndian.Uint64(b[1+8*i:]); got != w {
				t.Errorf("field %d: got %d, want %d", i, got, w)
			}
		}
	}
	check(s.status(now, true), 1, 9, 5, 5, uint64(pgoutput.Micros(now)))
	durable = 12
	check(s.status(now, false), 0, 12, 12, 12)
}

// TestPartitions: rows of partitions come under their table's name (PD-12).
func TestPartitions(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		s.exec(t, "CREATE TABLE parted (id integer PRIMARY KEY, n integer) PARTITION BY RANGE (id)")
		s.exec(t, "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (10)")
		s.exec(t, "CREATE TABLE high PARTITION OF parted FOR VALUES FROM (10) TO (20)")
		s.plan(t, &schema.Table{Name: "parted"})
		_, got, _, _ := s.following(t, s.Start(t))
		s.exec(t, "INSERT INTO parted VALUES (1, 1), (11, 1)")
		s.exec(t, "UPDATE parted SET id = 12 WHERE id = 1") // moves to the other partition
		var have []string
		for len(have) < 4 {
			for _, c := range awaitChange(t, got).Changes {
				have = append(have, fmt.Sprint(c.Kind, " ", c.Relation.Table, c.Before, c.After))
			}
		}
		want := "[insert parted[] [1 1] insert parted[] [11 1] delete parted[1 <absent>] [] insert parted[] [12 1]]"
		if fmt.Sprint(have) != want {
			t.Errorf("got  %v\nwant %s", have, want)
		}
	})
}
