package triggerlog

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
)

var (
	//go:embed data_version.sql
	dataVersionSQL string
	//go:embed schema_version.sql
	schemaVersionSQL string
	//go:embed busy_timeout.sql
	busyTimeoutSQL string
	//go:embed journal_mode.sql
	journalModeSQL string
	//go:embed lock.sql
	lockSQL string
)

// DataVersion is a number that changes when another connection commits. It compares only with what the
// same connection said before.
func DataVersion(ctx context.Context, conn *sqlx.Conn) (int64, error) {
	return pragma[int64](ctx, conn, dataVersionSQL)
}

// SchemaVersion is a number that changes with every change of the schema.
func SchemaVersion(ctx context.Context, q Querier) (int64, error) {
	return pragma[int64](ctx, q, schemaVersionSQL)
}

// JournalMode is how the database commits: wal, delete, ….
func JournalMode(ctx context.Context, q Querier) (string, error) {
	return pragma[string](ctx, q, journalModeSQL)
}

// SetBusyTimeout sets how long a connection waits for a lock, and returns what it was.
func SetBusyTimeout(ctx context.Context, conn *sqlx.Conn, d time.Duration) (before time.Duration, err error) {
	ms, err := pragma[int64](ctx, conn, busyTimeoutSQL)
	if err != nil {
		return 0, err
	}
	statement := fmt.Sprintf("%s = %d", strings.TrimSpace(busyTimeoutSQL), d.Milliseconds())
	if _, err := conn.ExecContext(ctx, statement); err != nil {
		return 0, fmt.Errorf("set the busy timeout: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// Lock takes the write lock and gives it back: nil says that the database can be written.
func Lock(ctx context.Context, conn *sqlx.Conn) error {
	if _, err := conn.ExecContext(ctx, lockSQL); err != nil {
		return err
	}
	_, err := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
	return err
}

func pragma[T any](ctx context.Context, q Querier, statement string) (T, error) {
	var v T
	if err := q.GetContext(ctx, &v, statement); err != nil {
		return v, fmt.Errorf("%s: %w", strings.TrimSpace(statement), err)
	}
	return v, nil
}
