package cdctest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"ardso/cdc"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// patience is how long a case waits for what must come.
const patience = 60 * time.Second

// bench is what a case works with.
type bench struct {
	*testing.T
	Source
	ends int
}

// table creates a table with the key column id and these, and describes it. full says that before
// images are to be whole.
func (b *bench) table(name string, full bool, columns ...schema.Column) *schema.Table {
	b.Helper()
	t := &schema.Table{Schema: b.DB().Schema, Name: name, Key: []string{"id"}, Transactional: true}
	if full {
		t.Identity = schema.IdentityFull
	}
	id := schema.Column{Name: "id", DataType: "integer", BaseType: b.integerType(), Kind: value.KindInt, Bits: 32}
	var defs []string
	for i, c := range append([]schema.Column{id}, columns...) {
		c.Ordinal, c.Nullable = i, i > 0
		t.Columns = append(t.Columns, &c)
		def := b.DB().Engine.Quote(c.Name) + " " + c.DataType
		if i == 0 {
			def += " NOT NULL PRIMARY KEY"
		}
		defs = append(defs, def)
	}
	b.Exec(b, nil, fmt.Sprintf("CREATE TABLE %s (%s)", b.quoted(t), strings.Join(defs, ", ")))
	return t
}

// integerType is what the engine calls the base type of "integer".
func (b *bench) integerType() string {
	switch b.DB().Engine.Dialect {
	case "postgres":
		return "int4"
	case "mysql":
		return "int"
	}
	return "integer"
}

func (b *bench) quoted(t *schema.Table) string { return b.DB().Engine.Table(t.Schema, t.Name) }

// text is a column of text, number one of integers.
func text(name string) schema.Column {
	return schema.Column{Name: name, DataType: "varchar(200)", BaseType: "varchar", Kind: value.KindText, Length: 200}
}

func (b *bench) number(name string) schema.Column {
	return schema.Column{Name: name, DataType: "integer", BaseType: b.integerType(), Kind: value.KindInt, Bits: 32}
}

// items is the table that most cases use, set up to be read: id, name, qty.
func (b *bench) items(full bool) *schema.Table {
	b.Helper()
	t := b.table("item", full, text("name"), b.number("qty"))
	b.Setup(b, []*schema.Table{t})
	return t
}

// insert is the statement that inserts a row into items.
func (b *bench) insert(t *schema.Table, id int, name string, qty int) string {
	return fmt.Sprintf("INSERT INTO %s (id, name, qty) VALUES (%d, '%s', %d)", b.quoted(t), id, name, qty)
}

// set is the statement that changes a row.
func (b *bench) set(t *schema.Table, id int, assign string) string {
	return fmt.Sprintf("UPDATE %s SET %s WHERE id = %d", b.quoted(t), assign, id)
}

func (b *bench) remove(t *schema.Table, id int) string {
	return fmt.Sprintf("DELETE FROM %s WHERE id = %d", b.quoted(t), id)
}

// user runs statements as one user transaction.
func (b *bench) user(statements ...string) {
	b.Helper()
	b.Exec(b, nil, statements...)
}

// errEnough ends a read from the receiver's side.
var errEnough = errors.New("enough")

// readUntil reads from a position with a new reader until enough says so, and returns what came.
func (b *bench) readUntil(from cdc.Position, enough func(*cdc.Transaction) bool) []*cdc.Transaction {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	var got []*cdc.Transaction
	err := b.Reader(b).Read(ctx, from, func(t *cdc.Transaction) error {
		got = append(got, t)
		if enough(t) {
			return errEnough
		}
		return nil
	})
	if !errors.Is(err, errEnough) {
		b.Fatalf("read from %q: got error %v after %d transactions:\n%s", from, err, len(got), show(got))
	}
	b.checkShape(got)
	return got
}

// read writes an end watermark and reads up to it. What comes before it is returned, without bare
// positions, which may come at any time, and without transactions of control rows alone.
func (b *bench) read(from cdc.Position) []*cdc.Transaction {
	b.Helper()
	return busy(b.readUntil(from, b.end()))
}

// end writes an end watermark and returns what recognizes it.
func (b *bench) end() func(*cdc.Transaction) bool {
	b.Helper()
	b.ends++
	name := fmt.Sprintf("end %d", b.ends)
	b.Watermark(b, cdc.Watermark{Kind: cdc.End, Name: name})
	return func(t *cdc.Transaction) bool {
		for _, w := range t.Watermarks {
			if w.Name == name {
				return true
			}
		}
		return false
	}
}

// busy leaves out what holds neither changes nor watermarks, and end watermarks.
func busy(all []*cdc.Transaction) []*cdc.Transaction {
	var some []*cdc.Transaction
	for _, t := range all {
		ends := len(t.Watermarks) > 0 && t.Watermarks[0].Kind == cdc.End
		if (len(t.Changes) > 0 || len(t.Watermarks) > 0) && !ends {
			some = append(some, t)
		}
	}
	return some
}

// checkShape checks what holds for all transactions.
func (b *bench) checkShape(all []*cdc.Transaction) {
	b.Helper()
	for i, t := range all {
		switch {
		case t.More != (t.Position == ""):
			b.Errorf("transaction %d: got More %v with position %q", i, t.More, t.Position)
		case len(t.Changes) > 0 && t.CommitTime.IsZero():
			b.Errorf("transaction %d: got no commit time", i)
		case t.CommitTime.Location() != time.UTC:
			b.Errorf("transaction %d: got commit time in %s, want UTC", i, t.CommitTime.Location())
		case t.Bytes <= 0:
			b.Errorf("transaction %d: got %d bytes", i, t.Bytes)
		}
		for _, c := range t.Changes {
			if cdc.IsControl(c.Relation.Table) {
				b.Errorf("transaction %d: got a row of %s", i, c.Relation.Table)
			}
			b.checkImages(c)
		}
	}
}

func (b *bench) checkImages(c cdc.RowChange) {
	b.Helper()
	n := len(c.Relation.Columns)
	if len(c.Relation.Key) != n {
		b.Errorf("%s: got %d key flags for %d columns", c.Relation.Table, len(c.Relation.Key), n)
	}
	for _, image := range [][]value.Value{c.Before, c.After} {
		if image != nil && len(image) != n {
			b.Errorf("%s: got an image of %d values for %d columns", c.Relation.Table, len(image), n)
		}
	}
	if c.Kind == cdc.Insert && c.Before != nil || c.Kind == cdc.Delete && c.After != nil {
		b.Errorf("%s: got before %v and after %v", c.Kind, c.Before, c.After)
	}
}

// changes are all row changes in order.
func changes(all []*cdc.Transaction) []cdc.RowChange {
	var cs []cdc.RowChange
	for _, t := range all {
		cs = append(cs, t.Changes...)
	}
	return cs
}

// show writes transactions for a failure's message.
func show(all []*cdc.Transaction) string {
	var s strings.Builder
	for _, t := range all {
		fmt.Fprintf(&s, "%s", t.Position)
		if t.Mark != nil {
			fmt.Fprintf(&s, " mark %v", *t.Mark)
		}
		for _, w := range t.Watermarks {
			fmt.Fprintf(&s, " %s %q", w.Kind, w.Name)
		}
		fmt.Fprintf(&s, " more %v\n", t.More)
		for i, c := range t.Changes {
			if i == 20 {
				fmt.Fprintf(&s, "    and %d more\n", len(t.Changes)-i)
				break
			}
			fmt.Fprintf(&s, "    %s\n", line(c))
		}
	}
	return s.String()
}

// line is a change as text, for comparing and for messages.
func line(c cdc.RowChange) string {
	return fmt.Sprintf("%s %s %v -> %v", c.Kind, c.Relation.Table, c.Before, c.After)
}

func lines(cs []cdc.RowChange) []string {
	ls := make([]string, len(cs))
	for i, c := range cs {
		ls[i] = line(c)
	}
	return ls
}

// summary is what a change did, as short text: "insert item 1".
func summary(cs []cdc.RowChange) []string {
	var ss []string
	for _, c := range cs {
		image := c.After
		if image == nil {
			image = c.Before
		}
		s := c.Kind.String() + " " + c.Relation.Table
		if image != nil {
			s += " " + image[0].String()
		}
		ss = append(ss, s)
	}
	return ss
}

// want compares and prints both sides.
func (b *bench) want(what string, got, want any) {
	b.Helper()
	if !reflect.DeepEqual(got, want) {
		b.Errorf("%s:\ngot  %v\nwant %v", what, got, want)
	}
}

// wait asks until yes says so.
func (b *bench) wait(what string, yes func() bool) {
	b.Helper()
	deadline := time.Now().Add(patience)
	for !yes() {
		if time.Now().After(deadline) {
			b.Fatalf("waited %s in vain: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
