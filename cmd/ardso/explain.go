package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
	"ardso/sql/control"
)

func (e *environment) explain() *cli.Command {
	return &cli.Command{
		Name:      "explain",
		Usage:     "all about one request: its copies, its owner, which filters take it and why not",
		ArgsUsage: "REQUEST",
		Description: "Shows where copies of the request are, made with ownership or without, and which of them owns it,\n" +
			"what each filter on its form would make of it if it were modified now, and each escalation if it\n" +
			"ran now, which conditions keep them from taking it, what is pending or in errors, and what was\n" +
			"recorded last. It changes nothing. --changed tells what other definitions would make of it.\n\n" +
			"Example:\n  ardso explain 000000000000042 --server chicago --form Repair\n" +
			"  ardso explain 42 --server chicago --form Repair --changed new.yaml",
		Flags: append(requestPlace(),
			&cli.StringSliceFlag{Name: "changed", Usage: "`FILE` or folder of other definitions; may be given several times"}),
		Action: e.runExplain,
	}
}

// explainView is an explanation as it is shown.
type explainView struct {
	*run.Explanation
	Pending []pendingView `json:"pending"`
	Errors  []errorView   `json:"errors"`
	Changed *run.Changed  `json:"changed,omitempty"` // what other definitions would make of it
}

func viewExplanation(x *run.Explanation) explainView {
	v := explainView{Explanation: x, Pending: []pendingView{}, Errors: []errorView{}}
	for _, p := range x.Pending {
		v.Pending = append(v.Pending, viewPending(p.Server, []control.Pending{p.Pending})...)
	}
	for _, p := range x.Errors {
		v.Errors = append(v.Errors, viewErrors(p.Server, []control.PendingError{p.PendingError})...)
	}
	return v
}

func (e *environment) runExplain(c *cli.Context) error {
	var after *definition.Document
	if paths := c.StringSlice("changed"); len(paths) > 0 {
		var err error
		if after, err = e.documentAt(paths...); err != nil {
			return err
		}
	}
	return e.withServers(c, func(ctx context.Context, doc *definition.Document, all []*run.Connection) error {
		x, err := run.Explain(ctx, doc, all, c.String("server"), c.String("form"), c.Args().First())
		if err != nil {
			return err
		}
		v := viewExplanation(x)
		if after != nil {
			if v.Changed, err = x.With(ctx, doc, after); err != nil {
				return err
			}
		}
		return e.print(c).Object(v, func(w io.Writer) error { return showExplanation(w, v) })
	})
}

func showExplanation(w io.Writer, v explainView) error {
	var b strings.Builder
	if err := showChain(&b, v.Chain); err != nil {
		return err
	}
	b.WriteString("\nIf it were modified now, on " + v.Copies[0].Server + ":\n")
	explainFilters(&b, v)
	explainEscalations(&b, v)
	explainChanged(&b, v.Changed)
	b.WriteString("\nPending and in errors:\n")
	for _, p := range v.Pending {
		explainLine(&b, fmt.Sprintf("%s: %s %s is %s since %s", p.Server, p.ID, p.what(), p.Status, p.Created.Format(timeFormat)))
	}
	for _, x := range v.Errors {
		explainLine(&b, fmt.Sprintf("%s: %s %s along %q is in errors since %s: %s [%s]", x.Server, x.ID, x.Action, x.Mapping, x.Created.Format(timeFormat), x.Reason, x.Error))
	}
	if len(v.Pending)+len(v.Errors) == 0 {
		explainLine(&b, "nothing")
	}
	b.WriteString("\nLast recorded:\n")
	for _, x := range v.Last {
		explainLine(&b, fmt.Sprintf("%s %s: %s, %s (%s)", x.At.Format(timeFormat), x.Server, x.What, x.Detail, x.ID))
	}
	if len(v.Last) == 0 {
		explainLine(&b, "nothing")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func explainLine(b *strings.Builder, text string) {
	b.WriteString("  " + report.Paragraph(text, 4, 80) + "\n")
}

// explainFilters tells of each filter what it would do, or why it would not.
func explainFilters(b *strings.Builder, v explainView) {
	if x := v.Chosen; x != nil {
		text := fmt.Sprintf("the request itself chooses mapping %q by %s", x.Mapping, x.Field)
		if x.Problem != "" {
			text = fmt.Sprintf("the request itself chooses its mapping by %s, but %s", x.Field, x.Problem)
		}
		explainLine(b, text)
	}
	if len(v.Filters) == 0 {
		explainLine(b, "no filter is on its form, or it is not there")
	}
	for _, f := range v.Filters {
		head := fmt.Sprintf("filter %q (order %d): ", f.Name, f.Order)
		switch {
		case f.Skipped != "":
			head += f.Skipped
		case f.Truth == "error":
			head += "its run_if cannot be judged: " + f.Error
		case f.Matches:
			head += "takes it"
		default:
			head += "its run_if is " + f.Truth
		}
		explainLine(b, head)
		explainReasons(b, f.Because, f.Actions)
	}
}

// explainEscalations tells of each escalation on the form whether it would take the request.
func explainEscalations(b *strings.Builder, v explainView) {
	if len(v.Escalations) == 0 {
		return
	}
	b.WriteString("\nIf escalations ran now, on " + v.Copies[0].Server + ":\n")
	for _, x := range v.Escalations {
		head := fmt.Sprintf("escalation %q, which runs %s: ", x.Name, x.When())
		switch {
		case x.Skipped != "":
			head = fmt.Sprintf("escalation %q: %s", x.Name, x.Skipped)
		case x.Truth == "error":
			head += "its run_if cannot be judged: " + x.Error
		case x.Matches:
			head += "takes it"
		default:
			head += "its run_if is " + x.Truth
		}
		explainLine(b, head)
		explainReasons(b, x.Because, x.Actions)
	}
}

// explainChanged tells what other definitions would make of the request.
func explainChanged(b *strings.Builder, x *run.Changed) {
	if x == nil {
		return
	}
	b.WriteString("\nBy the changed definitions:\n")
	for _, c := range x.Changes {
		var keys []string
		for _, k := range c.Keys {
			keys = append(keys, k.Key)
		}
		text := fmt.Sprintf("%s %q is %s", c.Kind, c.Name, c.What)
		if len(keys) > 0 {
			text += ": " + strings.Join(keys, ", ")
		}
		explainLine(b, text)
	}
	if len(x.Verdicts) == 0 {
		explainLine(b, "its filters and escalations would do with the request what they do now")
	}
	for _, v := range x.Verdicts {
		explainLine(b, fmt.Sprintf("%s %q", v.Kind, v.Name))
		b.WriteString("      " + report.Paragraph("now: "+doings(v.Before), 11, 80) + "\n")
		b.WriteString("      " + report.Paragraph("then: "+doings(v.After), 12, 80) + "\n")
	}
}

// doings spells what a filter or escalation would do.
func doings(d *run.Doings) string {
	switch {
	case d == nil:
		return "it is not there"
	case d.Skipped != "":
		return d.Skipped
	case len(d.Actions) == 0:
		return "nothing, as its run_if is " + d.Truth
	}
	var all []string
	for _, a := range d.Actions {
		all = append(all, actionText(a))
	}
	return strings.Join(all, "; ")
}

// explainReasons tells why a run_if is not true, and what is done.
func explainReasons(b *strings.Builder, because []run.Condition, actions []run.ActionTrace) {
	for _, x := range because {
		text := fmt.Sprintf("%s is %s", x.Text, x.Truth)
		if len(x.Values) > 0 {
			text += ", as " + strings.Join(x.Values, ", ")
		}
		b.WriteString("      " + report.Paragraph(text, 8, 80) + "\n")
	}
	for _, a := range actions {
		b.WriteString("      " + report.Paragraph(actionText(a), 8, 80) + "\n")
	}
}

// actionText spells an action with what it would come to.
func actionText(a run.ActionTrace) string {
	text := a.Action
	if a.Mapping != "" {
		text += fmt.Sprintf(" along %q", a.Mapping)
	}
	if a.To != "" {
		text += " to " + a.To
	}
	if a.Not != "" {
		text += ": not carried out, as " + a.Not
	}
	return text
}
