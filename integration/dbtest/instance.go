package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ardso/sql/engine"
)

// password is that of every server's superuser. It is no secret: the servers listen on loopback only and
// live as long as a test process.
const password = "dbtest"

// startTimeout is generous: several test processes may start servers at once on a small machine.
const startTimeout = 2 * time.Minute

// Instance is one running server.
type Instance struct {
	Name string // as in Names

	kind   *kind
	runner runner
	addr   string // host:port, the same for the whole life
	own    bool   // made by Server: its databases need not be dropped

	mu    sync.Mutex
	admin *sql.DB // connections as superuser to the server's own database
	last  atomic.Int64
}

// runner runs a server, as a local process or as a container.
type runner interface {
	// start starts the server and returns its address, which stays the same. The server need not
	// answer yet.
	start(ctx context.Context) (addr string, err error)
	// dead reports, once the server's process has ended, why; nil while it runs.
	dead() error
	stop(ctx context.Context) error
	kill(ctx context.Context) error
	pause(ctx context.Context) error
	resume(ctx context.Context) error
	// remove ends the server whatever its state and deletes what it kept.
	remove(ctx context.Context) error
	// mine reports whether folder, where the server that answers keeps its data, is this runner's.
	mine(folder string) bool
	log() string // the end of the server's log
}

// running holds every server of this process, for stopAll.
var running = struct {
	sync.Mutex
	all map[*Instance]bool
}{all: map[*Instance]bool{}}

// start makes a server of kind k and waits until it answers.
func start(k *kind, settings []string) (*Instance, error) {
	in := &Instance{Name: k.name, kind: k}
	if docker() {
		in.runner = &container{kind: k, settings: k.family.settings(settings)}
	} else {
		b, err := k.locate()
		if err != nil {
			return nil, err
		}
		in.runner = &process{kind: k, binaries: b, options: k.family.settings(settings)}
	}
	running.Lock()
	running.all[in] = true
	running.Unlock()
	if err := in.start(); err != nil {
		return nil, errors.Join(err, in.remove())
	}
	return in, nil
}

func (in *Instance) start() error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	addr, err := in.runner.start(ctx)
	if err != nil {
		return err
	}
	in.addr = addr
	return in.await(ctx)
}

// await returns when the server answers as itself. Another server that took the port in the moment
// between its choice and its use keeps its data elsewhere.
func (in *Instance) await(ctx context.Context) error {
	db, err := in.superuser()
	if err != nil {
		return err
	}
	for {
		if err := in.runner.dead(); err != nil {
			return fmt.Errorf("%w\n%s", err, in.runner.log())
		}
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		var folder string
		err := db.QueryRowContext(try, in.kind.family.dataFolder()).Scan(&folder)
		cancel()
		if err == nil && in.runner.mine(folder) {
			return nil
		}
		if err == nil {
			err = fmt.Errorf("another server answers, with its data in %s", folder)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer in time: %w\n%s", err, in.runner.log())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// superuser returns connections to the server's own database.
func (in *Instance) superuser() (*sql.DB, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.admin == nil {
		db, err := sql.Open(in.kind.family.driver(), in.kind.family.dsn(in.addr, ""))
		if err != nil {
			return nil, err
		}
		db.SetMaxIdleConns(2)
		in.admin = db
	}
	return in.admin, nil
}

// Config tells how to open a database of this server.
func (in *Instance) Config(database string) engine.Config {
	return engine.Config{Server: in.Name, URL: in.kind.family.url(in.addr, database), Password: password}
}

// URL is the server's address as in the definitions, without a database and without the password.
func (in *Instance) URL() string { return in.kind.family.url(in.addr, "") }

// Addr is host:port; it stays the same over Stop and Start.
func (in *Instance) Addr() string { return in.addr }

// Database returns a fresh empty database of this server. It is closed and dropped at the end of the test.
func (in *Instance) Database(t testing.TB) *engine.DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	db, err := in.superuser()
	if err != nil {
		t.Fatalf("dbtest: %s: %v", in.Name, err)
	}
	name := fmt.Sprintf("t%d", in.last.Add(1))
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("dbtest: %s: create database: %v", in.Name, err)
	}
	if !in.own {
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			if err := in.kind.family.drop(ctx, in, name); err != nil {
				t.Errorf("dbtest: %s: drop database: %v", in.Name, err)
			}
		})
	}
	return open(t, in.Config(name))
}

// Stop ends the server in order, as an administrator would, and waits until it is gone.
func (in *Instance) Stop(t testing.TB) { in.must(t, "stop", in.runner.stop) }

// Kill ends the server as a power cut would (SIGKILL to all its processes).
func (in *Instance) Kill(t testing.TB) { in.must(t, "kill", in.runner.kill) }

// Pause freezes the server: connections stay open and nothing answers (SIGSTOP).
func (in *Instance) Pause(t testing.TB) { in.must(t, "pause", in.runner.pause) }

// Resume ends Pause.
func (in *Instance) Resume(t testing.TB) { in.must(t, "resume", in.runner.resume) }

// Start starts the server again after Stop or Kill, at the same address, and waits until it answers.
func (in *Instance) Start(t testing.TB) {
	in.must(t, "start", func(context.Context) error { return in.start() })
}

func (in *Instance) must(t testing.TB, what string, do func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := do(ctx); err != nil {
		t.Fatalf("dbtest: %s %s: %v", what, in.Name, err)
	}
}

// remove ends the server and deletes its data.
func (in *Instance) remove() error {
	running.Lock()
	delete(running.all, in)
	running.Unlock()
	in.mu.Lock()
	if in.admin != nil {
		_ = in.admin.Close()
		in.admin = nil
	}
	in.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	return in.runner.remove(ctx)
}

// stopAll removes every server that is left, all at once, and ends the guard.
func stopAll() error {
	running.Lock()
	var all []*Instance
	for in := range running.all {
		all = append(all, in)
	}
	running.Unlock()
	errs := make([]error, len(all)+1)
	var wg sync.WaitGroup
	for i, in := range all {
		wg.Go(func() { errs[i] = in.remove() })
	}
	wg.Wait()
	errs[len(all)] = watch.end()
	return errors.Join(errs...)
}
