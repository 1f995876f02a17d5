package trigger

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// parseImage reads a list of SQL literals with commas between, as the triggers write it:
//
//	NULL   3   -0.5   1.0e+308   'it''s'   X'00FF'   T'6100'
//
// T is ours: the bytes of a text that holds NUL. The result has one of nil, int64, float64, string
// and []byte per literal. Nothing else is accepted: no blanks, no other spelling.
func parseImage(s string) ([]any, error) {
	if s == "" {
		return nil, nil
	}
	var list []any
	for rest := s; ; {
		v, n, err := parseLiteral(rest)
		if err != nil {
			return nil, fmt.Errorf("literal %d at byte %d of the image: %w", len(list)+1, len(s)-len(rest), err)
		}
		list = append(list, v)
		rest = rest[n:]
		if rest == "" {
			return list, nil
		}
		if rest[0] != ',' {
			return nil, fmt.Errorf("literal %d of the image: no comma after it", len(list))
		}
		rest = rest[1:]
	}
}

var errLiteral = errors.New("not a literal that the triggers write")

// parseLiteral reads the literal that s begins with and returns its length.
func parseLiteral(s string) (v any, n int, err error) {
	switch {
	case strings.HasPrefix(s, "NULL"):
		return nil, 4, nil
	case strings.HasPrefix(s, "'"):
		return parseText(s)
	case strings.HasPrefix(s, "X'"), strings.HasPrefix(s, "T'"):
		return parseHex(s)
	}
	return parseNumber(s)
}

func parseText(s string) (any, int, error) {
	for i := 1; ; {
		j := strings.IndexByte(s[i:], '\'')
		if j < 0 {
			return nil, 0, errors.New("text without an end")
		}
		i += j + 1
		if i == len(s) || s[i] != '\'' {
			return strings.ReplaceAll(s[1:i-1], "''", "'"), i, nil
		}
		i++
	}
}

func parseHex(s string) (any, int, error) {
	i := strings.IndexByte(s[2:], '\'')
	if i < 0 {
		return nil, 0, errors.New("hexadecimal digits without an end")
	}
	b, err := hex.DecodeString(s[2 : 2+i])
	if err != nil {
		return nil, 0, err
	}
	if s[0] == 'T' {
		return string(b), i + 3, nil
	}
	return b, i + 3, nil
}

// parseNumber reads what quote() writes for integers and reals: reals always have a point, and
// infinity is a number beyond all others, 9.0e+999.
func parseNumber(s string) (any, int, error) {
	n := strings.IndexByte(s, ',')
	if n < 0 {
		n = len(s)
	}
	word := s[:n]
	digits := strings.TrimPrefix(word, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || strings.Trim(digits, "0123456789.e+-") != "" {
		return nil, 0, errLiteral
	}
	if !strings.ContainsAny(digits, ".e") {
		i, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, 0, errLiteral
		}
		return i, n, nil
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil && !math.IsInf(f, 0) {
		return nil, 0, errLiteral
	}
	return f, n, nil
}
