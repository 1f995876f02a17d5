package qual

import (
	"fmt"
	"strings"
	"testing"

	"ardso/sql/schema"
	"ardso/sql/value"
)

// columnForm is a form whose fields are named after how their columns keep values.
func columnForm() *schema.Form {
	form := &schema.Form{Name: "Columns", EmptyIsNull: true}
	add := func(name string, t schema.Type, c schema.Column) {
		c.Name, c.DataType = name, c.BaseType
		if c.Kind == value.KindInt && c.Bits == 0 {
			c.Bits = 32
		}
		form.Fields = append(form.Fields, &schema.Field{
			ID: 1000 + len(form.Fields), Name: name, Type: t, Index: len(form.Fields), Column: &c,
			Values: []schema.EnumValue{{ID: 0, Label: "New"}, {ID: 4, Label: "Closed"}},
		})
	}
	add("text", schema.Character, schema.Column{Kind: value.KindText, BaseType: "text"})
	add("citext", schema.Character, schema.Column{Kind: value.KindText, BaseType: `public."citext"`, CaseFolding: true})
	add("latin", schema.Character, schema.Column{Kind: value.KindText, BaseType: "varchar", Charset: "latin1"})
	add("uuid", schema.Character, schema.Column{Kind: value.KindText, BaseType: "uuid"})
	add("json", schema.Character, schema.Column{Kind: value.KindText, BaseType: "JSON", Untyped: true})
	add("lite", schema.Character, schema.Column{Kind: value.KindText, BaseType: "VARCHAR(40)", Untyped: true})
	add("number as text", schema.Character, schema.Column{Kind: value.KindInt, BaseType: "integer"})
	add("int", schema.Integer, schema.Column{Kind: value.KindInt, BaseType: "integer"})
	add("bool", schema.Integer, schema.Column{Kind: value.KindInt, BaseType: "boolean", Bits: 1})
	add("year", schema.Integer, schema.Column{Kind: value.KindInt, BaseType: "year"})
	add("state", schema.Selection, schema.Column{Kind: value.KindInt, BaseType: "integer"})
	add("decimal", schema.Decimal, schema.Column{Kind: value.KindDecimal, BaseType: "numeric"})
	add("lite decimal", schema.Decimal, schema.Column{Kind: value.KindDecimal, BaseType: "DECIMAL", Untyped: true})
	add("real", schema.Real, schema.Column{Kind: value.KindReal, BaseType: "double precision"})
	add("epoch", schema.DateTime, schema.Column{Kind: value.KindInt, BaseType: "integer"})
	add("timestamp", schema.DateTime, schema.Column{Kind: value.KindInstant, BaseType: "timestamp"})
	add("lite timestamp", schema.DateTime, schema.Column{Kind: value.KindInstant, BaseType: "DATETIME", Untyped: true})
	add("midnight", schema.DateTime, schema.Column{Kind: value.KindDate, BaseType: "date"})
	add("julian", schema.Date, schema.Column{Kind: value.KindInt, BaseType: "integer"})
	add("date", schema.Date, schema.Column{Kind: value.KindDate, BaseType: "date"})
	add("time", schema.Time, schema.Column{Kind: value.KindTime, BaseType: "time"})
	add("bytes", schema.Bytes, schema.Column{Kind: value.KindBytes, BaseType: "bytea"})
	return form
}

var conditionNames = [...]string{"always", "and", "or", "=", "<>", "<", "<=", ">", ">=", "in", "is null", "not null"}

func showCondition(c schema.Condition) string {
	var parts []string
	for _, p := range c.Parts {
		parts = append(parts, showCondition(p))
	}
	if c.Column == nil {
		return strings.TrimSpace(conditionNames[c.Op] + " " + strings.Join(parts, "; "))
	}
	for _, v := range c.Values {
		parts = append(parts, v.SQL())
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", c.Column.Name, conditionNames[c.Op], strings.Join(parts, " ")))
}

func TestPrefilter(t *testing.T) {
	t.Parallel()
	folded, exact := Scope{Form: columnForm()}, Scope{Form: columnForm(), CaseSensitive: true}
	twoValued := Scope{Form: columnForm(), NullCompareAR: true}
	tests := []struct {
		name, text string
		scope      Scope
		want       string
	}{
		{"empty", ``, folded, "always"},
		{"integer", `'int' = 5`, folded, "int = 5"},
		{"sides exchanged", `5 < 'int'`, folded, "int > 5"},
		{"integer with a fraction", `'int' < 5.5 AND 'int' >= 5.5`, folded, "and int <= 5; int > 5"},
		{"no integer has a fraction", `'int' = 5.5`, folded, "int not null"},
		{"constants are computed", `'int' > 60 * 60 * 10`, folded, "int > 36000"},
		{"NOT", `NOT ('int' < 5 OR 'int' = 7)`, folded, "and int >= 5; int <> 7"},
		{"NOT of AND", `NOT ('int' < 5 AND 'int' != 3)`, folded, "or int >= 5; int = 3"},
		{"AND keeps what it can", `'int' = 5 AND 'text' LIKE "a%"`, folded, "int = 5"},
		{"OR needs all", `'int' = 5 OR 'text' LIKE "a%"`, folded, "always"},
		{"IN", `'int' IN (1, 2, $NULL$)`, folded, "int in 1 2"},
		{"NOT IN", `'int' NOT IN (1, 2, $NULL$)`, folded, "and int <> 1; int <> 2"},
		{"IN with a field", `'int' IN (1, 'year')`, folded, "int not null"},
		{"two fields", `'int' = 'year'`, folded, "int not null"},
		{"keyword", `'epoch' < $TIMESTAMP$`, folded, "epoch not null"},
		{"arithmetic on the field", `'int' + 1 = 5`, folded, "always"},
		{"boolean and year", `'bool' = 1 AND 'year' = 70`, folded, "and bool not null; year not null"},
		{"selection", `'state' < "Closed"`, folded, "state < 4"},

		{"$NULL$", `'int' = $NULL$ OR 'int' != $NULL$`, folded, "or int is null; int not null"},
		{"empty text is NULL", `'text' = $NULL$`, folded, "text is null"},
		{"blank text under a padding collation", `'text' != $NULL$`, folded, "always"},
		{"two-valued != finds NULL", `'int' != 5`, twoValued, "always"},
		{"two-valued = does not", `'int' = 5`, twoValued, "int = 5"},
		{"two-valued NOT = finds NULL", `NOT 'int' = 5`, twoValued, "always"},
		{"two-valued order does not", `NOT 'int' > 5`, twoValued, "int <= 5"},

		{"text without case", `'text' = "0815-漢"`, folded, "text = 0815-漢"},
		{"text with few spellings", `'text' = "R1k"`, folded, "text in R1k R1\u212a R1K r1k r1\u212a r1K"},
		{"text with many", `'text' = "Short Description"`, folded, "always"},
		{"text to the letter", `'text' = "Short Description"`, exact, "text = Short Description"},
		{"citext knows most letters", `'citext' = "Broken"`, folded, "citext in Broken Bro\u212aen BroKen"},
		{"Turkish i, long s", `'citext' = "is"`, folded, "citext in is iſ iS Is Iſ IS"},
		{"inequality and order of text", `'text' != "0" AND 'text' > "0"`, exact, "always"},
		{"a character that the column lacks", `'latin' = "漢"`, exact, "always"},
		{"spellings that the column lacks", `'latin' = "k"`, folded, "latin in k K"},
		{"uuid, json", `'uuid' = "0" OR 'json' = "0"`, exact, "always"},
		{"SQLite text", `'lite' = "0"`, folded, "lite = 0"},
		{"a number read as text", `'number as text' = "5"`, folded, "always"},
		{"a number read as text, NULL", `'number as text' = $NULL$`, folded, "always"},
		{"U+0000", "'text' = \"\x00\"", folded, "always"},

		{"decimal", `'decimal' < 12.50 AND 'decimal' != 3`, folded, "and decimal < 12.5; decimal <> 3"},
		{"SQLite keeps decimals as floats", `'lite decimal' > 12.5 AND 'lite decimal' != 3`, folded, "and lite decimal >= 12.5; lite decimal not null"},
		{"and -Infinity as text", `'lite decimal' < 12.5`, folded, "or lite decimal <= 12.5; lite decimal >="},
		{"more digits than a float has", `'lite decimal' = 1234567890.1234567`, folded, "lite decimal not null"},
		{"real", `'real' > 1`, folded, "real > 1"},
		{"NaN", `'real' = CONVERT("NaN", "REAL") AND 'decimal' = CONVERT("NaN", "DECIMAL")`, folded, "and real not null; decimal not null"},

		{"epoch", `'epoch' >= "2026-11-22" AND 'epoch' < 1800000000`, folded, "and epoch >= 1795305600; epoch < 1800000000"},
		{"epoch with a fraction", `'epoch' < "2026-11-22 00:00:00.5"`, folded, "epoch <= 1795305600"},
		{"timestamp", `'timestamp' = "2026-11-22" AND 'timestamp' > 0`, folded, "and timestamp = 2026-11-22 00:00:00; timestamp > 1970-01-01 00:00:00"},
		{"infinite", `'timestamp' < CONVERT("infinity", "DATE/TIME")`, folded, "timestamp not null"},
		{"a year that not all engines know", `'timestamp' < CONVERT("0044-03-15 00:00:00Z BC", "DATE/TIME")`, folded, "timestamp not null"},
		{"SQLite has no timestamps", `'lite timestamp' = "2026-11-22"`, folded, "lite timestamp not null"},
		{"a date read as date/time", `'midnight' < "2026-11-22 12:00" AND 'midnight' > "2026-11-22"`, folded, "and midnight <= 2026-11-22; midnight > 2026-11-22"},
		{"day number", `'julian' = "2026-11-22"`, folded, "julian = 2461367"},
		{"date", `'date' = "2026-11-22" OR 'date' = 2461368`, folded, "or date = 2026-11-22; date = 2026-11-23"},
		{"time", `'time' > "10:00" AND 'time' < 90000`, folded, "and time > 10:00:00; time not null"},
		{"bytes", `'bytes' = CONVERT("41", "BYTES")`, folded, "bytes = A"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := showCondition(mustCompile(t, tt.text, tt.scope).Prefilter()); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.text, got, tt.want)
			}
		})
	}
}
