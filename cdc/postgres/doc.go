// Package postgres reads the log of a PostgreSQL database through logical replication, and sets up
// what that needs.
//
// A Reader streams from a replication slot with the plug-in pgoutput, on a connection of its own. One
// goroutine owns that connection: it receives, and tells the server at its own pace how far all is
// durable, whatever the receiver of the transactions does. Another, the caller of Read, puts the
// messages together to transactions and delivers them. Between the two lies a short queue, so memory
// is bounded by it, by one part of a transaction and by one row.
//
// What it leaves to others: when a position is durable (they call Confirm, after they have stored it),
// connecting again after an error, and what rows mean.
//
// docs/postgres-source.md lists the traps of the protocol (PS-*, PD-*), what is done about each and the
// test that shows it.
//
// Read Options, New, Reader.Read; then Plan, Start and Check for the setting up.
package postgres
