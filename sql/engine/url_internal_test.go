package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

func mustURL(t *testing.T) *url.URL {
	t.Helper()
	u, err := url.Parse("postgres://ardso@db-sf/arsystem")
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// O-6: whatever a URL with a password in it is mistaken for, the password is not repeated.
func TestNoPasswordInErrors(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"postgres://u:secret@host/db", "postgres://u:sec%zzret@host/db", "mysql://u:12secret/x@host/db", "mariadb://u:1234/secret@host/db",
		"mariadb://u:secret#x@host/db", "mysql://u@host/db?password=secret", "postgres://u@host/db?pass=secret", "postgres://u:secret@ho st/db", "u:secret@host",
		"postgres:u:secret@host/db", "postgres://u@host/db?sslmode=disable&x=%zzsecret", "mysql://u@host:secret/db", "postgres://u:?secret@host/db",
	} {
		c := Config{Server: "sf", URL: raw, Password: "secret"}
		_, err := Open(context.Background(), c)
		var oe *OpenError
		if !errors.As(err, &oe) || oe.Name() != "server.bad_url" || oe.Remedy() == "" {
			t.Errorf("%s: got %v, want server.bad_url", raw, err)
			continue
		}
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", oe.Err), oe.Remedy()} {
			if strings.Contains(text, "secret") {
				t.Errorf("%s: the password is in %q", raw, text)
			}
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("open", "config", c, "err", err)
		for _, text := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s", c, c, c, c), log.String()} {
			if strings.Contains(text, "secret") {
				t.Errorf("%s: the password is in %q", raw, text)
			}
		}
	}
}

func TestBadURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"oracle://u@h/d":                    `scheme "oracle" is none of`,
		"postgres://u@h":                    "names no database",
		"postgres://h/d":                    "names no user",
		"mariadb://h/d":                     "names no user",
		"mysql://u@h/":                      "names no database",
		"postgres://u@h/d?sslmod=require":   `unknown option "sslmod"`,
		"mysql://u@h/d?sslmode=maybe":       "sslmode is none of",
		"mysql://u@h/d?sslmode=a&sslmode=b": "more than once",
		"postgres://u@h/d?sslrootcert=/nowhere&sslmode=require": "sslrootcert:",
		"sqlite:":               "names no file",
		"sqlite::memory:":       "different one on each connection",
		"sqlite://host/file.db": "no user and no host",
		"sqlite:f.db?mode=x":    "mode is none of",
	} {
		_, err := Open(context.Background(), Config{Server: "sf", URL: raw})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", raw, err, want)
		}
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"mysql://u@h/d": "tcp h:3306", "mariadb://u@h:3307/d": "tcp h:3307", "mariadb://u@[::1]/d": "tcp [::1]:3306", "mariadb://u@/d?socket=/run/s": "unix /run/s",
	} {
		_, u, err := ForURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		config, err := MySQLConfig(u, Config{})
		if err != nil || config.Net+" "+config.Addr != want {
			t.Errorf("%s: got %v, %v, want %s", raw, config, err, want)
		}
	}
	for raw, want := range map[string]string{
		"postgres://u@h/d": "h 5432 u d", "postgresql://u@h:1/d": "h 1 u d", "postgres://u@/d?host=/run/pg&port=5": "/run/pg 5 u d", "postgres://a%20b@h/d%3f": "h 5432 a b d?",
	} {
		_, u, err := ForURL(raw)
		if err != nil {
			t.Fatal(err)
		}
		c, err := PostgresConfig(u, Config{Password: "p"})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if got := fmt.Sprint(c.Host, " ", c.Port, " ", c.User, " ", c.Database); got != want || c.Password != "p" {
			t.Errorf("%s: got %s, want %s", raw, got, want)
		}
	}
}
