package run_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ardso/sql/control"
)

// A rename that waits holds back what follows under the new Request ID, and takes it along (G3).
func TestParkedRenameHoldsItsFollowers(t *testing.T) {
	t.Parallel()
	for _, p := range atHand([][2]string{{"sqlite", "sqlite"}, {"postgres15", "sqlite"}, {"mariadb10.11", "sqlite"}, {"mysql5.6", "sqlite"}}...) {
		t.Run(p[0], func(t *testing.T) {
			t.Parallel()
			w := pair(t, p[0], p[1])
			w.exec("src", "INSERT INTO repair (id, summary) VALUES ('R1', 'desk')")
			w.settle()
			w.exec("dst", "UPDATE repair SET summary = 'edited here'")
			w.exec("src", "UPDATE repair SET id = 'R2'", "UPDATE repair SET summary = 'chair'", "UPDATE repair SET id = 'R3'")
			w.once()
			w.exec("src", "UPDATE repair SET status = 4")
			w.once()
			const all = "SELECT id, summary, status FROM repair"
			if diff := cmp.Diff([]string{"R1|edited here|<null>"}, rows(t, w.dbs["dst"], all)); diff != "" {
				t.Errorf("target while the rename waits (-want +got):\n%s", diff)
			}
			waiting := rows(t, w.dbs["dst"], "SELECT request, error FROM dso_pending_error ORDER BY request")
			if diff := cmp.Diff([]string{"R1|update_differs", "R2|request.behind_rename", "R3|request.behind_rename"}, waiting); diff != "" {
				t.Errorf("waiting operations (-want +got):\n%s", diff)
			}

			w.exec("dst", "UPDATE repair SET summary = 'desk'")
			list, err := control.ListErrors(t.Context(), w.dbs["dst"], control.ErrorFilter{Request: "R1"})
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			if err := control.SetErrorStatus(t.Context(), w.dbs["dst"], list[0].ID, control.ErrorRetry); err != nil {
				t.Fatal(err)
			}
			for range 3 { // a request a round
				w.once()
			}
			w.settle()
			if left := rows(t, w.dbs["dst"], "SELECT request, error, reason FROM dso_pending_error"); len(left) > 0 {
				t.Errorf("still waiting: %s", strings.Join(left, "\n"))
			}
		})
	}
}
