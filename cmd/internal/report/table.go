package report

import (
	"io"
	"strings"
)

// Column is a column of a Table.
type Column struct {
	Title string
	Right bool // aligned right, as numbers are
	Fixed bool // never cut: IDs and names that one wants to copy
}

// Table is rows under titles. All cells of a row are texts; line breaks in them show as ⏎.
type Table struct {
	Columns []Column
	Rows    [][]string
}

const (
	gap      = 2 // blanks between columns
	minWidth = 6 // a column is not cut below this
)

// Write writes the table, aligned and at most width columns wide: cells of the widest columns are cut
// and end in … where it would be wider. Fixed columns are kept whole, be it too wide.
func (t *Table) Write(w io.Writer, width int) error {
	cells := t.cells()
	widths := t.widths(cells, width)
	var b strings.Builder
	for _, row := range cells {
		line := ""
		for i, c := range t.Columns {
			if i > 0 {
				line += strings.Repeat(" ", gap)
			}
			cell := ""
			if i < len(row) {
				cell = Cut(row[i], widths[i])
			}
			pad := strings.Repeat(" ", widths[i]-columns(cell))
			if c.Right {
				line += pad + cell
			} else {
				line += cell + pad
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// cells is the title line and the rows, each cell on one line.
func (t *Table) cells() [][]string {
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = strings.ToUpper(c.Title)
	}
	all := [][]string{titles}
	for _, row := range t.Rows {
		flat := make([]string, len(row))
		for i, c := range row {
			flat[i] = oneLine(c)
		}
		all = append(all, flat)
	}
	return all
}

// widths gives each column what its widest cell needs, then takes from the widest until all fit.
func (t *Table) widths(cells [][]string, width int) []int {
	need := make([]int, len(t.Columns))
	for _, row := range cells {
		for i := range need {
			if i < len(row) {
				need[i] = max(need[i], columns(row[i]))
			}
		}
	}
	total := gap * (len(need) - 1)
	for _, n := range need {
		total += n
	}
	for ; total > width; total-- {
		widest := -1
		for i, n := range need {
			if !t.Columns[i].Fixed && n > minWidth && (widest < 0 || n > need[widest]) {
				widest = i
			}
		}
		if widest < 0 {
			break
		}
		need[widest]--
	}
	return need
}

// Cut shortens a text to n columns; what was cut ends in ….
func Cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	used := 0
	for i, r := range s {
		w := runeColumns(r)
		if used+w > n-1 {
			return s[:i] + "…"
		}
		used += w
	}
	return s
}

// oneLine shows control characters instead of sending them to the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return '⏎'
		case r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0:
			return '·'
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// columns is how wide a text is on a terminal.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}
