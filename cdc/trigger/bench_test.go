package trigger

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"ardso/cdc"
)

const benchRows = 20_000

const fill = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
	INSERT INTO desk SELECT i, 'Broken chair', 'Allen', 2, 1795000000 + i, hex(randomblob(50)) FROM n`

const benchTable = `CREATE TABLE desk (id INTEGER PRIMARY KEY, summary TEXT, submitter TEXT, status INTEGER, created INTEGER, note TEXT)`

// BenchmarkRead reads a log of six columns with some 150 bytes a row; one op is 20,000 rows.
func BenchmarkRead(b *testing.B) {
	f := newFixture(b, benchTable)
	f.setUp("desk")
	f.exec(fmt.Sprintf(fill, benchRows))
	b.ReportAllocs()
	for b.Loop() {
		err := New(f.db, Options{}).Read(context.Background(), "", func(t *cdc.Transaction) error {
			if !t.More {
				return errEnough
			}
			return nil
		})
		if !errors.Is(err, errEnough) {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkWrite inserts and updates 20,000 rows in a transaction each, with and without triggers.
func BenchmarkWrite(b *testing.B) {
	for _, logged := range []bool{false, true} {
		b.Run(fmt.Sprintf("logged=%v", logged), func(b *testing.B) {
			f := newFixture(b, benchTable)
			if logged {
				f.setUp("desk")
			}
			for b.Loop() {
				f.exec(fmt.Sprintf(fill, benchRows), `UPDATE desk SET status = status + 1`)
				b.StopTimer()
				f.exec(`DROP TABLE desk`, benchTable)
				if logged {
					f.exec(`DELETE FROM dso_log`)
					f.setUp("desk")
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(2*benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
