package event

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/sql/value"
)

// drawn is a column and how its values are drawn: bytes, and what they mean.
type drawn struct {
	spec
	draw func(t *rapid.T) ([]byte, value.Value)
}

func integers(t *rapid.T) drawn {
	types := map[ColumnType]int{TypeTiny: 1, TypeShort: 2, TypeInt24: 3, TypeLong: 4, TypeLongLong: 8}
	typ := rapid.SampledFrom([]ColumnType{TypeTiny, TypeShort, TypeInt24, TypeLong, TypeLongLong}).Draw(t, "type")
	n, unsigned := types[typ], rapid.Bool().Draw(t, "unsigned")
	d := drawn{spec: spec{Column{Type: typ, Unsigned: unsigned}, Format{Kind: value.KindInt, Type: "int", Unsigned: unsigned}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		v := rapid.Int64().Draw(t, "integer") >> (64 - 8*n)
		want := value.Int(v)
		if unsigned {
			u := uint64(v) << (64 - 8*n) >> (64 - 8*n)
			want = must(value.Parse(value.KindInt, fmt.Sprint(u)))
		}
		return body{}.n(uint64(v), n), want
	}
	return d
}

func must(v value.Value, err error) value.Value {
	if err != nil {
		panic(err)
	}
	return v
}

func decimals(t *rapid.T) drawn {
	precision := rapid.IntRange(1, 65).Draw(t, "precision")
	scale := rapid.IntRange(0, min(precision, 30)).Draw(t, "scale")
	d := drawn{spec: spec{Column{Type: TypeDecimal, Meta: uint16(precision<<8 | scale)}, Format{Kind: value.KindDecimal, Type: "decimal"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		digits := rapid.StringMatching(fmt.Sprintf("[0-9]{%d}", precision)).Draw(t, "digits")
		negative, text := rapid.Bool().Draw(t, "negative"), "0"+digits[:precision-scale]+"."+digits[precision-scale:]
		if negative {
			text = "-" + text
		}
		return decimalBytes(negative, digits, precision-scale), must(value.Decimal(text))
	}
	return d
}

func clocks(t *rapid.T) drawn {
	scale := rapid.IntRange(0, 6).Draw(t, "scale")
	step := int64(math.Pow10(6 - scale))
	d := drawn{spec: spec{Column{Type: TypeTime2, Meta: uint16(scale)}, Format{Kind: value.KindTime, Type: "time"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		us := rapid.Int64Range(-3020399*second, 3020399*second).Draw(t, "time") / step * step
		return timeBytes(us, scale), value.TimeOfDay(us)
	}
	return d
}

func datetimes(t *rapid.T) drawn {
	scale := rapid.IntRange(0, 6).Draw(t, "scale")
	step := int(math.Pow10(6 - scale))
	d := drawn{spec: spec{Column{Type: TypeDatetime2, Meta: uint16(scale)}, Format{Kind: value.KindInstant, Type: "datetime"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		n := func(label string, low, high int) int { return rapid.IntRange(low, high).Draw(t, label) }
		y, mo, day, h, mi, s := n("year", 0, 9999), n("month", 0, 12), n("day", 0, 31), n("hour", 0, 23), n("minute", 0, 59), n("second", 0, 59)
		micros := n("micros", 0, 999999) / step * step
		text := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", y, mo, day, h, mi, s)
		if scale > 0 {
			text += fmt.Sprintf(".%06d", micros)[:1+scale]
		}
		want, err := value.Parse(value.KindInstant, text)
		if err != nil { // no day: the text as the server prints it
			want = value.Text(text)
		}
		return datetimeBytes(y, mo, day, h, mi, s, micros, scale), want
	}
	return d
}

func dates(*rapid.T) drawn {
	d := drawn{spec: spec{Column{Type: TypeDate}, Format{Kind: value.KindDate, Type: "date"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		y, m, day := rapid.IntRange(0, 9999).Draw(t, "year"), rapid.IntRange(0, 12).Draw(t, "month"), rapid.IntRange(0, 31).Draw(t, "day")
		text := fmt.Sprintf("%04d-%02d-%02d", y, m, day)
		want, err := value.Parse(value.KindDate, text)
		if err != nil {
			want = value.Text(text)
		}
		return body{}.n(uint64(y<<9|m<<5|day), 3), want
	}
	return d
}

func texted(t *rapid.T) drawn {
	length := rapid.SampledFrom([]uint16{255, 256, 65535}).Draw(t, "length")
	d := drawn{spec: spec{Column{Type: TypeVarchar, Meta: length, Collation: 45}, Format{Kind: value.KindText, Type: "varchar", Charset: "utf8mb4"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		s := rapid.StringN(0, 60, 250).Draw(t, "text")
		if length > 255 && rapid.Bool().Draw(t, "long") {
			s = strings.Repeat(s, 100)
		}
		return body{}.n(uint64(len(s)), lengthOf(int(length))).str(s), value.Text(s)
	}
	return d
}

func blobs(t *rapid.T) drawn {
	n := rapid.IntRange(1, 4).Draw(t, "length's length")
	d := drawn{spec: spec{Column{Type: TypeBlob, Meta: uint16(n), Collation: 63}, Format{Kind: value.KindBytes, Type: "blob"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		b := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "bytes")
		return append(body{}.n(uint64(len(b)), n), b...), value.Bytes(b)
	}
	return d
}

func sets(t *rapid.T) drawn {
	labels := rapid.SliceOfN(rapid.StringMatching("[a-zß]{1,4}"), 1, 64).Draw(t, "labels")
	n := (len(labels) + 7) / 8
	if n > 4 {
		n = 8
	}
	c := Column{Type: TypeSet, Meta: uint16(TypeSet)<<8 | uint16(n), Collation: 45, Labels: labels}
	d := drawn{spec: spec{c, Format{Kind: value.KindText, Type: "set", Charset: "utf8mb4", Labels: labels}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		bits := rapid.Uint64().Draw(t, "bits") << (64 - len(labels)) >> (64 - len(labels))
		var chosen []string
		for i, l := range labels {
			if bits&(1<<i) != 0 {
				chosen = append(chosen, l)
			}
		}
		return body{}.n(bits, n), value.Text(strings.Join(chosen, ","))
	}
	return d
}

func reals(*rapid.T) drawn {
	d := drawn{spec: spec{Column{Type: TypeDouble, Meta: 8}, Format{Kind: value.KindReal, Type: "double"}}}
	d.draw = func(t *rapid.T) ([]byte, value.Value) {
		f := rapid.Float64().Draw(t, "real")
		return body{}.u64(math.Float64bits(f)), value.Real(f + 0) // no -0
	}
	return d
}

// Random tables and rows come back from the events that the encoder makes of them.
func TestRows(t *testing.T) {
	families := []func(*rapid.T) drawn{integers, decimals, clocks, datetimes, dates, texted, blobs, sets, reals}
	rapid.Check(t, func(t *rapid.T) {
		var table []drawn
		var specs []spec
		for i := range rapid.IntRange(1, 20).Draw(t, "columns") {
			d := rapid.SampledFrom(families).Draw(t, "family")(t)
			d.Name, d.Nullable, d.Key = fmt.Sprint("c", i), rapid.Bool().Draw(t, "nullable"), rapid.Bool().Draw(t, "key")
			table, specs = append(table, d), append(specs, d.spec)
		}
		typ := rapid.SampledFrom([]Type{WriteRowsV1Type, WriteRowsV2Type, UpdateRowsV1Type, UpdateRowsV2Type, DeleteRowsV1Type, DeleteRowsV2Type}).Draw(t, "event")
		var images [][]byte
		var want [][]value.Value
		n := rapid.IntRange(1, 5).Draw(t, "rows")
		if rowsKinds[typ] == Update {
			n *= 2
		}
		for range n {
			image, row := drawImage(t, table)
			images, want = append(images, image), append(want, row)
		}
		checkRows(t, specs, typ, images, want)
	})
}

func drawImage(t *rapid.T, table []drawn) ([]byte, []value.Value) {
	values, row := make([][]byte, len(table)), make([]value.Value, len(table))
	for i, d := range table {
		if d.Nullable && rapid.Bool().Draw(t, "null") {
			row[i] = value.Null
			continue
		}
		values[i], row[i] = d.draw(t)
	}
	return imageOf(values...), row
}

func checkRows(t *rapid.T, specs []spec, typ Type, images [][]byte, want [][]value.Value) {
	d := started()
	_, e, err := d.Decode(sum(TableMapType, 0, mapBody(18, "item", specs)))
	if err != nil {
		t.Fatal(err)
	}
	columns := e.(*TableMap).Columns
	formats := make([]Format, len(specs))
	for i, s := range specs {
		if got := fmt.Sprintf("%+v", columns[i]); got != fmt.Sprintf("%+v", s.Column) {
			t.Fatalf("got column %s, want %+v", got, s.Column)
		}
		formats[i] = s.Format
	}
	l, err := NewLayout(columns, formats)
	if err != nil {
		t.Fatal(err)
	}
	_, e, err = d.Decode(sum(typ, 0, rowsBody(typ, 18, len(specs), images...)))
	if err != nil {
		t.Fatal(err)
	}
	rows := e.(*Rows)
	var got [][]value.Value
	for reader := l.Rows(rows); ; {
		before, after := make([]value.Value, len(specs)), make([]value.Value, len(specs))
		more, err := reader.Next(before, after)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			break
		}
		if rows.Kind != Insert {
			got = append(got, before)
		}
		if rows.Kind != Delete {
			got = append(got, after)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i := range want {
		for j := range want[i] {
			if got[i][j] != want[i][j] {
				t.Fatalf("row %d, column %d: got %s %s, want %s %s", i, j, got[i][j].Kind(), got[i][j], want[i][j].Kind(), want[i][j])
			}
		}
	}
}
