package integration

import (
	"sync/atomic"
	"testing"
	"time"

	"ardso/integration/dbtest"
)

// The program is killed in the midst of its work, and started again while its target is down, twice: it carries on, and
// once the target is back nothing is lost and nothing doubled. With nothing to do it waits, and ends when it is asked to.
func TestStartWhileTargetIsDown(t *testing.T) {
	t.Parallel()
	pairs := [][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}}
	if testing.Short() {
		pairs = pairs[:1]
	}
	for _, p := range pairs {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) {
			t.Parallel()
			dst := dbtest.Server(t, p[1])
			s := privateSite(t, p[0], dst)

			// Nobody has a copy of the target's forms yet.
			dst.Stop(t)
			run := s.start()
			run.says("nothing can be followed yet", 40*time.Second)
			run.stop()
			dst.Start(t)

			var stop atomic.Bool
			wait := s.load(&stop, 2)
			run = s.start()
			run.says("following the log", 40*time.Second)
			eventually(t, time.Minute, "changes arrive", func() bool { return len(s.table("dst", "SELECT id FROM account")) > 20 })
			run.kill()
			dst.Kill(t)
			waiting := func() int { return len(s.table("src", "SELECT id FROM dso_pending WHERE type = 'operation'")) }
			for range 2 {
				before := waiting()
				run = s.start()
				run.says("by its forms as they were", 40*time.Second)
				eventually(t, time.Minute, "changes are put aside", func() bool { return waiting() > before })
				run.kill()
			}
			run = s.start()
			run.says("following the log", 40*time.Second)
			dst.Start(t)
			run.says("server answers again", time.Minute)
			stop.Store(true)
			wait()
			run.says("nothing waits for it", time.Minute)
			run.stop()
			s.agrees()
		})
	}
}
