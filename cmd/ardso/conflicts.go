package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
	"ardso/sql/control"
)

func (e *environment) conflicts() *cli.Command {
	filters := filterFlags(&cli.StringFlag{Name: "kind", Usage: "only those of this `KIND`, such as update_differs"})
	return &cli.Command{
		Name:  "conflicts",
		Usage: "where a target was not as its source believed, and how that was settled",
		Description: "Nothing is overwritten without a record: each conflict is kept with both images, those\n" +
			"that went to errors too, and with the values that were lost. Records are kept until they are\n" +
			"removed.\n\n" +
			"Example:\n  ardso conflicts --server chicago\n  ardso conflicts show 06jq2v1m8c3h4k5n",
		Flags:  listFlags(filters),
		Action: e.listConflicts,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list them", Flags: listFlags(filters), Action: e.listConflicts,
				Description: "Example:\n  ardso conflicts list --request 000000000000042",
			},
			{
				Name: "show", Usage: "show one with both images", ArgsUsage: "ID", Flags: []cli.Flag{serverFlag()}, Action: e.showConflict,
				Description: "Example:\n  ardso conflicts show 06jq2v1m8c3h4k5n",
			},
			{
				Name: "resolve", Usage: "settle those that went to errors by saying whose values are to stand", ArgsUsage: "ID…", Action: e.resolveConflicts,
				Flags: append([]cli.Flag{serverFlag()}, resolveFlags()...),
				Description: resolveText +
					"It is the same as `ardso errors resolve` of the row that the operation waits in. A conflict\n" +
					"that the mapping has settled waits for nothing: `ardso conflicts show` has both images, so\n" +
					"that the wrong side can be corrected.\n\n" +
					"Example:\n  ardso conflicts resolve 06jq2v1m8c3h4k5n --take target",
			},
			{
				Name: "remove", Usage: "remove the records; what waits in errors stays there", ArgsUsage: "[ID…]", Flags: changeFlags(filters), Action: e.removeConflicts,
				Description: "Example:\n  ardso conflicts remove 06jq2v1m8c3h4k5n\n  ardso conflicts remove --all --older-than 90d",
			},
		},
	}
}

func conflictFilter(c *cli.Context) (f control.ConflictFilter, err error) {
	f = control.ConflictFilter{Mapping: c.String("mapping"), Form: c.String("form"), Request: c.String("request"), Kind: c.String("kind"), Limit: c.Int("limit")}
	f.OlderThan, err = olderThan(c)
	return f, err
}

func (e *environment) listConflicts(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	f, err := conflictFilter(c)
	if err != nil {
		return err
	}
	return listRows(e, c, queue[conflictView]{
		f: f, none: "no conflicts are recorded",
		read: func(ctx context.Context, conn *run.Connection) ([]conflictView, error) {
			list, err := control.ListConflicts(ctx, conn.DB, f)
			return viewConflicts(conn.Name, list), err
		},
		columns: []report.Column{
			{Title: "id", Fixed: true},
			{Title: "target"},
			{Title: "mapping"},
			{Title: "request"},
			{Title: "kind"},
			{Title: "settled by"},
			{Title: "outcome"},
		},
		row: func(x conflictView) []string {
			return []string{x.ID, x.Server, x.Mapping, x.Request, x.Kind, x.SettledBy, x.Outcome}
		},
	})
}

func (e *environment) resolveConflicts(c *cli.Context) error {
	return e.resolve(c, control.ConflictFilter{}, run.ParkedAs)
}

// conflictsAtOnce are removed in one transaction.
const conflictsAtOnce = 500

func (e *environment) removeConflicts(c *cli.Context) error {
	f, err := conflictFilter(c)
	if err != nil {
		return err
	}
	n := 1
	if c.Bool("all") {
		n = conflictsAtOnce
	}
	return e.change(c, "removed", "", f, n, func(ctx context.Context, h *run.ByHand, conn *run.Connection, ids []string) ([]run.Deed, error) {
		return h.RemoveConflicts(ctx, conn, ids...)
	})
}

func (e *environment) showConflict(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, _ *definition.Document, all []*run.Connection) error {
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
