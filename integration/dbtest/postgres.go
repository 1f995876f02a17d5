package dbtest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// postgres is PostgreSQL of any version.
type postgres struct{}

var _ family = postgres{}

func (postgres) prepare(ctx context.Context, p *process) error {
	secret := filepath.Join(p.home, "password")
	if err := os.WriteFile(secret, []byte(password+"\n"), 0o644); err != nil {
		return err
	}
	return p.call(ctx, []string{
		p.binaries.initdb, "-D", p.data(), "-U", "postgres", "-A", "scram-sha-256",
		"--pwfile", secret, "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
	}, nil)
}

func (postgres) command(p *process) []string {
	line := append([]string{}, p.binaries.server...)
	line = append(
		line,
		"-D", p.data(), "-p", fmt.Sprint(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
	)
	return append(line, p.options...)
}

func (postgres) settings(own []string) []string {
	all := []string{
		"wal_level=logical", "max_wal_senders=32", "max_replication_slots=32", "max_connections=400",
		"timezone=" + zone, "log_timezone=UTC", "log_statement=none", "log_min_messages=warning",
	}
	if os.Getenv("ARDSO_TEST_FSYNC") == "off" {
		all = append(all, "fsync=off")
	}
	var line []string
	for _, s := range append(all, own...) {
		line = append(line, "-c", s)
	}
	return line
}

func (postgres) environment() map[string]string {
	return map[string]string{"POSTGRES_PASSWORD": password, "POSTGRES_INITDB_ARGS": "--locale=C.UTF-8 -E UTF8"}
}

func (postgres) containerPort() string { return "5432/tcp" }
func (postgres) dataFolder() string    { return `SHOW data_directory` }
func (postgres) driver() string        { return "pgx" }
func (postgres) user() string          { return "postgres" }
func (postgres) children() bool        { return true }

func (postgres) dsn(addr, database string) string {
	if database == "" {
		database = "postgres"
	}
	return fmt.Sprintf("postgres://postgres:%s@%s/%s?sslmode=disable", password, addr, database)
}

func (postgres) url(addr, database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", addr, database)
}

// drop removes the replication slots of a database, which forbid to drop it, and then the database.
func (postgres) drop(ctx context.Context, in *Instance, database string) error {
	db, err := in.superuser()
	if err != nil {
		return err
	}
	for {
		busy, err := dropSlots(ctx, db, database)
		if err != nil {
			return err
		}
		if !busy {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a replication slot is still in use: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
	_, err = db.ExecContext(ctx, "DROP DATABASE "+database+" WITH (FORCE)")
	return err
}

// dropSlots drops the slots that nobody uses, ends the readers of the others and reports whether there
// were any such.
func dropSlots(ctx context.Context, db *sql.DB, database string) (busy bool, err error) {
	const idle = `SELECT count(pg_drop_replication_slot(slot_name))
		FROM pg_replication_slots WHERE database = $1 AND NOT active`
	const used = `SELECT count(pg_terminate_backend(active_pid))
		FROM pg_replication_slots WHERE database = $1 AND active`
	var n int
	if err := db.QueryRowContext(ctx, used, database).Scan(&n); err != nil {
		return false, err
	}
	if n > 0 {
		return true, nil
	}
	return false, db.QueryRowContext(ctx, idle, database).Scan(&n)
}

// debianPostgres finds the PostgreSQL of Debian's packages.
func debianPostgres(version string) func() (binaries, error) {
	return postgresIn(func() string { return filepath.Join("/usr/lib/postgresql", version, "bin") }, version)
}

// unpackedPostgres finds one among the unpacked servers.
func unpackedPostgres(folder, version string) func() (binaries, error) {
	return postgresIn(func() string { return filepath.Join(unpacked(), folder, "bin") }, version)
}

func postgresIn(folder func() string, version string) func() (binaries, error) {
	return func() (binaries, error) {
		b := binaries{
			server: []string{filepath.Join(folder(), "postgres")},
			initdb: filepath.Join(folder(), "initdb"),
		}
		return b, isVersion(b.server, "PostgreSQL", version)
	}
}
