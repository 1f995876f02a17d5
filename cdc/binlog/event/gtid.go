package event

// logicalClock marks the two numbers of the logical clock in a GTID event of MySQL 5.7 and later.
const logicalClock = 2

// mysqlGTID reads the event that begins a transaction in MySQL. Each version put more behind what there was, so
// what is not there was not sent.
func (d *Decoder) mysqlGTID(c *cursor, anonymous bool) *GTID {
	g := &d.gtid
	*g = GTID{Anonymous: anonymous, MayHaveSBR: c.uint8()&1 != 0}
	copy(g.SID[:], c.bytes(16))
	g.Number = int64(c.uint64())
	if c.more() && c.uint8() == logicalClock { // 5.7
		g.LastCommitted, g.SequenceNumber = int64(c.uint64()), int64(c.uint64())
		g.commitTimes(c)
	}
	if anonymous {
		g.SID, g.Number = [16]byte{}, 0
	} else if g.Number <= 0 {
		c.fail("transaction number %d", g.Number)
	}
	return g
}

// commitTimes reads what 8.0 added. The top bit of a value says that the original one, which differs, follows.
func (g *GTID) commitTimes(c *cursor) {
	if !c.more() {
		return
	}
	const originalTime, originalVersion = 1 << 55, 1 << 31
	v := c.uint(7)
	g.ImmediateCommit = int64(v &^ originalTime)
	g.OriginalCommit = g.ImmediateCommit
	if v&originalTime != 0 {
		g.OriginalCommit = int64(c.uint(7))
	}
	if c.more() {
		g.TransactionLength = c.packed()
	}
	if c.more() { // 8.0.14
		n := c.uint32()
		g.ImmediateVersion = n &^ originalVersion
		g.OriginalVersion = g.ImmediateVersion
		if n&originalVersion != 0 {
			g.OriginalVersion = c.uint32()
		}
	}
	if c.more() { // 8.2
		g.CommitGroup = c.uint64()
	}
}

// mariadbGTID reads the event that begins a group in MariaDB (MS-9).
func (d *Decoder) mariadbGTID(c *cursor, h Header) *MariaDBGTID {
	const padded = 19 // bytes, with zeros, where less is to be said
	g := &d.maria
	*g = MariaDBGTID{ServerID: h.ServerID, Sequence: c.uint64(), Domain: c.uint32(), Flags: c.uint8()}
	if g.Flags&GTIDGroupCommit != 0 {
		g.CommitID = c.uint64()
	}
	if g.Flags&(GTIDPreparedXA|GTIDCompletedXA) != 0 {
		g.XID = mariadbXID(c)
	}
	if c.more() { // 10.6; a padding zero says the same as nothing
		g.extra(c)
	}
	if c.err == nil && len(c.data) < padded {
		c.fail("%d bytes are too few", len(c.data))
	}
	return g
}

func mariadbXID(c *cursor) string {
	at := c.at
	c.skip(4) // format
	global, branch := int(c.uint8()), int(c.uint8())
	if global > maxXIDPart || branch > maxXIDPart {
		c.fail("an XA transaction's name of %d and %d bytes", global, branch)
	}
	c.skip(global + branch)
	if c.err != nil {
		return ""
	}
	return string(c.data[at:c.at])
}

// extra reads the second byte of flags and what belongs to them.
func (g *MariaDBGTID) extra(c *cursor) {
	g.Extra = c.uint8()
	if g.Extra&GTIDExtraMultiEngine != 0 {
		c.skip(1)
	}
	if g.Extra&(GTIDExtraCommitAlter|GTIDExtraRollbackAlter) != 0 {
		g.AlterSequence = c.uint64()
	}
	if g.Extra&GTIDExtraThread != 0 {
		g.Thread = c.uint32()
	}
}
