package statement

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// postgres sends a batch as one statement over unnest of text arrays, one array per column.
//
// Values are cast to the column's type without its length: an explicit cast to varchar(3) cuts
// silently, an assignment to such a column complains.
type postgres struct{}

func (postgres) column(quoted string) string { return "t." + quoted }
func (postgres) param(n int) string          { return "v.a" + strconv.Itoa(n) }

// typeName is pg_type.typname where it matters to reading a value.
func (postgres) typeName(c *schema.Column) string {
	switch {
	case c.Single:
		return "float4"
	case c.Bits == 1:
		return "bool"
	case c.FixedChar:
		return "bpchar"
	case c.Kind == value.KindBytes:
		return "bytea"
	}
	return c.BaseType
}

func (postgres) textOnly() bool { return true }

func (postgres) defaultOf(*schema.Column) string { return "DEFAULT" }

func (postgres) set(c *schema.Column, param string) string {
	switch {
	case c.Kind == value.KindBytes:
		return "decode(" + param + ", 'hex')"
	case c.Kind == value.KindText && (isCharacter(c) || c.Length > 0):
		return param // the assignment converts, and checks the length
	case c.BaseType == "bit":
		return param + "::varbit" // bit alone is bit(1)
	}
	return param + "::" + c.BaseType
}

// findType is the type by which a parameter is compared so that the column's index serves.
func findType(c *schema.Column) string {
	switch {
	case c.Kind == value.KindInt && c.Bits != 1:
		return "bigint" // compares with every integer type, and none is too large for it
	case c.Kind == value.KindReal:
		return "float8"
	case c.FixedChar:
		return "bpchar" // character alone is character(1)
	case c.BaseType == "bit":
		return "varbit"
	case c.Kind == value.KindText && c.Length > 0 && !isCharacter(c):
		return "text" // a domain with a length
	}
	return c.BaseType
}

func (postgres) find(c *schema.Column, name, param string) string {
	if c.Kind == value.KindBytes {
		return name + " = decode(" + param + ", 'hex')"
	}
	return name + " = " + param + "::" + findType(c)
}

func (postgres) compare(c *schema.Column, name, param string, emptyIsNull bool) string {
	const same = " IS NOT DISTINCT FROM "
	switch {
	case c.BaseType == "inet": // its text has two forms
		return name + same + param + "::inet"
	case c.Kind == value.KindText:
		left := name + "::text"
		if emptyIsNull {
			left = "NULLIF(" + left + ", '')"
		}
		return left + ` COLLATE "C"` + same + param
	case c.Kind == value.KindBytes:
		return name + same + "decode(" + param + ", 'hex')"
	case c.Bits == 1:
		return name + "::integer" + same + param + "::integer"
	}
	return name + same + param + "::" + findType(c)
}

func (postgres) operand(c *schema.Column, param string, _ value.Value) string {
	if c.Kind == value.KindBytes {
		return "decode(" + param + "::text, 'hex')"
	}
	return param + "::" + findType(c)
}

func (postgres) order(_ *schema.Column, name string) string { return name }

func (postgres) arg(c *schema.Column, v value.Value, r role) (any, bool) {
	switch v.Kind() {
	case value.KindBytes:
		return hex.EncodeToString([]byte(v.Text())), true
	case value.KindText:
		return v.Text(), !strings.Contains(v.Text(), "\x00")
	case value.KindDecimal:
		if c.Kind == value.KindInt && r != toSet { // an integer beyond 64 bits
			return nil, false
		}
	case value.KindInt:
		if c.Bits == 1 && v.Int() != 0 && v.Int() != 1 {
			return nil, false
		}
	case value.KindTime:
		if v.Int() < 0 || v.Int() > 86400*1_000_000 { // MD-10
			return nil, false
		}
	}
	return v.SQL(), true
}

// batch stays where the planner looks rows up by their key: of more it may read the whole table,
// and then locks go in the table's order.
func (postgres) batch(*engine.Engine, *shape) limits { return limits{rows: 1000, bytes: 16 << 20} }

// arrays turns rows into one array per parameter.
func arrays(rows []row, n int) []any {
	out := make([]any, n)
	for i := range n {
		a := make(pgtype.FlatArray[pgtype.Text], len(rows))
		for j := range rows {
			if s, ok := rows[j].args[i].(string); ok {
				a[j] = pgtype.Text{String: s, Valid: true}
			}
		}
		out[i] = a
	}
	return out
}

// insert leaves rows whose key exists alone, and finds out by the keys that come back which those
// were. Another unique index is an error (L-16): without a place in the statement it would pass for
// an existing key.
func (d postgres) insert(ctx context.Context, _ *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	inserted, err := collect(ctx, tx, s.text, arrays(rows, len(s.Set)), func(src []any) (string, error) {
		return d.keyText(s, src)
	}, len(s.Read))
	if err != nil || len(inserted) == len(rows) {
		return nil, err
	}
	there := make(map[string]bool, len(inserted))
	for _, k := range inserted {
		there[k] = true
	}
	var refused []int
	places := s.keyPlaces()
	for i := range rows {
		var b strings.Builder
		for _, p := range places {
			text, _ := rows[i].args[p].(string)
			b.WriteString(text)
			b.WriteByte(0)
		}
		if !there[b.String()] {
			refused = append(refused, i)
		}
	}
	if len(refused)+len(inserted) != len(rows) {
		return nil, fmt.Errorf("insert into form %q: %d of %d rows accepted, %d keys not returned", s.form.Name,
			len(inserted), len(rows), len(refused))
	}
	return refused, nil
}

// keyText is a key that was read, in the form in which it would be sent.
func (d postgres) keyText(s *shape, src []any) (string, error) {
	var b strings.Builder
	for i, c := range s.Read {
		v, err := s.scan(c, src[i])
		if err != nil {
			return "", err
		}
		arg, _ := d.arg(c, v, toSet)
		text, _ := arg.(string)
		b.WriteString(text)
		b.WriteByte(0)
	}
	return b.String(), nil
}

func (postgres) change(ctx context.Context, _ *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	accepted, err := collect(ctx, tx, s.text, arrays(rows, len(rows[0].args)), func(src []any) (int64, error) {
		n, ok := src[0].(int64)
		if !ok {
			return 0, fmt.Errorf("ordinal is %T", src[0])
		}
		return n, nil
	}, 1)
	if err != nil || len(accepted) == len(rows) {
		return nil, err
	}
	done := make([]bool, len(rows))
	for _, o := range accepted {
		done[o-1] = true
	}
	return missing(done), nil
}

func missing(done []bool) []int {
	var list []int
	for i, ok := range done {
		if !ok {
			list = append(list, i)
		}
	}
	return list
}

// lookup asks for all keys with one statement; the answers name theirs by number.
func (d postgres) lookup(ctx context.Context, q sqlx.QueryerContext, s *shape, keys []row, take func(index int, src []any) error) error {
	return each(ctx, q, s.text, arrays(keys, len(s.Key)), 1+len(s.Read), func(src []any) error {
		o, ok := src[0].(int64)
		if !ok || o < 1 || o > int64(len(keys)) {
			return fmt.Errorf("ordinal is %v", src[0])
		}
		return take(keys[o-1].index, src[1:])
	})
}

// isCharacter reports a type that text turns into by assignment: varchar, text, char(n), citext.
func isCharacter(c *schema.Column) bool {
	switch strings.ToLower(c.BaseType) {
	case "text", "varchar", "character varying", "character", "bpchar", "citext":
		return true
	}
	return c.FixedChar || strings.HasSuffix(c.BaseType, ".citext") || strings.HasSuffix(c.BaseType, `."citext"`)
}

// collect runs a query and gathers what f makes of its rows.
func collect[T any](ctx context.Context, q sqlx.QueryerContext, text string, args []any, f func(src []any) (T, error), columns int) ([]T, error) {
	var all []T
	err := each(ctx, q, text, args, columns, func(src []any) error {
		x, err := f(src)
		all = append(all, x)
		return err
	})
	return all, err
}

// each runs a query and calls f with every row's raw values, which are f's only during the call.
// f ends the reading without an error by errStop.
func each(ctx context.Context, q sqlx.QueryerContext, text string, args []any, columns int, f func(src []any) error) (err error) {
	rows, err := q.QueryxContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return drain(rows, columns, f)
}

func drain(rows *sqlx.Rows, columns int, f func(src []any) error) (err error) {
	defer func() { err = errors.Join(err, rows.Close()) }()
	src := make([]any, columns)
	into := make([]any, columns)
	for i := range src {
		into[i] = &src[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := f(src); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
	return rows.Err()
}

var errStop = errors.New("enough")
