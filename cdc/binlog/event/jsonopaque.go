package event

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
)

// opaque prints a value of a type that JSON does not have: the type's code, a length, and the value in a form of
// the server's.
func (p *jsonPrinter) opaque(b []byte) {
	if len(b) == 0 {
		p.fail()
		return
	}
	t := ColumnType(b[0])
	v, ok := p.sized(b[1:])
	if !ok {
		return
	}
	switch t {
	case TypeDecimal:
		p.decimal(v)
	case TypeDate, TypeTime, TypeDatetime, TypeTimestamp:
		if len(v) != 8 {
			p.fail()
			return
		}
		p.time(t, int64(binary.LittleEndian.Uint64(v)))
	default:
		p.encoded(t, v)
	}
}

// decimal prints a number with the digits behind its point that its type has: precision, scale, and the bytes of
// a DECIMAL column.
func (p *jsonPrinter) decimal(v []byte) {
	if len(v) < 2 {
		p.fail()
		return
	}
	f := &field{}
	if err := f.decimalFrame(Column{Meta: uint16(v[0])<<8 | uint16(v[1])}); err != nil || len(v) != 2+f.width {
		p.fail()
		return
	}
	var digits [maxDigits]byte
	negative, err := unpackDecimal(digits[:f.whole+f.scale], v[2:], f.whole)
	if err != nil {
		p.fail()
		return
	}
	at := 0
	for at < f.whole-1 && digits[at] == '0' {
		at++
	}
	if negative {
		p.text = append(p.text, '-')
	}
	if f.whole == 0 {
		p.text = append(p.text, '0')
	}
	p.text = append(p.text, digits[at:f.whole]...)
	if f.scale > 0 {
		p.text = append(append(p.text, '.'), digits[f.whole:f.whole+f.scale]...)
	}
}

// time prints a packed date or time: the fraction in the lowest 24 bits, then second, minute, hour, day and
// months.
func (p *jsonPrinter) time(t ColumnType, packed int64) {
	sign := ""
	if packed < 0 {
		packed, sign = -packed, "-"
	}
	u, micros := packed>>24, packed&(1<<24-1)
	if micros >= second || u < 0 {
		p.fail()
		return
	}
	if t == TypeTime {
		p.text = fmt.Appendf(p.text, `"%s%02d:%02d:%02d.%06d"`, sign, u>>12&0x3ff, u>>6&63, u&63, micros)
		return
	}
	day := u >> 17
	p.text = fmt.Appendf(p.text, `"%04d-%02d-%02d`, (day>>5)/13, (day>>5)%13, day&31)
	if t != TypeDate {
		p.text = fmt.Appendf(p.text, ` %02d:%02d:%02d.%06d`, u>>12&31, u>>6&63, u&63, micros)
	}
	p.text = append(p.text, '"')
}

// base64Line is how many characters the server puts in a line.
const base64Line = 76

// encoded prints bytes of other types in base64, in lines as the server makes them.
func (p *jsonPrinter) encoded(t ColumnType, v []byte) {
	p.text = append(p.text, `"base64:type`...)
	p.text = append(strconv.AppendUint(p.text, uint64(t), 10), ':')
	const each = base64Line / 4 * 3
	for len(v) > each {
		p.text = append(base64.StdEncoding.AppendEncode(p.text, v[:each]), `\n`...)
		v = v[each:]
	}
	p.text = append(base64.StdEncoding.AppendEncode(p.text, v), '"')
}
