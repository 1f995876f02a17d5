package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cdc"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/sql/distributed"
	"ardso/sql/schema"
)

func (e *environment) fields() *cli.Command {
	server := &cli.StringFlag{Name: "server", Aliases: []string{"s"}, Usage: "`SERVER` that has the form"}
	group := &cli.StringFlag{Name: "group", Aliases: []string{"g"}, Usage: "`GROUP` of fields: basic, full or advanced"}
	dryRun := &cli.BoolFlag{Name: "dry-run", Usage: "show the steps and their SQL, and change nothing"}
	return &cli.Command{
		Name:  "fields",
		Usage: "show, add or remove the distributed fields of a form",
		Description: "Distributed fields tell who owns a request and where it came from. There are three groups,\n" +
			"each with those before it: basic is what ownership needs, full adds routing and history,\n" +
			"advanced what overrules options of a mapping for single requests.\n\n" +
			"Example:\n  ardso fields show Repair --server chicago\n  ardso fields add Repair --server chicago --group basic",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "show which of them a form has", ArgsUsage: "FORM", Action: e.showFields,
				Flags:       []cli.Flag{server},
				Description: "Example:\n  ardso fields show Repair --server chicago",
			},
			{
				Name: "add", Usage: "add a group of them, with those below it", ArgsUsage: "FORM", Action: e.addFields,
				Flags: []cli.Flag{server, group, dryRun},
				Description: "Makes what is missing: columns of the form's table, and in an ar catalog the rows of AR System's\n" +
					"dictionary. It may be run again at any time.\n\n" +
					"Example:\n  ardso fields add Repair --server chicago --group basic --dry-run",
			},
			{
				Name: "remove", Usage: "remove a group of them, with those above it", ArgsUsage: "FORM", Action: e.removeFields,
				Flags: []cli.Flag{server, group, dryRun, &cli.BoolFlag{Name: "yes", Aliases: []string{"y"}, Usage: "even if values would be lost"}},
				Description: "Drops the columns, and in an ar catalog the rows of AR System's dictionary. It refuses where\n" +
					"definitions use a field, and without --yes where requests have values in one.\n\n" +
					"Example:\n  ardso fields remove Repair --server chicago --group advanced",
			},
		},
	}
}

// formArguments are the form and server that a command line names.
func formArguments(c *cli.Context) (form, server string, err error) {
	fix := "`" + c.Command.HelpName + " --help` shows an example"
	switch {
	case c.NArg() != 1:
		return "", "", &report.UsageError{Reason: c.Command.HelpName + " needs the name of one form", Fix: fix}
	case c.String("server") == "":
		return "", "", &report.UsageError{Reason: c.Command.HelpName + " needs the server of the form", Fix: "write --server SERVER; " + fix}
	}
	return c.Args().First(), c.String("server"), nil
}

func groupArgument(c *cli.Context) (g schema.FieldGroup, err error) {
	if err := g.UnmarshalText([]byte(c.String("group"))); err != nil {
		reason := "--group: " + err.Error()
		if c.String("group") == "" {
			reason = c.Command.HelpName + " needs a group of fields"
		}
		return g, &report.UsageError{Reason: reason, Fix: "write --group basic, full or advanced"}
	}
	return g, nil
}

// withForm opens the server that the command line names, and no other, and calls f with its form.
func (e *environment) withForm(c *cli.Context, f func(ctx context.Context, server string, fields *run.Fields) error) (err error) {
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
	fields, err := all[0].Fields(ctx, form)
	if err != nil {
		return err
	}
	return f(ctx, server, fields)
}

// fieldView is a distributed field of a form as it is shown.
type fieldView struct {
	Server  string            `json:"server"`
	Form    string            `json:"form"`
	ID      int               `json:"id"`
	Name    string            `json:"name"` // as the form has it
	Group   schema.FieldGroup `json:"group"`
	Type    string            `json:"type"`
	Length  int               `json:"length,omitempty"` // 0 = unlimited, or no text
	Values  map[int64]string  `json:"values,omitempty"` // labels of a selection, by number
	Column  string            `json:"column"`           // that it has, or would have
	Has     bool              `json:"has"`
	Problem string            `json:"problem,omitempty"` // why it cannot be added
}

func viewField(server string, s *run.Fields, f distributed.Field) fieldView {
	v := fieldView{
		Server: server, Form: s.Form.Name, ID: f.ID, Name: f.Name, Group: f.Group, Type: f.Type.String(), Length: f.Length,
		Values: map[int64]string{}, Column: f.ColumnName, Has: f.Has != nil,
	}
	values := f.Values
	if f.Has != nil {
		v.Name, v.Type, v.Length, values = f.Has.Name, f.Has.Type.String(), f.Has.MaxLength, f.Has.Values
	}
	if f.Column != nil {
		v.Column = f.Column.Name
	}
	for _, x := range values {
		v.Values[x.ID] = x.Label
	}
	if err := s.Check(f); err != nil {
		v.Problem = err.Error()
	}
	return v
}

func (e *environment) showFields(c *cli.Context) error {
	return e.withForm(c, func(_ context.Context, server string, s *run.Fields) error {
		views := make([]fieldView, len(s.State.Fields))
		for i, f := range s.State.Fields {
			views[i] = viewField(server, s, f)
		}
		p := e.print(c)
		err := report.List(p, views, "", []report.Column{
			{Title: "id", Fixed: true},
			{Title: "field"},
			{Title: "group"},
			{Title: "type"},
			{Title: "column"},
			{Title: "there"},
		}, fieldRow)
		if err != nil || p.JSON {
			return err
		}
		p.Say("")
		for _, g := range schema.FieldGroups() {
			text := "complete"
			if n := len(s.Missing(g)); n > 0 {
				text = fmt.Sprintf("%d of %d are missing", n, len(schema.FieldsOf(g)))
			}
			p.Say("%-9s %s", g, text)
		}
		for _, v := range views {
			if v.Problem != "" {
				p.Say("%s", report.Paragraph(v.Problem, 0, 80))
			}
		}
		return nil
	})
}

func fieldRow(v fieldView) []string {
	text := v.Type
	if v.Length > 0 {
		text = fmt.Sprintf("%s(%d)", v.Type, v.Length)
	}
	there := "-"
	switch {
	case v.Has && v.Problem == "":
		there = "yes"
	case v.Problem != "":
		there = "taken"
	}
	return []string{fmt.Sprint(v.ID), v.Name, v.Group.String(), text, v.Column, there}
}

func (e *environment) addFields(c *cli.Context) error {
	g, err := groupArgument(c)
	if err != nil {
		return err
	}
	return e.withForm(c, func(ctx context.Context, server string, s *run.Fields) error {
		steps, err := s.AddPlan(ctx, g)
		if err != nil {
			return err
		}
		return e.applyFields(ctx, c, server, s, steps)
	})
}

// removeFields opens all servers: what uses a field may be about any of them.
func (e *environment) removeFields(c *cli.Context) (err error) {
	form, server, err := formArguments(c)
	if err != nil {
		return err
	}
	g, err := groupArgument(c)
	if err != nil {
		return err
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	sys, err := run.OpenDocument(ctx, doc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sys.Close()) }()
	srv, err := sys.Server(server)
	if err != nil {
		return err
	}
	s, err := srv.Fields(ctx, form)
	if err != nil {
		return err
	}
	steps, gone, err := s.RemovePlan(ctx, g)
	if err != nil {
		return err
	}
	if err := sys.CheckUnused(server, s.Form, gone); err != nil {
		return err
	}
	if !c.Bool("yes") && !c.Bool("dry-run") {
		v, err := s.Values(ctx, gone)
		if err != nil {
			return err
		}
		if v.Requests > 0 {
			return &distributed.ValuesError{Server: server, Form: form, Values: v}
		}
	}
	return e.applyFields(ctx, c, server, s, steps)
}

// applyFields shows the steps and carries them out.
func (e *environment) applyFields(ctx context.Context, c *cli.Context, server string, s *run.Fields, steps []distributed.Step) error {
	p := e.print(c)
	shown := make([]cdc.Step, len(steps))
	for i, x := range steps {
		shown[i] = cdc.Step{What: x.What, SQL: strings.TrimSpace(x.SQL())}
	}
	if err := e.showPlan(c, p, server, shown); err != nil {
		return err
	}
	if len(steps) == 0 || c.Bool("dry-run") {
		return nil
	}
	done := e.showDone(p, server)
	if err := s.Apply(ctx, steps, 0, func(x distributed.Step) { done(cdc.Step{What: x.What}) }); err != nil {
		return err
	}
	p.Say("%s", report.Paragraph(fmt.Sprintf("run `ardso init %s`, then start `ardso run` again: until then it does not know of this", server), 0, 80))
	return nil
}
