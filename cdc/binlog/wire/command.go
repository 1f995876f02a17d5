package wire

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
)

const (
	comQuit          = 0x01
	comQuery         = 0x03
	comBinlogDump    = 0x12
	comRegisterSlave = 0x15
	comDumpGTID      = 0x1e
)

const throughGTID = 0x04 // the GTID set is there

// Dump says which log to send.
type Dump struct {
	ServerID uint32 // ours as a replica
	Flags    uint16 // 1: end at the log's present end
	File     string // "" = the first that the server has, or as a GTID says
	Position uint64 // in bytes; events begin at 4
}

// Register makes the connection known as a replica. host is what the server's list of replicas shows; older
// servers refuse more than 60 bytes (MS-27).
func (c *Conn) Register(ctx context.Context, id uint32, host string) error {
	if len(host) > math.MaxUint8 {
		return fmt.Errorf("register as replica %d: the name %.40q... has more than 255 bytes", id, host)
	}
	b := binary.LittleEndian.AppendUint32([]byte{comRegisterSlave}, id)
	b = append(append(b, byte(len(host))), host...)
	b = append(b, make([]byte, 1+1+2+4+4)...) // user, password, port, rank, source: none
	return c.command(ctx, func() error {
		if err := c.stream.send(b); err != nil {
			return err
		}
		return c.ok()
	})
}

// ok reads the answer to a command that has no other result.
func (c *Conn) ok() error {
	p, err := c.stream.packet()
	switch {
	case err != nil:
		return err
	case len(p) > 0 && p[0] == packetOK:
		return nil
	case len(p) > 0 && p[0] == packetError:
		return parseServerError(p)
	}
	return malformed("%.20q where OK was due", p)
}

// Dump asks for the log from a file and a position on. Whether the server agrees shows at the first Next. The
// command has 32 bits for the position, so that what lies behind 4 GiB in a file cannot be asked for (MS-22).
func (c *Conn) Dump(ctx context.Context, d Dump) error {
	if d.Position > math.MaxUint32 {
		return fmt.Errorf("dump %s: position %d is behind the 4 GiB that can be asked for", d.File, d.Position)
	}
	b := binary.LittleEndian.AppendUint32([]byte{comBinlogDump}, uint32(d.Position))
	b = binary.LittleEndian.AppendUint16(b, d.Flags)
	b = binary.LittleEndian.AppendUint32(b, d.ServerID)
	return c.dump(ctx, append(b, d.File...))
}

// DumpGTID asks for what is not in set, which is in MySQL's binary form, of the log from a file and a position on.
func (c *Conn) DumpGTID(ctx context.Context, d Dump, set []byte) error {
	b := binary.LittleEndian.AppendUint16([]byte{comDumpGTID}, d.Flags|throughGTID)
	b = binary.LittleEndian.AppendUint32(b, d.ServerID)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(d.File)))
	b = append(b, d.File...)
	b = binary.LittleEndian.AppendUint64(b, d.Position)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(set)))
	return c.dump(ctx, append(b, set...))
}

func (c *Conn) dump(ctx context.Context, b []byte) error {
	err := c.command(ctx, func() error { return c.stream.send(b) })
	if err == nil {
		c.state = dumping
	}
	return err
}
