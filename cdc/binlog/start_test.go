package binlog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/cdc/binlog/wire"
	"ardso/integration/dbtest"
	"ardso/sql/binlog"
	"ardso/sql/schema"
)

// TestStart reads from positions of all kinds on servers of its own, since their logs are cut.
func TestStart(t *testing.T) {
	eachOwnServer(t, func(t *testing.T, in *dbtest.Instance, s *source) {
		if s.db.Engine.Name == "mariadb" {
			t.Run("domains", func(t *testing.T) { testStartInDomains(t, newSourceOn(t, in.Database(t))) })
		}
		t.Run("lost", func(t *testing.T) { testStartLost(t, s) })
	})
}

// TestStartByFile is TestStart without GTIDs.
func TestStartByFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range dbtest.Have("mysql5.6") {
		testStartLost(t, newSourceOn(t, dbtest.Server(t, name, unnamed[1].settings...).Database(t)))
	}
}

// purge removes all files of the log but the last.
func (s *source) purge(t testing.TB) {
	t.Helper()
	s.exec(t, "FLUSH BINARY LOGS")
	log, err := binlog.ReadLog(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	s.purgeTo(t, log.File)
}

// purgeTo removes the files of the log before one. The server keeps those that it still sends to a reader that has
// gone, which it notices when there is something to send.
func (s *source) purgeTo(t testing.TB, file string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		s.exec(t, "PURGE BINARY LOGS TO '"+file+"'")
		log, err := binlog.ReadLog(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		if log.Files[0].Name == file {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server does not purge its log: %v", log.Files)
		}
		s.exec(t, "INSERT INTO elsewhere VALUES (1)")
	}
}

// wantLost makes sure that a position is refused with a reason, and nothing is delivered.
func (s *source) wantLost(t testing.TB, what string, p cdc.Position) {
	t.Helper()
	got, err := s.read(t, p)
	var lost *cdc.PositionLostError
	switch {
	case !errors.As(err, &lost):
		t.Errorf("%s: position %q: got error %v, want a lost position", what, p, err)
	case lost.Reason == "" || lost.Server != s.db.Server || lost.Position != p && p != "":
		t.Errorf("%s: position %q: got %+v", what, p, lost)
	}
	if len(got) > 0 {
		t.Errorf("%s: position %q: got %q", what, p, lines(got))
	}
}

// testStartLost reads from positions that the log does not reach back to, or that it never had.
func testStartLost(t *testing.T, s *source) {
	s.exec(t, "RESET MASTER") // what was before is not its matter
	old := s.item(t)
	s.exec(t, "INSERT INTO item VALUES (1, 'a')")
	s.exec(t, "FLUSH BINARY LOGS")
	s.exec(t, "INSERT INTO item VALUES (2, 'b')")
	wantNamed(t, s.mustRead(t, old), "insert item id=1 name=a", "insert item id=2 name=b")
	if got := named(s.mustRead(t, "")); len(got) != 2 {
		t.Errorf("from the beginning: got %q, want two rows", got)
	}
	now := s.now(t)
	for what, p := range map[string]cdc.Position{
		"garbage":              "x",
		"half":                 "mariadb:1-101",
		"no number":            "mysql:29c78843-e98d-11f1-8079-02fc00000001:x",
		"no place":             "file:binlog.000001",
		"another server":       "mariadb:1-555-3",
		"another source":       "mysql:29c78843-e98d-11f1-8079-02fc00000001:1-5",
		"another server's":     "file:binlog.000001:4@29c78843-e98d-11f1-8079-02fc00000001",
		"never had":            "mariadb:1-101-999999",
		"another domain":       "mariadb:77-101-1",
		"what nobody asks for": "mariadb:1-101-1,1-102-1",
		"ahead":                s.ahead(now),
		"a file to come":       cdc.Position(strings.Replace(string(now), "binlog.00000", "binlog.00007", 1)) + s.never(now),
	} {
		s.wantLost(t, what, p)
	}
	s.purge(t)
	now = s.now(t)
	s.wantLost(t, "purged", old)
	s.wantLost(t, "purged", "")
	s.exec(t, "INSERT INTO item VALUES (3, 'c')")
	wantNamed(t, s.mustRead(t, now), "insert item id=3 name=c")
	s.purge(t)
	s.wantLost(t, "purged again", now)
	now = s.now(t)
	s.exec(t, "INSERT INTO item VALUES (4, 'd')")
	wantNamed(t, s.mustRead(t, now), "insert item id=4 name=d")
	s.exec(t, "RESET MASTER")
	s.exec(t, "INSERT INTO item VALUES (5, 'e')")
	s.wantLost(t, "set back", now)
}

// never makes a position that the server has a position that it never had, where files do not.
func (s *source) never(now cdc.Position) cdc.Position {
	if strings.HasPrefix(string(now), filePrefix) {
		return ""
	}
	return "9"
}

// ahead is a position that the server will have some time.
func (s *source) ahead(now cdc.Position) cdc.Position {
	p, err := parsePosition(now)
	if err != nil {
		panic(err)
	}
	switch p.flavor {
	case mariadbGTID:
		p.mariadb[0].seq += 1000
	case mysqlGTID:
		p.mysql.add(p.mysql[0].sid, "", p.mysql[0].last()+1000)
	case filePlace:
		p.file.offset += 1 << 20
	}
	return p.text()
}

// testStartInDomains reads a log of several domains from positions that know some of them.
func testStartInDomains(t *testing.T, s *source) {
	old := s.item(t)
	in := func(domain, id int) {
		s.session(t, fmt.Sprintf("SET SESSION gtid_domain_id = %d", domain), fmt.Sprintf("INSERT INTO item VALUES (%d, 'd%d')", id, domain))
	}
	in(7, 1)
	in(3, 2)
	in(7, 3)
	all := []string{"insert item id=1 name=d7", "insert item id=2 name=d3", "insert item id=3 name=d7"}
	got := s.mustRead(t, old)
	wantNamed(t, got, all...)
	if p := got[2].Position; p != "mariadb:"+cdc.Position(strings.TrimPrefix(string(old), "mariadb:"))+",3-101-1,7-101-2" {
		t.Errorf("got position %s", p)
	}
	for i := range got {
		wantNamed(t, s.mustRead(t, got[i].Position), all[i+1:]...)
	}
	s.exec(t, "FLUSH BINARY LOGS")
	in(9, 4)
	wantNamed(t, s.mustRead(t, got[2].Position), "insert item id=4 name=d9")
	s.wantLost(t, "a domain's number", got[2].Position+"000")
	s.wantLost(t, "a server in a domain", old+",3-102-1")
	s.purge(t)
	s.wantLost(t, "a domain whose beginning is purged", old+",3-101-1")
	s.wantLost(t, "domains whose beginnings are purged", old)

	// A transaction that was never made, between two that were.
	now := s.now(t)
	s.session(t, "SET SESSION gtid_domain_id = 9, gtid_seq_no = 1000", "INSERT INTO item VALUES (5, 'a')")
	hole := cdc.Position(strings.Replace(string(now), ",9-101-1", ",9-101-500", 1))
	s.wantLost(t, "a hole", hole)
}

// replicate makes one server the replica of another.
func replicate(t *testing.T, primary, replica *source, in *dbtest.Instance) {
	t.Helper()
	host, port, err := net.SplitHostPort(in.Addr())
	if err != nil {
		t.Fatal(err)
	}
	auto := "master_auto_position = 1"
	if primary.db.Engine.Name == "mariadb" {
		auto = "master_use_gtid = slave_pos"
	}
	replica.exec(t, fmt.Sprintf("CHANGE MASTER TO master_host = '%s', master_port = %s, master_user = 'root', master_password = '%s', %s",
		host, port, primary.db.Config().Password, auto))
	replica.exec(t, "START SLAVE")
}

// awaitRow waits until a replica has a row.
func (s *source) awaitRow(t testing.TB, id int) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		var n int
		err := s.db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM item WHERE id = ?", id).Scan(&n)
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("row %d has not come to the replica (%v): %s", id, err, s.slaveStatus(t))
		}
	}
}

func (s *source) slaveStatus(t testing.TB) (text string) {
	rows, err := s.db.QueryxContext(t.Context(), "SHOW SLAVE STATUS")
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	for rows.Next() {
		m := map[string]any{}
		if err := rows.MapScan(m); err != nil {
			return err.Error()
		}
		for _, k := range []string{"Last_IO_Error", "Last_SQL_Error", "Slave_IO_State"} {
			text += fmt.Sprintf("%s: %s; ", k, m[k])
		}
	}
	return text
}

// TestPromoted reads on from a replica that became the primary, from positions in the former primary's log.
func TestPromoted(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes servers of its own")
	}
	for _, name := range live {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := []string(nil)
			if strings.HasPrefix(name, "mysql") {
				options = []string{"master-info-repository=TABLE", "relay-log-info-repository=TABLE"}
			}
			first := dbtest.Server(t, name, append(options, "server-id=104")...)
			second := dbtest.Server(t, name, append(options, "server-id=102")...)
			a, b := emptySource(t, first), emptySource(t, second)
			replicate(t, a, b, first)
			a.migrate(t)
			a.exec(t, "CREATE TABLE item (id int PRIMARY KEY, a int, b int)")
			a.tables = []*schema.Table{a.keyed("item")}
			b.tables = a.tables
			old := a.now(t)
			a.exec(t, "INSERT INTO item VALUES (1, 11, 12)")
			a.exec(t, "ALTER TABLE item CHANGE a x int, CHANGE b a int")
			a.exec(t, "INSERT INTO item VALUES (2, 8, 9)")
			read := a.mustRead(t, old)
			wantNamed(t, read, "insert item id=1 a=11 b=12", "insert item id=2 x=8 a=9")
			a.exec(t, "INSERT INTO item VALUES (3, 13, 14)")
			b.awaitRow(t, 3)
			b.exec(t, "STOP SLAVE")
			b.exec(t, "RESET SLAVE ALL")
			b.exec(t, "INSERT INTO item VALUES (4, 15, 16)")
			a.exec(t, "INSERT INTO item VALUES (9, 0, 0)") // it never reaches the new primary
			stray := a.mustRead(t, read[1].Position)
			later := []string{"insert item id=3 x=13 a=14", "insert item id=4 x=15 a=16"}
			wantNamed(t, b.mustRead(t, read[1].Position), later...)
			wantNamed(t, b.mustRead(t, read[0].Position), append([]string{"insert item id=2 x=8 a=9"}, later...)...)
			b.exec(t, "ALTER TABLE item ADD y int FIRST")
			b.exec(t, "INSERT INTO item VALUES (0, 5, 17, 18)")
			got := b.mustRead(t, old)
			wantNamed(t, got, append(append(named(read), later...), "insert item y=0 id=5 x=17 a=18")...)
			last := got[len(got)-1].Position
			wantNamed(t, b.mustRead(t, last))
			b.wantLost(t, "a transaction that was not replicated", stray[len(stray)-1].Position)
			a.wantLost(t, "the new primary's position on the old", last)
			third := newSource(t, name)
			third.item(t)
			for _, p := range []cdc.Position{old, read[0].Position, last} {
				third.wantLost(t, "a server that never had it", p)
			}
		})
	}
}

// emptySource is a database without anything in it, for what comes to it by replication.
func emptySource(t *testing.T, in *dbtest.Instance) *source {
	t.Helper()
	s := &source{o: Options{Heartbeat: 100 * time.Millisecond, PartRows: 64, PartBytes: 64 << 10}}
	s.db = in.Database(t)
	s.exec(t, "RESET MASTER") // both have a database of that name
	return s
}

// TestStartServerID reads under a number that somebody else has.
func TestStartServerID(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		id := s.o.withDefaults(s.db).ServerID
		s.o.ServerID = 101
		s.wantTaken(t, from, "the server itself")

		s.o.ServerID = id + 1
		s.replica(t, "elsewhere", s.o.ServerID, "SET @slave_uuid = 'b4d50000-0000-0000-0000-000000000001'")
		s.wantTaken(t, from, "elsewhere")

		s.o.ServerID = id + 2
		s.replica(t, replicaHost(s.db.Server), s.o.ServerID)
		wantNamed(t, s.mustRead(t, from), "insert item id=1 name=a")

		// MySQL 5.6 makes a row of its list too short for a replica without a UUID.
		s.o.ServerID = id + 3
		for n := range uint32(5) {
			s.replica(t, "nobody", id+10+n)
		}
		for range 5 {
			wantNamed(t, s.mustRead(t, from), "insert item id=1 name=a")
		}
	})
}

// TestServerIDTakenMeanwhile lets a replica come under the reader's number while it reads: the server ends the
// reader's connection for it. MariaDB says why; MySQL says nothing, and the next Read finds out.
func TestServerIDTakenMeanwhile(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		id := s.o.withDefaults(s.db).ServerID
		s.o.ServerID = id
		reading, ended := make(chan struct{}), make(chan error, 1)
		go func() {
			ended <- s.Reader(t).Read(t.Context(), from, func(tx *cdc.Transaction) error {
				if len(tx.Changes) > 0 {
					close(reading)
				}
				return nil
			})
		}()
		await(t, "the first row", reading)
		s.replica(t, "elsewhere", id, "SET @slave_uuid = '"+replicaUUID(s.db.Server, id)+"'")
		err := await(t, "the end of Read", ended)
		if s.db.Engine.Name == "mysql" {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("got error %v, want the end of the connection", err)
			}
			s.wantTaken(t, from, "elsewhere")
			return
		}
		var taken *ServerIDTakenError
		if !errors.As(err, &taken) || taken.ServerID != id || taken.Who == "" {
			t.Errorf("got error %v, want the number to be taken", err)
		}
	})
}

// TestHungFormerReader: a former reader of the same number hangs without taking what the server writes to it. The next
// one reads nevertheless.
func TestHungFormerReader(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for the reader to ask")
	}
	eachServer(t, func(t *testing.T, s *source) {
		from := s.item(t)
		start, err := parsePosition(from)
		if err != nil {
			t.Fatal(err)
		}
		o := s.o.withDefaults(s.db)
		hung, err := dial(t.Context(), s.db, o)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = hung.Close() })
		if err := dump(t.Context(), hung, o, start, 0); err != nil {
			t.Fatal(err)
		}
		s.exec(t, "CREATE TABLE big (n integer PRIMARY KEY, t longtext)")
		for i := range 24 { // more than the buffers of a connection
			s.exec(t, fmt.Sprintf("INSERT INTO big VALUES (%d, repeat('x', 1000000))", i))
		}
		s.exec(t, "INSERT INTO item VALUES (1, 'a')")
		got, _, _ := s.following(t, from)
		wantLines(t, []*cdc.Transaction{awaitChange(t, got)}, "insert item [] -> [1 a]\n---")
	})
}

func (s *source) wantTaken(t testing.TB, from cdc.Position, who string) {
	t.Helper()
	got, err := s.read(t, from)
	var taken *ServerIDTakenError
	if !errors.As(err, &taken) || !strings.Contains(taken.Who, who) || taken.ServerID != s.o.ServerID || len(got) > 0 {
		t.Errorf("got %q and error %v, want the number to be taken by %s", named(got), err, who)
	}
}

// replica registers one with the server and follows its log from the present end.
func (s *source) replica(t testing.TB, host string, id uint32, settings ...string) {
	t.Helper()
	config, err := wireConfig(s.db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c, err := wire.Connect(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := set(ctx, c, append(settings, "SET @master_binlog_checksum = 'CRC32'", "SET @mariadb_slave_capability = 4")...); err != nil {
		t.Fatal(err)
	}
	if err := c.Register(ctx, id, host); err != nil {
		t.Fatal(err)
	}
	log, err := binlog.ReadLog(ctx, s.db)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Dump(ctx, wire.Dump{ServerID: id, File: log.File, Position: log.Offset}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Next(); err != nil {
		t.Fatal(err)
	}
}
