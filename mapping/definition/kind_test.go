package definition

import (
	"strings"
	"testing"

	"ardso/sql/schema"
)

// A distributed field that overrules an option has the option's numbers and words, so that a value
// read from a request means what the document's word does.
func TestOptionsAreTheDistributedFields(t *testing.T) {
	t.Parallel()
	for id, words := range map[int][]string{
		schema.WhenToUpdate:             updateTimes,
		schema.TransferMode:             transferModes,
		schema.DuplicateRequestIDAction: duplicateActions,
	} {
		f, _ := schema.DistributedFieldByID(id)
		if len(f.Values) != len(words) {
			t.Fatalf("%s has %d labels, the option %d words", f.Name, len(f.Values), len(words))
		}
		for i, word := range words {
			if v := f.Values[i]; v.ID != int64(i) || !strings.EqualFold(v.Label, word) {
				t.Errorf("%s %d is %q, the option %q", f.Name, v.ID, v.Label, word)
			}
		}
	}
}
