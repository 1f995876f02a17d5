package event

import "bytes"

func (d *Decoder) readTableMap(c *cursor) *TableMap {
	m := &TableMap{}
	if d.postHeader(TableMapType, 8) == 6 {
		m.ID = uint64(c.uint32())
	} else {
		m.ID = c.uint48()
	}
	m.Flags = c.uint16()
	m.Body = c.data[c.at:]
	m.Schema = c.string(int(c.uint8()))
	c.uint8()
	m.Table = c.string(int(c.uint8()))
	c.uint8()
	types := c.bytes(c.length())
	meta := &cursor{data: c.bytes(c.length()), kind: c.kind}
	nulls := c.bytes((len(types) + 7) / 8)
	if c.err != nil {
		return m
	}
	m.Columns = make([]Column, len(types))
	for i := range types {
		m.Columns[i] = Column{Type: ColumnType(types[i]), Nullable: nulls[i/8]&(1<<(i%8)) != 0}
		m.Columns[i].readMeta(meta)
	}
	if meta.err != nil {
		c.err = meta.err
		return m
	}
	m.optional(c)
	return m
}

func (c *Column) readMeta(b *cursor) {
	switch c.Type {
	case TypeFloat, TypeDouble, TypeTimestamp2, TypeDatetime2, TypeTime2, TypeBlob, TypeGeometry, TypeJSON, TypeBlobCompressed,
		TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeVector:
		c.Meta = uint16(b.uint8())
	case TypeVarchar, TypeVarcharCompressed:
		c.Meta = b.uint16()
	case TypeBit:
		c.Meta = b.uint16()
	case TypeDecimal:
		c.Meta = uint16(b.uint8())<<8 | uint16(b.uint8())
	case TypeString, TypeEnum, TypeSet, TypeVarString:
		hi, lo := b.uint8(), b.uint8()
		c.Meta = uint16(hi)<<8 | uint16(lo)
		if c.Type == TypeString {
			switch real := ColumnType(hi | 0x30); {
			case hi&0x30 != 0x30: // a CHAR longer than 255 bytes
			case real == TypeEnum || real == TypeSet:
				c.Type = real
			}
		}
	}
}

const (
	metaSigns = 1 + iota
	metaDefaultCharset
	metaCharsets
	metaNames
	metaSetLabels
	metaEnumLabels
	metaGeometry
	metaKey
	metaKeyPrefix
	metaLabelDefaultCharset
	metaLabelCharsets
	metaVisible
)

func isNumeric(t ColumnType) bool {
	switch t {
	case TypeTiny, TypeShort, TypeInt24, TypeLong, TypeLongLong, TypeYear, TypeFloat, TypeDouble, TypeDecimal, TypeDecimalOld:
		return true
	}
	return false
}

func isCharacter(t ColumnType) bool {
	switch t {
	case TypeString, TypeVarString, TypeVarchar, TypeBlob, TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeVarcharCompressed, TypeBlobCompressed:
		return true
	}
	return false
}

func isLabelled(t ColumnType) bool { return t == TypeEnum || t == TypeSet }

func (m *TableMap) optional(c *cursor) {
	for c.err == nil && c.left() > 0 {
		field := c.uint8()
		b := &cursor{data: c.bytes(c.length()), kind: c.kind}
		switch field {
		case metaSigns:
			m.HasSigns = true
			m.signs(b)
		case metaDefaultCharset:
			m.HasCollations = true
			m.defaults(b, isCharacter)
		case metaCharsets:
			m.HasCollations = true
			m.collations(b, isCharacter)
		case metaLabelDefaultCharset:
			m.defaults(b, isLabelled)
		case metaLabelCharsets:
			m.collations(b, isLabelled)
		case metaNames:
			m.HasNames = true
			for i := range m.Columns {
				m.Columns[i].Name = b.string(b.length())
			}
		case metaSetLabels:
			m.HasLabels = true
			m.labels(b, TypeSet)
		case metaEnumLabels:
			m.HasLabels = true
			m.labels(b, TypeEnum)
		case metaGeometry:
			for i := range m.Columns {
				if m.Columns[i].Type == TypeGeometry {
					m.Columns[i].Geometry = uint32(b.packed())
				}
			}
		case metaKey:
			m.HasKey = true
			for b.err == nil && b.left() > 0 {
				if k := m.column(b); k != nil {
					k.Key = true
				}
			}
		case metaKeyPrefix:
			m.HasKey = true
			for b.err == nil && b.left() > 0 {
				if k := m.column(b); k != nil {
					k.Key, k.KeyPrefix = true, b.packed() != 0
				}
			}
		case metaVisible:
			bits := b.rest()
			for i := range m.Columns {
				m.Columns[i].Invisible = i/8 < len(bits) && bits[i/8]&(0x80>>(i%8)) == 0
			}
		}
		if b.err != nil && c.err == nil {
			c.err = b.err
		}
	}
}

func (m *TableMap) column(b *cursor) *Column {
	n := b.packed()
	if n >= uint64(len(m.Columns)) {
		b.fail("column %d of %d", n, len(m.Columns))
		return nil
	}
	return &m.Columns[n]
}

func (m *TableMap) signs(b *cursor) {
	bits, n := b.rest(), 0
	for i := range m.Columns {
		if !isNumeric(m.Columns[i].Type) {
			continue
		}
		if n/8 >= len(bits) {
			b.fail("too few signs")
			return
		}
		m.Columns[i].Unsigned = bits[n/8]&(0x80>>(n%8)) != 0
		n++
	}
}

func (m *TableMap) defaults(b *cursor, is func(ColumnType) bool) {
	collation := uint32(b.packed())
	var which []*Column
	for i := range m.Columns {
		if is(m.Columns[i].Type) {
			m.Columns[i].Collation = collation
			which = append(which, &m.Columns[i])
		}
	}
	for b.err == nil && b.left() > 0 {
		n, own := b.packed(), b.packed()
		if n >= uint64(len(which)) {
			b.fail("character column %d of %d", n, len(which))
			return
		}
		which[n].Collation = uint32(own)
	}
}

func (m *TableMap) collations(b *cursor, is func(ColumnType) bool) {
	for i := range m.Columns {
		if is(m.Columns[i].Type) {
			m.Columns[i].Collation = uint32(b.packed())
		}
	}
}

func (m *TableMap) labels(b *cursor, t ColumnType) {
	for i := range m.Columns {
		if m.Columns[i].Type != t {
			continue
		}
		n := b.length()
		labels := make([]string, 0, n)
		for range n {
			labels = append(labels, b.string(b.length()))
		}
		m.Columns[i].Labels = labels
	}
}

var _ = bytes.Equal
