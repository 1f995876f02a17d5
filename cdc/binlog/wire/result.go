package wire

import "context"

// Result is what a statement returned; one without rows has no columns either.
type Result struct {
	Columns []string
	Rows    [][]Cell // each as long as Columns
}

// Cell is one value as text.
type Cell struct {
	Text string // "" if Null
	Null bool
}

const maxColumns = 1 << 16 // servers have less

// Query runs one statement and keeps all of its result in memory.
func (c *Conn) Query(ctx context.Context, text string) (Result, error) {
	var r Result
	err := c.command(ctx, func() (err error) {
		if err = c.stream.send(append([]byte{comQuery}, text...)); err == nil {
			r, err = c.result()
		}
		return err
	})
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

func (c *Conn) result() (Result, error) {
	var r Result
	p, err := c.stream.packet()
	switch {
	case err != nil:
		return r, err
	case len(p) > 0 && p[0] == packetError:
		return r, parseServerError(p)
	case len(p) > 0 && p[0] == packetOK:
		return r, nil
	}
	head := cursor{p: p} // 0xfb, a request for a local file, is no number
	n := head.lenenc()
	if head.short || len(head.p) > 0 || n == 0 || n > maxColumns {
		return r, malformed("%.20q where a result was due", p)
	}
	for range n {
		if p, err = c.stream.packet(); err != nil {
			return r, err
		}
		name, err := columnName(p)
		if err != nil {
			return r, err
		}
		r.Columns = append(r.Columns, name)
	}
	if p, err = c.stream.packet(); err != nil {
		return r, err
	}
	if !isEOF(p) {
		return r, malformed("%.20q where the columns end", p)
	}
	return r, c.rows(&r)
}

// columnName is the fifth text of a column's definition: catalog, schema, table, its real name, name.
func columnName(p []byte) (string, error) {
	d := cursor{p: p}
	for range 4 {
		d.text()
	}
	name := string(d.text())
	if d.short {
		return "", malformed("a column's definition of %d bytes", len(p))
	}
	return name, nil
}

func (c *Conn) rows(r *Result) error {
	for {
		p, err := c.stream.packet()
		switch {
		case err != nil:
			return err
		case isEOF(p):
			return nil
		case len(p) > 0 && p[0] == packetError:
			return parseServerError(p)
		}
		row, err := parseRow(p, len(r.Columns))
		if err != nil {
			return err
		}
		r.Rows = append(r.Rows, row)
	}
}

const nullCell = 0xfb

func parseRow(p []byte, columns int) ([]Cell, error) {
	c := cursor{p: p}
	row := make([]Cell, columns)
	for i := range row {
		if len(c.p) > 0 && c.p[0] == nullCell {
			c.bytes(1)
			row[i].Null = true
			continue
		}
		row[i].Text = string(c.text())
	}
	if c.short || len(c.p) > 0 {
		return nil, malformed("a row of %d bytes for %d columns", len(p), columns)
	}
	return row, nil
}

// isEOF tells an EOF packet from a row whose first value is longer than 16 MiB, which begins alike.
func isEOF(p []byte) bool { return len(p) > 0 && len(p) < 9 && p[0] == packetEOF }
