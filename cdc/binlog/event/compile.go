package event

import (
	"errors"
	"fmt"

	"ardso/sql/value"
)

// compile decides how the values of a column are read: first how many bytes they take, then what they mean.
func (f *field) compile(c Column, format Format) error {
	f.kind, f.name, f.unsigned, f.labels = format.Kind, format.Type, format.Unsigned, format.Labels
	if err := f.frame(c); err != nil {
		return err
	}
	if format.Fraction > 0 && (c.Type == TypeTime || c.Type == TypeTimestamp || c.Type == TypeDatetime) {
		return errors.New("it has a fraction of seconds in MariaDB's form of before 10.1.2; with mysql56_temporal_format on, ALTER TABLE ... FORCE turns it into today's")
	}
	if format.Kind == value.KindAbsent {
		return nil
	}
	if f.number(c) || f.time(c) {
		return nil
	}
	switch c.Type {
	case TypeEnum, TypeSet:
		return f.label(c, format)
	case TypeJSON:
		f.read = readJSON
		return nil
	case TypeNull:
		f.read = func(*field, []byte) (value.Value, error) { return value.Null, nil }
		return nil
	}
	return f.string(c, format)
}

// fixed are the bytes that values of a type take.
var fixed = map[ColumnType]int{
	TypeNull: 0, TypeTiny: 1, TypeYear: 1, TypeShort: 2, TypeInt24: 3, TypeLong: 4, TypeLongLong: 8,
	TypeFloat: 4, TypeDouble: 8, TypeDate: 3, TypeNewDate: 3,
	TypeTime: 3, TypeTimestamp: 4, TypeDatetime: 8,
	TypeTime2: 3, TypeTimestamp2: 4, TypeDatetime2: 5, // and the fraction
}

// frame sets how many bytes a value takes.
func (f *field) frame(c Column) error {
	if n, ok := fixed[c.Type]; ok {
		f.width = n
		return f.fraction(c)
	}
	switch c.Type {
	case TypeDecimal:
		return f.decimalFrame(c)
	case TypeBit:
		f.width = int(c.Meta>>8) + (int(c.Meta&0xff)+7)/8
		return atMost(f.width, 8, "bytes of a bit field")
	case TypeEnum, TypeSet:
		f.width = int(c.Meta & 0xff)
		return atMost(f.width, 8, "bytes of a label")
	case TypeVarchar, TypeVarString, TypeVarcharCompressed:
		f.prefix, f.width = true, lengthOf(int(c.Meta))
		return nil
	case TypeString:
		f.prefix, f.width = true, lengthOf(c.StringLength())
		return nil
	case TypeBlob, TypeBlobCompressed, TypeGeometry, TypeJSON, TypeVector, TypeTinyBlob, TypeMediumBlob, TypeLongBlob:
		f.prefix, f.width = true, int(c.Meta)
		return atMost(f.width, 4, "bytes of a length")
	case TypeArray:
		return fmt.Errorf("it is an array for an index on a JSON document (type %d), which cannot be read", c.Type)
	case TypeDecimalOld:
		return fmt.Errorf("it has the decimals of MySQL before 5.0 (type %d); ALTER TABLE ... FORCE turns them into today's", c.Type)
	}
	return fmt.Errorf("type %d is not known", c.Type)
}

func atMost(n, limit int, what string) error {
	if n < 1 || n > limit {
		return fmt.Errorf("%d %s", n, what)
	}
	return nil
}

// lengthOf is how many bytes the length of a string takes that holds up to n bytes.
func lengthOf(n int) int {
	if n > 255 {
		return 2
	}
	return 1
}

// fraction adds the digits behind the second's point, two in a byte.
func (f *field) fraction(c Column) error {
	switch c.Type {
	case TypeTime2, TypeTimestamp2, TypeDatetime2:
		f.scale = int(c.Meta)
		if f.scale > 6 {
			return fmt.Errorf("%d digits behind the second's point", f.scale)
		}
		f.width += (f.scale + 1) / 2
	}
	return nil
}
