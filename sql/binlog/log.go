package binlog

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"

	"ardso/sql/engine"
)

// Log is a server's files and where they end. It takes BINLOG MONITOR of MariaDB, REPLICATION CLIENT of MySQL.
type Log struct {
	Known  bool // else the user may not see it, and the rest is zero
	File   string
	Offset uint64 // where the next event will be
	Files  []File // oldest first
	// DoDB and IgnoreDB are the databases that are logged alone, and not at all.
	DoDB, IgnoreDB []string
	// Purged is, of MariaDB, the last transaction of each domain that the log holds no more.
	Purged string
}

// KilledWriting counts the connections that the server has ended and that still write to who takes nothing. It sees
// those of its own user.
func KilledWriting(ctx context.Context, db *engine.DB) (n int, err error) {
	return n, annotate("read the list of connections", db.GetContext(ctx, &n, statement("killed")))
}

// File is one file of the log.
type File struct {
	Name string
	Size uint64
}

// ReadLog asks for the files. Where the log is off there are none.
func ReadLog(ctx context.Context, db *engine.DB) (Log, error) {
	files, known, err := ask(ctx, db, statement("binary_logs"))
	if err != nil || !known {
		return Log{Known: err == nil && known}, annotate("read the list of the log's files", err)
	}
	l := Log{Known: true}
	for _, r := range files {
		l.Files = append(l.Files, File{r["log_name"], r.number("file_size")})
	}
	status, known, err := ask(ctx, db, statement(statusName(db.Engine)))
	if err != nil || !known {
		return Log{}, annotate("read where the log ends", err)
	}
	for _, r := range status {
		l.File, l.Offset = r["file"], r.number("position")
		l.DoDB, l.IgnoreDB = list(r["binlog_do_db"]), list(r["binlog_ignore_db"])
	}
	if db.Engine.Name == "mariadb" && len(l.Files) > 0 {
		if err := db.QueryRowContext(ctx, statement("gtid_mariadb_purged"), l.Files[0].Name).Scan(&l.Purged); err != nil {
			return l, annotate("read where the log begins", err)
		}
	}
	return l, nil
}

func annotate(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// statusName names the statement that tells where the log ends.
func statusName(e *engine.Engine) string {
	switch {
	case e.Name == "mariadb":
		return "binlog_status"
	case e.Version >= 80200:
		return "binary_log_status"
	}
	return "master_status"
}

// list splits names of databases.
func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// row is a row of a SHOW statement by column, in lower case; NULL is "".
type row map[string]string

func (r row) number(column string) uint64 {
	n, err := strconv.ParseUint(r[column], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// ask carries out a statement whose columns differ from version to version. known is false where the user may
// not, or the version does not have it.
func ask(ctx context.Context, db *engine.DB, text string) (all []row, known bool, err error) {
	rows, err := db.QueryxContext(ctx, text)
	if err != nil {
		if absent(db, err) {
			return nil, false, nil
		}
		return nil, false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		cells := map[string]any{}
		if err := rows.MapScan(cells); err != nil {
			return nil, false, err
		}
		r := row{}
		for name, cell := range cells {
			if b, is := cell.([]byte); is {
				r[strings.ToLower(name)] = string(b)
			} else if cell != nil {
				r[strings.ToLower(name)] = fmt.Sprint(cell)
			}
		}
		all = append(all, r)
	}
	return all, true, rows.Err()
}

// Errors of a statement that cannot be answered here.
const (
	noBinaryLogging = 1381
	syntaxError     = 1064
)

// absent reports an error that says no more than that there is no answer.
func absent(db *engine.DB, err error) bool {
	var said *mysql.MySQLError
	return db.Engine.Class(err) == engine.Denied ||
		errors.As(err, &said) && (said.Number == noBinaryLogging || said.Number == syntaxError)
}
