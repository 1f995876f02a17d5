package binlog

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"ardso/cdc"
	"ardso/sql/binlog"
)

// rule is one thing that Check looks at. Its name is the same in output and documents.
type rule struct {
	name  string
	judge func(*facts) []verdict
}

// verdict is what a rule has to say.
type verdict struct {
	severity cdc.Severity
	text     string
	remedy   string // "" for a note
}

// rules are all of them, in the order in which an administrator would go.
var rules = []rule{
	{"binlog.log_bin", logBin},
	{"binlog.privilege", privilege},
	{"binlog.format", format},
	{"binlog.row_image", rowImage},
	{"binlog.row_metadata", rowMetadata},
	{"binlog.row_value_options", rowValueOptions},
	{"binlog.filter", filter},
	{"binlog.server_id", serverID},
	{"binlog.gtid", gtids},
	{"binlog.log_updates", logUpdates},
	{"binlog.retention", retention},
	{"binlog.file_size", fileSize},
	{"binlog.durability", durability},
	{"binlog.xa", preparedXA},
	{"binlog.table", tableReadable},
	{"binlog.primary_key", primaryKey},
	{"binlog.engine", storageEngine},
}

func one(s cdc.Severity, remedy, format string, args ...any) []verdict {
	return []verdict{{s, fmt.Sprintf(format, args...), remedy}}
}

// setting is the remedy that sets a variable for good: for sessions that begin later, and after a restart.
func setting(name, value string) string {
	return fmt.Sprintf("SET GLOBAL %s = %s, the same in the server's configuration, and end sessions that began before", name, value)
}

// --- what the log holds (MS-14) ---

func logBin(f *facts) []verdict {
	if f.state.LogBin {
		return nil
	}
	return one(cdc.Error, "set log_bin and server_id in the server's configuration, then restart it", "the server writes no binlog (log_bin is OFF)")
}

func format(f *facts) []verdict {
	if f.state.Format == "ROW" {
		return nil
	}
	return one(cdc.Error, setting("binlog_format", "'ROW'"), "binlog_format is %s: the log may hold statements where a reader needs rows", f.state.Format)
}

// rowImage: MINIMAL and NOBLOB leave out values that did not change, FULL_NODUP those that are in the image before.
func rowImage(f *facts) []verdict {
	if f.state.RowImage == "FULL" {
		return nil
	}
	return one(cdc.Error, setting("binlog_row_image", "'FULL'"), "binlog_row_image is %s: the log does not hold whole rows", f.state.RowImage)
}

// rowMetadata: without it the log does not name columns, and today's catalog is not that of old rows (S-2).
func rowMetadata(f *facts) []verdict {
	switch f.state.RowMetadata {
	case "FULL":
		return nil
	case "":
		return one(cdc.Note, "", "this version's log does not name columns: ardso keeps the history of the tables' columns in dso_shape. Let it read up to an ALTER TABLE before the next one of the same table")
	}
	return one(cdc.Error, setting("binlog_row_metadata", "'FULL'"), "binlog_row_metadata is %s: the log does not name columns", f.state.RowMetadata)
}

func rowValueOptions(f *facts) []verdict {
	if f.state.RowValueOptions == "" {
		return nil
	}
	return one(cdc.Error, setting("binlog_row_value_options", "''"),
		"binlog_row_value_options is %s: of JSON documents the log holds differences only", f.state.RowValueOptions)
}

// filter: rows are filtered by the table's database, statements such as ALTER TABLE by the session's.
func filter(f *facts) []verdict {
	in := func(list []string) bool {
		return slices.ContainsFunc(list, func(db string) bool { return db == f.schema || f.state.Fold && strings.EqualFold(db, f.schema) })
	}
	switch l := f.log; {
	case len(l.DoDB) > 0 && !in(l.DoDB):
		return one(cdc.Error, "add the database to binlog_do_db, or take the option away, and restart the server",
			"binlog_do_db is %s: changes of database %s are not logged", strings.Join(l.DoDB, ","), f.schema)
	case in(l.IgnoreDB):
		return one(cdc.Error, "take the database out of binlog_ignore_db and restart the server",
			"binlog_ignore_db is %s: changes of database %s are not logged", strings.Join(l.IgnoreDB, ","), f.schema)
	case len(l.DoDB)+len(l.IgnoreDB) > 0:
		return one(cdc.Warning, "take binlog_do_db and binlog_ignore_db away, or run ALTER TABLE and TRUNCATE with database "+f.schema+" as the session's own",
			"binlog_do_db or binlog_ignore_db is set: an ALTER TABLE or TRUNCATE that is run in a session of another database is not logged")
	}
	return nil
}

// --- who reads ---

// privilege: the log itself takes REPLICATION SLAVE, where it begins and ends the other one. Without that a purged
// position shows only when the log is asked for, and `ardso init` would not set a new one.
func privilege(f *facts) []verdict {
	var missing []string
	if !f.mayReplicate() {
		missing = append(missing, "REPLICATION SLAVE")
	}
	if f.state.LogBin && !f.log.Known {
		missing = append(missing, binlog.Monitor(f.engine))
	}
	if missing == nil {
		return nil
	}
	return one(cdc.Error, f.grants(), "user %s may not read the log: it lacks %s", f.account.Name, strings.Join(missing, " and "))
}

// mayReplicate: who sees MySQL's replicas has that privilege, though a role may hold it.
func (f *facts) mayReplicate() bool {
	return f.account.May("REPLICATION SLAVE") || f.engine.Name == "mysql" && f.seesReplicas
}

// serverID: a server that has none sends its log to nobody; two of one number cut each other off (MS-5).
func serverID(f *facts) []verdict {
	if f.state.ServerID == 0 {
		return one(cdc.Error, "set server_id in the server's configuration to a number that no other server has", "server_id of the server is 0: it sends its log to nobody")
	}
	who := taken(f.state, f.replicas, f.o.ServerID, f.server)
	if who == "" {
		return nil
	}
	return one(cdc.Error, "write another server_id: for server "+f.server+" in the definitions",
		"server_id %d, under which ardso reads the log, is taken by %s", f.o.ServerID, who)
}

// --- positions ---

func gtids(f *facts) []verdict {
	switch s := f.state; {
	case s.MariaDB && s.Strict != "ON":
		return one(cdc.Warning, setting("gtid_strict_mode", "ON"),
			"gtid_strict_mode is OFF: sequence numbers may go back within a domain, and positions by them would mislead")
	case !s.MariaDB && s.GTIDMode != "ON":
		return one(cdc.Warning, "turn GTIDs on (enforce_gtid_consistency, then gtid_mode), then `ardso init --remove` and `ardso init` at a quiet moment",
			"gtid_mode is %s: positions are places in this server's files, so none survives the move to a replica, nor RESET MASTER", orOff(s.GTIDMode))
	}
	return nil
}

func orOff(mode string) string {
	if mode == "" {
		return "OFF"
	}
	return mode
}

func logUpdates(f *facts) []verdict {
	switch {
	case f.state.LogUpdates == "ON" || f.state.LogUpdates == "1" || f.knowsReplica && !f.replica:
		return nil
	case f.knowsReplica:
		return one(cdc.Warning, "set log_slave_updates (log_replica_updates) in the server's configuration and restart it",
			"the server is a replica and log_slave_updates is OFF: what it applies of its primary is not in its log")
	}
	return one(cdc.Note, "", "log_slave_updates is OFF: if the server is a replica, what it applies of its primary is not in its log")
}

// keepAtLeast is how long ardso may be away and find its position again (MS-13).
const keepAtLeast = 24 * time.Hour

func retention(f *facts) []verdict {
	var vs []verdict
	if kept := time.Duration(f.state.ExpireSeconds) * time.Second; kept > 0 && kept < keepAtLeast {
		name, least := "binlog_expire_logs_seconds", "86400"
		if f.engine.Name == "mysql" && f.engine.Version < 80000 {
			name, least = "expire_logs_days", "1"
		}
		vs = append(vs, one(cdc.Warning, setting(name, least)+"; better a few days",
			"the log is kept for %s: if ardso is away for longer, its position is lost", kept)...)
	}
	if n := f.state.TotalSize; n > 0 {
		vs = append(vs, one(cdc.Warning, "let max_binlog_total_size be what is written in a day or more",
			"max_binlog_total_size is %d: a burst of changes while ardso is away may lose its position", n)...)
	}
	if n := f.state.PurgeNeeds; n != "" && n != "0" && (f.state.ExpireSeconds > 0 || f.state.TotalSize > 0) {
		vs = append(vs, one(cdc.Note, "",
			"slave_connections_needed_for_purge is %s: the server removes nothing of its log by itself while fewer replicas, of which ardso is one, are connected", n)...)
	}
	return vs
}

// largeFile: an event tells its place in 32 bits (MS-22).
const largeFile = 7 << 29 // 3.5 GiB

func fileSize(f *facts) []verdict {
	if f.state.MariaDB || f.state.GTIDMode == "ON" {
		return nil
	}
	for _, x := range f.log.Files {
		if x.Size > largeFile {
			return one(cdc.Warning, "split large transactions, or turn GTIDs on",
				"file %s of the log has %d bytes: beyond 4 GiB places in it cannot be told, and reading stops", x.Name, x.Size)
		}
	}
	return nil
}

// durability: after a crash of the server its log and its tables may differ.
func durability(f *facts) []verdict {
	var wrong []string
	for _, s := range []struct{ name, value string }{{"sync_binlog", f.state.SyncBinlog}, {"innodb_flush_log_at_trx_commit", f.state.FlushLog}} {
		if n, err := strconv.Atoi(s.value); err == nil && n != 1 {
			wrong = append(wrong, s.name+" is "+s.value)
		}
	}
	if wrong == nil {
		return nil
	}
	return one(cdc.Warning, "set sync_binlog = 1 and innodb_flush_log_at_trx_commit = 1",
		"%s: after a crash of the server, its log may lack changes that its tables have, or have some that they lost", strings.Join(wrong, ", "))
}

// preparedXA: rows of an XA transaction are in the log before it is decided (MS-19).
func preparedXA(f *facts) []verdict {
	if f.prepared == 0 {
		return nil
	}
	return one(cdc.Warning, "XA RECOVER lists them: XA COMMIT or XA ROLLBACK, as their coordinator says; keep XA from the forms that ardso reads",
		"%d XA transactions are prepared and not decided. Where one changes a form, reading stops there: ardso does not carry two-phase transactions", f.prepared)
}

// --- tables ---

// isBase: MariaDB's tables with system versioning are such too, though their old rows are not ours to carry.
func (t checked) isBase() bool { return t.Type == "BASE TABLE" || t.Type == "SYSTEM VERSIONED" }

func tableReadable(f *facts) []verdict {
	var vs []verdict
	for _, t := range f.tables {
		name := f.engine.Table(f.schema, t.Name)
		switch {
		case !t.Found:
			vs = append(vs, one(cdc.Error, "correct its name, create it, or GRANT SELECT ON "+name+" TO "+f.account.Quoted(),
				"table %s does not exist, or user %s may see nothing of it", t.Name, f.account.Name)...)
		case !t.isBase():
			vs = append(vs, one(cdc.Error, "name the table behind it", "%s is a %s, so the log has no rows of it", t.Name, strings.ToLower(t.Type))...)
		case !t.CanSelect:
			vs = append(vs, one(cdc.Error, "GRANT SELECT ON "+name+" TO "+f.account.Quoted(), "user %s may not read table %s", f.account.Name, t.Name)...)
		}
	}
	return vs
}

// primaryKey: the log holds whole rows, so that a unique index that the definitions name does as well.
func primaryKey(f *facts) []verdict {
	var vs []verdict
	for _, t := range f.tables {
		switch {
		case !t.Found || t.HasKey || !t.isBase():
		case t.named:
			vs = append(vs, one(cdc.Note, "", "table %s has no primary key; its rows are told apart by what the definitions name", t.Name)...)
		default:
			vs = append(vs, one(cdc.Error, "ALTER TABLE "+f.engine.Table(f.schema, t.Name)+" ADD PRIMARY KEY (…)",
				"table %s has no primary key: nothing names its rows", t.Name)...)
		}
	}
	return vs
}

// storageEngine: a statement that fails in the middle leaves what it did until then, in table and log (MS-21).
func storageEngine(f *facts) []verdict {
	var vs []verdict
	for _, t := range f.tables {
		if t.Engine != "" && !slices.Contains([]string{"innodb", "rocksdb", "ndbcluster", "tokudb"}, strings.ToLower(t.Engine)) {
			vs = append(vs, one(cdc.Warning, "ALTER TABLE "+f.engine.Table(f.schema, t.Name)+" ENGINE = InnoDB",
				"table %s is of engine %s: its changes are no transactions, and a statement that fails has changed some rows", t.Name, t.Engine)...)
		}
	}
	return vs
}
