package binlog

import (
	"context"
	"hash/fnv"
	"strings"

	"ardso/cdc"
	"ardso/cdc/binlog/event"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

func hash64(s string) uint64 { h := fnv.New64a(); h.Write([]byte(s)); return h.Sum64() }

func (r *Reader) alone(ctx context.Context, s binlog.State) error { return nil }

type shapeColumn struct {
	Name, DataType, ColumnType, Charset string
	OctetLength                         int
	Unsigned, Key                       bool
	Labels                              []string
}
type shapes struct{ db *engine.DB }

func loadShapes(ctx context.Context, db *engine.DB) (*shapes, error) { return &shapes{db}, nil }
func (s *shapes) at(ctx context.Context, schema, table string, p position) ([]shapeColumn, error) {
	return readShape(ctx, s.db, table)
}
func (s *shapes) changed(ctx context.Context, schema, table string, p position) error { return nil }
func fits(c []shapeColumn, m *event.TableMap) error                                    { return nil }
func fitsColumn(c shapeColumn, m event.Column) error                                    { return nil }
func readShape(ctx context.Context, db *engine.DB, table string) ([]shapeColumn, error) {
	rows, err := db.QueryContext(ctx, "SELECT column_name, data_type, column_type, coalesce(character_set_name,''), column_key='PRI' FROM information_schema.columns WHERE table_schema=database() AND table_name=? ORDER BY ordinal_position", table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var cs []shapeColumn
	for rows.Next() {
		var c shapeColumn
		if err := rows.Scan(&c.Name, &c.DataType, &c.ColumnType, &c.Charset, &c.Key); err != nil {
			return nil, err
		}
		c.Unsigned = strings.Contains(c.ColumnType, "unsigned")
		cs = append(cs, c)
	}
	return cs, rows.Err()
}

func Plan(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) ([]cdc.Step, error) {
	return nil, nil
}
func Start(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) (cdc.Position, error) {
	s, err := binlog.ReadState(ctx, db)
	if err != nil {
		return "", err
	}
	if s.GTIDMode == "mariadb" {
		return cdc.Position("mariadb:" + s.Pos), nil
	}
	return cdc.Position("mysql:" + strings.ReplaceAll(s.Executed, "\n", "")), nil
}
func startAt(s binlog.State, from cdc.Position, server string) (position, error) {
	p, err := parsePosition(from)
	if err != nil {
		return p, &cdc.PositionLostError{Server: server, Position: from, Reason: err.Error()}
	}
	return p, nil
}
