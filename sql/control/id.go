package control

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// NewID makes the ID of a new row: 16 letters and digits that a person can type, in order of time.
func NewID() string {
	var b [10]byte
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(time.Now().UnixMilli()))
	copy(b[:6], ms[2:])
	_, _ = rand.Read(b[6:]) // never fails
	return strings.ToLower(base32.HexEncoding.EncodeToString(b[:]))
}

// hash names what there can be one pending row of. Form names and Request IDs are too long to be
// parts of an index on every engine.
func hash(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}
