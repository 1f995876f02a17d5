package event

import "math/bits"

// Fields of a tagged GTID, in the order in which they come.
const (
	tagFlags = iota
	tagUUID
	tagNumber
	tagTag
	tagLastCommitted
	tagSequenceNumber
	tagImmediateCommit
	tagOriginalCommit
	tagLength
	tagImmediateVersion
	tagOriginalVersion
	tagCommitGroup
	tagUnknown
)

// serialization is the version of the encoding that is known.
const serialization = 1

// maxTag is the length of a tag in bytes.
const maxTag = 32

// taggedGTID reads a GTID event of MySQL 8.3 and later with a tag. It is a message of numbered fields: the
// version of the encoding, the length of the whole, the last field that must be understood, then each field's
// number and value. Fields have no length, so behind an unknown one nothing can be read; those are ignored if
// the message says that they may be.
func (d *Decoder) taggedGTID(c *cursor) *GTID {
	g := &d.gtid
	*g = GTID{}
	if v := c.variable(); c.err == nil && v != serialization {
		c.fail("version %d of its encoding is not known", v)
	}
	size := c.variable()
	if size > uint64(len(c.data)) || size < uint64(c.at) {
		c.fail("a message of %d bytes where there are %d", size, len(c.data))
		return g
	}
	b := &cursor{data: c.data[:size], at: c.at, kind: c.kind, err: c.err}
	g.fields(b)
	c.at, c.err = b.at, b.err
	return g
}

func (g *GTID) fields(c *cursor) {
	needed := c.variable() // the last field that may not be ignored
	seen, last := uint64(0), -1
	for c.more() {
		id := c.variable()
		if id >= tagUnknown {
			if id <= needed {
				c.fail("field %d is not known, and may not be ignored", id)
			}
			break
		}
		if int(id) <= last {
			c.fail("field %d comes behind field %d", id, last)
		}
		last = int(id)
		seen |= 1 << id
		g.field(c, id)
	}
	if seen&(1<<tagUUID) == 0 || seen&(1<<tagNumber) == 0 || g.Number <= 0 {
		c.fail("it names no transaction")
	}
	if seen&(1<<tagOriginalCommit) == 0 {
		g.OriginalCommit = g.ImmediateCommit
	}
	if seen&(1<<tagOriginalVersion) == 0 {
		g.OriginalVersion = g.ImmediateVersion
	}
}

func (g *GTID) field(c *cursor, id uint64) {
	switch id {
	case tagFlags:
		g.MayHaveSBR = c.variable()&1 != 0
	case tagUUID:
		for i := range g.SID {
			g.SID[i] = byte(c.variable())
		}
	case tagNumber:
		g.Number = c.signed()
	case tagTag:
		n := c.variable()
		if n > maxTag {
			c.fail("a tag of %d bytes", n)
			return
		}
		g.Tag = c.string(int(n))
	case tagLastCommitted:
		g.LastCommitted = c.signed()
	case tagSequenceNumber:
		g.SequenceNumber = c.signed()
	case tagImmediateCommit:
		g.ImmediateCommit = int64(c.variable())
	case tagOriginalCommit:
		g.OriginalCommit = int64(c.variable())
	case tagLength:
		g.TransactionLength = c.variable()
	case tagImmediateVersion:
		g.ImmediateVersion = uint32(c.variable())
	case tagOriginalVersion:
		g.OriginalVersion = uint32(c.variable())
	case tagCommitGroup:
		g.CommitGroup = c.variable()
	}
}

// variable reads a number of one to nine bytes: as many as the first has trailing ones, and one more. The value
// is in the bits above the zero that ends them; in nine bytes there is none.
func (c *cursor) variable() uint64 {
	first := c.uint8()
	n := bits.TrailingZeros8(^first)
	if first == 0xff {
		return c.uint64()
	}
	high := c.uint(n)
	return high<<(7-n) | uint64(first)>>(n+1)
}

// signed reads a variable number whose lowest bit is the sign; negative ones are one off, so that there is one
// zero.
func (c *cursor) signed() int64 {
	v := c.variable()
	if v&1 != 0 {
		return -int64(v>>1) - 1
	}
	return int64(v >> 1)
}
