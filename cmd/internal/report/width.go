package report

import (
	"unicode"

	"golang.org/x/text/width"
)

// runeColumns is how many columns a terminal gives a character: two to wide East Asian characters and
// emoji, none to marks that stand on the one before.
func runeColumns(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}
