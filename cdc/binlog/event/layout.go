package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"ardso/sql/value"
)

type Format struct {
	Kind     value.Kind
	Type     string
	Unsigned bool
	Length   int
	Charset  string
	Labels   []string
}

type UnsupportedError struct {
	Column int
	Reason string
}

func (e *UnsupportedError) Error() string { return e.Reason }

type ValueError struct {
	Column int
	Err    error
}

func (e *ValueError) Error() string { return e.Err.Error() }
func (e *ValueError) Unwrap() error { return e.Err }

type Layout struct {
	columns []Column
	formats []Format
}

func NewLayout(columns []Column, formats []Format) (*Layout, error) {
	for i, c := range columns {
		if c.Type == TypeArray || c.Type == TypeDecimalOld {
			return nil, &UnsupportedError{i, fmt.Sprintf("type %d", c.Type)}
		}
	}
	return &Layout{columns, formats}, nil
}

type RowReader struct {
	l    *Layout
	r    *Rows
	data []byte
}

func (l *Layout) Rows(r *Rows) *RowReader { return &RowReader{l: l, r: r, data: r.Data} }

func (rr *RowReader) Next(before, after []value.Value) (bool, error) {
	if len(rr.data) == 0 {
		return false, nil
	}
	if rr.r.Kind != Insert {
		if err := rr.image(rr.r.Before, before); err != nil {
			return false, err
		}
	}
	if rr.r.Kind != Delete {
		if err := rr.image(rr.r.After, after); err != nil {
			return false, err
		}
	}
	return true, nil
}

var errShort = errors.New("the row ends within a value")

func (rr *RowReader) image(present []byte, to []value.Value) error {
	n := 0
	for i := range rr.l.columns {
		if present[i/8]&(1<<(i%8)) != 0 {
			n++
		}
	}
	nb := (n + 7) / 8
	if len(rr.data) < nb {
		return &ValueError{0, errShort}
	}
	nulls := rr.data[:nb]
	rr.data = rr.data[nb:]
	k := 0
	for i := range rr.l.columns {
		if present[i/8]&(1<<(i%8)) == 0 {
			to[i] = value.Absent
			continue
		}
		null := nulls[k/8]&(1<<(k%8)) != 0
		k++
		if null {
			to[i] = value.Null
			continue
		}
		v, used, err := decodeValue(rr.data, rr.l.columns[i], rr.l.formats[i])
		if err != nil {
			return &ValueError{i, err}
		}
		to[i] = v
		rr.data = rr.data[used:]
	}
	return nil
}

func beUint(b []byte) uint64 {
	v := uint64(0)
	for _, x := range b {
		v = v<<8 | uint64(x)
	}
	return v
}

func leUint(b []byte) uint64 {
	v := uint64(0)
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

func integer(u uint64, bits int, unsigned bool) value.Value {
	if unsigned {
		if u > math.MaxInt64 {
			v, _ := value.Decimal(strconv.FormatUint(u, 10))
			return v
		}
		return value.Int(int64(u))
	}
	s := 64 - bits
	return value.Int(int64(u<<s) >> s)
}

func decodeValue(b []byte, c Column, f Format) (value.Value, int, error) {
	need := func(n int) bool { return len(b) >= n }
	fixed := func(n int) (value.Value, int, error) {
		if !need(n) {
			return value.Null, 0, errShort
		}
		return integer(leUint(b[:n]), 8*n, f.Unsigned), n, nil
	}
	switch c.Type {
	case TypeTiny:
		return fixed(1)
	case TypeShort:
		return fixed(2)
	case TypeInt24:
		return fixed(3)
	case TypeLong:
		return fixed(4)
	case TypeLongLong:
		return fixed(8)
	case TypeYear:
		if !need(1) {
			return value.Null, 0, errShort
		}
		if b[0] == 0 {
			return value.Int(0), 1, nil
		}
		return value.Int(1900 + int64(b[0])), 1, nil
	case TypeFloat:
		if !need(4) {
			return value.Null, 0, errShort
		}
		return value.Real(float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))), 4, nil
	case TypeDouble:
		if !need(8) {
			return value.Null, 0, errShort
		}
		return value.Real(math.Float64frombits(binary.LittleEndian.Uint64(b))), 8, nil
	case TypeDecimal:
		return decimal(b, int(c.Meta>>8), int(c.Meta&0xff))
	case TypeDate:
		if !need(3) {
			return value.Null, 0, errShort
		}
		u := leUint(b[:3])
		return parsed(value.KindDate, fmt.Sprintf("%04d-%02d-%02d", u>>9, u>>5&15, u&31), 3)
	case TypeDatetime2:
		n := 5 + (int(c.Meta)+1)/2
		if !need(n) {
			return value.Null, 0, errShort
		}
		u := beUint(b[:5]) - 0x8000000000
		ym := u >> 22
		us := frac(b[5:n], int(c.Meta))
		s := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", ym/13, ym%13, u>>17&31, u>>12&31, u>>6&63, u&63)
		if us > 0 {
			s += fmt.Sprintf(".%06d", us)
		}
		return parsed(value.KindInstant, s, n)
	case TypeTimestamp2:
		n := 4 + (int(c.Meta)+1)/2
		if !need(n) {
			return value.Null, 0, errShort
		}
		sec := int64(beUint(b[:4]))
		us := int64(frac(b[4:n], int(c.Meta)))
		if sec == 0 && us == 0 {
			return value.Text("0000-00-00 00:00:00"), n, nil
		}
		return value.Instant(sec*1e6 + us), n, nil
	case TypeTime2:
		n := 3 + (int(c.Meta)+1)/2
		if !need(n) {
			return value.Null, 0, errShort
		}
		fb := n - 3
		raw := int64(beUint(b[:n])) - int64(0x800000)<<(8*fb)
		neg := raw < 0
		if neg {
			raw = -raw
		}
		hms := raw >> (8 * fb)
		fr := raw & (1<<(8*fb) - 1)
		for i := fb; i < 3; i++ {
			fr *= 100
		}
		us := (hms>>12&0x3ff*3600+hms>>6&63*60+hms&63)*1e6 + fr
		us = ((hms>>12&0x3ff)*3600+(hms>>6&63)*60+hms&63)*1e6 + fr
		if neg {
			us = -us
		}
		return value.TimeOfDay(us), n, nil
	case TypeBit:
		bits := int(c.Meta>>8)*8 + int(c.Meta&0xff)
		n := (bits + 7) / 8
		if !need(n) {
			return value.Null, 0, errShort
		}
		return integer(beUint(b[:n]), 64, true), n, nil
	case TypeEnum:
		n := int(c.Meta & 0xff)
		if !need(n) {
			return value.Null, 0, errShort
		}
		i := int(leUint(b[:n]))
		if i == 0 {
			return value.Text(""), n, nil
		}
		if i > len(f.Labels) {
			return value.Null, 0, fmt.Errorf("label %d of %d", i, len(f.Labels))
		}
		return value.Text(f.Labels[i-1]), n, nil
	case TypeSet:
		n := int(c.Meta & 0xff)
		if !need(n) {
			return value.Null, 0, errShort
		}
		u := leUint(b[:n])
		var s []string
		for i, l := range f.Labels {
			if u&(1<<i) != 0 {
				s = append(s, l)
			}
		}
		return value.Text(strings.Join(s, ",")), n, nil
	case TypeVarchar, TypeVarString:
		p := 1
		if c.Meta > 255 {
			p = 2
		}
		return str(b, p, f)
	case TypeString:
		p := 1
		if c.StringLength() > 255 {
			p = 2
		}
		return str(b, p, f)
	case TypeBlob, TypeJSON, TypeGeometry:
		return str(b, int(c.Meta), f)
	}
	return value.Null, 0, fmt.Errorf("type %d", c.Type)
}

func parsed(k value.Kind, s string, n int) (value.Value, int, error) {
	v, err := value.Parse(k, s)
	if err != nil {
		return value.Text(s), n, nil
	}
	return v, n, nil
}

func frac(b []byte, digits int) uint64 {
	u := beUint(b)
	for i := (digits + 1) / 2; i < 3; i++ {
		u *= 100
	}
	return u
}

func str(b []byte, p int, f Format) (value.Value, int, error) {
	if len(b) < p {
		return value.Null, 0, errShort
	}
	n := int(leUint(b[:p]))
	if len(b) < p+n {
		return value.Null, 0, errShort
	}
	raw := b[p : p+n]
	switch f.Kind {
	case value.KindAbsent:
		return value.Absent, p + n, nil
	case value.KindBytes:
		if f.Type == "binary" && len(raw) < f.Length {
			raw = append(append([]byte{}, raw...), make([]byte, f.Length-len(raw))...)
		}
		return value.Bytes(raw), p + n, nil
	}
	s, err := DecodeText(f.Charset, raw)
	if err != nil {
		return value.Null, 0, err
	}
	if f.Type == "char" {
		s = strings.TrimRight(s, " ")
	}
	return value.Text(s), p + n, nil
}

func DecodeText(charset string, b []byte) (string, error) {
	s := string(b)
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("invalid %s", charset)
	}
	return s, nil
}

func decimal(b []byte, precision, scale int) (value.Value, int, error) {
	bytesFor := [10]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}
	whole := precision - scale
	n := whole/9*4 + bytesFor[whole%9] + scale/9*4 + bytesFor[scale%9]
	if len(b) < n {
		return value.Null, 0, errShort
	}
	d := append([]byte{}, b[:n]...)
	neg := d[0]&0x80 == 0
	d[0] ^= 0x80
	if neg {
		for i := range d {
			d[i] ^= 0xff
		}
	}
	var s strings.Builder
	if neg {
		s.WriteByte('-')
	}
	take := func(digits int) {
		k := bytesFor[digits]
		fmt.Fprintf(&s, "%0*d", digits, beUint(d[:k]))
		d = d[k:]
	}
	if whole%9 > 0 {
		take(whole % 9)
	}
	for range whole / 9 {
		take(9)
	}
	if whole == 0 {
		s.WriteByte('0')
	}
	if scale > 0 {
		s.WriteByte('.')
		for range scale / 9 {
			take(9)
		}
		if scale%9 > 0 {
			take(scale % 9)
		}
	}
	v, err := value.Decimal(s.String())
	return v, n, err
}
