package run_test

import (
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/engine"
)

// sources are the engines whose logs are read so far.
var sources = []string{"postgres15", "postgres18", "sqlite"}

const repairForms = `      - name: Repair
        table: repair
        request_id: id
`

const repairDefinitions = `
mappings:
  - name: repairs
    from: {server: src, form: Repair}
    to: {server: dst, form: Repair}
    transfer_mode: independent copy
    match: like names
filters:
  - name: send repairs
    server: src
    form: Repair
    on: [submit, modify]
    transfer: {mapping: repairs}
  - name: delete repairs
    server: src
    form: Repair
    on: [delete]
    delete: {mapping: repairs}
`

var repairTable = map[string]string{
	"postgres": `CREATE TABLE repair (id varchar(15) PRIMARY KEY, summary varchar(254), status integer, price numeric(28,10), weight double precision, noted timestamp, due date, log text)`,
	"mysql":    `CREATE TABLE repair (id varchar(15) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY, summary varchar(254), status int, price decimal(28,10), weight double, noted datetime(6), due date, log longtext) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
	"sqlite":   `CREATE TABLE repair (id varchar(15) PRIMARY KEY NOT NULL, summary varchar(254), status integer, price text, weight double, noted timestamp, due date, log text)`,
}

// Every source to every target: the life of a request.
func TestMatrix(t *testing.T) {
	for _, from := range sources {
		for _, to := range dbtest.Names() {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, map[string]*engine.DB{"src": dbtest.New(t, from), "dst": dbtest.New(t, to)},
					map[string]string{"src": repairForms, "dst": repairForms}, repairDefinitions)
				w.exec("src", repairTable[w.dbs["src"].Engine.Dialect])
				w.exec("dst", repairTable[w.dbs["dst"].Engine.Dialect])
				w.open()
				check := func() {
					t.Helper()
					w.once()
					const q = "SELECT id, summary, status, log FROM repair ORDER BY id"
					w.same("src", q, "dst", q)
				}
				w.exec("src", "INSERT INTO repair (id, summary, status, price, weight, noted, due, log) VALUES ('R1', 'Desk leg', 0, 12.5, 0.1, '2026-11-22 10:00:00.123456', '2026-11-30', NULL)",
					"INSERT INTO repair (id, summary, status) VALUES ('R2', 'Büro 🪑 chair', NULL)")
				check()
				w.exec("src", "UPDATE repair SET status = 1 WHERE id = 'R1'", "UPDATE repair SET summary = NULL, log = 'it''s \\ \"done\"' WHERE id = 'R2'")
				check()
				w.exec("src", "UPDATE repair SET id = 'R9' WHERE id = 'R1'", "DELETE FROM repair WHERE id = 'R2'")
				check()
			})
		}
	}
}
