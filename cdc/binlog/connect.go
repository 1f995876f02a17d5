package binlog

import (
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"time"

	"ardso/cdc/binlog/wire"
	"ardso/sql/engine"
)

// Flags of the dump commands.
const nonBlock = 0x01 // end at the log's present end

// wireConfig is the configuration of all connections to that server, so that address, password and TLS have
// one maker (O-8).
func wireConfig(db *engine.DB) (wire.Config, error) {
	c, err := engine.MySQLConfig(db.URL, db.Config())
	if err != nil {
		return wire.Config{}, fmt.Errorf("%s: %w", db.Server, err)
	}
	return wire.Config{
		Network: c.Net, Address: c.Addr,
		User: c.User, Password: wire.Password(c.Passwd),
		TLS: c.TLS, Plaintext: c.AllowFallbackToPlaintext,
		Attributes: map[string]string{"program_name": "ardso reader"},
	}, nil
}

// blockedFor is how long the server bears a reader that takes nothing, because its receiver waits for a
// target that is down. A peer that is gone is noticed by the keepalive of either side.
const blockedFor = 7 * 24 * time.Hour

// connect makes a session that can dump the log. A variable has two names where newer versions look at the second;
// others keep it as a variable of the session that nobody reads.
func connect(ctx context.Context, db *engine.DB, o Options) (*wire.Conn, error) {
	config, err := wireConfig(db)
	if err != nil {
		return nil, err
	}
	c, err := wire.Connect(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("%s: connect for replication: %w", db.Server, err)
	}
	heartbeat := strconv.FormatInt((o.Silence / 4).Nanoseconds(), 10)
	settings := []string{
		"SET net_write_timeout = " + strconv.Itoa(int(blockedFor/time.Second)),
		"SET wait_timeout = " + strconv.Itoa(int(blockedFor/time.Second)),
		"SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32'",
		"SET @master_heartbeat_period = " + heartbeat + ", @source_heartbeat_period = " + heartbeat,
	}
	if db.Engine.Name == "mariadb" {
		settings = append(settings, "SET @mariadb_slave_capability = 4") // it sends GTID events
	}
	if err := set(ctx, c, settings...); err != nil {
		_ = c.Close() // the first error is the one to tell
		return nil, fmt.Errorf("%s: %w", db.Server, err)
	}
	return c, nil
}

// past as a deadline ends what waits.
var past = time.Unix(1, 0)

// set carries out statements that only say yes or no.
func set(ctx context.Context, c *wire.Conn, statements ...string) error {
	for _, s := range statements {
		if _, err := c.Query(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	return nil
}

// dial connects and makes the session known as the replica that reads the log.
func dial(ctx context.Context, db *engine.DB, o Options) (*wire.Conn, error) {
	c, err := connect(ctx, db, o)
	if err != nil {
		return nil, err
	}
	if db.Engine.Name != "mariadb" {
		// The server ends an older connection of the same UUID: our own, if it was cut off (MS-5).
		uuid := "'" + replicaUUID(db.Server, o.ServerID) + "'"
		err = set(ctx, c, "SET @slave_uuid = "+uuid+", @replica_uuid = "+uuid)
	}
	if err == nil {
		err = c.Register(ctx, o.ServerID, replicaHost(db.Server))
	}
	if err != nil {
		_ = c.Close() // the first error is the one to tell
		return nil, fmt.Errorf("%s: register as replica %d: %w", db.Server, o.ServerID, err)
	}
	return c, nil
}

// replicaHost is what the server's list of replicas shows of this reader: its own predecessor has the same,
// and nobody else (MS-5, MS-27).
func replicaHost(server string) string { return "ardso-" + server }

// replicaUUID is the same for every reader of a server under a server_id.
func replicaUUID(server string, id uint32) string {
	hash := fnv.New64a()
	hash.Write([]byte("ardso/" + server))
	h := hash.Sum64()
	return fmt.Sprintf("a4d50000-%04x-%04x-%04x-%012x", id>>16, id&0xffff, h>>48, h&0xffffffffffff)
}

// dump asks for the log from a position on.
func dump(ctx context.Context, c *wire.Conn, o Options, from position, flags uint16) error {
	d := wire.Dump{ServerID: o.ServerID, Flags: flags}
	switch from.flavor {
	case mariadbGTID:
		if err := set(
			ctx, c,
			"SET @slave_connect_state = '"+from.mariadb.text()+"'",
			"SET @slave_gtid_strict_mode = 1", // a GTID that is not in the log is an error, no gap (MS-11)
			"SET @slave_gtid_ignore_duplicates = 0",
		); err != nil {
			return err
		}
		return c.Dump(ctx, d)
	case mysqlGTID:
		d.Position = 4
		return c.DumpGTID(ctx, d, from.mysql.encode())
	}
	d.File, d.Position = from.file.name, from.file.offset
	return c.Dump(ctx, d)
}
