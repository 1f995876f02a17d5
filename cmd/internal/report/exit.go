package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// ExitCode is what a command ends with.
type ExitCode int

const (
	Done        ExitCode = 0
	Failure     ExitCode = 1
	Usage       ExitCode = 2
	Attention   ExitCode = 3
	NoServer    ExitCode = 4
	Lost        ExitCode = 5
	Interrupted ExitCode = 6
)

// ExitCodes is the one table of them; README and help show it.
var ExitCodes = []struct {
	Code    ExitCode
	Meaning string
}{
	{Done, "done"},
	{Failure, "an error that the message explains"},
	{Usage, "wrong usage, or the definitions are not valid; nothing was changed"},
	{Attention, "done, but a person must look: operations went to errors, check or verify found errors, or definitions differ"},
	{NoServer, "a database server cannot be reached, refuses the login, or is not usable"},
	{Lost, "a server's log no longer reaches back to where ardso left off"},
	{Interrupted, "interrupted before it was finished; starting again goes on from there"},
}

// ExitTable is ExitCodes as lines of text.
func ExitTable() string {
	var b strings.Builder
	for _, c := range ExitCodes {
		fmt.Fprintf(&b, "  %d  %s\n", c.Code, c.Meaning)
	}
	return b.String()
}

// codes tells the exit code by an error's name, or by the part of it before the point.
var codes = map[string]ExitCode{
	"definition":           Usage,
	"usage":                Usage,
	"server":               NoServer,
	"reader.position_lost": Lost,
}

// coded is an error that brings its own exit code.
type coded interface {
	error
	ExitCode() int
}

// Code is the exit code of an error: the highest, where several are joined.
func Code(err error) ExitCode {
	code := Done
	for _, e := range split(err) {
		code = max(code, codeOf(e))
	}
	return code
}

func codeOf(err error) ExitCode {
	if c, ok := errors.AsType[coded](err); ok {
		return ExitCode(c.ExitCode())
	}
	if n, ok := errors.AsType[named](err); ok {
		if c, ok := codes[n.Name()]; ok {
			return c
		}
		kind, _, _ := strings.Cut(n.Name(), ".")
		if c, ok := codes[kind]; ok {
			return c
		}
		return Failure
	}
	if errors.Is(err, context.Canceled) {
		return Interrupted
	}
	return Failure
}

// AttentionError ends a command that did its work, and after which a person must look. It is not
// printed: the command has said what there is to see.
type AttentionError struct{ What string }

func (e *AttentionError) Error() string { return e.What }
func (e *AttentionError) ExitCode() int { return int(Attention) }

// UsageError is a command line that cannot be carried out.
type UsageError struct {
	Reason string
	Fix    string
}

func (e *UsageError) Error() string  { return e.Reason }
func (e *UsageError) Name() string   { return "usage.invalid" }
func (e *UsageError) Remedy() string { return e.Fix }

// InterruptedError ends a command that was told to stop before it had finished.
type InterruptedError struct{ What string }

func (e *InterruptedError) Error() string  { return e.What + ": interrupted before it was finished" }
func (e *InterruptedError) Name() string   { return "interrupted" }
func (e *InterruptedError) Remedy() string { return "start it again: it goes on where it stopped" }
func (e *InterruptedError) ExitCode() int  { return int(Interrupted) }
