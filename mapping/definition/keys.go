package definition

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"ardso/mapping/schedule"
	"ardso/sql/schema"
)

// This file is the one description of the YAML: reader and JSON Schema both come from it.

const (
	maxName  = 254 // of mappings, as fields 300 and 306 are long
	maxPool  = 80
	maxForm  = 254
	maxOrder = 1000
)

var serverName = scalar(schemaOf{"type": "string", "pattern": serverNames.String()}, parseServerName)

var serverNames = regexp.MustCompile(`^[a-z0-9_-]{1,40}$`)

// parseServerName: the name goes into control tables and, with others, into a path.
func parseServerName(s string) (string, string, string) {
	if !serverNames.MatchString(s) {
		return s, fmt.Sprintf("bad server name %q", shorten(s)), "write 1 to 40 of a-z, 0-9, _ and -"
	}
	return s, "", ""
}

// poolName keeps DSO's rule: the name becomes part of log names.
var poolName = scalar(schemaOf{"type": "string", "pattern": poolNames.String(), "maxLength": maxPool}, func(s string) (string, string, string) {
	switch {
	case !poolNames.MatchString(s):
		return s, fmt.Sprintf("bad pool name %q", shorten(s)), "write letters, digits and blanks, none at the ends"
	case s == "home":
		return s, "pool name home is ardso's own", "choose another"
	case len(s) > maxPool:
		return s, fmt.Sprintf("pool name has %d characters", len(s)), fmt.Sprintf("write at most %d", maxPool)
	}
	return s, "", ""
})

var poolNames = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9 ]*[A-Za-z0-9])?$`)

var zone = scalar(schemaOf{"type": "string", "minLength": 1}, func(s string) (string, string, string) {
	if _, err := time.LoadLocation(s); err != nil || s == "" || s == "Local" {
		return s, fmt.Sprintf("unknown time zone %q", s), "write a name of the IANA list, such as America/Los_Angeles or UTC"
	}
	return s, "", ""
})

var fieldType = scalar(schemaOf{"enum": fieldTypes()}, func(s string) (schema.Type, string, string) {
	t, ok := schema.ParseType(s)
	if !ok || t.String() != s {
		return 0, fmt.Sprintf("unknown field type %q", s), nearest(s, fieldTypes())
	}
	return t, "", ""
})

// fieldTypes are the types that a plain form can declare: those that a single column can hold.
func fieldTypes() []string {
	var names []string
	for t := schema.Integer; t <= schema.Time; t++ {
		if t != schema.Attachment && t != schema.Currency {
			names = append(names, t.String())
		}
	}
	return names
}

var event = scalar(schemaOf{"enum": []string{"submit", "modify", "delete", "merge"}}, func(s string) (Event, string, string) {
	e, ok := parseEvent(s)
	if !ok {
		return 0, fmt.Sprintf("unknown event %q", s), nearest(s, []string{"submit", "modify", "delete", "merge"})
	}
	return e, "", ""
})

// eventSet is one event or a list of them; one that stands twice is a mistake.
var eventSet = shape[Event]{schema: oneOrList(event).schema, print: printEvents, read: func(r *reader, n ast.Node) (Event, bool) {
	all, ok := oneOrList(event).read(r, n)
	var set Event
	for _, e := range all {
		if set.Has(e) {
			r.add(r.start(n), "duplicate_value", "name each event once", "event %s stands twice", e)
		}
		set |= e
	}
	return set, ok
}}

// enumValues are the labels of a selection by number.
var enumValues = shape[[]schema.EnumValue]{
	schema: schemaOf{"type": "object", "minProperties": 1, "propertyNames": schemaOf{"pattern": "^-?[0-9]+$"}, "additionalProperties": text.schema},
	print: func(vs []schema.EnumValue, _ printing) any {
		out := entries{}
		for _, v := range vs {
			out = append(out, entry{strconv.FormatInt(v.ID, 10), v.Label})
		}
		return out
	},
	read: func(r *reader, n ast.Node) ([]schema.EnumValue, bool) {
		pairs, ok := r.pairs(n, "a list of values")
		var vs []schema.EnumValue
		for _, p := range pairs {
			id, err := strconv.ParseInt(p.key.Value, 10, 32)
			if err != nil {
				r.add(p.key.Pos, "bad_number", "write number: label, such as 0: New", "%q is not the number of a selection value", p.key.Value)
				continue
			}
			label, good := text.read(r, p.value)
			if i := slices.IndexFunc(vs, func(v schema.EnumValue) bool { return v.ID == id || good && v.Label == label }); i >= 0 {
				r.add(p.key.Pos, "duplicate_value", "give each number its own label", "value %d: %s repeats %d: %s", id, label, vs[i].ID, vs[i].Label)
				continue
			}
			vs = append(vs, schema.EnumValue{ID: id, Label: label})
		}
		slices.SortFunc(vs, func(a, b schema.EnumValue) int { return int(a.ID - b.ID) })
		return vs, ok
	},
}

// assignments are the lines of a field map, target: expression.
var assignments = shape[[]Assignment]{
	schema: schemaOf{"type": "object", "additionalProperties": expression.schema},
	print: func(lines []Assignment, _ printing) any {
		out := entries{}
		for _, l := range lines {
			out = append(out, entry{l.Target.Value, l.Value.Value})
		}
		return out
	},
	read: func(r *reader, n ast.Node) ([]Assignment, bool) {
		pairs, ok := r.pairs(n, "a field map")
		var lines []Assignment
		for _, p := range pairs {
			if v, ok := expression.read(r, p.value); ok {
				lines = append(lines, Assignment{Target: p.key, Value: v})
			}
		}
		return lines, ok
	},
}

var columns = oneOrList(text)

var fieldObject = object[Field]{
	what:  "a field",
	doc:   "What the database cannot tell of a column.",
	place: func(f *Field) *Place { return &f.Place },
	keys: []key[Field]{
		must(is("column", text, func(f *Field) *string { return &f.Column }, "The column that this is about; of a join form Primary.Field or Secondary.Field.")),
		is("name", name(maxForm), func(f *Field) *string { return &f.Name }, "Name of the field; default: the column's."),
		is("id", integer(1, 1<<31-1), func(f *Field) *int { return &f.ID }, "Field ID; default: a number from 1000000000 on that follows from the column's name."),
		is("type", fieldType, func(f *Field) *schema.Type { return &f.Type }, "AR System data type; default: by the column's type."),
		is("required", yesNo, func(f *Field) *bool { return &f.Required }, "The field must have a value; default: as the column says NOT NULL."),
		is("max_length", integer(1, 1<<31-1), func(f *Field) *int { return &f.MaxLength }, "Greatest length of a text, in characters; default: the column's."),
		is("pattern", text, func(f *Field) *string { return &f.Pattern }, "Pattern that values must match, as in AR System: LIKE style or $ALPHA$ and the like."),
		is("values", enumValues, func(f *Field) *[]schema.EnumValue { return &f.Values }, "Labels of a selection, number: label."),
	},
}

var formObject = object[Form]{
	what:  "a form",
	doc:   "A table as a form. On an ar catalog only name and keep_empty_strings may be written.",
	place: func(f *Form) *Place { return &f.Place },
	keys: []key[Form]{
		must(is("name", name(maxForm), func(f *Form) *string { return &f.Name }, "Name of the form.")),
		is("table", text, func(f *Form) *string { return &f.Table }, "The table, or schema.table; default: the form's name."),
		is("request_id", columns, func(f *Form) *[]string { return &f.RequestID }, "Column, or columns, that name a request; default: the primary key."),
		is("fields", listOf(pointers(fieldObject)), func(f *Form) *[]*Field { return &f.Fields }, "Columns that are not just named and typed as in the database. Columns that are not listed are fields too."),
		is("keep_empty_strings", yesNo, func(f *Form) *bool { return &f.KeepEmptyStrings }, "The empty text is a value of its own, not an empty field; default: yes in a plain catalog, no in an ar catalog."),
		is("join", joinObject.shape(), func(f *Form) **Join { return &f.Join }, "Makes it a join form: it has no table, and its fields are those of two other forms."),
	},
}

// pointers is the shape of an object in a list.
func pointers[T any](o object[T]) shape[*T] { return o.shape() }

// secretRef is a password: only a reference to the environment, never the password itself.
var secretRef = shape[Secret]{
	schema: schemaOf{"type": "string", "pattern": `^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`},
	print: func(s Secret, _ printing) any {
		if !reference.MatchString(s.reference) {
			return ""
		}
		return s.reference
	},
	read: func(r *reader, n ast.Node) (Secret, bool) {
		if !r.plainOnly(n) {
			return Secret{}, false
		}
		s, ok := n.(*ast.StringNode)
		if !ok || !reference.MatchString(s.Value) {
			r.add(r.start(n), "plain_password", "write password: ${NAME} to take it from the environment, or password_file", "a password must not stand in the definitions")
			return Secret{}, false
		}
		v, ok := r.env(s.Value[2:len(s.Value)-1], r.start(n))
		return Secret{reveal: func() string { return v }, reference: s.Value}, ok
	},
}

// secretFile is a password in a file.
var secretFile = shape[Secret]{schema: text.schema, print: printSecretFile, read: func(r *reader, n ast.Node) (Secret, bool) {
	path, ok := text.read(r, n)
	if !ok || r.secrets.File == nil {
		return Secret{reference: path}, ok
	}
	s, err := r.secrets.File(r.besides(path))
	if err != nil {
		r.add(r.start(n), "secret_file", "make the file readable for the user that runs ardso", "password file: %v", err)
		return Secret{}, false
	}
	if s = strings.TrimRight(s, "\r\n"); s == "" {
		r.add(r.start(n), "secret_file", "write the password into the file", "password file %q is empty", path)
		return Secret{}, false
	}
	return Secret{reveal: func() string { return s }, reference: path}, true
}}

func printSecretFile(s Secret, _ printing) any {
	if reference.MatchString(s.reference) {
		return ""
	}
	return s.reference
}

var serverObject = object[Server]{
	what: "a server",
	doc:  "One AR System database.",
	fresh: func() Server {
		return Server{Publication: DefaultPublication, TimeZone: "UTC"}
	},
	place: func(s *Server) *Place { return &s.Place },
	keys: []key[Server]{
		must(urlKey("postgres://user@host/database, mariadb://…, mysql://… or sqlite:file. ${NAME} stands for a variable of the environment. It holds no password.")),
		is("password", secretRef, func(s *Server) *Secret { return &s.Password }, "${NAME}: the variable of the environment that holds the password; default: none."),
		is("password_file", secretFile, func(s *Server) *Secret { return &s.Password }, "File that holds the password and nothing else; relative to the folder of the definitions."),
		is("catalog", oneOf(catalogKinds), func(s *Server) *CatalogKind { return &s.Catalog }, "Where forms come from: ar = AR System's dictionary, plain = declared under forms; default: ar."),
		is("forms", listOf(formObject.shape()), func(s *Server) *[]*Form { return &s.Forms }, "The forms of a plain catalog."),
		is("slot", identifier, func(s *Server) *string { return &s.Slot }, "Replication slot, on PostgreSQL; default: ardso_ and the database's name."),
		is("publication", identifier, func(s *Server) *string { return &s.Publication }, "Publication, on PostgreSQL; default: ardso."),
		is("server_id", integer(1, 1<<32-1), func(s *Server) *int { return &s.ServerID }, "Number under which ardso reads the log as a replica, on MariaDB and MySQL; no server and no other replica may have it; default: one derived from the names of server and database."),
		is("case_sensitive", yesNo, func(s *Server) *bool { return &s.CaseSensitive }, "Comparisons in qualifications heed case; default: no."),
		is("time_zone", zone, func(s *Server) *string { return &s.TimeZone }, "Zone of dates and times in qualifications; default: UTC."),
	},
}

// identifier is a PostgreSQL name that needs no quotes; slots allow no other.
var identifier = scalar(schemaOf{"type": "string", "pattern": identifiers.String()}, func(s string) (string, string, string) {
	if !identifiers.MatchString(s) {
		return s, fmt.Sprintf("bad name %q", shorten(s)), "write 1 to 63 of a-z, 0-9 and _, no digit first"
	}
	return s, "", ""
})

var identifiers = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// servers is the one section that is keyed by name.
var servers = shape[[]*Server]{
	schema: schemaOf{"type": "object", "propertyNames": serverName.schema, "additionalProperties": ref("server")},
	print: func(list []*Server, how printing) any {
		out := entries{}
		for _, s := range list {
			out = append(out, entry{s.Name, serverObject.print(s, how)})
		}
		return out
	},
	read: func(r *reader, n ast.Node) ([]*Server, bool) {
		pairs, ok := r.pairs(n, "the list of servers")
		var list []*Server
		for _, p := range pairs {
			if _, found, advice := parseServerName(p.key.Value); found != "" {
				r.add(p.key.Pos, "bad_value", advice, "%s", found)
			}
			if s, ok := serverObject.read(r, p.value, p.key.Pos); ok {
				s.Name = p.key.Value
				list = append(list, s)
			}
		}
		return list, ok
	},
}

var poolObject = object[Pool]{
	what:  "a pool",
	doc:   "A pool runs operations in its threads. Operations on one request always fall to the same thread.",
	fresh: func() Pool { return Pool{Enabled: true, Interval: minInterval, Threads: 1} },
	place: func(p *Pool) *Place { return &p.Place },
	keys: []key[Pool]{
		must(is("name", poolName, func(p *Pool) *string { return &p.Name }, "Name of the pool: at most 80 letters, digits and blanks.")),
		is("enabled", yesNo, func(p *Pool) *bool { return &p.Enabled }, "Whether the pool runs operations; those that name a disabled one run in the default pool; default: yes."),
		is("default", yesNo, func(p *Pool) *bool { return &p.Default }, "Whether it takes the operations that name no pool, one that is not there, or a disabled one; default: no, so that the pool default does."),
		is("polling", yesNo, func(p *Pool) *bool { return &p.Polling }, "Whether operations wait until the interval is over; default: no."),
		is("interval", duration(0, nil), func(p *Pool) *time.Duration { return &p.Interval }, "How often a polling pool carries out what waits, 5m to 24h; what is beyond is moved to the nearest; default: 5m."),
		is("threads", integer(1, 64), func(p *Pool) *int { return &p.Threads }, "Threads per target server; default: 1."),
	},
}

var logicalObject = object[LogicalMapping]{
	what:  "a logical mapping",
	doc:   "Another name for a server, or a field, in the definitions of one server.",
	place: func(l *LogicalMapping) *Place { return &l.Place },
	keys: []key[LogicalMapping]{
		must(is("server", text, func(l *LogicalMapping) *string { return &l.Server }, "The server whose definitions use the logical name.")),
		must(is("logical", logicalName, func(l *LogicalMapping) *string { return &l.Logical }, "The logical name, as name or $name$.")),
		must(is("physical", logicalTarget, func(l *LogicalMapping) *string { return &l.Physical }, "What it stands for: a server, a field by name or ID, or another logical name.")),
		is("kind", oneOf(logicalKinds), func(l *LogicalMapping) *LogicalKind { return &l.Kind }, "Whether it stands for a server or a field; default: server."),
	},
}

// logicalName is a name with or without dollar signs around it, and none in it.
var logicalName = scalar(schemaOf{"type": "string", "pattern": `^\$?[^$]+\$?$`, "maxLength": maxName}, func(s string) (string, string, string) {
	if name, _ := unmark(s); name == "" || strings.Contains(name, "$") || strings.TrimSpace(name) != name || len([]rune(name)) > maxName {
		return s, fmt.Sprintf("bad logical name %q", shorten(s)), fmt.Sprintf("write a name of at most %d characters, or the name between dollar signs", maxName)
	}
	return s, "", ""
})

// logicalTarget is a name, or the number of a field.
var logicalTarget = shape[string]{schema: fieldRef.schema, read: func(r *reader, n ast.Node) (string, bool) {
	t, ok := fieldRef.read(r, n)
	return t.Value, ok
}}

var endObject = object[End]{
	what:  "an end of a mapping",
	doc:   "A form on a server.",
	place: func(e *End) *Place { return &e.Place },
	keys: []key[End]{
		must(is("server", text, func(e *End) *string { return &e.Server }, "Name of the server.")),
		must(is("form", text, func(e *End) *string { return &e.Form }, "Name of the form there.")),
	},
}

// byValue turns the pointer that an object's shape reads into the value itself.
func byValue[T any](o object[T]) shape[T] {
	s := o.shape()
	return shape[T]{schema: s.schema, print: func(v T, how printing) any { return s.print(&v, how) }, read: func(r *reader, n ast.Node) (v T, ok bool) {
		p, ok := s.read(r, n)
		if ok {
			v = *p
		}
		return v, ok
	}}
}

var fieldGroupObject = object[FieldGroup]{
	what:  "a field group",
	doc:   "Fields of the target that belong together: where both sides have changed some of them, all are settled alike.",
	place: func(g *FieldGroup) *Place { return &g.Place },
	keys: []key[FieldGroup]{
		must(is("fields", oneOrList(fieldRef), func(g *FieldGroup) *[]Text { return &g.Fields }, "Fields of the target, by name or ID; a field is in one group at most.")),
		must(is("on_conflict", oneOf(conflictPolicies), func(g *FieldGroup) *ConflictPolicy { return &g.OnConflict }, "How a conflict in these fields is settled.")),
	},
}

var mappingObject = object[Mapping]{
	what: "a mapping",
	doc:  "How requests of one form become requests of another.",
	fresh: func() Mapping {
		return Mapping{
			Enabled: true, WhenToUpdate: NoUpdate, MaxTimeToRetry: NoLimit,
			EnforcePatternMatching: true, RequireRequiredFields: true,
		}
	},
	place: func(m *Mapping) *Place { return &m.Place },
	keys: []key[Mapping]{
		must(is("name", name(maxName), func(m *Mapping) *string { return &m.Name }, "Name of the mapping, unique in all definitions.")),
		is("enabled", yesNo, func(m *Mapping) *bool { return &m.Enabled }, "Whether the mapping may be used; default: yes."),
		is("default", yesNo, func(m *Mapping) *bool { return &m.Default }, "Take this mapping first where an action names a target, or nothing, and no mapping; default: no."),
		must(is("from", byValue(endObject), func(m *Mapping) *End { return &m.From }, "Where requests come from.")),
		must(is("to", byValue(endObject), func(m *Mapping) *End { return &m.To }, "Where requests go.")),
		is("transfer_mode", oneOf(transferModes), func(m *Mapping) *TransferMode { return &m.TransferMode }, "What becomes of a request and its ownership; default: data only."),
		is("duplicate_request_id", oneOf(duplicateActions), func(m *Mapping) *DuplicateAction { return &m.DuplicateRequestID }, "What happens where the target already has the request; default: error."),
		is("overwrite_style", oneOf(overwriteStyles), func(m *Mapping) *OverwriteStyle { return &m.OverwriteStyle }, "What duplicate_request_id: overwrite replaces where the target already has the request: mapped fields, or all fields, of which those that the mapping does not carry get their defaults; default: mapped fields."),
		is("when_to_update", oneOf(updateTimes), func(m *Mapping) *WhenToUpdate { return &m.WhenToUpdate }, "When changes of the owner's copy come back; default: no update."),
		is("match", oneOf(matches), func(m *Mapping) *Match { return &m.Match }, "How fields find each other; custom = only those under fields; default: like ids."),
		is("exclude", listOf(fieldRef), func(m *Mapping) *[]Text { return &m.Exclude }, "Fields, by name or ID, that match leaves alone."),
		is("fields", assignments, func(m *Mapping) *[]Assignment { return &m.Fields }, "Target field: expression over the source request. Such a line goes before match."),
		is("return_fields", assignments, func(m *Mapping) *[]Assignment { return &m.ReturnFields }, "The same for updates and returns: source field: expression over the target's request."),
		is("return_exclude", listOf(fieldRef), func(m *Mapping) *[]Text { return &m.ReturnExclude }, "Fields, by name or ID, that updates and returns leave alone, beside those that transfers do."),
		is("matching_qualification", expression, func(m *Mapping) *Text { return &m.MatchingQualification }, "Finds the target's request instead of its Request ID: 'Field' is the target's, $Field$ the source's."),
		is("max_time_to_retry", duration(0, map[string]time.Duration{"no limit": NoLimit}), func(m *Mapping) *time.Duration { return &m.MaxTimeToRetry }, "How long curable errors are tried again; 0 = not at all; default: no limit."),
		is("enforce_pattern_matching", yesNo, func(m *Mapping) *bool { return &m.EnforcePatternMatching }, "Values must match the target fields' patterns; default: yes."),
		is("require_required_fields", yesNo, func(m *Mapping) *bool { return &m.RequireRequiredFields }, "Required target fields must end up with a value; default: yes."),
		is("on_conflict", oneOf(conflictPolicies), func(m *Mapping) *ConflictPolicy { return &m.OnConflict }, "How a conflict is settled; default: error."),
		is("field_groups", listOf(fieldGroupObject.shape()), func(m *Mapping) *[]*FieldGroup { return &m.FieldGroups }, "Fields of the target whose conflicts are settled in a way of their own. All others follow on_conflict."),
		is("allow_any_user_to_delete", yesNo, func(m *Mapping) *bool { return &m.AllowAnyUserToDelete }, "Whether a copy that is not owned may be deleted where it is, without effect on the others; default: no."),
		is("suppress_no_such_entry", yesNo, func(m *Mapping) *bool { return &m.SuppressNoSuchEntry }, "Whether a delete of what is not there goes unrecorded (ARERR 302); default: no."),
		is("on_foreign_change", oneOf(foreignChanges), func(m *Mapping) *ForeignChange { return &m.OnForeignChange }, "What happens to an edit of a copy that is not owned; default: report."),
	},
}

const poolDoc = "Pool that runs it, or $Field$: the pool that the request names there; "

const overrideDoc = "Transfer even to a server that the change has already passed; default: no."

// poolRef names a pool, or a field that does.
var poolRef = text

var transferObject = object[Transfer]{
	what:  "a transfer",
	doc:   "Send the request along a mapping. Without mapping, to_server and to_form choose it, defaults first; without those, the form's first default mapping, else its first.",
	place: func(t *Transfer) *Place { return &t.Place },
	keys: []key[Transfer]{
		is("mapping", text, func(t *Transfer) *string { return &t.Mapping }, "Name of the mapping."),
		is("to_server", text, func(t *Transfer) *string { return &t.ToServer }, "Target server, together with to_form."),
		is("to_form", text, func(t *Transfer) *string { return &t.ToForm }, "Target form, together with to_server."),
		is("pool", poolRef, func(t *Transfer) *string { return &t.Pool }, poolDoc+"default: the default pool."),
		is("override_loop_detection", yesNo, func(t *Transfer) *bool { return &t.OverrideLoopDetection }, overrideDoc),
	},
}

var returnObject = object[Return]{
	what:  "a return",
	doc:   "Give the request and its ownership back to where it came from.",
	place: func(t *Return) *Place { return &t.Place },
	keys: []key[Return]{
		is("pool", poolRef, func(t *Return) *string { return &t.Pool }, poolDoc+"default: the pool that brought the request, as its From Pool says."),
		is("override_loop_detection", yesNo, func(t *Return) *bool { return &t.OverrideLoopDetection }, overrideDoc),
	},
}

var deleteObject = object[Deletion]{
	what:  "a delete",
	doc:   "Delete the copy that a mapping makes of this request, or the request that server, form and request_id name.",
	place: func(d *Deletion) *Place { return &d.Place },
	keys: []key[Deletion]{
		is("mapping", text, func(d *Deletion) *string { return &d.Mapping }, "The mapping whose copy of this request is deleted."),
		is("server", text, func(d *Deletion) *string { return &d.Server }, "Server of the request to delete, together with form and request_id."),
		is("form", text, func(d *Deletion) *string { return &d.Form }, "Form of the request to delete."),
		is("request_id", expression, func(d *Deletion) *Text { return &d.RequestID }, "Expression over this request that yields the Request ID there."),
		is("suppress_no_such_entry", yesNo, func(d *Deletion) *bool { return &d.SuppressNoSuchEntry }, "Whether it goes unrecorded where there is no such request (ARERR 302); default: no."),
		is("pool", poolRef, func(d *Deletion) *string { return &d.Pool }, poolDoc+"default: the default pool."),
	},
}

// actionKeys are the actions of T, which all go to one list, in the order written.
func actionKeys[T any](into func(*T) *[]Action) []key[T] {
	return []key[T]{
		action("transfer", transferObject, into, func(a *Action) **Transfer { return &a.Transfer }),
		action("return", returnObject, into, func(a *Action) **Return { return &a.Return }),
		action("delete", deleteObject, into, func(a *Action) **Deletion { return &a.Delete }),
	}
}

func action[T, V any](name string, o object[V], into func(*T) *[]Action, of func(*Action) **V) key[T] {
	s := oneOrList(o.shape())
	return key[T]{
		name: name, doc: o.doc + " One, or a list.", schema: oneOrList(shape[*V]{schema: ref(name)}).schema,
		read: func(r *reader, n ast.Node, t *T) {
			vs, _ := s.read(r, n)
			for _, v := range vs {
				var a Action
				*of(&a) = v
				*into(t) = append(*into(t), a)
			}
		},
		print: func(t *T, how printing) any {
			var vs []*V
			for _, a := range *into(t) {
				if v := *of(&a); v != nil {
					vs = append(vs, v)
				}
			}
			if len(vs) == 0 {
				return nil
			}
			return s.print(vs, how)
		},
		rank: func(t *T) int {
			return slices.IndexFunc(*into(t), func(a Action) bool { return *of(&a) != nil })
		},
	}
}

// elseActions are what happens where run_if is not true.
type elseActions struct {
	Place
	actions []Action
}

var elseObject = object[elseActions]{
	what:  "else",
	doc:   "Actions where run_if is not true.",
	place: func(e *elseActions) *Place { return &e.Place },
	keys:  actionKeys(func(e *elseActions) *[]Action { return &e.actions }),
}

// elseKey reads the actions under else.
func elseKey[T any](into func(*T) *[]Action) key[T] {
	s := elseObject.shape()
	return key[T]{
		name: "else", doc: elseObject.doc, schema: ref("else"),
		read: func(r *reader, n ast.Node, t *T) {
			if e, ok := s.read(r, n); ok {
				if len(e.actions) == 0 {
					r.add(e.Pos, "no_action", "write transfer or delete below it, or leave else out", "else has no action")
				}
				*into(t) = e.actions
			}
		},
		print: func(t *T, how printing) any {
			if len(*into(t)) == 0 {
				return nil
			}
			return elseObject.print(&elseActions{actions: *into(t)}, how)
		},
	}
}

var filterObject = object[Filter]{
	what:  "a filter",
	doc:   "Which changes of a form become which operations.",
	fresh: func() Filter { return Filter{Enabled: true, Order: 500} },
	place: func(f *Filter) *Place { return &f.Place },
	keys: append([]key[Filter]{
		must(is("name", name(maxName), func(f *Filter) *string { return &f.Name }, "Name of the filter, unique in all definitions.")),
		is("enabled", yesNo, func(f *Filter) *bool { return &f.Enabled }, "Whether the filter runs; default: yes."),
		must(is("server", text, func(f *Filter) *string { return &f.Server }, "The server whose changes it looks at.")),
		must(is("form", text, func(f *Filter) *string { return &f.Form }, "The form there.")),
		must(is("on", eventSet, func(f *Filter) *Event { return &f.On }, "What it runs on: submit, modify, delete, merge; merge is a change that ardso itself applied.")),
		is("order", integer(0, maxOrder), func(f *Filter) *int { return &f.Order }, "Execution order, low first; default: 500."),
		is("run_if", expression, func(f *Filter) *Text { return &f.RunIf }, "Qualification over the change, TR. and DB. included; default: always true."),
		is("null_compare", oneOf(nullCompares), func(f *Filter) *NullCompare { return &f.NullCompare }, "What = and != say of an empty field in run_if: sql = unknown, so the filter does not run; ar = empty is a value; default: sql."),
		elseKey(func(f *Filter) *[]Action { return &f.Else }),
	}, actionKeys(func(f *Filter) *[]Action { return &f.Actions })...),
}

var escalationObject = object[Escalation]{
	what:  "an escalation",
	doc:   "Actions at times or intervals on all requests that a qualification selects.",
	fresh: func() Escalation { return Escalation{Enabled: true} },
	place: func(e *Escalation) *Place { return &e.Place },
	keys: append([]key[Escalation]{
		must(is("name", name(maxName), func(e *Escalation) *string { return &e.Name }, "Name of the escalation, unique in all definitions.")),
		is("enabled", yesNo, func(e *Escalation) *bool { return &e.Enabled }, "Whether the escalation runs; default: yes."),
		must(is("server", text, func(e *Escalation) *string { return &e.Server }, "The server whose requests it looks at.")),
		must(is("form", text, func(e *Escalation) *string { return &e.Form }, "The form there.")),
		is("at", scheduleObject.shape(), func(e *Escalation) **Schedule { return &e.At }, "The times it runs at; either this or every."),
		is("every", duration(time.Second, nil), func(e *Escalation) *time.Duration { return &e.Every }, "The interval it runs at; either this or at."),
		is("run_if", expression, func(e *Escalation) *Text { return &e.RunIf }, "Qualification that selects requests; default: all."),
		elseKey(func(e *Escalation) *[]Action { return &e.Else }),
	}, actionKeys(func(e *Escalation) *[]Action { return &e.Actions })...),
}

var scheduleObject = object[Schedule]{
	what:  "a schedule",
	doc:   "Times of day on days of the week or the month.",
	place: func(s *Schedule) *Place { return &s.Place },
	keys: []key[Schedule]{
		is("weekdays", weekdays, func(s *Schedule) *[]time.Weekday { return &s.Weekdays }, "Days such as mon, or ranges such as mon-fri; default: every day."),
		is("monthdays", monthDays, func(s *Schedule) *[]int { return &s.MonthDays }, "Days of the month, 1 to 31, or last; with weekdays: either of them."),
		must(is("time", times, func(s *Schedule) *[]schedule.Time { return &s.Times }, "Time of day, in quotes: \"18:00\". One, or a list.")),
		is("zone", zone, func(s *Schedule) *string { return &s.Zone }, "Time zone; default: the server's."),
	},
}

// monthDays are days of the month.
var monthDays = oneOrDistinct(shape[int]{
	schema: schemaOf{"anyOf": []any{integer(1, 31).schema, schemaOf{"const": "last"}}},
	print: func(day int, _ printing) any {
		if day == schedule.LastDay {
			return "last"
		}
		return day
	},
	read: func(r *reader, n ast.Node) (int, bool) {
		if s, ok := unwrap(n).(*ast.StringNode); ok {
			if s.Value != "last" {
				r.add(r.pos(n), "bad_value", "write a number from 1 to 31, or last", "unknown day of the month %q", s.Value)
			}
			return schedule.LastDay, s.Value == "last"
		}
		return integer(1, 31).read(r, n)
	},
})

// times are times of day.
var times = oneOrDistinct(shape[schedule.Time]{
	schema: schemaOf{"type": "string", "pattern": `^([01][0-9]|2[0-3]):[0-5][0-9]$`},
	read: func(r *reader, n ast.Node) (schedule.Time, bool) {
		t, ok := r.text(n)
		if !ok {
			return schedule.Time{}, false
		}
		at, err := schedule.ParseTime(t.Value)
		if err != nil {
			r.add(t.Pos, "bad_time", `write hours and minutes, such as "18:00"`, "%s", err)
		}
		return at, err == nil
	},
})

var dayNames = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var weekdays = shape[[]time.Weekday]{
	print: func(days []time.Weekday, _ printing) any {
		names := make([]any, len(days))
		for i, d := range days {
			names[i] = dayNames[d]
		}
		return names
	},
	schema: oneOrList(shape[string]{schema: schemaOf{"type": "string", "pattern": `^(sun|mon|tue|wed|thu|fri|sat)(-(sun|mon|tue|wed|thu|fri|sat))?$`}}).schema,
	read: func(r *reader, n ast.Node) ([]time.Weekday, bool) {
		parts, ok := oneOrList(expression).read(r, n)
		var set [7]bool
		for _, p := range parts {
			from, to, isRange := strings.Cut(p.Value, "-")
			if !isRange {
				to = from
			}
			a, b := slices.Index(dayNames, from), slices.Index(dayNames, to)
			if a < 0 || b < 0 {
				r.add(p.Pos, "bad_value", "write days such as mon, or ranges such as mon-fri", "unknown weekday %q", p.Value)
				ok = false
				continue
			}
			for d := a; ; d = (d + 1) % 7 {
				set[d] = true
				if d == b {
					break
				}
			}
		}
		var days []time.Weekday
		for d, in := range set {
			if in {
				days = append(days, time.Weekday(d))
			}
		}
		return days, ok
	},
}

// documentFile is what one file holds; Parse joins several.
type documentFile struct {
	Place
	Document
}

var documentObject = object[documentFile]{
	what:  "a definition file",
	doc:   "Definitions of ardso: servers, and what travels between them.",
	place: func(d *documentFile) *Place { return &d.Place },
	keys: []key[documentFile]{
		is("servers", servers, func(d *documentFile) *[]*Server { return &d.Servers }, "The databases, by logical name."),
		section("pools", "pool", poolObject, func(d *documentFile) *[]*Pool { return &d.Pools }),
		section("logical_mappings", "logical_mapping", logicalObject, func(d *documentFile) *[]*LogicalMapping { return &d.LogicalMappings }),
		section("mappings", "mapping", mappingObject, func(d *documentFile) *[]*Mapping { return &d.Mappings }),
		section("filters", "filter", filterObject, func(d *documentFile) *[]*Filter { return &d.Filters }),
		section("escalations", "escalation", escalationObject, func(d *documentFile) *[]*Escalation { return &d.Escalations }),
	},
}

// section is a list of items of one kind.
func section[T any](name, def string, o object[T], into func(*documentFile) *[]*T) key[documentFile] {
	k := is(name, listOf(o.shape()), into, o.doc)
	k.schema = listOf(shape[*T]{schema: ref(def)}).schema
	return k
}

func ref(def string) schemaOf { return schemaOf{"$ref": "#/$defs/" + def} }

// JSONSchema is the JSON Schema of a definition file, for editors.
func JSONSchema() []byte {
	s := documentObject.schema()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "ardso definitions"
	s["$defs"] = schemaOf{
		"server": serverObject.schema(), "pool": poolObject.schema(), "logical_mapping": logicalObject.schema(),
		"mapping": mappingObject.schema(), "filter": filterObject.schema(), "escalation": escalationObject.schema(),
		"transfer": transferObject.schema(), "return": returnObject.schema(), "delete": deleteObject.schema(),
		"else": elseObject.schema(),
	}
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic(err) // the description is ours and constant
	}
	return append(b, '\n')
}
