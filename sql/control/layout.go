package control

import (
	"context"
	"fmt"
	"strings"
)

// layoutPrefix is what names of layouts begin with in dso_meta.
const layoutPrefix = "layout:"

// SaveLayout keeps the text of a layout, so that a later process can tell which thread of it an
// operation fell to. id is at most 33 characters.
func SaveLayout(ctx context.Context, h Handle, id, text string) error {
	_, err := exec(ctx, h, "meta_write", layoutPrefix+id, text)
	return err
}

// LoadLayouts reads the texts of all layouts by ID.
func LoadLayouts(ctx context.Context, h Handle) (layouts map[string]string, err error) {
	rows, err := h.QueryxContext(ctx, query(h, "meta_read"))
	if err != nil {
		return nil, fmt.Errorf("read layouts: %w", err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = cerr
		}
	}()
	layouts = map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			return nil, fmt.Errorf("read layouts: %w", err)
		}
		if id, ok := strings.CutPrefix(name, layoutPrefix); ok {
			layouts[id] = text
		}
	}
	return layouts, rows.Err()
}
