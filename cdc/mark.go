package cdc

import (
	"strings"

	"ardso/sql/value"
)

// Names of the control tables that readers look for in the log. Package control creates them.
const (
	CheckpointTable = "dso_checkpoint"
	WatermarkTable  = "dso_watermark"
	// OwnerTable is read as any other table, beside the requests that its rows speak of.
	OwnerTable = "dso_owner"
	// JoinTable is read as any other table: its rows bring changes of join forms' requests.
	JoinTable = "dso_join"
)

// IsControl reports whether a table is one of ardso's own whose rows are no changes of requests.
func IsControl(table string) bool {
	return len(table) > 4 && strings.EqualFold(table[:4], "dso_") && !strings.EqualFold(table, OwnerTable) && !strings.EqualFold(table, JoinTable)
}

// ReadMark reads the mark from the after image of a row of dso_checkpoint.
func ReadMark(c RowChange) *Mark {
	col := columns(c)
	m := &Mark{Origin: col("origin"), Mapping: col("mapping"), WriteBack: col("write_back") == "1"}
	if p := col("path"); p != "" {
		m.Path = strings.Split(p, PathSeparator)
	}
	return m
}

// PathSeparator stands between the servers of a path; server names cannot hold it.
const PathSeparator = ">"

// ReadWatermark reads a watermark from the after image of a row of dso_watermark.
func ReadWatermark(c RowChange) Watermark {
	col := columns(c)
	return Watermark{Kind: WatermarkKind(col("kind")), Name: col("name")}
}

// columns looks columns up by name without regard to case; NULL and absent read as "".
func columns(c RowChange) func(string) string {
	return func(name string) string {
		for i, n := range c.Relation.Columns {
			if strings.EqualFold(n, name) && i < len(c.After) && c.After[i].Kind() > value.KindNull {
				return c.After[i].SQL()
			}
		}
		return ""
	}
}
