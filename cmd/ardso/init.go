package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cdc"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
)

func (e *environment) init() *cli.Command {
	return &cli.Command{
		Name:      "init",
		Usage:     "set servers up: control tables, and what reading their log needs",
		ArgsUsage: "[SERVER…]",
		Description: "Makes the tables dso_* in each server, and on servers that changes are read from the\n" +
			"publication and slot (PostgreSQL) or triggers (SQLite). It may be run again at any time:\n" +
			"it does what is missing. --remove takes all of it away again, with what is pending.\n\n" +
			"Example:\n  ardso init --dry-run\n  ardso init sanfrancisco chicago",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "dry-run", Usage: "show the steps and their SQL, and change nothing"},
			&cli.BoolFlag{Name: "remove", Usage: "remove from the servers all that init made"},
		},
		Action: e.runInit,
	}
}

// initStep is a step as JSON.
type initStep struct {
	Server string `json:"server"`
	Step   string `json:"step"`
	SQL    string `json:"sql,omitempty"`
	Done   bool   `json:"done"`
}

func (e *environment) runInit(c *cli.Context) (err error) {
	ctx, stop := interruptible(c.Context)
	defer stop()
	if c.Bool("remove") {
		return e.runRemove(c)
	}
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	sys, err := run.OpenDocument(ctx, doc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sys.Close()) }()
	names := c.Args().Slice()
	if len(names) == 0 {
		for _, d := range doc.Servers {
			names = append(names, d.Name)
		}
	}
	// All plans before the first change: what one server refuses is known before another is touched.
	plans := map[string][]cdc.Step{}
	var problems []error
	for _, n := range names {
		var err error
		if plans[n], err = sys.InitPlan(ctx, n); err != nil {
			problems = append(problems, err)
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p := e.print(c)
	for _, n := range names {
		if err := e.showPlan(c, p, n, plans[n]); err != nil {
			return err
		}
		if c.Bool("dry-run") || len(plans[n]) == 0 {
			continue
		}
		if err := sys.Init(ctx, n, e.showDone(p, n)); err != nil {
			return err
		}
	}
	return nil
}

// runRemove needs no valid mappings: it looks at the servers alone.
func (e *environment) runRemove(c *cli.Context) (err error) {
	ctx, stop := interruptible(c.Context)
	defer stop()
	if !c.Args().Present() {
		return &report.UsageError{
			Reason: "init --remove needs the names of the servers",
			Fix:    "write `ardso init --remove SERVER…`; it removes what is pending there too",
		}
	}
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	all, err := run.Connect(ctx, doc, c.Args().Slice()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(all)) }()
	p := e.print(c)
	for _, conn := range all {
		if conn.Err != nil {
			return conn.Err
		}
		steps, err := run.RemovePlan(ctx, &conn.Server)
		if err != nil {
			return err
		}
		if err := e.showPlan(c, p, conn.Name, steps); err != nil {
			return err
		}
		if c.Bool("dry-run") || len(steps) == 0 {
			continue
		}
		if err := run.Remove(ctx, &conn.Server, e.showDone(p, conn.Name)); err != nil {
			return err
		}
	}
	return nil
}

// showPlan prints what is to be done, with its SQL on a dry run.
func (e *environment) showPlan(c *cli.Context, p *report.Printer, server string, steps []cdc.Step) error {
	dry := c.Bool("dry-run")
	if len(steps) == 0 {
		if !p.JSON {
			p.Say("%s: nothing to do", server)
		}
		return nil
	}
	if !p.JSON {
		p.Say("%s:", server)
	}
	if !dry {
		return nil
	}
	for _, s := range steps {
		err := p.Object(initStep{Server: server, Step: s.What, SQL: s.SQL}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "  - %s\n", report.Paragraph(s.What, 4, 80))
			for line := range strings.Lines(strings.TrimSpace(s.SQL)) {
				_, _ = fmt.Fprintf(w, "      %s\n", strings.TrimRight(line, "\n"))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (e *environment) showDone(p *report.Printer, server string) func(cdc.Step) {
	return func(s cdc.Step) {
		_ = p.Object(initStep{Server: server, Step: s.What, Done: true}, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "  ✓ %s\n", report.Paragraph(s.What, 4, 80))
			return err
		})
	}
}
