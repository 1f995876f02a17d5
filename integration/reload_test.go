package integration

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The running program takes changed definitions up at SIGHUP and when their file has changed, goes on by the old ones
// where they are bad, and loses and doubles nothing meanwhile; neither do kills in between.
func TestReload(t *testing.T) {
	t.Parallel()
	pairs := [][2]string{{"postgres15", "mariadb10.11"}, {"mariadb10.11", "postgres15"}, {"sqlite", "sqlite"}}
	if testing.Short() {
		pairs = pairs[:1]
	}
	for _, p := range pairs {
		t.Run(p[0]+" to "+p[1], func(t *testing.T) { reload(t, p[0], p[1]) })
	}
}

func reload(t *testing.T, from, to string) {
	t.Parallel()
	s := accountSite(t, from, to)
	good := s.text()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	wait := s.load(&stop, 2)
	run := s.start()
	run.says("following the log", 40*time.Second)
	took := func() int { return strings.Count(run.log.String(), "definitions taken up") }
	hup := func() {
		t.Helper()
		if err := run.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		before, followed := took(), strings.Count(run.log.String(), "following the log")
		write(strings.Replace(good, "threads: 3", fmt.Sprintf("threads: %d", 4+i), 1))
		if i != 1 { // else it sees by itself
			hup()
		}
		eventually(t, 30*time.Second, "definitions are taken up", func() bool { return took() > before })
		eventually(t, 30*time.Second, "they are followed", func() bool { return strings.Count(run.log.String(), "following the log") > followed })
	}
	before := took()
	write(good + "filter: []\n")
	hup()
	run.says(`unknown key \"filter\"`, 30*time.Second)
	run.says("going on with the definitions as they were", 30*time.Second)
	if took() != before {
		t.Errorf("bad definitions were taken up:\n%s", run.log)
	}
	s.exec("src", "INSERT INTO account VALUES (9999, 1, 'after the refusal')")
	eventually(t, 30*time.Second, "the old ones go on", func() bool { return len(s.table("dst", "SELECT id FROM account WHERE id = 9999")) == 1 })
	write(good)
	hup()
	eventually(t, 30*time.Second, "good ones are taken up again", func() bool { return took() > before })
	run.kill() // in the midst of it, perhaps
	stop.Store(true)
	wait()
	s.agrees()
}
