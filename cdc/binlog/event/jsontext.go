package event

import (
	"math"
	"strconv"
)

const hexDigits = "0123456789abcdef"

// escapes are the characters that have a letter.
var escapes = map[byte]byte{'\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r', '"': '"', '\\': '\\'}

func (p *jsonPrinter) quote(s []byte) {
	p.text = append(p.text, '"')
	for _, c := range s {
		switch {
		case c >= ' ' && c != '"' && c != '\\':
			p.text = append(p.text, c)
		case escapes[c] != 0:
			p.text = append(p.text, '\\', escapes[c])
		default:
			p.text = append(p.text, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	p.text = append(p.text, '"')
}

// appendDouble prints as few digits as bring the number back, with an exponent beyond 15 digits on either side
// of the point, and .0 where nothing else shows that it is no integer.
func appendDouble(text []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(text, "null"...) // the server stores no such number
	}
	var room [32]byte
	e := strconv.AppendFloat(room[:0], f, 'e', -1, 64)
	digits, exponent := splitExponent(e)
	if f != 0 && (exponent < -15 || exponent > 14) {
		text = append(append(text, digits...), 'e')
		return strconv.AppendInt(text, int64(exponent), 10)
	}
	at := len(text)
	text = strconv.AppendFloat(text, f, 'f', -1, 64)
	for _, c := range text[at:] {
		if c == '.' {
			return text
		}
	}
	return append(text, ".0"...)
}

// splitExponent takes a number such as 1.5e-07 apart.
func splitExponent(b []byte) (digits []byte, exponent int) {
	for i, c := range b {
		if c == 'e' {
			exponent, _ = strconv.Atoi(string(b[i+1:])) // it is one
			return b[:i], exponent
		}
	}
	return b, 0
}
