package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping"
)

func (e *environment) transfer() *cli.Command {
	return &cli.Command{
		Name:  "transfer",
		Usage: "send the requests that a qualification selects along a mapping",
		Description: "The initial load, or a distributed transfer by hand: reads the requests as they stand\n" +
			"now, in chunks, and brings them into the stream of changes, so that it is safe while\n" +
			"`ardso run` and users work. Cut off, it goes on where it was.\n\n" +
			"Example:\n  ardso transfer --mapping \"chairs to Chicago\" --where \"'Status' < \\\"Closed\\\"\"",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "mapping", Aliases: []string{"m"}, Usage: "`NAME` of the mapping"},
			&cli.StringFlag{Name: "where", Aliases: []string{"w"}, Usage: "`QUALIFICATION` over the source form; default: all requests"},
		},
		Action: e.runTransfer,
	}
}

func (e *environment) runTransfer(c *cli.Context) (err error) {
	if err := noArguments(c); err != nil {
		return err
	}
	log, err := e.log(c, slog.LevelWarn)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	sys, err := run.OpenDocument(ctx, doc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sys.Close()) }()
	if err := checkTransfer(sys, c.String("mapping"), c.String("where")); err != nil {
		return err
	}
	p := e.print(c)
	show, end := p.Progress(c.String("mapping"))
	result, err := sys.Transfer(ctx, c.String("mapping"), c.String("where"), run.TransferOptions{Log: log, Progress: show})
	end()
	switch {
	case errors.Is(err, context.Canceled):
		return &report.InterruptedError{What: fmt.Sprintf("transfer %s", result.Job)}
	case err != nil:
		return err
	}
	if err := p.Object(result, func(w io.Writer) error { return showTransfer(w, result) }); err != nil {
		return err
	}
	if result.Parked > 0 {
		return attention(p, result.Parked)
	}
	return nil
}

func showTransfer(w io.Writer, r run.TransferResult) error {
	by := ""
	if r.Parked < 0 {
		by = " by the process that reads the server; `ardso errors` lists what it could not do"
	}
	_, err := fmt.Fprintf(w, "%s requests transferred%s\n", number(r.Rows), by)
	return err
}

// checkTransfer refuses what could only fail, before an order is left in the database.
func checkTransfer(sys *run.System, name, where string) error {
	var names []string
	for _, m := range sys.Compiled.Mappings {
		if m.Enabled {
			names = append(names, fmt.Sprintf("%q", m.Name))
		}
	}
	fix := "the definitions have " + strings.Join(names, ", ")
	m := sys.Compiled.Mapping(name)
	switch {
	case name == "":
		return &report.UsageError{Reason: "transfer needs a mapping", Fix: "write --mapping NAME; " + fix}
	case m == nil:
		return &report.UsageError{Reason: fmt.Sprintf("unknown mapping %q", name), Fix: fix}
	case !m.Enabled:
		return &report.UsageError{Reason: fmt.Sprintf("mapping %q is disabled", name), Fix: fix}
	}
	if where == "" {
		return nil
	}
	if _, err := mapping.NewDecider(m.From.Server, sys.Compiled).CompileWhere(where, m.FromForm); err != nil {
		return &report.UsageError{Reason: "--where: " + err.Error(), Fix: "fields of form " + m.FromForm.Name + " stand in single quotes, texts in double quotes: 'Status' = \"New\""}
	}
	return nil
}
