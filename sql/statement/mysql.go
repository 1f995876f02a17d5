package statement

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// mysql sends inserts as one statement with many rows. Updates and deletes go by some dozens of rows
// to a guarded statement, whose values and guards are chosen by CASE on the key; the driver tells how
// many rows each statement found. Only where that is not all of them do they go one row to a
// statement, many to a packet, which tells which row was not found.
//
// INSERT IGNORE would turn values that do not fit into warnings, and ON DUPLICATE KEY UPDATE would
// change the row that holds another unique value (L-16). So a plain INSERT it is, and where it meets
// a key that exists, the keys are looked up and the others inserted.
//
// MySQL 5.6 to MariaDB 11.8 take the same statements.
type mysql struct{}

func (mysql) column(quoted string) string { return quoted }
func (mysql) param(int) string            { return "?" }

// typeName is data_type of information_schema.columns.
func (mysql) typeName(c *schema.Column) string {
	name, _, _ := strings.Cut(strings.ToLower(c.DataType), "(")
	name, _, _ = strings.Cut(name, " ") // bigint unsigned
	return name
}

func (mysql) textOnly() bool { return true }

func (mysql) defaultOf(*schema.Column) string { return "DEFAULT" }

func (mysql) set(_ *schema.Column, param string) string { return param }

func (d mysql) find(c *schema.Column, name, param string) string {
	return d.order(c, name) + " = " + d.cast(c, param, c.Scale)
}

// cast makes a parameter of the column's kind: text that is compared with a number or a time would
// be compared as something else.
func (mysql) cast(c *schema.Column, param string, scale int) string {
	switch c.Kind {
	case value.KindDecimal:
		return "CAST(" + param + " AS DECIMAL(65, " + strconv.Itoa(min(scale, 30)) + "))"
	case value.KindInstant:
		return "CAST(" + param + " AS DATETIME(6))"
	case value.KindDate:
		return "CAST(" + param + " AS DATE)"
	case value.KindTime:
		return "CAST(" + param + " AS TIME(6))"
	}
	return param
}

// compare compares text as the bytes of its UTF-8, whatever the column's character set and
// collation; the argument comes as bytes.
func (d mysql) compare(c *schema.Column, name, param string, emptyIsNull bool) string {
	left := name
	if c.Kind == value.KindText {
		left = "CAST(CONVERT(" + name + " USING utf8mb4) AS BINARY)"
		if emptyIsNull {
			left = "NULLIF(" + left + ", '')"
		}
	}
	return left + " <=> " + d.cast(c, param, c.Scale)
}

func (d mysql) operand(c *schema.Column, param string, v value.Value) string {
	_, fraction, _ := strings.Cut(v.SQL(), ".")
	return d.cast(c, param, len(fraction))
}

// order sorts ENUM and SET by their text: by itself the server sorts them by number and compares
// them with text as text (H-7).
func (d mysql) order(c *schema.Column, name string) string {
	switch d.typeName(c) {
	case "enum", "set":
		return "CONVERT(" + name + " USING utf8mb4)"
	}
	return name
}

func (mysql) arg(c *schema.Column, v value.Value, r role) (any, bool) {
	switch v.Kind() {
	case value.KindInt:
		return v.Int(), true
	case value.KindDecimal:
		return mysqlDecimal(c, v.Text(), r)
	case value.KindReal:
		return v.Real(), !math.IsNaN(v.Real()) && !math.IsInf(v.Real(), 0)
	case value.KindBytes:
		return []byte(v.Text()), true
	case value.KindText:
		if r == toCompare {
			return []byte(v.Text()), true
		}
		return v.Text(), true
	case value.KindInstant, value.KindDate:
		text := v.SQL()
		// Years 1 to 9999; no infinity, no BC.
		return text, len(text) >= 10 && text[4] == '-' && !strings.HasSuffix(text, "BC")
	}
	return v.SQL(), true
}

// mysqlDecimal makes the argument of a decimal. One that is to be found or compared and has more
// digits than the column is in no row; rounded to the column's digits it would find one.
func mysqlDecimal(c *schema.Column, text string, r role) (any, bool) {
	if strings.HasSuffix(text, "N") || strings.HasSuffix(text, "y") {
		return nil, false // NaN, Infinity
	}
	if c.Kind == value.KindInt {
		n, err := strconv.ParseUint(text, 10, 64)
		return n, err == nil
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if r == toJudge && len(fraction) > 30 || (r == toFind || r == toCompare) && len(fraction) > c.Scale || len(whole)+max(len(fraction), c.Scale) > 65 {
		return nil, false
	}
	return text, true
}

// batch keeps the order of updates: they are statements of their own, and values of a unique index
// may move from one row to the next.
func (mysql) batch(e *engine.Engine, s *shape) limits {
	packet := 16 << 20
	if e.MaxPacket > 0 {
		packet = min(packet, e.MaxPacket)
	}
	params := max(1, len(s.parts()))
	l := limits{rows: max(1, min(1000, e.MaxParams/params)), bytes: packet * 9 / 10, overhead: 4 * params}
	if len(s.Key) > 0 {
		l.inOrder = true
		l.overhead = len(s.text) + 2
	}
	return l
}

func (d mysql) insert(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	err := d.insertAll(ctx, tx, s, rows)
	if err == nil || w.db.Engine.Class(err) != engine.UniqueTaken {
		return nil, err
	}
	refused, lookupErr := d.existing(ctx, w, tx, s, rows)
	if lookupErr != nil {
		return nil, lookupErr
	}
	if len(refused) == 0 {
		return nil, err // another unique index
	}
	free := make([]row, 0, len(rows))
	for i, j := 0, 0; i < len(rows); i++ {
		if j < len(refused) && refused[j] == i {
			j++
			continue
		}
		free = append(free, rows[i])
	}
	if len(free) > 0 {
		if err := d.insertAll(ctx, tx, s, free); err != nil {
			return nil, err
		}
	}
	return refused, nil
}

func (mysql) insertAll(ctx context.Context, tx *Tx, s *shape, rows []row) error {
	head, tuple, _ := strings.Cut(s.text, "VALUES\n")
	text := head + "VALUES\n" + strings.Repeat(tuple+",\n", len(rows)-1) + tuple
	args := make([]any, 0, len(rows)*len(s.Set))
	for _, r := range rows {
		args = append(args, r.args...)
	}
	_, err := tx.ExecContext(ctx, text, args...)
	return err
}

// existing looks up which rows' keys exist.
func (d mysql) existing(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	places := s.keyPlaces()
	if len(places) < len(s.form.Key) {
		return nil, nil // the server makes the key
	}
	find, err := w.shape(s.form, spec{name: "lookup", read: keyColumns(s.form), lock: true})
	if err != nil {
		return nil, err
	}
	keys := make([]row, len(rows))
	for i, r := range rows {
		keys[i].index = i
		for _, p := range places {
			keys[i].args = append(keys[i].args, r.args[p])
		}
	}
	there := make([]bool, len(rows))
	err = d.lookup(ctx, tx, find, keys, func(i int, _ []any) error {
		there[i] = true
		return nil
	})
	for i := range there {
		there[i] = !there[i]
	}
	return missing(there), err
}

func (d mysql) change(ctx context.Context, w *Writer, tx *Tx, s *shape, rows []row) ([]int, error) {
	all, err := d.together(ctx, w, tx, s, rows)
	if err != nil || all {
		return nil, err
	}
	return d.apart(ctx, tx, s, rows)
}

// apart sends a statement for each row, in the caller's order, as one packet.
func (mysql) apart(ctx context.Context, tx *Tx, s *shape, rows []row) ([]int, error) {
	comment, body, _ := strings.Cut(s.text, "\n")
	text := comment + "\n" + strings.Repeat(body+";\n", len(rows)-1) + body
	args := make([]driver.NamedValue, 0, len(rows)*len(rows[0].args))
	for _, r := range rows {
		for _, a := range r.args {
			args = append(args, driver.NamedValue{Ordinal: len(args) + 1, Value: a})
		}
	}
	found, err := packet(ctx, tx, text, args)
	if err == nil && len(found) != len(rows) {
		err = fmt.Errorf("%d results for %d statements", len(found), len(rows))
	}
	if err != nil {
		return nil, err
	}
	done := make([]bool, len(rows))
	for i, n := range found {
		done[i] = n > 0
	}
	return missing(done), nil
}

// packet runs statements in one round trip and returns how many rows each of them found.
func packet(ctx context.Context, tx *Tx, text string, args []driver.NamedValue) (found []int64, err error) {
	err = tx.conn.Raw(func(c any) error {
		r, err := c.(driver.ExecerContext).ExecContext(ctx, text, args)
		if err == nil {
			found = r.(mysqldriver.Result).AllRowsAffected()
		}
		return err
	})
	if errors.Is(err, driver.ErrSkip) {
		err = errors.New("a row takes more than the server's max_allowed_packet")
	}
	return found, err
}

// lookupBatch bounds the keys of one SELECT; of composite keys it is a chain of ORs.
const lookupBatch = 500

// lookup asks for many keys at once and matches the answers by the bytes of the key. A key that the
// column's collation finds under another spelling is asked for by itself.
func (d mysql) lookup(ctx context.Context, q sqlx.QueryerContext, s *shape, keys []row, take func(index int, src []any) error) error {
	places, err := s.keyColumnsRead()
	if err != nil {
		return err
	}
	for len(keys) > 0 {
		n := min(len(keys), max(1, lookupBatch/len(s.Key)))
		if err := d.lookupSome(ctx, q, s, keys[:n], places, take); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

func (d mysql) lookupSome(ctx context.Context, q sqlx.QueryerContext, s *shape, keys []row, places []int, take func(int, []any) error) error {
	waiting := make(map[string]int, len(keys))
	var args []any
	for i, k := range keys {
		waiting[keyOf(k.args)] = i
		args = append(args, k.args...)
	}
	if len(keys) > 1 {
		err := each(ctx, q, s.many(len(keys)), args, len(s.Read), func(src []any) error {
			key := make([]any, len(places))
			for i, p := range places {
				v, err := s.scan(s.Read[p], src[p])
				if err != nil {
					return err
				}
				key[i], _ = d.arg(s.Read[p], v, toFind)
			}
			i, ok := waiting[keyOf(key)]
			if !ok {
				return nil
			}
			delete(waiting, keyOf(key))
			return take(keys[i].index, src)
		})
		if err != nil || !s.hasTextKey() {
			return err
		}
	}
	for _, i := range waiting {
		err := each(ctx, q, s.text, keys[i].args, len(s.Read), func(src []any) error { return take(keys[i].index, src) })
		if err != nil {
			return err
		}
	}
	return nil
}

// many turns a lookup of one key into one of n.
func (s *shape) many(n int) string {
	before, after, _ := strings.Cut(s.text, "\nWHERE ")
	test, lock, locked := strings.Cut(after, "\nFOR UPDATE")
	if len(s.Key) == 1 {
		left, right, _ := strings.Cut(test, " = ")
		test = left + " IN (" + strings.Repeat(right+", ", n-1) + right + ")"
	} else {
		test = "(" + strings.Repeat(test+") OR\n(", n-1) + test + ")"
	}
	text := before + "\nWHERE " + test
	if locked {
		text += "\nFOR UPDATE" + lock
	}
	return text
}

// keyColumnsRead tells where the key's columns are among those that are read.
func (s *shape) keyColumnsRead() ([]int, error) {
	var places []int
	for _, k := range s.form.Key {
		for i, c := range s.Read {
			if c == k.Column {
				places = append(places, i)
				break
			}
		}
	}
	if len(places) != len(s.form.Key) {
		return nil, fmt.Errorf("form %q: the key is not among its fields", s.form.Name)
	}
	return places, nil
}

func (s *shape) hasTextKey() bool {
	for _, k := range s.form.Key {
		if isText(k.Column) {
			return true
		}
	}
	return false
}

// keyOf joins arguments to a map's key.
func keyOf(args []any) string {
	var b strings.Builder
	for _, a := range args {
		switch x := a.(type) {
		case []byte:
			b.Write(x)
		default:
			fmt.Fprint(&b, x)
		}
		b.WriteByte(0)
	}
	return b.String()
}
