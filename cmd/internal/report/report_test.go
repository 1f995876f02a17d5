package report

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fault is a named error.
type fault struct {
	name, text, remedy string
	cause              error
}

func (e *fault) Error() string {
	if e.cause != nil {
		return e.text + ": " + e.cause.Error()
	}
	return e.text
}
func (e *fault) Name() string   { return e.name }
func (e *fault) Remedy() string { return e.remedy }
func (e *fault) Unwrap() error  { return e.cause }

// faults is a named list that shows itself.
type faults []error

func (e faults) Error() string   { return "d.yaml:1:1: one\nd.yaml:2:1: two" }
func (e faults) Name() string    { return "definition.invalid" }
func (e faults) Remedy() string  { return "correct them" }
func (e faults) Unwrap() []error { return e }

func TestError(t *testing.T) {
	t.Parallel()
	lost := &fault{name: "reader.position_lost", text: "chicago: position 42 lost: the trigger log has been trimmed up to 57", remedy: "run `ardso init chicago`, which sets a new position, then `ardso transfer` what changed"}
	away := &fault{name: "server.unreachable", text: "open tokyo", cause: errors.New("connection refused"), remedy: "start it"}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"plain", errors.New("disk full"), "ardso: disk full\n"},
		{"cause", away, `
ardso: open tokyo                                           [server.unreachable]
  why     connection refused
  remedy  start it
`},
		{"long", lost, `
ardso: chicago: position 42 lost                          [reader.position_lost]
  why     the trigger log has been trimmed up to 57
  remedy  run ` + "`ardso init chicago`" + `, which sets a new position, then
          ` + "`ardso transfer`" + ` what changed
`},
		{"wrapped", fmt.Errorf("step 2: %w", away), `
ardso: step 2: open tokyo                                   [server.unreachable]
  why     connection refused
  remedy  start it
`},
		{"joined, one of them twice", errors.Join(away, fmt.Errorf("deeper: %w", errors.Join(away, errors.New("disk full")))), `
ardso: open tokyo                                           [server.unreachable]
  why     connection refused
  remedy  start it
ardso: disk full
`},
		{"list", faults{errors.New("one"), errors.New("two")}, "d.yaml:1:1: one\nd.yaml:2:1: two\nremedy: correct them\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			p := Printer{Err: &b}
			p.Error(test.err)
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorAsJSON(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := Printer{Err: &b, JSON: true}
	p.Error(errors.Join(&fault{name: "a.b", text: `"quoted"`, remedy: "r"}, errors.New("plain")))
	want := `{"error":"a.b","reason":"\"quoted\"","remedy":"r"}` + "\n" + `{"error":"","reason":"plain"}` + "\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want ExitCode
	}{
		{"nothing", nil, Done},
		{"plain", errors.New("x"), Failure},
		{"definitions", &fault{name: "definition.invalid"}, Usage},
		{"usage", &UsageError{}, Usage},
		{"attention", &AttentionError{}, Attention},
		{"server", fmt.Errorf("x: %w", &fault{name: "server.denied"}), NoServer},
		{"position", &fault{name: "reader.position_lost"}, Lost},
		{"another of the reader's", &fault{name: "reader.silent"}, Failure},
		{"interrupted", &InterruptedError{}, Interrupted},
		{"cancelled", fmt.Errorf("x: %w", context.Canceled), Interrupted},
		{"the gravest of several", errors.Join(errors.New("x"), &fault{name: "server.denied"}, &AttentionError{}), NoServer},
	}
	for _, test := range tests {
		if got := Code(test.err); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	table := Table{
		Columns: []Column{{Title: "id", Fixed: true}, {Title: "text"}, {Title: "n", Right: true}},
		Rows: [][]string{
			{"0123456789", "a text that is too long for the table", "7"},
			{"x", "two\nlines\tand \x1b[31m", "1,000"},
			{"日本", "東京の椅子を修理する", "12"},
			{"short"},
		},
	}
	want := `ID          TEXT                    N
0123456789  a text that is to…      7
x           two⏎lines and ·[3…  1,000
日本        東京の椅子を修理…      12
short
`
	var b bytes.Buffer
	if err := table.Write(&b, 37); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whatever the cells hold, no line is wider than asked for where no column is fixed, as long as there is
// room for the least width of each.
func TestTableFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 6).Draw(t, "columns")
		table := Table{Columns: make([]Column, n)}
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			table.Rows = append(table.Rows, rapid.SliceOfN(rapid.String(), n, n).Draw(t, "row"))
		}
		width := rapid.IntRange(n*(minWidth+gap), 100).Draw(t, "width")
		var b bytes.Buffer
		if err := table.Write(&b, width); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
		if len(lines) != len(table.Rows)+1 {
			t.Fatalf("got %d lines for %d rows", len(lines), len(table.Rows))
		}
		for _, line := range lines {
			if got := columns(line); got > width {
				t.Fatalf("%q is %d columns wide, want at most %d", line, got, width)
			}
		}
	})
}

func TestParagraphKeepsCommandsWhole(t *testing.T) {
	t.Parallel()
	got := Paragraph("then run `ardso transfer --mapping NAME` again", 2, 20)
	want := "then run\n  `ardso transfer --mapping NAME`\n  again"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Paragraph("an `unclosed quote", 0, 5); got != "an\n`unclosed quote" {
		t.Errorf("got %q", got)
	}
}

func TestProgressLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		total int64
		want  int // lines
	}{{"known total", 1000, 11}, {"unknown total", -1, 10}}
	for _, test := range tests {
		var b bytes.Buffer
		show, end := (&Printer{Err: &b}).Progress("x")
		for i := range int64(1001) {
			show(i, test.total)
		}
		end()
		if got := strings.Count(b.String(), "\n"); got != test.want {
			t.Errorf("%s: got %d lines, want %d:\n%s", test.name, got, test.want, b.String())
		}
	}
}

func TestProgressBar(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	show, end := (&Printer{Err: &b, Terminal: true}).Progress("chairs")
	show(1, -1)
	show(5, 10)
	show(12, 10) // the estimate was too low
	end()
	if !strings.Contains(b.String(), "chairs") {
		t.Errorf("got %q", b.String())
	}
}

func TestListWithoutItems(t *testing.T) {
	t.Parallel()
	for _, json := range []bool{false, true} {
		var b bytes.Buffer
		p := Printer{Out: &b, JSON: json}
		if err := List(&p, []int(nil), "nothing", nil, nil); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{false: "nothing\n", true: ""}[json]; b.String() != want {
			t.Errorf("json %v: got %q, want %q", json, b.String(), want)
		}
	}
}
