package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/schema"
)

var errorStatuses = []control.ErrorStatus{control.ErrorHeld, control.ErrorRetry}

func (e *environment) errors() *cli.Command {
	filters := filterFlags(
		&cli.StringFlag{Name: "error", Aliases: []string{"e"}, Usage: "only those with this `NAME`, such as value.too_long"},
		statusFlag("held (waits for a person), retry (is tried again)"),
	)
	return &cli.Command{
		Name:  "errors",
		Usage: "operations that could not be carried out, and what to do about each",
		Description: "An operation that fails for good waits on its target server, with later ones of the same\n" +
			"request; all else goes on. Cure the cause, then retry; or resolve it by saying whose values\n" +
			"are to stand; or remove it, which gives its changes up.\n\n" +
			"Example:\n  ardso errors --mapping \"chairs to Chicago\"\n  ardso errors retry --all --error value.too_long",
		Flags:  listFlags(filters),
		Action: e.listErrors,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list them", Flags: listFlags(filters), Action: e.listErrors,
				Description: "Example:\n  ardso errors list --server chicago --older-than 1d",
			},
			{
				Name: "show", Usage: "show one, with what the source sent and what the target holds", ArgsUsage: "ID", Flags: []cli.Flag{serverFlag()}, Action: e.showError,
				Description: "Example:\n  ardso errors show 06jq2v1m8c3h4k5n",
			},
			{
				Name: "retry", Usage: "let `ardso run` try them again", ArgsUsage: "[ID…]", Flags: changeFlags(filters), Action: e.retryErrors,
				Description: "Example:\n  ardso errors retry 06jq2v1m8c3h4k5n\n  ardso errors retry --all",
			},
			{
				Name: "remove", Usage: "give them up: their changes do not reach the target", ArgsUsage: "[ID…]", Flags: changeFlags(filters), Action: e.removeErrors,
				Description: "Later operations of the same request that wait with it are given up, too. The source's\n" +
					"request says Canceled in Transfer Status or Update Status, if it has these fields and its\n" +
					"server can be reached; if not, that is said. The next change of the request finds the\n" +
					"target not as the source believes, which is a conflict; `ardso transfer` brings the whole\n" +
					"request.\n\n" +
					"Example:\n  ardso errors remove 06jq2v1m8c3h4k5n",
			},
			{
				Name: "resolve", Usage: "settle them by saying whose values are to stand", ArgsUsage: "[ID…]", Action: e.resolveErrors,
				Flags: changeFlags(filters, resolveFlags()...), Description: resolveText + "Example:\n  ardso errors resolve 06jq2v1m8c3h4k5n --take source\n  ardso errors resolve 06jq2v1m8c3h4k5n --take merge --set 'Summary=broken leg'\n  ardso errors resolve --all --error update_differs --take target",
			},
		},
	}
}

// resolveText is what errors and conflicts say of resolving.
const resolveText = "--take source writes the request as the source sent it over what the target has. --take target\n" +
	"keeps what the target has, and gives the operation up. --take merge goes field by field\n" +
	"against what the request was before: a field takes the value of the side that changed it,\n" +
	"and what both changed must be given by --set. --set gives a field a value of its own, with\n" +
	"each of them; alone it goes with merge. Fields are the target's; a value is written as people\n" +
	"read it (a selection's label), and an empty one is $NULL$.\n\n" +
	"`ardso run` carries it out in its turn; if the target is changed until then, it conflicts\n" +
	"again. Where the copies are left different, the next change of the request conflicts again,\n" +
	"too, unless the mapping's on_conflict settles that: correct the source then.\n\n"

func resolveFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "take", Usage: "`SIDE` that is to stand: source, target or merge"},
		&cli.GenericFlag{Name: "set", Value: new(settings), Usage: "give a target field this value: `'Field=value'`; may be given several times"},
	}
}

// settings are the values of --set: commas do not part them.
type settings []string

func (s *settings) Set(text string) error { *s = append(*s, text); return nil }
func (s *settings) String() string        { return strings.Join(*s, " ") }

func errorFilter(c *cli.Context) (control.ErrorFilter, error) {
	f := control.ErrorFilter{Mapping: c.String("mapping"), Form: c.String("form"), Request: c.String("request"), Error: c.String("error"), Limit: c.Int("limit")}
	var err error
	if f.Status, err = statuses(c, errorStatuses); err != nil {
		return f, err
	}
	f.OlderThan, err = olderThan(c)
	return f, err
}

func (e *environment) listErrors(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	f, err := errorFilter(c)
	if err != nil {
		return err
	}
	return listRows(e, c, queue[errorView]{
		f: f, none: "no operation is in errors",
		read: func(ctx context.Context, conn *run.Connection) ([]errorView, error) {
			list, err := control.ListErrors(ctx, conn.DB, f)
			return viewErrors(conn.Name, list), err
		},
		columns: []report.Column{
			{Title: "id", Fixed: true},
			{Title: "server"},
			{Title: "mapping"},
			{Title: "request"},
			{Title: "action"},
			{Title: "error"},
			{Title: "status"},
		},
		row: func(x errorView) []string {
			return []string{x.ID, x.Server, x.Mapping, x.Request, x.Action, x.Error, x.Status}
		},
	})
}

func (e *environment) showError(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, doc *definition.Document, all []*run.Connection) (err error) {
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
		h := run.NewByHand(doc, "", "")
		defer func() { err = errors.Join(err, h.Close()) }()
		target, form := v.Server, (*schema.Form)(nil)
		at, err := h.TargetOf(ctx, conn, v.Operations)
		if err == nil {
			target = at.Name
			form, err = at.Form(ctx, v.TargetForm)
		}
		if err == nil && len(v.Operations) > 0 {
			v.TargetNow, err = at.TargetNow(ctx, v.Operations[0])
		}
		if err != nil && at == conn {
			return err
		}
		if err != nil { // it is shown all the same
			target, v.TargetError = v.Operations[0].Target, err.Error()
		}
		return e.print(c).Object(v, func(w io.Writer) error {
			pairs := []string{
				"id", v.ID, "error", v.Error, "why", v.Reason, "remedy", v.Remedy,
				"operation", fmt.Sprintf("%s request %s of form %q on %s", v.Action, v.Request, v.TargetForm, target),
				"from", fmt.Sprintf("form %q on %s, mapping %q", v.Form, v.Source, v.Mapping),
				"status", fmt.Sprintf("%s since %s, tried %d times", v.Status, v.Created.Format(timeFormat), v.Attempts),
			}
			if v.TargetError != "" {
				pairs = append(pairs, "target now", "cannot be asked: "+v.TargetError)
			}
			if err := details(w, pairs...); err != nil {
				return err
			}
			return showOperations(w, form, v.Operations, v.TargetNow)
		})
	})
}

func (e *environment) retryErrors(c *cli.Context) error {
	f, err := errorFilter(c)
	if err != nil {
		return err
	}
	return e.change(c, "to be tried again by `ardso run`", "", f, 1, each((*run.ByHand).RetryError))
}

func (e *environment) removeErrors(c *cli.Context) error {
	f, err := errorFilter(c)
	if err != nil {
		return err
	}
	return e.change(c, "removed", "", f, 1, each((*run.ByHand).RemoveError))
}

func (e *environment) resolveErrors(c *cli.Context) error {
	f, err := errorFilter(c)
	if err != nil {
		return err
	}
	return e.resolve(c, f, func(_ context.Context, _ *run.Connection, id string) (string, error) { return id, nil })
}

// resolve settles the rows of dso_pending_error that row finds for the IDs.
func (e *environment) resolve(c *cli.Context, f filter, row func(context.Context, *run.Connection, string) (string, error)) error {
	r, with, err := resolution(c)
	if err != nil {
		return err
	}
	return e.change(c, "resolved: `ardso run` carries it out", with, f, 1, each(func(h *run.ByHand, ctx context.Context, conn *run.Connection, id string) (run.Deed, error) {
		errorID, err := row(ctx, conn, id)
		if err != nil {
			return run.Deed{}, err
		}
		h.What = "errors resolve" // wherever the row was found
		d, err := h.ResolveError(ctx, conn, errorID, r)
		d.ID = id
		return d, err
	}))
}

// resolution reads the flags that say how to resolve; with is what dso_event is to say of them.
func resolution(c *cli.Context) (r run.Resolution, with string, err error) {
	var sets settings
	if s, ok := c.Generic("set").(*settings); ok {
		sets = *s
	}
	switch {
	case !c.IsSet("take") && len(sets) == 0:
		return r, "", &report.UsageError{Reason: c.Command.HelpName + " needs to know what is to stand", Fix: "write --take source, --take target or --take merge, or --set 'Field=value'"}
	case len(sets) > 0 && c.NArg() != 1:
		return r, "", &report.UsageError{Reason: "--set is for one ID", Fix: "resolve one after the other"}
	}
	if c.IsSet("take") {
		if err := r.Take.UnmarshalText([]byte(c.String("take"))); err != nil {
			return r, "", &report.UsageError{Reason: "--take: " + err.Error(), Fix: "`" + c.Command.HelpName + " --help` tells what each of them does"}
		}
	}
	with = " --take " + r.Take.String()
	for _, text := range sets {
		s, ok := run.ParseSetting(text)
		if !ok {
			return r, "", &report.UsageError{Reason: fmt.Sprintf("--set %q names no field", text), Fix: "write --set 'Field=value'"}
		}
		r.Set = append(r.Set, s)
		with += " --set " + text
	}
	return r, with, nil
}
