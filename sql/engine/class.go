package engine

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	sqlitedriver "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// connectionClass knows the errors that every engine's driver can give: a connection that is gone, or a
// statement that ran out of time. What we cancelled ourselves is not worth another try.
func connectionClass(err error) (Class, bool) {
	if errors.Is(err, context.Canceled) {
		return Final, true
	}
	for _, lost := range []error{
		context.DeadlineExceeded, driver.ErrBadConn, sql.ErrConnDone, io.EOF, io.ErrUnexpectedEOF,
		mysql.ErrInvalidConn, mysql.ErrBusyBuffer, pgconn.ErrConnClosed, net.ErrClosed,
		syscall.EPIPE, syscall.ECONNRESET, syscall.ECONNREFUSED,
	} {
		if errors.Is(err, lost) {
			return Transient, true
		}
	}
	var ne net.Error
	if errors.As(err, &ne) {
		return Transient, true
	}
	return Final, false
}

func (postgres) class(err error) Class {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return postgresClass(pe.Code, pe.Message)
	}
	var opened *OpenError
	if errors.As(err, &opened) {
		return opened.class
	}
	class, _ := connectionClass(err)
	return class
}

// postgresCodes holds SQLSTATE codes, and classes of them by their first two characters.
var postgresCodes = map[string]Class{
	"08":    Transient, // connection
	"40001": Transient, // serialization failure
	"40003": Transient, // statement completion unknown
	"40P01": Transient, // deadlock
	"25006": Transient, // read-only transaction: a standby, or default_transaction_read_only
	"25P03": Transient, // idle in transaction timeout
	"25P04": Transient, // transaction timeout
	"53":    Transient, // insufficient resources; 53100 disk full, 53300 too many connections
	"55006": Transient, // object in use
	"55P03": Transient, // lock not available, lock timeout
	"57":    Transient, // operator intervention: cancel, shutdown, starting up, idle session timeout
	"57P04": Final,     // database dropped
	"58":    Transient, // system error: I/O
	"58P01": Final,     // undefined file: a library of an extension
	"58P02": Final,     // duplicate file
	"72000": Transient, // snapshot too old

	"23505": UniqueTaken,
	"23P01": UniqueTaken, // exclusion constraint
	"23503": Reference,
	"23001": Reference, // restrict violation, from 18 on

	"28":    Denied,
	"42501": Denied,
}

func postgresClass(code, message string) Class {
	if c, ok := postgresCodes[code]; ok {
		return c
	}
	if len(code) == 5 {
		if c, ok := postgresCodes[code[:2]]; ok {
			return c
		}
	}
	// The table was altered under a prepared statement, which the driver has discarded by now.
	if code == "0A000" && strings.Contains(message, "cached plan must not change result type") {
		return Transient
	}
	return Final
}

func (mysqlFamily) class(err error) Class {
	var me *mysql.MySQLError
	if errors.As(err, &me) {
		return mysqlNumberClass(me.Number, me.Message)
	}
	var opened *OpenError
	if errors.As(err, &opened) {
		return opened.class
	}
	class, _ := connectionClass(err)
	return class
}

// mysqlNumbers holds the error numbers of MySQL and MariaDB.
var mysqlNumbers = map[uint16]Class{
	3:    Transient, // error writing file: disk full
	1020: Transient, // record has changed since last read (snapshot isolation)
	1021: Transient, // disk full
	1026: Transient, // error writing file
	1037: Transient, // out of memory
	1038: Transient, // out of sort memory
	1040: Transient, // too many connections
	1041: Transient, // out of resources
	1053: Transient, // shutdown in progress
	1077: Transient, // normal shutdown
	1079: Transient, // shutdown complete
	1080: Transient, // forcing close of thread
	1114: Transient, // table is full: disk or tablespace
	1129: Transient, // host is blocked for its many connection errors
	1152: Transient, // aborted connection
	1158: Transient, // network read
	1159: Transient, // network read timeout
	1160: Transient, // network write
	1161: Transient, // network write timeout
	1180: Transient, // error during commit
	1184: Transient, // aborted connection
	1203: Transient, // too many connections of the user
	1205: Transient, // lock wait timeout
	1213: Transient, // deadlock
	1226: Transient, // a resource limit of the user
	1317: Transient, // query interrupted
	1412: Transient, // table definition has changed
	1614: Transient, // deadlock in a branch
	1615: Transient, // statement needs to be prepared again
	1637: Transient, // too many transactions
	1792: Transient, // read-only transaction
	1836: Transient, // read-only mode
	1927: Transient, // connection was killed
	1969: Transient, // max_statement_time
	2006: Transient, // server has gone away
	2013: Transient, // lost connection
	3024: Transient, // max_execution_time
	3100: Transient, // group replication refused the commit
	3101: Transient, // group replication rolled back
	4031: Transient, // disconnected for inactivity

	1022: UniqueTaken,
	1062: UniqueTaken,
	1169: UniqueTaken,
	1557: UniqueTaken, // through a foreign key
	1586: UniqueTaken,
	1761: UniqueTaken, // through a foreign key, names given
	1762: UniqueTaken,

	1216: Reference,
	1217: Reference,
	1451: Reference,
	1452: Reference,

	1044: Denied, // to the database
	1045: Denied, // wrong password
	1130: Denied, // host
	1142: Denied, // to the table
	1143: Denied, // to the column
	1227: Denied, // privilege
	1370: Denied, // to the routine
	1419: Denied, // SUPER for a trigger
	1698: Denied, // wrong password, or another way to authenticate
	1820: Denied, // password must be changed
	1862: Denied, // password has expired
	3118: Denied, // account is locked
	4151: Denied, // account is locked
}

func mysqlNumberClass(number uint16, message string) Class {
	if c, ok := mysqlNumbers[number]; ok {
		return c
	}
	low := strings.ToLower(message)
	switch {
	case number == 1290 && (strings.Contains(low, "read-only") || strings.Contains(low, "read_only")),
		number == 1030 && strings.Contains(low, "error 28 "), // storage engine: no space left
		number == 1047 && strings.Contains(low, "wsrep"):     // cluster node is not ready
		return Transient
	}
	return Final
}

func (sqlite) class(err error) Class {
	var se *sqlitedriver.Error
	if errors.As(err, &se) {
		return sqliteCodeClass(se.Code())
	}
	var opened *OpenError
	if errors.As(err, &opened) {
		return opened.class
	}
	class, _ := connectionClass(err)
	return class
}

// sqliteCodes holds extended result codes, and primary ones for the rest of their family.
var sqliteCodes = map[int]Class{
	sqlite3.SQLITE_BUSY:     Transient,
	sqlite3.SQLITE_LOCKED:   Transient,
	sqlite3.SQLITE_NOMEM:    Transient,
	sqlite3.SQLITE_READONLY: Transient,
	sqlite3.SQLITE_IOERR:    Transient,
	sqlite3.SQLITE_FULL:     Transient,
	sqlite3.SQLITE_CANTOPEN: Transient,
	sqlite3.SQLITE_PROTOCOL: Transient,
	sqlite3.SQLITE_SCHEMA:   Transient,

	sqlite3.SQLITE_CONSTRAINT_UNIQUE:     UniqueTaken,
	sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: UniqueTaken,
	sqlite3.SQLITE_CONSTRAINT_ROWID:      UniqueTaken,
	sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Reference,

	sqlite3.SQLITE_PERM: Denied,
	sqlite3.SQLITE_AUTH: Denied,
}

func sqliteCodeClass(code int) Class {
	if c, ok := sqliteCodes[code]; ok {
		return c
	}
	return sqliteCodes[code&0xff] // Final where it is not there
}
