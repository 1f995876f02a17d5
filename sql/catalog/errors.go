package catalog

import (
	"fmt"
	"strings"

	"ardso/sql/schema"
)

// UnknownFormError is a form that a server does not have.
type UnknownFormError struct {
	Server, Form string
	Nearest      string // an existing name that is close; "" = none
}

func (e *UnknownFormError) Error() string {
	return fmt.Sprintf("%s has no form %q%s", e.Server, e.Form, didYouMean(e.Nearest))
}
func (e *UnknownFormError) Name() string { return "catalog.unknown_form" }
func (e *UnknownFormError) Remedy() string {
	return "correct the form's name in the definitions; names are case-sensitive"
}

// UnknownTableError is a form whose table the database does not have.
type UnknownTableError struct {
	Server, Form, Table string
	Nearest             string // an existing name that is close; "" = none
}

func (e *UnknownTableError) Error() string {
	return fmt.Sprintf("form %q: %s has no table %s%s", e.Form, e.Server, e.Table, didYouMean(e.Nearest))
}
func (e *UnknownTableError) Name() string { return "catalog.unknown_table" }
func (e *UnknownTableError) Remedy() string {
	return "correct `table:` of the form, or create the table; a table outside the default schema is written schema.table, and the user of ardso must be allowed to see it"
}

// UnknownColumnError is a declared field or Request ID whose column the table does not have.
type UnknownColumnError struct {
	Server, Form, Table, Column string
	Nearest                     string // an existing name that is close; "" = none
}

func (e *UnknownColumnError) Error() string {
	return fmt.Sprintf("form %q: table %s on %s has no column %q%s", e.Form, e.Table, e.Server, e.Column, didYouMean(e.Nearest))
}
func (e *UnknownColumnError) Name() string   { return "catalog.unknown_column" }
func (e *UnknownColumnError) Remedy() string { return "correct `column:` or `request_id:` of the form" }

// NoKeyError is a form whose requests nothing names.
type NoKeyError struct {
	Server, Form, Table string
	Columns             []string // the declared Request ID; none = the primary key was looked for
}

func (e *NoKeyError) Error() string {
	if len(e.Columns) == 0 {
		return fmt.Sprintf("form %q: table %s on %s has no primary key", e.Form, e.Table, e.Server)
	}
	return fmt.Sprintf("form %q: no unique index of table %s on %s is over exactly %s", e.Form, e.Table, e.Server, strings.Join(e.Columns, ", "))
}
func (e *NoKeyError) Name() string { return "catalog.no_key" }
func (e *NoKeyError) Remedy() string {
	return "give the table a primary key, or name columns with a unique index over them in `request_id:`"
}

// DuplicateError is a name or number that two things of one form, or two forms, claim.
type DuplicateError struct {
	Server, Form string
	What         string // "field name", "field ID", "column", "form name", "table"
	Value        string
}

func (e *DuplicateError) Error() string {
	return fmt.Sprintf("form %q on %s: %s %s is taken already", e.Form, e.Server, e.What, e.Value)
}
func (e *DuplicateError) Name() string   { return "catalog.duplicate" }
func (e *DuplicateError) Remedy() string { return "give each " + e.What + " once only" }

// TypeError is a field whose type its column cannot hold.
type TypeError struct {
	Server, Form, Field string
	Type                schema.Type
	Column, DataType    string
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("form %q on %s: field %q is %s, and its column %s is %s", e.Form, e.Server, e.Field, e.Type, e.Column, e.DataType)
}
func (e *TypeError) Name() string { return "catalog.type" }
func (e *TypeError) Remedy() string {
	if d, ok := schema.DistributedFieldByColumn(e.Column); ok {
		return fmt.Sprintf("a column of this name is the distributed field %q (%d): rename it, or declare it under `fields:` with an `id:` of its own", d.Name, d.ID)
	}
	return "declare a `type:` that the column can hold, or none"
}

// UnsupportedError is a key field that ardso cannot carry.
type UnsupportedError struct {
	Server, Form, Field, Reason string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("form %q on %s: field %q of the key: %s", e.Form, e.Server, e.Field, e.Reason)
}
func (e *UnsupportedError) Name() string { return "catalog.unsupported" }
func (e *UnsupportedError) Remedy() string {
	return "choose another key for the form, of columns that ardso can carry"
}

// DictionaryError is a data dictionary of AR System that is not there or not as it should be.
type DictionaryError struct {
	Server, Schema, Reason string
}

func (e *DictionaryError) Error() string {
	return fmt.Sprintf("AR System's dictionary in %s on %s: %s", e.Schema, e.Server, e.Reason)
}
func (e *DictionaryError) Name() string { return "catalog.no_dictionary" }
func (e *DictionaryError) Remedy() string {
	return "correct the database in the url of the server, let the user of ardso read arschema, field and field_*, or write `catalog: plain` and declare the forms"
}

func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", name)
}

// nearest returns the name that is fewest edits away, without regard to case, and near enough to be
// meant; "" else.
func nearest(name string, names []string) string {
	best, bestDistance := "", len(name)/3+2
	for _, n := range names {
		if d := distance(strings.ToLower(name), strings.ToLower(n), bestDistance); d < bestDistance {
			best, bestDistance = n, d
		}
	}
	return best
}

// distance counts single-character edits between a and b, giving up at limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
