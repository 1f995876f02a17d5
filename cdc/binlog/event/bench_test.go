package event

import (
	"fmt"
	"testing"

	"ardso/sql/value"
)

// benchTable has 20 columns as tables of users have: numbers, a decimal, a date, times, and texts.
func benchTable() (specs []spec, row [][]byte) {
	add := func(c Column, f Format, v []byte) {
		c.Name = fmt.Sprintf("column_%d", len(specs))
		specs, row = append(specs, spec{c, f}), append(row, v)
	}
	for i := range 4 {
		add(Column{Type: TypeLongLong, Key: i == 0}, Format{Kind: value.KindInt, Type: "bigint"}, body{}.u64(uint64(i)*1e12))
		add(Column{Type: TypeLong}, Format{Kind: value.KindInt, Type: "int"}, body{}.u32(uint32(i)*1e6))
	}
	for range 2 {
		add(Column{Type: TypeDecimal, Meta: 12<<8 | 2}, Format{Kind: value.KindDecimal, Type: "decimal"}, decimalBytes(false, "000123456789", 10))
	}
	add(Column{Type: TypeDate}, Format{Kind: value.KindDate, Type: "date"}, body{}.n(2026<<9|11<<5|26, 3))
	for range 2 {
		add(Column{Type: TypeTimestamp2, Meta: 6}, Format{Kind: value.KindInstant, Type: "timestamp"}, append(body{}.big(testTime, 4), fractionBytes(123456, 6)...))
	}
	for i := range 6 {
		s := fmt.Sprintf("text number %d of a row", i)
		add(Column{Type: TypeVarchar, Meta: 1020, Collation: 45, Nullable: true}, Format{Kind: value.KindText, Type: "varchar", Charset: "utf8mb4"}, body{}.u16(uint16(len(s))).str(s))
	}
	add(Column{Type: TypeVarchar, Meta: 1020, Collation: 45, Nullable: true}, Format{Kind: value.KindText, Type: "varchar", Charset: "utf8mb4"}, nil)
	return specs, row
}

func layoutOf(tb testing.TB, specs []spec) *Layout {
	tb.Helper()
	columns, formats := make([]Column, len(specs)), make([]Format, len(specs))
	for i, s := range specs {
		columns[i], formats[i] = s.Column, s.Format
	}
	l, err := NewLayout(columns, formats)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

// benchEvents decodes the events of a transaction again and again, and all values of its rows.
func benchEvents(b *testing.B, t Type, rows int, before bool) {
	specs, row := benchTable()
	image := imageOf(row...)
	images := make([][]byte, rows)
	for i := range images {
		images[i] = image
		if before {
			images[i] = append(image[:len(image):len(image)], image...)
		}
	}
	events := [][]byte{
		sum(MariaDBGTIDType, 0, append(body{}.u64(7).u32(0).u8(GTIDTransactional), make([]byte, 6)...)),
		sum(TableMapType, 0, mapBody(18, "item", specs)),
		sum(t, 0, rowsBody(t, 18, len(specs), images...)),
		sum(XIDType, 0, body{}.u64(9)),
	}
	d, l := started(), layoutOf(b, specs)
	old, now := make([]value.Value, len(specs)), make([]value.Value, len(specs))
	size := 0
	for _, e := range events {
		size += len(e)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range events {
			_, e, err := d.Decode(raw)
			if err != nil {
				b.Fatal(err)
			}
			r, ok := e.(*Rows)
			if !ok {
				continue
			}
			for reader := l.Rows(r); ; {
				more, err := reader.Next(old, now)
				if err != nil {
					b.Fatal(err)
				}
				if !more {
					break
				}
			}
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkInsertOne(b *testing.B)      { benchEvents(b, WriteRowsV1Type, 1, false) }
func BenchmarkInsertThousand(b *testing.B) { benchEvents(b, WriteRowsV1Type, 1000, false) }
func BenchmarkUpdateOne(b *testing.B)      { benchEvents(b, UpdateRowsV1Type, 1, true) }
func BenchmarkUpdateThousand(b *testing.B) { benchEvents(b, UpdateRowsV1Type, 1000, true) }
