// Package triggerlog is the SQL of SQLite's trigger log: the tables dso_log, dso_log_shape,
// dso_log_end and dso_log_state, the triggers that write images of changed rows into them, and typed
// functions that read, cut and trim the log.
//
// What it leaves to others: turning images into values and log rows into transactions (package
// cdc/trigger).
//
// Read Shape and Triggers for how a change gets into the log, then Position, Cut, Rows and Trim.
package triggerlog

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/jmoiron/sqlx"
)

// Querier is what these functions need of a database, a connection or a transaction.
type Querier interface {
	GetContext(ctx context.Context, dest any, query string, args ...any) error
	SelectContext(ctx context.Context, dest any, query string, args ...any) error
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryxContext(ctx context.Context, query string, args ...any) (*sqlx.Rows, error)
}

// Row is one row of dso_log. Images are lists of SQL literals; "" where there is none.
type Row struct {
	Seq    int64
	Shape  int64
	Op     string // I, U or D
	Before string
	After  string
	At     int64 // milliseconds since 1970-01-01 UTC
}

// Size is the memory that the row takes, roughly, in bytes.
func (r *Row) Size() int { return 80 + len(r.Before) + len(r.After) }

// Extent says what the log holds. All of it is 0 in a log that never had a row.
type Extent struct {
	First   int64 // the first row that is there
	Last    int64 // the last row that is there
	Cut     int64 // the last stored end of a transaction
	Given   int64 // the highest number ever given
	Trimmed int64 // all rows up to this have been trimmed
}

//go:embed last.sql
var lastSQL string

// ReadExtent reads how far the log reaches.
func ReadExtent(ctx context.Context, q Querier) (Extent, error) {
	var e Extent
	if err := q.GetContext(ctx, &e, lastSQL); err != nil {
		return e, fmt.Errorf("read the extent of the trigger log: %w", err)
	}
	return e, nil
}

//go:embed cut.sql
var cutSQL string

// Cut stores the present end of the log as the end of a transaction, if it has moved.
func Cut(ctx context.Context, q Querier) error {
	if _, err := q.ExecContext(ctx, cutSQL); err != nil {
		return fmt.Errorf("store the end of the trigger log: %w", err)
	}
	return nil
}

//go:embed cuts.sql
var cutsSQL string

// Cuts returns the first stored ends after a number, ascending, at most limit.
func Cuts(ctx context.Context, q Querier, after int64, limit int) ([]int64, error) {
	var ends []int64
	if err := q.SelectContext(ctx, &ends, cutsSQL, after, limit); err != nil {
		return nil, fmt.Errorf("read the ends in the trigger log: %w", err)
	}
	return ends, nil
}

//go:embed rows.sql
var rowsSQL string

// Rows returns log rows in (after, upto], ascending: as many as fit into maxRows and maxBytes, at
// least one if there is one. It reads them whole and ends its read transaction: a cursor that stays
// open while a slow target takes its time would keep SQLite from resetting its write-ahead log.
func Rows(ctx context.Context, q Querier, after, upto int64, maxRows, maxBytes int) (list []Row, err error) {
	rows, err := q.QueryxContext(ctx, rowsSQL, after, upto, maxRows)
	if err != nil {
		return nil, fmt.Errorf("read the trigger log: %w", err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("read the trigger log: %w", cerr)
		}
	}()
	for size := 0; size < maxBytes && rows.Next(); {
		var r Row
		var before, after sql.NullString
		if err := rows.Scan(&r.Seq, &r.Shape, &r.Op, &before, &after, &r.At); err != nil {
			return nil, fmt.Errorf("read the trigger log after %d: %w", r.Seq, err)
		}
		r.Before, r.After = before.String, after.String
		list = append(list, r)
		size += r.Size()
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the trigger log: %w", err)
	}
	return list, nil
}

//go:embed trim_rows.sql
var trimRowsSQL string

//go:embed trim_ends.sql
var trimEndsSQL string

//go:embed trim_state.sql
var trimStateSQL string

// Beginner opens transactions: a database or one connection.
type Beginner interface {
	BeginTxx(ctx context.Context, opts *sql.TxOptions) (*sqlx.Tx, error)
}

// Trim deletes log rows and stored ends up to a number, in one transaction that also records it.
func Trim(ctx context.Context, db Beginner, upto int64) error {
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("trim the trigger log: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	// The state comes first: writing takes the lock before anything is read, so no other writer can
	// come between.
	for _, statement := range []string{trimStateSQL, trimRowsSQL, trimEndsSQL} {
		if _, err := tx.ExecContext(ctx, statement, upto); err != nil {
			return fmt.Errorf("trim the trigger log: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("trim the trigger log: %w", err)
	}
	return nil
}

// Shape is the columns that a logged table had at some time; images run along them.
type Shape struct {
	ID      int64
	Table   string
	Columns []Column
}

// Column is a column in an image.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`          // as declared, "" where none was
	Key  bool   `json:"key,omitempty"` // part of the primary key
}

//go:embed shapes.sql
var shapesSQL string

// Shapes returns all stored shapes, ascending by ID: the last of a table is the present one.
func Shapes(ctx context.Context, q Querier) ([]Shape, error) {
	var stored []struct {
		ID      int64  `db:"id"`
		Table   string `db:"table_name"`
		Columns string `db:"columns"`
	}
	if err := q.SelectContext(ctx, &stored, shapesSQL); err != nil {
		return nil, fmt.Errorf("read the shapes in the trigger log: %w", err)
	}
	shapes := make([]Shape, len(stored))
	for i, s := range stored {
		shapes[i] = Shape{ID: s.ID, Table: s.Table}
		if err := json.Unmarshal([]byte(s.Columns), &shapes[i].Columns); err != nil {
			return nil, fmt.Errorf("read shape %d of table %s in the trigger log: %w", s.ID, s.Table, err)
		}
	}
	return shapes, nil
}

//go:embed columns.sql
var columnsSQL string

// Columns returns a table's columns as they are at present, generated ones included; none where there
// is no such table.
func Columns(ctx context.Context, q Querier, table string) ([]Column, error) {
	var found []struct {
		Name   string
		Type   string
		PK     int `db:"pk"`
		Hidden int
	}
	if err := q.SelectContext(ctx, &found, columnsSQL, table); err != nil {
		return nil, fmt.Errorf("read the columns of %s: %w", table, err)
	}
	columns := make([]Column, len(found))
	for i, f := range found {
		columns[i] = Column{Name: f.Name, Type: f.Type, Key: f.PK > 0}
	}
	return columns, nil
}

// Relation is a table or view as the schema has it.
type Relation struct {
	Type string // table or view
	Name string
	SQL  string
}

//go:embed relation.sql
var relationSQL string

// FindRelation returns nil where there is no table or view of that name.
func FindRelation(ctx context.Context, q Querier, name string) (*Relation, error) {
	var found []Relation
	if err := q.SelectContext(ctx, &found, relationSQL, name); err != nil {
		return nil, fmt.Errorf("look for table %s: %w", name, err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// Trigger is a trigger of the database, ours or not.
type Trigger struct {
	Name    string
	Table   string `db:"tbl_name"`
	SQL     string
	Created int64 // grows; SQLite fires the trigger that was created last first
}

//go:embed installed.sql
var installedSQL string

// Installed returns all triggers of the database in the order in which they were created.
func Installed(ctx context.Context, q Querier) ([]Trigger, error) {
	var list []Trigger
	if err := q.SelectContext(ctx, &list, installedSQL); err != nil {
		return nil, fmt.Errorf("read the triggers: %w", err)
	}
	return list, nil
}

// Prefix begins the names of our triggers.
const Prefix = "dso_log_"

//go:embed create.sql
var createSQL string

// CreateTables is the statement that creates the tables of the log where they are missing.
func CreateTables() string { return createSQL }

//go:embed remove.sql
var removeSQL string

// RemoveTables is the statement that drops the tables of the log.
func RemoveTables() string { return removeSQL }

var (
	//go:embed trigger_insert.sql
	insertSQL string
	//go:embed trigger_update.sql
	updateSQL string
	//go:embed trigger_delete.sql
	deleteSQL string
	//go:embed install.sql
	installSQL string
	//go:embed shape.sql
	shapeSQL string
	//go:embed literal.sql
	literalSQL string
	//go:embed changed.sql
	changedSQL string
	//go:embed now.sql
	nowSQL string
)

// Triggers returns the three triggers that log a table of shape s, as SQLite stores their text, so
// that comparing it with Installed tells whether they are in force.
//
// They run in the writer's SQLite, not in ours: only functions that every SQLite of the last ten
// years has are used.
func Triggers(s Shape) []Trigger {
	before, after := image("old", s.Columns), image("new", s.Columns)
	var list []Trigger
	for _, t := range []struct{ suffix, sql string }{{"_i", insertSQL}, {"_u", updateSQL}, {"_d", deleteSQL}} {
		name := Prefix + s.Table + t.suffix
		text := strings.NewReplacer(
			"{name}", Quote(name), "{table}", Quote(s.Table), "{shape}", strconv.FormatInt(s.ID, 10),
			"{before}", before, "{after}", after, "{changed}", changed(s.Columns), "{now}", strings.TrimSpace(nowSQL),
		).Replace(strings.TrimSpace(t.sql))
		list = append(list, Trigger{Name: name, Table: s.Table, SQL: text})
	}
	return list
}

// Install is the script that stores shape s and puts its triggers in the place of those that drop
// names, in one transaction.
func Install(s Shape, drop []string) (string, error) {
	create, err := CreateTriggers(s)
	if err != nil {
		return "", err
	}
	return strings.NewReplacer("{drop}", strings.TrimSpace(DropTriggers(drop)), "{create}", strings.TrimSpace(create)).Replace(installSQL), nil
}

// CreateTriggers is the script that stores shape s and creates its triggers. It belongs in the transaction
// that drops those before them (DropTriggers): a change between the two would be lost.
func CreateTriggers(s Shape) (string, error) {
	columns, err := json.Marshal(s.Columns)
	if err != nil {
		return "", fmt.Errorf("store the shape of %s: %w", s.Table, err)
	}
	var b strings.Builder
	b.WriteString(strings.NewReplacer(
		"{shape}", strconv.FormatInt(s.ID, 10), "{table}", literal(s.Table), "{columns}", literal(string(columns)),
		"{now}", strings.TrimSpace(nowSQL),
	).Replace(shapeSQL))
	for _, t := range Triggers(s) {
		b.WriteString(t.SQL + ";\n")
	}
	return b.String(), nil
}

// DropTriggers is the script that drops triggers by name.
func DropTriggers(names []string) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString("DROP TRIGGER IF EXISTS " + Quote(n) + ";\n")
	}
	return b.String()
}

// image is the expression that lists a row's values as literals with commas between.
func image(row string, columns []Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(literalSQL), "{column}", row+"."+Quote(c.Name))
	}
	return balanced(parts, " || ',' || ")
}

// changed is the condition that an update changed a row. Columns are compared by storage class and
// byte for byte: by its own collation a column that ignores case would hide a change of case.
func changed(columns []Column) string {
	parts := make([]string, len(columns))
	for i, c := range columns {
		parts[i] = strings.ReplaceAll(strings.TrimSpace(changedSQL), "{column}", Quote(c.Name))
	}
	return balanced(parts, " OR ")
}

// balanced joins expressions as a balanced tree: SQLite allows a depth of 1,000, and a form may have
// as many columns.
func balanced(parts []string, op string) string {
	switch len(parts) {
	case 0:
		return "''"
	case 1:
		return "(" + parts[0] + ")"
	}
	half := len(parts) / 2
	return "(" + balanced(parts[:half], op) + op + balanced(parts[half:], op) + ")"
}

// Quote quotes a name.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }
