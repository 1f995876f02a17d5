// Package event decodes the events of a MySQL or MariaDB binlog, as a server sends them to a replica.
//
// It is pure: bytes in, plain values out. A Decoder turns one event into one of the types below Event; a
// Layout, made from a table map and what is known of its columns besides, turns the rows of a Rows event
// into canonical values.
//
// What it leaves to others: the connection (package wire), which events make up a transaction, and what a
// column's type means where the log does not say it (package binlog).
//
// Whatever the bytes are, the result is a value or an error with a reason; lengths are checked before memory is
// asked for, and what is compressed is unpacked in bounds.
//
// Read Event and the types below it, Decoder, then Layout. How a value's bytes become a canonical value is in
// number.go, temporal.go, text.go, label.go, address.go and json.go; character sets are in charset.go.
package event
