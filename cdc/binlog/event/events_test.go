package event

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

func TestEvents(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			h, got, err := started().Decode(sum(f.t, 0, f.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("differs (-want +got):\n%s", diff)
			}
			if h.Type != f.t || h.ServerID != 101 || h.Time != testTime {
				t.Errorf("got header %+v", h)
			}
			plainly := NewDecoder()
			if _, _, err := plainly.Decode(description("8.4.6", checksumOff)); err != nil {
				t.Fatal(err)
			}
			if _, got, err = plainly.Decode(plain(f.t, 0, f.body)); err != nil {
				t.Fatal(err)
			}
			if h, ok := got.(*Heartbeat); ok {
				h.Position = f.want.(*Heartbeat).Position // of the header, which has no checksum behind it now
			}
			if diff := cmp.Diff(f.want, got); diff != "" {
				t.Errorf("without a checksum: differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCut cuts each event at every byte. What is left must not be taken for the whole, except where an older
// server wrote less, or where text or rows may end anywhere.
func TestCut(t *testing.T) {
	specs, row := benchTable()
	all := append(fixtures(), fixture{"table map", TableMapType, mapBody(18, "item", specs), nil},
		fixture{"rows", WriteRowsV2Type, rowsBody(WriteRowsV2Type, 18, len(specs), imageOf(row...)), nil})
	for _, f := range all {
		raw := sum(f.t, 0, f.body)
		for n := range raw {
			if _, _, err := started().Decode(raw[:n]); err == nil {
				t.Errorf("%s: its first %d of %d bytes are read", f.name, n, len(raw))
			}
		}
		for n := range f.body {
			_, e, err := started().Decode(sum(f.t, 0, f.body[:n]))
			if err != nil {
				continue
			}
			switch e.(type) {
			case *Query, *Rotate, *Heartbeat, *Other, *GTID, *TableMap, *Rows:
			default:
				t.Errorf("%s: the first %d bytes of its body are read as %T", f.name, n, e)
			}
		}
	}
}

func TestChecksum(t *testing.T) {
	raw := sum(QueryType, 0, queryBody(nil, "app", "BEGIN"))
	for i := range raw {
		if i >= 9 && i < 13 {
			continue // its size
		}
		damaged := bytes.Clone(raw)
		damaged[i] ^= 0x10
		_, _, err := started().Decode(damaged)
		var c *ChecksumError
		if i == 4 && errors.As(err, new(*MalformedError)) {
			continue // it became a format description
		}
		if !errors.As(err, &c) {
			t.Errorf("byte %d: got %v", i, err)
		}
	}
	damaged := description("8.4.6", checksumCRC32)
	damaged[30] ^= 1
	if _, _, err := NewDecoder().Decode(damaged); !errors.As(err, new(*ChecksumError)) {
		t.Errorf("format description: got %v", err)
	}
}

// TestFirstRotation reads the rotation before the format description, which has a checksum or not.
func TestFirstRotation(t *testing.T) {
	b := body{}.u64(4).str("binlog.000007")
	for name, raw := range map[string][]byte{"with": sum(RotateType, FlagArtificial, b), "without": plain(RotateType, FlagArtificial, b)} {
		_, e, err := NewDecoder().Decode(raw)
		if r, ok := e.(*Rotate); err != nil || !ok || r.File != "binlog.000007" {
			t.Errorf("%s a checksum: got %+v, %v", name, e, err)
		}
	}
	damaged := sum(RotateType, FlagArtificial, b)
	damaged[22] ^= 1
	if _, e, err := NewDecoder().Decode(damaged); err == nil {
		t.Errorf("a damaged one: got %+v", e)
	}
}

func TestFormats(t *testing.T) {
	for version, ok := range map[string]bool{
		"5.6.1-log": true, "8.0.36": true, "8.4.6": true, "9.1.0": true, "10.11.19-MariaDB-log": true, "5.5.5-10.6.1-MariaDB": true,
		"5.6.0": false, "5.5.62-log": false, "5.2.14-MariaDB": false, "5.1.73": false, "": false, "x": false,
	} {
		_, e, err := NewDecoder().Decode(description(version, checksumCRC32))
		if (err == nil) != ok {
			t.Errorf("%q: got %+v, %v", version, e, err)
		}
		if f, is := e.(*FormatDescription); ok && (!is || f.ServerVersion != version || !f.Checksum || len(f.PostHeaders) != 171) {
			t.Errorf("%q: got %+v", version, e)
		}
	}
	if _, _, err := NewDecoder().Decode(description("8.4.6", 7)); err == nil {
		t.Error("checksum algorithm 7 is read")
	}
	old := description("8.4.6", checksumCRC32)
	binary.LittleEndian.PutUint16(old[headerSize:], 3)
	if _, _, err := NewDecoder().Decode(sum(FormatDescriptionType, 0, old[headerSize:len(old)-checksumSize])); err == nil {
		t.Error("version 3 of the format is read")
	}
}

// TestUnknown skips only what is flagged so (G8).
func TestUnknown(t *testing.T) {
	for _, typ := range []Type{0, StartV3Type, 6, 20, 60, 159, PartialRowsType, 200} {
		_, _, err := started().Decode(sum(typ, 0, []byte("x")))
		var u *UnknownTypeError
		if !errors.As(err, &u) || u.Type != typ || u.Reason == "" {
			t.Errorf("type %d: got %v", typ, err)
		}
	}
	_, e, err := started().Decode(sum(200, FlagIgnorable, []byte("x")))
	if o, ok := e.(*Other); err != nil || !ok || o.Type != 200 {
		t.Errorf("ignorable: got %+v, %v", e, err)
	}
}

// TestMalformed lists bodies that the format does not allow.
func TestMalformed(t *testing.T) {
	z := compressed(bytes.Repeat([]byte("x"), 1000))
	longer, shorter, bomb := bytes.Clone(z), bytes.Clone(z), bytes.Clone(z)
	longer[2]++
	shorter[2]--
	bomb[1] = 0xff
	query := func(z []byte) []byte { return append(queryBody(nil, "", ""), z...) }
	for _, f := range []fixture{
		{"a GTID without a number", GTIDType, gtidBody(0, 0), nil},
		{"an XA name that is too long", XAPrepareType, body{1}.u32(1).u32(65).u32(0).str(strings.Repeat("x", 65)), nil},
		{"extra data of one byte", WriteRowsV2Type, body{}.n(1, 6).u16(0).u16(1).u8(1, 1), nil},
		{"a million columns", WriteRowsV1Type, body{}.n(1, 6).u16(0).packed(1000000), nil},
		{"no length", WriteRowsV1Type, body{}.n(1, 6).u16(0).u8(251), nil},
		{"compressed longer than said", QueryCompressedType, query(shorter), nil},
		{"compressed shorter than said", QueryCompressedType, query(longer), nil},
		{"compressed beyond what zlib can", QueryCompressedType, query(bomb), nil},
		{"another compression", QueryCompressedType, query([]byte{0x91, 1, 1}), nil},
		{"a payload of another length", TransactionPayloadType, payloadBody(payloadPlain, 3, []byte("abc"))[:14], nil},
		{"a tagged GTID of another encoding", GTIDTaggedType, body{}.variable(2).variable(3).variable(0), nil},
		{"a tagged GTID without a number", GTIDTaggedType, taggedBody(body{}.variable(tagFlags).variable(0)), nil},
		{"a tagged GTID that needs a later version", GTIDTaggedType, append(body{}.variable(1).variable(5).variable(40), body{}.variable(30).variable(0)...), nil},
		{"a name of a file with a control character", RotateType, body{}.u64(4).str("binlog\x01"), nil},
		{"a table of too many columns", TableMapType, body{}.n(1, 6).u16(0).text("a").u8(0).text("b").u8(0).packed(5000), nil},
	} {
		if _, e, err := started().Decode(sum(f.t, 0, f.body)); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %+v, %v", f.name, e, err)
		}
	}
}

// TestPayload unfolds a compressed transaction (MS-17).
func TestPayload(t *testing.T) {
	specs, row := benchTable()
	var inner []byte
	inner = append(inner, plain(QueryType, 0, queryBody(nil, "app", "BEGIN"))...)
	inner = append(inner, plain(TableMapType, 0, mapBody(18, "item", specs))...)
	for range 50 {
		inner = append(inner, plain(WriteRowsV2Type, 0, rowsBody(WriteRowsV2Type, 18, len(specs), imageOf(row...)))...)
	}
	inner = append(inner, plain(XIDType, 0, body{}.u64(9))...)
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	packed := w.EncodeAll(inner, nil)
	size := uint64(len(inner))
	for name, b := range map[string][]byte{
		"zstd": payloadBody(payloadZstd, size, packed), "plain": payloadBody(payloadPlain, size, inner),
	} {
		d := started()
		for range 3 { // the reader's memory is used again
			types, err := unfold(d, b)
			if err != nil || len(types) != 53 || types[0] != QueryType || types[52] != XIDType {
				t.Fatalf("%s: got %d events, %v", name, len(types), err)
			}
		}
	}
	nested := plain(TransactionPayloadType, 0, payloadBody(payloadPlain, 0, nil))
	for name, b := range map[string][]byte{
		"more than said":      payloadBody(payloadZstd, size-31, packed),
		"less than said":      payloadBody(payloadZstd, size+40, packed),
		"cut":                 payloadBody(payloadZstd, size, packed[:len(packed)-10]),
		"damaged":             payloadBody(payloadZstd, size, append([]byte("x"), packed...)),
		"another compression": payloadBody(7, size, packed),
		"one within another":  payloadBody(payloadPlain, 0, nested),
	} {
		if _, err := unfold(started(), b); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// unfold lists the types of the events in a payload.
func unfold(d *Decoder, b []byte) ([]Type, error) {
	_, e, err := d.Decode(sum(TransactionPayloadType, 0, b))
	if err != nil {
		return nil, err
	}
	r, err := d.Payload(e.(*TransactionPayload))
	if err != nil {
		return nil, err
	}
	var types []Type
	for {
		h, _, err := r.Next()
		if errors.Is(err, io.EOF) {
			return types, nil
		}
		if err != nil {
			return types, err
		}
		types = append(types, h.Type)
	}
}

// TestTableMaps reads the metadata of both families, and the same map again without work.
func TestTableMaps(t *testing.T) {
	specs := []spec{
		{Column: Column{Type: TypeLongLong, Name: "id", Unsigned: true, Key: true}},
		{Column: Column{Type: TypeYear, Name: "y", Unsigned: true}},
		{Column: Column{Type: TypeLong, Name: "n"}},
		{Column: Column{Type: TypeVarchar, Meta: 80, Name: "größe", Collation: 255, Nullable: true}},
		{Column: Column{Type: TypeEnum, Meta: 0xf701, Name: "e", Collation: 8, Labels: []string{"a", "\xe9"}}},
		{Column: Column{Type: TypeSet, Meta: 0xf808, Name: "s", Collation: 8, Labels: []string{"x"}, Invisible: true}},
		{Column: Column{Type: TypeGeometry, Meta: 4, Name: "g", Geometry: 1}},
		{Column: Column{Type: TypeJSON, Meta: 4, Name: "j"}},
		{Column: Column{Type: TypeString, Meta: 0xee40, Name: "long", Collation: 63}},
	}
	want := make([]Column, len(specs))
	for i, s := range specs {
		want[i] = s.Column
	}
	d := started()
	raw := sum(TableMapType, 0, mapBody(18, "item", specs))
	_, e, err := d.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	m := e.(*TableMap)
	if diff := cmp.Diff(want, m.Columns); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
	if !m.HasNames || !m.HasSigns || !m.HasCollations || !m.HasLabels || !m.HasKey || m.ID != 18 || m.Schema != "app" || m.Table != "item" {
		t.Errorf("got %+v", m)
	}
	if n := m.Columns[8].StringLength(); n != 320 {
		t.Errorf("a CHAR of %d bytes, want 320", n)
	}
	again := testing.AllocsPerRun(100, func() {
		if _, e, err := d.Decode(raw); err != nil || e.(*TableMap) != m {
			t.Errorf("again: got %+v, %v", e, err)
		}
	})
	if again > 2 {
		t.Errorf("the same map again takes %.0f allocations", again)
	}
}

// TestTableMapForms reads the forms of the metadata that the servers choose among.
func TestTableMapForms(t *testing.T) {
	start := body{}.n(1, 6).u16(0).text("app").u8(0).text("item").u8(0).packed(3).u8(byte(TypeVarchar), byte(TypeVarchar), byte(TypeString)).
		packed(6).u16(80).u16(80).u8(0xf7, 1).u8(0)
	read := func(b body) (*TableMap, error) {
		_, e, err := started().Decode(sum(TableMapType, 0, b))
		m, _ := e.(*TableMap)
		return m, err
	}
	m, err := read(start.u8(metaDefaultCharset).sized("\x08\x01\xfc\xff\x00").u8(metaLabelDefaultCharset).sized("\x21").
		u8(metaKeyPrefix).sized("\x00\x00\x01\x0a").u8(13).sized("later"))
	if err != nil {
		t.Fatal(err)
	}
	if c := m.Columns; c[0].Collation != 8 || c[1].Collation != 255 || c[2].Collation != 33 || !c[0].Key || c[0].KeyPrefix || !c[1].KeyPrefix || c[2].Key {
		t.Errorf("got %+v", c)
	}
	for name, b := range map[string]body{
		"a default for a column that is not there": start.u8(metaDefaultCharset).sized("\x08\x02\x21"),
		"a key column that is not there":           start.u8(metaKey).sized("\x03"),
		"too few bits of visibility":               start.u8(metaVisible).sized(""),
		"a name that is too long":                  start.u8(metaNames).sized("\x09x"),
		"more labels than bytes":                   start.u8(metaEnumLabels).sized("\xfc\xff\xff"),
		"a field that is cut":                      start.u8(metaNames).u8(9),
	} {
		if _, err := read(b); !errors.As(err, new(*MalformedError)) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
