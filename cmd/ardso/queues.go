package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/control"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// with opens the servers that --server names, or all, and calls f with those that answer. Those that
// do not are the error, after f has done what can be done.
func (e *environment) with(c *cli.Context, f func(context.Context, *definition.Document, []*run.Connection) error) (err error) {
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
	return errors.Join(append([]error{f(ctx, doc, open)}, problems...)...)
}

func serverFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "server", Aliases: []string{"s"}, Usage: "only those on this `SERVER`"}
}

// filterFlags are those that select rows, with the ones that a command has of its own.
func filterFlags(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		serverFlag(),
		&cli.StringFlag{Name: "mapping", Aliases: []string{"m"}, Usage: "only those of this `MAPPING`"},
		&cli.StringFlag{Name: "form", Usage: "only those of this source `FORM`"},
		&cli.StringFlag{Name: "request", Aliases: []string{"r"}, Usage: "only those of the source's request with this `ID`"},
		&cli.StringFlag{Name: "older-than", Aliases: []string{"age"}, Usage: "only those made this long ago or longer: a `DURATION` such as 90m, 12h or 30d"},
	}, more...)
}

func statusFlag(of string) cli.Flag {
	return &cli.StringSliceFlag{Name: "status", Usage: "only those of this `STATUS`: " + of}
}

// listFlags are those of the commands that list.
func listFlags(filters []cli.Flag, more ...cli.Flag) []cli.Flag {
	return slices.Concat(filters, []cli.Flag{
		&cli.IntFlag{Name: "limit", Value: 100, Usage: "at most this `NUMBER` of each server, the oldest first; 0 = all"},
	}, more)
}

// changeFlags are those of the commands that change rows.
func changeFlags(filters []cli.Flag, more ...cli.Flag) []cli.Flag {
	return slices.Concat(filters, []cli.Flag{
		&cli.BoolFlag{Name: "all", Aliases: []string{"a"}, Usage: "all that the other flags select, instead of IDs"},
	}, more)
}

// olderThan reads the flag of that name.
func olderThan(c *cli.Context) (time.Duration, error) {
	text := c.String("older-than")
	if text == "" {
		return 0, nil
	}
	d, err := definition.ParseDuration(text)
	if err != nil {
		return 0, &report.UsageError{Reason: fmt.Sprintf("--older-than: %q is not a duration", text), Fix: "write such as 90m, 12h, 30d or 1h30m"}
	}
	return d, nil
}

// statuses reads --status; without it they are those given.
func statuses[S ~string](c *cli.Context, known []S, otherwise ...S) ([]S, error) {
	var list []S
	for _, text := range c.StringSlice("status") {
		if !slices.Contains(known, S(text)) {
			return nil, &report.UsageError{Reason: fmt.Sprintf("unknown status %q", text), Fix: fmt.Sprintf("there are %v", known)}
		}
		list = append(list, S(text))
	}
	if list == nil {
		return otherwise, nil
	}
	return list, nil
}

// filter selects rows of a table.
type filter interface {
	IDs(ctx context.Context, h control.Handle) ([]string, error)
	Count(ctx context.Context, h control.Handle) (int64, error)
}

// queue is a command that lists rows: those that f selects, which read reads from a server.
type queue[T any] struct {
	f       filter
	read    func(context.Context, *run.Connection) ([]T, error)
	none    string
	columns []report.Column
	row     func(T) []string
}

// listRows shows the rows of a queue, in order of server, and says so if there are more.
func listRows[T any](e *environment, c *cli.Context, q queue[T]) error {
	return e.with(c, func(ctx context.Context, _ *definition.Document, all []*run.Connection) error {
		var rows []T
		var total int64
		for _, conn := range all {
			list, err := q.read(ctx, conn)
			n := int64(len(list))
			if err == nil && len(list) > 0 && len(list) == c.Int("limit") {
				n, err = q.f.Count(ctx, conn.DB)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", conn.Name, err)
			}
			rows = append(rows, list...)
			total += n
		}
		p := e.print(c)
		if err := report.List(p, rows, q.none, q.columns, q.row); err != nil {
			return err
		}
		if total > int64(len(rows)) {
			p.Say("%s of %s are shown; --limit 0 shows all, and other flags select some", number(int64(len(rows))), number(total))
		}
		return nil
	})
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

// deed does with rows what a command is for. Rows that are not there, or not any more, are left out.
type deed func(ctx context.Context, h *run.ByHand, conn *run.Connection, ids []string) ([]run.Deed, error)

// each makes a deed of what is done with one row.
func each(do func(h *run.ByHand, ctx context.Context, conn *run.Connection, id string) (run.Deed, error)) deed {
	return func(ctx context.Context, h *run.ByHand, conn *run.Connection, ids []string) ([]run.Deed, error) {
		d, err := do(h, ctx, conn, ids[0])
		if errors.As(err, new(*control.NotFoundError)) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return []run.Deed{d}, nil
	}
}

// change does it with the rows that IDs, or with --all the flags, select: n at a time. with is what dso_event is
// to say of the flags.
func (e *environment) change(c *cli.Context, past, with string, f filter, n int, do deed) error {
	ids, all := c.Args().Slice(), c.Bool("all")
	parent := strings.Fields(c.Command.HelpName)[1]
	switch {
	case len(ids) == 0 && !all:
		return &report.UsageError{
			Reason: c.Command.HelpName + " needs IDs, or --all",
			Fix:    fmt.Sprintf("`ardso %s` lists the IDs; --all takes all that the other flags select", parent),
		}
	case len(ids) > 0 && all:
		return &report.UsageError{Reason: "IDs and --all do not go together", Fix: "write one of them"}
	}
	return e.with(c, func(ctx context.Context, doc *definition.Document, conns []*run.Connection) (err error) {
		h := run.NewByHand(doc, parent+" "+c.Command.Name, with)
		defer func() { err = errors.Join(err, h.Close()) }()
		b := batch{ctx: ctx, p: e.print(c), h: h, do: do, found: map[string]bool{}, refused: map[string]error{}, left: map[string]int{}}
		for _, conn := range conns {
			list := ids
			if all {
				if list, err = f.IDs(ctx, conn.DB); err != nil {
					return fmt.Errorf("%s: %w", conn.Name, err)
				}
			}
			for some := range slices.Chunk(list, n) {
				if err := b.some(conn, some, all); err != nil {
					return err
				}
			}
		}
		return b.end(ids, past)
	})
}

// batch is a change under way.
type batch struct {
	ctx     context.Context
	p       *report.Printer
	h       *run.ByHand
	do      deed
	found   map[string]bool  // IDs
	refused map[string]error // the first of each name
	left    map[string]int   // how many of each name
	done    int
}

func (b *batch) some(conn *run.Connection, ids []string, all bool) error {
	deeds, err := b.do(b.ctx, b.h, conn, ids)
	var named control.Named
	switch {
	case err != nil && (!errors.As(err, &named) || strings.HasPrefix(named.Name(), "server.")):
		return fmt.Errorf("%s: %w", conn.Name, err)
	case err != nil: // the others may do
		for _, id := range ids {
			b.found[id] = true
		}
		key := named.Name()
		if !all {
			key += " " + ids[0]
		}
		if b.refused[key] == nil {
			b.refused[key] = err
		}
		b.left[key] += len(ids)
	}
	for _, d := range deeds {
		b.found[d.ID] = true
		b.done++
		if err := b.p.Object(d, func(w io.Writer) error { return details(w, noteOf(d)...) }); err != nil {
			return err
		}
	}
	return nil
}

func noteOf(d run.Deed) []string {
	if d.Note == "" {
		return nil
	}
	return []string{d.ID, d.Result + ": " + d.Note}
}

// end says what was done, and what could not be.
func (b *batch) end(ids []string, past string) error {
	var errs []error
	for _, key := range slices.Sorted(maps.Keys(b.refused)) {
		if n := b.left[key]; n > 1 {
			b.p.Say("%d were left as they are, for reasons such as this:", n)
		}
		errs = append(errs, b.refused[key])
	}
	for _, id := range ids {
		if !b.found[id] {
			errs = append(errs, &control.NotFoundError{ID: id})
		}
	}
	if b.done > 0 || len(errs) == 0 {
		b.p.Say("%d %s", b.done, past)
	}
	return errors.Join(errs...)
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

const timeFormat = "2006-01-02 15:04:05 UTC"

// showOperations shows the operations that a row holds, each with its images beside what the target holds.
func showOperations(w io.Writer, form *schema.Form, ops []*mapping.Operation, now map[int]value.Value) error {
	for i, op := range ops {
		if len(op.Fields) == 0 { // a hand-over that was refused: a retry transfers the request as it is then
			continue
		}
		if _, err := fmt.Fprintf(w, "\n%s at %s, %d of %d that wait:\n", op.Action, op.CommitTime.Format(timeFormat), i+1, len(ops)); err != nil {
			return err
		}
		if err := showImages(w, form, op, now, "target now"); err != nil {
			return err
		}
	}
	return nil
}
