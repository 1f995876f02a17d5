package binlog

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// eachServer runs a test on a fresh database of every server.
func eachServer(t *testing.T, f func(t *testing.T, s *source)) {
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, newSource(t, name))
		})
	}
}

// eachOwnServer runs a test on a server of its own of every kind: one that is stopped, or whose log is cut.
func eachOwnServer(t *testing.T, f func(t *testing.T, in *dbtest.Instance, s *source), settings ...string) {
	t.Helper()
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := dbtest.Server(t, name, settings...)
			f(t, in, newSourceOn(t, in.Database(t)))
		})
	}
}

// item makes table item, sets it up to be read and returns where reading starts.
func (s *source) item(t testing.TB) cdc.Position {
	t.Helper()
	s.exec(t, "CREATE TABLE item (id integer PRIMARY KEY, name varchar(200))")
	s.Setup(t, []*schema.Table{s.keyed("item")})
	return s.start
}

// keyed is a table with the key id, as far as a reader asks.
func (s *source) keyed(name string) *schema.Table {
	return &schema.Table{Schema: s.db.Schema, Name: name, Key: []string{"id"}}
}

// now is the position of the log's end, as a reader that has read all would have it.
func (s *source) now(t testing.TB) cdc.Position {
	t.Helper()
	p, err := Start(t.Context(), s.db, s.tables, s.o)
	if err != nil {
		t.Fatalf("the log's end: %v", err)
	}
	return p
}

// session is one connection, for what holds for a session only. A statement that begins with "?" must be refused.
func (s *source) session(t testing.TB, statements ...string) func(statement string) {
	t.Helper()
	c, err := s.db.Connx(t.Context())
	if err != nil {
		t.Fatalf("a session: %v", err)
	}
	// The settings made here must not come back with the connection from the pool.
	t.Cleanup(func() { _ = c.Raw(func(any) error { return driver.ErrBadConn }) })
	run := func(statement string) {
		t.Helper()
		statement, refused := strings.CutPrefix(statement, "?")
		if _, err := c.ExecContext(t.Context(), statement); (err != nil) != refused {
			t.Fatalf("%.300s: got error %v, want one: %v", statement, err, refused)
		}
	}
	for _, statement := range statements {
		run(statement)
	}
	return run
}

// other makes a second database on the server and returns its name.
func (s *source) other(t testing.TB) string {
	t.Helper()
	name := s.db.Schema + "_other"
	s.exec(t, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if _, err := s.db.ExecContext(context.Background(), "DROP DATABASE "+name); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return name
}

var errEnough = errors.New("enough")

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// read reads from a position until the end that it writes itself, and returns what holds changes. An error
// instead of the end is returned with what came before.
func (s *source) read(t testing.TB, from cdc.Position) ([]*cdc.Transaction, error) {
	t.Helper()
	return s.readBy(t, New(s.db, s.tables, s.o), from)
}

func (s *source) readBy(t testing.TB, r *Reader, from cdc.Position) ([]*cdc.Transaction, error) {
	t.Helper()
	name := fmt.Sprint("end ", time.Now().UnixNano())
	s.Watermark(t, cdc.Watermark{Kind: cdc.End, Name: name})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []*cdc.Transaction
	err := r.Read(ctx, from, func(tx *cdc.Transaction) error {
		if len(tx.Watermarks) > 0 && tx.Watermarks[0].Name == name {
			return errEnough
		}
		if len(tx.Changes) > 0 || tx.More {
			got = append(got, tx)
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return got, nil
	}
	return got, err
}

// mustRead is read where nothing may stop the reader.
func (s *source) mustRead(t testing.TB, from cdc.Position) []*cdc.Transaction {
	t.Helper()
	got, err := s.read(t, from)
	if err != nil {
		t.Fatalf("read from %s: %v; before it came\n%s", from, err, strings.Join(lines(got), "\n"))
	}
	return got
}

// lines is a line for each change: "insert item [] -> [1 x]"; "---" ends a transaction, "..." a part.
func lines(all []*cdc.Transaction) []string {
	var ls []string
	for _, tx := range all {
		for _, c := range tx.Changes {
			ls = append(ls, fmt.Sprintf("%s %s %v -> %v", c.Kind, c.Relation.Table, c.Before, c.After))
		}
		if ls = append(ls, "---"); tx.More {
			ls[len(ls)-1] = "..."
		}
	}
	return ls
}

// wantLines compares what was read with the lines of a text.
func wantLines(t testing.TB, got []*cdc.Transaction, want string) {
	t.Helper()
	var wanted []string
	for l := range strings.Lines(want) {
		if l = strings.TrimSpace(l); l != "" {
			wanted = append(wanted, l)
		}
	}
	if g := lines(got); !slices.Equal(g, wanted) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(g, "\n  "), strings.Join(wanted, "\n  "))
	}
}

// following reads in the background; each transaction goes to got.
func (s *source) following(t testing.TB, from cdc.Position) (got chan *cdc.Transaction, done chan error, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got, done = make(chan *cdc.Transaction, 10_000), make(chan error, 1)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		done <- New(s.db, s.tables, s.o).Read(ctx, from, func(tx *cdc.Transaction) error {
			got <- tx
			return nil
		})
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return got, done, stop
}

func await[T any](t testing.TB, what string, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// awaitChange waits for a transaction with changes, passing over bare positions.
func awaitChange(t testing.TB, got <-chan *cdc.Transaction) *cdc.Transaction {
	t.Helper()
	for {
		if tx := await(t, "a change", got); len(tx.Changes) > 0 {
			return tx
		}
	}
}

// logged reads the log's events from a position to its present end. Queries and the heads of groups are the
// only ones whose values are kept.
func logged(t testing.TB, db *engine.DB, from cdc.Position) []event.Event {
	t.Helper()
	start, err := parsePosition(from)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{ServerID: 777_777}.withDefaults(db)
	c, err := dial(t.Context(), db, o)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := dump(t.Context(), c, o, start, nonBlock); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	d := event.NewDecoder()
	var all []event.Event
	for {
		raw, err := c.Next()
		if err != nil { // with nonBlock its end is an EOF
			return all
		}
		_, e, err := d.Decode(raw)
		if err != nil {
			t.Fatalf("decode: %v", err)
		}
		switch v := e.(type) {
		case *event.MariaDBGTID:
			copied := *v
			e = &copied
		case *event.GTID:
			copied := *v
			e = &copied
		case *event.Query:
			copied := *v
			e = &copied
		}
		all = append(all, e)
	}
}
