package event

// TypeName is the name of the column's type as a catalog would have it, as far as the log tells: types that
// share a form in the log, such as MariaDB's uuid and binary(16), have the name of the plain one. charset is
// that of the column, "" or "binary" for bytes.
func (c Column) TypeName(charset string) string {
	bytes := charset == "" || charset == "binary"
	either := func(raw, text string) string {
		if bytes {
			return raw
		}
		return text
	}
	switch c.Type {
	case TypeVarchar, TypeVarString, TypeVarcharCompressed:
		return either("varbinary", "varchar")
	case TypeString:
		return either("binary", "char")
	case TypeTinyBlob, TypeMediumBlob, TypeLongBlob, TypeBlob, TypeBlobCompressed:
		return either("blob", "text")
	}
	return typeNames[c.Type]
}

var typeNames = map[ColumnType]string{
	TypeTiny: "tinyint", TypeShort: "smallint", TypeInt24: "mediumint", TypeLong: "int", TypeLongLong: "bigint",
	TypeFloat: "float", TypeDouble: "double", TypeDecimal: "decimal", TypeDecimalOld: "decimal",
	TypeDate: "date", TypeNewDate: "date", TypeTime: "time", TypeTime2: "time", TypeYear: "year",
	TypeDatetime: "datetime", TypeDatetime2: "datetime", TypeTimestamp: "timestamp", TypeTimestamp2: "timestamp",
	TypeBit: "bit", TypeEnum: "enum", TypeSet: "set", TypeJSON: "json", TypeGeometry: "geometry", TypeVector: "vector",
}

// StringLength is the declared length in bytes of a CHAR or BINARY column; 0 for other types.
func (c Column) StringLength() int {
	if c.Type != TypeString {
		return 0
	}
	// The two high bits of a length above 255 are kept, inverted, in the byte of the type.
	return int(c.Meta&0xff) | int((c.Meta>>4)&0x300^0x300)
}
