package binlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ardso/cdc/binlog/event"
	"ardso/sql/binlog"
	"ardso/sql/engine"
)

// shapeColumn is a column of a table as the catalog has it: what the log does not tell of it, or not before
// MySQL 8.0.
type shapeColumn struct {
	Name     string
	DataType string   // int
	Charset  string   `json:",omitempty"` // "" = no text
	Octets   int64    `json:",omitempty"` // greatest length of text and bytes
	Digits   int      `json:",omitempty"` // of a number, and of a BIT
	Scale    int      `json:",omitempty"`
	Fraction int      `json:",omitempty"` // digits of a second
	Labels   []string `json:",omitempty"` // of ENUM and SET
	Unsigned bool     `json:",omitempty"`
	Nullable bool     `json:",omitempty"`
	Key      bool     `json:",omitempty"`
}

// readShape asks the catalog for a table's columns, in the order of the log; none where there is no such table.
func readShape(ctx context.Context, db *engine.DB, table string) ([]shapeColumn, error) {
	found, err := binlog.ReadColumns(ctx, db, table)
	if err != nil {
		return nil, err
	}
	columns := make([]shapeColumn, len(found))
	for i, c := range found {
		columns[i] = shapeColumn{
			Name: c.Name, DataType: strings.ToLower(c.DataType), Charset: c.Charset, Octets: c.Octets,
			Digits: c.Digits, Scale: c.Scale, Fraction: c.Fraction,
			Unsigned: isUnsigned(c.ColumnType), Nullable: c.Nullable, Key: c.Key,
		}
		if columns[i].isLabelled() {
			if columns[i].Labels, err = labels(c.ColumnType); err != nil {
				return nil, fmt.Errorf("column %s: type %s: %w", c.Name, c.ColumnType, err)
			}
		}
	}
	return columns, nil
}

func (c *shapeColumn) isLabelled() bool { return c.DataType == "enum" || c.DataType == "set" }

// isUnsigned reads "int(11) unsigned zerofill". A label may hold the word too.
func isUnsigned(columnType string) bool {
	behind := columnType[strings.LastIndexByte(columnType, ')')+1:]
	if strings.IndexByte(columnType, '(') < 0 { // MySQL 8 has no widths
		behind = columnType
	}
	return strings.Contains(strings.ToLower(behind), "unsigned")
}

// labels reads the type of an ENUM or SET:
//
//	enum('new','it''s')
func labels(columnType string) ([]string, error) {
	rest := columnType[strings.IndexByte(columnType, '(')+1:]
	var all []string
	for {
		label, behind, err := label(rest)
		if err != nil {
			return nil, err
		}
		all = append(all, label)
		if behind == ")" {
			return all, nil
		}
		if !strings.HasPrefix(behind, ",") {
			return nil, fmt.Errorf("no comma behind label %d", len(all))
		}
		rest = behind[1:]
	}
}

// label reads one in quotes, which are doubled within. The catalog writes backslashes, line ends and the zero byte
// with a backslash before them, whatever sql_mode says of those.
func label(text string) (label, rest string, err error) {
	if !strings.HasPrefix(text, "'") {
		return "", "", errors.New("a label without quotes")
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			c = unescaped(text[i])
		case c == '\'':
			if i+1 == len(text) || text[i+1] != '\'' {
				return b.String(), text[i+1:], nil
			}
			i++
		}
		b.WriteByte(c)
	}
	return "", "", errors.New("a label without an end")
}

// unescaped is what a byte behind a backslash stands for.
func unescaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case '0':
		return 0
	}
	return c
}

// fits makes sure that a shape is one that the log describes: the log has the types of columns, and no names.
func fits(columns []shapeColumn, m *event.TableMap) error {
	if len(columns) != len(m.Columns) {
		return fmt.Errorf("the log has %d columns where the table is known to have %d", len(m.Columns), len(columns))
	}
	for i, c := range columns {
		err := fitsColumn(c, m.Columns[i])
		if err == nil && c.Nullable != m.Columns[i].Nullable {
			err = errors.New("one may be NULL, the other not")
		}
		if err != nil {
			return fmt.Errorf("column %d of the log is not what column %s is known to be: %w", i+1, c.Name, err)
		}
	}
	return nil
}

// binaryCollation is the number of the collation that bytes have.
const binaryCollation = 63

// fitsColumn makes sure that the log's column is stored as the known one is.
func fitsColumn(known shapeColumn, c event.Column) error {
	want, ok := stored[known.DataType]
	if !ok {
		return fmt.Errorf("type %s is not known", known.DataType)
	}
	if !slices.Contains(want.types, c.Type) {
		return fmt.Errorf("type code %d is not %s", c.Type, known.DataType)
	}
	if c.Collation != 0 && !want.opaque && (c.Collation == binaryCollation) != (known.Charset == "") {
		return errors.New("one is text, the other bytes")
	}
	if want.size == nil {
		return nil
	}
	if got, size := int64(want.of(c)), want.size(known); got != size && got != untold {
		return fmt.Errorf("%s is stored with size %d, and not %d", known.DataType, got, size)
	}
	return nil
}

// untold is a size that the log does not tell.
const untold = -1

// storage is how values of a type are in the log.
type storage struct {
	types  []event.ColumnType
	opaque bool                    // the catalog knows no character set of it, whatever the log says
	of     func(event.Column) int  // a size that the log tells
	size   func(shapeColumn) int64 // what it should be
}

func meta(c event.Column) int      { return int(c.Meta) }
func packBytes(c event.Column) int { return int(c.Meta & 0xff) }
func octets(c shapeColumn) int64   { return c.Octets }

func constant(n int64) func(shapeColumn) int64 { return func(shapeColumn) int64 { return n } }

// stored says of each type of the catalog how it is stored. Types from before MySQL 5.6 hold no fractions.
var stored = map[string]storage{
	"tinyint":   {types: []event.ColumnType{event.TypeTiny}},
	"smallint":  {types: []event.ColumnType{event.TypeShort}},
	"mediumint": {types: []event.ColumnType{event.TypeInt24}},
	"int":       {types: []event.ColumnType{event.TypeLong}},
	"bigint":    {types: []event.ColumnType{event.TypeLongLong}},
	"float":     {types: []event.ColumnType{event.TypeFloat}},
	"double":    {types: []event.ColumnType{event.TypeDouble}},
	"year":      {types: []event.ColumnType{event.TypeYear}},
	"date":      {types: []event.ColumnType{event.TypeDate, event.TypeNewDate}},
	"time":      timeStorage(event.TypeTime, event.TypeTime2),
	"datetime":  timeStorage(event.TypeDatetime, event.TypeDatetime2),
	"timestamp": timeStorage(event.TypeTimestamp, event.TypeTimestamp2),
	"decimal": {
		types: []event.ColumnType{event.TypeDecimal}, of: meta,
		size: func(c shapeColumn) int64 { return int64(c.Digits)<<8 | int64(c.Scale) },
	},
	"bit": {
		types: []event.ColumnType{event.TypeBit},
		of:    func(c event.Column) int { return int(c.Meta>>8)*8 + int(c.Meta&0xff) },
		size:  func(c shapeColumn) int64 { return int64(c.Digits) },
	},
	"char":      {types: []event.ColumnType{event.TypeString}, of: event.Column.StringLength, size: octets},
	"binary":    {types: []event.ColumnType{event.TypeString}, of: event.Column.StringLength, size: octets},
	"uuid":      {types: []event.ColumnType{event.TypeString}, opaque: true, of: event.Column.StringLength, size: constant(16)},
	"inet6":     {types: []event.ColumnType{event.TypeString}, opaque: true, of: event.Column.StringLength, size: constant(16)},
	"inet4":     {types: []event.ColumnType{event.TypeString}, opaque: true, of: event.Column.StringLength, size: constant(4)},
	"varchar":   varStorage,
	"varbinary": varStorage,
	"enum": {
		types: []event.ColumnType{event.TypeEnum}, of: packBytes,
		size: func(c shapeColumn) int64 {
			if len(c.Labels) > 255 {
				return 2
			}
			return 1
		},
	},
	"set": {
		types: []event.ColumnType{event.TypeSet}, of: packBytes,
		size: func(c shapeColumn) int64 {
			if n := int64(len(c.Labels)+7) / 8; n <= 4 {
				return n
			}
			return 8
		},
	},
	"tinytext": blobStorage(1), "text": blobStorage(2), "mediumtext": blobStorage(3), "longtext": blobStorage(4),
	"tinyblob": blobStorage(1), "blob": blobStorage(2), "mediumblob": blobStorage(3), "longblob": blobStorage(4),
	"json":     {types: []event.ColumnType{event.TypeJSON}, opaque: true},
	"vector":   {types: []event.ColumnType{event.TypeVector, event.TypeVarchar}, opaque: true},
	"geometry": geometryStorage, "point": geometryStorage, "linestring": geometryStorage, "polygon": geometryStorage,
	"multipoint": geometryStorage, "multilinestring": geometryStorage, "multipolygon": geometryStorage,
	"geometrycollection": geometryStorage, "geomcollection": geometryStorage,
}

var geometryStorage = storage{types: []event.ColumnType{event.TypeGeometry}, opaque: true}

// varStorage: MariaDB's compressed columns have a byte more.
var varStorage = storage{
	types: []event.ColumnType{event.TypeVarchar, event.TypeVarString, event.TypeVarcharCompressed},
	of: func(c event.Column) int {
		if c.Type == event.TypeVarcharCompressed {
			return int(c.Meta) - 1
		}
		return int(c.Meta)
	},
	size: octets,
}

func blobStorage(lengthBytes int64) storage {
	return storage{types: []event.ColumnType{event.TypeBlob, event.TypeBlobCompressed}, of: meta, size: constant(lengthBytes)}
}

// timeStorage: the form from before MySQL 5.6 tells no fraction. It has none but in MariaDB, where the catalog knows.
func timeStorage(old, now event.ColumnType) storage {
	return storage{
		types: []event.ColumnType{old, now},
		of: func(c event.Column) int {
			if c.Type == old {
				return untold
			}
			return int(c.Meta)
		},
		size: func(c shapeColumn) int64 { return int64(c.Fraction) },
	}
}
