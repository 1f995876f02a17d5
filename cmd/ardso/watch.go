package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// watchInterval is how often the files of the definitions are looked at. A change counts once it has stood for so
// long: who writes a file in several steps is not met halfway.
const watchInterval = 2 * time.Second

// watch tells when definitions may have changed: at SIGHUP, and when their files have.
type watch struct {
	path    string
	told    string // stamp of the files as they were told of last
	last    string // as they were looked at last
	changed chan struct{}
}

// newWatch begins before the definitions are read, so that no change falls between.
func newWatch(path string) *watch {
	s := stamp(path)
	return &watch{path: path, told: s, last: s, changed: make(chan struct{}, 1)}
}

// look reports whether a change is to be told of, the files being as stamped now.
func (w *watch) look(now string) bool {
	stands := now != w.told && now == w.last
	w.last = now
	if stands {
		w.told = now
	}
	return stands
}

// start watches until stop is called.
func (w *watch) start() (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-signals:
				w.told = stamp(w.path)
				w.last = w.told
				w.tell()
			case <-tick.C:
				if w.look(stamp(w.path)) {
					w.tell()
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}

// tell says so, unless it is still to be heard.
func (w *watch) tell() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// stamp names the files at a path, their sizes and times.
func stamp(path string) string {
	names := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		names, _ = filepath.Glob(filepath.Join(path, "*.yaml")) // the pattern is ours
	}
	var b strings.Builder
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil {
			fmt.Fprintf(&b, "%s: %v\n", name, err)
			continue
		}
		fmt.Fprintf(&b, "%s: %d bytes at %d\n", name, info.Size(), info.ModTime().UnixNano())
	}
	return b.String()
}
