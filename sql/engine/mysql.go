package engine

import (
	"context"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"ardso/sql/value"

	"github.com/go-sql-driver/mysql"
)

// mysqlFamily is MariaDB and MySQL.
type mysqlFamily struct{}

//go:embed mysql/session.sql
var mysqlSession string

//go:embed mysql/server.sql
var mysqlServer string

// mysqlOptions are the options of a MySQL or MariaDB URL.
var mysqlOptions = append([]string{"socket"}, tlsOptions...)

// MySQLConfig is how every connection to a MariaDB or MySQL server is made: address, user, password and TLS of
// a log reader's too (O-8).
func MySQLConfig(u *url.URL, c Config) (*mysql.Config, error) {
	opts, err := options(u, mysqlOptions...)
	if err != nil {
		return nil, err
	}
	name, err := database(u)
	if err != nil {
		return nil, err
	}
	if u.User.Username() == "" {
		return nil, fmt.Errorf("url: it names no user: %s://user@host:port/database", u.Scheme)
	}
	secure, err := TLSFor(u, c)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	config := mysql.NewConfig()
	config.User, config.Passwd, config.DBName = u.User.Username(), c.Password, name
	config.Net, config.Addr = mysqlAddress(u, opts["socket"])
	config.TLS, config.AllowFallbackToPlaintext = secure.Config, secure.Plaintext
	config.Timeout = connectTimeout
	config.ClientFoundRows = true
	config.InterpolateParams = true // one round trip a statement
	config.MultiStatements = true   // guarded updates go several at a time
	config.MaxAllowedPacket = 0     // ask the server
	config.ConnectionAttributes = "program_name:ardso"
	config.Logger = &mysql.NopLogger{} // errors are returned; nothing writes to standard error by itself
	// Text of parameters is UTF-8 by its four bytes; the collation is the server's own for it.
	if err := config.Apply(mysql.Charset("utf8mb4", "")); err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	return config, nil
}

func mysqlAddress(u *url.URL, socket string) (network, addr string) {
	if socket != "" {
		return "unix", socket
	}
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = "3306"
	}
	return "tcp", net.JoinHostPort(host, port)
}

func (mysqlFamily) connector(u *url.URL, c Config) (driver.Connector, error) {
	config, err := MySQLConfig(u, c)
	if err != nil {
		return nil, err
	}
	inner, err := mysql.NewConnector(config)
	if err != nil {
		return nil, errors.New("url: the driver cannot use it")
	}
	return &mysqlConnector{inner}, nil
}

// mysqlConnector gives each new connection our session settings, in one round trip.
type mysqlConnector struct{ driver.Connector }

func (c *mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := conn.(driver.ExecerContext).ExecContext(ctx, mysqlSession, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("session settings: %w", err), conn.Close())
	}
	return conn, nil
}

func (mysqlFamily) setUp(ctx context.Context, d *DB) error {
	var version, comment string
	row := d.QueryRowContext(ctx, mysqlServer)
	if err := row.Scan(&version, &comment, &d.Engine.MaxPacket, &d.Schema); err != nil {
		return err
	}
	// A server's flavor decides how its log reads, so a wrong name in the URL is no detail (MS-4).
	actual := "mysql"
	if strings.Contains(strings.ToLower(version+" "+comment), "mariadb") {
		actual = "mariadb"
	}
	if actual != d.Engine.Name {
		return &faultError{wrongEngine, fmt.Sprintf("the url says %s, and the server is %s %s", d.Engine.Name, actual, version)}
	}
	n, err := mysqlVersion(version)
	if err != nil {
		return err
	}
	d.Engine.Version = n
	return tooOldError(actual, n, version)
}

// mysqlVersion reads "10.11.19-MariaDB-log" to 101119.
func mysqlVersion(s string) (int, error) {
	// Behind some proxies MariaDB says "5.5.5-10.11.19-MariaDB", for clients that know no version above 9.
	s = strings.TrimPrefix(s, "5.5.5-")
	digits, _, _ := strings.Cut(s, "-")
	parts := strings.SplitN(digits, ".", 3)
	version := 0
	for i := range 3 {
		n := 0
		if i < len(parts) {
			var err error
			if n, err = strconv.Atoi(parts[i]); err != nil || n > 99 {
				return 0, fmt.Errorf("read the server's version %q", s)
			}
		}
		version = version*100 + n
	}
	return version, nil
}

func (mysqlFamily) openFault(err error) fault {
	var me *mysql.MySQLError
	if !errors.As(err, &me) {
		if errors.Is(err, mysql.ErrMalformPkt) || errors.Is(err, mysql.ErrOldProtocol) || strings.Contains(err.Error(), "unsupported protocol version") {
			return wrongEngine
		}
		return unreachable
	}
	switch {
	case me.Number == 1049:
		return noDatabase
	case mysqlNumberClass(me.Number, me.Message) == Denied:
		return denied
	case me.Number == 1193, me.Number == 1064: // a variable or syntax that the family has from 5.6
		return tooOld
	}
	return unreachable
}

func (mysqlFamily) quote(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

func (mysqlFamily) placeholder(int) string { return "?" }

// kind takes information_schema.columns.data_type.
func (mysqlFamily) kind(typeName string) (value.Kind, bool) {
	switch strings.ToLower(typeName) {
	case "tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit":
		return value.KindInt, true // beyond int64 (unsigned, bit(64)) a value is an integral decimal
	case "decimal":
		return value.KindDecimal, true
	case "float", "double":
		return value.KindReal, true
	case "binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob":
		return value.KindBytes, true
	case "timestamp", "datetime":
		return value.KindInstant, true
	case "date":
		return value.KindDate, true
	case "time":
		return value.KindTime, true
	case "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
		"geometrycollection", "geomcollection", "vector":
		return value.KindBytes, false // no form that another engine takes (MD-14)
	}
	return value.KindText, true // char to longtext, enum, set, json, uuid, inet
}

// read leaves most columns alone: the text protocol prints them as Parse reads. A FLOAT would lose digits (MD-11),
// as a DOUBLE(M,D) would, which is stored with all of them, and a BIT comes as bytes.
func (mysqlFamily) read(_ value.Kind, typeName, column string) string {
	switch strings.ToLower(typeName) {
	case "float", "double":
		return column + " + 0e0"
	case "bit":
		return column + " + 0"
	}
	return column
}

func (mysqlFamily) parse(kind value.Kind, typeName, text string) (value.Value, error) {
	switch strings.ToLower(typeName) {
	case "float":
		return parseSingle(text)
	case "char":
		// The server strips the padding; PAD_CHAR_TO_FULL_LENGTH in somebody's session would not.
		text = strings.TrimRight(text, " ")
	}
	return value.Parse(kind, text)
}
