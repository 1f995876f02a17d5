package binlog

import (
	"context"
	"fmt"
	"strings"

	"ardso/sql/engine"
)

// Replica is one that is registered with the server.
type Replica struct {
	ServerID uint32
	Host     string
	UUID     string // "" before MySQL 5.6, and of MariaDB
}

// ReadReplicas lists the replicas that are connected. known is false where the user may not see them: MariaDB
// asks for REPLICATION MASTER ADMIN, MySQL for REPLICATION SLAVE.
func ReadReplicas(ctx context.Context, db *engine.DB) (all []Replica, known bool, err error) {
	name := "slave_hosts"
	if db.Engine.Name == "mysql" && db.Engine.Version >= 80022 {
		name = "replicas"
	}
	rows, known, err := askReplicas(ctx, db, statement(name))
	if err != nil {
		return nil, false, annotate("read the list of replicas", err)
	}
	for _, r := range rows {
		uuid := r["slave_uuid"] + r["replica_uuid"]
		all = append(all, Replica{ServerID: uint32(r.number("server_id")), Host: r["host"], UUID: uuid})
	}
	return all, known, nil
}

// askReplicas bears that MySQL 5.6 leaves the last column out of the row of a replica that has told it no UUID, at
// which the driver reads beyond the row, and may panic. The list is then not known.
func askReplicas(ctx context.Context, db *engine.DB, text string) (all []row, known bool, err error) {
	defer func() {
		if recover() != nil {
			all, known, err = nil, false, nil
		}
	}()
	return ask(ctx, db, text)
}

// IsReplica reports whether the server is one of another. known is false where the user may not know.
func IsReplica(ctx context.Context, db *engine.DB) (is, known bool, err error) {
	name := "slave_status"
	if db.Engine.Name == "mysql" && db.Engine.Version >= 80022 {
		name = "replica_status"
	}
	rows, known, err := ask(ctx, db, statement(name))
	return len(rows) > 0, known, annotate("ask whether the server is a replica", err)
}

// ReadPreparedXA counts the XA transactions that are prepared and not decided. known is false where the user
// may not see them.
func ReadPreparedXA(ctx context.Context, db *engine.DB) (n int, known bool, err error) {
	rows, known, err := ask(ctx, db, statement("xa_recover"))
	return len(rows), known, annotate("read prepared XA transactions", err)
}

// Account is the user that asks.
type Account struct {
	Name       string          // "ardso@%"
	Privileges map[string]bool // on the whole server, those of the role that is active too
}

// May reports whether the user has a privilege on the whole server.
func (a Account) May(privilege string) bool {
	return a.Privileges[privilege] || a.Privileges["ALL PRIVILEGES"]
}

// ReadAccount asks who we are.
func ReadAccount(ctx context.Context, db *engine.DB) (Account, error) {
	a := Account{Privileges: map[string]bool{}}
	if err := db.GetContext(ctx, &a.Name, statement("user")); err != nil {
		return a, fmt.Errorf("read the user's name: %w", err)
	}
	var all []string
	if err := db.SelectContext(ctx, &all, statement("grants")); err != nil {
		return a, fmt.Errorf("read the user's privileges: %w", err)
	}
	for _, grant := range all {
		what, to, _ := strings.Cut(strings.TrimPrefix(grant, "GRANT "), " ON ")
		if !strings.HasPrefix(to, "*.* TO ") {
			continue
		}
		for p := range strings.SplitSeq(what, ", ") {
			a.Privileges[p] = true
		}
	}
	return a, nil
}

// Grants are the statements that give a user, written as 'name'@'host', what a reader of these tables needs and
// no more. shapes: the reader keeps a history of shapes, since the log names no columns.
func Grants(e *engine.Engine, user, schema string, tables []string, shapes bool) []string {
	all := []string{"GRANT REPLICATION SLAVE, " + Monitor(e) + " ON *.* TO " + user}
	for _, t := range tables {
		all = append(all, "GRANT SELECT ON "+e.Table(schema, t)+" TO "+user)
	}
	if shapes {
		all = append(all, "GRANT SELECT, INSERT, DELETE ON "+e.Table(schema, "dso_shape")+" TO "+user)
	}
	return all
}

// Monitor is the privilege to see where the log begins and ends.
func Monitor(e *engine.Engine) string {
	if e.Name == "mariadb" {
		return "BINLOG MONITOR"
	}
	return "REPLICATION CLIENT"
}

// Quoted is the account's name as GRANT takes it.
func (a Account) Quoted() string {
	name, host, _ := cutLast(a.Name, "@")
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
	return quote(name) + "@" + quote(host)
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
