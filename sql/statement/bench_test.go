package statement

import (
	"fmt"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

const benchRows = 1000

// benchForm is a table of 12 columns, about 200 bytes a row.
func benchForm(b *testing.B, db *engine.DB) *schema.Form {
	return newForm(b, db, "bench", 1, "id id", "a int", "b int", "c big", "d decimal", "e real", "f instant", "g date", "h ci", "i text", "j text", "k text")
}

func benchBatch(from int) [][]value.Value {
	rows := make([][]value.Value, benchRows)
	for i := range rows {
		n := int64(from + i)
		rows[i] = []value.Value{
			value.Text(fmt.Sprintf("R%012d", n)), value.Int(n % 1000), value.Int(7), value.Int(n * 1e6), decimal(fmt.Sprint(n%100, ".25")),
			value.Real(float64(n) / 3), value.Instant(n * 1e6), value.Date(value.EpochDay + n%1000), value.Text("Short description of a chair"),
			value.Text("a longer text of some fifty bytes, as they often are"), value.Null, value.Text("Open"),
		}
	}
	return rows
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
}

// eachEngine runs f on every engine; each call of f's step is one transaction of benchRows rows.
func eachEngine(b *testing.B, f func(b *testing.B, db *engine.DB, w *Writer, form *schema.Form)) {
	for _, name := range dbtest.Names() {
		b.Run(name, func(b *testing.B) {
			db := dbtest.New(b, name)
			b.ReportAllocs()
			f(b, db, NewWriter(db), benchForm(b, db))
		})
	}
}

func BenchmarkInsert(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *engine.DB, w *Writer, f *schema.Form) {
		n := 0
		for b.Loop() {
			rows := benchBatch(n)
			n += benchRows
			inTx(b, db, func(tx *Tx) { get(w.Insert(b.Context(), tx, f, f.Fields, rows))(b) })
		}
		perSecond(b)
	})
}

func benchmarkUpdate(b *testing.B, names ...string) {
	eachEngine(b, func(b *testing.B, db *engine.DB, w *Writer, f *schema.Form) {
		const batches = 20
		for i := range batches {
			inTx(b, db, func(tx *Tx) { get(w.Insert(b.Context(), tx, f, f.Fields, benchBatch(i*benchRows)))(b) })
		}
		changed := fields(f, names...)
		set := UpdateSet{Set: changed, Guard: changed}
		n := 0
		for b.Loop() {
			round := int64(n / batches)
			rows := benchBatch(n % batches * benchRows)
			list := make([]UpdateRow, len(rows))
			for i, r := range rows {
				u := UpdateRow{Key: r[:1]}
				for _, x := range changed {
					before, after := r[x.Index], r[x.Index]
					if x.Name == "b" {
						before, after = value.Int(7+round), value.Int(8+round)
					}
					u.Guard, u.Set = append(u.Guard, before), append(u.Set, after)
				}
				list[i] = u
			}
			n++
			inTx(b, db, func(tx *Tx) {
				if refused := get(w.Update(b.Context(), tx, f, set, list))(b); len(refused) > 0 {
					b.Fatalf("refused %d", len(refused))
				}
			})
		}
		perSecond(b)
	})
}

func BenchmarkUpdate3(b *testing.B) { benchmarkUpdate(b, "b", "h", "i") }
func BenchmarkUpdate11(b *testing.B) {
	benchmarkUpdate(b, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k")
}

func BenchmarkLookup(b *testing.B) {
	eachEngine(b, func(b *testing.B, db *engine.DB, w *Writer, f *schema.Form) {
		rows := benchBatch(0)
		inTx(b, db, func(tx *Tx) { get(w.Insert(b.Context(), tx, f, f.Fields, rows))(b) })
		keys := make([][]value.Value, len(rows))
		for i := range rows {
			keys[i] = rows[i][:1]
		}
		for b.Loop() {
			inTx(b, db, func(tx *Tx) { get(w.Lookup(b.Context(), tx, f, keys, true))(b) })
		}
		perSecond(b)
	})
}
