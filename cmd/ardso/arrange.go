package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange lets flags stand anywhere on the command line, global ones too, as people write them:
// `ardso init chicago --dry-run --json`. The library wants each before its command's arguments.
func arrange(app *cli.App, args []string) []string {
	if len(args) == 0 || args[len(args)-1] == "--generate-bash-completion" {
		return args
	}
	var global, path, local, rest []string
	commands := app.Commands
	var flags []cli.Flag
	for i := 1; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if !strings.HasPrefix(a, "-") || a == "-" {
			if c := find(commands, a); c != nil && len(rest) == 0 {
				path = append(path, a)
				commands, flags = c.Subcommands, c.Flags
				continue
			}
			rest = append(rest, a)
			continue
		}
		name, _, hasValue := strings.Cut(strings.TrimLeft(a, "-"), "=")
		f, to := findFlag(flags, name), &local
		if f == nil {
			if g := findFlag(app.Flags, name); g != nil {
				f, to = g, &global
			} else if len(path) == 0 {
				to = &global // --version, or a mistake that the library names
			}
		}
		*to = append(*to, a)
		if _, isBool := f.(*cli.BoolFlag); f != nil && !isBool && !hasValue && i+1 < len(args) {
			i++
			*to = append(*to, args[i])
		}
	}
	out := slices.Concat(args[:1], global, path, local)
	if slices.ContainsFunc(rest, func(a string) bool { return strings.HasPrefix(a, "-") }) {
		out = append(out, "--")
	}
	return append(out, rest...)
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}
