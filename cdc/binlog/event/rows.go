package event

// rowsKinds are the types of events of rows.
var rowsKinds = map[Type]RowsKind{
	WriteRowsV1Type: Insert, WriteRowsV2Type: Insert, WriteRowsCompressedV1Type: Insert, WriteRowsCompressedV2Type: Insert,
	UpdateRowsV1Type: Update, UpdateRowsV2Type: Update, UpdateRowsCompressedV1Type: Update, UpdateRowsCompressedV2Type: Update,
	DeleteRowsV1Type: Delete, DeleteRowsV2Type: Delete, DeleteRowsCompressedV1Type: Delete, DeleteRowsCompressedV2Type: Delete,
	PartialUpdateRowsType: PartialUpdate,
}

// shortTableID is the length of an event's fixed part in which a table's number has four bytes (before 5.1.4).
const shortTableID = 6

// maxColumns is how many columns a table can have, in either server.
const maxColumns = 4096

// readRows reads what is before the images, and leaves these to a Layout.
func (d *Decoder) readRows(c *cursor, t Type, kind RowsKind) *Rows {
	r := &d.rows
	*r = Rows{Kind: kind, TableID: d.tableID(c, t), Flags: c.uint16()}
	compressed := t >= WriteRowsCompressedV1Type
	if t >= WriteRowsV2Type && !compressed || t >= WriteRowsCompressedV2Type {
		skipExtra(c)
	}
	n := c.packed()
	if n > maxColumns {
		c.fail("%d columns", n)
		return r
	}
	r.Columns = int(n)
	if kind != Insert {
		r.Before = c.bytes((r.Columns + 7) / 8)
	}
	if kind != Delete {
		r.After = c.bytes((r.Columns + 7) / 8)
	}
	r.Data = c.rest()
	if compressed {
		r.Data = d.inflater.event(c, r.Data)
	}
	return r
}

func (d *Decoder) tableID(c *cursor, t Type) uint64 {
	if d.postHeader(t, 0) == shortTableID {
		return uint64(c.uint32())
	}
	return c.uint(6)
}

// skipExtra skips what version 2 adds before the columns: the partition of the rows, or what NDB has to say. Its
// length counts itself.
func skipExtra(c *cursor) {
	n := int(c.uint16())
	if n < 2 {
		c.fail("extra data of %d bytes", n)
		return
	}
	c.skip(n - 2)
}
