package engine_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestOpen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Version == 0 || db.Engine.MaxPacket == 0 || db.Schema == "" {
			t.Errorf("got version %d, packet %d, schema %q, want all known", db.Engine.Version, db.Engine.MaxPacket, db.Schema)
		}
		name := db.Engine.Table(db.Schema, "a`b\"c")
		for _, s := range []string{"CREATE TABLE " + name + " (id integer)", "DROP TABLE " + name} {
			if _, err := db.Exec(s); err != nil {
				t.Errorf("%s: %v", s, err)
			}
		}
		if _, err := db.Exec("SELECT "+db.Engine.Placeholder(1), "1"); err != nil {
			t.Error(err)
		}
	})
}

// Every connection of the pool has our settings, not the server's.
func TestSession(t *testing.T) {
	t.Parallel()
	queries := map[string]map[string]string{
		"postgres": {
			"SELECT current_setting('timezone')": "UTC", "SELECT current_setting('datestyle')": "ISO, YMD",
			"SELECT current_setting('extra_float_digits')": "3", "SELECT current_setting('lock_timeout')": "30s",
			"SELECT current_setting('idle_session_timeout')": "0", "SELECT current_setting('application_name')": "ardso",
			"SELECT timestamptz '2026-03-02 18:04:00+05:30'": "2026-03-02 12:34:00+00",
		},
		"mysql": {
			"SELECT @@time_zone": "+00:00", "SELECT @@character_set_client": "utf8mb4", "SELECT @@innodb_lock_wait_timeout": "30",
			"SELECT @@sql_mode LIKE '%STRICT_ALL_TABLES%NO_AUTO_VALUE_ON_ZERO%' OR @@sql_mode LIKE '%NO_AUTO_VALUE_ON_ZERO%STRICT_ALL_TABLES%'": "1",
			"SELECT @@sql_mode LIKE '%NO_ENGINE_SUBSTITUTION%'": "1",
		},
		"sqlite": {"PRAGMA journal_mode": "wal", "PRAGMA synchronous": "2", "PRAGMA foreign_keys": "1", "PRAGMA busy_timeout": "30000"},
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		want := queries[db.Engine.Dialect]
		isolation := "SELECT @@tx_isolation"
		if db.Engine.Name == "mariadb" && db.Engine.Version >= 110100 {
			isolation = "SELECT @@transaction_isolation"
		}
		for range 3 { // connections that are open at the same time
			conn, err := db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			for query, want := range want {
				if strings.Contains(query, "timestamptz") {
					query = "SELECT (" + strings.TrimPrefix(query, "SELECT ") + ")::text"
				}
				var got string
				if err := conn.QueryRowContext(t.Context(), query).Scan(&got); err != nil || got != want {
					t.Errorf("%s: got %q, %v, want %q", query, got, err, want)
				}
			}
			if db.Engine.Dialect == "mysql" {
				var got string
				if err := conn.QueryRowContext(t.Context(), isolation).Scan(&got); err != nil || got != "READ-COMMITTED" {
					t.Errorf("got isolation %q, %v", got, err)
				}
			}
		}
	})
}

// wrong opens db's server with a changed configuration and expects an error of that name.
func wrong(t *testing.T, c engine.Config, name string, class engine.Class) {
	t.Helper()
	db, err := engine.Open(t.Context(), c)
	if err == nil {
		_ = db.Close()
		t.Errorf("%s: opened, want %s", c.URL, name)
		return
	}
	var oe *engine.OpenError
	if !errors.As(err, &oe) || oe.Name() != name || oe.Class() != class || oe.Remedy() == "" {
		t.Errorf("%s: got %v (%s, %s), want %s, %s", c.URL, err, oe.Name(), oe.Class(), name, class)
	}
	if c.Password != "" && strings.Contains(strings.ReplaceAll(err.Error(), c.URL, ""), c.Password) {
		t.Errorf("the password is in %q", err)
	}
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String() // nobody listens there any more
	_ = listener.Close()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.Dialect == "sqlite" {
			return // TestOpenErrorsOfSQLite
		}
		with := func(change func(c *engine.Config)) engine.Config {
			c := db.Config()
			change(&c)
			return c
		}
		swap := func(old, new string) engine.Config {
			return with(func(c *engine.Config) { c.URL = strings.Replace(c.URL, old, new, 1) })
		}
		wrong(t, with(func(c *engine.Config) { c.Password = "not-the-secret" }), "server.denied", engine.Denied)
		wrong(t, with(func(c *engine.Config) { c.Password = "" }), "server.denied", engine.Denied)
		wrong(t, swap("/"+db.URL.Path[1:], "/nowhere"), "server.no_database", engine.Final)
		wrong(t, swap(db.URL.Host, nobody), "server.unreachable", engine.Transient)
		for _, scheme := range []string{"postgres", "mariadb", "mysql"} {
			if scheme == db.Engine.Name {
				continue
			}
			c := swap(db.Engine.Name+":", scheme+":")
			if db.Engine.Name != "postgres" && scheme != "postgres" {
				wrong(t, c, "server.wrong_engine", engine.Final) // MS-4
				continue
			}
			// Another protocol altogether: all that can be asked is that it ends, with an error of ours.
			ctx, cancel := context.WithTimeout(t.Context(), 3e9)
			_, err := engine.Open(ctx, c)
			cancel()
			var oe *engine.OpenError
			if !errors.As(err, &oe) {
				t.Errorf("%s: got %v", c.URL, err)
			}
			t.Logf("%s for %s: %v [%s]", scheme, db.Engine.Name, err, oe.Name())
		}
	})
}

func TestOpenErrorsOfSQLite(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text := filepath.Join(folder, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	wrong(t, engine.Config{Server: "sf", URL: "sqlite:" + text}, "server.wrong_engine", engine.Final)
	wrong(t, engine.Config{Server: "sf", URL: "sqlite:" + filepath.Join(folder, "none") + "?mode=rw"}, "server.no_database", engine.Final)
	wrong(t, engine.Config{Server: "sf", URL: "sqlite:" + filepath.Join(folder, "no", "folder")}, "server.no_database", engine.Final)
	odd := filepath.Join(folder, "a b%c?d#é.db")
	escaped := strings.NewReplacer("%", "%25", " ", "%20", "?", "%3F", "#", "%23").Replace(odd)
	for _, raw := range []string{"sqlite:" + escaped, "sqlite://" + escaped, "sqlite:" + escaped + "?mode=ro"} {
		db, err := engine.Open(t.Context(), engine.Config{Server: "sf", URL: raw})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		_ = db.Close()
	}
	if _, err := os.Stat(odd); err != nil {
		t.Error(err)
	}
}
