package event

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// charsets are the character sets that are read, by their names in the servers. Each was compared with what the
// servers make of every code of it.
var charsets = map[string]*charset{
	"utf8mb4": {name: "utf8mb4"}, "utf8mb3": {name: "utf8mb3"}, "utf8": {name: "utf8"},
	"ascii":   {name: "ascii", decode: decodeASCII},
	"ucs2":    {name: "ucs2", decode: decodeUCS2},
	"utf16":   {name: "utf16", decode: decodeUTF16(binary.BigEndian)},
	"utf16le": {name: "utf16le", decode: decodeUTF16(binary.LittleEndian)},
	"utf32":   {name: "utf32", decode: decodeUTF32},

	"latin1":   single(charmap.Windows1252, nil),
	"latin2":   single(charmap.ISO8859_2, nil),
	"latin5":   single(charmap.ISO8859_9, nil),
	"latin7":   single(charmap.ISO8859_13, nil),
	"cp1250":   single(charmap.Windows1250, nil),
	"cp1251":   single(charmap.Windows1251, nil),
	"cp1256":   single(charmap.Windows1256, nil),
	"cp1257":   single(charmap.Windows1257, nil),
	"cp850":    single(charmap.CodePage850, nil),
	"cp852":    single(charmap.CodePage852, nil),
	"cp866":    single(charmap.CodePage866, nil),
	"koi8r":    single(charmap.KOI8R, nil),
	"koi8u":    single(charmap.KOI8U, nil),
	"greek":    single(charmap.ISO8859_7, nil),
	"hebrew":   single(charmap.ISO8859_8, nil),
	"macroman": single(charmap.Macintosh, nil),
	"tis620":   single(charmap.Windows874, nil),

	"sjis":    multi(japanese.ShiftJIS),
	"cp932":   multi(japanese.ShiftJIS),
	"ujis":    multi(japanese.EUCJP),
	"eucjpms": multi(japanese.EUCJP),
	"euckr":   multi(korean.EUCKR),
	"gbk":     multi(simplifiedchinese.GBK),
	"gb2312":  multi(simplifiedchinese.GBK),
	"big5":    multi(traditionalchinese.Big5),
}

func charsetOf(name string) (*charset, error) {
	if c := charsets[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("character set %q is not known", name)
}

func (c *charset) String() string { return c.name }

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

// single is a character set of one byte a character. differs says what the servers mean by a byte where the
// encoding of the same name does not say the same.
func single(e *charmap.Charmap, differs map[byte]rune) *charset {
	table := new([256]rune)
	for i := range table {
		table[i] = e.DecodeByte(byte(i))
	}
	for b, r := range differs {
		table[b] = r
	}
	return &charset{name: e.String(), decode: func(dst, src []byte) ([]byte, error) {
		for i, b := range src {
			if b < utf8.RuneSelf {
				dst = append(dst, b)
				continue
			}
			r := table[b]
			if r == utf8.RuneError {
				return nil, noText(src[i:])
			}
			dst = utf8.AppendRune(dst, r)
		}
		return dst, nil
	}}
}

// multi is a character set of one or more bytes a character.
func multi(e encoding.Encoding) *charset {
	return &charset{decode: func(dst, src []byte) ([]byte, error) {
		out, err := e.NewDecoder().Bytes(src)
		if err != nil {
			return nil, err
		}
		if bytes.ContainsRune(out, utf8.RuneError) {
			return nil, noText(src)
		}
		return append(dst, out...), nil
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
