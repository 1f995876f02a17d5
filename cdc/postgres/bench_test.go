//go:build unix

package postgres

import (
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/sql/schema"
)

// benchRows is how many one-row transactions are read. docs/postgres-source.md has figures.
const benchRows = 300_000

// BenchmarkRead reads one-row transactions of 20 columns over TCP, decoded whole, with plain reads and
// with large ones (SO_RCVLOWAT).
func BenchmarkRead(b *testing.B) {
	for _, name := range live {
		s := newSource(b, name)
		s.o.Heartbeat, s.o.SenderTimeout, s.o.PartRows, s.o.PartBytes = 0, 0, 0, 0
		s.exec(b, `CREATE TABLE wide (id bigint PRIMARY KEY, b bigint, c bigint, d integer, e integer, f integer,
			g numeric(20,2), h numeric(20,2), i double precision, j date, k timestamp, l timestamptz, m boolean,
			n varchar(40), o varchar(40), p varchar(40), q varchar(40), r varchar(40), s text, t varchar(40))`)
		steps, err := Plan(b.Context(), s.db, []*schema.Table{{Name: "wide"}}, s.o)
		s.carryOut(b, steps, err)
		start := s.Start(b)
		s.exec(b, `SET synchronous_commit = off`)
		const load = `DO $$ BEGIN
			FOR i IN 1..300000 LOOP
				INSERT INTO wide VALUES (i, i, -i, i, 7, 42, 12345.67, i, 0.1 * i, '2026-11-22', '2026-11-22 21:09:00', '2026-11-22 21:09:00.5+00',
					true, 'Broken chair', 'San Francisco', 'Repair', 'a value of some length', 'x', 'text of the request, a little longer', NULL);
				COMMIT;
			END LOOP;
		END $$`
		s.exec(b, load)
		for _, v := range []struct {
			name string
			wrap func(net.Conn) net.Conn
		}{{"plain", func(c net.Conn) net.Conn { return c }}, {"large", newBulkConn}} {
			b.Run(name+"/"+v.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					readAll(b, s, v.wrap, start)
				}
			})
		}
	}
}

func readAll(b *testing.B, s *source, wrap func(net.Conn) net.Conn, start cdc.Position) {
	b.Helper()
	r := New(s.db, s.o)
	r.wrap = wrap
	rows, enough := 0, errors.New("enough")
	began, cpu := time.Now(), processTime()
	err := r.Read(b.Context(), start, func(t *cdc.Transaction) error {
		if rows += len(t.Changes); rows == benchRows {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows)/time.Since(began).Seconds(), "rows/s")
	b.ReportMetric(float64((processTime()-cpu).Microseconds())/float64(rows), "cpu-µs/row")
}

// processTime is the processor time that this process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
