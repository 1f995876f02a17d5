package event

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// charsets are the character sets that are read, by their names in the servers. Each was compared with what the
// servers make of every code of it.
var charsets = map[string]*charset{
	"utf8mb4": {}, "utf8mb3": {}, "utf8": {},
	"binary":  {}, // of labels; a SELECT takes their bytes for UTF-8 too
	"ascii":   {width: 1, decode: decodeASCII},
	"ucs2":    {decode: decodeUCS2},
	"utf16":   {decode: decodeUTF16(binary.BigEndian)},
	"utf16le": {decode: decodeUTF16(binary.LittleEndian)},
	"utf32":   {decode: decodeUTF32},

	"latin1":   single(charmap.Windows1252, map[byte]rune{0x81: 0x81, 0x8d: 0x8d, 0x8f: 0x8f, 0x90: 0x90, 0x9d: 0x9d}),
	"latin2":   single(charmap.ISO8859_2, controls(nil)),
	"latin5":   single(charmap.ISO8859_9, nil),
	"latin7":   single(charmap.ISO8859_13, controls(nil)),
	"cp1250":   single(charmap.Windows1250, nil),
	"cp1251":   single(charmap.Windows1251, nil),
	"cp1256":   single(charmap.Windows1256, lacking(0x8a, 0x8f, 0x98, 0x9a, 0x9f, 0xaa, 0xc0, 0xff)),
	"cp1257":   single(charmap.Windows1257, nil),
	"cp850":    single(charmap.CodePage850, nil),
	"cp852":    single(charmap.CodePage852, nil),
	"cp866":    single(charmap.CodePage866, map[byte]rune{0xfc: 'ⁿ', 0xfd: '²'}),
	"koi8r":    single(charmap.KOI8R, nil),
	"koi8u":    single(charmap.KOI8U, map[byte]rune{0x95: '•', 0xae: '╝', 0xbe: '╬'}),
	"greek":    single(charmap.ISO8859_7, controls(map[byte]rune{0xa1: 'ʽ', 0xa2: 'ʼ', 0xa4: noRune, 0xa5: noRune, 0xaa: noRune})),
	"hebrew":   single(charmap.ISO8859_8, controls(map[byte]rune{0xaf: '‾'})),
	"macroman": single(charmap.Macintosh, nil),
	"tis620":   single(charmap.Windows874, controls(replaced(0xa0, 0xdb, 0xdc, 0xdd, 0xde, 0xfc, 0xfd, 0xfe, 0xff))),

	"sjis": sjis.charset(), "cp932": cp932.charset(), "ujis": ujis.charset(), "eucjpms": eucjpms.charset(),
	"euckr": euckr.charset(), "gbk": gbk.charset(), "gb2312": gb2312.charset(), "big5": big5.charset(),
}

func charsetOf(name string) (*charset, error) {
	if c := charsets[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("character set %q is not known", name)
}

func noText(b []byte) error {
	return fmt.Errorf("bytes %.16x mean nothing in the column's character set", b)
}

func decodeASCII(dst, src []byte) ([]byte, error) {
	for i, b := range src {
		if b >= utf8.RuneSelf {
			return nil, noText(src[i:])
		}
	}
	return append(dst, src...), nil
}

// noRune stands for a byte that means nothing.
const noRune rune = -1

// controls adds the control characters that the servers see in the bytes from 0x80 to 0x9f.
func controls(differs map[byte]rune) map[byte]rune {
	if differs == nil {
		differs = map[byte]rune{}
	}
	for b := byte(0x80); b < 0xa0; b++ {
		differs[b] = rune(b)
	}
	return differs
}

// lacking are bytes that mean nothing to the servers.
func lacking(bytes ...byte) map[byte]rune { return all(bytes, noRune) }

// replaced are bytes that mean nothing, and that the servers show as the character for that.
func replaced(bytes ...byte) map[byte]rune { return all(bytes, utf8.RuneError) }

func all(bytes []byte, r rune) map[byte]rune {
	m := map[byte]rune{}
	for _, b := range bytes {
		m[b] = r
	}
	return m
}

// single is a character set of one byte a character. differs says what the servers mean by a byte where the
// encoding of the same name does not say the same.
func single(e *charmap.Charmap, differs map[byte]rune) *charset {
	table := new([256]rune)
	for i := range table {
		if table[i] = e.DecodeByte(byte(i)); table[i] == utf8.RuneError {
			table[i] = noRune
		}
	}
	for b, r := range differs {
		table[b] = r
	}
	return &charset{width: 1, decode: func(dst, src []byte) ([]byte, error) {
		for i, b := range src {
			if b < utf8.RuneSelf {
				dst = append(dst, b)
				continue
			}
			r := table[b]
			if r == noRune {
				return nil, noText(src[i:])
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, nil
	}}
}

func decodeUCS2(dst, src []byte) ([]byte, error) {
	if len(src)%2 != 0 {
		return nil, noText(src)
	}
	for i := 0; i < len(src); i += 2 {
		r := rune(binary.BigEndian.Uint16(src[i:]))
		if utf16.IsSurrogate(r) {
			return nil, noText(src[i:])
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst, nil
}

func decodeUTF16(order binary.ByteOrder) func(dst, src []byte) ([]byte, error) {
	return func(dst, src []byte) ([]byte, error) {
		if len(src)%2 != 0 {
			return nil, noText(src)
		}
		for i := 0; i < len(src); i += 2 {
			r := rune(order.Uint16(src[i:]))
			if utf16.IsSurrogate(r) {
				if i+4 > len(src) {
					return nil, noText(src[i:])
				}
				low := rune(order.Uint16(src[i+2:]))
				if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
					return nil, noText(src[i:])
				}
				i += 2
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, nil
	}
}

func decodeUTF32(dst, src []byte) ([]byte, error) {
	if len(src)%4 != 0 {
		return nil, noText(src)
	}
	for i := 0; i < len(src); i += 4 {
		u := binary.BigEndian.Uint32(src[i:])
		if u > utf8.MaxRune || !utf8.ValidRune(rune(u)) {
			return nil, noText(src[i:])
		}
		dst = utf8.AppendRune(dst, rune(u))
	}
	return dst, nil
}
