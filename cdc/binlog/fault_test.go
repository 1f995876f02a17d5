package binlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/integration/dbtest"
)

// history fills the log with a bit of everything, and returns from where, and what a reader makes of it.
func (s *source) history(t *testing.T) (from cdc.Position, want []string) {
	t.Helper()
	s.o.PartRows = 4
	from = s.item(t)
	s.exec(t, "INSERT INTO item VALUES (1, 'a'), (2, 'b')")
	s.exec(t, "INSERT INTO elsewhere VALUES (1)")
	s.Exec(t, nil, "UPDATE item SET name = 'c' WHERE id = 1", "INSERT INTO elsewhere VALUES (1)", "DELETE FROM item WHERE id = 2")
	s.exec(t, "INSERT INTO item VALUES (11, 'x'), (12, 'x'), (13, 'x'), (14, 'x'), (15, 'x'), (16, 'x'), (17, 'x'), (18, 'x'), (19, 'x')")
	s.exec(t, "CREATE INDEX i ON item (name(10))")
	s.exec(t, "INSERT INTO item VALUES (3, NULL)")
	s.exec(t, "FLUSH LOGS")
	s.Exec(t, nil, "INSERT INTO item VALUES (4, '')", "SAVEPOINT s", "INSERT INTO elsewhere VALUES (1)", "INSERT INTO item VALUES (5, '')", "RELEASE SAVEPOINT s")
	s.exec(t, "TRUNCATE TABLE item")
	s.exec(t, "INSERT INTO item VALUES (6, 'z')")
	return from, lines(s.mustRead(t, from))
}

// whole leaves out the parts of a transaction whose end did not come: whoever reads on from the last position
// gets them again.
func whole(all []*cdc.Transaction) []*cdc.Transaction {
	for len(all) > 0 && all[len(all)-1].More {
		all = all[:len(all)-1]
	}
	return all
}

// follow reads as a process does that starts again after each error: from the last position, until it has read
// what was written last.
func (s *source) readOn(t *testing.T, from cdc.Position, got []*cdc.Transaction) []*cdc.Transaction {
	t.Helper()
	got = whole(got)
	if n := len(got); n > 0 {
		from = got[n-1].Position
	}
	return append(got, s.mustRead(t, from)...)
}

// TestCutAnywhere cuts the connection after every so many bytes: what is read from the last position is the rest,
// with nothing lost and nothing twice (MS-1, MS-2).
func TestCutAnywhere(t *testing.T) {
	eachServer(t, cutAnywhere)
}

// TestCutAnywhereByFile does the same to a log that gives transactions no GTID.
func TestCutAnywhereByFile(t *testing.T) {
	if !slices.Contains(live, "mysql5.6") {
		return // another part of the matrix
	}
	cutAnywhere(t, newSourceOn(t, dbtest.Server(t, "mysql5.6", "gtid-mode=OFF", "enforce-gtid-consistency=OFF").Database(t)))
}

func cutAnywhere(t *testing.T, s *source) {
	cuts := int64(120)
	if testing.Short() {
		cuts = 15
	}
	from, want := s.history(t)
	behind, p := s.through(t)
	if _, err := behind.read(t, from); err != nil {
		t.Fatal(err)
	}
	all := p.passed()
	for i := range cuts {
		at := 1 + i*all/cuts
		p.set(fault{cut: at})
		got, err := behind.read(t, from)
		var u *cdc.UnreadableError
		var lost *cdc.PositionLostError
		if err == nil || errors.As(err, &u) || errors.As(err, &lost) {
			t.Errorf("cut after %d of %d bytes: got error %v, want one of the connection", at, all, err)
		}
		p.set(fault{})
		if got := lines(behind.readOn(t, from, got)); !slices.Equal(got, want) {
			t.Fatalf("cut after %d of %d bytes: got\n  %s\nwant\n  %s", at, all, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
		}
	}
}

// TestFlippedBit damages an event: that is named, and nothing is delivered of it or behind it.
func TestFlippedBit(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		from, want := s.history(t)
		behind, p := s.through(t)
		var events atomic.Int64
		p.set(fault{event: func(i int, raw []byte) [][]byte { events.Store(int64(i)); return [][]byte{raw} }})
		if _, err := behind.read(t, from); err != nil {
			t.Fatal(err)
		}
		r := rand.New(rand.NewPCG(1, 2))
		step := 1
		if testing.Short() {
			step = 9
		}
		for n := 1; n < int(events.Load())-3; n += step { // 0 is the rotation that the dump begins with
			var hit string
			p.set(fault{event: func(i int, raw []byte) [][]byte {
				if i == n {
					bit := r.IntN(8 * len(raw))
					raw[bit/8] ^= 1 << (bit % 8)
					hit = fmt.Sprintf("bit %d of %d bytes of type %d", bit, len(raw), raw[4])
				}
				return [][]byte{raw}
			}})
			got, err := behind.read(t, from)
			var u *cdc.UnreadableError
			if !errors.As(err, &u) {
				t.Errorf("event %d, %s: got error %v, want a *cdc.UnreadableError", n, hit, err)
			}
			if got := lines(whole(got)); !slices.Equal(got, want[:min(len(got), len(want))]) {
				t.Errorf("event %d, %s: delivered\n  %s", n, hit, strings.Join(got, "\n  "))
			}
		}
	})
}

// TestForgedEvents puts events into the log that no server at hand writes.
func TestForgedEvents(t *testing.T) {
	tests := []struct {
		name string
		raw  []byte
		want string // of the error; "" = it is passed over
	}{
		{"unknown", forged(201, 0, []byte("whatever")), "201"},
		{"unknown, ignorable", forged(201, event.FlagIgnorable, []byte("whatever")), ""},
		{"incident (MS-23)", forged(26, 0, append([]byte{1, 0, 4}, "lost"...)), "lost"},
		{"fragment of rows (MS-18)", forged(172, 0, make([]byte, 30)), "172"},
		{"encryption", forged(164, 0, make([]byte, 17)), ""},
		{"rows of an unknown table", forged(30, 0, []byte{9, 9, 9, 0, 0, 0, 1, 0, 2, 0, 1, 1, 0, 1, 0, 0, 0}), ""},
	}
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		s.exec(t, "INSERT INTO item VALUES (2, 'b')")
		behind, p := s.through(t)
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				inItem, done := false, false // behind the first transaction on the table, which is not the log's first
				p.set(fault{event: func(_ int, raw []byte) [][]byte {
					inItem = inItem || raw[4] == byte(event.TableMapType) && bytes.Contains(raw, []byte("\x04item\x00"))
					if raw[4] == byte(event.XIDType) && inItem && !done {
						done = true
						return [][]byte{raw, tt.raw}
					}
					return [][]byte{raw}
				}})
				got, err := behind.read(t, from)
				if strings.HasPrefix(tt.name, "rows") {
					tt.want = "no transaction"
				}
				if tt.want == "" {
					if err != nil || len(lines(got)) != 4 {
						t.Errorf("got error %v and\n  %s", err, strings.Join(lines(got), "\n  "))
					}
					return
				}
				var u *cdc.UnreadableError
				if !errors.As(err, &u) || !strings.Contains(err.Error(), tt.want) || u.Fix == "" {
					t.Errorf("got error %v, want a *cdc.UnreadableError that says %q", err, tt.want)
				}
				wantLines(t, got, "insert item [] -> [1 a]\n---")
			})
		}
	})
}

// TestSilent: a connection that stays and says nothing is given up, one on which heartbeats come is not (MS-25).
func TestSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a silence to last")
	}
	eachServer(t, func(t *testing.T, s *source) {
		s.o.Silence = 600 * time.Millisecond
		from := s.item(t)
		behind, p := s.through(t)
		p.set(fault{silent: 3})
		_, err := behind.read(t, from)
		var silent *SilentError
		if !errors.As(err, &silent) || silent.For < s.o.Silence {
			t.Errorf("got error %v, want a *SilentError", err)
		}
		p.set(fault{})
		got, done, _ := behind.following(t, from)
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		awaitChange(t, got)
		select {
		case err := <-done:
			t.Errorf("an idle server: got error %v", err)
		case <-time.After(3 * s.o.Silence):
		}
	})
}

// TestSlowReceiver blocks for longer than silence is borne, while heartbeats and rows queue.
func TestSlowReceiver(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for longer than a silence lasts")
	}
	eachServer(t, func(t *testing.T, s *source) {
		s.o.Silence = 400 * time.Millisecond
		from := s.item(t)
		const n = 40
		block := time.After(4 * s.o.Silence)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for i := range n {
			s.exec(t, fmt.Sprintf("INSERT INTO item VALUES (%d, 'a')", i))
		}
		next := int64(0)
		err := New(s.db, s.tables, s.o).Read(ctx, from, func(tx *cdc.Transaction) error {
			for _, c := range tx.Changes {
				if c.After[0].Int() != next {
					return fmt.Errorf("got row %s, want %d", c.After[0], next)
				}
				if next++; next == n/2 {
					<-block
				}
			}
			if next == n {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
	})
}

// TestDribble lets the log come byte by byte, so that deadlines of the reader fall into the middle of packets.
func TestDribble(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for a log that comes byte by byte")
	}
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		for i := range 3 {
			s.exec(t, fmt.Sprintf("INSERT INTO item VALUES (%d, 'a')", i))
			s.exec(t, "INSERT INTO elsewhere VALUES (1)")
		}
		behind, p := s.through(t)
		p.set(fault{pause: 10 * time.Microsecond})
		for _, h := range []time.Duration{5, 20, 40, 60, 80, 100, 130} {
			behind.o.Heartbeat = h * time.Millisecond
			got, err := behind.read(t, from)
			if err != nil {
				t.Fatalf("heartbeat %s: %v", behind.o.Heartbeat, err)
			}
			wantLines(t, got, "insert item [] -> [0 a]\n---\ninsert item [] -> [1 a]\n---\ninsert item [] -> [2 a]\n---")
		}
	})
}

// TestNoMySQL connects to what is no MySQL server, or says nothing.
func TestNoMySQL(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for what says nothing")
	}
	speak := func(text string) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			var open []net.Conn
			for {
				c, err := l.Accept()
				if err != nil {
					break
				}
				_, _ = c.Write([]byte(text))
				open = append(open, c)
				if text != "" {
					c.Close()
				}
			}
			for _, c := range open {
				c.Close()
			}
		}()
		t.Cleanup(func() { l.Close(); <-ended })
		return l.Addr().String()
	}
	addresses := map[string]string{
		"http":    speak("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request"),
		"ssh":     speak("SSH-2.0-OpenSSH_9.2\r\n"),
		"nothing": speak(""),
		"rubbish": speak(strings.Repeat("\xff", 300)),
		"short":   speak("\x05\x00\x00\x00\x0a5.6\x00"),
		"old":     speak("\x02\x00\x00\x00\x09\x00"),
	}
	if slices.Contains(dbtest.Names(), "postgres15") {
		u := dbtest.New(t, "postgres15").URL
		addresses["postgres"] = u.Host
	}
	if len(live) == 0 {
		return
	}
	s := newSource(t, live[0])
	for name, address := range addresses {
		t.Run(name, func(t *testing.T) {
			db := *s.db
			db.URL = &url.URL{Scheme: db.URL.Scheme, User: db.URL.User, Host: address, Path: db.URL.Path}
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			began := time.Now()
			c, err := dial(ctx, &db, s.o.withDefaults(&db))
			if err == nil {
				c.Close()
				t.Fatal("got a connection")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if !strings.Contains(err.Error(), "connect") || strings.Contains(err.Error(), db.Config().Password) {
				t.Errorf("got error %v", err)
			}
		})
	}
}

// TestServerRestarts stops the server in order, and starts it again, twice, while it is read.
func TestServerRestarts(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, in *dbtest.Instance, s *source) {
		from := s.item(t)
		for n := range 3 {
			got, done, stop := s.following(t, from)
			s.exec(t, fmt.Sprintf("INSERT INTO item VALUES (%d, 'a')", n))
			tx := awaitChange(t, got)
			if id := tx.Changes[0].After[0].Int(); id != int64(n) || len(tx.Changes) != 1 {
				t.Fatalf("got %v, want row %d", lines([]*cdc.Transaction{tx}), n)
			}
			from = tx.Position
			if n == 1 {
				in.Kill(t)
			} else {
				in.Stop(t)
			}
			if err := await(t, "the end of Read", done); err == nil || errors.As(err, new(*cdc.UnreadableError)) || errors.As(err, new(*cdc.PositionLostError)) {
				t.Errorf("the server went down: got error %v", err)
			}
			stop()
			in.Start(t)
		}
	})
}

// TestEmptiedMemoryTables restarts a server that has a MEMORY table: it is empty then, which the server writes into
// its log as a statement, whatever binlog_format is. Where the table is none of ours, nobody need care.
func TestEmptiedMemoryTables(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, in *dbtest.Instance, s *source) {
		from := s.item(t)
		s.exec(t, "CREATE TABLE session (id integer PRIMARY KEY) ENGINE = MEMORY")
		s.exec(t, "INSERT INTO session VALUES (1)")
		in.Stop(t)
		in.Start(t)
		var left int
		if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM session").Scan(&left); err != nil || left != 0 {
			t.Fatalf("a MEMORY table after a restart: got %d rows and error %v", left, err)
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		wantLines(t, s.mustRead(t, from), "insert item [] -> [1 a]\n---")
	})
}

// TestKilledWithinATransaction kills the server while a large transaction is being written to its log, several
// times. What the table holds afterwards is what was read.
func TestKilledWithinATransaction(t *testing.T) {
	const rounds = 4
	eachOwnServer(t, func(t *testing.T, in *dbtest.Instance, s *source) {
		from := s.item(t)
		s.exec(t, "INSERT INTO item VALUES (0, 'first')")
		count := 0
		for n := range rounds {
			got, done, stop := s.following(t, from)
			before := s.logSize(t)
			failed := make(chan error, 1)
			go func() { failed <- s.large(n) }()
			for deadline := time.Now().Add(patience); s.logSize(t) < before+int64(1+n*3_000_000); time.Sleep(200 * time.Microsecond) {
				if time.Now().After(deadline) {
					t.Fatal("the transaction does not come into the log")
				}
			}
			in.Kill(t)
			t.Logf("round %d: %d bytes in the log, commit: %v", n, s.logSize(t)-before, await(t, "the end of the transaction", failed))
			_ = await(t, "the end of Read", done)
			stop()
			in.Start(t)
			close(got)
			var all []*cdc.Transaction
			for tx := range got {
				all = append(all, tx)
			}
			s.exec(t, fmt.Sprintf("INSERT INTO item VALUES (%d, 'after')", -1-n))
			for _, tx := range s.readOn(t, from, all) {
				if count += len(tx.Changes); tx.Position != "" {
					from = tx.Position
				}
			}
			var want int
			if err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM item").Scan(&want); err != nil {
				t.Fatal(err)
			}
			if count != want {
				t.Fatalf("round %d: read %d rows, the table holds %d", n, count, want)
			}
		}
	})
}

// logFolder is where the server keeps its log; "" where that is out of reach.
func (s *source) logFolder(t *testing.T) string {
	t.Helper()
	if s.folder == "" {
		if err := s.db.QueryRowContext(t.Context(), "SELECT @@datadir").Scan(&s.folder); err != nil {
			t.Fatal(err)
		}
	}
	return s.folder
}

// logSize is the size of all files of the server's log, in bytes.
func (s *source) logSize(t *testing.T) (n int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.logFolder(t), "binlog.0*"))
	if err != nil || len(files) == 0 {
		t.Skipf("the server's log is out of reach in %s: %v", s.folder, err)
	}
	for _, f := range files {
		if i, err := os.Stat(f); err == nil {
			n += i.Size()
		}
	}
	return n
}

// large inserts some 20 MB in one transaction.
func (s *source) large(n int) error {
	tx, err := s.db.BeginTxx(context.Background(), nil)
	if err != nil {
		return err
	}
	first := (n + 1) * 1_000_000
	rows := make([]string, 1000)
	for i := range rows {
		rows[i] = fmt.Sprintf("(%d, '%s')", first+i, strings.Repeat("x", 190))
	}
	statements := []string{"INSERT INTO item VALUES " + strings.Join(rows, ",")}
	for have := 1000; have < 100_000; have *= 2 {
		statements = append(statements, fmt.Sprintf("INSERT INTO item SELECT id + %d, name FROM item WHERE id >= %d", have, first))
	}
	for _, statement := range statements {
		if _, err := tx.Exec(statement); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}
