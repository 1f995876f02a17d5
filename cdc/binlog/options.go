package binlog

import (
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"ardso/sql/engine"
)

// Options say how one MariaDB or MySQL server is read. The zero value is right for most.
type Options struct {
	// ServerID is the number under which the reader registers as a replica; no server and no other replica
	// of that server may have it (MS-5). 0 = derived from the server's logical name and its database.
	ServerID uint32
	// Heartbeat is how often at most an idle log's position is delivered; 0 = 10 s.
	Heartbeat time.Duration
	// Silence is after how long without a word the server is given up; it is asked for a heartbeat four
	// times as often (MS-25). 0 = 60 s.
	Silence time.Duration
	// PartRows and PartBytes say where a large transaction is cut into parts; 0 = 4096 rows, 4 MiB.
	PartRows  int
	PartBytes int

	// Log takes what an administrator may want to know; nil = nothing is logged.
	Log *slog.Logger
}

// withDefaults fills what zero means.
func (o Options) withDefaults(db *engine.DB) Options {
	if o.ServerID == 0 {
		o.ServerID = derivedServerID(db.Server, strings.TrimPrefix(db.URL.Path, "/"))
	}
	if o.Heartbeat <= 0 {
		o.Heartbeat = 10 * time.Second
	}
	if o.Silence <= 0 {
		o.Silence = time.Minute
	}
	if o.PartRows <= 0 {
		o.PartRows = 4096
	}
	if o.PartBytes <= 0 {
		o.PartBytes = 4 << 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Log = o.Log.With("server", db.Server, "engine", db.Engine.Name)
	return o
}

// derivedServerID lies above what people number servers with.
func derivedServerID(server, database string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(server + "/" + database))
	return firstServerID + h.Sum32()%serverIDs
}

// spareServerID is a number for one session.
func spareServerID() uint32 { return firstServerID + rand.Uint32N(serverIDs) }

const firstServerID, serverIDs = 3_000_000_000, 1_000_000_000
