package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/sql/control"
)

// with opens the servers that --server names, or all, and calls f with those that answer. Those that
// do not are the error, after f has done what can be done.
func (e *environment) with(c *cli.Context, f func(context.Context, []*run.Connection) error) (err error) {
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	all, err := run.Connect(ctx, doc, c.StringSlice("server")...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(all)) }()
	var open []*run.Connection
	var problems []error
	for _, conn := range all {
		err := conn.Err
		if err == nil {
			err = control.Check(ctx, conn.DB, conn.Name)
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		open = append(open, conn)
	}
	return errors.Join(append([]error{f(ctx, open)}, problems...)...)
}

// Flags of the commands that list.
func filterFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringSliceFlag{Name: "server", Aliases: []string{"s"}, Usage: "only those on this `SERVER`"},
		&cli.StringFlag{Name: "mapping", Aliases: []string{"m"}, Usage: "only those of this `MAPPING`"},
		&cli.StringFlag{Name: "form", Usage: "only those of this source `FORM`"},
	}, more...)
}

func requestFlags(more ...cli.Flag) []cli.Flag {
	return filterFlags(append([]cli.Flag{
		&cli.StringFlag{Name: "request", Aliases: []string{"r"}, Usage: "only those of the source's request with this `ID`"},
	}, more...)...)
}

// gather reads rows from all servers, in order of server.
func gather[T any](all []*run.Connection, read func(*run.Connection) ([]T, error)) (rows []T, err error) {
	for _, conn := range all {
		list, err := read(conn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", conn.Name, err)
		}
		rows = append(rows, list...)
	}
	return rows, nil
}

// one finds the row with the ID that the command line names on one of the servers.
func one[T any](c *cli.Context, all []*run.Connection, get func(*run.Connection, string) (T, error)) (*run.Connection, T, error) {
	var none T
	if c.NArg() != 1 {
		return nil, none, &report.UsageError{Reason: c.Command.HelpName + " needs one ID", Fix: "lists show the IDs in their first column"}
	}
	id := c.Args().First()
	for _, conn := range all {
		x, err := get(conn, id)
		if _, missing := errors.AsType[*control.NotFoundError](err); missing {
			continue
		}
		return conn, x, err
	}
	return nil, none, &control.NotFoundError{ID: id}
}

// details prints names with their values.
func details(w io.Writer, pairs ...string) error {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%-13s %s\n", pairs[i], report.Paragraph(pairs[i+1], 14, 80)); err != nil {
			return err
		}
	}
	return nil
}

// pending is the command of that name.
func (e *environment) pending() *cli.Command {
	list := e.listPending
	flags := filterFlags(&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "those that are done or cancelled too"})
	return &cli.Command{
		Name:  "pending",
		Usage: "operations that were asked for and wait, run or have failed",
		Description: "Transfers are carried out by `ardso run` in the order in which they were asked for, and runs of escalations\n" +
			"among them.\n\n" +
			"Example:\n  ardso pending\n  ardso pending cancel 06jq2v1m8c3h4k5n",
		Flags:  flags,
		Action: list,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list them", Flags: flags, Action: list, Description: "Example:\n  ardso pending list --all"},
			{Name: "show", Usage: "show one", ArgsUsage: "ID", Flags: filterFlags()[:1], Action: e.showPending, Description: "Example:\n  ardso pending show 06jq2v1m8c3h4k5n"},
			{Name: "cancel", Usage: "give one up: what it has done so far stays", ArgsUsage: "ID", Flags: filterFlags()[:1], Action: e.cancelPending, Description: "Example:\n  ardso pending cancel 06jq2v1m8c3h4k5n"},
		},
	}
}

func (e *environment) listPending(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		f := control.PendingFilter{Mapping: c.String("mapping"), Form: c.String("form")}
		if !c.Bool("all") {
			f.Status = []control.Status{control.New, control.Running, control.Failed}
		}
		rows, err := gather(all, func(conn *run.Connection) ([]pendingView, error) {
			list, err := control.ListPending(ctx, conn.DB, f)
			// Escalations that wait are no operations yet: `ardso status` shows them.
			list = slices.DeleteFunc(list, func(p control.Pending) bool { return p.Type == control.Escalation && p.Status == control.Waiting })
			return viewPending(conn.Name, list), err
		})
		if err != nil {
			return err
		}
		return report.List(e.print(c), rows, "nothing is pending", []report.Column{
			{Title: "id", Fixed: true},
			{Title: "server"},
			{Title: "type"},
			{Title: "mapping"}, // or escalation
			{Title: "where"},
			{Title: "status"},
			{Title: "done", Right: true},
			{Title: "of", Right: true},
			{Title: "age"},
		}, func(p pendingView) []string {
			of := "?"
			if p.RowsTotal >= 0 {
				of = number(p.RowsTotal)
			}
			return []string{p.ID, p.Server, p.Type, p.Mapping, cmp.Or(p.Where, "(all)"), p.Status, number(p.RowsDone), of, ago(p.Created)}
		})
	})
}

func (e *environment) showPending(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		conn, x, err := one(c, all, func(conn *run.Connection, id string) (control.Pending, error) {
			return control.GetPending(ctx, conn.DB, id)
		})
		if err != nil {
			return err
		}
		p := viewPending(conn.Name, []control.Pending{x})[0]
		return e.print(c).Object(p, func(w io.Writer) error {
			name := "mapping"
			if p.Type == control.Escalation {
				name = "escalation"
			}
			return details(w, "id", p.ID, "server", p.Server, "type", p.Type, name, p.Mapping, "form", p.Form,
				"where", cmp.Or(p.Where, "(all requests)"), "status", p.Status,
				"requests", fmt.Sprintf("%s of %s", number(p.RowsDone), number(p.RowsTotal)), "durable to", p.LastKey,
				"asked for", p.Created.Format(timeFormat)+" by "+p.CreatedBy, "last change", p.Updated.Format(timeFormat),
				"error", p.Error, "why", p.Reason, "remedy", p.Remedy)
		})
	})
}

const timeFormat = "2006-01-02 15:04:05 UTC"

func (e *environment) cancelPending(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		conn, x, err := one(c, all, func(conn *run.Connection, id string) (control.Pending, error) {
			return control.GetPending(ctx, conn.DB, id)
		})
		if err != nil {
			return err
		}
		if slices.Contains([]control.Status{control.Done, control.Failed, control.Cancelled}, x.Status) {
			return &report.UsageError{Reason: fmt.Sprintf("%s is %s already", x.ID, x.Status), Fix: "`ardso pending` lists what can be cancelled"}
		}
		if x.Type == control.Escalation && x.Status == control.Waiting {
			return &report.UsageError{Reason: fmt.Sprintf("escalation %q waits for its next run", x.Mapping), Fix: "write enabled: no in its definition, and restart `ardso run`"}
		}
		if err := control.SetStatus(ctx, conn.DB, x.ID, control.Cancelled, nil); err != nil {
			return err
		}
		e.print(c).Say("%s is cancelled; %s requests were done", x.ID, number(x.RowsDone))
		return nil
	})
}
