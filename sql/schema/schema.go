// Package schema describes forms, fields, tables, columns and keys as plain data.
//
// A form is what an AR System administrator sees; a table is where the database keeps it. Package
// catalog fills these from AR System's dictionary or from declared tables; everything above decides
// with them. Nothing here talks to a database.
//
// Read Form, Field, then Table and Column.
package schema

import (
	"fmt"
	"hash/fnv"
	"strings"

	"ardso/sql/value"
)

// Type is an AR System data type; the numbers are those of field.datatype
// (ar-database-reference, "Values on disk").
type Type int

const (
	Integer    Type = 2
	Real       Type = 3
	Character  Type = 4
	Diary      Type = 5
	Selection  Type = 6
	DateTime   Type = 7
	Bitmask    Type = 8
	Bytes      Type = 9
	Decimal    Type = 10
	Attachment Type = 11
	Currency   Type = 12
	Date       Type = 13
	Time       Type = 14
)

var typeNames = map[Type]string{
	Integer: "integer", Real: "real", Character: "character", Diary: "diary", Selection: "selection",
	DateTime: "date/time", Bitmask: "bitmask", Bytes: "bytes", Decimal: "decimal",
	Attachment: "attachment", Currency: "currency", Date: "date", Time: "time",
}

func (t Type) String() string {
	if s, ok := typeNames[t]; ok {
		return s
	}
	return fmt.Sprintf("type %d", int(t))
}

// ParseType reads the spelling of the definitions ("date/time").
func ParseType(s string) (Type, bool) {
	for t, name := range typeNames {
		if strings.EqualFold(s, name) {
			return t, true
		}
	}
	return 0, false
}

// Core fields of every regular form.
const (
	RequestID        = 1
	Submitter        = 2
	CreateDate       = 3
	AssignedTo       = 4
	LastModifiedBy   = 5
	ModifiedDate     = 6
	Status           = 7
	ShortDescription = 8
)

// IsStamp reports whether id is a field that AR System writes with every change of a request, whatever is changed.
func IsStamp(id int) bool { return id == LastModifiedBy || id == ModifiedDate }

// Reserved fields that hold lists of groups, users and roles (ar-database-reference 3.6).
const (
	LoginName         = 101
	GroupList         = 104 // of the User form, which has Login Name, too
	AssigneeGroup     = 112
	firstDynamicGroup = 60000
	lastDynamicGroup  = 60999
)

// NamedFieldID is the ID of a field that is declared with none: of a column of a plain table, or a field of a join form
// whose part's ID is taken. It follows from the name alone, so that it stays when other columns come and go: what waits
// names fields by ID. It is well above those that AR System and its sites give (536870912 on); the next free one where
// another field has it.
func NamedFieldID(name string, isTaken func(id int) bool) int {
	const first, count = 1_000_000_000, 1_000_000_000
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name)))
	for n := int(h.Sum32()); ; n++ {
		if id := first + n%count; !isTaken(id) {
			return id
		}
	}
}

// IsDistributed reports whether id is one of the distributed fields (300-322), which only ardso
// writes and no field map carries.
func IsDistributed(id int) bool { return id >= ToMapping && id <= UniqueID }

// Form is a table of requests.
type Form struct {
	Server string // logical server name
	Name   string
	ID     int // schemaId; 0 in a plain catalog

	Table  *Table
	Fields []*Field // stored fields that ardso can carry, ascending by ID
	Key    []*Field // the fields whose values name a request, in key order; one in an ar catalog (field 1)

	// EmptyIsNull: the empty string reads as NULL, and NULL is written for it (an ar catalog's rule).
	EmptyIsNull bool
	// NextID tells how new Request IDs are made; nil: they cannot be.
	NextID *NextID
	// Unsupported names stored fields that ardso cannot carry yet, with the reason.
	Unsupported map[string]string
	// Join, if not nil, makes this a join form. Its key is field 1, whose values name both parts.
	Join *Join
}

// IsSerial reports whether requests of the form depend on each other's order, by unique indexes beside
// the key or by foreign keys, or because requests of a join form share parts: then all its operations go
// through one thread.
func (f *Form) IsSerial() bool {
	return len(f.Table.Unique) > 0 || f.Table.HasForeignKeys || f.Join != nil
}

// NextID makes Request IDs as AR System does: prefix and zero-padded number.
type NextID struct {
	Prefix string
	Length int // total length; 1 = no padding
}

// Format makes the Request ID of number n.
func (g NextID) Format(n int64) string {
	if g.Length <= 1 {
		return g.Prefix + fmt.Sprint(n)
	}
	return g.Prefix + fmt.Sprintf("%0*d", max(g.Length-len(g.Prefix), 0), n)
}

// Field is a field of a form.
type Field struct {
	ID     int
	Name   string
	Type   Type
	Column *Column
	Index  int // place in Form.Fields

	Required bool
	System   bool   // written by the server itself (fOption 3 or 5)
	Pattern  string // field_char.pattern, AR System's LIKE-style pattern or $MENU$ etc.; "" = none

	MaxLength     int  // of text; 0 = unlimited
	LengthInBytes bool // MaxLength counts bytes of UTF-8, not characters

	Min, Max string // limits of numbers as SQL text; "" = none

	Values []EnumValue // labels of a selection
}

// EnumValue is a label of a selection.
type EnumValue struct {
	ID    int64
	Label string
}

// Label returns the label of a selection's number.
func (f *Field) Label(id int64) (string, bool) {
	for _, v := range f.Values {
		if v.ID == id {
			return v.Label, true
		}
	}
	return "", false
}

// Number returns the number of a selection's label: exact first, then without regard to case.
func (f *Field) Number(label string) (int64, bool) {
	for _, v := range f.Values {
		if v.Label == label {
			return v.ID, true
		}
	}
	for _, v := range f.Values {
		if strings.EqualFold(v.Label, label) {
			return v.ID, true
		}
	}
	return 0, false
}

// FieldByID returns nil where there is no such field.
func (f *Form) FieldByID(id int) *Field {
	for _, x := range f.Fields {
		if x.ID == id {
			return x
		}
	}
	return nil
}

// FieldByName is case-sensitive, as AR System is; nil where there is no such field.
func (f *Form) FieldByName(name string) *Field {
	for _, x := range f.Fields {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// IsGroupList reports whether field x holds a list of groups: a set of entries, in one text.
func (f *Form) IsGroupList(x *Field) bool {
	switch {
	case x.Type != Character:
		return false
	case x.ID == GroupList:
		return f.FieldByID(LoginName) != nil
	}
	return x.ID == AssigneeGroup || x.ID >= firstDynamicGroup && x.ID <= lastDynamicGroup
}

// IsKey reports whether field x is part of the key.
func (f *Form) IsKey(x *Field) bool {
	for _, k := range f.Key {
		if k == x {
			return true
		}
	}
	return false
}

// Identity is what a log record says of a row before a change.
type Identity int

const (
	IdentityKey     Identity = iota // the key only
	IdentityFull                    // the whole row
	IdentityNothing                 // nothing: updates and deletes cannot be followed
)

func (i Identity) String() string {
	return [...]string{"key", "full", "nothing"}[i]
}

// Table is a database table. Names are as the database spells them.
type Table struct {
	Schema   string // PostgreSQL schema, MySQL database, "main" on SQLite
	Name     string
	Columns  []*Column // in table order
	Key      []string  // primary key columns in key order
	Unique   []Unique  // other unique indexes
	Identity Identity
	// HasForeignKeys: rows of this table refer to others or are referred to.
	HasForeignKeys bool
	Triggers       []string // names of user triggers that fire on writes
	Transactional  bool     // false: MyISAM and the like
}

// Unique is a unique index other than the primary key.
type Unique struct {
	Name    string
	Columns []string // "" for an expression
}

// Column returns nil where there is no such column; the name's case does not matter (MD-18).
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	for _, c := range t.Columns {
		if strings.EqualFold(c.Name, name) {
			return c
		}
	}
	return nil
}

// Column is a column of a table.
type Column struct {
	Name     string
	Ordinal  int        // place in Table.Columns
	DataType string     // as the database writes it, length included: varchar(15), numeric(28,10)
	BaseType string     // DataType without length, for casts: "varchar", `public."citext"`
	Kind     value.Kind // the canonical kind of its values

	Length        int  // characters, or bytes where LengthInBytes; 0 = unlimited
	LengthInBytes bool // Length counts bytes
	Precision     int  // of decimals; 0 = unlimited
	Scale         int  // of decimals; digits of a second of instants and times
	Bits          int  // of integers: 16, 24, 32, 64; 1 for boolean
	Unsigned      bool
	Single        bool   // a 32-bit float
	FixedChar     bool   // char(n): trailing blanks mean nothing and are stripped on read (PD-24)
	Charset       string // MySQL: utf8mb4, latin1, …; "" elsewhere
	CaseFolding   bool   // comparisons in the database ignore case (citext, _ci)
	Untyped       bool   // SQLite: rows may hold values of other types than the declared one

	Nullable       bool
	HasDefault     bool
	Default        string // SQLite: the expression; "" = NULL. The others know a word for it
	Generated      bool   // cannot be written
	IdentityAlways bool   // PostgreSQL GENERATED ALWAYS AS IDENTITY
	Indexed        bool   // leading column of an index
}
