package event

import "bytes"

// knownMaps is how many table maps a Decoder remembers. Most transactions change few tables.
const knownMaps = 256

// readTableMap reads the shape of a table. The same table comes again with every transaction that changes it,
// so one that was read before is not read again.
func (d *Decoder) readTableMap(c *cursor) *TableMap {
	id, flags := d.tableID(c, TableMapType), c.uint16()
	if c.err != nil {
		return nil
	}
	body := c.data[c.at:]
	if m := d.maps[id]; m != nil && bytes.Equal(m.Body, body) {
		m.Flags = flags
		return m
	}
	m := &TableMap{ID: id, Flags: flags, Body: bytes.Clone(body)}
	m.read(c, d.character())
	if c.err == nil {
		if len(d.maps) >= knownMaps {
			clear(d.maps)
		}
		d.maps[id] = m
	}
	return m
}

// character tells which columns of this file's server have a collation in the metadata.
func (d *Decoder) character() func(ColumnType) bool {
	if d.format != nil && isMariaDB(d.format.ServerVersion) {
		return isMariaDBCharacter
	}
	return isCharacter
}

func (m *TableMap) read(c *cursor, character func(ColumnType) bool) {
	m.Schema = c.text()
	c.skip(1) // a zero byte
	m.Table = c.text()
	c.skip(1)
	n := c.length()
	if n > maxColumns {
		c.fail("%d columns", n)
		return
	}
	types := c.bytes(n)
	meta := c.part(c.length())
	nulls := c.bytes((n + 7) / 8)
	if c.err != nil {
		return
	}
	m.Columns = make([]Column, n)
	for i := range m.Columns {
		m.Columns[i] = Column{Type: ColumnType(types[i]), Nullable: nulls[i/8]&(1<<(i%8)) != 0}
		m.Columns[i].readMeta(meta)
	}
	if meta.more() {
		meta.fail("%d bytes more of the columns' types than they need", meta.left())
	}
	if meta.err != nil {
		c.err = meta.err
		return
	}
	m.optional(c, character)
}

// readMeta reads what a type needs besides its code.
func (c *Column) readMeta(b *cursor) {
	switch c.Type {
	case TypeFloat, TypeDouble, TypeTimestamp2, TypeDatetime2, TypeTime2, TypeBlob, TypeGeometry, TypeJSON,
		TypeBlobCompressed, TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeVector:
		c.Meta = uint16(b.uint8())
	case TypeVarchar, TypeVarcharCompressed, TypeBit:
		c.Meta = b.uint16()
	case TypeDecimal, TypeEnum, TypeSet, TypeVarString, TypeString:
		c.Meta = uint16(b.uint8())<<8 | uint16(b.uint8())
	case TypeArray:
		c.readArray(b)
	}
	// ENUM and SET come as a CHAR that says what it is.
	if real := ColumnType(c.Meta >> 8); c.Type == TypeString && (real == TypeEnum || real == TypeSet) {
		c.Type = real
	}
}

// readArray reads the type of an array's elements, which are those of an index on a JSON document (8.0.17+).
func (c *Column) readArray(b *cursor) {
	element := Column{Type: ColumnType(b.uint8())}
	if element.Type == TypeVarchar {
		b.skip(3)
		return
	}
	element.readMeta(b)
}
