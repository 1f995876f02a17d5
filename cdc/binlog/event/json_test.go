package event

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// A document for the encoder is nil, bool, the integers, float64, string, []any, object or opaque.
type (
	object []member
	member struct {
		key   string
		value any
	}
	opaque struct {
		t    ColumnType
		data []byte
	}
)

// encodeJSON makes a binary document; containers are large ones where that is asked for or needed.
func encodeJSON(v any, large bool) []byte {
	t, b := encodeValue(v, large)
	return append([]byte{t}, b...)
}

func encodeValue(v any, large bool) (byte, body) {
	switch v := v.(type) {
	case nil:
		return jsonLiteral, body{0}
	case bool:
		if v {
			return jsonLiteral, body{1}
		}
		return jsonLiteral, body{2}
	case int16:
		return jsonInt16, body{}.u16(uint16(v))
	case uint16:
		return jsonUint16, body{}.u16(v)
	case int32:
		return jsonInt32, body{}.u32(uint32(v))
	case uint32:
		return jsonUint32, body{}.u32(v)
	case int64:
		return jsonInt64, body{}.u64(uint64(v))
	case uint64:
		return jsonUint64, body{}.u64(v)
	case float64:
		return jsonDouble, body{}.u64(math.Float64bits(v))
	case string:
		return jsonString, append(binary.AppendUvarint(nil, uint64(len(v))), v...)
	case opaque:
		return jsonOpaque, append(binary.AppendUvarint([]byte{byte(v.t)}, uint64(len(v.data))), v.data...)
	case []any:
		m := make(object, len(v))
		for i := range v {
			m[i].value = v[i]
		}
		return encodeContainer(m, false, large)
	}
	return encodeContainer(v.(object), true, large)
}

func encodeContainer(m object, keys, large bool) (byte, body) {
	width, kind := 2, byte(jsonSmallArray)
	if large {
		width, kind = 4, jsonLargeArray
	}
	if keys {
		kind -= 2
	}
	head := 2*width + len(m)*(width+1)
	if keys {
		head += len(m) * (width + 2)
	}
	var names, keyTable, table, tail body
	if keys {
		at := head
		for _, x := range m {
			keyTable = keyTable.n(uint64(at), width).u16(uint16(len(x.key)))
			names, at = names.str(x.key), at+len(x.key)
		}
	}
	for _, x := range m {
		t, b := encodeValue(x.value, large)
		table = table.u8(t)
		if t >= jsonLiteral && t <= jsonUint32 && len(b) <= width {
			table = append(table, append(b, 0, 0, 0)[:width]...)
			continue
		}
		table = table.n(uint64(head+len(names)+len(tail)), width)
		tail = append(tail, b...)
	}
	all := append(append(append(keyTable, table...), names...), tail...)
	size := 2*width + len(all)
	return kind, append(body{}.n(uint64(len(m)), width).n(uint64(size), width), all...)
}

func packedTime(y, mo, d, h, mi, s, micros int64) []byte {
	return body{}.u64(uint64((((y*13+mo)<<5|d)<<17|h<<12|mi<<6|s)<<24 | micros))
}

func TestJSON(t *testing.T) {
	dec := func(negative bool, digits string, whole int) opaque {
		return opaque{TypeDecimal, append([]byte{byte(len(digits)), byte(len(digits) - whole)}, decimalBytes(negative, digits, whole)...)}
	}
	for _, test := range []struct {
		v    any
		want string
	}{
		{nil, "null"},
		{true, "true"},
		{false, "false"},
		{int16(-32768), "-32768"},
		{uint16(65535), "65535"},
		{int32(math.MinInt32), "-2147483648"},
		{uint32(math.MaxUint32), "4294967295"},
		{int64(math.MinInt64), "-9223372036854775808"},
		{uint64(math.MaxUint64), "18446744073709551615"},
		{1.0, "1.0"},
		{0.0, "0.0"},
		{math.Copysign(0, -1), "-0.0"},
		{-1.5, "-1.5"},
		{0.1, "0.1"},
		{1e14, "100000000000000.0"},
		{123456789012345678.0, "1.2345678901234568e17"},
		{1e15, "1e15"},
		{1.5e300, "1.5e300"},
		{1e-15, "0.000000000000001"},
		{1e-16, "1e-16"},
		{2.5e-20, "2.5e-20"},
		{math.MaxFloat64, "1.7976931348623157e308"},
		{"", `""`},
		{"größe 🪑 / \x7f", `"größe 🪑 / ` + "\x7f" + `"`},
		{"\"\\\b\f\n\r\t\x00\x1f", `"\"\\\b\f\n\r\t\u0000\u001f"`},
		{strings.Repeat("x", 200), `"` + strings.Repeat("x", 200) + `"`},
		{[]any{}, "[]"},
		{object{}, "{}"},
		{[]any{nil, int16(1), int32(70000), "a", []any{true}}, `[null, 1, 70000, "a", [true]]`},
		{object{{"a", int16(1)}, {"bb", object{{"", uint64(5)}}}}, `{"a": 1, "bb": {"": 5}}`},
		{dec(false, "0150", 2), "1.50"},
		{dec(true, "150", 0), "-0.150"},
		{dec(false, "000", 3), "0"},
		{dec(true, "12345678901234567890123", 20), "-12345678901234567890.123"},
		{opaque{TypeDate, packedTime(2026, 11, 26, 0, 0, 0, 0)}, `"2026-11-26"`},
		{opaque{TypeDatetime, packedTime(2026, 11, 26, 10, 41, 2, 5)}, `"2026-11-26 10:41:02.000005"`},
		{opaque{TypeTimestamp, packedTime(2026, 11, 26, 10, 41, 2, 0)}, `"2026-11-26 10:41:02.000000"`},
		{opaque{TypeTime, body{}.u64((838<<12|59<<6|59)<<24 | 1)}, `"838:59:59.000001"`},
		{opaque{TypeTime, body{}.u64(^uint64(1<<36 - 1))}, `"-01:00:00.000000"`},
		{opaque{TypeBlob, []byte("abc")}, `"base64:type252:YWJj"`},
		{opaque{TypeBit, []byte{5}}, `"base64:type16:BQ=="`},
		{opaque{TypeVarString, make([]byte, 58)}, `"base64:type253:` + strings.Repeat("A", 76) + `\nAA=="`},
	} {
		for _, large := range []bool{false, true} {
			for _, v := range []any{test.v, []any{test.v, test.v}} {
				want := test.want
				if _, nested := v.([]any); nested && len(v.([]any)) == 2 {
					want = "[" + want + ", " + want + "]"
				}
				got, err := appendJSON(nil, encodeJSON(v, large))
				if err != nil || string(got) != want {
					t.Errorf("large %t: got %s, %v, want %s", large, got, err, want)
				}
			}
		}
	}
	if got, err := appendJSON(nil, nil); err != nil || string(got) != "null" {
		t.Errorf("no bytes: got %s, %v", got, err)
	}
}

// TestBadJSON refuses documents that are damaged, and those made to become large.
func TestBadJSON(t *testing.T) {
	whole := encodeJSON(object{{"a", []any{"text", 1.5, int32(9)}}, {"b", opaque{TypeBlob, []byte("abc")}}}, false)
	for n := 1; n < len(whole); n++ {
		if got, err := appendJSON(nil, whole[:n]); err == nil {
			t.Errorf("its first %d of %d bytes are %s", n, len(whole), got)
		}
	}
	deep := any("x")
	for range maxJSONDepth + 1 {
		deep = []any{deep}
	}
	// An array whose elements are all the same one, in 60 levels: two to the power of 60 values.
	var bomb body
	for level := range 60 {
		at := uint64(10)
		bomb = bomb.u16(2).n(uint64(10*(60-level)+6), 2).u8(jsonSmallArray).n(at, 2).u8(jsonSmallArray).n(at, 2)
	}
	bomb = append(bomb, 0, 0, 4, 0, 0, 0)
	for name, b := range map[string][]byte{
		"too deep":          encodeJSON(deep, false),
		"the same again":    append([]byte{jsonSmallArray}, bomb...),
		"an unknown type":   {9 + 4, 0},
		"literal 3":         {jsonLiteral, 3},
		"a long length":     append([]byte{jsonString}, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
		"no UTF-8":          encodeJSON("\xff", false),
		"a decimal too far": encodeJSON(opaque{TypeDecimal, []byte{3, 4, 1, 1}}, false),
		"a short time":      encodeJSON(opaque{TypeTime, []byte{1}}, false),
		"an element beyond": {jsonSmallArray, 1, 0, 7, 0, jsonString, 200, 0},
		"a key beyond":      {jsonSmallObject, 1, 0, 11, 0, 200, 0, 1, 0, jsonLiteral, 0, 0},
	} {
		if got, err := appendJSON(nil, b); err == nil {
			t.Errorf("%s: got %.80s", name, got)
		}
	}
}

// documents draws documents as JSON can hold them.
func documents(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(v bool) any { return v }),
		rapid.Map(rapid.Int16(), func(v int16) any { return v }), rapid.Map(rapid.Int64(), func(v int64) any { return v }),
		rapid.Map(rapid.Uint64(), func(v uint64) any { return v }), rapid.Map(rapid.Float64(), func(v float64) any { return v }),
		rapid.Map(rapid.String(), func(v string) any { return v }),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	inner := documents(depth - 1)
	members := rapid.Custom(func(t *rapid.T) member { return member{rapid.String().Draw(t, "key"), inner.Draw(t, "value")} })
	return rapid.OneOf(append(
		scalars,
		rapid.Map(rapid.SliceOfN(inner, 0, 5), func(v []any) any { return v }),
		rapid.Map(rapid.SliceOfN(members, 0, 5), func(v []member) any { return object(v) }),
	)...)
}

// Any document prints as JSON that means the same.
func TestJSONDocuments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := documents(3).Draw(t, "document")
		text, err := appendJSON(nil, encodeJSON(v, rapid.Bool().Draw(t, "large")))
		if err != nil {
			t.Fatal(err)
		}
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		got, err := readDocument(d)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !sameDocument(v, got) {
			t.Fatalf("%v became %s", v, text)
		}
	})
}

// readDocument reads text with the order of keys.
func readDocument(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := readDocument(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		m := object{}
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readDocument(d)
			if err != nil {
				return nil, err
			}
			m = append(m, member{key.(string), v})
		}
		_, err = d.Token()
		return m, err
	}
	return token, nil
}

func sameDocument(v, got any) bool {
	switch v := v.(type) {
	case []any:
		list, ok := got.([]any)
		return ok && slices.EqualFunc(v, list, sameDocument)
	case object:
		m, ok := got.(object)
		return ok && slices.EqualFunc(v, m, func(a, b member) bool { return a.key == b.key && sameDocument(a.value, b.value) })
	case int16:
		return got == json.Number(strconv.Itoa(int(v)))
	case int64:
		return got == json.Number(strconv.FormatInt(v, 10))
	case uint64:
		return got == json.Number(strconv.FormatUint(v, 10))
	case float64:
		n, ok := got.(json.Number)
		f, err := strconv.ParseFloat(string(n), 64)
		return ok && err == nil && math.Float64bits(f) == math.Float64bits(v) && strings.ContainsAny(string(n), ".e")
	}
	return v == got
}
