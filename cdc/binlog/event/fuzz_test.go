package event

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"testing"
	"unicode/utf8"

	"ardso/sql/value"
)

// split cuts bytes into events by the sizes in their headers.
func split(b []byte) [][]byte {
	var events [][]byte
	for len(b) >= headerSize {
		n := binary.LittleEndian.Uint32(b[9:])
		if n < headerSize || uint64(n) > uint64(len(b)) {
			break
		}
		events, b = append(events, b[:n]), b[n:]
	}
	if len(b) > 0 {
		events = append(events, b)
	}
	return events
}

// mend gives an event a right checksum, without which damage would never be looked into.
func mend(raw []byte) []byte {
	if len(raw) < headerSize+checksumSize {
		return raw
	}
	raw = bytes.Clone(raw)
	n := len(raw) - checksumSize
	binary.LittleEndian.PutUint32(raw[n:], crc32.ChecksumIEEE(raw[:n]))
	return raw
}

// FuzzDecode takes any sequence of events. Whatever is in them, a decoder returns an event or one of its errors,
// and rows of tables that were described are read to their end or to an error.
func FuzzDecode(f *testing.F) {
	for _, server := range servers {
		all := captured(f, server)
		f.Add(bytes.Join(all[:min(len(all), 12)], nil))
		f.Add(bytes.Join(all[len(all)/2:], nil))
	}
	for _, x := range fixtures() {
		f.Add(append(description("8.4.6", checksumCRC32), sum(x.t, 0, x.body)...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDecoder()
		maps := map[uint64]*TableMap{}
		for _, raw := range split(b) {
			h, e, err := d.Decode(mend(raw))
			if err != nil {
				if e != nil || !known(err) {
					t.Fatalf("got %+v, %T %v", e, err, err)
				}
				continue
			}
			switch e := e.(type) {
			case nil:
				t.Fatalf("neither an event nor an error: %+v", h)
			case *TableMap:
				c := *e
				maps[e.ID] = &c
			case *Rows:
				if m := maps[e.TableID]; m != nil {
					readAll(t, m, e)
				}
			case *TransactionPayload:
				drain(t, d, e)
			}
		}
	})
}

func known(err error) bool {
	return errors.As(err, new(*ChecksumError)) || errors.As(err, new(*UnknownTypeError)) || errors.As(err, new(*MalformedError))
}

func drain(t *testing.T, d *Decoder, p *TransactionPayload) {
	r, err := d.Payload(p)
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, io.EOF) && !known(err) {
		t.Fatalf("a payload: %T %v", err, err)
	}
}

// guess is a format that a column of the log can have.
func guess(c Column) Format {
	f := Format{Type: c.TypeName("utf8mb4"), Charset: "utf8mb4", Unsigned: c.Unsigned, Labels: c.Labels, Length: c.StringLength()}
	switch c.Type {
	case TypeDecimal:
		f.Kind = value.KindDecimal
	case TypeFloat, TypeDouble:
		f.Kind = value.KindReal
	case TypeDate, TypeNewDate:
		f.Kind = value.KindDate
	case TypeTime, TypeTime2:
		f.Kind = value.KindTime
	case TypeDatetime, TypeDatetime2, TypeTimestamp, TypeTimestamp2:
		f.Kind = value.KindInstant
	case TypeGeometry, TypeVector:
	case TypeVarchar, TypeString, TypeBlob, TypeEnum, TypeSet, TypeJSON, TypeVarcharCompressed, TypeBlobCompressed:
		f.Kind = value.KindText
	default:
		f.Kind = value.KindInt
	}
	return f
}

func readAll(t *testing.T, m *TableMap, e *Rows) {
	formats := make([]Format, len(m.Columns))
	for i, c := range m.Columns {
		formats[i] = guess(c)
	}
	l, err := NewLayout(m.Columns, formats)
	if err != nil {
		if !errors.As(err, new(*UnsupportedError)) {
			t.Fatalf("a layout: %T %v", err, err)
		}
		return
	}
	before, after := make([]value.Value, len(formats)), make([]value.Value, len(formats))
	r := l.Rows(e)
	for {
		left := len(r.data)
		more, err := r.Next(before, after)
		if err != nil || !more {
			return
		}
		if len(r.data) >= left {
			t.Fatal("a row without a byte")
		}
		for i, v := range append(before[:len(before):len(before)], after...) {
			if v.Kind() == value.KindText && !utf8.ValidString(v.Text()) {
				t.Fatalf("column %d: %q is no text", i%len(before), v.Text())
			}
		}
	}
}

// FuzzRows takes the body of a table map and the images of rows.
func FuzzRows(f *testing.F) {
	specs, row := benchTable()
	f.Add(mapBody(18, "item", specs), imageOf(row...), uint8(0))
	for _, c := range append(append(numbers(f), times(f)...), strs()...) {
		c.column.Name = "c"
		f.Add(mapBody(1, "t", []spec{{c.column, c.format}}), append([]byte{0}, c.raw...), uint8(1))
	}
	f.Fuzz(func(t *testing.T, table, images []byte, kind uint8) {
		d := started()
		_, e, err := d.Decode(sum(TableMapType, 0, table))
		if err != nil {
			return
		}
		m := e.(*TableMap)
		bits := bytes.Repeat([]byte{0xff}, (len(m.Columns)+7)/8)
		if kind >= 100 && len(bits) > 0 {
			bits[0] = kind
		}
		readAll(t, m, &Rows{Kind: Insert + RowsKind(kind%4), Columns: len(m.Columns), Before: bits, After: bits, Data: images})
	})
}

// FuzzJSON takes binary documents. What is printed is JSON, and no longer than its bytes can make it.
func FuzzJSON(f *testing.F) {
	for _, v := range []any{
		nil, int32(5), 1.5e300, "größe\x00",
		[]any{true, int16(3), "x"},
		object{{"a", []any{object{{"b", uint64(1)}}}}},
		opaque{TypeDecimal, append([]byte{4, 2}, decimalBytes(true, "0150", 2)...)},
		opaque{TypeTime, body{}.u64(1 << 40)},
		opaque{TypeDatetime, packedTime(2026, 11, 26, 10, 41, 2, 5)},
		opaque{TypeBlob, make([]byte, 100)},
	} {
		f.Add(encodeJSON(v, false))
		f.Add(encodeJSON(v, true))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		text, err := appendJSON(nil, b)
		if err != nil {
			return
		}
		if !json.Valid(text) || !utf8.Valid(text) {
			t.Fatalf("%x became %q", b, text)
		}
		if len(text) > 100+400*len(b) {
			t.Fatalf("%d bytes became %d", len(b), len(text))
		}
	})
}

// FuzzQueryVars takes the variables of a query: whatever they are, the statement behind them is read.
func FuzzQueryVars(f *testing.F) {
	f.Add(everyVariable())
	f.Add([]byte{99})
	f.Fuzz(func(t *testing.T, vars []byte) {
		if len(vars) > 65535 {
			return
		}
		_, e, err := started().Decode(sum(QueryType, 0, queryBody(vars, "app", "COMMIT")))
		if q, ok := e.(*Query); err != nil || !ok || q.Text != "COMMIT" || q.Schema != "app" {
			t.Fatal(fmt.Sprintf("%+v", e), err)
		}
	})
}
