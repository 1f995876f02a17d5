package event

import (
	"encoding/binary"
	"fmt"

	"ardso/sql/value"
)

const second = 1_000_000 // microseconds

// time reports whether the type is a date's or time's, and sets how it is read.
func (f *field) time(c Column) bool {
	switch c.Type {
	case TypeDate, TypeNewDate:
		f.read = readDate
	case TypeTime:
		f.read = readOldTime
	case TypeTime2:
		f.read = readTime
	case TypeTimestamp:
		f.read = readOldTimestamp
	case TypeTimestamp2:
		f.read = readTimestamp
	case TypeDatetime:
		f.read = readOldDatetime
	case TypeDatetime2:
		f.read = readDatetime
	default:
		return false
	}
	return true
}

// civil is a date and time as the server stores it, which need not be any day.
type civil struct {
	year, month, dayOfMonth int64
	hour, minute, second    int64
	micros                  int64
}

// day is its Julian day number; ok is false where it is no day of the calendar, or no time of that day.
func (t civil) day() (n int64, ok bool) {
	n, ok = value.JulianDay(t.year, t.month, t.dayOfMonth)
	return n, ok && t.year > 0 && t.hour < 24 && t.minute < 60 && t.second < 60
}

func (t civil) date() (value.Value, error) {
	if day, ok := t.day(); ok {
		return value.Date(day), nil
	}
	return value.Text(fmt.Sprintf("%04d-%02d-%02d", t.year, t.month, t.dayOfMonth)), nil
}

// instant takes the time as UTC (MD-8). What is no instant becomes the text that the server prints.
func (t civil) instant(scale int) (value.Value, error) {
	if day, ok := t.day(); ok {
		seconds := (((day-value.EpochDay)*24+t.hour)*60+t.minute)*60 + t.second
		return value.Instant(seconds*second + t.micros), nil
	}
	text := fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", t.year, t.month, t.dayOfMonth, t.hour, t.minute, t.second)
	if scale > 0 {
		text += fmt.Sprintf(".%06d", t.micros)[:1+scale]
	}
	return value.Text(text), nil
}

// readDate reads five bits of day, four of month, and the year above.
func readDate(_ *field, b []byte) (value.Value, error) {
	u := int64(littleEndian(b))
	return civil{year: u >> 9, month: u >> 5 & 15, dayOfMonth: u & 31}.date()
}

// fractionOf is the microseconds in the bytes behind a time, which are hundredths, or so many more digits.
func fractionOf(b []byte) int64 {
	us := int64(bigEndian(b))
	for i := len(b); i < 3; i++ {
		us *= 100
	}
	return us
}

// readDatetime reads 40 bits, the highest always set: 13 months a year, then day, hour, minute and second; and
// the fraction.
func readDatetime(f *field, b []byte) (value.Value, error) {
	u := int64(bigEndian(b[:5]))
	if u>>39 != 1 {
		return value.Value{}, fmt.Errorf("%x is no date and time", b)
	}
	u &= 1<<39 - 1
	months := u >> 22
	t := civil{months / 13, months % 13, u >> 17 & 31, u >> 12 & 31, u >> 6 & 63, u & 63, fractionOf(b[5:])}
	return t.instant(f.scale)
}

// readTimestamp reads seconds since 1970 and the fraction; 0 is the zero date, which is no instant.
func readTimestamp(f *field, b []byte) (value.Value, error) {
	return timestamp(int64(binary.BigEndian.Uint32(b)), fractionOf(b[4:]), f.scale)
}

func timestamp(seconds, micros int64, scale int) (value.Value, error) {
	if seconds == 0 && micros == 0 {
		return civil{}.instant(scale)
	}
	return value.Instant(seconds*second + micros), nil
}

// readTime reads ten bits of hours, six of minutes, six of seconds and the fraction, as one number with an
// offset, which is the time's sign.
func readTime(_ *field, b []byte) (value.Value, error) {
	shift := 8 * (len(b) - 3)
	u := int64(bigEndian(b)) - 0x800000<<shift
	negative := u < 0
	if negative {
		u = -u
	}
	hms, rest := u>>shift, u&(1<<shift-1) // no digits: none of the bits below
	for i := len(b); i < 6; i++ {
		rest *= 100
	}
	us := ((hms>>12&0x3ff)*60+hms>>6&63)*60*second + (hms&63)*second + rest
	if negative {
		us = -us
	}
	return value.TimeOfDay(us), nil
}

// The types below are of tables that were made before MySQL 5.6, or with mysql56_temporal_format off in MariaDB.
// The log does not tell whether MariaDB's have a fraction in this form: those that have are refused by what the
// catalog says.

// readOldTime reads the decimal digits hhmmss.
func readOldTime(_ *field, b []byte) (value.Value, error) {
	n := int64(int32(littleEndian(b)<<8) >> 8)
	sign := int64(1)
	if n < 0 {
		n, sign = -n, -1
	}
	return value.TimeOfDay(sign * (n/10000*3600 + n/100%100*60 + n%100) * second), nil
}

func readOldTimestamp(_ *field, b []byte) (value.Value, error) {
	return timestamp(int64(binary.LittleEndian.Uint32(b)), 0, 0)
}

// readOldDatetime reads the decimal digits yyyymmddhhmmss.
func readOldDatetime(_ *field, b []byte) (value.Value, error) {
	u := binary.LittleEndian.Uint64(b)
	if u > 99991231235959 {
		return value.Value{}, fmt.Errorf("%d is no date and time", u)
	}
	n := int64(u)
	day, clock := n/1000000, n%1000000
	t := civil{day / 10000, day / 100 % 100, day % 100, clock / 10000, clock / 100 % 100, clock % 100, 0}
	return t.instant(0)
}
