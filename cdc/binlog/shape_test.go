package binlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ardso/cdc/binlog/event"
	"ardso/sql/schema"
)

func TestShapeLabels(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // nil = an error
	}{
		{`enum('new')`, []string{"new"}},
		{`enum('')`, []string{""}},
		{`set('a','b','')`, []string{"a", "b", ""}},
		{`enum('it''s','''','''''')`, []string{"it's", "'", "''"}},
		{`enum('a,b','(c)',')')`, []string{"a,b", "(c)", ")"}},
		{`enum('','',' ')`, []string{"", "", " "}},
		{`set('größe','🪑')`, []string{"größe", "🪑"}},
		{`enum('\\','a\nb','\r','\0')`, []string{`\`, "a\nb", "\r", "\x00"}},
		{`enum('\\n','\\''',',')`, []string{`\n`, `\'`, ","}},
		{`enum`, nil},
		{`enum()`, nil},
		{`enum(new)`, nil},
		{`enum('new'`, nil},
		{`enum('new)`, nil},
		{`enum('a' 'b')`, nil},
		{`enum('a',)`, nil},
		{`enum('a\`, nil},
		{``, nil},
	} {
		got, err := labels(c.text)
		if (err == nil) != (c.want != nil) || err == nil && !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// quoteLabels is what a catalog prints.
var quoteLabels = strings.NewReplacer("'", "''", `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x00", `\0`)

func TestShapeLabelsQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.StringOf(rapid.OneOf(rapid.Rune(), rapid.SampledFrom([]rune("'\\,()\n\r\x00nr0b")))), 1, 300).Draw(t, "labels")
		quoted := make([]string, len(want))
		for i, l := range want {
			quoted[i] = "'" + quoteLabels.Replace(l) + "'"
		}
		for _, kind := range []string{"enum", "set", "ENUM"} {
			got, err := labels(kind + "(" + strings.Join(quoted, ",") + ")")
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("got %q, %v, want %q", got, err, want)
			}
		}
		if isUnsigned("enum(" + strings.Join(quoted, ",") + ")") {
			t.Fatal("unsigned")
		}
	})
}

func TestShapeUnsigned(t *testing.T) {
	for text, want := range map[string]bool{
		"int(11)": false, "int(10) unsigned": true, "int unsigned": true, "int": false, "bigint(20) unsigned zerofill": true,
		"decimal(10,2) unsigned": true, "decimal(10,2)": false, "double unsigned": true, "float(7,3) unsigned": true,
		"INT(10) UNSIGNED": true, "enum('unsigned')": false, "set('a) unsigned','b')": false, "varchar(8)": false, "": false,
	} {
		if got := isUnsigned(text); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}

func TestShapeFits(t *testing.T) {
	many := func(n int) (ls []string) {
		for i := range n {
			ls = append(ls, fmt.Sprint("label ", i))
		}
		return ls
	}
	text, bytes := uint32(45), uint32(binaryCollation)
	for _, c := range []struct {
		name  string
		known shapeColumn
		log   event.Column
		want  string // part of the error; "" = it fits
	}{
		{"int", shapeColumn{DataType: "int"}, event.Column{Type: event.TypeLong}, ""},
		{"int as bigint", shapeColumn{DataType: "int"}, event.Column{Type: event.TypeLongLong}, "type code"},
		{"unheard of", shapeColumn{DataType: "money"}, event.Column{Type: event.TypeLong}, "money is not known"},
		{"decimal", shapeColumn{DataType: "decimal", Digits: 12, Scale: 2}, event.Column{Type: event.TypeDecimal, Meta: 12<<8 | 2}, ""},
		{"decimal of another scale", shapeColumn{DataType: "decimal", Digits: 12, Scale: 2}, event.Column{Type: event.TypeDecimal, Meta: 12<<8 | 3}, "size"},
		{"decimal of other digits", shapeColumn{DataType: "decimal", Digits: 65, Scale: 30}, event.Column{Type: event.TypeDecimal, Meta: 64<<8 | 30}, "size"},
		{"bit 1", shapeColumn{DataType: "bit", Digits: 1}, event.Column{Type: event.TypeBit, Meta: 1}, ""},
		{"bit 8", shapeColumn{DataType: "bit", Digits: 8}, event.Column{Type: event.TypeBit, Meta: 1 << 8}, ""},
		{"bit 64", shapeColumn{DataType: "bit", Digits: 64}, event.Column{Type: event.TypeBit, Meta: 8 << 8}, ""},
		{"bit 12 as 13", shapeColumn{DataType: "bit", Digits: 12}, event.Column{Type: event.TypeBit, Meta: 1<<8 | 5}, "size"},
		{"enum 255", shapeColumn{DataType: "enum", Labels: many(255)}, event.Column{Type: event.TypeEnum, Meta: 0xf701}, ""},
		{"enum 300", shapeColumn{DataType: "enum", Labels: many(300)}, event.Column{Type: event.TypeEnum, Meta: 0xf702}, ""},
		{"enum 256 as short", shapeColumn{DataType: "enum", Labels: many(256)}, event.Column{Type: event.TypeEnum, Meta: 0xf701}, "size"},
		{"enum as set", shapeColumn{DataType: "enum", Labels: many(2)}, event.Column{Type: event.TypeSet, Meta: 0xf801}, "type code"},
		{"set 8", shapeColumn{DataType: "set", Labels: many(8)}, event.Column{Type: event.TypeSet, Meta: 0xf801}, ""},
		{"set 9", shapeColumn{DataType: "set", Labels: many(9)}, event.Column{Type: event.TypeSet, Meta: 0xf802}, ""},
		{"set 32", shapeColumn{DataType: "set", Labels: many(32)}, event.Column{Type: event.TypeSet, Meta: 0xf804}, ""},
		{"set 33", shapeColumn{DataType: "set", Labels: many(33)}, event.Column{Type: event.TypeSet, Meta: 0xf808}, ""},
		{"set 9 as 8", shapeColumn{DataType: "set", Labels: many(9)}, event.Column{Type: event.TypeSet, Meta: 0xf801}, "size"},
		{"datetime", shapeColumn{DataType: "datetime", Fraction: 3}, event.Column{Type: event.TypeDatetime2, Meta: 3}, ""},
		{"datetime of another fraction", shapeColumn{DataType: "datetime", Fraction: 3}, event.Column{Type: event.TypeDatetime2, Meta: 6}, "size"},
		{"datetime of old", shapeColumn{DataType: "datetime"}, event.Column{Type: event.TypeDatetime}, ""},
		{"datetime as timestamp", shapeColumn{DataType: "datetime"}, event.Column{Type: event.TypeTimestamp2}, "type code"},
		{"time", shapeColumn{DataType: "time", Fraction: 6}, event.Column{Type: event.TypeTime2, Meta: 6}, ""},
		{"text", shapeColumn{DataType: "text", Charset: "utf8mb4"}, event.Column{Type: event.TypeBlob, Meta: 2}, ""},
		{"text that says so", shapeColumn{DataType: "text", Charset: "utf8mb4"}, event.Column{Type: event.TypeBlob, Meta: 2, Collation: text}, ""},
		{"text as blob", shapeColumn{DataType: "text", Charset: "utf8mb4"}, event.Column{Type: event.TypeBlob, Meta: 2, Collation: bytes}, "one is text"},
		{"blob as text", shapeColumn{DataType: "blob"}, event.Column{Type: event.TypeBlob, Meta: 2, Collation: text}, "one is text"},
		{"text as longtext", shapeColumn{DataType: "text", Charset: "latin1"}, event.Column{Type: event.TypeBlob, Meta: 4}, "size"},
		{"varchar", shapeColumn{DataType: "varchar", Charset: "utf8mb4", Octets: 80}, event.Column{Type: event.TypeVarchar, Meta: 80}, ""},
		{"varchar of another length", shapeColumn{DataType: "varchar", Charset: "utf8mb4", Octets: 80}, event.Column{Type: event.TypeVarchar, Meta: 20}, "size"},
		{"varchar compressed", shapeColumn{DataType: "varchar", Octets: 80}, event.Column{Type: event.TypeVarcharCompressed, Meta: 81}, ""},
		{"char", shapeColumn{DataType: "char", Charset: "latin1", Octets: 5}, event.Column{Type: event.TypeString, Meta: 0xfe05}, ""},
		{"long char", shapeColumn{DataType: "char", Charset: "utf8mb4", Octets: 1020}, event.Column{Type: event.TypeString, Meta: 0xcefc}, ""},
		{"char of another length", shapeColumn{DataType: "char", Octets: 5}, event.Column{Type: event.TypeString, Meta: 0xfe06}, "size"},
	} {
		err := fitsColumn(c.known, c.log)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want %q", c.name, err, c.want)
		}
	}
	one := []shapeColumn{{Name: "a", DataType: "int", Nullable: true}}
	for want, columns := range map[string][]event.Column{
		"the log has 2 columns": {{Type: event.TypeLong, Nullable: true}, {Type: event.TypeLong}},
		"the log has 0 columns": {},
		"column 1 of the log is not what column a is known to be: one may be NULL": {{Type: event.TypeLong}},
		"column 1 of the log is not what column a is known to be: type code":       {{Type: event.TypeFloat, Nullable: true}},
	} {
		if err := fits(one, &event.TableMap{Columns: columns}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

// TestShapeOfServer compares labels with what the server makes of them, and reads rows of columns of all sizes.
func TestShapeOfServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *source) {
		odd := []string{"it's", `back\slash`, "line\nbreak", "re\rturn", `"double"`, "größe", "(a)", "unsigned", `\'`, `\n`, "%", "\t", "''", ""}
		quoted := make([]string, len(odd))
		for i, l := range odd {
			quoted[i] = "'" + quoteLabels.Replace(l) + "'"
		}
		list := strings.Join(quoted, ",")
		many := make([]string, 300)
		for i := range many {
			many[i] = fmt.Sprintf("'label %d'", i)
		}
		noComma := many[:64]
		s.exec(t, `CREATE TABLE item (id int PRIMARY KEY, e enum(`+list+`), s set(`+list+`), e300 enum(`+strings.Join(many, ",")+`),
			s64 set(`+strings.Join(noComma, ",")+`), latin enum('größe','ÿ') CHARACTER SET latin1, c0 char(0), v0 varchar(0), b0 binary(0), vb0 varbinary(0),
			c255 char(255), lc char(64) CHARACTER SET latin1, b64 bit(64), b7 bit(7), d decimal(65,30), d1 decimal(1,1), dz decimal(10,0) unsigned zerofill,
			f float(7,3), n double(10,2) unsigned, y year, t6 time(6), dt1 datetime(1), ts timestamp(4) NULL, tt tinytext, ml mediumblob, bool boolean,
			v varchar(5000), i3 mediumint(4) unsigned zerofill, g geometry, r real, k numeric(7), u char(10) CHARACTER SET ucs2)`)
		s.tables = []*schema.Table{s.keyed("item")}
		columns := s.shape(t)
		if !slices.Equal(columns["e"].Labels, odd) || !slices.Equal(columns["s"].Labels, odd) {
			t.Errorf("got labels %q and %q, want %q", columns["e"].Labels, columns["s"].Labels, odd)
		}
		if n := len(columns["e300"].Labels); n != 300 {
			t.Errorf("got %d labels, want 300", n)
		}
		if got := columns["latin"].Labels; !slices.Equal(got, []string{"größe", "ÿ"}) {
			t.Errorf("got labels %q of latin1", got)
		}
		from := s.now(t)
		s.exec(t, "INSERT INTO item (id) VALUES (0)")
		for i := range odd {
			s.exec(t, fmt.Sprintf("INSERT INTO item (id, e, s, e300, s64, latin, b64, b7, dz, d1) VALUES (%d, %d, %d, 300, 1 << 63, 2, 1 << 63, 64, 7, 0.1)", i+1, i+1, 1<<i))
		}
		got := s.mustRead(t, from)
		if len(got) != len(odd)+1 {
			t.Fatalf("got %d transactions", len(got))
		}
		for i, l := range odd {
			c := got[i+1].Changes[0]
			want := []string{fmt.Sprint(i + 1), l, l, "label 299", "label 63", "ÿ"}
			for j, w := range want {
				if v := c.After[j].String(); v != w {
					t.Errorf("column %s: got %q, want %q", c.Relation.Columns[j], v, w)
				}
			}
		}
	})
}

// shape is what readShape says of table item, by column.
func (s *source) shape(t testing.TB) map[string]shapeColumn {
	t.Helper()
	columns, err := readShape(t.Context(), s.db, "item")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]shapeColumn{}
	for _, c := range columns {
		all[c.Name] = c
	}
	return all
}
