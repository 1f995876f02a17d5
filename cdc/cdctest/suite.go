package cdctest

import "testing"

// Run passes the reader that newSource provides through the suite. Each case is a parallel subtest
// with a Source of its own.
func Run(t *testing.T, newSource func(t *testing.T) Source) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(&bench{T: t, Source: newSource(t)})
		})
	}
}

// suiteCase is one promise of cdc.Reader.
type suiteCase struct {
	name string
	run  func(*bench)
}

// bench is what a case works with.
type bench struct {
	*testing.T
	Source
}

var cases []suiteCase
