package event

import (
	"bytes"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Checksum algorithms of a format description.
const (
	checksumOff   = 0
	checksumCRC32 = 1
)

// versionSize is the room for the server's version in a format description.
const versionSize = 50

// fixedFormat is what a format description has before the lengths: binlog version, server version, time, and
// the length of headers.
const fixedFormat = 2 + versionSize + 4 + 1

// verifyFormat returns the body of a format description with its algorithm byte. Servers that know checksums
// give it room for one whatever the file has, and calculate it where the file has them.
func verifyFormat(h Header, raw []byte) ([]byte, error) {
	n := len(raw) - checksumSize
	body := raw[headerSize:]
	if len(body) < fixedFormat || !hasAlgorithm(versionText(body[2:2+versionSize])) {
		return body, nil // refused when it is decoded
	}
	if n-1 < headerSize+fixedFormat {
		return nil, &MalformedError{Type: h.Type, Reason: "no checksum algorithm"}
	}
	if raw[n-1] == checksumCRC32 {
		if err := verifySum(h, raw); err != nil {
			return nil, err
		}
	}
	return raw[headerSize:n], nil
}

func versionText(b []byte) string {
	s, _, _ := strings.Cut(string(b), "\x00")
	return s
}

func isMariaDB(version string) bool { return strings.Contains(strings.ToLower(version), "mariadb") }

// hasAlgorithm reports whether a server of this version says how it makes checksums: MySQL since 5.6.1, MariaDB
// since 5.3.
func hasAlgorithm(version string) bool {
	least := [3]int{5, 6, 1}
	if isMariaDB(version) {
		least = [3]int{5, 3, 0}
	}
	for i, part := range strings.SplitN(version, ".", 3) {
		digits := strings.IndexFunc(part, func(r rune) bool { return r < '0' || r > '9' })
		if digits < 0 {
			digits = len(part)
		}
		n, _ := strconv.Atoi(part[:digits]) // none is 0, which is old
		if n != least[i] {
			return n > least[i]
		}
	}
	return true
}

func (d *Decoder) formatDescription(c *cursor) *FormatDescription {
	f := &FormatDescription{Version: c.uint16(), ServerVersion: versionText(c.bytes(versionSize))}
	c.skip(4) // when the server began to write it
	f.HeaderLength = c.uint8()
	switch {
	case c.err != nil:
		return f
	case f.Version != 4 || f.HeaderLength != headerSize:
		c.fail("binlog version %d with headers of %d bytes, where 4 and %d are known", f.Version, f.HeaderLength, headerSize)
		return f
	case !hasAlgorithm(f.ServerVersion):
		c.fail("server version %q does not say how it makes checksums; MySQL is read from 5.6 on, MariaDB from 10.6 on", f.ServerVersion)
		return f
	}
	f.PostHeaders = bytes.Clone(c.bytes(c.left() - 1))
	switch a := c.uint8(); a {
	case checksumOff:
	case checksumCRC32:
		f.Checksum = true
	default:
		c.fail("checksum algorithm %d is not known", a)
	}
	if c.err == nil {
		d.format = f
		clear(d.maps) // numbers of tables begin anew when the server does
	}
	return f
}

// postHeader is the length of the fixed part of events of a type, in this file.
func (d *Decoder) postHeader(t Type, usual int) int {
	if d.format == nil || t == 0 || int(t) > len(d.format.PostHeaders) {
		return usual
	}
	return int(d.format.PostHeaders[t-1])
}

func rotate(c *cursor) *Rotate {
	r := &Rotate{Position: c.uint64(), File: string(c.rest())}
	// Before a format description this may be a damaged checksum (see verify).
	if r.File == "" || !utf8.ValidString(r.File) || strings.ContainsFunc(r.File, unicode.IsControl) {
		c.fail("%.80q is no name of a file", r.File)
	}
	return r
}
