package postgres

import (
	"context"

	"ardso/sql/engine"
	"ardso/sql/replication"
	"ardso/sql/value"
)

// parser turns the text of one column's values into values.
type parser func(text string) (value.Value, error)

// types knows the database's types by OID (PD-21). OIDs are not reused soon, and a type never turns
// into another, so what is known stays true for the life of a connection.
type types struct {
	engine *engine.Engine
	load   func(ctx context.Context, oids []uint32) (map[uint32]string, error)
	known  map[uint32]parser
}

func newTypes(db *engine.DB) *types {
	return &types{
		engine: db.Engine,
		load: func(ctx context.Context, oids []uint32) (map[uint32]string, error) {
			return replication.Types(ctx, db, oids)
		},
		known: map[uint32]parser{},
	}
}

// parsers returns the parser of each column, asking the database for types not met before.
func (t *types) parsers(ctx context.Context, oids []uint32) ([]parser, error) {
	var missing []uint32
	for _, o := range oids {
		if t.known[o] == nil {
			missing = append(missing, o)
		}
	}
	if missing != nil {
		names, err := t.load(ctx, missing)
		if err != nil {
			return nil, err
		}
		for _, o := range missing {
			t.known[o] = t.parser(names[o])
		}
	}
	ps := make([]parser, len(oids))
	for i, o := range oids {
		ps[i] = t.known[o]
	}
	return ps, nil
}

// parser makes the parser of a type by its base type's name. A type that was dropped after the row was
// written has none; its text is kept as it is, which is what any unknown type gets.
func (t *types) parser(name string) parser {
	kind, ok := t.engine.Kind(name)
	if !ok || name == "" {
		kind = value.KindText
	}
	return func(text string) (value.Value, error) { return t.engine.ParseText(kind, name, text) }
}
