package binlog

import (
	"context"
	"database/sql"

	"ardso/sql/engine"
)

type State struct {
	LowerCaseTableNames                   int
	GTIDMode, Pos, Executed, Purged, UUID string
	File                                  string
	Offset                                uint64
	ServerID                              uint32
}

func (s State) HasRowMetadata() bool { return s.GTIDMode == "mariadb" }

func ReadState(ctx context.Context, db *engine.DB) (State, error) {
	var s State
	var err error
	if err = db.QueryRowContext(ctx, "SELECT @@lower_case_table_names, @@server_id").Scan(&s.LowerCaseTableNames, &s.ServerID); err != nil {
		return s, err
	}
	if db.Engine.Name == "mariadb" {
		s.GTIDMode = "mariadb"
		err = db.QueryRowContext(ctx, "SELECT @@gtid_binlog_pos").Scan(&s.Pos)
		return s, err
	}
	if err = db.QueryRowContext(ctx, "SELECT @@gtid_mode, @@global.gtid_executed, @@global.gtid_purged, @@server_uuid").Scan(&s.GTIDMode, &s.Executed, &s.Purged, &s.UUID); err != nil {
		return s, err
	}
	var x, y, z sql.NullString
	err = db.QueryRowContext(ctx, "SHOW MASTER STATUS").Scan(&s.File, &s.Offset, &x, &y, &z)
	return s, err
}

func Charsets(ctx context.Context, db *engine.DB) (map[uint32]string, error) {
	m := map[uint32]string{}
	query := "SELECT id, character_set_name FROM information_schema.collations WHERE id IS NOT NULL"
	if db.Engine.Name == "mariadb" && db.Engine.Version >= 101000 {
		query = "SELECT id, character_set_name FROM information_schema.collation_character_set_applicability WHERE id IS NOT NULL"
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id uint32
		var n sql.NullString
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		m[id] = n.String
	}
	return m, rows.Err()
}
