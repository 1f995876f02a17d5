// Package definition turns YAML documents into checked definitions: servers, pools, mappings,
// filters, escalations.
//
// Parse reads the text and checks all that it can without a database; Check compiles the result
// against the forms of both ends. Every complaint is a Problem with file, line, column, the line
// itself and what was meant; both report all of them at once, as an ErrorList.
//
// It leaves to others: reading files and the environment (the caller), what qualifications and
// expressions mean (package qual), when a schedule is due (package schedule), where forms come from
// (package catalog), and what the definitions make of a change (package mapping).
//
// Read Document and what it holds, Parse, then Compiled and Check. The keys, their meaning and their
// defaults stand once, in keys.go, which also makes docs/ardso.schema.json.
package definition

import (
	"time"

	"ardso/mapping/schedule"
	"ardso/sql/schema"
)

// Document is what one definition file, or a folder of them, says.
type Document struct {
	Servers         []*Server         `json:"servers"` // in order of appearance, as all below
	Pools           []*Pool           `json:"pools,omitempty"`
	LogicalMappings []*LogicalMapping `json:"logical_mappings,omitempty"`
	Mappings        []*Mapping        `json:"mappings,omitempty"`
	Filters         []*Filter         `json:"filters,omitempty"`
	Escalations     []*Escalation     `json:"escalations,omitempty"`

	// Warnings are what Parse found that is allowed but worth a look; Check repeats them.
	Warnings ErrorList `json:"-"`

	sources sources
	logical logicalNames
}

// Server returns nil where no server has that name.
func (d *Document) Server(name string) *Server { return byName(d.Servers, name) }

// Mapping returns nil where no mapping has that name.
func (d *Document) Mapping(name string) *Mapping { return byName(d.Mappings, name) }

// Server is one AR System database.
type Server struct {
	Place
	Name     string      `json:"name"` // [a-z0-9_-]{1,40}
	URL      string      `json:"url"`  // postgres://, mariadb://, mysql:// or sqlite:; holds no password
	Password Secret      `json:"password"`
	Catalog  CatalogKind `json:"catalog"`

	// Forms declares the forms of a plain catalog. On an ar catalog it only sets how a form is read:
	// Name and KeepEmptyStrings.
	Forms []*Form `json:"forms,omitempty"`

	Slot          string `json:"slot"`           // replication slot on PostgreSQL; "" = "ardso_" and the database's name
	Publication   string `json:"publication"`    // publication on PostgreSQL; default DefaultPublication
	ServerID      int    `json:"server_id"`      // number of ardso as a replica of MariaDB or MySQL; 0 = derived from the names
	CaseSensitive bool   `json:"case_sensitive"` // comparisons in qualifications heed case; default no
	TimeZone      string `json:"time_zone"`      // of $DATE$, $TIME$ and date literals; default UTC
}

// Location is the server's time zone.
func (s *Server) Location() *time.Location {
	if l, err := time.LoadLocation(s.TimeZone); err == nil {
		return l
	}
	return time.UTC // Parse has refused unknown zones
}

// Names that are used where a definition gives none.
const (
	DefaultPublication = "ardso"
	DefaultPool        = "default" // is always there; Document.DefaultPool unless another pool is
)

// Form is a table of a plain catalog as a form.
type Form struct {
	Place
	Name      string   `json:"name"`
	Table     string   `json:"table"`                // default: the form's name; "schema.table" where it is not in the default schema
	RequestID []string `json:"request_id,omitempty"` // columns that name a request; none = the primary key
	Fields    []*Field `json:"fields,omitempty"`

	// KeepEmptyStrings: '' is a value of its own. Otherwise '' is read as empty and NULL is written
	// for it. Default: yes in a plain catalog, no in an ar catalog.
	KeepEmptyStrings bool `json:"keep_empty_strings"`

	Join *Join `json:"join,omitempty"` // not nil: a join form
}

// Field says of a column of a plain catalog what the database cannot.
type Field struct {
	Place
	Column    string             `json:"column"`
	Name      string             `json:"name,omitempty"` // default: the column's
	ID        int                `json:"id,omitempty"`   // 0 = numbered by catalog
	Type      schema.Type        `json:"type,omitempty"` // 0 = by the column's type
	Required  bool               `json:"required,omitempty"`
	MaxLength int                `json:"max_length,omitempty"` // of text, in characters; 0 = the column's
	Pattern   string             `json:"pattern,omitempty"`    // AR System's pattern: LIKE style, or $MENU$ and the like
	Values    []schema.EnumValue `json:"values,omitempty"`     // labels of a selection, ascending by number
}

// Pool runs operations. Operations on one request always fall to the same thread of a pool.
type Pool struct {
	Place
	Name     string        `json:"name"`
	Enabled  bool          `json:"enabled"` // default yes
	Default  bool          `json:"default"` // takes what names no pool, one that is not there or is disabled; of one pool at most
	Polling  bool          `json:"polling"` // operations wait until the interval is over; default no
	Interval time.Duration `json:"interval"`
	Threads  int           `json:"threads"` // 1 to 64; default 1
}

// LogicalMapping gives a server or a field another name in one server's definitions.
type LogicalMapping struct {
	Place
	Server   string      `json:"server"`
	Logical  string      `json:"logical"`  // without the dollar signs it may be written in, as Physical
	Physical string      `json:"physical"` // a server, or a field by name or ID; or a logical name again
	Kind     LogicalKind `json:"kind"`     // default server
}

// End is one end of a mapping.
type End struct {
	Place
	Server string `json:"server"`
	Form   string `json:"form"`
}

// Mapping says how requests of one form become requests of another.
type Mapping struct {
	Place
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"` // default yes
	Default bool   `json:"default"` // taken first where an action names no mapping
	From    End    `json:"from"`
	To      End    `json:"to"`

	TransferMode       TransferMode    `json:"transfer_mode"`        // default data only
	DuplicateRequestID DuplicateAction `json:"duplicate_request_id"` // default error
	OverwriteStyle     OverwriteStyle  `json:"overwrite_style"`      // of DuplicateRequestID overwrite; default mapped fields
	WhenToUpdate       WhenToUpdate    `json:"when_to_update"`       // default no update

	Match                 Match         `json:"match"`             // default like ids
	Exclude               []Text        `json:"exclude,omitempty"` // fields, by ID or name, that Match leaves alone
	Fields                []Assignment  `json:"fields,omitempty"`  // in the order written
	ReturnFields          []Assignment  `json:"return_fields,omitempty"`
	ReturnExclude         []Text        `json:"return_exclude,omitempty"` // as Exclude, of the way back
	MatchingQualification Text          `json:"matching_qualification"`   // zero: requests are matched by key
	MaxTimeToRetry        time.Duration `json:"max_time_to_retry"`        // 0 = no retry; default NoLimit

	EnforcePatternMatching bool           `json:"enforce_pattern_matching"` // default yes
	RequireRequiredFields  bool           `json:"require_required_fields"`  // default yes
	OnConflict             ConflictPolicy `json:"on_conflict"`              // default error
	FieldGroups            []*FieldGroup  `json:"field_groups,omitempty"`   // other fields follow OnConflict
	OnForeignChange        ForeignChange  `json:"on_foreign_change"`        // default report
	AllowAnyUserToDelete   bool           `json:"allow_any_user_to_delete"` // of copies that are not owned; default no
	SuppressNoSuchEntry    bool           `json:"suppress_no_such_entry"`   // deletes of what is not there; default no
}

// FieldGroup is fields of the target that belong together: a conflict in them is settled for all of them alike.
type FieldGroup struct {
	Place
	Fields     []Text         `json:"fields"` // by ID or name
	OnConflict ConflictPolicy `json:"on_conflict"`
}

// NoLimit as Mapping.MaxTimeToRetry: curable errors are retried without end.
const NoLimit time.Duration = -1

// Assignment is one line of a field map: a target field and the expression that fills it.
type Assignment struct {
	Target Text `json:"target"` // field, by ID or name
	Value  Text `json:"value"`
}

// Filter is a rule on a form: which changes become which operations.
type Filter struct {
	Place
	Name        string      `json:"name"`
	Enabled     bool        `json:"enabled"` // default yes
	Server      string      `json:"server"`
	Form        string      `json:"form"`
	On          Event       `json:"on"`
	Order       int         `json:"order"`  // 0 to 1000, low first; default 500. Equal ones run as they are written
	RunIf       Text        `json:"run_if"` // zero: always
	NullCompare NullCompare `json:"null_compare"`
	Actions     []Action    `json:"actions"`        // where RunIf is true, in the order written
	Else        []Action    `json:"else,omitempty"` // where it is not
}

// Action is one thing that a filter or an escalation does: exactly one of the three is set.
type Action struct {
	Transfer *Transfer `json:"transfer,omitempty"`
	Return   *Return   `json:"return,omitempty"`
	Delete   *Deletion `json:"delete,omitempty"`
}

// Transfer sends the request along a mapping.
type Transfer struct {
	Place
	Mapping               string `json:"mapping"` // as written, or as found by ToServer and ToForm or by the form's default; never ""
	ToServer              string `json:"to_server,omitempty"`
	ToForm                string `json:"to_form,omitempty"`
	Pool                  string `json:"pool"` // or $Field$, by which the request names it; default Document.DefaultPool
	OverrideLoopDetection bool   `json:"override_loop_detection,omitempty"`
}

// Return gives ownership back to where it came from.
type Return struct {
	Place
	Pool                  string `json:"pool,omitempty"` // as in Transfer; "" = the one that brought the request
	OverrideLoopDetection bool   `json:"override_loop_detection,omitempty"`
}

// Deletion deletes a request on a target: either the copy that Mapping makes of this request, or
// the request that Server, Form and RequestID name.
type Deletion struct {
	Place
	Mapping   string `json:"mapping,omitempty"`
	Server    string `json:"server,omitempty"`
	Form      string `json:"form,omitempty"`
	RequestID Text   `json:"request_id"` // expression over this request

	SuppressNoSuchEntry bool `json:"suppress_no_such_entry"` // where the request is not there; default no

	Pool string `json:"pool"` // as in Transfer
}

// Escalation does with all requests that it selects, at times or intervals, what a filter does with one.
type Escalation struct {
	Place
	Name    string        `json:"name"`
	Enabled bool          `json:"enabled"` // default yes
	Server  string        `json:"server"`
	Form    string        `json:"form"`
	At      *Schedule     `json:"at,omitempty"` // exactly one of At and Every is set
	Every   time.Duration `json:"every,omitempty"`
	RunIf   Text          `json:"run_if"`
	Actions []Action      `json:"actions"`
	Else    []Action      `json:"else,omitempty"`
}

// Schedule is a set of times. Days of week and of month are joined by OR.
type Schedule struct {
	Place
	Weekdays  []time.Weekday  `json:"weekdays,omitempty"`  // none of both: every day
	MonthDays []int           `json:"monthdays,omitempty"` // 1 to 31, schedule.LastDay
	Times     []schedule.Time `json:"time"`                // ascending, at least one
	Zone      string          `json:"zone"`                // default: the server's time zone
}

// When is the escalation's schedule on its server.
func (e *Escalation) When(s *Server) *schedule.Schedule {
	if e.At == nil {
		return &schedule.Schedule{Every: e.Every}
	}
	c := schedule.Calendar{Weekdays: e.At.Weekdays, MonthDays: e.At.MonthDays, Times: e.At.Times, Zone: s.Location()}
	if z, err := time.LoadLocation(e.At.Zone); err == nil && e.At.Has("zone") { // Parse has refused unknown zones
		c.Zone = z
	}
	return &schedule.Schedule{Calendar: c}
}

// named is an item that others refer to by name.
type named interface{ name() string }

func (s *Server) name() string     { return s.Name }
func (p *Pool) name() string       { return p.Name }
func (m *Mapping) name() string    { return m.Name }
func (f *Filter) name() string     { return f.Name }
func (e *Escalation) name() string { return e.Name }

func byName[T named](items []T, name string) (none T) {
	for _, x := range items {
		if x.name() == name {
			return x
		}
	}
	return none
}
