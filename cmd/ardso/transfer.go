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
	"ardso/mapping/definition"
)

func (e *environment) transfer() *cli.Command {
	return &cli.Command{
		Name:  "transfer",
		Usage: "send the requests that a qualification selects along a mapping",
		Description: "The initial load, or a distributed transfer by hand: reads the requests as they stand\n" +
			"now, in chunks, and brings them into the stream of changes, so that it is safe while\n" +
			"`ardso run` and users work. Cut off, it goes on where it was.\n\n" +
			"Example:\n  ardso transfer --mapping \"chairs to Chicago\" --where \"'Status' < \\\"Closed\\\"\"",
		Flags:  selectFlags("source"),
		Action: func(c *cli.Context) error { return e.operate(c, "transfer", (*run.System).Transfer) },
	}
}

func (e *environment) giveBack() *cli.Command {
	return &cli.Command{
		Name:  "return",
		Usage: "give the requests that a qualification selects back along a mapping, with ownership",
		Description: "A return by hand: the requests that came along the mapping go back to where they came\n" +
			"from, and are owned there again. What does not own itself any more is left alone.\n\n" +
			"Example:\n  ardso return --mapping \"chairs to Chicago\" --where \"'Status' = \\\"Closed\\\"\"",
		Flags:  selectFlags("mapping's target"),
		Action: func(c *cli.Context) error { return e.operate(c, "return", (*run.System).Return) },
	}
}

func selectFlags(form string) []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "mapping", Aliases: []string{"m"}, Usage: "`NAME` of the mapping"},
		&cli.StringFlag{Name: "where", Aliases: []string{"w"}, Usage: "`QUALIFICATION` over the " + form + " form; default: all requests"},
	}
}

// operate does a distributed operation by hand.
func (e *environment) operate(c *cli.Context, name string, do func(*run.System, context.Context, string, string, run.TransferOptions) (run.TransferResult, error)) (err error) {
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
	if err := checkOperation(sys, name, c.String("mapping"), c.String("where")); err != nil {
		return err
	}
	p := e.print(c)
	show, end := p.Progress(c.String("mapping"))
	result, err := do(sys, ctx, c.String("mapping"), c.String("where"), run.TransferOptions{Log: log, Progress: show})
	end()
	switch {
	case errors.Is(err, context.Canceled):
		return &report.InterruptedError{What: fmt.Sprintf("%s %s", name, result.Job)}
	case err != nil:
		return err
	}
	if err := p.Object(result, func(w io.Writer) error { return showOperation(w, name, result) }); err != nil {
		return err
	}
	if result.Parked > 0 {
		return attention(p, result.Parked)
	}
	return nil
}

func showOperation(w io.Writer, name string, r run.TransferResult) error {
	by := ""
	if r.Parked < 0 {
		by = " by the process that reads the server; `ardso errors` lists what it could not do"
	}
	_, err := fmt.Fprintf(w, "%s requests %sed%s\n", number(r.Rows), strings.Replace(name, "transfer", "transferr", 1), by)
	return err
}

// checkOperation refuses what could only fail, before an order is left in the database.
func checkOperation(sys *run.System, operation, name, where string) error {
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
		return &report.UsageError{Reason: operation + " needs a mapping", Fix: "write --mapping NAME; " + fix}
	case m == nil:
		return &report.UsageError{Reason: fmt.Sprintf("unknown mapping %q", name), Fix: fix}
	case !m.Enabled:
		return &report.UsageError{Reason: fmt.Sprintf("mapping %q is disabled", name), Fix: fix}
	case operation == "return" && m.TransferMode != definition.DataOwnership:
		return &report.UsageError{Reason: fmt.Sprintf("mapping %q hands no ownership over, so there is nothing to return", name), Fix: "name a mapping of transfer_mode: data + ownership"}
	}
	if where == "" {
		return nil
	}
	server, form := m.From.Server, m.FromForm
	if operation == "return" {
		server, form = m.To.Server, m.ToForm
	}
	if _, err := mapping.NewDecider(server, sys.Compiled).CompileWhere(where, form); err != nil {
		return &report.UsageError{Reason: "--where: " + err.Error(), Fix: "fields of form " + form.Name + " stand in single quotes, texts in double quotes: 'Status' = \"New\""}
	}
	return nil
}
