package catalog_test

import (
	"errors"
	"strings"
	"testing"

	"ardso/integration/dbtest"
	"ardso/sql/catalog"
	"ardso/sql/engine"
	"ardso/sql/schema"
	"ardso/sql/value"

	"github.com/google/go-cmp/cmp"
)

// named is the ID of a field that is declared with none.
func named(name string) int { return schema.NamedFieldID(name, func(int) bool { return false }) }

func exec(t *testing.T, db *engine.DB, statements ...string) {
	t.Helper()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		generated := "integer GENERATED ALWAYS AS (status * 2) STORED"
		if db.Engine.Name == "mysql" && db.Engine.Version < 50700 { // which has none
			generated = "integer"
		}
		exec(t, db,
			"CREATE TABLE office (name varchar(20) NOT NULL PRIMARY KEY)",
			`CREATE TABLE repair (
				id varchar(15) NOT NULL PRIMARY KEY, status integer NOT NULL DEFAULT 0, summary varchar(100),
				price decimal(10,2), due date, made timestamp NULL, doubled `+generated+`,
				office varchar(20), serial varchar(30),
				CONSTRAINT at_office FOREIGN KEY (office) REFERENCES office (name), CONSTRAINT one_serial UNIQUE (serial))`,
		)
		c := load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{
			Name: "Repair", Table: "repair", NextID: &schema.NextID{Prefix: "CH", Length: 10},
			Fields: []catalog.FieldSpec{
				{Column: "STATUS", Name: "Status", ID: 7, Type: schema.Selection, Values: []schema.EnumValue{{ID: 4, Label: "Closed"}, {ID: 0, Label: "New"}}},
				{Column: "id", ID: named("price")},
				{Column: "summary", Name: "Short Description", Required: true, MaxLength: 50, Pattern: "%"},
			},
		}}})
		f := lookup(t, c, "Repair")
		type field struct {
			ID   int
			Type schema.Type
			Kind value.Kind
			Max  int
		}
		textMax := func(n int) int {
			if db.Engine.Dialect == "sqlite" {
				return 0 // declared and not enforced
			}
			return n
		}
		want := map[string]field{
			"Status":            {7, schema.Selection, value.KindInt, 0},
			"id":                {named("price"), schema.Character, value.KindText, textMax(15)},
			"Short Description": {named("summary"), schema.Character, value.KindText, 50},
			"price":             {named("price") + 1, schema.Decimal, value.KindDecimal, 0},
			"due":               {named("due"), schema.Date, value.KindDate, 0},
			"made":              {named("made"), schema.DateTime, value.KindInstant, 0},
			"doubled":           {named("doubled"), schema.Integer, value.KindInt, 0},
			"office":            {named("office"), schema.Character, value.KindText, textMax(20)},
			"serial":            {named("serial"), schema.Character, value.KindText, textMax(30)},
		}
		got := map[string]field{}
		for _, x := range f.Fields {
			got[x.Name] = field{x.ID, x.Type, x.Column.Kind, x.MaxLength}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if len(f.Key) != 1 || f.Key[0].Name != "id" || f.EmptyIsNull != true || f.NextID.Prefix != "CH" {
			t.Errorf("got form %+v", f)
		}
		if diff := cmp.Diff([]schema.EnumValue{{ID: 0, Label: "New"}, {ID: 4, Label: "Closed"}}, f.FieldByID(7).Values); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
		status, doubled := f.Table.Column("status"), f.Table.Column("doubled")
		if doubled.Generated != (generated != "integer") || status.Generated || !status.HasDefault || doubled.HasDefault {
			t.Errorf("got status %+v, doubled %+v", status, doubled)
		}
		if !f.Table.HasForeignKeys || len(f.Table.Unique) != 1 || f.Table.Unique[0].Columns[0] != "serial" || !f.Table.Column("serial").Indexed || f.Table.Column("due").Indexed {
			t.Errorf("got table %+v", f.Table)
		}
	})
}

func TestCompositeKeys(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db,
			"CREATE TABLE part (site integer NOT NULL, no integer NOT NULL, tag varchar(10) NOT NULL, loose varchar(10), PRIMARY KEY (no, site))",
			"CREATE UNIQUE INDEX part_tag ON part (tag)",
			"CREATE UNIQUE INDEX part_loose ON part (loose)",
			"CREATE TABLE keyless (a integer)",
		)
		tests := []struct {
			name      string
			requestID []string
			want      string // names of the key, or of the error
		}{
			{"primary key", nil, "no site"},
			{"primary key in another order", []string{"site", "NO"}, "site no"},
			{"unique index", []string{"tag"}, "tag"},
			{"unique index that lets NULL in", []string{"loose"}, "catalog.no_key"},
			{"part of the primary key", []string{"no"}, "catalog.no_key"},
			{"unknown column", []string{"sit"}, "catalog.unknown_column"},
		}
		for _, test := range tests {
			got := ""
			c, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "part", RequestID: test.requestID}}})
			var named interface{ Name() string }
			if errors.As(err, &named) {
				got = named.Name()
			} else if err != nil {
				t.Fatal(err)
			} else {
				var names []string
				for _, k := range c.Form("part").Key {
					names = append(names, k.Name)
				}
				got = strings.Join(names, " ")
			}
			if got != test.want {
				t.Errorf("%s: got %s, want %s (%v)", test.name, got, test.want, err)
			}
		}
		_, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "keyless"}}})
		var noKey *catalog.NoKeyError
		if !errors.As(err, &noKey) || noKey.Remedy() == "" {
			t.Errorf("got %v, want no key", err)
		}
	})
}

// All that is wrong is told at once, with what was meant.
func TestWrongDeclarations(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id varchar(15) NOT NULL PRIMARY KEY, summary varchar(100), status integer)")
		_, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
			{Name: "Chair", Table: "repiar"},
			{Name: "Far", Table: "elsewhere.repair"},
			{Name: "Repair", Table: "repair", Fields: []catalog.FieldSpec{
				{Column: "sumary"},
				{Column: "summary", Name: "status"},
				{Column: "status", Name: "State", Type: schema.Date, ID: 7},
				{Column: "id", ID: 7, Type: schema.Real},
			}},
		}})
		if err == nil {
			t.Fatal("got no error")
		}
		for _, want := range []string{
			`form "Chair": ` + db.Server + ` has no table repiar (did you mean "repair"?)`,
			`form "Far": ` + db.Server + ` has no table elsewhere.repair`,
			`has no column "sumary" (did you mean "summary"?)`,
			`field "id" is real, and its column id is `,
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v\nwant it to say %s", err, want)
			}
		}
		_, err = catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{
			{Name: "Repair", Table: "repair"}, {Name: "Repair", Table: "repair", Fields: []catalog.FieldSpec{
				{Column: "summary", Name: "status"}, {Column: "summary"}, {Column: "id", ID: 7}, {Column: "status", Name: "State", ID: 7},
			}},
		}})
		for _, want := range []string{"form name Repair is", "table repair is", "column summary is", "field ID 7 is"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v\nwant it to say %s", err, want)
			}
		}
	})
}

func TestTriggersAndOurTables(t *testing.T) {
	t.Parallel()
	bodies := map[string][]string{
		"postgres": {
			"CREATE FUNCTION nop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
			"CREATE TRIGGER stamp BEFORE UPDATE ON repair FOR EACH ROW EXECUTE FUNCTION nop()",
			"CREATE TRIGGER dso_log BEFORE UPDATE ON repair FOR EACH ROW EXECUTE FUNCTION nop()",
		},
		"mysql": {"CREATE TRIGGER stamp BEFORE UPDATE ON repair FOR EACH ROW SET NEW.status = 1"},
		"sqlite": {
			"CREATE TRIGGER stamp AFTER UPDATE ON repair BEGIN SELECT 1; END",
			"CREATE TRIGGER dso_log AFTER UPDATE ON repair BEGIN SELECT 1; END",
		},
	}
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY, status integer)")
		exec(t, db, bodies[db.Engine.Dialect]...)
		f := lookup(t, load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "repair", KeepEmptyStrings: true}}}), "repair")
		if diff := cmp.Diff([]string{"stamp"}, f.Table.Triggers); diff != "" || f.EmptyIsNull {
			t.Errorf("got empty is NULL %v, triggers (-want +got):\n%s", f.EmptyIsNull, diff)
		}
	})
}

// What a type of PostgreSQL is cast with, and how it counts.
func TestPostgresColumns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postgres15", "postgres18"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			exec(t, db,
				`CREATE SCHEMA "Other"`,
				`CREATE TYPE "Other"."Mood" AS ENUM ('sad', 'happy')`,
				"CREATE DOMAIN short AS varchar(12) NOT NULL DEFAULT 'x'",
				"CREATE DOMAIN shorter AS short",
				`CREATE TABLE "Other"."T" (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, gone integer, mood "Other"."Mood",
					word shorter, fixed char(8), price numeric(12,3), loose numeric, hundreds numeric(5,-2), made timestamptz(3), real4 real, yes boolean,
					list integer[], doc jsonb, by serial, n bigint GENERATED BY DEFAULT AS IDENTITY, u text COLLATE "C")`,
				`ALTER TABLE "Other"."T" DROP COLUMN gone`,
				`CREATE UNLOGGED TABLE "Other".quick (id integer PRIMARY KEY)`,
				`CREATE UNIQUE INDEX partial ON "Other"."T" (word) WHERE yes`,
				`CREATE UNIQUE INDEX lowered ON "Other"."T" (lower(word))`,
			)
			c := load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "T", Table: "Other.T"}, {Name: "quick", Table: "Other.quick"}}})
			f := lookup(t, c, "T")
			got := map[string]string{}
			for i, col := range f.Table.Columns {
				got[col.Name] = col.DataType + " | " + col.BaseType
				if col.Ordinal != i {
					t.Errorf("column %s: got ordinal %d, want %d", col.Name, col.Ordinal, i)
				}
				// The cast is one that the server reads.
				if _, err := db.Exec("SELECT NULL::" + col.BaseType); err != nil {
					t.Error(err)
				}
			}
			want := map[string]string{
				"id": "integer | integer", "mood": `"Other"."Mood" | "Other"."Mood"`, "word": "shorter | character varying",
				"fixed": "character(8) | bpchar", "price": "numeric(12,3) | numeric", "loose": "numeric | numeric", "hundreds": "numeric(5,-2) | numeric",
				"made": "timestamp(3) with time zone | timestamp with time zone", "real4": "real | real", "yes": "boolean | boolean",
				"list": "integer[] | integer[]", "doc": "jsonb | jsonb", "by": "integer | integer", "n": "bigint | bigint", "u": "text | text",
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("types (-want +got):\n%s", diff)
			}
			col := f.Table.Column
			switch {
			case !col("id").IdentityAlways, !col("n").HasDefault, col("n").IdentityAlways, !col("by").HasDefault,
				col("word").Length != 12, col("word").Nullable, !col("word").HasDefault,
				!col("fixed").FixedChar, col("price").Precision != 12, col("price").Scale != 3, col("hundreds").Scale != -2,
				col("made").Scale != 3, !col("real4").Single, col("yes").Bits != 1, col("loose").Precision != 0:
				for _, c := range f.Table.Columns {
					t.Errorf("%+v", c)
				}
			}
			if diff := cmp.Diff([]schema.Unique{{Name: "lowered", Columns: []string{""}}, {Name: "partial", Columns: []string{""}}}, f.Table.Unique); diff != "" {
				t.Errorf("unique indexes (-want +got):\n%s", diff)
			}
			if f.Table.Identity != schema.IdentityKey || lookup(t, c, "quick").Table.Identity != schema.IdentityNothing {
				t.Errorf("got identities %s, %s, want key, nothing", f.Table.Identity, lookup(t, c, "quick").Table.Identity)
			}
		})
	}
}

func TestMySQLColumns(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"mariadb10.11", "mariadb11.8", "mysql5.6"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := dbtest.New(t, name)
			exec(t, db,
				`CREATE TABLE t (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, tiny tinyint(1), medium mediumint, flags bit(12),
					yr year, word varchar(12) CHARACTER SET latin1, fixed char(8) COLLATE utf8mb4_bin, body text, mood enum('sad','happy') DEFAULT 'sad',
					price decimal(12,3), made datetime(3), at time, f float, raw varbinary(9), place point)
					ENGINE=InnoDB DEFAULT CHARSET=utf8mb4`,
				"CREATE TABLE old (id integer PRIMARY KEY) ENGINE=MyISAM",
				"CREATE UNIQUE INDEX head ON t (body(10))",
			)
			c := load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "t"}, {Name: "old"}}})
			f := lookup(t, c, "t")
			col := f.Table.Column
			switch {
			case !col("id").Unsigned, col("id").Bits != 64, !col("id").HasDefault, col("tiny").Bits != 8, col("medium").Bits != 24, col("flags").Bits != 12,
				col("word").Charset != "latin1", !col("word").CaseFolding, col("word").Length != 12, col("word").LengthInBytes,
				col("fixed").CaseFolding, !col("fixed").FixedChar, col("body").Length != 65535, !col("body").LengthInBytes,
				!col("mood").HasDefault, col("mood").Length != 0, col("word").HasDefault, col("price").Precision != 12, col("price").Scale != 3, col("made").Scale != 3,
				!col("f").Single, col("raw").Length != 9, !col("raw").LengthInBytes, col("yr").Kind != value.KindInt, col("mood").Kind != value.KindText:
				for _, c := range f.Table.Columns {
					t.Errorf("%+v", c)
				}
			}
			if diff := cmp.Diff(map[string]string{"raw": "columns of type varbinary(9) are not carried", "place": "columns of type point are not carried"}, f.Unsupported); diff != "" {
				t.Errorf("unsupported (-want +got):\n%s", diff)
			}
			if !f.Table.Transactional || lookup(t, c, "old").Table.Transactional {
				t.Error("got the wrong tables transactional")
			}
			if diff := cmp.Diff([]schema.Unique{{Name: "head", Columns: []string{""}}}, f.Table.Unique); diff != "" {
				t.Errorf("unique indexes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSQLiteColumns(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t, "sqlite")
	exec(t, db,
		`CREATE TABLE t (id integer PRIMARY KEY, -- not, COLLATE NOCASE
			word varchar(12) CHECK (word <> 'a, (b') collate nocase, [odd, name] text COLLATE "NOCASE" /* , */,
			"exact" text DEFAULT 'x COLLATE NOCASE y', price numeric(28,10), made DATETIME, twice AS (price * 2), any)`,
		"CREATE TABLE u (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID",
		"CREATE UNIQUE INDEX some ON t (word) WHERE price > 0",
		"CREATE UNIQUE INDEX lowered ON t (lower(word))",
	)
	c := load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "t"}, {Name: "u"}}})
	f := lookup(t, c, "t")
	folding := map[string]bool{}
	for _, col := range f.Table.Columns {
		folding[col.Name] = col.CaseFolding
	}
	want := map[string]bool{"id": false, "word": true, "odd, name": true, "exact": false, "price": false, "made": false, "twice": false, "any": false}
	if diff := cmp.Diff(want, folding); diff != "" {
		t.Errorf("columns that ignore case (-want +got):\n%s", diff)
	}
	col := f.Table.Column
	if !col("twice").Generated || col("price").BaseType != "numeric" || col("made").Kind != value.KindInstant || !col("id").Indexed || !col("exact").HasDefault {
		for _, c := range f.Table.Columns {
			t.Errorf("%+v", c)
		}
	}
	if diff := cmp.Diff([]schema.Unique{{Name: "lowered", Columns: []string{""}}, {Name: "some", Columns: []string{""}}}, f.Table.Unique); diff != "" {
		t.Errorf("unique indexes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"b", "a"}, lookup(t, c, "u").Table.Key); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

// A column named after a distributed field is that field, in all that the declaration does not say
// otherwise.
func TestPlainDistributedFields(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, `CREATE TABLE repair (
			id varchar(15) NOT NULL PRIMARY KEY, dso_master_flag integer, DSO_FROM_SERVER varchar(64), dso_from_request_id varchar(255),
			dso_mapping_history text, dso_max_time_to_retry integer, dso_transfer_mode integer, dso_to_form varchar(40), flag integer)`)
		c := load(t, db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{
			Name: "Repair", Table: "repair",
			Fields: []catalog.FieldSpec{
				{Column: "flag", Name: "Status of transfer", ID: schema.TransferStatus, Type: schema.Selection},
				{Column: "dso_transfer_mode", Name: "Mode", Required: true},
				{Column: "dso_to_form", Name: "Sheet", ID: 900, MaxLength: 20},
			},
		}}})
		f := lookup(t, c, "Repair")
		type field struct {
			Name   string
			Type   schema.Type
			Max    int
			Labels int
		}
		got := map[int]field{}
		for _, x := range f.Fields {
			if x.Name != "id" {
				got[x.ID] = field{x.Name, x.Type, x.MaxLength, len(x.Values)}
			}
		}
		history := f.Table.Column("dso_mapping_history").Length // where the engine limits text
		want := map[int]field{
			schema.TransferStatus: {"Status of transfer", schema.Selection, 0, 0},
			schema.MasterFlag:     {"Master Flag", schema.Selection, 0, 2},
			schema.FromServer:     {"From Server", schema.Character, 64, 0},
			schema.FromRequestID:  {"From Request ID", schema.Character, 255, 0},
			schema.MappingHistory: {"Mapping History", schema.Character, history, 0},
			schema.MaxTimeToRetry: {"Max Time to Retry", schema.Integer, 0, 0},
			schema.TransferMode:   {"Mode", schema.Selection, 0, 4},
			900:                   {"Sheet", schema.Character, 20, 0},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields (-want +got):\n%s", diff)
		}
		if !f.FieldByID(schema.TransferMode).Required {
			t.Error("what the declaration says besides is lost")
		}
	})
}

// A column that is named after a distributed field and cannot be it is a mistake, with a remedy of its own.
func TestPlainDistributedFieldsMistaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *engine.DB) {
		exec(t, db, "CREATE TABLE repair (id integer NOT NULL PRIMARY KEY, dso_master_flag varchar(10), flag integer)")
		declared := func(fields ...catalog.FieldSpec) error {
			_, err := catalog.Load(t.Context(), db, catalog.Spec{Kind: catalog.Plain, Forms: []catalog.FormSpec{{Name: "repair", Fields: fields}}})
			return err
		}
		var wrong *catalog.TypeError
		if err := declared(); !errors.As(err, &wrong) || !strings.Contains(wrong.Remedy(), "`id:` of its own") {
			t.Errorf("got %v, want catalog.type with its remedy", err)
		}
		if err := declared(catalog.FieldSpec{Column: "dso_master_flag", ID: 900}); err != nil {
			t.Errorf("declared as another field: %v", err)
		}
		exec(t, db, "ALTER TABLE repair DROP COLUMN dso_master_flag", "ALTER TABLE repair ADD COLUMN dso_master_flag integer")
		var twice *catalog.DuplicateError
		if err := declared(catalog.FieldSpec{Column: "flag", ID: schema.MasterFlag}); !errors.As(err, &twice) || twice.Value != "303" {
			t.Errorf("two columns for field 303: got %v", err)
		}
	})
}
