package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"ardso/mapping/definition"
)

func definitionsPath(c *cli.Context) string { return cmp.Or(c.String("definitions"), "ardso.yaml") }

// filesAt reads a file, or all *.yaml files of a folder, by name.
func (e *environment) filesAt(path string) ([]definition.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, &noDefinitionsError{Path: path, Err: err}
	}
	names := []string{path}
	if info.IsDir() {
		if names, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil {
			return nil, &noDefinitionsError{Path: path, Err: err}
		}
		if len(names) == 0 {
			return nil, &noDefinitionsError{Path: path, Err: errors.New("the folder holds no *.yaml file")}
		}
		slices.Sort(names)
	}
	files := make([]definition.File, len(names))
	for i, n := range names {
		text, err := e.readFile(n)
		if err != nil {
			return nil, &noDefinitionsError{Path: n, Err: err}
		}
		files[i] = definition.File{Name: n, Text: string(text)}
	}
	return files, nil
}

// secrets finds what definitions name in the environment and in files.
func (e *environment) secrets() definition.Secrets {
	return definition.Secrets{
		Env: e.getenv,
		File: func(path string) (string, error) {
			text, err := e.readFile(path)
			return string(text), err
		},
	}
}

// document reads the definitions and checks them as far as that goes without a database.
func (e *environment) document(c *cli.Context) (*definition.Document, error) {
	return e.documentAt(definitionsPath(c))
}

// documentAt reads definitions from files or folders.
func (e *environment) documentAt(paths ...string) (*definition.Document, error) {
	var files []definition.File
	for _, path := range paths {
		more, err := e.filesAt(path)
		if err != nil {
			return nil, err
		}
		files = append(files, more...)
	}
	return definition.Parse(files, e.secrets())
}

// noDefinitionsError is definitions that cannot be read at all.
type noDefinitionsError struct {
	Path string
	Err  error
}

func (e *noDefinitionsError) Error() string {
	cause := e.Err
	if pe, ok := errors.AsType[*fs.PathError](cause); ok {
		cause = pe.Err
	}
	return fmt.Sprintf("definitions %s: %s", e.Path, cause)
}

func (e *noDefinitionsError) Unwrap() error { return e.Err }
func (e *noDefinitionsError) Name() string  { return "definition.not_found" }

func (e *noDefinitionsError) Remedy() string {
	return "name the file or folder with --definitions or ARDSO_DEFINITIONS; `ardso demo --keep DIR` writes an example"
}
