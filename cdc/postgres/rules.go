package postgres

import (
	"fmt"
	"time"

	"ardso/cdc"
	"ardso/sql/replication"
)

// rule is one thing that Check looks at. Its name is the same in output and documents.
type rule struct {
	name  string
	judge func(*facts) []verdict
}

// verdict is what a rule has to say.
type verdict struct {
	severity cdc.Severity
	text     string
	remedy   string
}

// rules are all of them, in the order in which an administrator would go.
var rules = []rule{
	{"postgres.wal_level", walLevel},
	{"postgres.standby", standby},
	{"postgres.privilege", privilege},
	{"postgres.slots_free", slotsFree},
	{"postgres.senders_free", sendersFree},
	{"postgres.retention", retention},
	{"postgres.idle_slot_timeout", idleSlotTimeout},
	{"postgres.sender_timeout", senderTimeout},
	{"postgres.prepared_transactions", preparedTransactions},
	{"postgres.table", tableReadable},
	{"postgres.identity", identity},
	{"postgres.publication", publicationState},
	{"postgres.membership", membership},
	{"postgres.slot", slotState},
	{"postgres.failover", failover},
}

func one(s cdc.Severity, remedy, format string, args ...any) []verdict {
	return []verdict{{s, fmt.Sprintf(format, args...), remedy}}
}

// --- the server ---

func walLevel(f *facts) []verdict {
	if f.server.WALLevel == "logical" {
		return nil
	}
	return one(cdc.Error, "ALTER SYSTEM SET wal_level = 'logical', then restart the server",
		"wal_level is %q: the log does not hold what a reader needs", f.server.WALLevel)
}

// standby: a standby's slot depends on settings of its primary, and an address that moves between
// machines breaks it (PS-26).
func standby(f *facts) []verdict {
	if !f.state.Standby {
		return nil
	}
	return one(cdc.Error, "name the primary in the url", "the server is a standby")
}

func privilege(f *facts) []verdict {
	if f.server.CanReplicate {
		return nil
	}
	return one(cdc.Error, fmt.Sprintf("ALTER ROLE %q REPLICATION", f.server.Role),
		"role %q may not read the log: it lacks REPLICATION", f.server.Role)
}

func slotsFree(f *facts) []verdict {
	if f.state.Found || f.server.UsedSlots < f.server.MaxSlots {
		return nil
	}
	return one(cdc.Error, "drop a slot that nobody needs, or raise max_replication_slots and restart the server",
		"all %d replication slots are taken", f.server.MaxSlots)
}

func sendersFree(f *facts) []verdict {
	if f.state.ActivePID != 0 || f.server.UsedSenders < f.server.MaxSenders {
		return nil
	}
	return one(cdc.Error, "raise max_wal_senders and restart the server", "all %d WAL senders are busy", f.server.MaxSenders)
}

// retention: unlimited log fills the disk while ardso stands still; a limit loses the position instead (PS-14).
func retention(f *facts) []verdict {
	if f.server.KeepMB >= 0 {
		return nil
	}
	return one(cdc.Warning, "ALTER SYSTEM SET max_slot_wal_keep_size to what the disk can spare, and watch the lag",
		"max_slot_wal_keep_size is -1: while ardso stands still, the log grows until the disk is full")
}

func idleSlotTimeout(f *facts) []verdict {
	if f.server.IdleSlotTimeoutS == 0 {
		return nil
	}
	return one(cdc.Warning, "set idle_replication_slot_timeout to 0, or to longer than ardso may ever stand still",
		"the server drops the slot's log when ardso has been away for %s (idle_replication_slot_timeout)",
		time.Duration(f.server.IdleSlotTimeoutS)*time.Second)
}

// senderTimeout: the reader asks for its own, so the server's only matters to the administrator's eyes (PS-6).
func senderTimeout(f *facts) []verdict {
	if f.server.SenderTimeoutMS != 0 {
		return nil
	}
	return one(cdc.Note, "", "wal_sender_timeout is 0: the server never gives up a dead reader by itself; ardso asks for %s on its own connection", f.o.SenderTimeout)
}

// preparedTransactions: one that was forgotten holds the log and the slot's creation (PS-28).
func preparedTransactions(f *facts) []verdict {
	const old = 10 * time.Minute
	var vs []verdict
	for _, p := range f.prepared {
		age := time.Duration(p.Age * float64(time.Second))
		if age < old && f.state.Found {
			continue
		}
		vs = append(vs, verdict{
			cdc.Warning,
			fmt.Sprintf("transaction %q of %s has been prepared for %s: it holds the log, and a slot cannot be made", p.GID, p.Owner, age.Round(time.Second)),
			"COMMIT PREPARED or ROLLBACK PREPARED, as its coordinator says",
		})
	}
	return vs
}

// --- tables ---

func tableReadable(f *facts) []verdict {
	var vs []verdict
	for _, t := range f.tables {
		name := t.Schema + "." + t.Name
		switch {
		case !t.Found:
			vs = append(vs, verdict{cdc.Error, "table " + name + " does not exist", "correct its name, or create it"})
		case t.Kind != "r" && t.Kind != "p":
			vs = append(vs, verdict{cdc.Error, name + " is no table, so the log has no rows of it", "name the table behind it"})
		case t.Persistence != "p":
			vs = append(vs, verdict{cdc.Error, "table " + name + " is not logged", "ALTER TABLE … SET LOGGED"})
		case !t.CanSelect:
			vs = append(vs, verdict{
				cdc.Error, fmt.Sprintf("role %q may not read table %s", f.server.Role, name),
				fmt.Sprintf("GRANT SELECT ON %s TO %q", name, f.server.Role),
			})
		}
	}
	return vs
}

// identity: what the log says of a row before a change (PD-5, PD-7, PD-8).
func identity(f *facts) []verdict {
	var vs []verdict
	for i, t := range f.tables {
		name := t.Schema + "." + t.Name
		switch full := t.Identity == "f"; {
		case !t.Found || full:
		case f.needFull[i]:
			vs = append(vs, verdict{
				cdc.Error, "the log has no whole rows of table " + name + " from before a change, and definitions need them", fix(f, t),
			})
		case !hasIdentity(t):
			vs = append(vs, verdict{
				cdc.Error, "table " + name + " has no primary key and no other replica identity: once it is published, PostgreSQL refuses to update it",
				"give it a primary key, or ALTER TABLE " + name + " REPLICA IDENTITY FULL",
			})
		}
	}
	return vs
}

// fix is who can set the identity: only the table's owner.
func fix(f *facts, t replication.Table) string {
	if t.Owned {
		return "run `ardso init`"
	}
	return fmt.Sprintf("as %s: ALTER TABLE %s.%s REPLICA IDENTITY FULL", t.Owner, t.Schema, t.Name)
}

// --- publication and slot ---

func publicationState(f *facts) []verdict {
	p, name := f.publication, f.o.Publication
	switch {
	case !p.Found && !f.server.CanCreate:
		return one(cdc.Error, fmt.Sprintf("GRANT CREATE ON DATABASE %q TO %q, then run `ardso init`; or let the tables' owner create it", f.state.Database, f.server.Role),
			"publication %q does not exist, and role %q may not create it", name, f.server.Role)
	case !p.Found:
		return one(cdc.Error, "run `ardso init`", "publication %q does not exist", name)
	case p.AllTables:
		return one(cdc.Warning, "drop it and run `ardso init`, which publishes the tables of the definitions only",
			"publication %q is for all tables: what is not ours is sent too", name)
	case !p.AllKinds:
		return one(cdc.Error, "run `ardso init`", "publication %q does not send all of insert, update, delete and truncate", name)
	case !p.ViaRoot:
		return one(cdc.Error, "run `ardso init`", "publication %q sends rows of partitions under the partitions' names (publish_via_partition_root)", name)
	case !p.Owned:
		return one(cdc.Note, "", "publication %q belongs to %s, so `ardso init` cannot change it", name, p.Owner)
	}
	return nil
}

// membership: the publication has exactly what is needed, whole (PS-17, PD-11, PD-25).
func membership(f *facts) []verdict {
	if !f.publication.Found || f.publication.AllTables {
		return nil
	}
	what := difference(f.publication, f.wanted)
	if what == "" {
		return nil
	}
	return one(cdc.Error, "run `ardso init`", "publication %q is not what the definitions need: %s", f.o.Publication, what)
}

// slotState: a slot that is gone or has lost its log is the end of the position (PS-13).
func slotState(f *facts) []verdict {
	s, name := f.state, f.o.Slot
	switch {
	case !s.Found:
		return one(cdc.Error, "run `ardso init`", "replication slot %q does not exist", name)
	case s.Plugin != "pgoutput" || s.SlotDatabase != s.Database:
		return one(cdc.Error, "name another slot in the definitions, or drop that one",
			"replication slot %q is for plug-in %q in database %q", name, s.Plugin, s.SlotDatabase)
	case s.WALStatus == "lost" || s.Invalidation != "":
		return one(cdc.Error, "run `ardso init`, which sets a new position, then `ardso transfer` what changed since the last one",
			"replication slot %q has lost its log (wal_status = %s%s)", name, s.WALStatus, reason(s.Invalidation))
	case s.WALStatus == "unreserved":
		return one(cdc.Warning, "start ardso, or raise max_slot_wal_keep_size", "replication slot %q is about to lose its log", name)
	case s.TwoPhase == "true":
		return one(cdc.Error, "drop it and run `ardso init`", "replication slot %q decodes prepared transactions (two_phase)", name)
	}
	return nil
}

// failover: from PostgreSQL 17 on a slot can move to a standby; before, a failover loses it (PS-12).
func failover(f *facts) []verdict {
	switch s := f.state; {
	case !s.Found:
		return nil
	case s.Failover == "":
		return one(cdc.Note, "", "this version's slots do not move to a standby: after a failover the position is lost")
	case s.Failover == "false":
		return one(cdc.Warning, "drop it and run `ardso init` while nothing is to be read", "replication slot %q does not move to a standby (failover = false)", f.o.Slot)
	}
	return nil
}
