// Command ardso keeps requests synchronized between AR System databases by change data capture.
//
// Each command is a file of its own: it turns flags into a call of package run and shows what comes
// back with package report. `ardso help` lists them.
package main

import (
	"context"
	"os"
)

func main() {
	e := &environment{
		out: os.Stdout, err: os.Stderr,
		getenv: os.LookupEnv, readFile: os.ReadFile,
		terminal: isTerminal(os.Stderr), width: terminalWidth(os.Stdout),
	}
	os.Exit(e.main(context.Background(), os.Args))
}
