package binlog

import (
	"context"
	"fmt"
	"slices"

	"ardso/cdc"
	"ardso/sql/binlog"
	"ardso/sql/engine"
)

// Backlog measures the log behind a position: in transactions where they have GTIDs, since those do not tell the
// files they are in, else in bytes. Retained is all that the server has, which it keeps or removes by its own rules,
// so there is no limit to tell (MS-13). It fails with *cdc.PositionLostError where a reader could not go on from
// there, or *SetupError.
func Backlog(ctx context.Context, db *engine.DB, from cdc.Position, _ Options) (cdc.Backlog, error) {
	state, err := binlog.ReadState(ctx, db)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	p, err := startAt(state, from, db.Server)
	if err != nil {
		return cdc.Backlog{}, err
	}
	log, err := binlog.ReadLog(ctx, db)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	lost := func(reason string) error {
		return &cdc.PositionLostError{Server: db.Server, Position: from, Reason: reason}
	}
	if p.flavor == filePlace {
		if reason := gapInFiles(log, p.file); reason != "" {
			return cdc.Backlog{}, lost(reason)
		}
		return bytesBehind(log.Files, p.file), nil
	}
	executed, purged, err := extent(state, log)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	if !p.covers(purged) {
		return cdc.Backlog{}, lost("the server has purged transactions behind it, up to " + string(purged.text()))
	}
	all := executed.count()
	return cdc.Backlog{Unit: "transactions", Behind: max(all-p.count(), 0), Retained: all - purged.count(), Limit: -1}, nil
}

// reaches makes sure that the files reach back to a place. Asked for the beginning, a server would begin with the
// oldest file that it has, without a word.
func reaches(ctx context.Context, db *engine.DB, from cdc.Position, p position) error {
	if p.flavor != filePlace {
		return nil
	}
	log, err := binlog.ReadLog(ctx, db)
	if err != nil {
		return fmt.Errorf("%s: %w", db.Server, err)
	}
	if reason := gapInFiles(log, p.file); reason != "" {
		return &cdc.PositionLostError{Server: db.Server, Position: from, Reason: reason}
	}
	return nil
}

// extent is what the log has ever held, and what of it is gone. What the user may not see is taken for there.
func extent(state binlog.State, log binlog.Log) (executed, purged position, err error) {
	prefix, gone := mysqlPrefix, oneLine(state.Purged)
	if state.MariaDB {
		prefix, gone = mariadbPrefix, log.Purged
	}
	if executed, err = parsePosition(cdc.Position(prefix + oneLine(state.Executed))); err == nil {
		purged, err = parsePosition(cdc.Position(prefix + gone))
	}
	return executed, purged, err
}

// count is how many transactions a position covers. MariaDB's sequences may leave numbers out.
func (p position) count() (n int64) {
	for _, g := range p.mariadb {
		n += int64(g.seq)
	}
	for _, s := range p.mysql {
		for _, v := range s.intervals {
			n += v.last - v.first + 1
		}
	}
	return n
}

// gapInFiles says why a server's files cannot be read on from a place; "" = they can, as far as the user may see.
func gapInFiles(log binlog.Log, p place) string {
	if !log.Known || len(log.Files) == 0 {
		return ""
	}
	if p.name == "" { // the beginning
		p.name = log.Files[0].Name
		if _, n, _ := fileNumber(p.name); n != 1 {
			return "the log begins with " + p.name + ": what was before it has been purged"
		}
	}
	i := slices.IndexFunc(log.Files, func(f binlog.File) bool { return f.Name == p.name })
	switch {
	case i < 0:
		return "the log has no file " + p.name + ": it begins with " + log.Files[0].Name
	case log.Files[i].Size < p.offset:
		return fmt.Sprintf("file %s ends at byte %d: the log was deleted and began anew", p.name, log.Files[i].Size)
	}
	return ""
}

func bytesBehind(files []binlog.File, p place) cdc.Backlog {
	b := cdc.Backlog{Unit: "bytes", Limit: -1}
	_, at, _ := fileNumber(p.name)
	for _, f := range files {
		b.Retained += int64(f.Size)
		switch _, n, _ := fileNumber(f.Name); {
		case n == at:
			b.Behind += int64(f.Size - min(p.offset, f.Size))
		case n > at:
			b.Behind += int64(f.Size)
		}
	}
	return b
}
