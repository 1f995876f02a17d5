package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/sql/control"
)

func (e *environment) conflicts() *cli.Command {
	flags := requestFlags(&cli.StringFlag{Name: "kind", Usage: "only those of this `KIND`"})
	return &cli.Command{
		Name:  "conflicts",
		Usage: "where a target was not as its source believed, and how that was settled",
		Description: "Nothing is overwritten without a record: each conflict is kept with both images, those\n" +
			"that went to errors too, and with the values that were lost.\n\n" +
			"Example:\n  ardso conflicts --server chicago\n  ardso conflicts show 06jq2v1m8c3h4k5n",
		Flags:  flags,
		Action: e.listConflicts,
		Subcommands: []*cli.Command{
			{Name: "list", Usage: "list them", Flags: flags, Action: e.listConflicts, Description: "Example:\n  ardso conflicts list --request 000000000000042"},
			{Name: "show", Usage: "show one with both images", ArgsUsage: "ID", Flags: filterFlags()[:1], Action: e.showConflict, Description: "Example:\n  ardso conflicts show 06jq2v1m8c3h4k5n"},
		},
	}
}

func (e *environment) listConflicts(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		f := control.ConflictFilter{Mapping: c.String("mapping"), Form: c.String("form"), Request: c.String("request"), Kind: c.String("kind")}
		rows, err := gather(all, func(conn *run.Connection) ([]conflictView, error) {
			list, err := control.ListConflicts(ctx, conn.DB, f)
			return viewConflicts(conn.Name, list), err
		})
		if err != nil {
			return err
		}
		return report.List(e.print(c), rows, "no conflicts are recorded", []report.Column{
			{Title: "id", Fixed: true},
			{Title: "target"},
			{Title: "mapping"},
			{Title: "request"},
			{Title: "kind"},
			{Title: "settled by"},
			{Title: "outcome"},
		}, func(x conflictView) []string {
			return []string{x.ID, x.Server, x.Mapping, x.Request, x.Kind, x.SettledBy, x.Outcome}
		})
	})
}

func (e *environment) showConflict(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, all []*run.Connection) error {
		conn, x, err := one(c, all, func(conn *run.Connection, id string) (control.Conflict, error) {
			return control.GetConflict(ctx, conn.DB, id)
		})
		if err != nil {
			return err
		}
		v := viewConflicts(conn.Name, []control.Conflict{x})[0]
		recorded, held, err := run.ReadConflict(v.source, v.target)
		if err != nil {
			return err
		}
		v.Operation, v.Lost, v.TargetHeld = recorded.Operation, recorded.Lost, held
		form, err := conn.Form(ctx, v.TargetForm)
		if err != nil {
			return err
		}
		return e.print(c).Object(v, func(w io.Writer) error {
			err := details(w, "id", v.ID, "kind", v.Kind, "settled by", v.SettledBy, "outcome", v.Outcome,
				"request", fmt.Sprintf("%s of form %q on %s, to form %q on %s", v.Request, v.Form, v.Source, v.TargetForm, v.Server),
				"mapping", v.Mapping, "at", v.Created.Format(timeFormat))
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
			return showImages(w, form, v.Operation, v.TargetHeld, "target held", v.Lost...)
		})
	})
}
