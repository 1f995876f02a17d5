package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"ardso/cmd/internal/report"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = ""

// environment is what a command knows of the world.
type environment struct {
	out, err io.Writer
	getenv   func(name string) (string, bool)
	readFile func(path string) ([]byte, error)
	terminal bool // err is a terminal
	width    int  // columns of out; 0 = not a terminal
}

// main runs a command line and returns its exit code.
func (e *environment) main(ctx context.Context, args []string) int {
	app := e.app()
	err := app.RunContext(ctx, arrange(app, args))
	p := e.printer(hasFlag(args, "--json"))
	var silent *silentError
	if err != nil && errors.Is(err, context.Canceled) && report.Code(err) == report.Interrupted {
		err = &report.InterruptedError{What: strings.Join(args[:min(2, len(args))], " ")}
	}
	if err != nil && !errors.As(err, &silent) {
		p.Error(err)
	}
	return int(report.Code(err))
}

// silentError ends a command whose output has said all; err gives the exit code.
type silentError struct{ err error }

func (e *silentError) Error() string { return e.err.Error() }
func (e *silentError) Unwrap() error { return e.err }

func hasFlag(args []string, name string) bool {
	for _, a := range args {
		if a == name || a == name[1:] {
			return true
		}
	}
	return false
}

func (e *environment) app() *cli.App {
	app := &cli.App{
		Name:        "ardso",
		Usage:       "keep requests synchronized between AR System databases",
		Version:     versionText(),
		Description: "It reads each database's log, decides by mappings and filters what a change\nmeans for the other servers, and writes it there.\n\nStart with `ardso demo`, which needs nothing else.\n\nExit codes:\n" + strings.TrimRight(report.ExitTable(), "\n"),
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "definitions", Aliases: []string{"d"}, Value: "ardso.yaml", EnvVars: []string{"ARDSO_DEFINITIONS"}, Usage: "definitions: a `FILE`, or a folder whose *.yaml files are read"},
			&cli.BoolFlag{Name: "json", Usage: "results as JSON, one object a line"},
			&cli.StringFlag{Name: "log-format", Value: "text", EnvVars: []string{"ARDSO_LOG_FORMAT"}, Usage: "`FORMAT` of the log on standard error: text or json"},
			&cli.StringFlag{Name: "log-level", EnvVars: []string{"ARDSO_LOG_LEVEL"}, Usage: "least `LEVEL` that is logged: debug, info, warn or error; default: info for run, else warn"},
		},
		Commands: []*cli.Command{
			e.demo(), e.init(), e.check(), e.def(), e.fields(), e.guard(), e.run(), e.transfer(), e.giveBack(), e.status(),
			e.pending(), e.errors(), e.conflicts(), e.owner(), e.verify(), e.explain(), e.completion(),
		},
		Writer: e.out, ErrWriter: e.err,
		EnableBashCompletion: true,
		Suggest:              true,
		OnUsageError:         onUsageError,
		ExitErrHandler:       func(*cli.Context, error) {}, // main decides
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return unknownCommand(c)
			}
			return cli.ShowAppHelp(c)
		},
	}
	behave(app.Commands)
	return app
}

// behave gives all commands what the library does not inherit.
func behave(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
		text, example, _ := strings.Cut(c.Description, "Example:")
		c.Description = strings.TrimSpace(report.Paragraph(text, 0, 77) + "\n\nExample:" + example) // indented by 3
		behave(c.Subcommands)
	}
}

// unknownCommand names the nearest command.
func unknownCommand(c *cli.Context) error {
	name := c.Args().First()
	fix := "`ardso help` lists the commands"
	if c.Command != nil && len(c.Command.Subcommands) > 0 && c.Command.Name != "ardso" {
		fix = fmt.Sprintf("`ardso %s --help` lists what there is", c.Command.Name)
	}
	if s := cli.SuggestCommand(c.App.VisibleCommands(), name); s != "" && c.Command.Name == "ardso" {
		fix = strings.Replace(s, "Did", "did", 1) + " " + fix
	}
	return &report.UsageError{Reason: fmt.Sprintf("unknown command %q", name), Fix: fix}
}

func onUsageError(c *cli.Context, err error, _ bool) error {
	fix := "`ardso help` lists commands and flags"
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "ardso" {
		fix = "`" + strings.TrimSpace(c.Command.HelpName) + " --help` lists the flags"
	}
	return &report.UsageError{Reason: strings.TrimPrefix(err.Error(), "flag provided but "), Fix: fix}
}

// noArguments refuses arguments that a command does not take.
func noArguments(c *cli.Context) error {
	if c.Args().Present() {
		return &report.UsageError{
			Reason: fmt.Sprintf("%s takes no arguments, found %q", c.Command.HelpName, c.Args().First()),
			Fix:    "`" + c.Command.HelpName + " --help` shows an example",
		}
	}
	return nil
}

func (e *environment) printer(json bool) *report.Printer {
	return &report.Printer{Out: e.out, Err: e.err, JSON: json, Width: e.width, Terminal: e.terminal}
}

// print is the printer for a command's own flags.
func (e *environment) print(c *cli.Context) *report.Printer { return e.printer(c.Bool("json")) }

// log makes the log of a command; level is what is logged where the flags do not say.
func (e *environment) log(c *cli.Context, level slog.Level) (*slog.Logger, error) {
	if text := c.String("log-level"); text != "" {
		if err := level.UnmarshalText([]byte(text)); err != nil {
			return nil, &report.UsageError{Reason: fmt.Sprintf("unknown log level %q", text), Fix: "write debug, info, warn or error"}
		}
	}
	o := &slog.HandlerOptions{Level: level}
	switch f := c.String("log-format"); f {
	case "text", "": // a variable of the environment that is set to nothing
		return slog.New(slog.NewTextHandler(e.err, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(e.err, o)), nil
	default:
		return nil, &report.UsageError{Reason: fmt.Sprintf("unknown log format %q", f), Fix: "write text or json"}
	}
}

func versionText() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(development)"
}

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

// terminalWidth is 0 where f is no terminal.
func terminalWidth(f *os.File) int {
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return max(w, 40)
}

// ago is how long a time is past, as people say it.
func ago(t time.Time) string {
	d := time.Since(t)
	switch {
	case t.Unix() <= 0:
		return "never"
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d d ago", int(d.Hours()/24))
}
