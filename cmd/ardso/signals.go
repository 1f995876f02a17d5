package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// stops turns the first SIGINT or SIGTERM into a closed drain, and the second into the end of ctx.
// Call stop when done.
func (e *environment) stops(ctx context.Context) (_ context.Context, drain <-chan struct{}, stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	closed := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-signals:
			_, _ = fmt.Fprintln(e.err, "ardso: finishing what is under way; a second signal stops at once")
			close(closed)
		case <-ctx.Done():
			return
		}
		select {
		case <-signals:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, closed, func() {
		signal.Stop(signals)
		cancel()
		<-ended
	}
}

// interruptible ends ctx at the first SIGINT or SIGTERM, for commands that have nothing to finish.
func interruptible(ctx context.Context) (context.Context, func()) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
}
