package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Distributed fields: what a request itself says of its distribution (dso-reference, "Distributed
// fields"). Numbers are AR System's.
const (
	ToMapping                = 300
	TransferStatus           = 301
	UpdateStatus             = 302
	MasterFlag               = 303
	CurrentForm              = 304
	CurrentServer            = 305
	FromMapping              = 306
	FromRequestID            = 307
	ToRequestID              = 308
	MappingHistory           = 309
	FromForm                 = 310
	FromServer               = 311
	ToForm                   = 312
	ToServer                 = 313
	WhenToUpdate             = 314
	TransferMode             = 315
	DuplicateRequestIDAction = 316
	MaxTimeToRetry           = 317
	FromPool                 = 318
	EnforcePatternMatching   = 319
	RequireRequiredFields    = 320
	MatchingQualification    = 321
	UniqueID                 = 322 // both Request IDs of a join form's request, joined by "|"
)

// Numbers of the field Master Flag.
const (
	MasterNo  = 0
	MasterYes = 1
)

// Numbers of the fields Transfer Status and Update Status differ: only the latter has Waiting.
const (
	TransferSuccess  = 0
	TransferRetry    = 1
	TransferFailure  = 2
	TransferTimeout  = 3
	TransferCanceled = 4

	UpdateSuccess  = 0
	UpdateWaiting  = 1
	UpdateRetry    = 2
	UpdateFailure  = 3
	UpdateTimeout  = 4
	UpdateCanceled = 5
)

// FieldGroup is a group of distributed fields that a form has as a whole. A group contains those
// below it.
type FieldGroup int

const (
	Basic    FieldGroup = iota + 1 // what ownership needs
	Full                           // and routing and history
	Advanced                       // and what overrules the options of a mapping
)

var fieldGroups = [...]string{Basic: "basic", Full: "full", Advanced: "advanced"}

// FieldGroups are all groups, lowest first.
func FieldGroups() []FieldGroup { return []FieldGroup{Basic, Full, Advanced} }

func (g FieldGroup) String() string {
	if g < Basic || g > Advanced {
		return fmt.Sprintf("group %d", int(g))
	}
	return fieldGroups[g]
}

func (g FieldGroup) MarshalText() ([]byte, error) {
	if g < Basic || g > Advanced {
		return nil, fmt.Errorf("no group of distributed fields has number %d", int(g))
	}
	return []byte(fieldGroups[g]), nil
}

// UnmarshalText reads what String prints.
func (g *FieldGroup) UnmarshalText(b []byte) error {
	if i := slices.Index(fieldGroups[:], string(b)); i >= int(Basic) {
		*g = FieldGroup(i)
		return nil
	}
	return fmt.Errorf("%q is none of %s", b, strings.Join(fieldGroups[Basic:], ", "))
}

// DistributedField is one of the fields 300-322 as ardso adds it to a form.
type DistributedField struct {
	ID     int
	Name   string
	Type   Type        // Character, Integer or Selection
	Length int         // of text in characters; 0 = unlimited. LengthOn says what a form's own field holds
	Values []EnumValue // labels of a selection
	Group  FieldGroup  // lowest group that contains it; 0: none, only join forms have it
}

// distributedFields is in order of ID. Of the selections' numbers only Master Flag's are published.
// When to Update, Transfer Mode and Duplicate Request ID Action have the numbers that AR System gives
// the options they overrule, which are also those of mapping/definition's kinds; their labels are the
// words of a document's when_to_update, transfer_mode and duplicate_request_id in AR System's
// capitals, so that a value read by its label means the same as the option (a test in package
// definition holds the two together). All others count from 0 in the order in which AR System lists
// the labels: what a form's dictionary says of them comes first, so take the number of a label from
// the form's Field, never from here.
//
// What belongs to Basic is what a transfer with ownership writes to tell owner and way back; Full adds
// where a request is, was and shall go; Advanced the options of a mapping.
var distributedFields = []DistributedField{
	text(ToMapping, "To Mapping", 254, Full),
	choice(TransferStatus, "Transfer Status", Basic, "Success", "Retry", "Failure", "Timeout", "Canceled"),
	choice(UpdateStatus, "Update Status", Basic, "Success", "Waiting", "Retry", "Failure", "Timeout", "Canceled"),
	choice(MasterFlag, "Master Flag", Basic, "No", "Yes"),
	text(CurrentForm, "Current Form", 254, Full),
	text(CurrentServer, "Current Server", 64, Full),
	text(FromMapping, "From Mapping", 254, Basic),
	text(FromRequestID, "From Request ID", 15, Basic),
	text(ToRequestID, "To Request ID", 15, Full),
	text(MappingHistory, "Mapping History", 0, Full),
	text(FromForm, "From Form", 254, Basic),
	text(FromServer, "From Server", 64, Basic),
	text(ToForm, "To Form", 254, Full),
	text(ToServer, "To Server", 64, Full),
	choice(WhenToUpdate, "When to Update", Advanced, "Immediately", "Hourly", "Daily", "On Return", "No Update"),
	choice(TransferMode, "Transfer Mode", Advanced, "Data Only", "Data + Ownership", "Independent Copy", "Copy + Delete"),
	choice(DuplicateRequestIDAction, "Duplicate Request ID Action", Advanced, "Error", "Overwrite", "Create New"),
	{ID: MaxTimeToRetry, Name: "Max Time to Retry", Type: Integer, Group: Advanced}, // seconds
	text(FromPool, "From Pool", 80, Basic),
	choice(EnforcePatternMatching, "Enforce Pattern Matching", Advanced, "Yes", "No"),
	choice(RequireRequiredFields, "Require Required Fields", Advanced, "Yes", "No"),
	text(MatchingQualification, "Matching Qualification", 0, Advanced),
	text(UniqueID, "Unique ID", longRequestID, 0),
}

func text(id int, name string, length int, g FieldGroup) DistributedField {
	return DistributedField{ID: id, Name: name, Type: Character, Length: length, Group: g}
}

func choice(id int, name string, g FieldGroup, labels ...string) DistributedField {
	f := DistributedField{ID: id, Name: name, Type: Selection, Group: g}
	for i, l := range labels {
		f.Values = append(f.Values, EnumValue{ID: int64(i), Label: l})
	}
	return f
}

// DistributedFields returns all distributed fields, ascending by ID. The caller owns the slice, not
// the values in it.
func DistributedFields() []DistributedField { return slices.Clone(distributedFields) }

// DistributedFieldByID reports whether id is a distributed field, and which.
func DistributedFieldByID(id int) (DistributedField, bool) {
	if !IsDistributed(id) {
		return DistributedField{}, false
	}
	return distributedFields[id-ToMapping], true
}

// DistributedFieldByColumn reports whether a column of a plain table is a distributed field by its
// name, in whatever case, and which.
func DistributedFieldByColumn(column string) (DistributedField, bool) {
	for _, f := range distributedFields {
		if strings.EqualFold(f.ColumnName(), column) {
			return f, true
		}
	}
	return DistributedField{}, false
}

// FieldsOf returns the distributed fields of group g and those below it, ascending by ID.
func FieldsOf(g FieldGroup) []DistributedField {
	return slices.DeleteFunc(DistributedFields(), func(f DistributedField) bool { return f.Group == 0 || f.Group > g })
}

// ColumnName is the name of the field's column in a plain table: dso_master_flag.
func (f DistributedField) ColumnName() string {
	return "dso_" + strings.ReplaceAll(strings.ToLower(f.Name), " ", "_")
}

// longRequestID is the room for a Request ID that is not AR System's own: the values of a composite
// key joined by "|".
const longRequestID = 255

// LengthOn is Length, but on a form whose requests have longer IDs than AR System's, wide enough for
// these where the field holds a Request ID. A plain form counts as such, whatever its key: its
// requests meet those of other plain forms.
func (f DistributedField) LengthOn(form *Form) int {
	if f.ID != FromRequestID && f.ID != ToRequestID {
		return f.Length
	}
	if form.ID != 0 && len(form.Key) == 1 && form.Key[0].MaxLength > 0 && form.Key[0].MaxLength <= f.Length {
		return f.Length
	}
	return longRequestID
}
