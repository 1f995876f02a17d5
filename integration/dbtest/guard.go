package dbtest

import (
	_ "embed"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
)

//go:embed guard.sh
var guardScript string

// watch is the guard of this process.
var watch guard

// guard is a small shell process that outlives this one by a moment. The kernel closes the pipe to it
// however this process ends (return, panic, time-out, SIGKILL), and then the guard kills the servers and
// deletes their folders.
type guard struct {
	mu    sync.Mutex
	cmd   *exec.Cmd
	input io.WriteCloser
}

func (g *guard) server(pid int) error      { return g.tell("server", pid) }
func (g *guard) container(id string) error { return g.tell("container", id) }

// gone takes the process ID or the container ID.
func (g *guard) gone(id any)              { _ = g.tell("gone", id) }
func (g *guard) folder(path string) error { return g.tell("folder", path) }
func (g *guard) removed(path string)      { _ = g.tell("removed", path) }

// tell starts the guard with the first message.
func (g *guard) tell(what string, arg any) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cmd == nil {
		cmd := exec.Command("/bin/sh", "-c", guardScript)
		input, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		// A session of its own: what ends the tests' process group must not end the guard. No output:
		// `go test` waits for everyone who holds its own.
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		cmd.Dir = "/"
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("start guard: %w", err)
		}
		g.cmd, g.input = cmd, input
	}
	_, err := fmt.Fprintln(g.input, what, arg)
	return err
}

// end lets the guard clean up what is left and waits for it.
func (g *guard) end() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.cmd == nil {
		return nil
	}
	_ = g.input.Close()
	err := g.cmd.Wait()
	g.cmd, g.input = nil, nil
	return err
}
