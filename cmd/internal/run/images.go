package run

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"ardso/apply"
	"ardso/mapping"
	"ardso/mapping/request"
	"ardso/sql/catalog"
	"ardso/sql/schema"
	"ardso/sql/statement"
	"ardso/sql/value"
)

// Form reads the catalog of a connection and returns the form of that name; nil where there is none.
func (c *Connection) Form(ctx context.Context, name string) (*schema.Form, error) {
	if err := c.readCatalog(ctx); err != nil {
		return nil, err
	}
	return c.Catalog.Form(name), nil
}

func (c *Connection) readCatalog(ctx context.Context) (err error) {
	if c.Catalog == nil {
		c.Catalog, err = catalog.Load(ctx, c.DB, spec(c.Def))
	}
	return err
}

// TargetNow reads the request that an operation is to write, as it stands now on the connection's
// server: by field ID, nil where there is none, or where the operation does not name it by its key.
func (c *Connection) TargetNow(ctx context.Context, op *mapping.Operation) (map[int]value.Value, error) {
	form, err := c.Form(ctx, op.TargetForm)
	if err != nil || form == nil || op.Match != "" {
		return nil, err
	}
	key := op.TargetKey()
	if op.Home != nil { // is about the request itself, whatever fields it has
		if key, err = request.ParseID(form, op.Request); err != nil {
			return nil, err
		}
	}
	rows, err := statement.NewWriter(c.DB).Lookup(ctx, c.DB, form, [][]value.Value{key}, false)
	if err != nil || rows[0] == nil {
		return nil, err
	}
	image := make(map[int]value.Value, len(form.Fields))
	for _, f := range form.Fields {
		image[f.ID] = rows[0][f.Index]
	}
	return image, nil
}

// InOrder has the fields of a table as its columns stand, those of an AR System form by ID. form may be nil.
func InOrder(form *schema.Form, list []mapping.FieldChange) []mapping.FieldChange {
	if form == nil || form.ID != 0 || form.Table == nil {
		return list
	}
	place := func(c mapping.FieldChange) int {
		f := form.FieldByID(c.Field)
		return slices.IndexFunc(form.Table.Columns, func(x *schema.Column) bool { return f != nil && x == f.Column })
	}
	return slices.SortedStableFunc(slices.Values(list), func(a, b mapping.FieldChange) int { return place(a) - place(b) })
}

// ReadOperations reads the operations that a row of dso_pending_error holds, in order.
func ReadOperations(text string) (ops []*mapping.Operation, err error) {
	if err := json.Unmarshal([]byte(text), &ops); err != nil {
		return nil, fmt.Errorf("read operation of dso_pending_error: %w", err)
	}
	return ops, nil
}

// ReadConflict reads both images of a row of dso_conflict: the operation with what was lost when it was settled, and
// what the target held, by field ID; nil where it held nothing.
func ReadConflict(source, target string) (r apply.Recorded, held map[int]value.Value, err error) {
	if err := json.Unmarshal([]byte(source), &r); err != nil {
		return r, nil, fmt.Errorf("read source image of dso_conflict: %w", err)
	}
	if err := json.Unmarshal([]byte(target), &held); err != nil {
		return r, nil, fmt.Errorf("read target image of dso_conflict: %w", err)
	}
	return r, held, nil
}
