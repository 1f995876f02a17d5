package event

// decode reads the body of an event. Bodies of control events that carry nothing for us are not looked into.
func (d *Decoder) decode(h Header, body []byte) (Event, error) {
	c := &cursor{data: body, kind: h.Type}
	e := d.body(h, c)
	if e == nil {
		return d.unread(h)
	}
	if c.err != nil {
		return nil, c.err
	}
	return e, nil
}

// body returns nil for types that are not looked into.
func (d *Decoder) body(h Header, c *cursor) Event {
	switch h.Type {
	case FormatDescriptionType:
		return d.formatDescription(c)
	case RotateType:
		return rotate(c)
	case GTIDType, AnonymousGTIDType:
		return d.mysqlGTID(c, h.Type == AnonymousGTIDType)
	case GTIDTaggedType:
		return d.taggedGTID(c)
	case MariaDBGTIDType:
		return d.mariadbGTID(c, h)
	case QueryType, QueryCompressedType, ExecuteLoadQueryType:
		return d.readQuery(c, h.Type)
	case XIDType:
		d.xid.ID = c.uint64()
		return &d.xid
	case XAPrepareType:
		return xaPrepare(c)
	case TableMapType:
		return d.readTableMap(c)
	case HeartbeatType:
		return &Heartbeat{File: string(c.rest()), Position: uint64(h.End)}
	case HeartbeatV2Type:
		return heartbeatV2(c)
	case IncidentType:
		return incident(c)
	case TransactionPayloadType:
		return payload(c)
	}
	if kind, ok := rowsKinds[h.Type]; ok {
		return d.readRows(c, h.Type, kind)
	}
	return nil
}

// unread skips what may be skipped, and refuses the rest by name (G8).
func (d *Decoder) unread(h Header) (Event, error) {
	switch h.Type {
	case AnnotateRowsType, RowsQueryType, // statements for people (MS-28)
		BinlogCheckpointType, GTIDListType, PreviousGTIDsType,
		StartEncryptionType, // the server decrypts what it sends
		StopType, IgnorableType, TransactionContextType, ViewChangeType, SlaveType,
		// Parts of statements, which mean nothing without the query behind them.
		IntvarType, RandType, UserVarType, BeginLoadQueryType, AppendBlockType, DeleteFileType:
		d.other.Type = h.Type
		return &d.other, nil
	case PartialRowsType:
		return nil, &UnknownTypeError{h.Type, "it is a fragment of an event of rows (MariaDB 12.3 and later), which this version of ardso does not put together"}
	}
	if h.Flags&FlagIgnorable != 0 {
		d.other.Type = h.Type
		return &d.other, nil
	}
	return nil, &UnknownTypeError{h.Type, "this version of ardso does not know it, and it is not flagged as one that may be skipped"}
}

func incident(c *cursor) *Incident {
	return &Incident{Number: c.uint16(), Message: c.text()}
}

// heartbeatV2 is fields, each of a type, a length and that many bytes (MySQL 8.0.26+).
func heartbeatV2(c *cursor) *Heartbeat {
	const end, file, position = 0, 1, 2
	h := &Heartbeat{}
	for c.more() {
		field := c.packed()
		if field == end {
			break
		}
		b := c.part(c.length())
		switch field {
		case file:
			h.File = string(b.rest())
		case position:
			h.Position = b.packed()
		}
		if b.err != nil {
			c.err = b.err
		}
	}
	return h
}

// XA transaction names have two parts of at most this many bytes.
const maxXIDPart = 64

func xaPrepare(c *cursor) *XAPrepare {
	x := &XAPrepare{OnePhase: c.uint8() != 0}
	at := c.at
	c.skip(4) // format
	if global, branch := c.uint32(), c.uint32(); global > maxXIDPart || branch > maxXIDPart {
		c.fail("an XA transaction's name of %d and %d bytes", global, branch)
	} else {
		c.skip(int(global + branch))
	}
	if c.err == nil {
		x.XID = string(c.data[at:c.at])
	}
	return x
}
