package event

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"ardso/sql/value"
)

// cell is a column's type, a value's bytes, and what they mean.
type cell struct {
	column Column
	format Format
	raw    []byte
	want   value.Value
}

func kind(k value.Kind, name string) Format { return Format{Kind: k, Type: name} }

func decimal(tb testing.TB, s string) value.Value {
	tb.Helper()
	v, err := value.Decimal(s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

func parse(tb testing.TB, k value.Kind, s string) value.Value {
	tb.Helper()
	v, err := value.Parse(k, s)
	if err != nil {
		tb.Fatal(err)
	}
	return v
}

// decodeCell reads one value through a layout of one column.
func decodeCell(column Column, format Format, raw []byte) (value.Value, error) {
	l, err := NewLayout([]Column{column}, []Format{format})
	if err != nil {
		return value.Value{}, err
	}
	data := append([]byte{0}, raw...)
	to := make([]value.Value, 1)
	r := l.Rows(&Rows{Kind: Insert, Columns: 1, After: []byte{1}, Data: data})
	if _, err := r.Next(nil, to); err != nil {
		return value.Value{}, err
	}
	if more, err := r.Next(nil, make([]value.Value, 1)); more || err != nil {
		return value.Value{}, fmt.Errorf("%d bytes are left: %w", len(r.data), err)
	}
	return to[0], nil
}

func numbers(t testing.TB) []cell {
	i, u := kind(value.KindInt, "int"), Format{Kind: value.KindInt, Type: "int", Unsigned: true}
	d := kind(value.KindDecimal, "decimal")
	typ := func(t ColumnType) Column { return Column{Type: t} }
	all := strings.Repeat("9", 65)
	return []cell{
		{typ(TypeTiny), i, []byte{0x80}, value.Int(-128)},
		{typ(TypeTiny), u, []byte{0xff}, value.Int(255)},
		{typ(TypeShort), i, []byte{0, 0x80}, value.Int(-32768)},
		{typ(TypeShort), u, []byte{0xff, 0xff}, value.Int(65535)},
		{typ(TypeInt24), i, []byte{0, 0, 0x80}, value.Int(-8388608)},
		{typ(TypeInt24), i, []byte{0xff, 0xff, 0x7f}, value.Int(8388607)},
		{typ(TypeInt24), u, []byte{0xff, 0xff, 0xff}, value.Int(16777215)},
		{typ(TypeLong), i, body{}.u32(1 << 31), value.Int(math.MinInt32)},
		{typ(TypeLong), u, body{}.u32(math.MaxUint32), value.Int(math.MaxUint32)},
		{typ(TypeLongLong), i, body{}.u64(1 << 63), value.Int(math.MinInt64)},
		{typ(TypeLongLong), u, body{}.u64(math.MaxInt64), value.Int(math.MaxInt64)},
		{typ(TypeLongLong), u, body{}.u64(math.MaxUint64), decimal(t, "18446744073709551615")},
		{typ(TypeYear), kind(value.KindInt, "year"), []byte{0}, value.Int(0)},
		{typ(TypeYear), kind(value.KindInt, "year"), []byte{255}, value.Int(2155)},
		{typ(TypeFloat), kind(value.KindReal, "float"), body{}.u32(math.Float32bits(0.1)), value.Real(float64(float32(0.1)))},
		{typ(TypeFloat), kind(value.KindReal, "float"), body{}.u32(1 << 31), value.Real(0)},
		{typ(TypeDouble), kind(value.KindReal, "double"), body{}.u64(1 << 63), value.Real(0)},
		{Column{Type: TypeBit, Meta: 1}, kind(value.KindInt, "bit"), []byte{1}, value.Int(1)},
		{Column{Type: TypeBit, Meta: 1<<8 | 1}, kind(value.KindInt, "bit"), []byte{1, 0x55}, value.Int(0x155)},
		{Column{Type: TypeBit, Meta: 8 << 8}, kind(value.KindInt, "bit"), bytes.Repeat([]byte{0xff}, 8), decimal(t, "18446744073709551615")},
		{Column{Type: TypeDecimal, Meta: 12<<8 | 2}, d, decimalBytes(false, "000000123450", 10), decimal(t, "1234.5")},
		{Column{Type: TypeDecimal, Meta: 12<<8 | 2}, d, decimalBytes(true, "000000000001", 10), decimal(t, "-0.01")},
		{Column{Type: TypeDecimal, Meta: 12<<8 | 2}, d, decimalBytes(true, "000000000000", 10), decimal(t, "0")},
		{Column{Type: TypeDecimal, Meta: 5 << 8}, d, decimalBytes(true, "99999", 5), decimal(t, "-99999")},
		{Column{Type: TypeDecimal, Meta: 4<<8 | 4}, d, decimalBytes(false, "0500", 0), decimal(t, "0.05")},
		{Column{Type: TypeDecimal, Meta: 65<<8 | 30}, d, decimalBytes(true, all, 35), decimal(t, "-"+all[:35]+"."+all[:30])},
	}
}

func times(t testing.TB) []cell {
	date, at, clock := kind(value.KindDate, "date"), kind(value.KindInstant, "datetime"), kind(value.KindTime, "time")
	instant := func(s string) value.Value { return parse(t, value.KindInstant, s) }
	ts := func(s uint64, micros, scale int) []byte {
		return append(body{}.big(s, 4), fractionBytes(micros, scale)...)
	}
	time := func(scale uint16, us int64, want string) cell {
		return cell{Column{Type: TypeTime2, Meta: scale}, clock, timeBytes(us, int(scale)), parse(t, value.KindTime, want)}
	}
	old := func(v int64) []byte { return body{}.n(uint64(v), 3) }
	return []cell{
		{Column{Type: TypeDate}, date, body{}.n(2026<<9|2<<5|28, 3), parse(t, value.KindDate, "2026-02-28")},
		{Column{Type: TypeDate}, date, body{}.n(9999<<9|12<<5|31, 3), parse(t, value.KindDate, "9999-12-31")},
		{Column{Type: TypeDate}, date, body{}.n(1<<9|1<<5|1, 3), parse(t, value.KindDate, "0001-01-01")},
		{Column{Type: TypeDate}, date, []byte{0, 0, 0}, value.Text("0000-00-00")},
		{Column{Type: TypeDate}, date, body{}.n(2026<<9|2<<5|30, 3), value.Text("2026-02-30")},
		{Column{Type: TypeDate}, date, body{}.n(2026<<9, 3), value.Text("2026-00-00")},
		{Column{Type: TypeDatetime2}, at, datetimeBytes(2026, 11, 26, 10, 37, 1, 0, 0), instant("2026-11-26 10:37:01")},
		{Column{Type: TypeDatetime2, Meta: 1}, at, datetimeBytes(2026, 11, 26, 10, 37, 1, 500000, 1), instant("2026-11-26 10:37:01.5")},
		{Column{Type: TypeDatetime2, Meta: 3}, at, datetimeBytes(1000, 1, 1, 0, 0, 0, 123000, 3), instant("1000-01-01 00:00:00.123")},
		{Column{Type: TypeDatetime2, Meta: 6}, at, datetimeBytes(9999, 12, 31, 23, 59, 59, 999999, 6), instant("9999-12-31 23:59:59.999999")},
		{Column{Type: TypeDatetime2, Meta: 6}, at, datetimeBytes(0, 0, 0, 0, 0, 0, 0, 6), value.Text("0000-00-00 00:00:00.000000")},
		{Column{Type: TypeDatetime2, Meta: 2}, at, datetimeBytes(2026, 2, 30, 1, 2, 3, 120000, 2), value.Text("2026-02-30 01:02:03.12")},
		{Column{Type: TypeTimestamp2}, at, ts(1, 0, 0), instant("1970-01-01 00:00:01")},
		{Column{Type: TypeTimestamp2, Meta: 4}, at, ts(0x7fffffff, 123400, 4), instant("2038-01-19 03:14:07.1234")},
		{Column{Type: TypeTimestamp2}, at, ts(0xffffffff, 0, 0), instant("2106-02-07 06:28:15")}, // MariaDB 11.5+
		{Column{Type: TypeTimestamp2}, at, ts(0, 0, 0), value.Text("0000-00-00 00:00:00")},
		time(0, 0, "00:00:00"),
		time(0, 3020399*second, "838:59:59"),
		time(0, -3020399*second, "-838:59:59"),
		time(1, -500000, "-00:00:00.5"),
		time(2, -1*second-10000, "-00:00:01.01"),
		time(3, -43200*second-500000, "-12:00:00.5"),
		time(4, 86399*second+999900, "23:59:59.9999"),
		time(6, -1, "-00:00:00.000001"),
		time(6, -3020398*second-1, "-838:59:58.000001"),
		{Column{Type: TypeTime}, clock, old(-8385959), parse(t, value.KindTime, "-838:59:59")},
		{Column{Type: TypeTime}, clock, old(123456), parse(t, value.KindTime, "12:34:56")},
		{Column{Type: TypeTimestamp}, at, body{}.u32(testTime), value.Instant(testTime * second)},
		{Column{Type: TypeTimestamp}, at, body{}.u32(0), value.Text("0000-00-00 00:00:00")},
		{Column{Type: TypeDatetime}, at, body{}.u64(20261126103701), instant("2026-11-26 10:37:01")},
		{Column{Type: TypeDatetime}, at, body{}.u64(0), value.Text("0000-00-00 00:00:00")},
	}
}

func strs() []cell {
	text := func(name, charset string) Format { return Format{Kind: value.KindText, Type: name, Charset: charset} }
	many := make([]string, 64)
	for i := range many {
		many[i] = fmt.Sprint("m", i)
	}
	labels := func(l ...string) Format { return Format{Kind: value.KindText, Labels: l} }
	long := strings.Repeat("é", 1000)
	return []cell{
		{Column{Type: TypeVarchar, Meta: 255}, text("varchar", "utf8mb4"), body{}.text("größe 🪑 "), value.Text("größe 🪑 ")},
		{Column{Type: TypeVarchar, Meta: 256}, text("varchar", "utf8mb4"), body{}.u16(2).str("ab"), value.Text("ab")},
		{Column{Type: TypeVarchar, Meta: 20}, text("varchar", "latin1"), body{}.text("B\xfcro \x80\x81"), value.Text("Büro €\u0081")}, // MD-3
		{Column{Type: TypeVarchar, Meta: 20}, text("varchar", "utf16"), body{}.text("\xd8\x3e\xde\x91"), value.Text("🪑")},
		{Column{Type: TypeVarchar, Meta: 20}, text("varchar", "sjis"), body{}.text("\x93\xfa\xb1"), value.Text("日ｱ")},
		{Column{Type: TypeVarchar, Meta: 20}, text("varchar", "ujis"), body{}.text("a\x8f\xb0\xa1\xf5\xa1"), value.Text("a丂\ue000")},
		{Column{Type: TypeString, Meta: 0xfe28}, text("char", "utf8mb4"), body{}.text("pad  "), value.Text("pad")},
		{Column{Type: TypeString, Meta: 0xee20}, text("char", "ucs2"), body{}.u16(4).str("\x00a\x00 "), value.Text("a")},
		{Column{Type: TypeString, Meta: 0xfe04}, Format{Kind: value.KindBytes, Type: "binary", Length: 4}, body{}.text("A"), value.Bytes([]byte("A\x00\x00\x00"))}, // MD-2
		{Column{Type: TypeVarchar, Meta: 4}, kind(value.KindBytes, "varbinary"), body{}.text("A\x00"), value.Bytes([]byte("A\x00"))},
		{Column{Type: TypeBlob, Meta: 1}, kind(value.KindBytes, "tinyblob"), body{}.text("\xff"), value.Bytes([]byte("\xff"))},
		{Column{Type: TypeBlob, Meta: 4}, text("longtext", "utf8mb3"), body{}.u32(2000).str(long), value.Text(long)},
		{Column{Type: TypeEnum, Meta: 0xf701}, labels("a", "größe"), []byte{2}, value.Text("größe")},
		{Column{Type: TypeEnum, Meta: 0xf701}, labels("a"), []byte{0}, value.Text("")},
		{Column{Type: TypeEnum, Meta: 0xf702}, labels("a"), []byte{1, 0}, value.Text("a")},
		{Column{Type: TypeSet, Meta: 0xf801}, labels("a", "b", "c"), []byte{5}, value.Text("a,c")},
		{Column{Type: TypeSet, Meta: 0xf801}, labels("a", "b", "c"), []byte{0}, value.Text("")},
		{Column{Type: TypeSet, Meta: 0xf808}, labels(many...), body{}.u64(math.MaxUint64), value.Text(strings.Join(many, ","))}, // MD-6
		{Column{Type: TypeGeometry, Meta: 4}, kind(value.KindAbsent, "point"), body{}.u32(3).str("abc"), value.Absent},
		{Column{Type: TypeVector, Meta: 4}, kind(value.KindAbsent, "vector"), body{}.u32(4).str("abcd"), value.Absent},
		{Column{Type: TypeJSON, Meta: 4}, kind(value.KindText, "json"), body{}.u32(2).u8(jsonLiteral, 1), value.Text("true")},
		{Column{Type: TypeString, Meta: 0xfe10}, kind(value.KindText, "inet6"), body{}.text("\x20\x01"), value.Text("2001::")},
		{Column{Type: TypeString, Meta: 0xfe04}, kind(value.KindText, "inet4"), body{}.text("\x0a"), value.Text("10.0.0.0")},
		{Column{Type: TypeVarcharCompressed, Meta: 100}, text("varchar", "utf8mb4"), body{}.text("\x00plain"), value.Text("plain")},
		{Column{Type: TypeVarcharCompressed, Meta: 100}, text("varchar", "utf8mb4"), body{}.text(""), value.Text("")},
		{Column{Type: TypeBlobCompressed, Meta: 2}, text("text", "utf8mb4"), body{}.u16(uint16(len(compressed([]byte(long))))).str(string(compressed([]byte(long)))), value.Text(long)},
	}
}

func TestCells(t *testing.T) {
	for _, c := range append(append(numbers(t), times(t)...), strs()...) {
		name := fmt.Sprintf("%d/%d %s %x", c.column.Type, c.column.Meta, c.format.Type, c.raw[:min(len(c.raw), 12)])
		got, err := decodeCell(c.column, c.format, c.raw)
		if err != nil || got != c.want {
			t.Errorf("%s: got %s %.80s, %v, want %s %.80s", name, got.Kind(), got, err, c.want.Kind(), c.want)
		}
		for n := range c.raw { // cut anywhere, it is no value
			if got, err := decodeCell(c.column, c.format, c.raw[:n]); !errors.As(err, new(*ValueError)) && n > 0 {
				t.Errorf("%s: its first %d bytes are %s, %v", name, n, got, err)
			}
		}
	}
}

// TestBadCells refuses values that mean nothing (G8).
func TestBadCells(t *testing.T) {
	text := func(charset string) Format { return Format{Kind: value.KindText, Type: "varchar", Charset: charset} }
	varchar := Column{Type: TypeVarchar, Meta: 100}
	squeezed := Column{Type: TypeVarcharCompressed, Meta: 100}
	for _, c := range []cell{
		{column: varchar, format: text("utf8mb4"), raw: body{}.text("\xff")},
		{column: varchar, format: text("utf8mb4"), raw: body{}.text("\xed\xa0\x80")},
		{column: varchar, format: text("ascii"), raw: body{}.text("\x80")},
		{column: varchar, format: text("cp1256"), raw: body{}.text("\x8a")},
		{column: varchar, format: text("ucs2"), raw: body{}.text("\xd8\x00")},
		{column: varchar, format: text("ucs2"), raw: body{}.text("a")},
		{column: varchar, format: text("utf16"), raw: body{}.text("\xdc\x00\xd8\x00")},
		{column: varchar, format: text("utf32"), raw: body{}.text("\x00\x11\x00\x00")},
		{column: varchar, format: text("gbk"), raw: body{}.text("\x81")},
		{column: varchar, format: text("big5"), raw: body{}.text("\x87\x40")},
		{column: Column{Type: TypeEnum, Meta: 0xf701}, format: Format{Kind: value.KindText, Labels: []string{"a"}}, raw: []byte{2}},
		{column: Column{Type: TypeSet, Meta: 0xf801}, format: Format{Kind: value.KindText, Labels: []string{"a"}}, raw: []byte{2}},
		{column: Column{Type: TypeDecimal, Meta: 4 << 8}, format: kind(value.KindDecimal, "decimal"), raw: body{}.big(0x8000|0x7fff, 2)},
		{column: Column{Type: TypeDatetime2}, format: kind(value.KindInstant, "datetime"), raw: body{}.big(1, 5)},
		{column: Column{Type: TypeDatetime}, format: kind(value.KindInstant, "datetime"), raw: body{}.u64(math.MaxUint64)},
		{column: squeezed, format: text("utf8mb4"), raw: body{}.text("\x91\x01x")},
		{column: squeezed, format: text("utf8mb4"), raw: body{}.text("\x81\xffx")},
		{column: Column{Type: TypeString, Meta: 0xfe04}, format: kind(value.KindText, "inet4"), raw: body{}.text("12345")},
	} {
		if got, err := decodeCell(c.column, c.format, c.raw); !errors.As(err, new(*ValueError)) {
			t.Errorf("%d %s %x: got %s, %v", c.column.Type, c.format.Charset, c.raw, got, err)
		}
	}
}

// TestUnsupported refuses columns by name and reason.
func TestUnsupported(t *testing.T) {
	for _, c := range []cell{
		{column: Column{Type: TypeArray}, format: kind(value.KindAbsent, "")},
		{column: Column{Type: TypeDecimalOld}, format: kind(value.KindDecimal, "decimal")},
		{column: Column{Type: 100}, format: kind(value.KindText, "later")},
		{column: Column{Type: TypeVarchar, Meta: 10}, format: Format{Kind: value.KindText, Type: "varchar", Charset: "gb18030"}},
		{column: Column{Type: TypeVarchar, Meta: 10}, format: Format{Kind: value.KindText, Type: "varchar"}},
		{column: Column{Type: TypeEnum, Meta: 0xf701}, format: kind(value.KindText, "enum")},
		{column: Column{Type: TypeTime2, Meta: 7}, format: kind(value.KindTime, "time")},
		{column: Column{Type: TypeTime}, format: Format{Kind: value.KindTime, Type: "time", Fraction: 2}},
		{column: Column{Type: TypeDecimal, Meta: 2<<8 | 3}, format: kind(value.KindDecimal, "decimal")},
		{column: Column{Type: TypeBit, Meta: 9 << 8}, format: kind(value.KindInt, "bit")},
		{column: Column{Type: TypeBlob, Meta: 9}, format: kind(value.KindBytes, "blob")},
		{column: Column{Type: TypeVarchar, Meta: 9}, format: kind(value.KindInt, "int")},
	} {
		_, err := NewLayout([]Column{{Type: TypeLong}, c.column}, []Format{kind(value.KindInt, "int"), c.format})
		var u *UnsupportedError
		if !errors.As(err, &u) || u.Column != 1 || u.Reason == "" {
			t.Errorf("%+v: got %v", c.column, err)
		}
	}
}

// TestImages reads rows that do not hold all columns, and refuses what is no row.
func TestImages(t *testing.T) {
	columns := []Column{{Type: TypeTiny}, {Type: TypeTiny}, {Type: TypeGeometry, Meta: 1}}
	formats := []Format{kind(value.KindInt, "tinyint"), kind(value.KindInt, "tinyint"), kind(value.KindAbsent, "point")}
	l, err := NewLayout(columns, formats)
	if err != nil {
		t.Fatal(err)
	}
	before, after := make([]value.Value, 3), make([]value.Value, 3)
	r := l.Rows(&Rows{Kind: Update, Columns: 3, Before: []byte{1}, After: []byte{7}, Data: []byte{0, 5, 6, 7}})
	more, err := r.Next(before, after)
	if got := fmt.Sprint(before, after, more, err); got != "[5 <absent> <absent>] [7 <null> <absent>] true <nil>" {
		t.Errorf("got %s", got)
	}
	if more, err := r.Next(before, after); more || err != nil {
		t.Errorf("behind the last: got %t, %v", more, err)
	}
	for name, rows := range map[string]*Rows{
		"a partial update":   {Kind: PartialUpdate, Columns: 3, Before: []byte{7}, After: []byte{7}, Data: []byte{0, 1}},
		"other columns":      {Kind: Insert, Columns: 2, After: []byte{3}, Data: []byte{0, 1, 2}},
		"too few bits":       {Kind: Insert, Columns: 3, Data: []byte{0, 1, 2}},
		"an end in a value":  {Kind: Insert, Columns: 3, After: []byte{7}, Data: []byte{0, 1, 2, 9, 9}},
		"an end in a row":    {Kind: Update, Columns: 3, Before: []byte{1}, After: []byte{1}, Data: []byte{0, 1}},
		"an end in the bits": {Kind: Update, Columns: 3, Before: []byte{1}, After: []byte{1}, Data: []byte{0, 1, 0}},
	} {
		if more, err := l.Rows(rows).Next(before, after); more || err == nil {
			t.Errorf("%s: got %t, %v", name, more, err)
		}
	}
}

// TestKept bounds what a small value that is kept keeps in memory with it (MD-17).
func TestKept(t *testing.T) {
	var ts texts
	kept := ts.keep([]byte("small"))
	for range 10000 {
		ts.keep(bytes.Repeat([]byte("x"), 100))
	}
	if kept != "small" || ts.room.Cap() > roomSize {
		t.Errorf("got %q, room for %d bytes", kept, ts.room.Cap())
	}
	raw := []byte("changes")
	kept = ts.keep(raw)
	raw[0] = 'C'
	if kept != "changes" {
		t.Error("a value aliases the event")
	}
}
