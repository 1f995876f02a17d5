package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/sql/control"
)

func (e *environment) errors() *cli.Command {
	flags := requestFlags(&cli.StringFlag{Name: "error", Aliases: []string{"e"}, Usage: "only those with this `NAME`, such as value.too_long"})
	several := append(slices.Clone(flags), &cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all that the other flags select, instead of IDs"})
	return &cli.Command{
		Name:  "errors",
		Usage: "operations that could not be carried out, and what to do about each",
		Description: "An operation that fails for good waits on its target server, with later ones of the same\n" +
			"request; all else goes on. Cure the cause, then retry; or remove it, which gives its\n" +
			"changes up.\n\n" +
			"Example:\n  ardso errors --mapping \"chairs to Chicago\"\n  ardso errors retry --all --error value.too_long",
		Flags:  flags,
		Action: e.listErrors,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list them", Flags: flags, Action: e.listErrors, Description: "Example:\n  ardso errors list --server chicago"},
			{Name: "show", Usage: "show one, with what the source sent and what the target holds", ArgsUsage: "ID", Flags: filterFlags()[:1], Action: e.showError, Description: "Example:\n  ardso errors show 06jq2v1m8c3h4k5n"},
			{Name: "retry", Usage: "let `ardso run` try them again", ArgsUsage: "[ID…]", Flags: several, Action: e.retryErrors, Description: "Example:\n  ardso errors retry 06jq2v1m8c3h4k5n\n  ardso errors retry --all"},
			{Name: "remove", Usage: "give them up: their changes do not reach the target", ArgsUsage: "[ID…]", Flags: several, Action: e.removeErrors, Description: "Example:\n  ardso errors remove 06jq2v1m8c3h4k5n"},
		},
	}
}

func errorFilter(c *cli.Context) control.ErrorFilter {
	return control.ErrorFilter{Mapping: c.String("mapping"), Form: c.String("form"), Request: c.String("request"), Error: c.String("error")}
}

func (e *environment) listErrors(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		rows, err := gather(all, func(conn *run.Connection) ([]errorView, error) {
			list, err := control.ListErrors(ctx, conn.DB, errorFilter(c))
			return viewErrors(conn.Name, list), err
		})
		if err != nil {
			return err
		}
		return report.List(e.print(c), rows, "no operation is in errors", []report.Column{
			{Title: "id", Fixed: true},
			{Title: "target"},
			{Title: "mapping"},
			{Title: "request"},
			{Title: "action"},
			{Title: "error"},
			{Title: "status"},
		}, func(x errorView) []string {
			return []string{x.ID, x.Server, x.Mapping, x.Request, x.Action, x.Error, x.Status}
		})
	})
}

func (e *environment) showError(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		conn, x, err := one(c, all, func(conn *run.Connection, id string) (control.PendingError, error) {
			return control.GetError(ctx, conn.DB, id)
		})
		if err != nil {
			return err
		}
		v := viewErrors(conn.Name, []control.PendingError{x})[0]
		if v.Operations, err = run.ReadOperations(v.text); err != nil {
			return err
		}
		if len(v.Operations) > 0 {
			if v.TargetNow, err = conn.TargetNow(ctx, v.Operations[0]); err != nil {
				return err
			}
		}
		form, err := conn.Form(ctx, v.TargetForm)
		if err != nil {
			return err
		}
		return e.print(c).Object(v, func(w io.Writer) error {
			err := details(w, "id", v.ID, "error", v.Error, "why", v.Reason, "remedy", v.Remedy,
				"operation", fmt.Sprintf("%s request %s of form %q on %s", v.Action, v.Request, v.TargetForm, v.Server),
				"from", fmt.Sprintf("form %q on %s, mapping %q", v.Form, v.Source, v.Mapping),
				"status", fmt.Sprintf("%s since %s, tried %d times", v.Status, v.Created.Format(timeFormat), v.Attempts))
			if err != nil {
				return err
			}
			for i, op := range v.Operations {
				if len(op.Fields) == 0 { // a hand-over that was refused: a retry transfers the request as it is then
					continue
				}
				title := fmt.Sprintf("\n%s at %s, %d of %d that wait:\n", op.Action, op.CommitTime.Format(timeFormat), i+1, len(v.Operations))
				if _, err := io.WriteString(w, title); err != nil {
					return err
				}
				if err := showImages(w, form, op, v.TargetNow, "target now"); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// eachError calls f for the errors that IDs, or with --all the filters, select.
func (e *environment) eachError(c *cli.Context, what string, f func(context.Context, *run.Connection, control.PendingError) error) error {
	ids := c.Args().Slice()
	if len(ids) == 0 && !c.Bool("all") {
		return &report.UsageError{
			Reason: c.Command.HelpName + " needs IDs, or --all",
			Fix:    "`ardso errors` lists the IDs; --all takes all that --mapping, --form, --request and --error select",
		}
	}
	if len(ids) > 0 && c.Bool("all") {
		return &report.UsageError{Reason: "IDs and --all do not go together", Fix: "write one of them"}
	}
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		found := map[string]bool{}
		for _, conn := range all {
			list, err := control.ListErrors(ctx, conn.DB, errorFilter(c))
			if err != nil {
				return err
			}
			for _, x := range list {
				if !c.Bool("all") && !slices.Contains(ids, x.ID) {
					continue
				}
				if err := f(ctx, conn, x); err != nil {
					return err
				}
				found[x.ID] = true
			}
		}
		for _, id := range ids {
			if !found[id] {
				return &control.NotFoundError{ID: id}
			}
		}
		e.print(c).Say("%d %s", len(found), what)
		return nil
	})
}

func (e *environment) retryErrors(c *cli.Context) error {
	return e.eachError(c, "to be tried again by `ardso run`", func(ctx context.Context, conn *run.Connection, x control.PendingError) error {
		return control.SetErrorStatus(ctx, conn.DB, x.ID, control.ErrorRetry)
	})
}

func (e *environment) removeErrors(c *cli.Context) error {
	return e.eachError(c, "removed", func(ctx context.Context, conn *run.Connection, x control.PendingError) error {
		return control.DeleteError(ctx, conn.DB, x.ID)
	})
}
