package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"ardso/sql/value"
)

// number reports whether the type is a number's, and sets how it is read.
func (f *field) number(c Column) bool {
	switch c.Type {
	case TypeTiny, TypeShort, TypeInt24, TypeLong, TypeLongLong:
		f.read = readSigned
		if f.unsigned {
			f.read = readUnsigned
		}
	case TypeYear:
		f.read = readYear
	case TypeFloat:
		f.read = readFloat
	case TypeDouble:
		f.read = readDouble
	case TypeDecimal:
		f.read = readDecimal
	case TypeBit:
		f.read = readBit
	default:
		return false
	}
	return true
}

func readSigned(_ *field, b []byte) (value.Value, error) {
	switch len(b) {
	case 1:
		return value.Int(int64(int8(b[0]))), nil
	case 2:
		return value.Int(int64(int16(binary.LittleEndian.Uint16(b)))), nil
	case 3:
		return value.Int(int64(int32(littleEndian(b)<<8) >> 8)), nil
	case 4:
		return value.Int(int64(int32(binary.LittleEndian.Uint32(b)))), nil
	}
	return value.Int(int64(binary.LittleEndian.Uint64(b))), nil
}

func readUnsigned(_ *field, b []byte) (value.Value, error) {
	switch len(b) {
	case 1:
		return value.Int(int64(b[0])), nil
	case 4:
		return value.Int(int64(binary.LittleEndian.Uint32(b))), nil
	}
	return unsigned(littleEndian(b))
}

// unsigned is an integer; beyond int64 a decimal.
func unsigned(u uint64) (value.Value, error) {
	if u > math.MaxInt64 {
		return value.Decimal(strconv.FormatUint(u, 10))
	}
	return value.Int(int64(u)), nil
}

// readBit reads the highest bits first; 64 of them are no negative number (MD-6).
func readBit(_ *field, b []byte) (value.Value, error) { return unsigned(bigEndian(b)) }

// readYear reads years since 1900; 0 is the year 0000 (MD-10).
func readYear(_ *field, b []byte) (value.Value, error) {
	if b[0] == 0 {
		return value.Int(0), nil
	}
	return value.Int(1900 + int64(b[0])), nil
}

// readFloat widens exactly. A SELECT adds 0 so that the server prints all digits (MD-11), whereby -0 becomes 0.
func readFloat(_ *field, b []byte) (value.Value, error) {
	return value.Real(float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) + 0), nil
}

// readDouble makes 0 of -0, as readFloat does.
func readDouble(_ *field, b []byte) (value.Value, error) {
	return value.Real(math.Float64frombits(binary.LittleEndian.Uint64(b)) + 0), nil
}

// Decimals are groups of nine digits in four bytes, counted from the point; the group at either end may have
// fewer digits and bytes.
const (
	groupDigits = 9
	groupBytes  = 4
	maxDigits   = 65
)

// bytesFor is how many bytes a group of so many digits takes.
var bytesFor = [groupDigits + 1]int{0, 1, 1, 2, 2, 3, 3, 4, 4, 4}

func sizeOf(digits int) int {
	return digits/groupDigits*groupBytes + bytesFor[digits%groupDigits]
}

func (f *field) decimalFrame(c Column) error {
	precision, scale := int(c.Meta>>8), int(c.Meta&0xff)
	f.width, f.whole, f.scale = sizeOf(precision-min(scale, precision))+sizeOf(scale), precision-scale, scale
	if precision < 1 || precision > maxDigits || scale > precision {
		return fmt.Errorf("a decimal of %d digits, %d of them behind the point", precision, scale)
	}
	return nil
}

func readDecimal(f *field, b []byte) (value.Value, error) {
	var digits [maxDigits]byte
	negative, err := unpackDecimal(digits[:f.whole+f.scale], b, f.whole)
	if err != nil {
		return value.Value{}, err
	}
	return value.Digits(negative, digits[:f.whole], digits[f.whole:f.whole+f.scale])
}

var errDecimal = errors.New("bytes that are no decimal")

// unpackDecimal writes the digits that b holds, of which whole stand before the point. The first bit is set in
// numbers from 0 on; negative ones have all bits turned over, so that bytes sort as numbers do.
func unpackDecimal(digits, b []byte, whole int) (negative bool, err error) {
	var mask byte
	if negative = b[0]&0x80 == 0; negative {
		mask = 0xff
	}
	flip := mask ^ 0x80 // of the first byte
	for done := 0; done < len(digits); {
		n := groupDigits
		if first := whole % groupDigits; done == 0 && first > 0 {
			n = first
		}
		n = min(n, len(digits)-done)
		group := uint32(0)
		for _, x := range b[:bytesFor[n]] {
			group, flip = group<<8|uint32(x^flip), mask
		}
		b = b[bytesFor[n]:]
		for i := done + n - 1; i >= done; i-- {
			digits[i] = '0' + byte(group%10)
			group /= 10
		}
		if group != 0 {
			return false, errDecimal
		}
		done += n
	}
	return negative, nil
}
