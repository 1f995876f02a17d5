package event

import (
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// multibyte is a character set of one or two bytes a character, or three in EUC.
type multibyte struct {
	encoding encoding.Encoding // says what most codes mean
	differs  []differing       // codes by which the servers mean something else
	lacks    func(code uint32) bool
	private  func(code uint32) rune // of ranges for users' own characters, 0 of other codes; may be nil

	fill  sync.Once
	two   [1 << 16]rune // by code of one or two bytes; 0 = it means nothing
	three [1 << 16]rune // by the last two bytes of a code that begins with eucThree
}

// differing are the characters of consecutive codes.
type differing struct {
	code       uint32 // of the first
	characters string
}

// eucThree begins the three bytes of a character that JIS added later.
const eucThree = 0x8f

var (
	big5    = &multibyte{encoding: traditionalchinese.Big5, differs: big5Differs, lacks: big5Lacks}
	cp932   = &multibyte{encoding: japanese.ShiftJIS, lacks: cp932Lacks, private: cp932Private}
	sjis    = &multibyte{encoding: japanese.ShiftJIS, differs: sjisDiffers, lacks: sjisLacks}
	eucjpms = &multibyte{encoding: japanese.EUCJP, differs: eucjpmsDiffers, lacks: none, private: eucPrivate}
	ujis    = &multibyte{encoding: japanese.EUCJP, differs: ujisDiffers, lacks: ujisLacks, private: eucPrivate}
	euckr   = &multibyte{encoding: korean.EUCKR, lacks: none}
	gbk     = &multibyte{encoding: simplifiedchinese.GBK, lacks: gbkLacks}
	gb2312  = &multibyte{encoding: simplifiedchinese.GBK, differs: gb2312Differs, lacks: gb2312Lacks}
)

// charset makes it one of two bytes a character, its table filled when it is first used.
func (m *multibyte) charset() *charset { return &charset{width: 2, decode: m.decode} }

func (m *multibyte) decode(dst, src []byte) ([]byte, error) {
	m.fill.Do(m.tables)
	for i := 0; i < len(src); {
		if src[i] < utf8.RuneSelf {
			dst = append(dst, src[i])
			i++
			continue
		}
		r, n := m.next(src[i:])
		if r == 0 {
			return nil, noText(src[i:])
		}
		dst = utf8.AppendRune(dst, r)
		i += n
	}
	return dst, nil
}

// next is the first character and how many bytes it takes.
func (m *multibyte) next(b []byte) (rune, int) {
	if r := m.two[b[0]]; r != 0 {
		return r, 1
	}
	if len(b) > 2 && b[0] == eucThree {
		if r := m.three[uint16(b[1])<<8|uint16(b[2])]; r != 0 {
			return r, 3
		}
	}
	if len(b) < 2 {
		return 0, 0
	}
	return m.two[uint16(b[0])<<8|uint16(b[1])], 2
}

// tables asks the encoding for each code.
func (m *multibyte) tables() {
	d := m.encoding.NewDecoder()
	euc := m.encoding == japanese.EUCJP
	for high := uint32(0x80); high < 0x100; high++ {
		m.two[high] = m.character(d, high, byte(high))
		for low := uint32(0x30); low < 0x100; low++ {
			code := high<<8 | low
			m.two[code] = m.character(d, code, byte(high), byte(low))
			if euc {
				m.three[code] = m.character(d, eucThree<<16|code, eucThree, byte(high), byte(low))
			}
		}
	}
	for _, s := range m.differs {
		code := s.code
		for _, r := range s.characters {
			*m.at(code) = r
			code++
		}
	}
}

func (m *multibyte) at(code uint32) *rune {
	if code>>16 == eucThree {
		return &m.three[code&0xffff]
	}
	return &m.two[code]
}

func (m *multibyte) character(d *encoding.Decoder, code uint32, b ...byte) rune {
	if m.lacks(code) {
		return 0
	}
	if m.private != nil {
		if r := m.private(code); r != 0 {
			return r
		}
	}
	s, err := d.Bytes(b)
	r, n := utf8.DecodeRune(s)
	if err != nil || r == utf8.RuneError || n < len(s) { // the code is none, or more than one
		return 0
	}
	return r
}
