package engine

import (
	"context"
	"database/sql/driver"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"ardso/sql/value"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

type postgres struct{}

// postgresSession makes the text forms of values the same in every session, whatever the server, the
// database or the role are set to (PD-15, A-15), and keeps our sessions alive (PS-25).
var postgresSession = map[string]string{
	"application_name":                    "ardso",
	"client_encoding":                     "UTF8",
	"datestyle":                           "ISO, YMD",
	"intervalstyle":                       "postgres",
	"timezone":                            "UTC",
	"bytea_output":                        "hex",
	"extra_float_digits":                  "3",
	"standard_conforming_strings":         "on",
	"idle_in_transaction_session_timeout": "0",
	"idle_session_timeout":                "0",
	"statement_timeout":                   "0",
	// A lock that somebody holds for longer than this becomes a transient error that is counted and
	// shown, not a thread that stands still without a word.
	"lock_timeout": "30s",
}

// PostgresConfig is how every connection to a PostgreSQL server is made, a log reader's too: it adds
// "replication" to RuntimeParams and sets lock_timeout as it likes.
func PostgresConfig(u *url.URL, c Config) (*pgx.ConnConfig, error) {
	opts, err := options(u, append([]string{"host", "port"}, tlsOptions...)...)
	if err != nil {
		return nil, err
	}
	name, err := database(u)
	if err != nil {
		return nil, err
	}
	if u.User.Username() == "" {
		return nil, errors.New("url: it names no user: postgres://user@host:port/database")
	}
	secure, err := TLSFor(u, c)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	// TLS is ours; sslmode=disable keeps the driver's own, and the environment's, out of it.
	bare := url.URL{Scheme: "postgres", User: url.User(u.User.Username()), Host: u.Host, Path: "/" + name}
	query := url.Values{"sslmode": {"disable"}}
	for _, key := range []string{"host", "port"} {
		if opts[key] != "" {
			query.Set(key, opts[key])
		}
	}
	if u.Host == "" && opts["host"] == "" {
		query.Set("host", "localhost")
	}
	bare.RawQuery = query.Encode()
	config, err := pgx.ParseConfig(bare.String())
	if err != nil {
		return nil, errors.New("url: the PostgreSQL driver cannot read it: postgres://user@host:port/database")
	}
	config.Password = c.Password // "" too: no password comes from a file of the environment's choice
	config.ConnectTimeout = connectTimeout
	config.TLSConfig = secure.Config
	config.Fallbacks = nil
	if secure.Config != nil && secure.Plaintext {
		config.Fallbacks = []*pgconn.FallbackConfig{{Host: config.Host, Port: config.Port}}
	}
	config.RuntimeParams = map[string]string{}
	for key, setting := range postgresSession {
		config.RuntimeParams[key] = setting
	}
	return config, nil
}

func (postgres) connector(u *url.URL, c Config) (driver.Connector, error) {
	config, err := PostgresConfig(u, c)
	if err != nil {
		return nil, err
	}
	return stdlib.GetConnector(*config), nil
}

//go:embed postgres/server.sql
var postgresServer string

// A message of the protocol holds at most this much, so no statement or value is larger.
const postgresMaxPacket = 1<<30 - 1

func (postgres) setUp(ctx context.Context, d *DB) error {
	var shown string
	row := d.QueryRowContext(ctx, postgresServer)
	if err := row.Scan(&d.Engine.Version, &shown, &d.Schema); err != nil {
		return err
	}
	if !strings.HasPrefix(shown, "PostgreSQL ") {
		product, _, _ := strings.Cut(shown, " ")
		return &faultError{wrongEngine, "the url says postgres, and the server is " + product}
	}
	if d.Schema == "" {
		return &faultError{noDatabase, "no schema of the user's search_path exists in the database"}
	}
	d.Engine.MaxPacket = postgresMaxPacket
	return tooOldError("postgres", d.Engine.Version, fmt.Sprintf("%d.%d", d.Engine.Version/10000, d.Engine.Version%10000))
}

func (postgres) openFault(err error) fault {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		if strings.Contains(err.Error(), "unknown message type") { // another protocol
			return wrongEngine
		}
		return unreachable
	}
	switch {
	case pe.Code == "3D000", pe.Code == "3F000":
		return noDatabase
	case postgresClass(pe.Code, "") == Denied:
		return denied
	case pe.Code == "42704", pe.Code == "42601", pe.Code == "42883":
		return wrongEngine // a setting or function that PostgreSQL has
	}
	return unreachable
}

func (postgres) quote(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func (postgres) placeholder(n int) string { return "$" + strconv.Itoa(n) }

func (postgres) kind(typeName string) (value.Kind, bool) {
	switch typeName {
	case "int2", "int4", "int8", "bool", "oid":
		return value.KindInt, true
	case "numeric":
		return value.KindDecimal, true
	case "float4", "float8":
		return value.KindReal, true
	case "bytea":
		return value.KindBytes, true
	case "timestamp", "timestamptz":
		return value.KindInstant, true
	case "date":
		return value.KindDate, true
	case "time":
		return value.KindTime, true
	}
	// Whatever else PostgreSQL prints is carried as that text: uuid, json, enumerations, arrays
	// (PD-20), intervals, timetz and money (PD-23), types of extensions (PD-21).
	return value.KindText, true
}

// read casts to text, so that a SELECT delivers the same bytes as the log (INV-5).
func (postgres) read(_ value.Kind, _, column string) string { return column + "::text" }

func (postgres) parse(kind value.Kind, typeName, text string) (value.Value, error) {
	switch {
	case typeName == "bool":
		return parseBool(text)
	case typeName == "bpchar":
		text = strings.TrimRight(text, " ") // PD-24
	case kind == value.KindBytes:
		return parseHex(text)
	case typeName == "float4":
		return parseSingle(text)
	case typeName == "inet": // a cast to text shows the mask of a single address, the log does not
		mask := "/32"
		if strings.Contains(text, ":") {
			mask = "/128"
		}
		text = strings.TrimSuffix(text, mask)
	}
	return value.Parse(kind, text)
}
