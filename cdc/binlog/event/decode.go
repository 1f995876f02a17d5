package event

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
)

func (d *Decoder) decode(h Header, body []byte) (Event, error) {
	c := &cursor{data: body, kind: h.Type}
	var e Event
	switch h.Type {
	case FormatDescriptionType:
		f := d.formatDescription(c)
		if c.err == nil {
			d.format = f
		}
		e = f
	case RotateType:
		e = &Rotate{Position: c.uint64(), File: string(c.rest())}
	case GTIDType, AnonymousGTIDType:
		e = d.mysqlGTID(c, h.Type == AnonymousGTIDType)
	case MariaDBGTIDType:
		e = d.mariadbGTID(c, h)
	case QueryType:
		e = query(c)
	case QueryCompressedType:
		e = d.compressedQuery(c)
	case XIDType:
		d.xid.ID = c.uint64()
		e = &d.xid
	case XAPrepareType:
		e = xaPrepare(c)
	case TableMapType:
		e = d.readTableMap(c)
	case WriteRowsV1Type, WriteRowsV2Type, UpdateRowsV1Type, UpdateRowsV2Type, DeleteRowsV1Type, DeleteRowsV2Type, PartialUpdateRowsType:
		e = d.readRows(c, h.Type)
	case WriteRowsCompressedV1Type, UpdateRowsCompressedV1Type, DeleteRowsCompressedV1Type,
		WriteRowsCompressedV2Type, UpdateRowsCompressedV2Type, DeleteRowsCompressedV2Type:
		e = d.readCompressedRows(c, h.Type)
	case HeartbeatType:
		e = &Heartbeat{File: string(c.rest()), Position: uint64(h.End)}
	case HeartbeatV2Type:
		e = heartbeatV2(c)
	case IncidentType:
		i := &Incident{Number: c.uint16()}
		i.Message = c.string(int(c.uint8()))
		e = i
	case TransactionPayloadType:
		e = payload(c)
	case ExecuteLoadQueryType:
		e = loadQuery(c)
	case AnnotateRowsType, BinlogCheckpointType, GTIDListType, StartEncryptionType, PreviousGTIDsType, RowsQueryType, IgnorableType,
		StopType, IntvarType, RandType, UserVarType, BeginLoadQueryType, AppendBlockType, DeleteFileType, TransactionContextType, ViewChangeType, SlaveType:
		return &Other{Type: h.Type}, nil
	default:
		if h.Flags&FlagIgnorable != 0 {
			return &Other{Type: h.Type}, nil
		}
		return nil, &UnknownTypeError{Type: h.Type, Reason: "this version of ardso does not know it, and it may not be skipped"}
	}
	if c.err != nil {
		return nil, c.err
	}
	return e, nil
}

func (d *Decoder) formatDescription(c *cursor) *FormatDescription {
	f := &FormatDescription{Version: c.uint16()}
	f.ServerVersion = string(bytes.TrimRight(c.bytes(50), "\x00"))
	c.uint32() // when it was made
	f.HeaderLength = c.uint8()
	if f.Version != 4 || f.HeaderLength != headerSize {
		c.fail("binlog version %d with headers of %d bytes, where 4 and %d are known", f.Version, f.HeaderLength, headerSize)
		return f
	}
	n := c.left() - 1 - checksumSize
	if n < 0 {
		c.fail("no checksum algorithm")
		return f
	}
	f.PostHeaders = bytes.Clone(c.bytes(n))
	switch a := c.uint8(); a {
	case 0, 255:
	case 1:
		f.Checksum = true
	default:
		c.fail("checksum algorithm %d is not known", a)
	}
	return f
}

func (d *Decoder) postHeader(t Type, known int) int {
	if d.format == nil || int(t) > len(d.format.PostHeaders) {
		return known
	}
	return int(d.format.PostHeaders[t-1])
}

func (d *Decoder) mariadbGTID(c *cursor, h Header) *MariaDBGTID {
	g := &d.maria
	*g = MariaDBGTID{ServerID: h.ServerID, Sequence: c.uint64(), Domain: c.uint32(), Flags: c.uint8()}
	if g.Flags&GTIDGroupCommit != 0 {
		c.uint64()
	}
	if g.Flags&(GTIDPreparedXA|GTIDCompletedXA) != 0 {
		at := c.at
		c.uint32()
		n := int(c.uint8()) + int(c.uint8())
		c.bytes(n)
		if c.err == nil {
			g.XID = string(c.data[at:c.at])
		}
	}
	return g
}

func (d *Decoder) mysqlGTID(c *cursor, anonymous bool) *GTID {
	g := &d.gtid
	*g = GTID{Anonymous: anonymous, MayHaveSBR: c.uint8()&1 != 0}
	copy(g.SID[:], c.bytes(16))
	g.Number = int64(c.uint64())
	if c.left() >= 17 && c.uint8() == 2 {
		g.LastCommitted, g.SequenceNumber = int64(c.uint64()), int64(c.uint64())
		if c.left() >= 7 {
			b := c.bytes(7)
			v := uint64(0)
			for i := 6; i >= 0; i-- {
				v = v<<8 | uint64(b[i])
			}
			g.ImmediateCommit = int64(v &^ (1 << 55))
			g.OriginalCommit = g.ImmediateCommit
			if v&(1<<55) != 0 && c.left() >= 7 {
				b := c.bytes(7)
				v := uint64(0)
				for i := 6; i >= 0; i-- {
					v = v<<8 | uint64(b[i])
				}
				g.OriginalCommit = int64(v)
			}
			if c.left() > 0 {
				g.TransactionLength = c.packed()
			}
		}
	}
	if anonymous {
		g.SID, g.Number = [16]byte{}, 0
	}
	return g
}

func query(c *cursor) *Query {
	q := &Query{Thread: c.uint32()}
	c.uint32()
	n := int(c.uint8())
	q.Error = c.uint16()
	vars := int(c.uint16())
	q.vars(c.bytes(vars))
	q.Schema = c.string(n)
	c.uint8()
	q.Text = string(c.rest())
	return q
}

func (q *Query) vars(b []byte) {
	c := &cursor{data: b}
	for c.err == nil && c.left() > 0 {
		switch c.uint8() {
		case 0:
			c.uint32()
		case 1:
			q.SQLMode = c.uint64()
		case 3:
			c.uint32()
		case 4:
			q.Collations = [3]uint16{c.uint16(), c.uint16(), c.uint16()}
			return
		case 6, 5:
			c.bytes(int(c.uint8()))
		default:
			return
		}
	}
}

func (d *Decoder) compressedQuery(c *cursor) *Query {
	q := &Query{Thread: c.uint32()}
	c.uint32()
	n := int(c.uint8())
	q.Error = c.uint16()
	q.vars(c.bytes(int(c.uint16())))
	q.Schema = c.string(n)
	c.uint8()
	q.Text = string(d.inflate(c))
	return q
}

func (d *Decoder) inflate(c *cursor) []byte {
	h := c.uint8()
	if (h>>4)&7 != 0 {
		c.fail("compression algorithm %d", (h>>4)&7)
		return nil
	}
	size := 0
	for range h & 7 {
		size = size<<8 | int(c.uint8())
	}
	if c.err != nil {
		return nil
	}
	z, err := zlib.NewReader(bytes.NewReader(c.rest()))
	if err != nil {
		c.fail("%v", err)
		return nil
	}
	var b bytes.Buffer
	b.Write(d.inflated[:0])
	n, err := io.Copy(&b, io.LimitReader(z, int64(size)+1))
	if err != nil || n != int64(size) {
		c.fail("%d bytes where %d were compressed: %v", n, size, err)
		return nil
	}
	return b.Bytes()
}

func xaPrepare(c *cursor) *XAPrepare {
	x := &XAPrepare{OnePhase: c.uint8() != 0}
	x.XID = string(c.rest())
	return x
}

func heartbeatV2(c *cursor) *Heartbeat {
	h := &Heartbeat{}
	for c.err == nil && c.left() > 0 {
		field := c.packed()
		if field == 0 {
			break
		}
		n := c.length()
		b := &cursor{data: c.bytes(n)}
		switch field {
		case 1:
			h.File = string(b.rest())
		case 2:
			h.Position = b.packed()
		}
	}
	return h
}

func payload(c *cursor) *TransactionPayload {
	p := &TransactionPayload{}
	size := uint64(0)
	for c.err == nil {
		field := c.packed()
		if field == 0 {
			break
		}
		b := &cursor{data: c.bytes(c.length()), kind: c.kind}
		switch field {
		case 1:
			size = b.packed()
		case 2:
			p.Compression = b.packed()
		case 3:
			p.Uncompressed = b.packed()
		}
	}
	if size != uint64(c.left()) {
		c.fail("a payload of %d bytes where %d are left", size, c.left())
	}
	p.Data = c.rest()
	return p
}

func loadQuery(c *cursor) *Query {
	q := &Query{Thread: c.uint32()}
	c.uint32()
	n := int(c.uint8())
	q.Error = c.uint16()
	vars := int(c.uint16())
	c.bytes(13)
	q.vars(c.bytes(vars))
	q.Schema = c.string(n)
	c.uint8()
	q.Text = string(c.rest())
	return q
}

func (d *Decoder) readRows(c *cursor, t Type) *Rows {
	r := &d.rows
	*r = Rows{Kind: kindOf(t)}
	if d.postHeader(t, 8) == 6 {
		r.TableID = uint64(c.uint32())
	} else {
		r.TableID = c.uint48()
	}
	r.Flags = c.uint16()
	if t >= WriteRowsV2Type && t <= PartialUpdateRowsType || t >= WriteRowsCompressedV2Type {
		n := int(c.uint16())
		if n < 2 {
			c.fail("extra data of %d bytes", n)
			return r
		}
		c.bytes(n - 2)
	}
	r.Columns = int(c.packed())
	if r.Columns > 8*c.left() {
		c.fail("%d columns", r.Columns)
		return r
	}
	if r.Kind != Insert {
		r.Before = c.bytes((r.Columns + 7) / 8)
	}
	if r.Kind != Delete {
		r.After = c.bytes((r.Columns + 7) / 8)
	}
	return r2(r, c, t, d)
}

func r2(r *Rows, c *cursor, t Type, d *Decoder) *Rows {
	if t >= WriteRowsCompressedV1Type && t <= DeleteRowsCompressedV2Type {
		r.Data = d.inflate(c)
	} else {
		r.Data = c.rest()
	}
	return r
}

func (d *Decoder) readCompressedRows(c *cursor, t Type) *Rows { return d.readRows(c, t) }

func kindOf(t Type) RowsKind {
	switch t {
	case WriteRowsV1Type, WriteRowsV2Type, WriteRowsCompressedV1Type, WriteRowsCompressedV2Type:
		return Insert
	case DeleteRowsV1Type, DeleteRowsV2Type, DeleteRowsCompressedV1Type, DeleteRowsCompressedV2Type:
		return Delete
	case PartialUpdateRowsType:
		return PartialUpdate
	}
	return Update
}

var _ = fmt.Sprint
