package binlog

import (
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"time"
)

// randomType is a column type with its parameters, and what makes values of it.
type randomType struct {
	ddl     string // without NULL or NOT NULL
	base    string // information_schema.columns.data_type
	literal func(r *rand.Rand) string
	bytes   int  // that it takes of the 65,535 of a row
	keyable bool // fit to be part of a primary key
	fixed   bool // the log does not tell its type: today's catalog does, so no ALTER may touch it
}

// alphabets are character sets with letters that they have beyond ASCII, and bytes per character.
var alphabets = []struct {
	charset, letters string
	bytes            int
}{
	{"utf8mb4", "éß€Жあ漢字🪑😀\u200d", 4},
	{"utf8", "éß€Жあ漢字한", 3},
	{"latin1", "éßÿü€Ž™", 1},
	{"ascii", "", 1},
	{"latin2", "ęłńőß", 1},
	{"cp1250", "ęłńőß€", 1},
	{"cp1251", "Жжя€", 1},
	{"koi8r", "Жжя", 1},
	{"greek", "αβγΩ", 1},
	{"latin5", "ğşİı", 1},
	{"ucs2", "éß€Жあ漢", 2},
	{"utf16", "éß€Жあ漢🪑", 4},
	{"utf16le", "éß€Жあ漢🪑", 4},
	{"utf32", "éß€Жあ漢🪑", 4},
	{"sjis", "あ漢字ｱ", 2},
	{"cp932", "あ漢字ｱ", 2},
	{"gbk", "漢字中", 2},
	{"gb2312", "中文字", 2},
	{"big5", "漢字中", 2},
	{"euckr", "한글", 2},
	{"ujis", "あ漢字", 3},
	{"eucjpms", "あ漢字", 3},
}

func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }

// length is mostly small, and every length now and then.
func length(r *rand.Rand, most int) int {
	switch r.IntN(6) {
	case 0:
		return 0
	case 1:
		return most
	case 2:
		return r.IntN(most + 1)
	}
	return min(most, r.IntN(12))
}

func hexLiteral(b []byte) string {
	if len(b) == 0 {
		return "''"
	}
	return "X'" + hex.EncodeToString(b) + "'"
}

func bytesLiteral(most int) func(r *rand.Rand) string {
	return func(r *rand.Rand) string {
		b := make([]byte, length(r, most))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if len(b) > 2 && r.IntN(3) == 0 {
			clear(b[len(b)-2:]) // MD-2
		}
		return hexLiteral(b)
	}
}

// textLiteral is up to most characters of an alphabet's letters, controls, blanks and quotes.
func textLiteral(letters string, most int) func(r *rand.Rand) string {
	all := []rune("abcXYZ019 '\"\\%_`\x00\t\n\x7f,;" + letters + letters + letters)
	return func(r *rand.Rand) string {
		s := make([]rune, length(r, most))
		for i := range s {
			s[i] = pick(r, all)
		}
		if len(s) > 1 && r.IntN(4) == 0 {
			s[len(s)-1] = ' '
		}
		text := hexLiteral([]byte(string(s)))
		if len(s) == 0 {
			return text
		}
		return "_utf8mb4 " + text
	}
}

func integerType(r *rand.Rand, _ string) randomType {
	names := []string{"tinyint", "smallint", "mediumint", "int", "bigint"}
	i := r.IntN(len(names))
	bits := []int{8, 16, 24, 32, 64}[i]
	low, high := new(big.Int).Lsh(big.NewInt(-1), uint(bits-1)), new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
	ty := randomType{ddl: names[i], base: names[i], bytes: 8, keyable: true}
	if r.IntN(2) == 0 {
		ty.ddl += pick(r, []string{" unsigned", "(4) unsigned zerofill"})
		low, high = big.NewInt(0), new(big.Int).Lsh(big.NewInt(1), uint(bits))
	}
	ty.literal = func(r *rand.Rand) string {
		switch r.IntN(6) {
		case 0:
			return low.String()
		case 1:
			return new(big.Int).Sub(high, big.NewInt(1)).String()
		case 2:
			return "0"
		}
		span := new(big.Int).Sub(high, low)
		n := new(big.Int).SetUint64(r.Uint64())
		return n.Mod(n, span).Add(n, low).String()
	}
	return ty
}

func decimalType(r *rand.Rand, _ string) randomType {
	digits := 1 + r.IntN(65)
	scale := r.IntN(min(digits, 30) + 1)
	ty := randomType{ddl: fmt.Sprintf("decimal(%d,%d)", digits, scale), base: "decimal", bytes: 30, keyable: true}
	unsigned := r.IntN(4) == 0
	if unsigned {
		ty.ddl += " unsigned"
	}
	ty.literal = func(r *rand.Rand) string {
		whole, fraction := r.IntN(digits-scale+1), r.IntN(scale+1)
		if r.IntN(5) == 0 {
			whole, fraction = digits-scale, scale
		}
		number := func(n int, nines bool) string {
			b := make([]byte, n)
			for i := range b {
				if b[i] = byte('0' + r.IntN(10)); nines {
					b[i] = '9'
				}
			}
			return string(b)
		}
		nines := r.IntN(5) == 0
		text := "0" + number(whole, nines)
		if fraction > 0 {
			text += "." + number(fraction, nines)
		}
		if !unsigned && r.IntN(2) == 0 {
			text = "-" + text
		}
		return text
	}
	return ty
}

func realType(r *rand.Rand, _ string) randomType {
	if r.IntN(2) == 0 {
		return randomType{ddl: "double", base: "double", bytes: 8, literal: func(r *rand.Rand) string {
			corner := []float64{0, math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 2.2250738585072014e-308, 0.1, 1 << 53}
			f := math.Float64frombits(r.Uint64())
			if r.IntN(3) == 0 || math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) < 1e-300 {
				f = pick(r, corner[:len(corner)-3])
				if f == math.SmallestNonzeroFloat64 {
					f = corner[len(corner)-2]
				}
			}
			return fmt.Sprintf("%.17e", f)
		}}
	}
	return randomType{ddl: "float", base: "float", bytes: 4, literal: func(r *rand.Rand) string {
		f := math.Float32frombits(r.Uint32())
		if r.IntN(3) == 0 || f != f || math.IsInf(float64(f), 0) || math.Abs(float64(f)) < 1e-37 || math.Abs(float64(f)) > 3.4e38 {
			f = pick(r, []float32{0, 3.4028234e38, -3.4028234e38, 1.17549435e-38, 0.1, 16777217})
		}
		return fmt.Sprintf("%.9e", f)
	}}
}

func bitType(r *rand.Rand, _ string) randomType {
	n := 1 + r.IntN(64)
	return randomType{ddl: fmt.Sprintf("bit(%d)", n), base: "bit", bytes: 8, literal: func(r *rand.Rand) string {
		most := ^uint64(0) >> (64 - n)
		return fmt.Sprint(pick(r, []uint64{0, most, r.Uint64() & most, 1 << (n - 1)}))
	}}
}

func yearType(*rand.Rand, string) randomType {
	return randomType{ddl: "year", base: "year", bytes: 1, literal: func(r *rand.Rand) string {
		return fmt.Sprint(pick(r, []int{0, 1901, 2155, 1901 + r.IntN(255)}))
	}}
}

// fraction adds digits of a second.
func fraction(r *rand.Rand, digits int) string {
	if digits == 0 {
		return ""
	}
	n := r.IntN(1_000_000)
	if r.IntN(4) == 0 {
		n = pick(r, []int{0, 999_999, 1, 500_000})
	}
	return "." + fmt.Sprintf("%06d", n)[:digits]
}

func momentType(r *rand.Rand, _ string) randomType {
	digits := r.IntN(7)
	kind := pick(r, []string{"datetime", "timestamp", "time", "date"})
	ty := randomType{ddl: fmt.Sprintf("%s(%d)", kind, digits), base: kind, bytes: 8, keyable: true}
	switch kind {
	case "date":
		ty.ddl, ty.literal = kind, func(r *rand.Rand) string {
			day := time.Date(1000, 1, 1+r.IntN(3_287_181), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
			return "'" + pick(r, []string{"1000-01-01", "9999-12-31", "1970-01-01", "2024-02-29", day, day}) + "'"
		}
	case "time":
		ty.literal = func(r *rand.Rand) string {
			h, m, s := r.IntN(839), r.IntN(60), r.IntN(60)
			text := fmt.Sprintf("%d:%02d:%02d", h, m, s) + fraction(r, digits)
			if r.IntN(6) == 0 {
				text = pick(r, []string{"838:59:59", "0:00:00", "0:00:01", "23:59:59"})
			}
			return "'" + pick(r, []string{"", "-"}) + text + "'"
		}
	case "datetime":
		ty.literal = func(r *rand.Rand) string {
			at := time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(r.Int64N(290)) * 365 * 24 * time.Hour)
			at = at.AddDate(r.IntN(8600), r.IntN(12), r.IntN(28)).Add(time.Duration(r.Int64N(int64(24 * time.Hour))))
			text := at.Format(time.DateTime)
			if r.IntN(6) == 0 {
				text = pick(r, []string{"1000-01-01 00:00:00", "9999-12-31 23:59:59", "1969-12-31 23:59:59"})
			}
			return "'" + text + fraction(r, digits) + "'"
		}
	case "timestamp":
		ty.literal = func(r *rand.Rand) string {
			at := time.Unix(1+r.Int64N(math.MaxInt32-1), 0).UTC().Format(time.DateTime)
			if r.IntN(6) == 0 {
				at = pick(r, []string{"1970-01-01 00:00:01", "2038-01-19 03:14:06", "2026-03-29 02:30:00"})
			}
			return "'" + at + fraction(r, digits) + "'"
		}
	}
	return ty
}

func textType(r *rand.Rand, _ string) randomType {
	a := pick(r, alphabets)
	if r.IntN(3) == 0 {
		a = alphabets[0]
	}
	kind := pick(r, []string{"char", "varchar", "varchar", "varchar", "tinytext", "text", "mediumtext", "longtext"})
	ty := randomType{base: kind, bytes: 12}
	most := 60
	switch kind {
	case "char":
		most = pick(r, []int{1, 10, 63, 64, 85, 86, 200, 255})
		ty.ddl, ty.bytes, ty.keyable = fmt.Sprintf("char(%d)", most), most*a.bytes, most <= 10
	case "varchar":
		most = pick(r, []int{1, 20, 63, 64, 127, 128, 255, 256, 400})
		ty.ddl, ty.bytes, ty.keyable = fmt.Sprintf("varchar(%d)", most), most*a.bytes+2, most <= 20
	default:
		ty.ddl = kind
	}
	ty.ddl += " CHARACTER SET " + a.charset
	if ty.keyable && a.charset == "utf8mb4" && r.IntN(2) == 0 {
		ty.ddl += " COLLATE utf8mb4_bin"
	}
	ty.literal = textLiteral(a.letters, most)
	return ty
}

func bytesType(r *rand.Rand, _ string) randomType {
	kind := pick(r, []string{"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
	ty := randomType{ddl: kind, base: kind, bytes: 12}
	most := 200
	switch kind {
	case "binary":
		most = pick(r, []int{1, 4, 16, 200, 255})
		ty.ddl, ty.bytes, ty.keyable = fmt.Sprintf("binary(%d)", most), most, most <= 16
	case "varbinary":
		most = pick(r, []int{1, 20, 255, 256, 700})
		ty.ddl, ty.bytes, ty.keyable = fmt.Sprintf("varbinary(%d)", most), most, most <= 20
	}
	ty.literal = bytesLiteral(most)
	return ty
}

// listType is ENUM and SET with labels that have quotes, blanks and letters of the character set in them.
// Where the log has no labels, the catalog cannot tell those with four-byte characters.
func listType(r *rand.Rand, engine string) randomType {
	a := pick(r, alphabets)
	for engine == "mysql" && a.bytes == 4 {
		a = pick(r, alphabets)
	}
	kind := pick(r, []string{"enum", "set"})
	n := pick(r, []int{1, 2, 7, 8, 9, 40, 64})
	if kind == "enum" && r.IntN(3) == 0 {
		n = 300
	}
	ty := randomType{base: kind, bytes: 8}
	labels := make([]string, n)
	for i := range labels {
		label := pick(r, []string{"it''s ", "a b", "%_", "new.", "(x)", "\"", a.letters, a.letters}) + fmt.Sprint(i)
		labels[i] = "'" + label + "'"
	}
	if kind == "enum" && r.IntN(2) == 0 {
		labels[0] = "''"
	}
	ty.ddl = kind + "(" + strings.Join(labels, ",") + ") CHARACTER SET " + a.charset
	ty.literal = func(r *rand.Rand) string {
		if kind == "enum" {
			return fmt.Sprint(1 + r.IntN(n))
		}
		most := ^uint64(0) >> (64 - n)
		return fmt.Sprint(pick(r, []uint64{0, most, r.Uint64() & most, 1 << (n - 1)}))
	}
	return ty
}

// mariadbType is what only MariaDB has.
func mariadbType(r *rand.Rand, _ string) randomType {
	switch r.IntN(6) {
	case 0:
		return randomType{ddl: "uuid", base: "uuid", bytes: 16, fixed: true, keyable: true, literal: func(r *rand.Rand) string {
			return fmt.Sprintf("'%08x-%04x-4%03x-9%03x-%012x'", r.Uint32(), r.Uint32()&0xffff, r.Uint32()&0xfff, r.Uint32()&0xfff, r.Uint64()&0xffffffffffff)
		}}
	case 1:
		return randomType{ddl: "inet6", base: "inet6", bytes: 16, fixed: true, literal: func(r *rand.Rand) string {
			return pick(r, []string{"'::'", "'::1'", "'::ffff:192.168.0.1'", fmt.Sprintf("'2001:db8::%x:%x'", r.Uint32()&0xffff, r.Uint32()&0xffff), "'::10.0.0.1'", "'1:0:0:2::3'"})
		}}
	case 2:
		return randomType{ddl: "inet4", base: "inet4", bytes: 4, fixed: true, literal: func(r *rand.Rand) string {
			return fmt.Sprintf("'%d.%d.%d.%d'", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256))
		}}
	case 3:
		return randomType{ddl: "json", base: "longtext", bytes: 12, literal: func(r *rand.Rand) string {
			return fmt.Sprintf(`'{"b": %d, "a": [1.50, null, "é🪑"]}'`, r.IntN(1000))
		}}
	case 4:
		return randomType{ddl: "varchar(300) COMPRESSED", base: "varchar", bytes: 1300, literal: textLiteral("é🪑", 300)}
	}
	return randomType{ddl: "blob COMPRESSED", base: "blob", bytes: 12, literal: bytesLiteral(500)}
}

// someType is any type that the engine has.
func someType(r *rand.Rand, engine string) randomType {
	makers := []func(*rand.Rand, string) randomType{
		integerType, integerType, decimalType, realType, bitType, yearType, momentType, momentType,
		textType, textType, textType, bytesType, bytesType, listType, listType,
	}
	if engine == "mariadb" {
		makers = append(makers, mariadbType)
	}
	return pick(r, makers)(r, engine)
}
