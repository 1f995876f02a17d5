package run_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/cmd/internal/run"
	"ardso/sql/engine"
)

// faults are the findings of a verification, as server, request and name, and the remedies as pasted.
func (o *owned) faults(v run.VerifyOptions) (found, remedies []string, sum run.VerifySummary) {
	o.t.Helper()
	if v.Patience == 0 {
		v.Patience = time.Millisecond
	}
	sum, err := run.VerifyOwnership(o.t.Context(), o.connect(), v, func(f run.OwnershipFinding) error {
		found = append(found, fmt.Sprintf("%s %s %s", f.Server, f.Request, f.Name))
		remedies = append(remedies, f.Remedy)
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	slices.Sort(found)
	return found, remedies, sum
}

// handedOver makes requests R1…Rn, which a gives to b.
func (o *owned) handedOver(n int) {
	o.t.Helper()
	o.open()
	o.exec("a", "INSERT INTO repair (id, summary, notes, status) SELECT "+requestOf(o.dbs["a"])+", 'broken', 'n', 1 FROM "+numbers(o.dbs["a"], n))
	o.rest()
}

// Each fault is found, with the copy that its remedy is about, and nothing else.
func TestVerifyOwnership(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11"}, {"sqlite", "postgres15"}}) {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, engines, handOverDefinitions)
			o.handedOver(12)
			found, _, sum := o.faults(run.VerifyOptions{})
			if len(found) > 0 || sum.Chains != 12 {
				t.Fatalf("of %d requests found %v, want 12 and nothing", sum.Chains, found)
			}
			o.exec("a",
				"UPDATE repair SET dso_master_flag = 1 WHERE id IN ('R1', 'R2')",
				"UPDATE dso_owner SET owner = 1 WHERE request = 'R1'",
				"UPDATE dso_owner SET epoch = 9 WHERE request = 'R4'",
				"UPDATE dso_owner SET to_request = 'gone' WHERE request = 'R5'",
				"DELETE FROM repair WHERE id = 'R6'",
				"DELETE FROM repair WHERE id = 'R9'", "DELETE FROM dso_owner WHERE request IN ('R8', 'R9')")
			o.exec("b",
				"UPDATE dso_owner SET epoch = 5 WHERE request = 'R1'",
				"UPDATE repair SET dso_master_flag = 0 WHERE id = 'R3'",
				"UPDATE dso_owner SET owner = 0 WHERE request = 'R3'",
				"UPDATE dso_owner SET from_server = 'nowhere' WHERE request = 'R7'",
				"DELETE FROM repair WHERE id = 'R10'")
			found, remedies, _ := o.faults(run.VerifyOptions{})
			want := []string{
				"a R10 ownership.none", "a R10 ownership.to_missing",
				"a R2 ownership.flag_differs", "a R5 ownership.to_missing",
				"b R1 ownership.several", "b R2 ownership.open", "b R4 ownership.epoch",
				"b R6 ownership.from_missing", "b R7 ownership.from_missing", "b R9 ownership.from_missing",
			}
			for _, s := range []string{"a", "b"} {
				want = append(want, s+" R3 ownership.none")
			}
			got := slices.DeleteFunc(slices.Clone(found), func(s string) bool { return strings.HasSuffix(s, "R3 ownership.none") })
			if diff := cmp.Diff(want[:len(want)-2], got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(found)-len(got) != 1 {
				t.Errorf("R3 has no owner, found %v", found)
			}
			if !slices.ContainsFunc(remedies, func(r string) bool {
				return strings.Contains(r, "`ardso owner set R1 --server b --form Repair --master yes`")
			}) {
				t.Errorf("remedies %q", remedies)
			}
			// What the remedies say puts it right.
			o.change("b", "R1", master(true), -1)
			o.change("b", "R3", master(true), -1)
			o.change("b", "R4", master(true), -1)
			o.change("a", "R2", master(false), -1)
			o.change("a", "R5", run.OwnerChange{ClearTo: true}, -1)
			o.change("b", "R6", run.OwnerChange{ClearFrom: true}, -1)
			o.change("b", "R7", run.OwnerChange{ClearFrom: true}, -1)
			o.change("b", "R9", run.OwnerChange{ClearFrom: true}, -1)
			o.change("a", "R10", master(true), -1)
			if found, _, _ := o.faults(run.VerifyOptions{}); len(found) > 0 {
				t.Errorf("after the repairs: %v", found)
			}
		})
	}
}

// Requests are selected by form and server.
func TestVerifyOwnershipOf(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite", "sqlite"}, handOverDefinitions)
	o.handedOver(2)
	o.exec("a", "UPDATE dso_owner SET owner = 1, epoch = 7")
	for _, test := range []struct {
		v run.VerifyOptions
		n int
	}{
		{run.VerifyOptions{}, 2},
		{run.VerifyOptions{Server: "a"}, 2},
		{run.VerifyOptions{Server: "c"}, 0},
		{run.VerifyOptions{Form: "Repair", Server: "b"}, 2},
		{run.VerifyOptions{Form: "Other"}, 0},
	} {
		if _, _, sum := o.faults(test.v); sum.Chains != test.n {
			t.Errorf("%+v: looked at %d requests, want %d", test.v, sum.Chains, test.n)
		}
	}
	if err := run.KnowsForm(t.Context(), o.connect(), "", "Repiar"); name(err) != "catalog.unknown_form" {
		t.Errorf("got %v", err)
	}
}

// An owner may be on a server that does not answer; the others are verified, and the error tells.
func TestVerifyOwnershipUnreachable(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite"}, handOverDefinitions)
	o.handedOver(3)
	all := o.connect()
	all[1].Err = errors.New("nobody answers")
	n := 0
	sum, err := run.VerifyOwnership(t.Context(), all, run.VerifyOptions{Patience: time.Millisecond}, func(run.OwnershipFinding) error { n++; return nil })
	if err == nil || n > 0 || sum.Chains != 3 {
		t.Errorf("got %v, %d findings of %d requests, want the error, none of 3", err, n, sum.Chains)
	}
}

// Hand-overs under way are no faults, however many there are.
func TestVerifyOwnershipWhileRunning(t *testing.T) {
	t.Parallel()
	for _, engines := range inShort([][]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "sqlite"}}) {
		t.Run(strings.Join(engines, " to "), func(t *testing.T) {
			t.Parallel()
			o := newOwned(t, engines, handOverDefinitions)
			o.handedOver(40)
			stop := o.follow()
			defer stop()
			done := make(chan error, 1)
			enough := make(chan struct{})
			go func() { // each request goes there and back all the time
				for i := 0; ; i++ {
					id := fmt.Sprint("R", 1+i%40)
					for server, status := range map[string]int{"b": 2, "a": 1} {
						q := fmt.Sprintf("UPDATE repair SET status = %d WHERE id = '%s' AND dso_master_flag = 1", status, id)
						if err := patiently(o.dbs[server], q); err != nil {
							done <- err
							return
						}
					}
					select {
					case <-enough:
						done <- nil
						return
					default:
					}
				}
			}()
			for range 3 {
				if found, _, sum := o.faults(run.VerifyOptions{Patience: 2 * time.Second}); len(found) > 0 || sum.Chains != 40 {
					t.Errorf("of %d requests found %v", sum.Chains, found)
				}
			}
			close(enough)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			stop()
			o.rest()
			if found, _, _ := o.faults(run.VerifyOptions{}); len(found) > 0 {
				t.Errorf("at rest: %v", found)
			}
		})
	}
}

// Findings as JSON.
func TestVerifyOwnershipJSON(t *testing.T) {
	t.Parallel()
	o := newOwned(t, []string{"sqlite", "sqlite"}, handOverDefinitions)
	o.handedOver(2)
	o.exec("a", "UPDATE dso_owner SET owner = 1, epoch = 7 WHERE request = 'R1'", "UPDATE repair SET dso_master_flag = 1 WHERE id = 'R1'")
	var all []run.OwnershipFinding
	_, err := run.VerifyOwnership(t.Context(), o.connect(), run.VerifyOptions{Patience: time.Millisecond}, func(f run.OwnershipFinding) error {
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "verify.json", all)
}

// requestOf makes a Request ID of column i.
func requestOf(db *engine.DB) string {
	if db.Engine.Dialect == "mysql" {
		return "CONCAT('R', i)"
	}
	return "'R' || i"
}
