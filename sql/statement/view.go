package statement

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// View is the database as it stood at one moment, whatever is written meanwhile. It holds a connection until
// Close.
type View struct {
	*sqlx.Conn
	db *engine.DB
}

// DriverName tells which engine's statements run on it.
func (v *View) DriverName() string { return v.db.DriverName() }

func (v *View) Rebind(query string) string { return v.db.Rebind(query) }

func (v *View) BindNamed(query string, arg any) (string, []any, error) {
	return v.db.BindNamed(query, arg)
}

// OpenView opens a view of this moment. Nothing is locked.
func OpenView(ctx context.Context, db *engine.DB) (_ *View, err error) {
	text, err := files.ReadFile(db.Engine.Dialect + "/view.sql")
	if err != nil {
		return nil, err
	}
	conn, err := db.Connx(ctx)
	if err != nil {
		return nil, err
	}
	v := &View{Conn: conn, db: db}
	for s := range strings.SplitSeq(string(text), ";\n") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return nil, errors.Join(err, v.Close())
		}
	}
	return v, nil
}

// Close gives the connection back.
func (v *View) Close() error {
	_, err := v.ExecContext(context.Background(), "ROLLBACK") // nothing was written
	if err != nil {                                           // nobody else may get a connection with an open transaction
		_ = v.Raw(func(any) error { return driver.ErrBadConn })
	}
	return errors.Join(err, ignoreDone(v.Conn.Close()))
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}
