package binlog

import (
	"context"
	"fmt"
	"slices"

	"ardso/cdc"
	"ardso/sql/binlog"
	"ardso/sql/engine"
)

// Backlog measures the log behind a position: in transactions where they have GTIDs, since those do not tell how
// many bytes lie between, else in bytes. The server keeps its log by rules of its own and for nobody in particular
// (MS-13), so nothing is retained but what lies behind, and no limit can be told.
//
// It fails with *cdc.PositionLostError where a reader could not go on from there, as far as the user may see, and
// with *SetupError.
func Backlog(ctx context.Context, db *engine.DB, from cdc.Position, _ Options) (cdc.Backlog, error) {
	state, err := binlog.ReadState(ctx, db)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	at, err := startAt(state, from, db.Server)
	if err != nil {
		return cdc.Backlog{}, err
	}
	log, err := binlog.ReadLog(ctx, db)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	reason, err := purgedBehind(log, at)
	if err != nil {
		return cdc.Backlog{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	if reason != "" {
		return cdc.Backlog{}, &cdc.PositionLostError{Server: db.Server, Position: from, Reason: reason}
	}
	b := cdc.Backlog{Unit: "transactions", Limit: -1}
	if at.flavor == filePlace {
		b.Unit, b.Behind = "bytes", bytesBehind(log.Files, at.file)
	} else {
		end, err := present(ctx, db, state)
		if err != nil {
			return b, err
		}
		b.Behind = end.count(at)
	}
	b.Retained = b.Behind
	return b, nil
}

// purgedBehind says what the log lacks behind a position; "" = nothing that is known of. MySQL's GTIDs were looked at
// before: the server tells everybody which it has purged.
func purgedBehind(log binlog.Log, p position) (string, error) {
	switch {
	case !log.Known:
		return "", nil
	case p.flavor == mariadbGTID:
		purged, err := parseMariaDBState(log.Purged)
		if err != nil {
			return "", fmt.Errorf("where the log begins: %w", err)
		}
		for _, g := range purged {
			if i, found := p.mariadb.find(g.domain); !found || p.mariadb[i].seq < g.seq {
				return fmt.Sprintf("the server has purged transactions behind it, up to %s", purged.text()), nil
			}
		}
	case p.flavor == filePlace && len(log.Files) > 0:
		return lacks(log.Files, p.file), nil
	}
	return "", nil
}

// lacks says why files do not hold a place. One without a name is the beginning of all that was ever logged.
func lacks(files []binlog.File, p place) string {
	if p.name == "" {
		if _, n, _ := fileNumber(files[0].Name); n > 1 {
			return "the log begins with file " + files[0].Name + ": those before have been purged"
		}
		return ""
	}
	i := slices.IndexFunc(files, func(f binlog.File) bool { return f.Name == p.name })
	switch {
	case i < 0:
		return fmt.Sprintf("the log has no file %s, its files are %s to %s", p.name, files[0].Name, files[len(files)-1].Name)
	case files[i].Size < p.offset:
		return fmt.Sprintf("file %s ends at byte %d: the log was deleted and began anew", p.name, files[i].Size)
	}
	return ""
}

// bytesBehind is the length of the log from a place in one of its files on.
func bytesBehind(files []binlog.File, p place) (n int64) {
	_, at, _ := fileNumber(p.name)
	for _, f := range files {
		switch _, number, _ := fileNumber(f.Name); {
		case number > at:
			n += int64(f.Size)
		case number == at:
			n += int64(f.Size - min(p.offset, f.Size))
		}
	}
	return n
}

// count is how many transactions p covers that from does not. MariaDB may leave numbers of a domain out; each server
// of a domain counts on from where the one before it was.
func (p position) count(from position) (n int64) {
	for _, g := range p.mariadb {
		if i, found := from.mariadb.find(g.domain); found {
			n += int64(g.seq - min(from.mariadb[i].seq, g.seq))
		} else {
			n += int64(g.seq)
		}
	}
	return n + p.mysql.size() - from.mysql.size() // p has all that from has, see startAt
}
