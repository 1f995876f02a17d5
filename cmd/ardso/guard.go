package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/sql/guard"
)

func (e *environment) guard() *cli.Command {
	server := &cli.StringFlag{Name: "server", Aliases: []string{"s"}, Usage: "`SERVER` that has the form"}
	dryRun := &cli.BoolFlag{Name: "dry-run", Usage: "show the steps and their SQL, and change nothing"}
	return &cli.Command{
		Name:  "guard",
		Usage: "refuse edits of requests that were given away, by triggers",
		Description: "A request that was handed over belongs to another server, and what somebody changes in the copy\n" +
			"that stays is found afterwards. Triggers on the form's table refuse such an edit at once, with a\n" +
			"message that names the owner, and whatever else would take ownership away from ardso: a Master Flag\n" +
			"or another distributed field that is set by hand.\n\n" +
			"Example:\n  ardso guard install Repair --server chicago\n  ardso guard status",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "install", Usage: "put the triggers on a form's table, or renew them", ArgsUsage: "FORM", Action: e.installGuard,
				Flags: []cli.Flag{server, dryRun},
				Description: "Makes what is missing or not as it should be. The form needs the basic distributed fields. ardso\n" +
					"itself passes; an AR server that writes the table is a user like any other.\n\n" +
					"Example:\n  ardso guard install Repair --server chicago --dry-run",
			},
			{
				Name: "remove", Usage: "take the triggers away again", ArgsUsage: "FORM", Action: e.removeGuard,
				Flags:       []cli.Flag{server, dryRun},
				Description: "Drops what install made and nothing else.\n\nExample:\n  ardso guard remove Repair --server chicago",
			},
			{
				Name: "status", Usage: "show which forms are guarded", ArgsUsage: "[FORM]", Action: e.guardStatus,
				Flags: []cli.Flag{server},
				Description: "Lists the forms that definitions speak of and that have a Master Flag: guarded, none, outdated\n" +
					"(fields were added, who may delete was changed, or ardso is newer; install renews it) or\n" +
					"disabled (by ALTER TABLE).\n\n" +
					"Example:\n  ardso guard status\n  ardso guard status Repair --server chicago",
			},
		},
	}
}

func (e *environment) installGuard(c *cli.Context) error {
	return e.withGuard(c, func(ctx context.Context, server string, g *run.Guard) error {
		steps, err := g.InstallPlan(ctx)
		if err != nil {
			return err
		}
		return e.applyGuard(ctx, c, server, g, steps)
	})
}

func (e *environment) removeGuard(c *cli.Context) error {
	return e.withGuard(c, func(ctx context.Context, server string, g *run.Guard) error {
		steps, merged := g.Remove() // what is merged is said after the rest is done
		return errors.Join(e.applyGuard(ctx, c, server, g, steps), merged)
	})
}

// withGuard opens the server that the command line names, and no other, and calls f with its form.
func (e *environment) withGuard(c *cli.Context, f func(ctx context.Context, server string, g *run.Guard) error) (err error) {
	form, server, err := formArguments(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	all, err := run.Connect(ctx, doc, server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(all)) }()
	if all[0].Err != nil {
		return all[0].Err
	}
	g, err := all[0].Guard(ctx, form, doc)
	if err != nil {
		return err
	}
	return f(ctx, server, g)
}

// applyGuard shows the steps and carries them out.
func (e *environment) applyGuard(ctx context.Context, c *cli.Context, server string, g *run.Guard, steps []guard.Step) error {
	p := e.print(c)
	if err := e.showPlan(c, p, server, run.GuardSteps(steps)); err != nil {
		return err
	}
	if c.Bool("dry-run") {
		return nil
	}
	done := e.showDone(p, server)
	return g.Apply(ctx, steps, 0, func(s guard.Step) { done(run.GuardSteps([]guard.Step{s})[0]) })
}

func (e *environment) guardStatus(c *cli.Context) (err error) {
	if c.NArg() > 1 || c.NArg() == 1 && c.String("server") == "" {
		return &report.UsageError{Reason: c.Command.HelpName + " takes one form with its server, or none", Fix: "write `ardso guard status FORM --server SERVER`, or leave the form out"}
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	var names []string
	if s := c.String("server"); s != "" {
		names = []string{s}
	}
	all, err := run.Connect(ctx, doc, names...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(all)) }()
	var states []run.GuardState
	var problems []error
	for _, conn := range all {
		if conn.Err != nil {
			problems = append(problems, conn.Err)
			continue
		}
		list, err := conn.GuardStates(ctx, doc, c.Args().First())
		states, problems = append(states, list...), append(problems, err)
	}
	return errors.Join(report.List(e.print(c), states, "no form has a Master Flag", []report.Column{
		{Title: "server", Fixed: true},
		{Title: "form"},
		{Title: "table"},
		{Title: "guard"},
		{Title: "why"},
	}, func(s run.GuardState) []string {
		return []string{s.Server, s.Form, s.Table, string(s.Status), s.Why}
	}), errors.Join(problems...))
}
