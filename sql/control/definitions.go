package control

import (
	"context"
	"encoding/json"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// metaDefinitions is the name in dso_meta of the version of the definitions by which the server's log is carried out.
const metaDefinitions = "definitions"

// NoteDefinitions keeps the version of the definitions by which the server's log is carried out from now on, and
// returns the one before. Another version in its place is an event: who has taken it up.
func NoteDefinitions(ctx context.Context, db *engine.DB, version, who string) (before string, err error) {
	err = within(ctx, db, func(tx *sqlx.Tx) error {
		if before, err = readMetaValue(ctx, tx, metaDefinitions); err != nil || before == version {
			return err
		}
		if _, err := exec(ctx, tx, "meta_write", metaDefinitions, version); err != nil {
			return err
		}
		if before == "" {
			return nil // the first
		}
		image := func(version string) string {
			text, err := json.Marshal(map[string]string{"version": version})
			if err != nil {
				panic(err) // a text
			}
			return string(text)
		}
		_, err := InsertEvent(ctx, tx, Event{What: "definitions changed", Who: who, Before: image(before), After: image(version)})
		return err
	})
	return before, err
}

// ReadDefinitions is the version of the definitions by which the server's log was carried out last; "" = it never was.
func ReadDefinitions(ctx context.Context, h Handle) (string, error) {
	return readMetaValue(ctx, h, metaDefinitions)
}

// readMetaValue reads one row of dso_meta; "" = there is none.
func readMetaValue(ctx context.Context, h Handle, name string) (string, error) {
	type row struct{ name, value string }
	rows, err := readAll(ctx, h, query(h, "meta_read"), nil, func(rows *sqlx.Rows) (r row, err error) { return r, rows.Scan(&r.name, &r.value) })
	for _, r := range rows {
		if r.name == name {
			return r.value, err
		}
	}
	return "", err
}
