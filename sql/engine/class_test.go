package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// Errors as real servers give them.
func TestClassOfRealErrors(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		for _, s := range []string{
			"CREATE TABLE parent (id integer NOT NULL PRIMARY KEY, word varchar(5))",
			"CREATE TABLE child (id integer NOT NULL PRIMARY KEY, parent integer, FOREIGN KEY (parent) REFERENCES parent (id))",
			"CREATE UNIQUE INDEX one_word ON parent (word)",
			"INSERT INTO parent VALUES (1, 'one')",
			"INSERT INTO child VALUES (1, 1)",
		} {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		tests := []struct {
			statement string
			want      engine.Class
		}{
			{"INSERT INTO parent VALUES (1, 'two')", engine.UniqueTaken},
			{"INSERT INTO parent VALUES (2, 'one')", engine.UniqueTaken},
			{"INSERT INTO child VALUES (2, 7)", engine.Reference},
			{"DELETE FROM parent", engine.Reference},
			{"INSERT INTO parent (word) VALUES ('x')", engine.Final},
			{"SELECT nonsense FROM parent", engine.Final},
			{"SELEC 1", engine.Final},
		}
		if db.Engine.Dialect == "sqlite" { // whose INTEGER PRIMARY KEY numbers itself
			tests[4].statement = "INSERT INTO parent (id, nothing) VALUES (1, 1)"
		} else {
			tests = append(tests, struct {
				statement string
				want      engine.Class
			}{"INSERT INTO parent VALUES (3, 'much too long')", engine.Final})
		}
		for _, test := range tests {
			if _, err := db.Exec(test.statement); err == nil || db.Engine.Class(err) != test.want {
				t.Errorf("%s: got %v, %s, want %s", test.statement, err, db.Engine.Class(err), test.want)
			}
		}
	})
}

// What we cancel is not worth another try; what runs out of time is.
func TestClassOfEndedContext(t *testing.T) {
	t.Parallel()
	slow := map[string]string{
		"postgres": "SELECT pg_sleep(30)",
		"mysql":    "SELECT sleep(30)",
		"sqlite":   "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n WHERE i < 0",
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := db.ExecContext(ctx, slow[db.Engine.Dialect]); db.Engine.Class(err) != engine.Transient {
			t.Errorf("deadline: got %v, %s, want transient", err, db.Engine.Class(err))
		}
		ctx, cancel = context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if _, err := db.ExecContext(ctx, slow[db.Engine.Dialect]); db.Engine.Class(err) != engine.Final {
			t.Errorf("canceled: got %v, %s, want final", err, db.Engine.Class(err))
		}
	})
}

func TestClassOfDeadlockAndLostConnection(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if db.Engine.SingleWriter {
			return // no second transaction can hold a lock
		}
		for _, s := range []string{"CREATE TABLE t (id integer NOT NULL PRIMARY KEY, n integer)", "INSERT INTO t VALUES (1, 0), (2, 0)"} {
			if _, err := db.Exec(s); err != nil {
				t.Fatal(err)
			}
		}
		a, b := db.MustBeginTx(t.Context(), nil), db.MustBeginTx(t.Context(), nil)
		a.MustExec("UPDATE t SET n = 1 WHERE id = 1")
		b.MustExec("UPDATE t SET n = 1 WHERE id = 2")
		other := make(chan error, 1)
		go func() { _, err := a.Exec("UPDATE t SET n = 2 WHERE id = 2"); other <- err }()
		_, err := b.Exec("UPDATE t SET n = 2 WHERE id = 1")
		_ = b.Rollback()
		err = errors.Join(err, <-other)
		_ = a.Rollback()
		if err == nil || db.Engine.Class(err) != engine.Transient {
			t.Errorf("deadlock: got %v, %s, want transient", err, db.Engine.Class(err))
		}

		conn, err := db.Connx(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		self, kill := "SELECT connection_id()", "KILL ?"
		if db.Engine.Dialect == "postgres" {
			self, kill = "SELECT pg_backend_pid()", "SELECT pg_terminate_backend($1)"
		}
		var id int64
		if err := conn.GetContext(t.Context(), &id, self); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(kill, id); err != nil {
			t.Fatal(err)
		}
		// The server ends the connection soon, not at once.
		for err = nil; err == nil; {
			_, err = conn.ExecContext(t.Context(), "UPDATE t SET n = 3 WHERE id = 1")
		}
		if db.Engine.Class(err) != engine.Transient {
			t.Errorf("lost connection: got %v, %s, want transient", err, db.Engine.Class(err))
		}
	})
}

func TestClassOfReadOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		if _, err := db.Exec("CREATE TABLE t (id integer)"); err != nil {
			t.Fatal(err)
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		readOnly := map[string]string{
			"postgres": "SET default_transaction_read_only = on", "mysql": "SET SESSION TRANSACTION READ ONLY", "sqlite": "PRAGMA query_only = 1",
		}
		if _, err := conn.ExecContext(t.Context(), readOnly[db.Engine.Dialect]); err != nil {
			t.Fatal(err)
		}
		_, err = conn.ExecContext(t.Context(), "INSERT INTO t VALUES (1)")
		if err == nil || db.Engine.Class(err) != engine.Transient {
			t.Errorf("got %v, %s, want transient", err, db.Engine.Class(err))
		}
		// Undo it: the connection goes back to the pool.
		undo := map[string]string{
			"postgres": "SET default_transaction_read_only = off", "mysql": "SET SESSION TRANSACTION READ WRITE", "sqlite": "PRAGMA query_only = 0",
		}
		if _, err := conn.ExecContext(t.Context(), undo[db.Engine.Dialect]); err != nil {
			t.Fatal(err)
		}
	})
}
