package definition

import (
	"fmt"
	"io"
)

// Secret is text that no output shows: every way of formatting or marshalling it yields *** (O-6).
// Its text is kept in a closure, so that not even reflection over a struct that holds it, as %+v
// does with unexported fields, comes upon it. The zero Secret is empty.
type Secret struct {
	reveal    func() string
	reference string // how the definitions name it: ${NAME}, or a file
}

// NewSecret hides text.
func NewSecret(text string) Secret { return Secret{reveal: func() string { return text }} }

// Reveal returns the text itself: for opening a connection, and for nothing else.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

const hidden = "***"

func (s Secret) String() string               { return hidden }
func (s Secret) GoString() string             { return hidden }
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Format answers every verb of package fmt, %x and %#v among them.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// Secrets says how what a definition names but does not hold is found. It keeps environment and
// files out of this package. A nil function resolves nothing: references stay empty, and nobody
// complains.
type Secrets struct {
	Env  func(name string) (text string, ok bool)
	File func(path string) (text string, err error) // path is relative to the definition file's folder
}
