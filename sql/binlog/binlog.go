// Package binlog holds the SQL of reading a MariaDB or MySQL server's log: what the server says of the log, of
// its replicas and of tables, and what it grants.
//
// What it leaves to others: the stream itself, and what to make of the findings (package cdc/binlog).
//
// Statements and variables have other names from version to version, and some need a privilege. What a version
// does not have, or the user may not see, is a value that says so and no error: see State, Log and ReadReplicas.
//
// Read State and Log, then Columns and Table, then Replicas and what else Check asks.
package binlog

import (
	"cmp"
	"context"
	"embed"
	"fmt"
	"strconv"
	"strings"

	"ardso/sql/engine"
)

//go:embed *.sql
var files embed.FS

// statement returns a statement by its file's name. The files are ours: a missing one is a bug.
func statement(name string) string {
	b, err := files.ReadFile(name + ".sql")
	if err != nil {
		panic(err)
	}
	return string(b)
}

// State is what settings say of a server's log. Text is as the server prints it; "" = it has no such setting.
type State struct {
	LogBin          bool
	ServerID        uint32
	UUID            string // server_uuid of MySQL
	Fold            bool   // names of tables do not heed case (MD-18)
	Format          string // ROW, MIXED or STATEMENT
	RowImage        string
	RowMetadata     string // "" before MySQL 8.0.1: the log never names columns
	RowValueOptions string
	LogUpdates      string // log_slave_updates
	ExpireSeconds   int64  // 0 = never
	TotalSize       int64  // max_binlog_total_size of MariaDB 11.4 on; 0 = no limit
	PurgeNeeds      string // slave_connections_needed_for_purge of MariaDB 11.4 on
	SyncBinlog      string
	FlushLog        string // innodb_flush_log_at_trx_commit

	MariaDB  bool
	GTIDMode string // MySQL's: ON, OFF or one of those between
	Strict   string // gtid_strict_mode of MariaDB
	// Executed is what the log has ever held: of MySQL a set, of MariaDB the last transaction of each domain.
	Executed string
	Purged   string // of MySQL, what of that the log holds no more
	// LastOf is MariaDB's gtid_binlog_state: the last transaction of each server in each domain.
	LastOf string
}

// HasRowMetadata reports whether the log can name columns.
func (s State) HasRowMetadata() bool { return s.RowMetadata != "" }

// ReadState asks for the settings.
func ReadState(ctx context.Context, db *engine.DB) (State, error) {
	var rows []struct {
		Name  string `db:"Variable_name"`
		Value string `db:"Value"`
	}
	if err := db.SelectContext(ctx, &rows, statement("variables")); err != nil {
		return State{}, fmt.Errorf("read settings of the log: %w", err)
	}
	v := settings{}
	for _, r := range rows {
		v[strings.ToLower(r.Name)] = r.Value
	}
	s := v.state()
	s.MariaDB = db.Engine.Name == "mariadb"
	var err error
	if s.MariaDB {
		err = db.QueryRowContext(ctx, statement("gtid_mariadb")).Scan(&s.Executed, &s.LastOf)
	} else {
		err = db.QueryRowContext(ctx, statement("gtid_mysql")).Scan(&s.Executed, &s.Purged)
	}
	if err != nil {
		return s, fmt.Errorf("read the GTIDs of the log: %w", err)
	}
	return s, nil
}

// settings are variables by name in lower case.
type settings map[string]string

func (v settings) state() State {
	return State{
		LogBin:          v["log_bin"] == "ON" || v["log_bin"] == "1",
		ServerID:        uint32(v.number("server_id")),
		UUID:            v["server_uuid"],
		Fold:            v.number("lower_case_table_names") != 0,
		Format:          v["binlog_format"],
		RowImage:        v["binlog_row_image"],
		RowMetadata:     v["binlog_row_metadata"],
		RowValueOptions: v["binlog_row_value_options"],
		LogUpdates:      cmp.Or(v["log_replica_updates"], v["log_slave_updates"]),
		ExpireSeconds:   v.expire(),
		TotalSize:       v.number("max_binlog_total_size"),
		PurgeNeeds:      v["slave_connections_needed_for_purge"],
		SyncBinlog:      v["sync_binlog"],
		FlushLog:        v["innodb_flush_log_at_trx_commit"],
		GTIDMode:        v["gtid_mode"],
		Strict:          v["gtid_strict_mode"],
	}
}

// number is a setting as a number; 0 where there is none.
func (v settings) number(name string) int64 {
	n, err := strconv.ParseFloat(v[name], 64)
	if err != nil {
		return 0
	}
	return int64(n)
}

// expire is after how long files are removed. The setting in seconds goes before the older one in days, which
// MariaDB has as a fraction.
func (v settings) expire() int64 {
	if v["binlog_expire_logs_auto_purge"] == "OFF" { // MySQL from 8.0.29 on
		return 0
	}
	if n := v.number("binlog_expire_logs_seconds"); n > 0 {
		return n
	}
	days, err := strconv.ParseFloat(v["expire_logs_days"], 64)
	if err != nil {
		return 0
	}
	return int64(days * 24 * 60 * 60)
}
