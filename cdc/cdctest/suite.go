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

// cases are the promises of cdc.Reader, one by one.
var cases = []struct {
	name string
	run  func(*bench)
}{
	{"values are those of a SELECT", valuesAsSelected},
	{"images by identity", imagesByIdentity},
	{"large value unchanged", largeValueUnchanged},
	{"key change", keyChange},
	{"truncate", truncate},
	{"column added", columnAdded},

	{"order within and between transactions", order},
	{"interleaved transactions", interleaved},
	{"rollback is invisible", rollback},
	{"large transaction in parts", parts},
	{"marks", marks},
	{"watermarks", watermarks},

	{"resume after each transaction", resume},
	{"positions are ordered", positions},
	{"position lost", positionLost},
	{"not a position", notAPosition},
	{"confirm lets the log go", confirm},
	{"idle log moves on", idle},

	{"slow receiver", slowReceiver},
	{"receiver's error", receiverError},
	{"cancel while idle", cancelIdle},
	{"cancel while delivering", cancelDelivering},
}
