package binlog

import (
	"errors"
	"strings"
	"testing"

	"ardso/cdc"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
)

// backlog measures what lies behind a position, where nothing may be wrong with it.
func (s *source) backlog(t *testing.T, from cdc.Position) cdc.Backlog {
	t.Helper()
	b, err := Backlog(t.Context(), s.db, from, s.o)
	if err != nil {
		t.Fatalf("backlog from %s: %v", from, err)
	}
	return b
}

// end is where the log ends, without noting anything there.
func (s *source) end(t *testing.T) cdc.Position {
	t.Helper()
	state, err := binlog.ReadState(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	p, err := present(t.Context(), s.db, state)
	if err != nil {
		t.Fatal(err)
	}
	return p.text()
}

// The backlog counts what was written since, and is lost with what the server purges (MS-11, MS-13).
func TestBacklog(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, _ *dbtest.Instance, s *source) {
		s.item(t)
		start := s.end(t)
		if got := s.backlog(t, start); got.Unit != "transactions" || got.Behind != 0 || got.Retained < 1 || got.Limit != -1 {
			t.Errorf("at the end: got %+v", got)
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'x')")
		s.exec(t, "INSERT INTO item VALUES (2, 'x'), (3, 'x')")
		if got := s.backlog(t, start); got.Behind != 2 || got.Retained < 3 {
			t.Errorf("behind: got %+v", got)
		}
		if all := s.backlog(t, ""); all.Behind <= 2 {
			t.Errorf("from the beginning: got %+v", all)
		}
		s.losesByPurge(t, start)
	})
}

// Without GTIDs it is bytes.
func TestBacklogByFile(t *testing.T) {
	for _, name := range dbtest.Have("mysql5.6") {
		s := newSourceOn(t, dbtest.Server(t, name, "gtid-mode=OFF", "enforce-gtid-consistency=OFF").Database(t))
		s.item(t)
		start := s.end(t)
		if got := s.backlog(t, start); got.Unit != "bytes" || got.Behind != 0 || got.Retained < 100 || got.Limit != -1 {
			t.Errorf("at the end: got %+v", got)
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'x')")
		one := s.backlog(t, start).Behind
		s.exec(t, "FLUSH BINARY LOGS")
		s.exec(t, "INSERT INTO item VALUES (2, 'x')")
		two := s.backlog(t, start)
		if one < 100 || one > 1000 || two.Behind < 2*one || two.Behind > 4*one || two.Retained <= two.Behind {
			t.Errorf("behind: got %d, then %+v", one, two)
		}
		if all := s.backlog(t, ""); all.Behind <= two.Behind {
			t.Errorf("from the beginning: got %+v", all)
		}
		p, err := parsePosition(s.end(t))
		if err != nil {
			t.Fatal(err)
		}
		p.file.offset += 1000
		_, err = Backlog(t.Context(), s.db, p.text(), s.o)
		var lost *cdc.PositionLostError
		if !errors.As(err, &lost) || !strings.Contains(lost.Reason, "began anew") {
			t.Errorf("behind the log's end: got error %v", err)
		}
		s.losesByPurge(t, start)
	}
}

// losesByPurge purges all that lies behind a position, which is lost then, as that at the end is not.
func (s *source) losesByPurge(t *testing.T, start cdc.Position) {
	t.Helper()
	s.exec(t, "FLUSH BINARY LOGS")
	s.exec(t, "INSERT INTO item VALUES (10, 'x')")
	s.exec(t, "FLUSH BINARY LOGS")
	log, err := binlog.ReadLog(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	if state, err := binlog.ReadState(t.Context(), s.db); err != nil {
		t.Fatal(err)
	} else if state.PurgeNeeds != "" { // else the server purges nothing while nobody reads
		s.exec(t, "SET GLOBAL slave_connections_needed_for_purge = 0")
	}
	s.purgeTo(t, log.File)
	end := s.end(t)
	for _, from := range []cdc.Position{start, ""} {
		_, err := Backlog(t.Context(), s.db, from, s.o)
		if !errors.As(err, new(*cdc.PositionLostError)) {
			t.Errorf("purged behind %q: got error %v", from, err)
		}
	}
	if got := s.backlog(t, end); got.Behind != 0 {
		t.Errorf("at the end: got %+v", got)
	}
}
