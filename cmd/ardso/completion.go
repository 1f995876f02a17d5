package main

import (
	"embed"
	"fmt"

	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
)

//go:embed completion/*
var completionFiles embed.FS

func (e *environment) completion() *cli.Command {
	return &cli.Command{
		Name:        "completion",
		Usage:       "print the completion script for a shell",
		ArgsUsage:   "bash|zsh|fish",
		Description: "Example:\n  source <(ardso completion bash)",
		Action: func(c *cli.Context) error {
			text, err := completionScript(c)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(e.out, text)
			return err
		},
	}
}

func completionScript(c *cli.Context) (string, error) {
	shell := c.Args().First()
	if c.NArg() != 1 {
		return "", &report.UsageError{Reason: "completion needs the name of a shell", Fix: "write `ardso completion bash`, zsh or fish"}
	}
	if shell == "fish" {
		return c.App.ToFishCompletion()
	}
	text, err := completionFiles.ReadFile("completion/ardso." + shell)
	if err != nil {
		return "", &report.UsageError{Reason: fmt.Sprintf("no completion for shell %q", shell), Fix: "there is bash, zsh and fish"}
	}
	return string(text), nil
}
