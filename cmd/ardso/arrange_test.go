package main

import (
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestArrange(t *testing.T) {
	t.Parallel()
	app := (&environment{out: io.Discard, err: io.Discard}).app()
	tests := []struct{ name, args, want string }{
		{"as the library wants it", "ardso --json init --dry-run chicago", "ardso --json init --dry-run chicago"},
		{"flags last", "ardso init chicago --dry-run --json", "ardso --json init --dry-run chicago"},
		{"with values", "ardso transfer -m a -d x.yaml --where b", "ardso -d x.yaml transfer -m a --where b"},
		{"with equals", "ardso transfer --mapping=a -d=x.yaml", "ardso -d=x.yaml transfer --mapping=a"},
		{"subcommand", "ardso errors --server a list --json", "ardso --json errors list --server a"},
		{"argument that is a command's name elsewhere", "ardso errors show list -s a", "ardso errors show -s a list"},
		{"unknown flag", "ardso status --nosuch x", "ardso status --nosuch x"},
		{"unknown global flag", "ardso --nosuch", "ardso --nosuch"},
		{"unknown command", "ardso statsu --json", "ardso --json statsu"},
		{"end of flags", "ardso init -- --dry-run", "ardso init -- --dry-run"},
		{"completion", "ardso errors --generate-bash-completion", "ardso errors --generate-bash-completion"},
		{"value is missing", "ardso transfer --mapping", "ardso transfer --mapping"},
		{"nothing", "ardso", "ardso"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(arrange(app, strings.Fields(test.args)), " ")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.args, diff)
			}
		})
	}
}
