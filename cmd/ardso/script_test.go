package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the files that scripts compare with")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"ardso": main})
}

// TestScripts runs testdata/script/*.txtar, each in a folder of its own.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"ARDSO_DEFINITIONS", "ARDSO_LOG_LEVEL", "ARDSO_LOG_FORMAT"} {
				env.Setenv(name, "")
			}
			env.Setenv("ARDSO_DEFINITIONS", "ardso.yaml")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql": scriptSQL, "rows": scriptRows, "exits": scriptExits, "json": scriptJSON,
		},
	})
}

// scriptSQL is `sql FILE.db TEXT`: runs statements on an SQLite database, which it makes if need be. TEXT
// may be the name of a file of the script that ends in .sql.
func scriptSQL(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sql FILE.db TEXT|FILE.sql")
	}
	db := scriptOpen(ts, args[0])
	defer func() { _ = db.Close() }()
	_, err := db.Exec(scriptText(ts, args[1]))
	ts.Check(err)
}

// scriptRows is `rows FILE.db QUERY WANT…`: waits until the query returns these rows, values joined by |.
func scriptRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: rows FILE.db QUERY ROW…")
	}
	db := scriptOpen(ts, args[0])
	defer func() { _ = db.Close() }()
	want := strings.Join(args[2:], "\n")
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		list, err := scriptQuery(context.Background(), db, scriptText(ts, args[1]))
		if got = strings.Join(list, "\n"); err != nil {
			got = err.Error()
		}
		if got == want {
			return
		}
	}
	ts.Fatalf("%s: %s\ngot\n%s\nwant\n%s", args[0], args[1], got, want)
}

func scriptQuery(ctx context.Context, db *sqlx.DB, query string) ([]string, error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		values, err := sqlx.SliceScan(rows)
		if err != nil {
			return nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			if texts[i] = fmt.Sprint(v); v == nil {
				texts[i] = "NULL"
			}
		}
		list = append(list, strings.Join(texts, "|"))
	}
	return list, rows.Err()
}

func scriptOpen(ts *testscript.TestScript, file string) *sqlx.DB {
	db, err := sqlx.Open("sqlite", "file:"+ts.MkAbs(file)+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
	ts.Check(err)
	return db
}

func scriptText(ts *testscript.TestScript, text string) string {
	if strings.HasSuffix(text, ".sql") {
		return ts.ReadFile(text)
	}
	return text
}

// scriptExits is `exits CODE ARG…`: runs ardso, which must end with that code.
func scriptExits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARG…")
	}
	err := ts.Exec("ardso", args[1:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("ardso %s: exit code %s, want %s", strings.Join(args[1:], " "), code, args[0])
	}
}

// scriptJSON is `json stdout|stderr N`: every line is an object, and there are N; + = at least one.
func scriptJSON(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: json stdout|stderr N")
	}
	n := 0
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var o map[string]any
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			ts.Fatalf("line %d is no JSON object: %v\n%s", n+1, err, line)
		}
		n++
	}
	if args[1] == "+" && n > 0 || fmt.Sprint(n) == args[1] {
		return
	}
	ts.Fatalf("got %d objects, want %s", n, args[1])
}
