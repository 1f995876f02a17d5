package run

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"ardso/sql/control"
)

// holder names this run among all that may want a lease: host, process namespace, process, and an ID
// that tells two runs of one process apart, joined by slashes.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	id := control.NewID()
	return fmt.Sprintf("%s/%s/%d/%s", host, namespace(), os.Getpid(), id[max(0, len(id)-8):])
}

// namespace tells process numbers of this machine from those of containers that share its name; ""
// where the system does not say.
func namespace() string {
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.Trim(strings.TrimPrefix(ns, "pid:"), "[]")
}

// isDead reports whether the process that a lease names has certainly ended: it ran on this machine
// and is no longer there. Its lease need not be waited for; the epoch fences it in any case.
func isDead(name string) bool {
	parts := strings.Split(name, "/")
	host, err := os.Hostname()
	if err != nil || len(parts) != 4 || parts[0] != host || parts[1] == "" || parts[1] != namespace() {
		return false
	}
	pid, err := strconv.Atoi(parts[2])
	if err != nil || pid <= 0 {
		return false
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
