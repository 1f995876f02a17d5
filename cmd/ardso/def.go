package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/mapping/definition"
)

func (e *environment) def() *cli.Command {
	return &cli.Command{
		Name:  "def",
		Usage: "print definitions, and tell what changed ones would change",
		Description: "Looks at definitions without any database. Where passwords come from is shown, never\n" +
			"what they are.\n\n" +
			"Example:\n  ardso def print\n  ardso def diff new.yaml",
		Subcommands: []*cli.Command{
			{
				Name: "print", Usage: "print the definitions as one file",
				Description: "Prints what was written, in the order of the documentation and without comments. It is\n" +
					"read as the same definitions. With --json it is one text, with its version.\n\n" +
					"Example:\n  ardso def print > all.yaml",
				Action: e.printDefinitions,
			},
			{
				Name: "diff", Usage: "tell what other definitions would change", ArgsUsage: "FILE…",
				Description: "Compares the definitions of --definitions with those of the files, or of a folder: what is\n" +
					"added, removed and changed, key by key, defaults and logical names resolved; which operations\n" +
					"go otherwise; and what `ardso init` would have to be run for, as far as that shows without the\n" +
					"databases. Exit code 0 says that both come to the same, 3 that they do not, 2 that one of them\n" +
					"is not valid.\n\n" +
					"Example:\n  ardso def diff new.yaml\n  ardso --definitions /etc/ardso def diff ./changed",
				Action: e.diffDefinitions,
			},
		},
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
	}
}

func (e *environment) printDefinitions(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	v := struct {
		Version     string `json:"version"`
		Definitions string `json:"definitions"`
	}{doc.Version(), doc.Print()}
	return e.print(c).Object(v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "# version %s\n%s", v.Version, v.Definitions)
		return err
	})
}

func (e *environment) diffDefinitions(c *cli.Context) error {
	if !c.Args().Present() {
		return &report.UsageError{Reason: "ardso def diff needs the file or folder to compare with", Fix: "`ardso def diff --help` shows an example"}
	}
	before, err := e.document(c)
	if err != nil {
		return err
	}
	after, err := e.documentAt(c.Args().Slice()...)
	if err != nil {
		return err
	}
	d := definition.Diff(before, after)
	p := e.print(c)
	if err := p.Object(d, func(w io.Writer) error { return showDifference(w, d) }); err != nil {
		return err
	}
	if d.IsEmpty() {
		return nil
	}
	return &silentError{&report.AttentionError{What: "the definitions differ"}}
}

func showDifference(w io.Writer, d definition.Difference) error {
	say := &lines{w: w}
	for _, x := range d.Changes {
		if x.Name == "" {
			say.line("%-11s the order of %ss", x.What, x.Kind)
			continue
		}
		say.line("%-11s %s %q", x.What, x.Kind, x.Name)
		for _, k := range x.Keys {
			say.line("              %s: %s → %s", k.Key, onOneLine(k.Old), onOneLine(k.New))
		}
	}
	for _, x := range d.Operations {
		say.line("%-11s from %s %q to %s %q", "operations", x.From.Server, x.From.Form, x.To.Server, x.To.Form)
		say.line("              before  %s", cmp.Or(x.Old, "none"))
		say.line("              now     %s", cmp.Or(x.New, "none"))
	}
	for _, x := range d.Init {
		say.line("%-11s %s: %s", "init", x.Server, x.Why)
	}
	if d.IsEmpty() {
		say.line("the definitions come to the same")
	}
	return say.err
}

// onOneLine is a key's value within a line; "" is nothing.
func onOneLine(s string) string {
	if strings.Contains(s, "\n") {
		return strconv.Quote(s)
	}
	return cmp.Or(s, "–")
}

// lines writes lines until one fails.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) line(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}
