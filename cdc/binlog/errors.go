package binlog

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"ardso/cdc"
	"ardso/cdc/binlog/wire"
)

// SetupError is a server whose log cannot be read as it is set up.
type SetupError struct {
	Server string
	Reason string
	Fix    string
	Err    error // what the server said, if it said something
}

func (e *SetupError) Error() string {
	s := e.Server + ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *SetupError) Unwrap() error  { return e.Err }
func (e *SetupError) Name() string   { return "reader.not_set_up" }
func (e *SetupError) Remedy() string { return e.Fix }

// ServerIDTakenError is another replica of the server under our number: the two would cut each other off
// again and again (MS-5).
type ServerIDTakenError struct {
	Server   string
	ServerID uint32
	Who      string // what is known of the other
}

func (e *ServerIDTakenError) Error() string {
	return fmt.Sprintf("%s: server_id %d, under which ardso reads the log, is taken by %s", e.Server, e.ServerID, e.Who)
}

func (e *ServerIDTakenError) Name() string { return "reader.server_id_taken" }

func (e *ServerIDTakenError) Remedy() string {
	return "give server " + e.Server + " a server_id of its own in the definitions, or the other replica another number"
}

// SilentError is a server that keeps the connection open and says nothing, not even the heartbeat that it was
// asked for (MS-25). The connection is given up; a new one may do.
type SilentError struct {
	Server string
	For    time.Duration
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("%s: the replication connection has been silent for %s", e.Server, e.For.Round(time.Second))
}

func (e *SilentError) Name() string { return "reader.silent" }

func (e *SilentError) Remedy() string {
	return "ardso connects again by itself; if it comes again, look at the server's load and at the network between"
}

// What a server says with error 1236, by what it means (MS-12). The texts are those of MariaDB 10.6 to 11.8 and
// MySQL 5.6 to 8.4.
const cannotDump = 1236

// sameID is MariaDB's number for two replicas that have the same one.
const sameID = 4052

var (
	lostTexts = []string{
		"could not find first log file", "could not find gtid state", "purged", "not in the master's binlog",
		"is not in the master", "could not find the requested", "requested slave gtid", "slave has more gtids",
		"replica has more gtids", "beyond the end", "impossible position", "past eof", "could not open log file",
		"position > file size", "an alternate history",
		"is missing the gtid",
	}
	twiceTexts   = []string{"same server_uuid/server_id", "same server_id", "same server_uuid"}
	damagedTexts = []string{
		"crc", "checksum", "bogus data", "truncated in the middle", "corrupt", "event read from binlog",
		"log event entry exceeded", "binlog has bad magic",
	}
)

// diagnose names what is behind an error that the server sent. at is how far reading had come.
func (r *Reader) diagnose(at cdc.Position, err error) error {
	var said *wire.ServerError
	if !errors.As(err, &said) {
		return err
	}
	// As the driver's own, so that the engine can tell what passes by itself.
	plain := fmt.Errorf("%s: read the log: %w", r.db.Server, &mysql.MySQLError{Number: said.Number, Message: said.Message})
	text := strings.ToLower(said.Message)
	switch {
	case said.Number == sameID, said.Number == cannotDump && containsAny(text, twiceTexts):
		return &ServerIDTakenError{Server: r.db.Server, ServerID: r.o.ServerID, Who: "another replica: " + said.Message}
	case said.Number != cannotDump:
		return plain
	case containsAny(text, damagedTexts):
		return &cdc.UnreadableError{
			Server: r.db.Server, What: "the server cannot read its own log",
			Fix: "see the server's error log; `ardso init " + r.db.Server + "` sets a new position, then `ardso transfer` what changed since the last one",
			Err: said,
		}
	case containsAny(text, lostTexts):
		return &cdc.PositionLostError{Server: r.db.Server, Position: at, Reason: said.Message}
	}
	return plain
}

func containsAny(text string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
