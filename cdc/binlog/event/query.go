package event

import "bytes"

// Codes of the variables that a query event brings along, of MySQL and, from 128 on, of MariaDB.
const (
	varFlags2 = iota
	varSQLMode
	varCatalogZ
	varAutoIncrement
	varCharset
	varTimeZone
	varCatalog
	varTimeNames
	varDatabaseCharset
	varTableMapForUpdate
	varDataWritten
	varInvoker
	varDatabases
	varMicroseconds
	varCommitTime
	varCommitTime2
	varExplicitDefaults
	varXID
	varUTF8MB4Collation
	varRequirePrimaryKey
	varTableEncryption

	varMariaDBMicroseconds = 128
	varMariaDBXID          = 129
	varGTIDFlags           = 130
	varCharsetCollations   = 131
)

// tooManyDatabases stands for their number where they are not listed.
const tooManyDatabases = 254

// queryFixed is the length of the part of a query that every version has.
const queryFixed = 13

// readQuery reads a statement: plain, compressed (MariaDB), or the end of a LOAD DATA.
func (d *Decoder) readQuery(c *cursor, t Type) *Query {
	q := &d.query
	schema, text := q.Schema, q.Text
	*q = Query{Thread: c.uint32()}
	c.skip(4) // seconds it took
	n := int(c.uint8())
	q.Error = c.uint16()
	vars := int(c.uint16())
	c.skip(max(0, d.postHeader(QueryType, queryFixed)-queryFixed)) // what a later version added
	if t == ExecuteLoadQueryType {
		c.skip(13) // where its file is
	}
	q.variables(c.part(vars))
	q.Schema = same(schema, c.bytes(n))
	if c.uint8() != 0 {
		c.fail("no zero byte ends the name of the default database")
	}
	body := c.rest()
	if t == QueryCompressedType {
		body = d.inflater.event(c, body)
	}
	q.Text = same(text, body)
	return q
}

// same returns last if it is b, since most statements are a BEGIN in the same database.
func same(last string, b []byte) string {
	if last == string(b) {
		return last
	}
	return string(b)
}

// variables reads what is known. Variables have no length of their own, so what is behind an unknown one cannot
// be read; the length of all of them leads to the statement.
func (q *Query) variables(c *cursor) {
	for c.more() {
		q.variable(c, c.uint8())
		if q.VariablesUnread {
			return
		}
	}
	q.VariablesUnread = c.err != nil
}

func (q *Query) variable(c *cursor, code uint8) {
	switch code {
	case varFlags2:
		q.Flags2 = c.uint32()
	case varSQLMode:
		q.SQLMode = c.uint64()
	case varCatalogZ:
		c.skip(int(c.uint8()) + 1)
	case varAutoIncrement, varDataWritten:
		c.skip(4)
	case varCharset:
		q.Collations = [3]uint16{c.uint16(), c.uint16(), c.uint16()}
	case varTimeZone:
		q.TimeZone = c.text()
	case varCatalog:
		c.skip(int(c.uint8()))
	case varTimeNames:
		c.skip(2)
	case varDatabaseCharset:
		q.DatabaseCollation = c.uint16()
	case varTableMapForUpdate, varCommitTime, varCommitTime2:
		c.skip(8)
	case varInvoker:
		q.User, q.Host = c.text(), c.text()
	case varDatabases:
		q.databases(c)
	case varMicroseconds, varMariaDBMicroseconds:
		q.Microseconds = uint32(c.uint(3))
	default:
		q.newerVariable(c, code)
	}
}

// newerVariable reads what came with MySQL 8.0 and MariaDB 10.6.
func (q *Query) newerVariable(c *cursor, code uint8) {
	switch code {
	case varExplicitDefaults, varRequirePrimaryKey, varTableEncryption:
		c.skip(1)
	case varXID, varMariaDBXID:
		q.XID = c.uint64()
	case varUTF8MB4Collation:
		q.UTF8MB4Collation = c.uint16()
	case varGTIDFlags:
		q.ExtraFlags = c.uint8()
		if q.ExtraFlags&(GTIDExtraCommitAlter|GTIDExtraRollbackAlter) != 0 {
			q.AlterSequence = c.uint64()
		}
	case varCharsetCollations:
		c.skip(int(c.uint8()) * 4)
	default:
		q.VariablesUnread = true
	}
}

func (q *Query) databases(c *cursor) {
	n := c.uint8()
	if n == tooManyDatabases {
		return
	}
	for range n {
		end := bytes.IndexByte(c.data[c.at:], 0)
		if end < 0 {
			c.fail("a name of a database without an end")
			return
		}
		q.Databases = append(q.Databases, c.string(end))
		c.skip(1)
	}
}
