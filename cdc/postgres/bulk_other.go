//go:build !linux

package postgres

import (
	"errors"
	"net"
	"syscall"
	"time"
)

const canLowWater = false

func setLowWater(syscall.RawConn, int) error { return errors.ErrUnsupported }

func limitUnacknowledged(*net.TCPConn, time.Duration) {}
