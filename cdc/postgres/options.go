package postgres

import (
	"fmt"
	"hash/fnv"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// Options say how one PostgreSQL server is read. The zero value is right for most.
type Options struct {
	// Slot is the replication slot's name, [a-z0-9_]{1,63}; "" = "ardso_" and the database's name, since
	// slots are shared by all databases of a server.
	Slot string
	// Publication is the publication's name, of the same form; "" = "ardso".
	Publication string
	// NeedFull tells the tables of which images before a change must be whole, so that they get REPLICA
	// IDENTITY FULL (PD-5); nil = none.
	NeedFull func(*schema.Table) bool

	// Heartbeat is how often at most an idle log's position is delivered; 0 = 10 s.
	Heartbeat time.Duration
	// SenderTimeout is the wal_sender_timeout to ask for: the server ends a connection, and frees the
	// slot, when the reader is silent for longer. The reader gives up a network that is dead for as long,
	// and a server that is silent for three times as long. 0 = 60 s. The server's own value may be 0, which
	// would leave the slot occupied for ever after a cut (PS-6, PS-8).
	SenderTimeout time.Duration
	// PartRows and PartBytes say where a large transaction is cut into parts; 0 = 4096 rows, 4 MiB.
	PartRows  int
	PartBytes int

	// SlotTimeout bounds how long the creation of the slot waits for open transactions; 0 = 30 s (PS-16).
	SlotTimeout time.Duration

	// Log takes what an administrator may want to know; nil = nothing is logged.
	Log *slog.Logger
}

// withDefaults fills what zero means.
func (o Options) withDefaults(db *engine.DB) Options {
	if o.Slot == "" {
		o.Slot = slotName(strings.TrimPrefix(db.URL.Path, "/"))
	}
	if o.Publication == "" {
		o.Publication = "ardso"
	}
	if o.NeedFull == nil {
		o.NeedFull = func(*schema.Table) bool { return false }
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 10 * time.Second
	}
	if o.SenderTimeout <= 0 {
		o.SenderTimeout = time.Minute
	}
	if o.PartRows <= 0 {
		o.PartRows = 4096
	}
	if o.PartBytes <= 0 {
		o.PartBytes = 4 << 20
	}
	if o.SlotTimeout <= 0 {
		o.SlotTimeout = 30 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("server", db.Server, "engine", "postgres")
	return o
}

// validName is what may be spliced into replication commands (PS-23).
var validName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// validate reports names that cannot be used.
func (o Options) validate() error {
	for _, n := range []struct{ what, name string }{{"slot", o.Slot}, {"publication", o.Publication}} {
		if !validName.MatchString(n.name) {
			return fmt.Errorf("%s name %q: only a-z, 0-9 and _ are possible, at most 63 of them", n.what, n.name)
		}
	}
	return nil
}

// slotName makes the slot's name for a database. A name that has to be altered for it gets a hash, so
// that two databases never share a slot.
func slotName(database string) string {
	const prefix = "ardso_"
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(database))
	if name == database && len(prefix)+len(name) <= 63 {
		return prefix + name
	}
	h := fnv.New32a()
	h.Write([]byte(database))
	return fmt.Sprintf("%s%.40s_%08x", prefix, name, h.Sum32())
}
