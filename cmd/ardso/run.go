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
	"ardso/mapping/definition"
)

func (e *environment) run() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "follow the servers' logs and carry changes out",
		ArgsUsage: "[SERVER…]",
		Description: "Follows the logs of all servers that definitions read from, or of those named, until\n" +
			"SIGTERM or SIGINT: the first finishes what is under way, the second stops at once.\n" +
			"At SIGHUP, and when the files of the definitions have changed, it reads them again and goes\n" +
			"on by them, whole or not at all.\n" +
			"Where another process reads a server already, this one stands by and takes over.\n" +
			"--once carries out what the logs hold at this moment, then ends; exit code 3 says\n" +
			"that operations went to errors.\n\n" +
			"Example:\n  ardso run\n  ardso run --once sanfrancisco",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "once", Usage: "go as far as the logs go now, then end"},
			&cli.StringSliceFlag{Name: "accept-truncate", Usage: "pass over a TRUNCATE of this `FORM`: its copies were seen to by hand"},
		},
		Action: e.runRun,
	}
}

func (e *environment) runRun(c *cli.Context) (err error) {
	ctx, drain, stop := e.stops(c.Context)
	defer stop()
	level := slog.LevelInfo
	if c.Bool("once") {
		level = slog.LevelWarn
	}
	log, err := e.log(c, level)
	if err != nil {
		return err
	}
	files := newWatch(definitionsPath(c))
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	open := run.OpenAvailable
	if c.Bool("once") { // whoever waits for its end wants to know
		open = run.OpenDocument
	}
	sys, err := open(ctx, doc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sys.Close()) }()
	p := e.print(c)
	o := run.Options{
		Servers: c.Args().Slice(), Once: c.Bool("once"), AcceptTruncate: c.StringSlice("accept-truncate"), Log: log,
		StandBy: func(server, holder string) {
			if !p.JSON && !log.Enabled(ctx, slog.LevelInfo) { // else the log says so
				_, _ = fmt.Fprintf(e.err, "ardso: %s: standing by, %s reads it\n", server, holder)
			}
		},
	}
	if !o.Once {
		defer files.start()()
		o.Reload, o.Load = files.changed, func() (*definition.Document, error) { return e.document(c) }
	}
	summary, err := sys.Run(ctx, drain, o)
	if _, ok := errors.AsType[*run.NoSourceError](err); ok {
		return err
	}
	if perr := showSummary(p, summary); perr != nil {
		return perr
	}
	switch {
	case err != nil && errors.Is(err, context.Canceled):
		return &report.InterruptedError{What: "run"}
	case err != nil:
		return err
	case c.Bool("once") && isClosed(drain):
		return &report.InterruptedError{What: "run --once"}
	case c.Bool("once") && summary.Parked() > 0:
		return attention(p, summary.Parked())
	}
	return nil
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// attention says how many operations went to errors, and ends with the exit code for it.
func attention(p *report.Printer, n int64) error {
	what := fmt.Sprintf("%d operations went to errors", n)
	if n == 1 {
		what = "1 operation went to errors"
	}
	if !p.JSON { // there the result has the number
		_, _ = fmt.Fprintf(p.Err, "ardso: %s: `ardso errors` lists them\n", what)
	}
	return &silentError{&report.AttentionError{What: what}}
}

func showSummary(p *report.Printer, s run.Summary) error {
	return p.Object(s, func(w io.Writer) error {
		t := report.Table{Columns: []report.Column{
			{Title: "server"},
			{Title: "operations", Right: true},
			{Title: "written", Right: true},
			{Title: "conflicts", Right: true},
			{Title: "to errors", Right: true},
			{Title: "transactions", Right: true},
		}}
		for _, x := range s.Servers {
			t.Rows = append(t.Rows, []string{x.Server, number(x.Operations), number(x.Written), number(x.Conflicts), number(x.Parked), number(x.Transactions)})
		}
		return t.Write(w, 80)
	})
}

// number groups digits by three.
func number(n int64) string {
	s := fmt.Sprint(n)
	start := len(s) % 3
	if n < 0 || len(s) <= 3 {
		return s
	}
	var parts []string
	if start > 0 {
		parts = append(parts, s[:start])
	}
	for i := start; i < len(s); i += 3 {
		parts = append(parts, s[i:i+3])
	}
	return strings.Join(parts, ",")
}
