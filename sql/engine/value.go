package engine

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"ardso/sql/value"
)

// Kind returns the canonical kind of a column by its type's name: pg_type.typname of the base type (the
// caller resolves domains), MySQL's data_type, SQLite's declared type. ok is false for types whose
// values ardso cannot carry.
func (e *Engine) Kind(typeName string) (kind value.Kind, ok bool) { return e.impl.kind(typeName) }

// Read is the expression that selects a column, already quoted, in the form that Scan reads. Every
// SELECT of field values uses it: what the log delivers and what a SELECT delivers is the same (INV-5).
func (e *Engine) Read(kind value.Kind, typeName, column string) string {
	return e.impl.read(kind, typeName, column)
}

// ParseText reads a non-NULL value as the server prints it, in its log or for Read, under our session
// settings: PostgreSQL's t and f become 1 and 0, bytea is strict \x hex (PD-19), char(n) loses its
// padding (PD-24), a 32-bit float is widened exactly. A *value.SyntaxError says that the text has no
// canonical form.
func (e *Engine) ParseText(kind value.Kind, typeName, text string) (value.Value, error) {
	return e.impl.parse(kind, typeName, text)
}

// Scan turns what a driver scanned of Read's expression, into a variable of type any, into a value.
func (e *Engine) Scan(kind value.Kind, typeName string, raw any) (value.Value, error) {
	if raw == nil {
		return value.Null, nil
	}
	if e.Dialect == "sqlite" {
		return FromStorage(kind, raw)
	}
	switch v := raw.(type) {
	case string:
		return e.ParseText(kind, typeName, v)
	case []byte:
		return e.ParseText(kind, typeName, string(v))
	// The MySQL driver turns numbers into Go's by itself, exactly.
	case int64:
		return e.ParseText(kind, typeName, strconv.FormatInt(v, 10))
	case uint64:
		return e.ParseText(kind, typeName, strconv.FormatUint(v, 10))
	case float64:
		if kind == value.KindReal {
			return value.Real(v), nil
		}
	case float32:
		if kind == value.KindReal {
			return value.Real(float64(v)), nil
		}
	}
	return value.Value{}, fmt.Errorf("read a column of type %s: the driver delivered a %T", typeName, raw)
}

// FromStorage turns a value by its SQLite storage class (nil, int64, float64, string or []byte) into a
// value of a column of the given kind. The storage class decides; text becomes an instant, date, time or
// decimal in a column of that kind if it reads as one, and stays text if not.
func FromStorage(kind value.Kind, raw any) (value.Value, error) {
	switch v := raw.(type) {
	case nil:
		return value.Null, nil
	case int64:
		return value.Int(v), nil
	case float64:
		return value.Real(v + 0), nil // -0 becomes 0: SQLite's own text of it, which its log holds, has no sign
	case []byte:
		return value.Bytes(v), nil
	case string:
		switch kind {
		case value.KindInstant, value.KindDate, value.KindTime, value.KindDecimal:
			if parsed, err := value.Parse(kind, v); err == nil {
				return parsed, nil
			}
		}
		if !utf8.ValidString(v) {
			return value.Value{}, &value.SyntaxError{Kind: value.KindText, Text: v}
		}
		return value.Text(v), nil
	}
	return value.Value{}, fmt.Errorf("a value of type %T has no SQLite storage class", raw)
}

func parseBool(text string) (value.Value, error) {
	switch text {
	case "t", "true":
		return value.Int(1), nil
	case "f", "false":
		return value.Int(0), nil
	}
	return value.Value{}, &value.SyntaxError{Kind: value.KindInt, Text: text}
}

func parseHex(text string) (value.Value, error) {
	digits, ok := strings.CutPrefix(text, `\x`)
	raw, err := hex.DecodeString(digits)
	if !ok || err != nil {
		return value.Value{}, &value.SyntaxError{Kind: value.KindBytes, Text: text}
	}
	return value.Bytes(raw), nil
}

// parseSingle reads the shortest text of a 32-bit float, or the text of the same number as a 64-bit one.
func parseSingle(text string) (value.Value, error) {
	f, err := strconv.ParseFloat(text, 32)
	if err != nil {
		return value.Value{}, &value.SyntaxError{Kind: value.KindReal, Text: text}
	}
	return value.Real(float64(float32(f))), nil
}
