package dbtest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	_ "github.com/go-sql-driver/mysql" // driver "mysql"
)

// mysql is MariaDB and MySQL.
type mysql struct{ scheme string }

var _ family = mysql{}

// systemTables are the files that make the schema mysql, in this order; a server has some of them.
var systemTables = []string{
	"mysql_system_tables.sql", "mysql_performance_tables.sql", "mysql_system_tables_data.sql",
	"mariadb_system_tables.sql", "mariadb_performance_tables.sql", "mariadb_system_tables_data.sql",
	"maria_add_gis_sp_bootstrap.sql",
}

// firstStart gives root its password. It is not logged: the first GTID is a test's own.
const firstStart = `SET sql_log_bin = 0;
SET PASSWORD FOR 'root'@'127.0.0.1' = PASSWORD('` + password + `');
SET PASSWORD FOR 'root'@'localhost' = PASSWORD('` + password + `');
`

// prepare does what mariadb-install-db does, which needs a shell's surroundings and is not there for
// MySQL 5.6.
func (mysql) prepare(ctx context.Context, p *process) error {
	script := bytes.NewBufferString("CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n")
	found := 0
	for _, name := range systemTables {
		text, err := os.ReadFile(filepath.Join(p.binaries.share, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		script.Write(text)
		script.WriteByte('\n')
		found++
	}
	if found == 0 {
		return fmt.Errorf("%s holds none of the files that make the system tables", p.binaries.share)
	}
	line := append(p.base(), "--bootstrap", "--skip-networking", "--log-warnings=0", "--max-allowed-packet=8M")
	if err := p.call(ctx, line, script.Bytes()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(p.home, "first.sql"), []byte(firstStart), 0o644)
}

// base is the part of the command line that says where things are.
func (p *process) base() []string {
	line := append([]string{}, p.binaries.server...)
	line = append(
		line,
		"--no-defaults", "--basedir="+filepath.Dir(p.binaries.share), "--datadir="+p.data(),
		"--lc-messages-dir="+p.binaries.share, "--character-sets-dir="+filepath.Join(p.binaries.share, "charsets"),
		// Its own: a server that starts deletes what it takes for left-over tables of a former one.
		"--tmpdir="+p.temp(),
	)
	if p.binaries.plugins != "" {
		line = append(line, "--plugin-dir="+p.binaries.plugins)
	}
	return line
}

func (mysql) command(p *process) []string {
	line := append(
		p.base(),
		fmt.Sprintf("--port=%d", p.port), "--bind-address=127.0.0.1",
		// Relative to the data folder, because the length of a socket's path is limited.
		"--socket=socket", "--pid-file=pid", "--init-file="+filepath.Join(p.home, "first.sql"),
	)
	return append(line, p.options...)
}

func (m mysql) settings(own []string) []string {
	all := []string{
		"skip-name-resolve", "max-connections=400",
		"character-set-server=utf8mb4", "collation-server=utf8mb4_general_ci",
		"server-id=101", "log-bin=binlog", "log-slave-updates=ON",
		"binlog-format=ROW", "binlog-row-image=FULL",
	}
	if m.scheme == "mariadb" {
		all = append(all, "gtid-domain-id=1", "gtid-strict-mode=ON", "binlog-row-metadata=FULL")
	} else {
		all = append(
			all,
			"gtid-mode=ON", "enforce-gtid-consistency", "binlog-checksum=CRC32",
			"explicit-defaults-for-timestamp", "performance-schema=OFF",
		)
	}
	if os.Getenv("ARDSO_TEST_FSYNC") == "off" {
		all = append(all, "sync-binlog=0", "innodb-flush-log-at-trx-commit=2")
	} else {
		all = append(all, "sync-binlog=1", "innodb-flush-log-at-trx-commit=1")
	}
	var line []string
	for _, s := range append(all, own...) {
		line = append(line, "--"+s)
	}
	return line
}

func (m mysql) environment() map[string]string {
	return map[string]string{strings.ToUpper(m.scheme) + "_ROOT_PASSWORD": password, "TZ": zone}
}

func (mysql) containerPort() string { return "3306/tcp" }
func (mysql) dataFolder() string    { return `SELECT @@datadir` }
func (mysql) driver() string        { return "mysql" }
func (mysql) user() string          { return "mysql" }
func (mysql) children() bool        { return false }

func (mysql) dsn(addr, database string) string {
	return fmt.Sprintf("root:%s@tcp(%s)/%s", password, addr, database)
}

func (m mysql) url(addr, database string) string {
	return fmt.Sprintf("%s://root@%s/%s", m.scheme, addr, database)
}

// drop ends the connections to a database, whose open transactions would hold it, and drops it.
func (mysql) drop(ctx context.Context, in *Instance, database string) error {
	db, err := in.superuser()
	if err != nil {
		return err
	}
	rows, err := db.QueryContext(ctx, `SELECT id FROM information_schema.processlist WHERE db = ?`, database)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		_, _ = db.ExecContext(ctx, fmt.Sprintf("KILL %d", id)) // it may have ended meanwhile
	}
	_, err = db.ExecContext(ctx, "DROP DATABASE "+database)
	return err
}

// debianMariaDB finds the MariaDB of Debian's packages.
func debianMariaDB(version string) func() (binaries, error) {
	return func() (binaries, error) {
		b := binaries{server: []string{"/usr/sbin/mariadbd"}, share: "/usr/share/mysql"}
		return b, isVersion(b.server, "MariaDB", version)
	}
}

// unpackedMariaDB finds one that was made for a newer system: it runs under the loader and with the
// libraries of that system.
func unpackedMariaDB(folder, version string) func() (binaries, error) {
	return func() (binaries, error) {
		root := filepath.Join(unpacked(), folder)
		b := binaries{
			server: []string{
				filepath.Join(root, "usr/lib64/ld-linux-x86-64.so.2"),
				"--library-path", filepath.Join(root, "usr/lib/x86_64-linux-gnu"),
				filepath.Join(root, "usr/sbin/mariadbd"),
			},
			share:   filepath.Join(root, "usr/share/mariadb"),
			plugins: filepath.Join(root, "usr/lib/mysql/plugin"),
		}
		return b, isVersion(b.server, "MariaDB", version)
	}
}

// unpackedMySQL finds a MySQL among the unpacked servers.
func unpackedMySQL(folder, version string) func() (binaries, error) {
	return func() (binaries, error) {
		root := filepath.Join(unpacked(), folder)
		b := binaries{
			server: []string{filepath.Join(root, "mysqld")},
			share:  filepath.Join(root, "share"),
			libs:   filepath.Join(root, "lib"),
		}
		return b, isVersion(b.server, "Ver", version)
	}
}

// unpacked is the folder of the servers that `make servers` installs. It is not in root's own folder,
// which the servers' accounts cannot enter.
func unpacked() string {
	if dir := os.Getenv("ARDSO_SERVERS"); dir != "" {
		return dir
	}
	if os.Geteuid() == 0 {
		return "/var/cache/ardso-servers"
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return os.TempDir()
	}
	return filepath.Join(cache, "ardso-servers")
}

// isVersion checks that a server is there and is of the product and version wanted.
func isVersion(server []string, product, version string) error {
	program := server[len(server)-1]
	if _, err := os.Stat(program); err != nil {
		return &absentError{what: "there is no " + program}
	}
	cmd := exec.Command(server[0], append(append([]string{}, server[1:]...), "--version")...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s --version: %w: %s", program, err, tail(out))
	}
	if !strings.Contains(string(out), product) || !strings.Contains(string(out), " "+version+".") {
		return &absentError{what: fmt.Sprintf("%s is no %s %s: %s", program, product, version, strings.TrimSpace(string(out)))}
	}
	return nil
}
