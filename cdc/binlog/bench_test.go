//go:build unix

package binlog

import (
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/sql/schema"
)

// BenchmarkRead reads 20 columns over TCP, decoded whole: one-row transactions, and rows in transactions of 1000.
func BenchmarkRead(b *testing.B) {
	for _, name := range live {
		for _, v := range []struct{ rows, each int }{{300_000, 1}, {1_000_000, 1000}} {
			b.Run(fmt.Sprintf("%s/%d", name, v.each), func(b *testing.B) {
				s := newSource(b, name)
				s.o = Options{}
				start := s.wide(b, v.rows, v.each)
				b.ReportAllocs()
				for b.Loop() {
					readAll(b, s, start, v.rows)
				}
			})
		}
	}
}

// wide fills a table by a procedure on the server, each rows in a transaction, and returns where that begins.
func (s *source) wide(b *testing.B, rows, each int) cdc.Position {
	b.Helper()
	s.exec(b, `CREATE TABLE wide (id bigint PRIMARY KEY, b bigint, c bigint, d integer, e integer, f integer,
		g decimal(20,2), h decimal(20,2), i double, j date, k datetime, l timestamp(3) NULL, m boolean,
		n varchar(40), o varchar(40), p varchar(40), q varchar(40), r varchar(40), s text, t varchar(40))`)
	s.Setup(b, []*schema.Table{s.keyed("wide")})
	s.exec(b, `CREATE PROCEDURE fill() BEGIN
		DECLARE n bigint DEFAULT 0;
		WHILE n < `+fmt.Sprint(rows)+` DO
			START TRANSACTION;
			REPEAT
				SET n = n + 1;
				INSERT INTO wide VALUES (n, n, -n, n, 7, 42, 12345.67, n, 0.1 * n, '2026-11-22', '2026-11-22 21:09:00', '2026-11-22 21:09:00.5',
					true, 'Broken chair', 'San Francisco', 'Repair', 'a value of some length', 'x', 'text of the request, a little longer', NULL);
			UNTIL n % `+fmt.Sprint(each)+` = 0 END REPEAT;
			COMMIT;
		END WHILE;
	END`)
	for _, variable := range []string{"sync_binlog", "innodb_flush_log_at_trx_commit"} { // the filling is not what is measured
		var was int
		if err := s.db.QueryRowContext(b.Context(), "SELECT @@GLOBAL."+variable).Scan(&was); err != nil {
			b.Fatal(err)
		}
		s.exec(b, "SET GLOBAL "+variable+" = 0")
		defer s.exec(b, fmt.Sprintf("SET GLOBAL %s = %d", variable, was))
	}
	start := s.now(b)
	s.exec(b, "CALL fill()")
	return start
}

func readAll(b *testing.B, s *source, start cdc.Position, want int) {
	b.Helper()
	rows := 0
	began, cpu := time.Now(), processTime()
	err := New(s.db, s.tables, s.o).Read(b.Context(), start, func(t *cdc.Transaction) error {
		if rows += len(t.Changes); rows == want {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		b.Fatal(err)
	}
	b.ReportMetric(float64(rows)/time.Since(began).Seconds(), "rows/s")
	b.ReportMetric(float64((processTime()-cpu).Nanoseconds())/1000/float64(rows), "cpu-µs/row")
}

// processTime is the processor time that this process has used.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
