package event

import (
	"encoding/binary"
	"hash/crc32"
	"math"
)

// The encoder of the tests: events by the published format, for what no server at hand writes.

// body is bytes of an event being made.
type body []byte

func (b body) u8(v ...byte) body { return append(b, v...) }
func (b body) u16(v uint16) body { return binary.LittleEndian.AppendUint16(b, v) }
func (b body) u32(v uint32) body { return binary.LittleEndian.AppendUint32(b, v) }
func (b body) u64(v uint64) body { return binary.LittleEndian.AppendUint64(b, v) }
func (b body) n(v uint64, n int) body {
	return append(b, binary.LittleEndian.AppendUint64(nil, v)[:n]...)
}
func (b body) str(s string) body  { return append(b, s...) }
func (b body) text(s string) body { return b.u8(byte(len(s))).str(s) }

// big appends n bytes, the highest first.
func (b body) big(v uint64, n int) body {
	return append(b, binary.BigEndian.AppendUint64(nil, v)[8-n:]...)
}

// packed appends a length-encoded integer.
func (b body) packed(v uint64) body {
	switch {
	case v < 251:
		return b.u8(byte(v))
	case v < 1<<16:
		return b.u8(252).u16(uint16(v))
	case v < 1<<24:
		return b.u8(253).n(v, 3)
	}
	return b.u8(254).u64(v)
}

// sized appends a string with its length-encoded length.
func (b body) sized(s string) body { return b.packed(uint64(len(s))).str(s) }

// variable appends a number as mysql::serialization does.
func (b body) variable(v uint64) body {
	for n := 1; n <= 8; n++ {
		if v < 1<<(7*n) {
			return b.n(v<<n|(1<<(n-1)-1), n)
		}
	}
	return b.u8(0xff).u64(v)
}

func (b body) signed(v int64) body {
	if v < 0 {
		return b.variable(uint64(-(v+1))<<1 | 1)
	}
	return b.variable(uint64(v) << 1)
}

const testTime = 1_790_000_000

// plain makes an event without a checksum.
func plain(t Type, flags uint16, b []byte) []byte {
	size := uint32(headerSize + len(b))
	return append(body{}.u32(testTime).u8(byte(t)).u32(101).u32(size).u32(4000+size).u16(flags), b...)
}

// sum makes an event with a checksum.
func sum(t Type, flags uint16, b []byte) []byte {
	e := plain(t, flags, append(b[:len(b):len(b)], 0, 0, 0, 0))
	n := len(e) - checksumSize
	binary.LittleEndian.PutUint32(e[n:], crc32.ChecksumIEEE(e[:n]))
	return e
}

// lengths are the fixed parts of the events of MySQL 8 and MariaDB, as far as they matter.
func lengths() []byte {
	l := make([]byte, 171)
	for t, n := range map[Type]byte{
		QueryType: 13, RotateType: 8, FormatDescriptionType: 98, TableMapType: 8, WriteRowsV1Type: 8, UpdateRowsV1Type: 8,
		DeleteRowsV1Type: 8, WriteRowsV2Type: 10, UpdateRowsV2Type: 10, DeleteRowsV2Type: 10, GTIDType: 42, MariaDBGTIDType: 19,
	} {
		l[t-1] = n
	}
	return l
}

// description makes a format description of a server's version with a checksum algorithm.
func description(version string, algorithm byte) []byte {
	b := body{}.u16(4).str(version)
	b = append(b, make([]byte, 2+versionSize-len(b))...)
	b = append(b.u32(testTime).u8(headerSize), lengths()...)
	return sum(FormatDescriptionType, 0, b.u8(algorithm))
}

// started is a decoder that has read the format description of a file with checksums.
func started() *Decoder {
	d := NewDecoder()
	if _, _, err := d.Decode(description("8.4.6", checksumCRC32)); err != nil {
		panic(err)
	}
	return d
}

// spec is a column for the encoder: how the log describes it, how it is to be read.
type spec struct {
	Column
	Format
}

// mapBody makes a table map of columns, with the metadata that binlog_row_metadata=FULL gives.
func mapBody(id uint64, table string, specs []spec) []byte {
	b := body{}.n(id, 6).u16(1).text("app").u8(0).text(table).u8(0).packed(uint64(len(specs)))
	var meta body
	nulls := make([]byte, (len(specs)+7)/8)
	for i, s := range specs {
		t := s.Column.Type
		if isLabelled(t) {
			t = TypeString
		}
		b = b.u8(byte(t))
		meta = appendMeta(meta, s.Column)
		if s.Nullable {
			nulls[i/8] |= 1 << (i % 8)
		}
	}
	b = append(b.sized(string(meta)), nulls...)
	return append(b, fullMetadata(specs)...)
}

func appendMeta(meta body, c Column) body {
	switch c.Type {
	case TypeFloat, TypeDouble, TypeTimestamp2, TypeDatetime2, TypeTime2, TypeBlob, TypeGeometry, TypeJSON, TypeBlobCompressed, TypeVector:
		return meta.u8(byte(c.Meta))
	case TypeVarchar, TypeVarcharCompressed, TypeBit:
		return meta.u16(c.Meta)
	case TypeDecimal, TypeString, TypeEnum, TypeSet:
		return meta.u8(byte(c.Meta>>8), byte(c.Meta))
	}
	return meta
}

func fullMetadata(specs []spec) body {
	var signs, collations, labelCollations, names, sets, enums, keys, visible, geometries body
	numbers := 0
	signs = body{0}
	visible = make(body, (len(specs)+7)/8)
	for i, s := range specs {
		c := s.Column
		if isNumeric(c.Type) {
			if numbers > 0 && numbers%8 == 0 {
				signs = signs.u8(0)
			}
			if c.Unsigned {
				signs[numbers/8] |= 0x80 >> (numbers % 8)
			}
			numbers++
		}
		if isCharacter(c.Type) {
			collations = collations.packed(uint64(c.Collation))
		}
		if isLabelled(c.Type) {
			labelCollations = labelCollations.packed(uint64(c.Collation))
			list := body{}.packed(uint64(len(c.Labels)))
			for _, l := range c.Labels {
				list = list.sized(l)
			}
			if c.Type == TypeSet {
				sets = append(sets, list...)
			} else {
				enums = append(enums, list...)
			}
		}
		if c.Type == TypeGeometry {
			geometries = geometries.packed(uint64(c.Geometry))
		}
		names = names.sized(c.Name)
		if c.Key {
			keys = keys.packed(uint64(i))
		}
		if !c.Invisible {
			visible[i/8] |= 0x80 >> (i % 8)
		}
	}
	if numbers == 0 {
		signs = nil
	}
	var b body
	for field, content := range map[byte]body{
		metaSigns: signs, metaCharsets: collations, metaNames: names, metaSetLabels: sets, metaEnumLabels: enums,
		metaGeometry: geometries, metaKey: keys, metaLabelCharsets: labelCollations, metaVisible: visible,
	} {
		if len(content) > 0 {
			b = b.u8(field).sized(string(content))
		}
	}
	return b
}

// rowsBody makes the body of a rows event, of version 2 where t is. Each image is what imageOf made.
func rowsBody(t Type, id uint64, columns int, images ...[]byte) []byte {
	b := body{}.n(id, 6).u16(RowsEndOfStatement)
	if t >= WriteRowsV2Type && t <= PartialUpdateRowsType || t >= WriteRowsCompressedV2Type {
		b = b.u16(2)
	}
	b = b.packed(uint64(columns))
	present := make([]byte, (columns+7)/8)
	for i := range columns {
		present[i/8] |= 1 << (i % 8)
	}
	b = append(b, present...)
	if k := rowsKinds[t]; k == Update || k == PartialUpdate {
		b = append(b, present...)
	}
	for _, i := range images {
		b = append(b, i...)
	}
	return b
}

// imageOf makes an image of values' bytes; nil is NULL.
func imageOf(values ...[]byte) []byte {
	image := make([]byte, (len(values)+7)/8)
	for i, v := range values {
		if v == nil {
			image[i/8] |= 1 << (i % 8)
		}
	}
	for _, v := range values {
		image = append(image, v...)
	}
	return image
}

// decimalBytes packs digits, of which whole stand before the point.
func decimalBytes(negative bool, digits string, whole int) []byte {
	var b body
	for done := 0; done < len(digits); {
		n := 9
		if first := whole % 9; done == 0 && first > 0 {
			n = first
		}
		n = min(n, len(digits)-done)
		v := uint64(0)
		for _, c := range digits[done : done+n] {
			v = v*10 + uint64(c-'0')
		}
		b = b.big(v, bytesFor[n])
		done += n
	}
	b[0] ^= 0x80
	if negative {
		for i := range b {
			b[i] ^= 0xff
		}
	}
	return b
}

func datetimeBytes(y, mo, d, h, mi, s, micros, scale int) []byte {
	v := uint64(y*13+mo)<<22 | uint64(d)<<17 | uint64(h)<<12 | uint64(mi)<<6 | uint64(s)
	return append(body{}.big(v|1<<39, 5), fractionBytes(micros, scale)...)
}

// fractionBytes has the digits that a scale has room for, two in a byte.
func fractionBytes(micros, scale int) []byte {
	n := (scale + 1) / 2
	return body{}.big(uint64(micros)/uint64(math.Pow10(6-2*n)), n)
}

// timeBytes packs a time of so many microseconds.
func timeBytes(us int64, scale int) []byte {
	n := (scale + 1) / 2
	negative := us < 0
	if negative {
		us = -us
	}
	s, micros := us/second, us%second
	packed := (s/3600<<12|s/60%60<<6|s%60)<<(8*n) | micros/int64(math.Pow10(6-2*n))*min(int64(n), 1)
	if negative {
		packed = -packed
	}
	return body{}.big(uint64(packed+0x800000<<(8*n)), 3+n)
}
