package run_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ardso/integration/dbtest"
	"ardso/integration/stormtest"
	"ardso/sql/engine"
	"ardso/sql/schema"
)

// manyUpdates is more than are read at once.
const manyUpdates = 520

const giveDefinition = "  - {name: give, server: a, form: Repair, on: submit, transfer: {mapping: a to b, pool: main}}\n"

const updatesDefinitions = `
pools: [{name: main, default: yes}, {name: quick}]
mappings:
  - {name: a to b, from: {server: a, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: hourly}
  - {name: c to b, from: {server: c, form: Repair}, to: {server: b, form: Repair}, transfer_mode: data + ownership, when_to_update: hourly}
filters:
` + giveDefinition + `  - {name: give too, server: c, form: Repair, on: submit, transfer: {mapping: c to b, pool: quick}}
`

// newUpdates is b with many requests of a and one of c, whose updates wait for their hour.
func newUpdates(t *testing.T, a *engine.DB, definitions string) *owned {
	t.Helper()
	dbs, forms := map[string]*engine.DB{"a": a, "b": dbtest.New(t, "sqlite"), "c": dbtest.New(t, "sqlite")}, make(map[string]string)
	for server := range dbs {
		forms[server] = stormtest.Form
	}
	o := &owned{world: newWorld(t, dbs, forms, definitions), group: schema.Advanced}
	for server := range dbs {
		o.exec(server, "CREATE TABLE repair (id varchar(20) PRIMARY KEY, summary varchar(200), notes varchar(200), status integer, "+stormtest.DistributedColumns(o.group)+")")
	}
	o.open()
	o.exec("a", fmt.Sprintf("INSERT INTO repair (id, summary) SELECT %s, 'broken' FROM %s", requestOf(a), numbers(a, manyUpdates)))
	o.exec("c", "INSERT INTO repair (id, summary) VALUES ('Z1', 'broken')")
	o.rest()
	o.equal("requests of b", rows(t, o.dbs["b"], "SELECT count(*), sum(dso_master_flag) FROM repair"), fmt.Sprintf("%d|%[1]d", manyUpdates+1))
	return o
}

// edit changes all that b owns, the one of c last.
func (o *owned) edit(summary string) {
	o.t.Helper()
	o.exec("b", "UPDATE repair SET summary = '"+summary+"' WHERE id <> 'Z1'", "UPDATE repair SET summary = '"+summary+"' WHERE id = 'Z1'")
}

// have counts the requests of a server with a summary.
func (o *owned) have(server, summary string) int {
	o.t.Helper()
	return number(o.t, rows(o.t, o.dbs[server], "SELECT count(*) FROM repair WHERE summary = '"+summary+"'"))
}

// updates counts what is in b's queue for a, by status.
func (o *owned) updates() string {
	o.t.Helper()
	return strings.Join(rows(o.t, o.dbs["b"], "SELECT status, count(*) FROM dso_pending WHERE type = 'update' AND target = 'a' GROUP BY status ORDER BY status"), " ")
}

// giveUp gives up the update of R1.
func (o *owned) giveUp() {
	o.t.Helper()
	id := rows(o.t, o.dbs["b"], "SELECT id FROM dso_pending WHERE target = 'a' AND request = 'R1'")[0]
	if d, err := o.world.byHand("pending remove").RemovePending(o.t.Context(), o.person("b"), id); err != nil || d.Result != "removed" {
		o.t.Errorf("removed: %+v, %v", d, err)
	}
}

// However many updates are due and cannot go, others go. Those that cannot wait as before, and may be given up; later changes
// join them, and they go once they can.
func TestUpdatesPassOthers(t *testing.T) {
	t.Parallel()
	all, rest := fmt.Sprintf("waiting|%d", manyUpdates), fmt.Sprintf("waiting|%d", manyUpdates-1)
	pass := func(t *testing.T, o *owned, others bool, free func(*clock)) {
		var c clock
		c.turn(time.Until(time.Now().UTC().Truncate(24 * time.Hour).Add(34 * time.Hour))) // not when a pool polls that does so once a day
		stop := o.followBy(&c, "b")
		defer stop()
		for _, summary := range []string{"seen", "seen again"} {
			o.edit(summary)
			o.until(2*time.Minute, "c has its update", func() bool { return !others || o.have("c", summary) == 1 })
			o.until(2*time.Minute, "the others wait", func() bool { return o.updates() == all && !behind(t, o.sys, "b") })
		}
		o.giveUp()
		free(&c)
		o.until(2*time.Minute, "a has its updates", func() bool { return o.have("a", "seen again") == manyUpdates-1 && o.updates() == "" })
		o.clean()
	}
	t.Run("target away", func(t *testing.T) {
		t.Parallel()
		server := dbtest.Server(t, "postgres15")
		o := newUpdates(t, server.Database(t), updatesDefinitions)
		server.Stop(t)
		pass(t, o, true, func(c *clock) {
			server.Start(t)
			c.turn(5 * time.Minute)
		})
	})
	t.Run("pool polls", func(t *testing.T) {
		t.Parallel()
		// All updates go through the default pool if that polls.
		pass(t, newUpdates(t, dbtest.New(t, "sqlite"), strings.Replace(updatesDefinitions, "default: yes", "default: yes, polling: yes, interval: 24h", 1)), false, func(c *clock) { c.turn(24 * time.Hour) })
	})
	// A batch run carries out all that can go, be it more than is read at once.
	t.Run("mapping gone", func(t *testing.T) {
		t.Parallel()
		o := newUpdates(t, dbtest.New(t, "sqlite"), updatesDefinitions)
		o.edit("seen")
		o.once()
		o.equal("updates for a", []string{o.updates()}, all)
		whole := o.yaml
		o.yaml = strings.NewReplacer("{name: a to b,", "{name: a to b, enabled: no,", giveDefinition, "").Replace(whole)
		o.reopen()
		o.later(time.Hour)
		if n := o.have("c", "seen"); n != 1 {
			t.Errorf("c has %d updates", n)
		}
		o.equal("updates for a", []string{o.updates()}, all)
		o.giveUp()
		o.equal("updates for a", []string{o.updates()}, rest)
		o.yaml = whole
		o.reopen()
		o.later(time.Hour)
		if n := o.have("a", "seen"); n != manyUpdates-1 || o.updates() != "" {
			t.Errorf("a has %d updates; %s", n, o.updates())
		}
		o.clean()
	})
}
