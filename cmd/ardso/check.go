package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cdc"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
)

func (e *environment) check() *cli.Command {
	return &cli.Command{
		Name:  "check",
		Usage: "look at servers and definitions before anything runs",
		Description: "Checks log settings, retention, privileges, clocks and control tables of every server,\n" +
			"and the definitions against the forms of both ends. It changes nothing. Exit code 3\n" +
			"says that there are errors, each with what to do about it.\n\n" +
			"Example:\n  ardso check\n  ardso check --offline",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "offline", Usage: "check the definitions only, as far as that goes without a database"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "leave notes out"},
		},
		Action: e.runCheck,
	}
}

func (e *environment) runCheck(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	p := e.print(c)
	if c.Bool("offline") {
		if _, err := showFindings(p, run.Warnings(doc.Warnings), false); err != nil {
			return err
		}
		p.Say("the definitions are valid, as far as that can be said without the databases: %s", countDefinitions(doc))
		return nil
	}
	all, err := run.Check(ctx, doc)
	count, serr := showFindings(p, all, c.Bool("quiet"))
	if serr != nil {
		return serr
	}
	if err != nil {
		return err
	}
	if !p.JSON {
		p.Say("%s: %s", countDefinitions(doc), countText(count))
	}
	if count[cdc.Error] > 0 {
		return &silentError{errors.Join(unreachable(all), &report.AttentionError{What: "check found errors"})}
	}
	return nil
}

// showFindings shows what there is to say of servers and definitions, notes unless quiet, and counts it.
func showFindings(p *report.Printer, all []cdc.Finding, quiet bool) (count map[cdc.Severity]int, err error) {
	count = map[cdc.Severity]int{}
	for _, f := range all {
		count[f.Severity]++
		if f.Severity == cdc.Note && quiet {
			continue
		}
		if err := p.Object(f, func(w io.Writer) error { return showFinding(w, f, p) }); err != nil {
			return nil, err
		}
		if !p.JSON {
			p.Say("")
		}
	}
	return count, nil
}

// unreachable makes the exit code tell a server that cannot be opened from all else.
func unreachable(all []cdc.Finding) error {
	for _, f := range all {
		if f.Severity == cdc.Error && strings.HasPrefix(f.Name, "server.") {
			return &run.FindingError{Finding: f}
		}
	}
	return nil
}

func countDefinitions(doc *definition.Document) string {
	text := fmt.Sprintf("%d servers, %d mappings, %d filters", len(doc.Servers), len(doc.Mappings), len(doc.Filters))
	if n := len(doc.Escalations); n > 0 {
		text += fmt.Sprintf(", %d escalations", n)
	}
	return text
}

func countText(count map[cdc.Severity]int) string {
	if count[cdc.Error]+count[cdc.Warning] == 0 {
		return "all is well"
	}
	return fmt.Sprintf("%d errors, %d warnings", count[cdc.Error], count[cdc.Warning])
}

func showFinding(w io.Writer, f cdc.Finding, p *report.Printer) error {
	server := ""
	if f.Server != "" && !strings.HasPrefix(f.Text, f.Server+": ") {
		server = f.Server + ": "
	}
	mark := map[cdc.Severity]string{cdc.Error: "✗ error  ", cdc.Warning: "! warning", cdc.Note: "· note   "}[f.Severity]
	text := fmt.Sprintf("%s  %s\n", mark, report.Paragraph(server+f.Text+" ["+f.Name+"]", 11, 80))
	if f.Remedy != "" {
		text += fmt.Sprintf("  remedy   %s\n", report.Paragraph(f.Remedy, 11, 80))
	}
	_, err := io.WriteString(w, text)
	return err
}
