package dbtest

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// imageVariable names the environment variable that holds the image of an engine:
// ARDSO_TEST_IMAGE_MARIADB10_11 for mariadb10.11.
func imageVariable(name string) string {
	return "ARDSO_TEST_IMAGE_" + strings.ToUpper(strings.ReplaceAll(name, ".", "_"))
}

// container is a server in a container. The containers of a process that dies are removed by the
// library's own reaper, and where that is switched off by the guard.
type container struct {
	kind     *kind
	settings []string

	made *testcontainers.DockerContainer
	addr string
}

var _ runner = (*container)(nil)

func (c *container) start(ctx context.Context) (string, error) {
	if c.made != nil {
		return c.addr, c.made.Start(ctx)
	}
	image := os.Getenv(imageVariable(c.kind.name))
	if image == "" {
		image = c.kind.image
	}
	// The port is chosen here, because one chosen by the Docker engine changes with every start.
	port, err := freePort()
	if err != nil {
		return "", err
	}
	inside := network.MustParsePort(c.kind.family.containerPort())
	made, err := testcontainers.GenericContainer(ctx, testcontainers.GenericContainerRequest{
		ContainerRequest: testcontainers.ContainerRequest{
			Image:        image,
			Env:          c.kind.family.environment(),
			Cmd:          c.settings,
			ExposedPorts: []string{inside.String()},
			HostConfigModifier: func(h *apicontainer.HostConfig) {
				h.PortBindings = network.PortMap{inside: {{HostPort: strconv.Itoa(port)}}}
			},
		},
		Started: true,
		Logger:  log.New(io.Discard, "", 0), // a line for each step of each container
	})
	if made != nil {
		c.made, _ = made.(*testcontainers.DockerContainer)
	}
	if err != nil {
		return "", fmt.Errorf("image %s (another one: %s): %w", image, imageVariable(c.kind.name), err)
	}
	if err := watch.container(c.made.GetContainerID()); err != nil {
		return "", err
	}
	host, err := c.made.Host(ctx)
	if err != nil {
		return "", err
	}
	c.addr = net.JoinHostPort(host, strconv.Itoa(port))
	return c.addr, nil
}

func (c *container) dead() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, err := c.made.State(ctx)
	if err != nil {
		return err
	}
	if s.Running {
		return nil
	}
	return fmt.Errorf("the container has ended with code %d: %s", s.ExitCode, s.Error)
}

// mine is always so: the Docker engine gives a port to one container.
func (c *container) mine(string) bool { return true }

func (c *container) log() string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := c.made.Logs(ctx)
	if err != nil {
		return err.Error()
	}
	defer r.Close()
	b, _ := io.ReadAll(r)
	return tail(b)
}

func (c *container) stop(ctx context.Context) error { return c.made.Stop(ctx, nil) }

func (c *container) kill(ctx context.Context) error {
	return c.ask(ctx, func(d *testcontainers.DockerClient, id string) error {
		if _, err := d.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: "KILL"}); err != nil {
			return err
		}
		for c.dead() == nil {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(10 * time.Millisecond):
			}
		}
		return nil
	})
}

func (c *container) pause(ctx context.Context) error {
	return c.ask(ctx, func(d *testcontainers.DockerClient, id string) error {
		_, err := d.ContainerPause(ctx, id, client.ContainerPauseOptions{})
		return err
	})
}

func (c *container) resume(ctx context.Context) error {
	return c.ask(ctx, func(d *testcontainers.DockerClient, id string) error {
		_, err := d.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
		return err
	})
}

// ask calls the Docker engine directly, for what the library does not offer.
func (c *container) ask(ctx context.Context, do func(d *testcontainers.DockerClient, id string) error) error {
	d, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return do(d, c.made.GetContainerID())
}

func (c *container) remove(ctx context.Context) error {
	if c.made == nil {
		return nil
	}
	if err := c.made.Terminate(ctx, testcontainers.StopTimeout(0)); err != nil {
		return err
	}
	watch.gone(c.made.GetContainerID())
	return nil
}
