package event

// Fields of a table map's optional metadata (MySQL 8.0.1+, MariaDB 10.5+).
const (
	metaSigns = iota + 1
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

// optional reads the metadata: fields of a type, a length and that many bytes. Unknown ones, such as the
// dimensions of vectors, are passed over.
func (m *TableMap) optional(c *cursor, character func(ColumnType) bool) {
	for c.more() {
		field := c.uint8()
		b := c.part(c.length())
		if b.err == nil {
			m.field(field, b, character)
		}
		if b.err != nil {
			c.err = b.err
		}
	}
}

func (m *TableMap) field(field uint8, b *cursor, character func(ColumnType) bool) {
	switch field {
	case metaSigns:
		m.HasSigns = true
		m.signs(b)
	case metaDefaultCharset:
		m.HasCollations = true
		m.defaultCollation(b, character)
	case metaCharsets:
		m.HasCollations = true
		m.collations(b, character)
	case metaLabelDefaultCharset:
		m.defaultCollation(b, isLabelled)
	case metaLabelCharsets:
		m.collations(b, isLabelled)
	case metaNames:
		m.HasNames = true
		m.names(b)
	case metaSetLabels:
		m.HasLabels = true
		m.labels(b, TypeSet)
	case metaEnumLabels:
		m.HasLabels = true
		m.labels(b, TypeEnum)
	case metaGeometry:
		m.geometries(b)
	case metaKey:
		m.HasKey = true
		m.key(b, false)
	case metaKeyPrefix:
		m.HasKey = true
		m.key(b, true)
	case metaVisible:
		m.visible(b)
	}
}

// isNumeric reports whether a type has a sign in the metadata; a year has one too.
func isNumeric(t ColumnType) bool {
	switch t {
	case TypeTiny, TypeShort, TypeInt24, TypeLong, TypeLongLong, TypeYear, TypeFloat, TypeDouble, TypeDecimal, TypeDecimalOld:
		return true
	}
	return false
}

// isMariaDBCharacter reports whether a type has a collation in MariaDB's metadata; geometries have one there.
func isMariaDBCharacter(t ColumnType) bool { return t == TypeGeometry || isCharacter(t) }

func isCharacter(t ColumnType) bool {
	switch t {
	case TypeString, TypeVarString, TypeVarchar, TypeBlob, TypeTinyBlob, TypeMediumBlob, TypeLongBlob,
		TypeVarcharCompressed, TypeBlobCompressed:
		return true
	}
	return false
}

func isLabelled(t ColumnType) bool { return t == TypeEnum || t == TypeSet }

// of lists the columns of some types; metadata counts by these.
func (m *TableMap) of(is func(ColumnType) bool) []*Column {
	var which []*Column
	for i := range m.Columns {
		if is(m.Columns[i].Type) {
			which = append(which, &m.Columns[i])
		}
	}
	return which
}

// signs is a bit for each numeric column, highest first.
func (m *TableMap) signs(b *cursor) {
	columns := m.of(isNumeric)
	bits := b.rest()
	if len(bits) < (len(columns)+7)/8 {
		b.fail("signs of %d columns in %d bytes", len(columns), len(bits))
		return
	}
	for i, c := range columns {
		c.Unsigned = bits[i/8]&(0x80>>(i%8)) != 0
	}
}

// defaultCollation is the collation of most columns, then the number and collation of each other one.
func (m *TableMap) defaultCollation(b *cursor, is func(ColumnType) bool) {
	columns := m.of(is)
	common := uint32(b.packed())
	for _, c := range columns {
		c.Collation = common
	}
	for b.more() {
		n, own := b.packed(), b.packed()
		if n >= uint64(len(columns)) {
			b.fail("character column %d of %d", n, len(columns))
			return
		}
		columns[n].Collation = uint32(own)
	}
}

func (m *TableMap) collations(b *cursor, is func(ColumnType) bool) {
	for _, c := range m.of(is) {
		c.Collation = uint32(b.packed())
	}
}

func (m *TableMap) names(b *cursor) {
	for i := range m.Columns {
		m.Columns[i].Name = b.string(b.length())
	}
}

func (m *TableMap) labels(b *cursor, t ColumnType) {
	for _, c := range m.of(func(is ColumnType) bool { return is == t }) {
		n := b.length()
		c.Labels = make([]string, n)
		for i := range c.Labels {
			c.Labels[i] = b.string(b.length())
		}
	}
}

func (m *TableMap) geometries(b *cursor) {
	for _, c := range m.of(func(is ColumnType) bool { return is == TypeGeometry }) {
		c.Geometry = uint32(b.packed())
	}
}

// key lists the columns of the primary key in its order, each with the length of its prefix if there are any; a
// length of 0 is the whole column.
func (m *TableMap) key(b *cursor, prefixes bool) {
	for b.more() {
		n := b.packed()
		if n >= uint64(len(m.Columns)) {
			b.fail("key column %d of %d", n, len(m.Columns))
			return
		}
		m.Columns[n].Key = true
		if prefixes {
			m.Columns[n].KeyPrefix = b.packed() != 0
		}
	}
}

// visible is a bit for each column, highest first.
func (m *TableMap) visible(b *cursor) {
	bits := b.rest()
	if len(bits) < (len(m.Columns)+7)/8 {
		b.fail("visibility of %d columns in %d bytes", len(m.Columns), len(bits))
		return
	}
	for i := range m.Columns {
		m.Columns[i].Invisible = bits[i/8]&(0x80>>(i%8)) == 0
	}
}
