package qual

import (
	"unicode"
	"unicode/utf8"
)

// fold maps all runes that differ only by Unicode simple case folding to one of them. ASCII letters
// become lower case, so that text sorts as it does in lower case.
func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}
	least := r
	for x := unicode.SimpleFold(r); x != r; x = unicode.SimpleFold(x) {
		least = min(least, x)
	}
	if 'A' <= least && least <= 'Z' { // the Kelvin sign, the long s
		return least + 'a' - 'A'
	}
	return least
}

// compareText orders text by code point, folded unless exact. No collation, no padding (§12 row 12).
func compareText(a, b string, exact bool) int {
	if a == b {
		return 0
	}
	for {
		switch {
		case a == "" && b == "":
			return 0
		case a == "":
			return -1
		case b == "":
			return 1
		}
		x, y := rune(a[0]), rune(b[0])
		n, m := 1, 1
		if x >= utf8.RuneSelf {
			x, n = utf8.DecodeRuneInString(a)
		}
		if y >= utf8.RuneSelf {
			y, m = utf8.DecodeRuneInString(b)
		}
		if x != y && !exact {
			x, y = fold(x), fold(y)
		}
		if x != y {
			if x < y {
				return -1
			}
			return 1
		}
		a, b = a[n:], b[m:]
	}
}
