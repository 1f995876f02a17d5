// Package report shows what a command has to say: tables, single objects, JSON, progress, errors as a
// person reads them, and the exit code that follows from an error.
//
// It leaves to others what is shown: it knows rows and named errors, not servers or requests.
//
// Read Printer, Table, then Printer.Error and Code.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Printer writes a command's output. Results go to Out, all else (errors, progress, remarks) to Err, so
// that Out can be piped.
type Printer struct {
	Out, Err io.Writer
	JSON     bool // results as JSON, one object a line
	Width    int  // columns of the output; 0 = 80
	Terminal bool // Err is a terminal: progress may be drawn
}

func (p *Printer) width() int {
	if p.Width == 0 {
		return 80
	}
	return p.Width
}

// Object writes one result: as a line of JSON, or by the function text.
func (p *Printer) Object(v any, text func(w io.Writer) error) error {
	if p.JSON {
		return p.line(v)
	}
	return text(p.Out)
}

// List writes results: each as a line of JSON, or all as a table with a row for each. Where there are
// none, the text none stands in the table's place.
func List[T any](p *Printer, items []T, none string, columns []Column, row func(T) []string) error {
	if p.JSON {
		for _, x := range items {
			if err := p.line(x); err != nil {
				return err
			}
		}
		return nil
	}
	if len(items) == 0 {
		_, err := fmt.Fprintln(p.Out, none)
		return err
	}
	t := Table{Columns: columns}
	for _, x := range items {
		t.Rows = append(t.Rows, row(x))
	}
	return t.Write(p.Out, p.width())
}

func (p *Printer) line(v any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// Say writes a remark for a person: to Out, or with JSON to Err, so that Out holds nothing but JSON.
func (p *Printer) Say(format string, args ...any) {
	w := p.Out
	if p.JSON {
		w = p.Err
	}
	_, _ = fmt.Fprintf(w, format+"\n", args...) // a closed pipe shows at the next result
}

// Paragraph breaks text into lines of at most width columns, each but the first indented. What stands
// between backquotes, a command to paste, stays on one line.
func Paragraph(text string, indent, width int) string {
	var b strings.Builder
	column := indent
	for i, word := range words(text) {
		n := len([]rune(word))
		switch {
		case i == 0:
		case column+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String()
}

// words splits at blanks, but not between backquotes.
func words(text string) []string {
	var list []string
	open := ""
	for _, w := range strings.Fields(text) {
		if open != "" {
			w = open + " " + w
			open = ""
		}
		if strings.Count(w, "`")%2 == 1 {
			open = w
			continue
		}
		list = append(list, w)
	}
	if open != "" {
		list = append(list, open)
	}
	return list
}
