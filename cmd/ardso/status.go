package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
)

func (e *environment) status() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Usage:     "how far each server's log is carried out, and what waits",
		ArgsUsage: "[SERVER…]",
		Description: "For each server: who reads its log and how much of it is still to be carried out, what\n" +
			"log the server keeps for that, how far each thread is, what is pending or in errors, and when\n" +
			"escalations run.\n\n" +
			"Example:\n  ardso status\n  ardso status --json | jq .reader.behind",
		Action: e.runStatus,
	}
}

func (e *environment) runStatus(c *cli.Context) (err error) {
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	conns, err := run.Connect(ctx, doc, c.Args().Slice()...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(conns)) }()
	all := make([]run.Status, len(conns))
	var bad []error
	for i, conn := range conns {
		all[i] = run.ReadStatus(ctx, conn, doc)
		if all[i].Error != "" {
			bad = append(bad, &statusError{all[i]})
		}
	}
	p := e.print(c)
	if err := report.List(p, all, "no servers", statusColumns, statusRow); err != nil {
		return err
	}
	if !p.JSON {
		if err := showApplied(p.Out, all); err != nil {
			return err
		}
		if err := showOwned(p.Out, all); err != nil {
			return err
		}
		if err := showAway(p.Out, all); err != nil {
			return err
		}
		if err := showEscalations(p.Out, all); err != nil {
			return err
		}
		for _, err := range bad {
			_, _ = fmt.Fprintln(p.Out)
			q := *p
			q.Err = p.Out
			q.Error(err)
		}
	}
	if len(bad) > 0 {
		return &silentError{errors.Join(bad...)}
	}
	return nil
}

// statusError is what is wrong with a server.
type statusError struct{ run.Status }

func (e *statusError) Error() string  { return e.Reason }
func (e *statusError) Name() string   { return e.Status.Error }
func (e *statusError) Remedy() string { return e.Status.Remedy }

var statusColumns = []report.Column{
	{Title: "server", Fixed: true},
	{Title: "engine"},
	{Title: "read by"},
	{Title: "behind", Right: true},
	{Title: "log kept", Right: true},
	{Title: "pending", Right: true},
	{Title: "errors", Right: true},
	{Title: "conflicts", Right: true},
}

func statusRow(s run.Status) []string {
	engine, _, _ := strings.Cut(s.Engine, " ")
	row := []string{s.Server, engine, "", "", "", "", "", ""}
	switch {
	case s.Error != "":
		row[2] = s.Error
	case s.Reader == nil:
		row[2] = "-"
	case s.Reader.Holder == "":
		row[2] = "nobody"
	default:
		row[2] = s.Reader.Holder
	}
	if s.Reader != nil && s.Error == "" {
		row[3], row[4] = logSize(s.Reader.Behind, s.Reader.Unit), logSize(s.Reader.Retained, s.Reader.Unit)
	}
	if s.Pending != nil {
		row[5] = number(s.Pending["new"] + s.Pending["running"] + s.Pending["waiting"] + s.Pending["retry"])
		row[6] = number(s.Errors["held"] + s.Errors["retry"])
		row[7] = number(s.Settled)
	}
	return row
}

// logSize is a length of log: rows, or bytes in a unit that fits.
func logSize(n int64, unit string) string {
	if unit != "bytes" {
		return strings.TrimSpace(number(n) + " " + unit)
	}
	f, names := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	i := 0
	for f >= 1024 && i < len(names)-1 {
		f /= 1024
		i++
	}
	if i == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, names[i])
}

// showApplied shows how far each thread is, where there are any.
func showApplied(w io.Writer, all []run.Status) error {
	t := report.Table{Columns: []report.Column{
		{Title: "target"},
		{Title: "source"},
		{Title: "pool"},
		{Title: "thread", Right: true},
		{Title: "transactions", Right: true},
		{Title: "last"},
		{Title: "position"},
	}}
	for _, s := range all {
		for _, a := range s.Applied {
			last := ago(a.Updated)
			if a.Transactions == 0 {
				last = "never"
			}
			t.Rows = append(t.Rows, []string{s.Server, a.Source, a.Pool, fmt.Sprint(a.Thread), number(a.Transactions), last, a.Position})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w, 80)
}

// showAway shows which targets do not accept, where there are any.
func showAway(w io.Writer, all []run.Status) error {
	t := report.Table{Columns: []report.Column{
		{Title: "away"},
		{Title: "source"},
		{Title: "since"},
		{Title: "attempts", Right: true},
		{Title: "next attempt"},
		{Title: "because"},
	}}
	for _, s := range all {
		for _, a := range s.Away {
			t.Rows = append(t.Rows, []string{a.Target, s.Server, ago(a.Since), number(int64(a.Attempts)), a.Next.UTC().Format(timeFormat), a.Reason})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w, 80)
}

// faultsText counts requests that are not distributed until their ownership is repaired, by fault.
func faultsText(faults map[string]int64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		parts = append(parts, fmt.Sprintf("%s %s", number(faults[name]), strings.TrimPrefix(name, "ownership.")))
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, ", ")
}

// showOwned shows how many requests are under ownership, where there are any.
func showOwned(w io.Writer, all []run.Status) error {
	t := report.Table{Columns: []report.Column{
		{Title: "server"},
		{Title: "requests owned", Right: true},
		{Title: "owned elsewhere", Right: true},
		{Title: "held until repaired", Right: true},
	}}
	for _, s := range all {
		if s.Owned != nil && s.Owned.Owned+s.Owned.Others > 0 {
			t.Rows = append(t.Rows, []string{s.Server, number(s.Owned.Owned), number(s.Owned.Others), faultsText(s.Owned.Faults)})
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w, 80)
}

// showEscalations shows when escalations run and what their last runs came to, where there are any.
func showEscalations(w io.Writer, all []run.Status) error {
	t := report.Table{Columns: []report.Column{
		{Title: "server"},
		{Title: "escalation"},
		{Title: "next run, UTC", Fixed: true},
		{Title: "last run, UTC", Fixed: true},
		{Title: "matched", Right: true},
		{Title: "status"},
	}}
	const format = "2006-01-02 15:04"
	for _, s := range all {
		for _, e := range s.Escalations {
			row := []string{s.Server, e.Name, e.Next.UTC().Format(format), "never", "", ""}
			if e.Last != nil {
				row[3], row[4], row[5] = e.Last.Began.UTC().Format(format), number(e.Last.Matched), e.Last.Status
			}
			t.Rows = append(t.Rows, row)
		}
	}
	if len(t.Rows) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Write(w, 80)
}
