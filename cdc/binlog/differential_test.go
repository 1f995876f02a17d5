package binlog

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"

	"ardso/cdc"
	"ardso/cdc/cdctest"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// How many cells TestDifferential compares, over all servers.
const (
	cells      = 1_000_000
	cellsShort = 60_000
)

// TestDifferential carries out random statements on random tables, and compares after each transaction what a
// SELECT says with what the decoded changes make of a model, cell by cell; before images are compared with what
// the model held. ARDSO_TEST_SEED repeats a run.
func TestDifferential(t *testing.T) {
	if len(live) == 0 {
		return
	}
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("ARDSO_TEST_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("ARDSO_TEST_SEED: %v", err)
		}
	}
	goal := int64(cells)
	if testing.Short() {
		goal = cellsShort
	}
	began := time.Now()
	var all atomic.Int64
	t.Run("servers", func(t *testing.T) {
		for _, name := range live {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSource(t, name)
				series := fnv.New64a() // of seeds, one a server
				series.Write([]byte(name))
				share := goal/int64(len(live)) + 1
				var own int64
				for n := uint64(0); own < share && !t.Failed(); n++ {
					d := newDifference(t, s, seed, series.Sum64()<<16|n)
					own += d.run()
				}
				all.Add(own)
			})
		}
	})
	t.Logf("%d cells compared in %s, seed %d", all.Load(), time.Since(began).Round(time.Millisecond), seed)
}

// difference is one random table and what is done to it.
type difference struct {
	testing.TB
	*source
	seed    uint64
	r       *rand.Rand
	name    string
	ddl     string
	columns []*differentColumn
	key     []string
	script  []string // statements of the present transaction
	checks  chan check
	counted int64 // cells
}

type differentColumn struct {
	randomType
	name     string
	nullable bool
}

// check is what the table held when a watermark was written.
type check struct {
	watermark string
	columns   []string
	key       []string
	rows      [][]value.Value
	script    []string
	reload    bool // the table was altered: the model begins anew with these rows
	last      bool
}

func newDifference(t testing.TB, s *source, seed, n uint64) *difference {
	d := &difference{TB: t, source: s, seed: seed, r: rand.New(rand.NewPCG(seed, n)), name: fmt.Sprintf("t%d", n&0xffff), checks: make(chan check, 1000)}
	for !d.create() {
	}
	return d
}

// create makes the table, unless what was chosen is more than the server takes.
func (d *difference) create() bool {
	d.columns, d.key = nil, nil
	room := 30_000
	defs := []string{}
	for i := range 1 + d.r.IntN(40) {
		ty := someType(d.r, d.db.Engine.Name)
		if ty.bytes > room {
			continue
		}
		room -= ty.bytes
		c := &differentColumn{randomType: ty, name: d.columnName(i), nullable: d.r.IntN(3) > 0}
		if ty.keyable && (len(d.key) == 0 || len(d.key) < 3 && d.r.IntN(8) == 0) {
			d.key, c.nullable = append(d.key, c.name), false
		}
		d.columns = append(d.columns, c)
		defs = append(defs, d.define(c))
	}
	if len(d.key) == 0 {
		return false
	}
	quoted := make([]string, len(d.key))
	for i, k := range d.key {
		quoted[i] = d.quote(k)
	}
	d.r.Shuffle(len(quoted), func(i, j int) { quoted[i], quoted[j] = quoted[j], quoted[i] })
	d.ddl = fmt.Sprintf("CREATE TABLE %s (\n  %s,\n  PRIMARY KEY (%s))", d.quote(d.name), strings.Join(defs, ",\n  "), strings.Join(quoted, ", "))
	if d.db.Engine.Name == "mysql" {
		d.ddl += " ROW_FORMAT=DYNAMIC"
	}
	_, err := d.db.ExecContext(d.Context(), d.ddl)
	if err != nil && number(err) != 1118 && number(err) != 1071 {
		d.Fatalf("seed %d: %v\n%s", d.seed, err, d.ddl)
	}
	return err == nil
}

// columnName is odd now and then.
func (d *difference) columnName(i int) string {
	return pick(d.r, []string{"c", "c", "c", "Größe ", "a`b", "select", "ünï "}) + strconv.Itoa(i)
}

func (d *difference) quote(name string) string { return d.db.Engine.Quote(name) }

func (d *difference) define(c *differentColumn) string {
	if c.nullable {
		return d.quote(c.name) + " " + c.ddl + " NULL"
	}
	def := d.quote(c.name) + " " + c.ddl + " NOT NULL"
	if c.base == "timestamp" {
		def += " DEFAULT '2001-02-03 04:05:06'"
	}
	return def
}

// number is the server's number of an error.
func number(err error) uint16 {
	var m *mysql.MySQLError
	if errors.As(err, &m) {
		return m.Number
	}
	return 0
}

// table describes the table as it is, for SELECTs.
func (d *difference) table() *schema.Table {
	t := &schema.Table{Schema: d.db.Schema, Name: d.name, Key: slices.Clone(d.key), Transactional: true}
	for i, c := range d.columns {
		kind, _ := d.db.Engine.Kind(c.base)
		t.Columns = append(t.Columns, &schema.Column{Name: c.name, Ordinal: i, DataType: c.ddl, BaseType: c.base, Kind: kind, Nullable: c.nullable})
	}
	return t
}

// run fills the table, changes it and reads along, or reads afterwards, and returns how many cells were compared.
func (d *difference) run() int64 {
	d.Setup(d, []*schema.Table{d.table()})
	from, alongside := d.now(d), d.r.IntN(2) == 0
	done := make(chan error, 1)
	read := func() { done <- New(d.db, d.tables, d.o).Read(d.Context(), from, newModel(d).deliver) }
	if alongside {
		go read()
	}
	d.write()
	if !alongside {
		go read()
	}
	if err := await(d, "the end of the log", done); !errors.Is(err, errEnough) {
		d.Errorf("seed %d: %v\n%s", d.seed, err, d.ddl)
	}
	if !d.Failed() {
		d.exec(d, "DROP TABLE "+d.quote(d.name))
	}
	return d.counted
}

// write carries out random transactions.
func (d *difference) write() {
	session, err := d.db.Connx(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	defer session.Close()
	run := func(statement string) {
		d.script = append(d.script, statement)
		_, err := session.ExecContext(d.Context(), statement)
		if n := number(err); err != nil && n != 1062 && n != 1118 && n != 1366 {
			d.Fatalf("seed %d: %v\n%s\n%.2000s", d.seed, err, d.ddl, statement)
		}
	}
	run(fmt.Sprintf("SET SESSION rand_seed1 = %d, rand_seed2 = %d", d.r.Uint32()>>2, d.r.Uint32()>>2))
	const transactions = 40
	for i := range transactions {
		d.script = nil
		reload := false
		switch n := d.r.IntN(30); {
		case n == 0:
			run("TRUNCATE TABLE " + d.quote(d.name))
		case n <= 2 && d.db.Engine.Name == "mariadb" && i > 5:
			reload = d.alter(run)
		default:
			d.transaction(run)
		}
		d.check(i, reload, i == transactions-1)
	}
}

// check tells the reader what the table holds.
func (d *difference) check(i int, reload, last bool) {
	d.Helper()
	c := check{watermark: fmt.Sprintf("%s %d", d.name, i), rows: cdctest.Select(d, d.db, d.table()), script: d.script, reload: reload, last: last, key: slices.Clone(d.key)}
	for _, col := range d.columns {
		c.columns = append(c.columns, col.name)
	}
	d.checks <- c
	d.Watermark(d, cdc.Watermark{Kind: cdc.Low, Name: c.watermark})
}

func (d *difference) transaction(run func(string)) {
	run("BEGIN")
	saved := 0
	for range 1 + d.r.IntN(5) {
		switch n := d.r.IntN(12); {
		case n == 0:
			saved++
			run(fmt.Sprintf("SAVEPOINT s%d", saved))
		case n == 1 && saved > 0:
			run(fmt.Sprintf("ROLLBACK TO SAVEPOINT s%d", saved))
		default:
			run(d.statement())
		}
	}
	run(pick(d.r, []string{"COMMIT", "COMMIT", "COMMIT", "COMMIT", "COMMIT", "ROLLBACK"}))
}

// statement is one that changes rows.
func (d *difference) statement() string {
	into := d.quote(d.name) + " (" + strings.Join(d.quoted(), ", ") + ")"
	c := pick(d.r, d.columns)
	switch d.r.IntN(12) {
	case 0:
		return fmt.Sprintf("DELETE FROM %s WHERE RAND() < 0.1", d.quote(d.name))
	case 1, 2, 3:
		var set []string
		for range 1 + d.r.IntN(4) {
			c := pick(d.r, d.columns)
			twice := slices.ContainsFunc(set, func(s string) bool { return strings.HasPrefix(s, d.quote(c.name)+" = ") })
			if !twice && !slices.Contains(d.key, c.name) {
				set = append(set, d.quote(c.name)+" = "+d.value(c))
			}
		}
		if len(set) == 0 {
			return "DO 0"
		}
		return fmt.Sprintf("UPDATE %s SET %s WHERE RAND() < %.2f", d.quote(d.name), strings.Join(set, ", "), d.r.Float64()/2)
	case 4:
		return fmt.Sprintf("UPDATE %s SET %s = %s ORDER BY RAND() LIMIT 1", d.quote(d.name), d.quote(c.name), d.value(c))
	case 5: // a new row of an old one
		values := d.quoted()
		for i, c := range d.columns {
			if slices.Contains(d.key, c.name) || d.r.IntN(6) == 0 {
				values[i] = d.value(c)
			}
		}
		return fmt.Sprintf("INSERT INTO %s SELECT %s FROM %s ORDER BY RAND() LIMIT 1", into, strings.Join(values, ", "), d.quote(d.name))
	case 6:
		return fmt.Sprintf("REPLACE INTO %s VALUES %s", into, d.rows(1+d.r.IntN(3)))
	case 7:
		return fmt.Sprintf("INSERT INTO %s VALUES %s ON DUPLICATE KEY UPDATE %s = %s", into, d.rows(1+d.r.IntN(3)), d.quote(c.name), d.value(c))
	}
	return fmt.Sprintf("INSERT IGNORE INTO %s VALUES %s", into, d.rows(1+d.r.IntN(20)))
}

func (d *difference) quoted() []string {
	names := make([]string, len(d.columns))
	for i, c := range d.columns {
		names[i] = d.quote(c.name)
	}
	return names
}

func (d *difference) value(c *differentColumn) string {
	if c.nullable && d.r.IntN(5) == 0 {
		return "NULL"
	}
	return c.literal(d.r)
}

func (d *difference) rows(n int) string {
	all := make([]string, n)
	for i := range all {
		vs := make([]string, len(d.columns))
		for j, c := range d.columns {
			vs[j] = d.value(c)
		}
		all[i] = "(" + strings.Join(vs, ", ") + ")"
	}
	return strings.Join(all, ",\n")
}

// alter changes the table's shape and reports whether it did.
func (d *difference) alter(run func(string)) bool {
	i := d.r.IntN(len(d.columns))
	c := d.columns[i]
	alter := "ALTER TABLE " + d.quote(d.name) + " "
	mine := slices.Contains(d.key, c.name) || c.fixed
	switch d.r.IntN(4) {
	case 0:
		ty := someType(d.r, d.db.Engine.Name)
		if ty.bytes > 200 {
			return false
		}
		added := &differentColumn{randomType: ty, name: fmt.Sprint("added ", d.r.IntN(1_000_000)), nullable: true}
		if d.r.IntN(2) == 0 {
			run(alter + "ADD COLUMN " + d.define(added) + " FIRST")
			d.columns = slices.Insert(d.columns, 0, added)
			return true
		}
		run(alter + "ADD COLUMN " + d.define(added))
		d.columns = append(d.columns, added)
		return true
	case 1:
		if mine || len(d.columns) < 3 {
			return false
		}
		run(alter + "DROP COLUMN " + d.quote(c.name))
		d.columns = slices.Delete(slices.Clone(d.columns), i, i+1)
		return true
	case 2:
		if c.fixed {
			return false
		}
		renamed := *c
		renamed.name = fmt.Sprint("renamed ", d.r.IntN(1_000_000))
		run(alter + "RENAME COLUMN " + d.quote(c.name) + " TO " + d.quote(renamed.name))
		if k := slices.Index(d.key, c.name); k >= 0 {
			d.key = slices.Clone(d.key)
			d.key[k] = renamed.name
		}
		d.columns = slices.Clone(d.columns)
		d.columns[i] = &renamed
		return true
	}
	ty := textType(d.r, d.db.Engine.Name)
	if mine || ty.bytes > 200 {
		return false
	}
	run(alter + "DROP COLUMN " + d.quote(c.name) + ", ADD COLUMN " + d.quote(c.name) + " " + ty.ddl)
	d.columns = append(slices.Delete(slices.Clone(d.columns), i, i+1), &differentColumn{randomType: ty, name: c.name, nullable: true})
	return true
}

// model is what the changes read make of the table.
type model struct {
	d       *difference
	key     []string
	columns []string
	rows    map[string][]value.Value
}

func newModel(d *difference) *model { return &model{d: d, rows: map[string][]value.Value{}} }

func (m *model) deliver(t *cdc.Transaction) error {
	for _, c := range t.Changes {
		if err := m.apply(c); err != nil {
			return err
		}
	}
	for _, w := range t.Watermarks {
		if !strings.HasPrefix(w.Name, m.d.name+" ") {
			continue
		}
		c := <-m.d.checks
		if c.watermark != w.Name {
			return fmt.Errorf("watermark %q where %q was due", w.Name, c.watermark)
		}
		if err := m.compare(c); err != nil {
			return fmt.Errorf("%w\nafter\n%.4000s", err, strings.Join(c.script, ";\n"))
		}
		if c.last {
			return errEnough
		}
	}
	return nil
}

func (m *model) apply(c cdc.RowChange) error {
	if c.Kind == cdc.Truncate {
		clear(m.rows)
		return nil
	}
	m.columns, m.key = c.Relation.Columns, nil
	for i, is := range c.Relation.Key {
		if is {
			m.key = append(m.key, c.Relation.Columns[i])
		}
	}
	if c.Before != nil {
		k := m.identity(c.Before)
		held, found := m.rows[k]
		if !found {
			return fmt.Errorf("%s of row %s, which the model does not hold", c.Kind, k)
		}
		if err := m.same("before image of "+c.Kind.String(), m.columns, c.Before, held); err != nil {
			return err
		}
		delete(m.rows, k)
	}
	if c.After != nil {
		k := m.identity(c.After)
		if _, found := m.rows[k]; found {
			return fmt.Errorf("%s of row %s, which the model holds already", c.Kind, k)
		}
		m.rows[k] = c.After
	}
	return nil
}

func (m *model) identity(row []value.Value) string {
	var b strings.Builder
	for i, name := range m.columns {
		if slices.Contains(m.key, name) {
			fmt.Fprintf(&b, "%s %q, ", row[i].Kind(), row[i].String())
		}
	}
	return b.String()
}

// same compares two images, strictly: NULL, absent and unchanged are apart, and so are kinds.
func (m *model) same(what string, columns []string, got, want []value.Value) error {
	if len(got) != len(want) || len(columns) != len(got) {
		return fmt.Errorf("%s: %d values where %d are due", what, len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			return fmt.Errorf("%s, column %q: got %s %q, want %s %q", what, columns[i], got[i].Kind(), got[i].String(), want[i].Kind(), want[i].String())
		}
	}
	m.d.counted += int64(len(got))
	return nil
}

func (m *model) compare(c check) error {
	if c.reload {
		m.columns, m.key = c.columns, c.key
		clear(m.rows)
	}
	if m.columns != nil && !slices.Equal(m.columns, c.columns) && len(c.rows) > 0 {
		return fmt.Errorf("columns: got %q, want %q", m.columns, c.columns)
	}
	if !c.reload && len(c.rows) != len(m.rows) {
		return fmt.Errorf("the model holds %d rows, the table %d", len(m.rows), len(c.rows))
	}
	for _, row := range c.rows {
		k := m.identity(row)
		if c.reload {
			m.rows[k] = row
			continue
		}
		held, found := m.rows[k]
		if !found {
			return fmt.Errorf("the model lacks row %s", k)
		}
		if err := m.same("row "+k, c.columns, held, row); err != nil {
			return err
		}
	}
	return nil
}
