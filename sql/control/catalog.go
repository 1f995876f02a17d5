package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/jmoiron/sqlx"

	"ardso/sql/engine"
)

// Catalog is a row of dso_catalog: the copy of a target's forms that its source keeps.
type Catalog struct {
	Server string    // logical name of the target
	Text   string    // JSON, opaque here
	Taken  time.Time // by the database's clock
}

// SaveCatalogs keeps these copies, by server, and drops all others but those of the servers in keep. What is there
// already is not written again; it returns the servers whose copies were.
func SaveCatalogs(ctx context.Context, db *engine.DB, texts map[string]string, keep ...string) (written []string, err error) {
	err = within(ctx, db, func(tx *sqlx.Tx) error {
		type row struct{ server, hash string }
		rows, err := readAll(ctx, tx, query(tx, "catalog_hashes"), nil, func(rows *sqlx.Rows) (r row, err error) { return r, rows.Scan(&r.server, &r.hash) })
		if err != nil {
			return fmt.Errorf("read dso_catalog: %w", err)
		}
		known := make(map[string]string)
		for _, r := range rows {
			known[r.server] = r.hash
			if _, ok := texts[r.server]; !ok && !slices.Contains(keep, r.server) {
				if _, err := exec(ctx, tx, "catalog_drop", r.server); err != nil {
					return err
				}
			}
		}
		for server, text := range texts {
			sum := sha256.Sum256([]byte(text))
			hash := hex.EncodeToString(sum[:])
			if known[server] == hash {
				continue
			}
			if _, err := exec(ctx, tx, "catalog_write", server, hash, text); err != nil {
				return err
			}
			written = append(written, server)
		}
		return nil
	})
	return written, err
}

// ReadCatalogs returns all copies, in order of server.
func ReadCatalogs(ctx context.Context, h Handle) ([]Catalog, error) {
	list, err := readAll(ctx, h, query(h, "catalog_read"), nil, func(rows *sqlx.Rows) (c Catalog, err error) {
		var hash string
		var taken stamp
		err = rows.Scan(&c.Server, &hash, &c.Text, &taken)
		c.Taken = taken.Time
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read dso_catalog: %w", err)
	}
	return list, nil
}
