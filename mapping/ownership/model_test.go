package ownership_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"ardso/mapping/ownership"
)

// The model explores the protocol of docs/ownership.md: some servers, one request, and on each server the
// request's row, its row of dso_owner, the log and the checkpoints of its threads. Users edit, hand over, take back
// and delete; ardso reads, applies, writes back, sends deferred updates and is killed; in every order that the
// bounds allow. All that ardso decides in it is asked of package ownership. A step is one transaction, or
// one thing that a process forgets:
//
//	edit0@1        a user of server 1 sets field 0 to a fresh value; undo0@1: back to its first value
//	give2@1        a user of 1 transfers the request to 2 with ownership; return2@1: gives it back to 2
//	edit0+give2@1  an edit on which a filter transfers, as one change
//	delete@1       a user of 1 deletes the request
//	apply2@1       server 2's thread carries out the next operation that 1's log has for it; 1's own: what is
//	               to be deferred, the tombstone of a delete
//	fail2@1        the same, but the hand-over in it fails
//	writeback@1    the outcome of a hand-over is written back to 1
//	release2@1     the deferred update from 1 to 2 becomes due
//	durable4@1     dso_reader of 1 moves to position 4
//	crash@1        the process that reads 1 starts again from there
//
// Reading is no step: what is decided follows from the log alone, and every delay of reading is one of applying.
// Each pair of source and target has a thread of its own. A hand-over's write-back may come
// before or after what follows the hand-over.
//
// In every state, two copies own the request only while a hand-over of the lower one is open. Where ardso
// has nothing left to do, see run.atRest.

// full explores further than every run of the tests can afford: it takes five minutes and 2.2 GiB.
var full = os.Getenv("ARDSO_MODEL") == "full"

// bounds is what TestProtocol explores. states is how many there are, for those who weigh bounds.
var bounds = []struct {
	name   string
	c      config
	states int
	when   string // short: also with -short; full: with ARDSO_MODEL=full
}{
	{"own fields", config{servers: 2, edits: 2, handOvers: 2, crashes: 1}, 11_913, "short"},
	{"own fields", config{servers: 3, edits: 2, handOvers: 3}, 207_091, ""},
	{"own fields", config{servers: 3, edits: 1, handOvers: 3, crashes: 1}, 134_897, ""},
	{"own fields", config{servers: 3, edits: 1, handOvers: 4}, 164_854, ""},
	{"own fields", config{servers: 4, edits: 1, handOvers: 3}, 32_090, "short"},
	{"own fields", config{servers: 4, edits: 1, handOvers: 3, crashes: 1}, 460_637, "full"},
	{"own fields", config{servers: 3, edits: 2, handOvers: 4}, 5_616_577, "full"},
	{"own fields", config{servers: 3, edits: 1, handOvers: 5}, 2_319_432, "full"},
	{"own fields", config{servers: 3, edits: 1, handOvers: 4, crashes: 1}, 2_970_181, "full"},

	{"one field", config{servers: 2, edits: 2, handOvers: 2, crashes: 1, fields: 1}, 10_881, "short"},
	{"one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1}, 172_413, ""},
	{"one field", config{servers: 3, edits: 3, handOvers: 2, fields: 1}, 47_216, "short"},
	{"two fields", config{servers: 2, edits: 3, handOvers: 2, crashes: 1, fields: 2}, 602_682, ""},
	{"one field", config{servers: 2, edits: 3, handOvers: 3, crashes: 1, fields: 1}, 1_293_071, "full"},
	{"one field", config{servers: 3, edits: 3, handOvers: 3, fields: 1}, 2_929_522, "full"},
	{"one field", config{servers: 3, edits: 2, handOvers: 4, fields: 1}, 4_390_327, "full"},
	{"one field", config{servers: 4, edits: 2, handOvers: 3, fields: 1}, 591_279, "full"},

	{"filters", config{servers: 3, edits: 2, handOvers: 2, onEdit: true}, 7_917, "short"},
	{"filters, one field", config{servers: 2, edits: 2, handOvers: 3, crashes: 1, fields: 1, onEdit: true}, 216_547, ""},
	{"filters, failure", config{servers: 3, edits: 2, handOvers: 3, fails: 1, onEdit: true}, 504_199, "full"},

	{"failure", config{servers: 2, edits: 1, handOvers: 2, crashes: 1, fails: 1}, 2_255, "short"},
	{"failure", config{servers: 2, edits: 2, handOvers: 3, crashes: 1, fails: 1}, 353_153, "full"},
	{"failure, one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1, fails: 1}, 309_873, ""},
	{"failures", config{servers: 3, edits: 1, handOvers: 3, fails: 2}, 23_384, "short"},

	{"deletes", config{servers: 3, edits: 2, handOvers: 2, removes: 1}, 93_143, ""},
	{"deletes, one field", config{servers: 2, edits: 2, handOvers: 3, fields: 1, removes: 1}, 166_745, ""},
	{"two deletes", config{servers: 2, edits: 2, handOvers: 2, removes: 2}, 57_084, "short"},
	{"deletes, failure", config{servers: 2, edits: 2, handOvers: 2, crashes: 1, fields: 1, fails: 1, removes: 1}, 175_512, ""},
	{"deletes, failure", config{servers: 3, edits: 2, handOvers: 2, fields: 1, onEdit: true, fails: 1, removes: 1}, 156_101, "full"},
	{"deletes", config{servers: 3, edits: 2, handOvers: 3, removes: 1}, 5_529_085, "full"},
	{"deletes, one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1, removes: 1}, 4_220_527, "full"},

	{"deferred", config{servers: 3, edits: 1, handOvers: 3, updates: all(deferred)}, 20_812, ""},
	{"deferred, one field", config{servers: 2, edits: 3, handOvers: 2, fields: 1, updates: all(deferred)}, 33_763, "short"},
	{"deferred, one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1, updates: all(deferred)}, 1_045_245, "full"},
	{"deferred", config{servers: 3, edits: 1, handOvers: 3, crashes: 1, updates: all(deferred)}, 318_413, "full"},
	{"deferred, deletes, failure", config{servers: 3, edits: 2, handOvers: 2, fails: 1, removes: 1, updates: all(deferred)}, 591_715, "full"},
	{"on return", config{servers: 3, edits: 2, handOvers: 3, updates: all(onReturn)}, 70_001, ""},
	{"on return, one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1, updates: all(onReturn)}, 61_117, "short"},
	{"mixed, one field", config{servers: 3, edits: 2, handOvers: 3, fields: 1, updates: mixed}, 242_347, ""},
	{"mixed, failure", config{servers: 3, edits: 2, handOvers: 3, fails: 1, updates: mixed}, 562_908, "full"},
}

func all(u updates) [maxServers]updates { return [maxServers]updates{u, u, u, u} }

var mixed = [maxServers]updates{immediately, deferred, onReturn}

func TestProtocol(t *testing.T) {
	for _, tt := range bounds {
		if testing.Short() && tt.when != "short" || tt.when == "full" && !full {
			continue
		}
		c := tt.c
		t.Run(fmt.Sprintf("%s/%d-%d-%d-%d", strings.ReplaceAll(tt.name, ", ", "-"), c.servers, c.edits, c.handOvers, c.crashes), func(t *testing.T) {
			r := newRun(c)
			if err := r.explore(); err != nil {
				t.Fatal(err)
			}
			if len(r.states) != tt.states {
				t.Errorf("%d states; the table says %d", len(r.states), tt.states)
			}
		})
	}
}

// TestWalks follows single schedules at random, far beyond what can be explored. Each walk has threads and
// users that are slower than others by orders of magnitude.
func TestWalks(t *testing.T) {
	walks := 2000
	if testing.Short() {
		walks = 100
	} else if full {
		walks = 20_000
	}
	tests := []struct {
		name string
		c    config
	}{
		{"own fields", config{servers: 4, edits: 4, handOvers: 7, crashes: 2}},
		{"one field", config{servers: 3, edits: 8, handOvers: 7, fields: 1}},
		{"two fields", config{servers: 4, edits: 8, handOvers: 7, crashes: 2, fields: 2, onEdit: true}},
		{"failures", config{servers: 4, edits: 8, handOvers: 7, crashes: 1, fields: 2, fails: 2}},
		{"deletes", config{servers: 4, edits: 8, handOvers: 7, crashes: 1, fields: 2, fails: 1, removes: 2}},
		{"deferred", config{servers: 4, edits: 8, handOvers: 7, crashes: 1, fields: 2, updates: all(deferred)}},
		{"on return", config{servers: 4, edits: 8, handOvers: 6, crashes: 1, fields: 2, updates: all(onReturn)}},
		{"mixed", config{servers: 4, edits: 8, handOvers: 6, crashes: 1, fields: 3, fails: 2, onEdit: true, updates: mixed}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w *world
			for n := range walks {
				if n%200 == 0 {
					w = newWorld(tt.c) // what it has interned only grows
				}
				if err := walk(w, rand.New(rand.NewPCG(uint64(n), 1))); err != nil {
					t.Fatalf("walk %d: %s", n, err)
				}
			}
		})
	}
}

func walk(w *world, random *rand.Rand) error {
	type next struct {
		step
		state
		weight float64
	}
	s := w.start()
	weights := make(map[step]float64)
	weight := func(l step) float64 {
		l.field, l.position = 0, 0
		if weights[l] == 0 {
			weights[l] = math.Pow(random.Float64(), 4)
		}
		return weights[l]
	}
	var schedule []string
	for {
		var all []next
		works, sum := false, 0.0
		w.steps(&s, func(l step, t state) {
			works = works || l.isWork()
			all = append(all, next{l, t, weight(l)})
			sum += weight(l)
		})
		wrong := w.always(&s)
		if wrong == "" && !works {
			wrong = w.atRest(&s)
		}
		if wrong != "" {
			return fmt.Errorf("%s\n  %s", wrong, strings.Join(schedule, " "))
		}
		if len(all) == 0 {
			return nil
		}
		at, n := random.Float64()*sum, 0
		for ; n < len(all)-1 && at >= all[n].weight; n++ {
			at -= all[n].weight
		}
		schedule = append(schedule, all[n].step.String())
		s = all[n].state
	}
}

// TestRulesAreNeeded leaves single rules out. The log shows the shortest schedule that then goes wrong.
func TestRulesAreNeeded(t *testing.T) {
	two := config{servers: 2, edits: 2, handOvers: 2, crashes: 1}
	three := config{servers: 3, edits: 1, handOvers: 2}
	tests := []struct {
		name  string
		c     config
		rules ownership.Rules
		wrong string
	}{
		{"2: a write-back names its epoch", two, ownership.Rules{NoEpoch: true}, "nobody owns the request"},
		{"3: a hand-over stays open", two, ownership.Rules{NoOpen: true}, "is lost"},
		{"4: forwards", two, ownership.Rules{NoForward: true}, "is lost"},
		{"5: updates also while a hand-over is open", three, ownership.Rules{NoBoth: true}, "the copy on 0 holds"},
		{"5: onward to the copy that was given ownership", three, ownership.Rules{NoOnward: true}, "is lost"},
		{"6: fields, not images", two, ownership.Rules{NoFields: true}, "is lost"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.c.rules = tt.rules
			wantWrong(t, newRun(tt.c).explore(), tt.wrong)
		})
	}
}

func wantWrong(t *testing.T, err error, wrong string) {
	t.Helper()
	if err == nil {
		t.Fatal("nothing goes wrong")
	}
	t.Log(err)
	if !strings.Contains(err.Error(), wrong) {
		t.Errorf("want %q", wrong)
	}
}

// TestDesignsThatFail shows designs that look right and are simpler than what is done: each goes wrong by this
// schedule, the shortest, and what is done does not.
func TestDesignsThatFail(t *testing.T) {
	tests := []struct {
		name     string
		c        config
		flaws    flaws
		schedule string
		wrong    string
	}{
		{
			// Down to a copy that has owned the request since comes an update that is older than its own edit.
			name: "the way that a change comes decides who wins", flaws: flaws{wayDecides: true},
			c:        config{servers: 2, edits: 2, handOvers: 2, fields: 1},
			schedule: "give1@0 edit0@0 apply1@0 writeback@0 give0@1 edit0@1 apply1@0 apply0@1 apply0@1 writeback@1",
			wrong:    "the copy on 1 holds [2], the owner's on 0 [1]",
		},
		{
			// 0 edits over the update; what it is offered then is older, and dso_owner does not tell.
			name: "an update leaves the version in dso_owner as it is", flaws: flaws{updatesUndated: true},
			c:        config{servers: 2, edits: 2, handOvers: 2, fields: 1},
			schedule: "give1@0 apply1@0 edit0@1 give0@1 apply0@1 edit0@0 apply1@0 writeback@0 apply0@1 writeback@1",
			wrong:    "edit 2 by an owner is lost",
		},
		{
			// The edit reaches 1 after 2 gave the request back. It is of epoch 1, as is what 2 still holds.
			name: "only epochs order the values of a field", flaws: flaws{unordered: true},
			c: config{servers: 3, edits: 1, handOvers: 4},
			schedule: "give1@0 edit0@0 apply1@0 writeback@0 give2@1 apply2@1 writeback@1 return1@2 apply1@2 apply1@0 " +
				"give2@1 apply2@1 writeback@1 writeback@2",
			wrong: "edit 1 by an owner is lost",
		},
		{
			// Edit 3 is made over edit 1; edit 2 is made over it too, by the higher epoch, and then meets 3.
			name: "an edit over a later owner's value is of the editor's epoch", flaws: flaws{turnless: true},
			c:        config{servers: 3, edits: 3, handOvers: 2, fields: 1},
			schedule: "give1@0 apply1@0 edit0@1 edit0@1 apply0@1 edit0@0 apply1@0 writeback@0 apply0@1",
			wrong:    "the copy on 0 holds [3], the owner's on 1 [2]",
		},
		{
			// 2 hands edit 1 back to 1, which must send it on to 0: 2 sent no update.
			name: "what a hand-over changes in a copy rests there", flaws: flaws{ownedRests: true},
			c:        config{servers: 3, edits: 2, handOvers: 3, fields: 1, updates: mixed},
			schedule: "give1@0 apply1@0 writeback@0 give2@1 apply2@1 writeback@1 edit0@2 return1@2 apply1@2 writeback@2",
			wrong:    "the copy on 0 holds [0], the owner's on 1 [1]",
		},
		{
			// 0 is where 1's updates go, too: the edit was forwarded to it instead.
			name: "what follows a failed hand-over is void", flaws: flaws{voidForwards: true},
			c:        config{servers: 2, edits: 2, handOvers: 2, fails: 1},
			schedule: "give1@0 apply1@0 writeback@0 give0@1 edit0@1 fail0@1 apply0@1 writeback@1",
			wrong:    "the copy on 0 holds [0 0], the owner's on 1 [1 0]",
		},
		{
			// Edit 2 was made over edit 1, which then takes the new epoch and wins.
			name: "a failed hand-over dates the owner's edits anew", flaws: flaws{failureRedates: true},
			c:        config{servers: 2, edits: 2, handOvers: 3, fields: 1, fails: 1},
			schedule: "give1@0 apply1@0 edit0@1 give0@1 apply0@1 edit0@0 writeback@0 fail0@1 writeback@1 give0@1 apply1@0 apply0@1 writeback@1",
			wrong:    "edit 2 by an owner is lost",
		},
		{
			// After the crash the first one's failure is told again, and closes the second.
			name: "any write-back closes, and a failed hand-over leaves the giver's epoch as it is", flaws: flaws{failureKeeps: true},
			c:        config{servers: 2, edits: 1, handOvers: 2, crashes: 1, fails: 1},
			schedule: "give1@0 fail1@0 writeback@0 give1@0 crash@0 writeback@0 apply1@0",
			wrong:    "owns the request under epoch 1, another under 2, and no hand-over is open",
		},
		{
			// The write-back closes the hand-over while the forward of the edit, which was made while it was
			// open, is under way. Read again from between the two, the edit would not be forwarded.
			name: "the durable position passes what an open hand-over made, once it is closed", flaws: flaws{closedForgets: true},
			c:        config{servers: 2, edits: 1, handOvers: 1, crashes: 1},
			schedule: "give1@0 edit0@0 apply1@0 writeback@0 durable1@0 crash@0",
			wrong:    "edit 1 by an owner is lost",
		},
		{
			// The delete is carried out on 1 while 1's hand-over to 2 is open, and must go on to 2.
			name: "a delete that closes a hand-over finds it closed", flaws: flaws{closesFirst: true},
			c:        config{servers: 3, edits: 2, handOvers: 2, removes: 1},
			schedule: "give1@0 delete@0 apply0@0 apply1@0 writeback@0 give2@1 apply1@0 apply2@1 writeback@1",
			wrong:    "a delete had no effect and no conflict is recorded",
		},
		{
			// Edit 1, made on 0 before the delete, is on its way to 1 and does not come back to 0.
			name: "a copy that its owner deleted takes ownership", flaws: flaws{deletedTakes: true},
			c:        config{servers: 2, edits: 2, handOvers: 2, removes: 1},
			schedule: "give1@0 edit0@0 delete@0 apply0@0 apply1@0 writeback@0 edit1@1 give0@1 apply1@0 apply1@0 apply0@1 apply0@1 writeback@1",
			wrong:    "the copy on 1 holds [1 2], the owner's on 0 [0 2]",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := replay(tt.c, tt.schedule, false); err != nil {
				t.Errorf("as it is done: %s", err)
			}
			tt.c.flaws = tt.flaws
			wantWrong(t, replay(tt.c, tt.schedule, true), tt.wrong)
		})
	}
}

// TestNotCovered holds what docs/ownership.md says is not covered, so that it is not forgotten there.
func TestNotCovered(t *testing.T) {
	c := config{servers: 2, edits: 3, handOvers: 2, fields: 1, undo: true}
	err := replay(c, "give1@0 edit0@0 apply1@0 writeback@0 edit0@1 undo0@1 apply1@0 apply0@1 apply0@1", true)
	wantWrong(t, err, "the copy on 0 holds [0], the owner's on 1 [1]")
}
