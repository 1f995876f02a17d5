package binlog

import (
	"context"
	"fmt"
	"strings"

	"ardso/cdc"
	"ardso/sql/binlog"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Start returns the position at which a reader of these tables begins that has none yet: the log's present end.
// Where the log does not name columns it notes which the tables have there, in dso_shape.
//
// It returns *SetupError where there is no log, or where we may not see where it ends.
func Start(ctx context.Context, db *engine.DB, tables []*schema.Table, o Options) (cdc.Position, error) {
	o = o.withDefaults(db)
	state, err := binlog.ReadState(ctx, db)
	if err != nil {
		return "", fmt.Errorf("%s: %w", db.Server, err)
	}
	p, err := present(ctx, db, state)
	if err != nil || state.HasRowMetadata() {
		return p.text(), err
	}
	rs, err := newRelations(ctx, db, state, tables, o)
	if err != nil {
		return "", err
	}
	names := make([]string, 0, len(rs.wanted))
	for name := range rs.wanted {
		names = append(names, name)
	}
	if err := rs.shapes.begin(ctx, names, p); err != nil {
		return "", fmt.Errorf("%s: note the columns of tables: %w", db.Server, err)
	}
	return p.text(), nil
}

// present is the log's end.
func present(ctx context.Context, db *engine.DB, state binlog.State) (position, error) {
	if !state.LogBin {
		return position{}, &SetupError{Server: db.Server, Reason: "the server writes no binlog (log_bin is OFF)", Fix: logBinFix}
	}
	switch {
	case state.MariaDB:
		return parsePosition(cdc.Position(mariadbPrefix + state.Executed))
	case state.GTIDMode == "ON":
		return parsePosition(cdc.Position(mysqlPrefix + oneLine(state.Executed)))
	}
	log, err := binlog.ReadLog(ctx, db)
	if err != nil {
		return position{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	if !log.Known {
		return position{}, &SetupError{
			Server: db.Server, Reason: "the user may not see where the log ends, and the server gives transactions no GTID",
			Fix: "GRANT REPLICATION CLIENT ON *.* to it, or set gtid_mode = ON",
		}
	}
	return position{flavor: filePlace, file: place{name: log.File, offset: log.Offset, server: state.UUID}}, nil
}

const logBinFix = "start the server with log_bin, and with binlog_format = ROW"

// oneLine: MySQL breaks a set into lines.
func oneLine(set string) string { return strings.ReplaceAll(set, "\n", "") }

// startAt makes sure that the log can be read on from a position without a gap (MS-11). What only the server can
// tell, whether it still has the log from there on, it says when it is asked for it.
func startAt(state binlog.State, from cdc.Position, server string) (position, error) {
	lost := func(reason string, args ...any) (position, error) {
		return position{}, &cdc.PositionLostError{Server: server, Position: from, Reason: fmt.Sprintf(reason, args...)}
	}
	p, err := parsePosition(from)
	if err != nil {
		return lost("%v", err)
	}
	if !state.LogBin {
		return position{}, &SetupError{Server: server, Reason: "the server writes no binlog (log_bin is OFF)", Fix: logBinFix}
	}
	if p.flavor == noFlavor {
		p = beginning(state)
	}
	switch now := flavorOf(state); {
	case p.flavor != now:
		return lost("it counts by %s, and the server's log by %s", p.flavor, now)
	case p.flavor == mariadbGTID:
		missing, err := unknownTo(state.LastOf, p.mariadb)
		if err != nil {
			return position{}, fmt.Errorf("%s: gtid_binlog_state: %w", server, err)
		}
		if missing != "" {
			return lost("the server's log has never held transaction %s: it is another server, or one that was set back (gtid_binlog_state is %q)", missing, state.LastOf)
		}
	case p.flavor == mysqlGTID:
		why, err := gapInSet(state, p.mysql)
		if err != nil {
			return position{}, fmt.Errorf("%s: %w", server, err)
		}
		if why != "" {
			return lost("%s", why)
		}
	case p.file.server != state.UUID:
		return lost("it is a place in the files of server %s, and this one is %s", p.file.server, state.UUID)
	}
	return p, nil
}

// flavorOf is what positions in a server's log count by.
func flavorOf(state binlog.State) flavor {
	switch {
	case state.MariaDB:
		return mariadbGTID
	case state.GTIDMode == "ON":
		return mysqlGTID
	}
	return filePlace
}

// beginning is before all that the server has ever logged. A server asked for it says so where it has purged some.
func beginning(state binlog.State) position {
	p := position{flavor: flavorOf(state)}
	if p.flavor == filePlace {
		p.file = place{offset: firstEvent, server: state.UUID}
	}
	return p
}

// unknownTo returns the first transaction of a position that MariaDB's log has never held; state is the last of
// each server in each domain.
func unknownTo(state string, p mariadbState) (string, error) {
	last := map[[2]uint32]uint64{}
	for text := range strings.SplitSeq(state, ",") {
		if text == "" {
			continue
		}
		g, err := parseMariaDBEntry(text)
		if err != nil {
			return "", err
		}
		last[[2]uint32{g.domain, g.server}] = g.seq
	}
	for _, g := range p {
		if last[[2]uint32{g.domain, g.server}] < g.seq {
			return mariadbState{g}.text(), nil
		}
	}
	return "", nil
}

// gapInSet says why MySQL cannot go on from a position, "" if it can: it must have executed all of it, and purged
// nothing besides.
func gapInSet(state binlog.State, p mysqlSet) (why string, err error) {
	executed, err := parseMySQLSet(oneLine(state.Executed))
	if err != nil {
		return "", fmt.Errorf("gtid_executed: %w", err)
	}
	purged, err := parseMySQLSet(oneLine(state.Purged))
	if err != nil {
		return "", fmt.Errorf("gtid_purged: %w", err)
	}
	switch {
	case !executed.containsSet(p):
		return fmt.Sprintf("the server has never had some of its transactions: it is another server, or one that was set back (gtid_executed is %q)", executed.text()), nil
	case !p.containsSet(purged):
		return fmt.Sprintf("the server has purged transactions behind it (gtid_purged is %q)", purged.text()), nil
	}
	return "", nil
}

// alone makes sure that nobody else has our number: the server would end the one connection for the other's sake,
// again and again (MS-5). Where the user may not see the list of replicas, the server's own word must do.
func (r *Reader) alone(ctx context.Context, state binlog.State) error {
	replicas, _, err := binlog.ReadReplicas(ctx, r.db)
	if err != nil {
		return fmt.Errorf("%s: %w", r.db.Server, err)
	}
	if who := taken(state, replicas, r.o.ServerID, r.db.Server); who != "" {
		return &ServerIDTakenError{Server: r.db.Server, ServerID: r.o.ServerID, Who: who}
	}
	return nil
}

// taken says who else has a number; "" = nobody. Our own predecessor, whose connection the server has not given up
// yet, has our name.
func taken(state binlog.State, replicas []binlog.Replica, id uint32, server string) string {
	if state.ServerID == id {
		return "the server itself"
	}
	for _, x := range replicas {
		if x.ServerID == id && x.Host != replicaHost(server) {
			return fmt.Sprintf("a replica on host %q", x.Host)
		}
	}
	return ""
}
