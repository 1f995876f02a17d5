package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/schema"
)

// requestPlace are the flags that, with a Request ID, name one copy of a request.
func requestPlace(more ...cli.Flag) []cli.Flag {
	return append([]cli.Flag{
		&cli.StringFlag{Name: "server", Aliases: []string{"s"}, Usage: "`SERVER` that holds the request"},
		&cli.StringFlag{Name: "form", Aliases: []string{"f"}, Usage: "`FORM` that holds it"},
	}, more...)
}

func (e *environment) owner() *cli.Command {
	change := []cli.Flag{
		&cli.BoolFlag{Name: "force", Usage: "even if a server cannot be asked, or the request loses its owner"},
		&cli.BoolFlag{Name: "dry-run", Usage: "show the steps, and change nothing"},
	}
	return &cli.Command{
		Name:  "owner",
		Usage: "show who owns a request, and repair it",
		Description: "Of the copies of a request that was transferred with ownership, one owns it: its Master Flag\n" +
			"is Yes. Where that is not so, `ardso verify --ownership` finds it, and this command puts it\n" +
			"right. It may be used while `ardso run` runs, and each change is recorded in dso_event.\n\n" +
			"Example:\n  ardso owner show 000000000000042 --server chicago --form Repair\n  ardso owner set 000000000000042 --server chicago --form Repair --master yes",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name: "show", Usage: "show all copies of a request and which of them owns it", ArgsUsage: "REQUEST", Action: e.showOwner, Flags: requestPlace(),
				Description: "It asks all servers of the definitions; those that do not answer are named.\n\n" +
					"Example:\n  ardso owner show 000000000000042 --server chicago --form Repair",
			},
			{
				Name: "set", Usage: "set the Master Flag of a copy, or where it came from", ArgsUsage: "REQUEST", Action: e.setOwner,
				Flags: requestPlace(append([]cli.Flag{
					&cli.StringFlag{Name: "master", Usage: "`yes|no`; yes: this copy owns the request, and no other; no: it does not"},
					&cli.StringFlag{Name: "from-server", Usage: "`SERVER` that it came from"},
					&cli.StringFlag{Name: "from-form", Usage: "`FORM` there"},
					&cli.StringFlag{Name: "from-request", Usage: "`REQUEST` there"},
					&cli.StringFlag{Name: "from-mapping", Usage: "`MAPPING` that brought it"},
					&cli.StringFlag{Name: "from-pool", Usage: "`POOL` that brought it"},
				}, change...)...),
				Description: "With --master yes the flags of all other copies become No first, each on its server, then this\n" +
					"one's becomes Yes. If that is cut off, the request has no owner: run the same command again.\n\n" +
					"Example:\n  ardso owner set 000000000000042 --server chicago --form Repair --master yes",
			},
			{
				Name: "clear", Usage: "empty where a copy came from or went to, or take it out of ownership", ArgsUsage: "REQUEST", Action: e.clearOwner,
				Flags: requestPlace(append([]cli.Flag{
					&cli.BoolFlag{Name: "from", Usage: "where it came from: its changes go nowhere back"},
					&cli.BoolFlag{Name: "to", Usage: "which copy it gave ownership to"},
					&cli.BoolFlag{Name: "all", Usage: "all, the Master Flag too: it belongs to no chain and owns itself"},
				}, change...)...),
				Description: "Example:\n  ardso owner clear 000000000000042 --server chicago --form Repair --from",
			},
		},
	}
}

// requestArguments makes sure that a command line names one copy of a request.
func requestArguments(c *cli.Context) error {
	fix := "`" + c.Command.HelpName + " --help` shows an example"
	switch {
	case c.NArg() != 1:
		return &report.UsageError{Reason: c.Command.HelpName + " needs one Request ID", Fix: fix}
	case c.String("server") == "":
		return &report.UsageError{Reason: c.Command.HelpName + " needs the server that holds the request", Fix: "write --server SERVER; " + fix}
	case c.String("form") == "":
		return &report.UsageError{Reason: c.Command.HelpName + " needs the form that holds the request", Fix: "write --form FORM; " + fix}
	}
	return nil
}

// withServers opens all servers for a command about one request, once it is known that the one which the command
// line names is among them.
func (e *environment) withServers(c *cli.Context, f func(context.Context, *definition.Document, []*run.Connection) error) error {
	if err := requestArguments(c); err != nil {
		return err
	}
	return e.onServers(c, f)
}

// onServers opens all servers and calls f.
func (e *environment) onServers(c *cli.Context, f func(context.Context, *definition.Document, []*run.Connection) error) (err error) {
	ctx, stop := interruptible(c.Context)
	defer stop()
	doc, err := e.document(c)
	if err != nil {
		return err
	}
	if name := c.String("server"); name != "" && doc.Server(name) == nil { // before any server is waited for
		_, err := run.Connect(ctx, doc, name)
		return err
	}
	all, err := run.Connect(ctx, doc)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, run.CloseAll(all)) }()
	return f(ctx, doc, all)
}

// withChain reads the copies of the request that the command line names and calls f.
func (e *environment) withChain(c *cli.Context, f func(context.Context, *definition.Document, *run.Chain) error) error {
	return e.withServers(c, func(ctx context.Context, doc *definition.Document, all []*run.Connection) error {
		chain, err := run.ReadChain(ctx, all, c.String("server"), c.String("form"), c.Args().First())
		if err != nil {
			return err
		}
		return f(ctx, doc, chain)
	})
}

// chainView is a chain as it is shown.
type chainView struct {
	*run.Chain
	Owns *ownership.Place `json:"owner"` // null: no copy does
}

func viewChain(ch *run.Chain) chainView {
	v := chainView{Chain: ch}
	if o := ch.Owner(); o != nil {
		p := o.Place()
		v.Owns = &p
	}
	return v
}

func (e *environment) showOwner(c *cli.Context) error {
	return e.withChain(c, func(_ context.Context, _ *definition.Document, ch *run.Chain) error {
		return e.print(c).Object(viewChain(ch), func(w io.Writer) error { return showChain(w, ch) })
	})
}

// showChain shows who owns a request, and each copy.
func showChain(w io.Writer, ch *run.Chain) error {
	if err := details(w, "owner", ownerText(ch), "chain", ch.ID); err != nil {
		return err
	}
	for _, x := range ch.Copies {
		made := ""
		if by := x.MadeAlong(); by != "" {
			made = fmt.Sprintf(", a copy along %q", by)
		}
		if _, err := fmt.Fprintf(w, "\n%s: form %q, request %q%s\n", x.Server, x.Form, x.Request, made); err != nil {
			return err
		}
		if err := showCopy(w, x); err != nil {
			return err
		}
	}
	for _, u := range ch.Unreachable {
		if _, err := fmt.Fprintf(w, "\n%s was not asked: %s\n", u.Server, report.Paragraph(u.Reason, 2, 80)); err != nil {
			return err
		}
	}
	return nil
}

func ownerText(ch *run.Chain) string {
	o := ch.Owner()
	switch {
	case o == nil:
		return "none of the copies that were found"
	case ch.ID == "" && o == ch.Copies[0] && o.Value(schema.MasterFlag) == "":
		return "itself: it was never handed over"
	}
	text := fmt.Sprintf("%s: form %q, request %q", o.Server, o.Form, o.Request)
	if n := len(slices.DeleteFunc(slices.Clone(ch.Copies), func(x *run.Copy) bool { return !x.Owns() || x.MadeAlong() != "" })); n > 1 {
		text += fmt.Sprintf(", by its epoch; the flags of %d copies say so", n)
	}
	return text
}

func showCopy(w io.Writer, x *run.Copy) error {
	there := "yes"
	switch {
	case x.Problem != "":
		there = "cannot be read: " + x.Problem
	case !x.Exists:
		there = "no: it was deleted"
	}
	pairs := []string{"there", there}
	for _, f := range slices.Concat(x.Values, x.Fields) {
		pairs = append(pairs, f.Name, f.Value)
	}
	if o := x.Owner; o != nil {
		flag := "No"
		if o.Owner {
			flag = "Yes"
		}
		pairs = append(pairs, "dso_owner", fmt.Sprintf("epoch %d, Master Flag %s, since %s", o.Epoch, flag, o.Updated.Format(timeFormat)),
			"came from", placeText(o.From), "went to", placeText(o.To))
		if o.Fault != "" {
			pairs = append(pairs, "not distributed", "until it is repaired: "+o.Fault)
		}
		if o.Deleted {
			pairs = append(pairs, "deleted", "yes")
		}
	} else {
		pairs = append(pairs, "dso_owner", "no row")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "  %-18s %s\n", pairs[i], report.Paragraph(pairs[i+1], 21, 80)); err != nil {
			return err
		}
	}
	return nil
}

func placeText(p ownership.Place) string {
	if p.IsZero() {
		return ""
	}
	text := fmt.Sprintf("%s: form %q, request %q", p.Server, p.Form, p.Request)
	if p.Mapping != "" {
		text += fmt.Sprintf(", mapping %q", p.Mapping)
	}
	return text
}

func (e *environment) setOwner(c *cli.Context) error {
	w := run.OwnerChange{Force: c.Bool("force")}
	for flag, to := range map[string]**string{
		"from-server": &w.FromServer, "from-form": &w.FromForm, "from-request": &w.FromRequest, "from-mapping": &w.FromMapping, "from-pool": &w.FromPool,
	} {
		if c.IsSet(flag) {
			text := c.String(flag)
			*to = &text
		}
	}
	from := w.FromServer != nil || w.FromForm != nil || w.FromRequest != nil || w.FromMapping != nil || w.FromPool != nil
	switch m := c.String("master"); {
	case !c.IsSet("master") && !from:
		return &report.UsageError{Reason: c.Command.HelpName + " needs something to set", Fix: "write --master yes, --master no, or flags that begin with --from-"}
	case c.IsSet("master") && from:
		return &report.UsageError{Reason: "--master and flags that begin with --from- do not go together", Fix: "set one after the other"}
	case c.IsSet("master") && m != "yes" && m != "no":
		return &report.UsageError{Reason: fmt.Sprintf("--master %q is neither yes nor no", m), Fix: "write --master yes or --master no"}
	case c.IsSet("master"):
		yes := m == "yes"
		w.Master = &yes
	}
	return e.changeOwner(c, "owner set", w)
}

func (e *environment) clearOwner(c *cli.Context) error {
	w := run.OwnerChange{ClearFrom: c.Bool("from"), ClearTo: c.Bool("to"), Clear: c.Bool("all"), Force: c.Bool("force")}
	if !w.ClearFrom && !w.ClearTo && !w.Clear {
		return &report.UsageError{Reason: c.Command.HelpName + " needs to know what to clear", Fix: "write --from, --to or --all"}
	}
	return e.changeOwner(c, "owner clear", w)
}

// changeOwner shows the steps of a change and carries them out.
func (e *environment) changeOwner(c *cli.Context, what string, w run.OwnerChange) error {
	for _, name := range []string{"master", "from-server", "from-form", "from-request", "from-mapping", "from-pool"} {
		if c.IsSet(name) {
			what += " --" + name + " " + c.String(name)
		}
	}
	for _, name := range []string{"from", "to", "all", "force"} {
		if c.Bool(name) {
			what += " --" + name
		}
	}
	return e.withChain(c, func(ctx context.Context, doc *definition.Document, ch *run.Chain) error {
		steps, err := ch.PlanOwner(doc, w)
		if err != nil {
			return err
		}
		p := e.print(c)
		if len(steps) == 0 {
			p.Say("nothing to do: it is so already")
			return nil
		}
		who, dry := run.Who(), c.Bool("dry-run")
		for _, s := range steps {
			if !dry {
				if err := s.Apply(ctx, what, who); err != nil {
					return err
				}
			}
			v := stepView{OwnerStep: s, Done: !dry}
			if err := p.Object(v, func(w io.Writer) error { return showStep(w, v) }); err != nil {
				return err
			}
		}
		for _, u := range ch.Unreachable {
			p.Say("%s was not asked: %s", u.Server, u.Reason)
		}
		if dry {
			return nil
		}
		return ch.RetryHeld(ctx)
	})
}

// stepView is a step as it is shown.
type stepView struct {
	*run.OwnerStep
	Done bool `json:"done"`
}

func showStep(w io.Writer, v stepView) error {
	mark := "-"
	if v.Done {
		mark = "✓"
	}
	var parts []string
	for name, text := range v.Set {
		if text == "" {
			text = "(empty)"
		}
		parts = append(parts, name+" "+text)
	}
	slices.Sort(parts)
	if v.LetGo() {
		parts = append(parts, "distributed again")
	}
	if v.Epoch > 0 {
		parts = append(parts, fmt.Sprintf("epoch %d", v.Epoch))
	}
	text := fmt.Sprintf("%s: form %q, request %q: %s", v.Server, v.Form, v.Request, strings.Join(parts, ", "))
	_, err := fmt.Fprintf(w, "%s %s\n", mark, report.Paragraph(text, 2, 80))
	return err
}
