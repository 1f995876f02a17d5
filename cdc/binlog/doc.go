// Package binlog reads the log of a MariaDB or MySQL database, the row binlog, as a replica does.
//
// A Reader registers with the server as a replica and is sent events, on a connection of its own (package wire);
// package event decodes them, and an assembler puts them together to transactions and delivers them. One goroutine
// does all of it, the caller of Read: while the receiver blocks nothing is read, so memory is bounded by one event and
// one part of a transaction.
//
// Where the log names columns, it says what rows mean; where it does not (MySQL 5.6 and 5.7), a history of the tables'
// shapes is kept in dso_shape.
//
// What it leaves to others: connecting again after an error, when a position is durable (a binlog is kept by the
// server's own rules, so nobody has to confirm anything), and what rows mean.
//
// docs/mysql-source.md lists the traps (MS-*, MD-*), what is done about each and the test that shows it.
//
// Read Options, New, Reader.Read; position and tracker; assembler, relations and shapes; then Start, Check and Backlog
// for the setting up.
package binlog
