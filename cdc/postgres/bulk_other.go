//go:build !linux

package postgres

import (
	"errors"
	"syscall"
)

const canLowWater = false

func setLowWater(syscall.RawConn, int) error { return errors.ErrUnsupported }
