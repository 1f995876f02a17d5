package event

import (
	"fmt"
	"strconv"
)

// ChecksumError is an event whose bytes are not those that the server wrote.
type ChecksumError struct {
	Type      Type
	End       uint32 // position behind it in the file
	Got, Want uint32
}

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("event of type %d that ends at byte %d is damaged: checksum %08x, not %08x", e.Type, e.End, e.Got, e.Want)
}

// UnknownTypeError is an event of a type that cannot be read, and that is not flagged ignorable.
type UnknownTypeError struct {
	Type   Type
	Reason string
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event of type %d: %s", e.Type, e.Reason)
}

// MalformedError is an event that is not as the format says.
type MalformedError struct {
	Type   Type
	Offset int // in the event's body
	Reason string
}

func (e *MalformedError) Error() string {
	return fmt.Sprintf("event of type %d, byte %d of its body: %s", e.Type, e.Offset, e.Reason)
}

// UnsupportedError is a column whose values cannot be read (G8).
type UnsupportedError struct {
	Column int
	Reason string
}

func (e *UnsupportedError) Error() string {
	return "column " + strconv.Itoa(e.Column+1) + ": " + e.Reason
}

// ValueError is a stored value that cannot be read; the rows behind it in its event are lost with it.
type ValueError struct {
	Column int
	Err    error
}

func (e *ValueError) Error() string {
	return "column " + strconv.Itoa(e.Column+1) + ": " + e.Err.Error()
}
func (e *ValueError) Unwrap() error { return e.Err }
