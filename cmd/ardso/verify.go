package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"

	"ardso/cdc"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
)

func (e *environment) verify() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "look for requests whose ownership is not as it must be",
		Description: "With --ownership it looks at every request that was handed over, on all servers: whether just\n" +
			"one copy owns it, and whether flags, epochs and where copies came from agree. It may be used\n" +
			"while `ardso run` runs: what looks wrong is looked at again until it has stood unchanged for\n" +
			"--patience, so that a hand-over under way is no fault. A request that has several owners or\n" +
			"none is not distributed any more until `ardso owner` repairs it, and status counts it; with\n" +
			"--dry-run nothing is changed. Exit code 3 says that there are errors, each with what to do.\n\n" +
			"Example:\n  ardso verify --ownership\n  ardso verify --ownership --form Repair --server chicago",
		Flags: requestPlace(
			&cli.BoolFlag{Name: "ownership", Usage: "verify who owns what"},
			&cli.BoolFlag{Name: "dry-run", Usage: "report only: requests with several owners or none go on"},
			&cli.DurationFlag{Name: "patience", Value: 10 * time.Second, Usage: "`TIME` that a fault must stand unchanged"},
		),
		Action: e.runVerify,
	}
}

func (e *environment) runVerify(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	switch {
	case !c.Bool("ownership"):
		return &report.UsageError{Reason: "verify needs to know what to verify", Fix: "write --ownership"}
	case c.Duration("patience") <= 0:
		return &report.UsageError{Reason: fmt.Sprintf("--patience %s is no time to wait", c.Duration("patience")), Fix: "write a time such as 10s"}
	}
	return e.onServers(c, func(ctx context.Context, _ *definition.Document, all []*run.Connection) error {
		return e.verifyOwnership(ctx, c, all)
	})
}

// findingView is a finding as it is shown.
type findingView struct {
	run.OwnershipFinding
	Held bool `json:"held"` // the request is not distributed until it is repaired
}

func (e *environment) verifyOwnership(ctx context.Context, c *cli.Context, all []*run.Connection) error {
	o := run.VerifyOptions{Server: c.String("server"), Form: c.String("form"), Patience: c.Duration("patience")}
	if err := run.KnowsForm(ctx, all, o.Server, o.Form); err != nil {
		return err
	}
	p := e.print(c)
	count := map[cdc.Severity]int{}
	hold, who := !c.Bool("dry-run"), run.Who()
	sum, err := run.VerifyOwnership(ctx, all, o, func(f run.OwnershipFinding) error {
		count[f.Severity]++
		v := findingView{OwnershipFinding: f}
		if hold && f.IsHeld() {
			var err error
			if v.Held, err = run.HoldOwnership(ctx, all, f, who); err != nil {
				return err
			}
		}
		return p.Object(v, func(w io.Writer) error {
			if err := showFinding(w, cdc.Finding{Name: f.Name, Severity: f.Severity, Text: f.Text, Remedy: f.Remedy}, p); err != nil {
				return err
			}
			if v.Held {
				if _, err := fmt.Fprintln(w, "  until    not distributed until it is repaired"); err != nil {
					return err
				}
			}
			_, err := fmt.Fprintln(w)
			return err
		})
	})
	if !p.JSON {
		p.Say("%s requests under ownership: %s", number(int64(sum.Chains)), countText(count))
		if sum.Moving > 0 {
			p.Say("%s of them were handed over all the while and not judged; look again later", number(int64(sum.Moving)))
		}
	}
	if err == nil && count[cdc.Error] > 0 {
		return &silentError{&report.AttentionError{What: "verify found errors"}}
	}
	return err
}
