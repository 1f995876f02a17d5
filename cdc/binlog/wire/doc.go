// Package wire is a client connection to a MariaDB or MySQL server, with what reading its binlog needs and no
// more: handshake, TLS, authentication, simple statements, and the commands that dump the log. It knows packets;
// what is in an event is the business of package event.
//
// In order of reading: Config and Connect, Conn with Query, Register, Dump and Next; below them the parts of the
// protocol, a file each: packet.go (framing), greeting.go and handshake.go, auth.go, result.go.
//
// # What it vouches for
//
//   - A password is sent in clear over TLS or a unix socket only, whatever the server asks for. Where neither is
//     there, caching_sha2_password and sha256_password get it encrypted for the RSA key that the server sends,
//     which protects it from who listens, but not from who sits between: use TLS on networks that are not your own.
//   - TLS begins before user and password are sent, and nothing that came before it is taken for part of it.
//   - Packets are in sequence and whole, or reading ends with a *PacketError. Memory grows with the bytes that
//     arrive, not with what a header announces, and is given back after a giant packet (G7).
//   - No error and no formatted value holds a password.
//
// # What it does not do
//
// Compression, prepared statements, several results of one statement, LOCAL INFILE, semi-synchronous replication
// (it is not claimed, so the server waits for nobody), and the authentication plugins that need a library of
// their own (PAM dialogs, Kerberos, LDAP, WebAuthn), which are refused by name.
package wire
