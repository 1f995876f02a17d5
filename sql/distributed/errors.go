package distributed

import (
	"fmt"
	"strings"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// KindError is a form without a table of its own.
type KindError struct {
	Server, Form string
	Kind         int // arschema.schemaType
}

// formKinds are the numbers of arschema.schemaType (ar-database-reference, "Form types").
var formKinds = map[int]string{2: "join", 3: "view", 4: "display-only", 5: "vendor"}

func (e *KindError) Error() string {
	kind, ok := formKinds[e.Kind]
	if !ok {
		kind = fmt.Sprintf("type %d", e.Kind)
	}
	return fmt.Sprintf("%s: form %q is a %s form and stores nothing itself", e.Server, e.Form, kind)
}
func (e *KindError) Name() string { return "fields.form_kind" }
func (e *KindError) Remedy() string {
	return "add the fields to the regular forms that it is made of"
}

// TakenError is an ID, name or column of a distributed field that is something else on a form.
type TakenError struct {
	Server, Form string
	ID           int
	Field        string
	What         string // "field ID 303", `the name "Master Flag"`, "column dso_master_flag"
	By           string // what it is there
}

func (e *TakenError) Error() string {
	return fmt.Sprintf("%s: form %q cannot have the distributed field %q (%d): %s is %s", e.Server, e.Form, e.Field, e.ID, e.What, e.By)
}
func (e *TakenError) Name() string { return "fields.taken" }
func (e *TakenError) Remedy() string {
	return "IDs 300 to 322 belong to distributed fields: give the other field another ID and name, in the definitions or in AR System"
}

// ColumnError is a column that has the name of a distributed field's and cannot hold it.
type ColumnError struct {
	Server, Form, Field string
	Table, Column       string
	DataType            string
	Reason              string
}

func (e *ColumnError) Error() string {
	return fmt.Sprintf("%s: form %q cannot have the distributed field %q: column %s of table %s is %s: %s",
		e.Server, e.Form, e.Field, e.Column, e.Table, e.DataType, e.Reason)
}
func (e *ColumnError) Name() string { return "fields.column" }
func (e *ColumnError) Remedy() string {
	return "alter, rename or drop the column, and add the fields then"
}

// ModelError is a dictionary without a row after which others could be made.
type ModelError struct{ Server, Form, Table string }

func (e *ModelError) Error() string {
	return fmt.Sprintf("%s: form %q: table %s of the dictionary has no row to make others after", e.Server, e.Form, e.Table)
}
func (e *ModelError) Name() string { return "fields.dictionary" }
func (e *ModelError) Remedy() string {
	return "add the fields with AR System's own tools; this form's dictionary is not as a server writes it"
}

// ValuesError refuses a removal that would lose values.
type ValuesError struct {
	Server, Form string
	Values
}

func (e *ValuesError) Error() string {
	text := fmt.Sprintf("%s: %s of form %q would lose values", e.Server, count(int(e.Requests), "request"), e.Form)
	if e.Owned > 0 {
		text += fmt.Sprintf(": %d under ownership, with Master Flag No or from another server", e.Owned)
	}
	return text
}
func (e *ValuesError) Name() string { return "fields.has_values" }
func (e *ValuesError) Remedy() string {
	text := "add --yes to lose the values"
	if e.Owned > 0 {
		text += "; who owns a request cannot be told afterwards, so return the requests first"
	}
	return text
}

// StepError is a step that the server refused.
type StepError struct {
	Server    string
	Step      Step
	Class     engine.Class
	Privilege string // what the user needs, as statements
	Err       error
}

func (e *StepError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Server, e.Step.What, e.Err) }
func (e *StepError) Unwrap() error { return e.Err }

// Name tells a missing privilege, and a table that others hold, from all else.
func (e *StepError) Name() string {
	switch e.Class {
	case engine.Denied:
		return "fields.denied"
	case engine.Transient:
		return "fields.locked"
	}
	return "fields.step"
}

func (e *StepError) Remedy() string {
	switch e.Class {
	case engine.Denied:
		return "let an administrator run `" + e.Privilege + "`, or what --dry-run shows"
	case engine.Transient:
		return "somebody keeps the table locked, or the server is busy: try again when that has ended; what was done so far stays and is not done twice"
	}
	return "see what the server says; what was done so far stays, and the same command goes on from there"
}

// privilege is what the user needs least to change the form.
func (s *State) privilege() string {
	t, e := s.Form.Table, s.db.Engine
	user := e.Quote(s.db.URL.User.Username())
	var texts []string
	switch e.Name {
	case "postgres": // only a table's owner alters it
		texts = append(texts, fmt.Sprintf("ALTER TABLE %s OWNER TO %s", e.Table(t.Schema, t.Name), user))
	case "mysql":
		texts = append(texts, fmt.Sprintf("GRANT ALTER, CREATE, INSERT ON %s TO %s", e.Table(t.Schema, t.Name), user))
	case "mariadb":
		texts = append(texts, fmt.Sprintf("GRANT ALTER ON %s TO %s", e.Table(t.Schema, t.Name), user))
	}
	if s.ar() && len(texts) > 0 {
		grant := func(what string, x *schema.Table) {
			texts = append(texts, fmt.Sprintf("GRANT %s ON %s TO %s", what, e.Table(x.Schema, x.Name), user))
		}
		for _, x := range s.dictionaryTables() {
			grant("SELECT, INSERT, DELETE", x)
		}
		grant("SELECT, UPDATE", s.catalog.DictionaryTable("arschema"))
	}
	return strings.Join(texts, "; ")
}
