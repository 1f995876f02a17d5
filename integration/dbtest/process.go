package dbtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// zone is the servers' time zone, in the POSIX form that needs no zone files. It is not UTC on purpose.
const zone = "<-0330>+3:30"

// binaries says where a server is installed.
type binaries struct {
	server  []string // the server's program, behind its loader where it brings its own libraries
	initdb  string   // PostgreSQL only
	share   string   // MySQL family: messages, character sets, SQL of the system tables
	plugins string   // MySQL family; "" = as compiled in
	libs    string   // a folder of libraries to add; "" = none
}

// process is a server run from local binaries. Not safe for concurrent use.
type process struct {
	kind     *kind
	binaries binaries
	options  []string

	home   string // its folder: data, log, socket
	port   int
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd has ended; failed is set before
	failed error
}

var _ runner = (*process)(nil)

func (p *process) data() string    { return filepath.Join(p.home, "data") }
func (p *process) temp() string    { return filepath.Join(p.home, "tmp") }
func (p *process) logFile() string { return filepath.Join(p.home, "log") }

func (p *process) start(ctx context.Context) (string, error) {
	if p.home == "" {
		if err := p.create(ctx); err != nil {
			return "", err
		}
	}
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port))
	line := p.kind.family.command(p)
	cmd := p.run(line)
	log, err := os.OpenFile(p.logFile(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start %s: %w", line[0], err)
	}
	if err := watch.server(cmd.Process.Pid); err != nil {
		_ = cmd.Process.Kill()
		return "", err
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		p.failed = fmt.Errorf("the server has ended: %s", cmd.ProcessState)
		watch.gone(cmd.Process.Pid)
		close(exited)
	}()
	return addr, nil
}

// create makes the server's folder and chooses its port.
func (p *process) create(ctx context.Context) (err error) {
	if p.home, err = os.MkdirTemp(place(), "ardso-"+p.kind.name+"-"); err != nil {
		return err
	}
	if err := watch.folder(p.home); err != nil {
		return err
	}
	// The server's own account must reach its folder; MkdirTemp lets only us in.
	if err := os.Chmod(p.home, 0o755); err != nil {
		return err
	}
	for _, f := range []string{p.data(), p.temp()} {
		if err := os.Mkdir(f, 0o700); err != nil {
			return err
		}
	}
	if c := p.credential(); c != nil {
		for _, f := range []string{p.home, p.data(), p.temp()} {
			if err := os.Chown(f, int(c.Uid), int(c.Gid)); err != nil {
				return err
			}
		}
	}
	if p.port, err = freePort(); err != nil {
		return err
	}
	if err := p.kind.family.prepare(ctx, p); err != nil {
		return fmt.Errorf("prepare %s: %w", p.kind.name, err)
	}
	return nil
}

// memory is where Linux keeps files in memory.
const memory = "/dev/shm"

// place is the folder that servers' folders are made in; "" is the one for temporary files. Servers that
// need not wait for the disk need no disk either: in memory a PostgreSQL makes a database in a tenth of the
// time. Memory that has little room is left alone, such as a container's.
func place() string {
	var fs syscall.Statfs_t
	if os.Getenv("ARDSO_TEST_FSYNC") != "off" || syscall.Statfs(memory, &fs) != nil {
		return ""
	}
	if free := fs.Bavail * uint64(fs.Bsize); free < 4<<30 {
		return ""
	}
	return memory
}

// freePort chooses a port, outside the range that the kernel gives to clients, so that no outgoing
// connection takes it while a server is down between Stop and Start.
func freePort() (int, error) {
	var err error
	for range 200 {
		port := 10000 + rand.IntN(20000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no free port: %w", err)
}

// run builds a command that runs as the server's account, in a session of its own so that a Ctrl-C at
// the terminal reaches the tests first.
func (p *process) run(line []string) *exec.Cmd {
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Dir = p.home
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=" + zone}
	if p.binaries.libs != "" {
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+p.binaries.libs)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: p.credential()}
	return cmd
}

// credential is the account that the server runs as: its own when we are root, which servers refuse.
func (p *process) credential() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(p.kind.family.user())
	if err != nil {
		if u, err = user.Lookup("nobody"); err != nil {
			return nil
		}
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// call runs a command of prepare to its end.
func (p *process) call(ctx context.Context, line []string, input []byte) error {
	cmd := p.run(line)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", line[0], err)
	}
	if err := watch.server(cmd.Process.Pid); err != nil {
		return err
	}
	defer watch.gone(cmd.Process.Pid)
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", line[0], err, tail(out.Bytes()))
	}
	return nil
}

func (p *process) dead() error {
	select {
	case <-p.exited:
		return p.failed
	default:
		return nil
	}
}

func (p *process) mine(folder string) bool {
	return filepath.Clean(folder) == p.data()
}

func (p *process) log() string {
	b, _ := os.ReadFile(p.logFile())
	return tail(b)
}

// tail is the part of a log that a message quotes.
func tail(b []byte) string { return string(b[max(0, len(b)-4000):]) }

// stop asks the server to end: SIGINT is PostgreSQL's fast shutdown, and MySQL takes SIGTERM only.
func (p *process) stop(ctx context.Context) error {
	sig := syscall.SIGTERM
	if p.kind.family.children() {
		sig = syscall.SIGINT
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return p.wait(ctx)
}

func (p *process) wait(ctx context.Context) error {
	select {
	case <-p.exited:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %d is still there: %w", p.cmd.Process.Pid, ctx.Err())
	}
}

// kill freezes the server first, so that no process is born while they are killed one after another.
func (p *process) kill(ctx context.Context) error {
	pids, err := p.freeze(ctx)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		return err
	}
	// The children too: while one is left it holds the shared memory, and the server cannot start again.
	for _, pid := range pids {
		if err := gone(ctx, pid); err != nil {
			return err
		}
	}
	return p.wait(ctx)
}

// gone waits until a process that was killed has let go of what it had.
func gone(ctx context.Context, pid int) error {
	for {
		state, _ := stat(fmt.Sprintf("/proc/%d/stat", pid))
		if state == "" || state == "Z" || state == "X" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d is still there: %w", pid, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
}

func (p *process) pause(ctx context.Context) error {
	_, err := p.freeze(ctx)
	return err
}

func (p *process) resume(context.Context) error {
	pids, err := p.pids()
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	return err
}

// pids lists the server's processes, the main one first.
func (p *process) pids() ([]int, error) {
	pids := []int{p.cmd.Process.Pid}
	if !p.kind.family.children() {
		return pids, nil
	}
	children, err := childrenOf(pids[0])
	return append(pids, children...), err
}

// freeze stops the server's processes, which it returns, and waits until each thread has stopped. The
// main process comes first and is seen stopped before its children are listed: it makes no others then.
func (p *process) freeze(ctx context.Context) ([]int, error) {
	if p.dead() != nil {
		return nil, nil
	}
	main := p.cmd.Process.Pid
	if err := halt(ctx, main); err != nil {
		return []int{main}, err
	}
	pids, err := p.pids()
	for _, pid := range pids[1:] {
		err = errors.Join(err, halt(ctx, pid))
	}
	return pids, err
}

// halt sends SIGSTOP and waits until all threads of the process have stopped or it is no more.
func halt(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return nil //nolint:nilerr // it has ended meanwhile
	}
	for !halted(pid) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d does not stop: %w", pid, ctx.Err())
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

// halted reports whether no thread of the process runs.
func halted(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, t := range threads {
		if state, _ := stat(t); state != "" && !strings.Contains("TtZX", state) {
			return false
		}
	}
	return true
}

// childrenOf lists the processes whose parent is pid.
func childrenOf(pid int) ([]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var children []int
	for _, path := range all {
		if _, parent := stat(path); parent == strconv.Itoa(pid) {
			child, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	}
	return children, nil
}

// stat reads the state and the parent of a process or thread; both are "" when it has ended.
func stat(path string) (state, parent string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", ""
	}
	// PID (NAME) STATE PARENT …; the name may hold blanks and parentheses.
	f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	if len(f) < 2 {
		return "", ""
	}
	return f[0], f[1]
}

// remove kills the server and deletes its folder. It is not asked to stop: nobody needs its data.
func (p *process) remove(ctx context.Context) error {
	if p.home == "" {
		return nil
	}
	var err error
	if p.cmd != nil && p.dead() == nil {
		if p.kind.family.children() {
			// SIGQUIT ends PostgreSQL at once and still frees its shared memory segment.
			_ = p.resume(ctx)
			if err = p.cmd.Process.Signal(syscall.SIGQUIT); err == nil {
				err = p.wait(ctx)
			}
		} else {
			err = p.kill(ctx)
		}
	}
	err = errors.Join(err, os.RemoveAll(p.home))
	watch.removed(p.home)
	return err
}
