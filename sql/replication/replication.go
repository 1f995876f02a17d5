// Package replication is the SQL of PostgreSQL's logical replication: the state of slot and log, the
// publication and its tables, what settings and privileges say, and the statements that set all this
// up and remove it.
//
// What it leaves to others: the stream itself, and what to make of the findings (package cdc/postgres).
//
// Read State, Publication and Table for what can be asked, then CreateSlot and the other statements.
package replication

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"ardso/sql/engine"
)

var (
	//go:embed state.sql
	stateSQL string
	//go:embed types.sql
	typesSQL string
	//go:embed publication.sql
	publicationSQL string
	//go:embed members.sql
	membersSQL string
	//go:embed schemas.sql
	schemasSQL string
	//go:embed tables.sql
	tablesSQL string
	//go:embed server.sql
	serverSQL string
	//go:embed prepared.sql
	preparedSQL string
	//go:embed create_slot.sql
	createSlotSQL string
)

// State is the server's log and the slot. LSNs are PostgreSQL's text; "" where there is none.
type State struct {
	System   uint64 `db:"system"` // system identifier of the server's data
	Database string `db:"database"`
	Version  int    `db:"version"` // server_version_num
	Standby  bool   `db:"standby"`
	LogEnd   string `db:"log_end"`

	Found        bool   `db:"found"` // the slot exists; else the rest is zero
	Plugin       string `db:"plugin"`
	SlotDatabase string `db:"slot_database"`
	ActivePID    int    `db:"active_pid"` // 0 = nobody reads it
	Restart      string `db:"restart"`    // the log is kept from here
	Confirmed    string `db:"confirmed"`  // transactions that end before this are never sent again
	WALStatus    string `db:"wal_status"` // reserved, extended, unreserved or lost
	SafeBytes    int64  `db:"safe_bytes"` // log that may still be written before the slot is lost; -1 = no limit
	Invalidation string `db:"invalidation"`
	Failover     string `db:"failover"` // "true", "false", "" = the version has no such thing
	TwoPhase     string `db:"two_phase"`
}

// ReadState asks for the slot of that name.
func ReadState(ctx context.Context, db *engine.DB, slot string) (State, error) {
	var s State
	if err := db.GetContext(ctx, &s, stateSQL, slot); err != nil {
		return s, fmt.Errorf("read slot %q: %w", slot, err)
	}
	return s, nil
}

// Types returns the names of types by OID, built-in ones without a schema, domains as what they are at
// bottom. A type that does not exist any more is missing.
func Types(ctx context.Context, db *engine.DB, oids []uint32) (map[uint32]string, error) {
	wide := make([]int64, len(oids))
	for i, o := range oids {
		wide[i] = int64(o)
	}
	var rows []struct {
		OID  uint32 `db:"oid"`
		Name string `db:"name"`
	}
	if err := db.SelectContext(ctx, &rows, typesSQL, wide); err != nil {
		return nil, fmt.Errorf("read types: %w", err)
	}
	names := make(map[uint32]string, len(rows))
	for _, r := range rows {
		names[r.OID] = r.Name
	}
	return names, nil
}

// Publication is a publication and its tables.
type Publication struct {
	Found     bool   `db:"-"` // else the rest is zero
	AllTables bool   `db:"all_tables"`
	AllKinds  bool   `db:"all_kinds"` // insert, update, delete and truncate
	ViaRoot   bool   `db:"via_root"`  // rows of partitions come under the root's name
	Owned     bool   `db:"owned"`     // by us, or by a role that we have
	Owner     string `db:"owner"`
	Generated bool   `db:"generated"` // generated columns are sent (PostgreSQL 18)
	Schemas   int    `db:"-"`         // whole schemas in it
	Members   []Member
}

// Member is a table of a publication.
type Member struct {
	Schema     string `db:"schema"`
	Name       string `db:"name"`
	ColumnList bool   `db:"column_list"`
	RowFilter  bool   `db:"row_filter"`
}

// ReadPublication asks for the publication of that name.
func ReadPublication(ctx context.Context, db *engine.DB, name string) (Publication, error) {
	p := Publication{Found: true}
	err := db.GetContext(ctx, &p, publicationSQL, name)
	if errors.Is(err, sql.ErrNoRows) {
		return Publication{}, nil
	}
	if err == nil && db.Engine.Version >= 150000 {
		err = db.GetContext(ctx, &p.Schemas, schemasSQL, name)
	}
	if err == nil {
		err = db.SelectContext(ctx, &p.Members, membersSQL, name)
	}
	if err != nil {
		return p, fmt.Errorf("read publication %q: %w", name, err)
	}
	return p, nil
}

// Name names a table.
type Name struct{ Schema, Table string }

// Table is what a table's rows look like in the log, and whether we may read it.
type Table struct {
	Schema      string `db:"schema"`
	Name        string `db:"name"`
	Found       bool   `db:"found"`
	Identity    string `db:"identity"`    // d, f, i or n, as pg_class.relreplident
	Persistence string `db:"persistence"` // p, u (unlogged) or t
	Kind        string `db:"kind"`        // r or p can be published
	CanSelect   bool   `db:"can_select"`
	Owned       bool   `db:"owned"`
	Owner       string `db:"owner"`
	HasKey      bool   `db:"has_key"` // the index that the identity needs is there
}

// ReadTables asks for tables; the result is in the order of names.
func ReadTables(ctx context.Context, db *engine.DB, names []Name) ([]Table, error) {
	schemas, tables := make([]string, len(names)), make([]string, len(names))
	for i, n := range names {
		schemas[i], tables[i] = n.Schema, n.Table
	}
	var ts []Table
	if err := db.SelectContext(ctx, &ts, tablesSQL, schemas, tables); err != nil {
		return nil, fmt.Errorf("read replica identities: %w", err)
	}
	return ts, nil
}

// Server is what settings, limits and privileges say.
type Server struct {
	WALLevel         string `db:"wal_level"`
	MaxSlots         int    `db:"max_slots"`
	UsedSlots        int    `db:"used_slots"`
	MaxSenders       int    `db:"max_senders"`
	UsedSenders      int    `db:"used_senders"`
	KeepMB           int64  `db:"keep_mb"` // max_slot_wal_keep_size; -1 = no limit
	SenderTimeoutMS  int64  `db:"sender_timeout_ms"`
	IdleSlotTimeoutS int64  `db:"idle_slot_timeout_s"` // 0 = never
	CanReplicate     bool   `db:"can_replicate"`
	Role             string `db:"role"`
	CanCreate        bool   `db:"can_create"` // publications in this database
}

// ReadServer asks for them.
func ReadServer(ctx context.Context, db *engine.DB) (Server, error) {
	var s Server
	if err := db.GetContext(ctx, &s, serverSQL); err != nil {
		return s, fmt.Errorf("read settings: %w", err)
	}
	return s, nil
}

// Prepared is a prepared transaction that has not been decided.
type Prepared struct {
	GID   string  `db:"gid"`
	Owner string  `db:"owner"`
	Age   float64 `db:"age_s"` // seconds
}

// ReadPrepared lists those of this database, oldest first.
func ReadPrepared(ctx context.Context, db *engine.DB) ([]Prepared, error) {
	var ps []Prepared
	if err := db.SelectContext(ctx, &ps, preparedSQL); err != nil {
		return nil, fmt.Errorf("read prepared transactions: %w", err)
	}
	return ps, nil
}

// CreateSlot makes the slot, or fails after wait with the names of the transactions that it waited for.
// From PostgreSQL 17 on the slot is one that standbys can take over (PS-12).
func CreateSlot(e *engine.Engine, slot string, wait time.Duration) string {
	failover := ""
	if e.Version >= 170000 {
		failover = ", failover => true"
	}
	return strings.NewReplacer(
		"{slot}", literal(slot),
		"{wait}", strconv.FormatInt(wait.Milliseconds(), 10),
		"{failover}", failover,
	).Replace(createSlotSQL)
}

// DropSlot removes the slot and with it the log that it keeps.
func DropSlot(slot string) string {
	return "SELECT pg_drop_replication_slot(" + literal(slot) + ")"
}

// CreatePublication publishes all kinds of changes of tables, partitions under their root's name (PD-12).
func CreatePublication(e *engine.Engine, name string, tables []Name) string {
	return fmt.Sprintf("CREATE PUBLICATION %s\n   FOR TABLE %s\n  WITH (%s)", e.Quote(name), list(e, tables), publicationOptions)
}

const publicationOptions = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"

// SetPublicationOptions brings those of an existing publication to what CreatePublication gives.
func SetPublicationOptions(e *engine.Engine, name string) string {
	return fmt.Sprintf("ALTER PUBLICATION %s SET (%s)", e.Quote(name), publicationOptions)
}

// SetPublicationTables makes tables the only ones, whole, without column lists and row filters.
func SetPublicationTables(e *engine.Engine, name string, tables []Name) string {
	return fmt.Sprintf("ALTER PUBLICATION %s\n  SET TABLE %s", e.Quote(name), list(e, tables))
}

// DropPublication removes it.
func DropPublication(e *engine.Engine, name string) string {
	return "DROP PUBLICATION " + e.Quote(name)
}

// SetIdentityFull makes the log carry whole rows before a change.
func SetIdentityFull(e *engine.Engine, t Name) string {
	return "ALTER TABLE " + e.Table(t.Schema, t.Table) + " REPLICA IDENTITY FULL"
}

// StartReplication is the command, not SQL, that begins the stream. Names must be checked before
// (PS-23). Protocol 1 and no streaming: only what has committed is sent (PS-20).
func StartReplication(slot, publication, lsn string) string {
	return fmt.Sprintf(`START_REPLICATION SLOT "%s" LOGICAL %s (proto_version '1', publication_names '"%s"', messages 'true')`,
		slot, lsn, publication)
}

func list(e *engine.Engine, tables []Name) string {
	q := make([]string, len(tables))
	for i, t := range tables {
		q[i] = e.Table(t.Schema, t.Table)
	}
	return strings.Join(q, ", ")
}

// literal quotes a checked name as text.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
