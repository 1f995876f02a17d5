package mapping

import (
	"strconv"
	"testing"

	"ardso/cdc"
	"ardso/mapping/ownership"
)

// What was told of the requests in a transaction stays until it is decided, however many they are.
func TestKnownUntilDecided(t *testing.T) {
	d := &Decider{owners: newOwners()}
	key := func(i int) ownership.Key { return ownership.Key{Form: "Repair", Request: strconv.Itoa(i)} }
	for i := range maxStates + 10 {
		if err := d.Know(key(i), `{"chain":"x","epoch":2,"owner":true}`, false); err != nil {
			t.Fatal(err)
		}
	}
	for i := range maxStates + 10 {
		if d.owners.state(key(i)) == nil {
			t.Fatalf("request %d of %d is forgotten", i, maxStates+10)
		}
	}
	d.Unknown(&cdc.Transaction{})
	if n := len(d.owners.states); n > 0 {
		t.Errorf("%d states are kept, for no transaction", n)
	}
}
