package dbtest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ardso/sql/engine"
)

// childMode is set in a test process that a test starts of itself: see TestHelper.
const childMode = "DBTEST_CHILD"

func TestMain(m *testing.M) { Main(m) }

func TestEachAnswers(t *testing.T) {
	Each(t, func(t *testing.T, db *engine.DB) {
		var one int
		if err := db.GetContext(t.Context(), &one, "SELECT 1"); err != nil || one != 1 {
			t.Fatalf("SELECT 1: got %d, %v", one, err)
		}
		if c := db.Config(); c.URL == "" || strings.Contains(c.URL, password) {
			t.Errorf("URL: got %q, want one without the password", c.URL)
		}
	})
}

// Two databases of one engine do not see each other's tables.
func TestIsolated(t *testing.T) {
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				db := New(t, name)
				if _, err := db.ExecContext(t.Context(), "CREATE TABLE repair (id INT PRIMARY KEY)"); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A database is dropped at the end of its test, though a connection holds a transaction open in it and,
// on PostgreSQL, a replication slot is left.
func TestDropped(t *testing.T) {
	for _, name := range Names() {
		if name == sqlite {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in *Instance
			var database string
			t.Run("use", func(t *testing.T) {
				db := New(t, name)
				in = find(t, name).instance
				database = strings.TrimPrefix(db.URL.Path, "/")
				conn, err := engine.Open(t.Context(), db.Config())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if _, err := conn.ExecContext(t.Context(), "CREATE TABLE repair (id INT PRIMARY KEY)"); err != nil {
					t.Fatal(err)
				}
				if db.Engine.Name == "postgres" {
					const slot = `SELECT pg_create_logical_replication_slot('left_' || current_database(), 'pgoutput')`
					if _, err := db.ExecContext(t.Context(), slot); err != nil {
						t.Fatal(err)
					}
				}
				tx, err := conn.BeginTxx(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = tx.Rollback() })
				if _, err := tx.ExecContext(t.Context(), "INSERT INTO repair VALUES (1)"); err != nil {
					t.Fatal(err)
				}
			})
			if in == nil {
				t.SkipNow() // the engine is missing, as "use" has said
			}
			admin, err := in.superuser()
			if err != nil {
				t.Fatal(err)
			}
			var left int
			list := "SELECT count(*) FROM information_schema.schemata WHERE schema_name = '" + database + "'"
			if in.kind.family.children() {
				list = "SELECT count(*) FROM pg_database WHERE datname = '" + database + "'"
			}
			if err := admin.QueryRowContext(t.Context(), list).Scan(&left); err != nil || left != 0 {
				t.Errorf("databases named %s after the test: got %d, %v; want 0", database, left, err)
			}
		})
	}
}

// A private server can be stopped, killed and paused, keeps its address and what was committed, and
// takes settings.
func TestServer(t *testing.T) {
	setting := map[string][2]string{
		"postgres15":   {"wal_level=replica", "SHOW wal_level"},
		"mariadb10.11": {"binlog-row-image=MINIMAL", "SELECT @@binlog_row_image"},
	}
	for name, s := range setting {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Server(t, name, s[0])
			db := in.Database(t)
			var got string
			if err := db.GetContext(t.Context(), &got, s[1]); err != nil || !strings.HasSuffix(s[0], "="+got) {
				t.Errorf("%s: got %q, %v; want %s", s[1], got, err, s[0])
			}
			if _, err := db.ExecContext(t.Context(), "CREATE TABLE repair (id INT PRIMARY KEY)"); err != nil {
				t.Fatal(err)
			}
			for i, end := range []func(testing.TB){in.Stop, in.Kill} {
				if _, err := db.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO repair VALUES (%d)", i)); err != nil {
					t.Fatal(err)
				}
				end(t)
				if err := db.PingContext(t.Context()); err == nil {
					t.Error("the server answers after its end")
				}
				in.Start(t)
				// The pool drops its dead connections one by one.
				for try := 0; db.PingContext(t.Context()) != nil && try < 20; try++ {
				}
				var rows int
				if err := db.GetContext(t.Context(), &rows, "SELECT count(*) FROM repair"); err != nil || rows != i+1 {
					t.Fatalf("rows after restart: got %d, %v; want %d", rows, err, i+1)
				}
			}
			in.Pause(t)
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			if _, err := db.ExecContext(ctx, "SELECT 1"); err == nil {
				t.Error("a paused server answers")
			}
			in.Resume(t)
			if err := db.PingContext(t.Context()); err != nil {
				t.Errorf("ping after resume: %v", err)
			}
		})
	}
}

// Servers and folders are gone after the test process, however it ends.
func TestGone(t *testing.T) {
	ends := []string{"return", "pause and SIGKILL", "panic", "exit", "SIGKILL"}
	if testing.Short() {
		ends = ends[:2]
	}
	for _, end := range ends {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			tmp := t.TempDir()
			// The servers' own accounts must get through.
			for dir := tmp; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
				if err := os.Chmod(dir, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			child := exec.Command(os.Args[0], "-test.run=^TestHelper$")
			child.Env = append(os.Environ(), childMode+"="+end, "TMPDIR="+tmp, "ARDSO_TEST_ENGINES=", "ARDSO_TEST_FSYNC=")
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			servers := serversOf(out)
			if len(servers) != 2 {
				t.Errorf("servers of the child: got %d, want PostgreSQL and MariaDB", len(servers))
			}
			if strings.Contains(end, "SIGKILL") {
				_ = child.Process.Kill()
			}
			_ = child.Wait()
			gone := func() bool {
				if slices.ContainsFunc(servers, exists) {
					return false
				}
				left, _ := filepath.Glob(filepath.Join(tmp, "ardso-*"))
				return len(left) == 0
			}
			for deadline := time.Now().Add(20 * time.Second); !gone(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					left, _ := filepath.Glob(filepath.Join(tmp, "ardso-*"))
					t.Fatalf("20 s after the end of the tests: servers %v, folders %v", servers, left)
				}
			}
		})
	}
}

// serversOf reads the process or container IDs that TestHelper prints, up to the line "ready".
func serversOf(out io.Reader) []string {
	var ids []string
	for s := bufio.NewScanner(out); s.Scan() && s.Text() != "ready"; {
		if id, is := strings.CutPrefix(s.Text(), "server "); is {
			ids = append(ids, id)
		}
	}
	return ids
}

// exists reports whether a process or container is still there.
func exists(id string) bool {
	if docker() {
		return exec.Command("docker", "inspect", id).Run() == nil
	}
	pid, err := strconv.Atoi(id)
	return err != nil || syscall.Kill(pid, 0) == nil
}

// TestHelper is run by TestGone in a process of its own.
func TestHelper(t *testing.T) {
	end := os.Getenv(childMode)
	if end == "" {
		return
	}
	var all []*Instance
	for _, name := range []string{"postgres15", "mariadb10.11"} {
		New(t, name)
		all = append(all, find(t, name).instance)
	}
	for _, in := range all {
		switch r := in.runner.(type) {
		case *process:
			fmt.Println("server", r.cmd.Process.Pid)
		case *container:
			fmt.Println("server", r.made.GetContainerID())
		}
		if end == "pause and SIGKILL" {
			in.Pause(t)
		}
	}
	fmt.Println("ready")
	switch end {
	case "panic":
		panic("on purpose")
	case "exit":
		os.Exit(3)
	case "return":
	default:
		time.Sleep(time.Minute) // the parent kills this process
	}
}

// A missing engine is skipped by name, named at the end, and fails the run under CI.
func TestMissing(t *testing.T) {
	tests := []struct {
		name, ci string
		fails    bool
	}{
		{"at a desk", "", false},
		{"under CI", "true", true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run=^TestEachAnswers$", "-test.v")
			child.Env = append(os.Environ(), "CI="+test.ci, "ARDSO_SERVERS="+t.TempDir(), "ARDSO_TEST_ENGINES=mysql5.6,sqlite", "ARDSO_TEST_DOCKER=")
			out, err := child.CombinedOutput()
			if (err != nil) != test.fails {
				t.Errorf("result: got %v, want failure %v", err, test.fails)
			}
			for _, want := range []string{"missing engines: mysql5.6", "make servers"} {
				if !strings.Contains(string(out), want) {
					t.Errorf("output: want %q in\n%s", want, out)
				}
			}
		})
	}
}
