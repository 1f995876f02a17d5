package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"ardso/apply"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/schema"
)

// Statuses of dso_pending, and those that have not ended.
var (
	pendingStatuses = []control.Status{control.New, control.Running, control.Waiting, control.Retry, control.Failed, control.Done, control.Cancelled}
	openStatuses    = pendingStatuses[:5]
)

func (e *environment) pending() *cli.Command {
	filters := filterFlags(
		&cli.StringFlag{Name: "target", Aliases: []string{"t"}, Usage: "only what waits for this `SERVER`"},
		statusFlag("new, running, waiting (for its hour), retry (its target does not accept), failed, done, cancelled"),
	)
	lists := listFlags(filters, &cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "those that are done or cancelled too"})
	return &cli.Command{
		Name:  "pending",
		Usage: "what was asked for, and what waits for its target or its hour",
		Description: "Transfers and returns by hand are carried out by `ardso run` in the order in which they\n" +
			"were asked for, and runs of escalations among them. Operations whose target does not accept wait on their source, with status\n" +
			"retry, and updates for their hour, with status waiting.\n\n" +
			"Example:\n  ardso pending\n  ardso pending --target chicago --older-than 1h\n  ardso pending retry --all --target chicago",
		Flags:  lists,
		Action: e.listPending,
		Subcommands: []*cli.Command{
			{
				Name: "list", Usage: "list them", Flags: lists, Action: e.listPending,
				Description: "Example:\n  ardso pending list --all\n  ardso pending list --status retry --limit 0 --json",
			},
			{
				Name: "show", Usage: "show one, with its operations, what the target holds, and when that is tried", ArgsUsage: "ID",
				Flags: []cli.Flag{serverFlag()}, Action: e.showPending,
				Description: "Example:\n  ardso pending show 06jq2v1m8c3h4k5n",
			},
			{
				Name: "retry", Usage: "have them tried now", ArgsUsage: "[ID…]", Flags: changeFlags(filters), Action: e.retryPending,
				Description: "What waits for its target has that tried at once, not at its next time: all that waits for\n" +
					"it then goes, in order. An update goes before its hour. A transfer that has failed or was\n" +
					"cancelled is asked for again, and goes on behind the last request that is durable.\n\n" +
					"--all leaves out updates that wait for their hour, unless --status waiting is given.\n\n" +
					"Example:\n  ardso pending retry 06jq2v1m8c3h4k5n\n  ardso pending retry --all --target chicago",
			},
			{
				Name: "remove", Aliases: []string{"cancel"}, Usage: "give them up", ArgsUsage: "[ID…]", Flags: changeFlags(filters), Action: e.removePending,
				Description: "Of an operation its changes are given up: they do not reach the target, which keeps what it\n" +
					"has, and the source's request says Canceled in Transfer Status or Update Status. Later\n" +
					"operations of the request to that target that wait, too, build on it, and are given up\n" +
					"with it. What is changed from then on goes on: it finds the target not as the source\n" +
					"believes, which is a conflict, and settled as the mapping's on_conflict says; `ardso\n" +
					"transfer` brings the whole request.\n\n" +
					"What may have been carried out already, since the target was lost before it answered,\n" +
					"cannot be given up until it answers.\n\n" +
					"A transfer or return that has not ended is cancelled: what it has done so far stays. Of one\n" +
					"that has ended the record goes.\n\n" +
					"Example:\n  ardso pending remove 06jq2v1m8c3h4k5n\n  ardso pending remove --all --target chicago --mapping \"chairs to Chicago\"",
			},
		},
	}
}

// pendingFilter reads the flags; without --status they select those given.
func pendingFilter(c *cli.Context, otherwise ...control.Status) (control.PendingFilter, error) {
	f := control.PendingFilter{Mapping: c.String("mapping"), Form: c.String("form"), Request: c.String("request"), Target: c.String("target"), Limit: c.Int("limit"), Begun: true}
	var err error
	if f.Status, err = statuses(c, pendingStatuses, otherwise...); err != nil {
		return f, err
	}
	f.OlderThan, err = olderThan(c)
	return f, err
}

func (e *environment) listPending(c *cli.Context) error {
	if c.Args().Present() {
		return unknownCommand(c)
	}
	which := openStatuses
	if c.Bool("all") {
		which = nil
	}
	f, err := pendingFilter(c, which...)
	if err != nil {
		return err
	}
	return listRows(e, c, queue[pendingView]{
		f: f, none: "nothing is pending",
		read: func(ctx context.Context, conn *run.Connection) ([]pendingView, error) {
			list, err := control.ListPending(ctx, conn.DB, f)
			if err != nil {
				return nil, err
			}
			away, err := control.LoadAway(ctx, conn.DB)
			return viewPending(conn.Name, list, away...), err
		},
		columns: []report.Column{
			{Title: "id", Fixed: true},
			{Title: "server"},
			{Title: "mapping"},
			{Title: "requests"},
			{Title: "to"},
			{Title: "status"},
			{Title: "done", Right: true},
			{Title: "since"},
			{Title: "next"},
		},
		row: func(p pendingView) []string {
			return []string{p.ID, p.Server, p.Mapping, p.requests(), p.Target, p.Status, p.progress(), ago(p.Created), p.next()}
		},
	})
}

// requests says which requests it is about.
func (p *pendingView) requests() string {
	switch {
	case p.Type == control.Escalation:
		return "escalation"
	case p.Request != "":
		return p.Request
	case p.Where != "":
		return p.Where
	}
	return "(all)"
}

// progress of a job.
func (p *pendingView) progress() string {
	switch {
	case p.Request != "":
		return ""
	case p.RowsTotal < 0:
		return number(p.RowsDone) + "/?"
	}
	return number(p.RowsDone) + "/" + number(p.RowsTotal)
}

// next says when it is tried or carried out.
func (p *pendingView) next() string {
	if p.Next == nil {
		return ""
	}
	return until(*p.Next)
}

// until is how long it is to a time, as people say it.
func until(t time.Time) string {
	d := time.Until(t).Round(time.Second)
	switch {
	case d <= 0:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("in %d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("in %d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("in %d h", int(d.Hours()))
	}
	return fmt.Sprintf("in %d d", int(d.Hours()/24))
}

func (e *environment) showPending(c *cli.Context) error {
	return e.with(c, func(ctx context.Context, doc *definition.Document, all []*run.Connection) (err error) {
		conn, x, err := one(c, all, func(conn *run.Connection, id string) (control.Pending, error) {
			return control.GetPending(ctx, conn.DB, id)
		})
		if err != nil {
			return err
		}
		away, err := control.LoadAway(ctx, conn.DB)
		if err != nil {
			return err
		}
		h := run.NewByHand(doc, "", "")
		defer func() { err = errors.Join(err, h.Close()) }()
		p := viewPending(conn.Name, []control.Pending{x}, away...)[0]
		for _, a := range away {
			if p.Request != "" && a.Target == p.Target {
				p.Away = &a
			}
		}
		form, err := p.read(ctx, h, &x)
		if err != nil {
			return err
		}
		return e.print(c).Object(p, func(w io.Writer) error {
			if err := p.show(w); err != nil {
				return err
			}
			return showOperations(w, form, p.Operations, p.TargetNow)
		})
	})
}

// read reads the operations of a row, and what their target holds, if it can be asked.
func (p *pendingView) read(ctx context.Context, h *run.ByHand, x *control.Pending) (form *schema.Form, err error) {
	if x.Operation == "" || x.Type == control.Escalation {
		return nil, nil
	}
	if p.Operations, err = run.ReadOperations(x.Operation); err != nil || len(p.Operations) == 0 {
		return nil, err
	}
	target, err := h.Peer(ctx, x.Target)
	if err == nil {
		form, err = target.Form(ctx, p.Operations[0].TargetForm)
	}
	if err == nil {
		p.TargetNow, err = target.TargetNow(ctx, p.Operations[0])
	}
	if err != nil { // it is shown all the same
		p.TargetError = err.Error()
	}
	return form, nil
}

func (p *pendingView) show(w io.Writer) error {
	requests := fmt.Sprintf("%s of %s", number(p.RowsDone), number(p.RowsTotal))
	if p.RowsTotal < 0 {
		requests = number(p.RowsDone)
	}
	name := "mapping"
	if p.Type == control.Escalation {
		name = "escalation"
	}
	pairs := []string{"id", p.ID, "server", p.Server, "type", p.Type, name, p.Mapping, "form", p.Form}
	if p.Request == "" {
		where := p.Where
		if where == "" {
			where = "(all requests)"
		}
		pairs = append(pairs, "where", where, "status", p.Status, "requests", requests, "durable to", p.LastKey)
	} else {
		pairs = append(pairs, "request", p.Request, "target", p.Target, "status", p.Status)
	}
	if p.MayBeDone {
		pairs = append(pairs, "tried", "it was sent, and may be carried out already: that is found out first once the target answers")
	}
	if a := p.Away; a != nil {
		pairs = append(pairs, "away", fmt.Sprintf("%s has not accepted since %s, %d attempts; the last: %s [%s]", a.Target, a.Since.UTC().Format(timeFormat), a.Attempts, a.Reason, a.Error))
	}
	if p.Next != nil {
		pairs = append(pairs, "next", p.Next.UTC().Format(timeFormat)+", "+until(*p.Next))
	}
	pairs = append(pairs, "asked for", p.Created.Format(timeFormat)+" by "+p.CreatedBy, "last change", p.Updated.Format(timeFormat))
	if p.Away == nil || p.Error != apply.TargetAway { // else it is said already
		pairs = append(pairs, "error", p.Error, "why", p.Reason, "remedy", p.Remedy)
	}
	if p.TargetError != "" {
		pairs = append(pairs, "target now", "cannot be asked: "+p.TargetError)
	}
	return details(w, pairs...)
}

func (e *environment) retryPending(c *cli.Context) error {
	f, err := pendingFilter(c, control.Retry, control.Failed)
	if err != nil {
		return err
	}
	return e.change(c, "to be tried now by `ardso run`", "", f, 1, each((*run.ByHand).RetryPending))
}

func (e *environment) removePending(c *cli.Context) error {
	f, err := pendingFilter(c, slices.Clone(openStatuses)...)
	if err != nil {
		return err
	}
	return e.change(c, "given up", "", f, 1, each((*run.ByHand).RemovePending))
}
