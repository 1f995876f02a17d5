package definition

import (
	"fmt"
	"strings"
)

// TransferMode says what becomes of a request and its ownership when it is transferred
// (dso-reference, "Transfer modes"). Numbers are AR System's.
type TransferMode int

const (
	DataOnly        TransferMode = iota // the copy is read-only, the source keeps ownership
	DataOwnership                       // ownership goes to the copy
	IndependentCopy                     // source and copy each own themselves
	CopyDelete                          // the source request is deleted after the copy
)

var transferModes = names[TransferMode]{"data only", "data + ownership", "independent copy", "copy + delete"}

func (k TransferMode) String() string                { return transferModes.text(k) }
func (k TransferMode) MarshalText() ([]byte, error)  { return transferModes.marshal(k) }
func (k *TransferMode) UnmarshalText(b []byte) error { return transferModes.unmarshal(b, k) }

// DuplicateAction says what happens where the target already holds a request of that ID. Numbers
// are AR System's.
type DuplicateAction int

const (
	Error     DuplicateAction = iota // refuse; nothing is written
	Overwrite                        // the existing request is replaced, as OverwriteStyle says
	CreateNew                        // the incoming request is given a new ID
)

var duplicateActions = names[DuplicateAction]{"error", "overwrite", "create new"}

func (k DuplicateAction) String() string                { return duplicateActions.text(k) }
func (k DuplicateAction) MarshalText() ([]byte, error)  { return duplicateActions.marshal(k) }
func (k *DuplicateAction) UnmarshalText(b []byte) error { return duplicateActions.unmarshal(b, k) }

// OverwriteStyle says how much of an existing request Overwrite replaces. Numbers are those of DSO-Merge-Style.
type OverwriteStyle int

const (
	MappedFields OverwriteStyle = iota // what the mapping carries; the default
	AllFields                          // all of it: fields that the mapping does not carry get their defaults
)

var overwriteStyles = names[OverwriteStyle]{"mapped fields", "all fields"}

func (k OverwriteStyle) String() string                { return overwriteStyles.text(k) }
func (k OverwriteStyle) MarshalText() ([]byte, error)  { return overwriteStyles.marshal(k) }
func (k *OverwriteStyle) UnmarshalText(b []byte) error { return overwriteStyles.unmarshal(b, k) }

// WhenToUpdate says when changes of the owner's copy go back along the chain. Numbers are AR System's.
type WhenToUpdate int

const (
	Immediately WhenToUpdate = iota
	Hourly
	Daily
	OnReturn
	NoUpdate // the default
)

var updateTimes = names[WhenToUpdate]{"immediately", "hourly", "daily", "on return", "no update"}

func (k WhenToUpdate) String() string                { return updateTimes.text(k) }
func (k WhenToUpdate) MarshalText() ([]byte, error)  { return updateTimes.marshal(k) }
func (k *WhenToUpdate) UnmarshalText(b []byte) error { return updateTimes.unmarshal(b, k) }

// Match says how fields of the two forms find each other (dso-reference, "Field maps").
type Match int

const (
	LikeIDs   Match = iota // fields of the same ID
	LikeNames              // fields of the same name
	Custom                 // only the lines under fields
)

var matches = names[Match]{"like ids", "like names", "custom"}

func (k Match) String() string                { return matches.text(k) }
func (k Match) MarshalText() ([]byte, error)  { return matches.marshal(k) }
func (k *Match) UnmarshalText(b []byte) error { return matches.unmarshal(b, k) }

// ConflictPolicy says how a conflict is settled (design, "Conflict checks").
type ConflictPolicy int

const (
	ConflictError ConflictPolicy = iota // to dso_pending_error, with both images
	TakeSource                          // the source's values win
	TakeTarget                          // the target's values stay
	TakeNewest                          // the later Modified Date wins, ties by server name
	MergeFields                         // three-way by field; only fields that both sides changed conflict
)

var conflictPolicies = names[ConflictPolicy]{"error", "source", "target", "newest", "merge"}

func (k ConflictPolicy) String() string                { return conflictPolicies.text(k) }
func (k ConflictPolicy) MarshalText() ([]byte, error)  { return conflictPolicies.marshal(k) }
func (k *ConflictPolicy) UnmarshalText(b []byte) error { return conflictPolicies.unmarshal(b, k) }

// ForeignChange says what happens to an edit made by someone who does not own the request.
type ForeignChange int

const (
	Report ForeignChange = iota // it is recorded
	Revert                      // it is undone from the before image, and recorded
)

var foreignChanges = names[ForeignChange]{"report", "revert"}

func (k ForeignChange) String() string                { return foreignChanges.text(k) }
func (k ForeignChange) MarshalText() ([]byte, error)  { return foreignChanges.marshal(k) }
func (k *ForeignChange) UnmarshalText(b []byte) error { return foreignChanges.unmarshal(b, k) }

// CatalogKind says where the forms of a server come from.
type CatalogKind int

const (
	AR    CatalogKind = iota // AR System's dictionary: arschema, field, …
	Plain                    // declared under forms
)

var catalogKinds = names[CatalogKind]{"ar", "plain"}

func (k CatalogKind) String() string                { return catalogKinds.text(k) }
func (k CatalogKind) MarshalText() ([]byte, error)  { return catalogKinds.marshal(k) }
func (k *CatalogKind) UnmarshalText(b []byte) error { return catalogKinds.unmarshal(b, k) }

// LogicalKind says what a logical name stands for.
type LogicalKind int

const (
	LogicalServer LogicalKind = iota
	LogicalField
)

var logicalKinds = names[LogicalKind]{"server", "field"}

func (k LogicalKind) String() string                { return logicalKinds.text(k) }
func (k LogicalKind) MarshalText() ([]byte, error)  { return logicalKinds.marshal(k) }
func (k *LogicalKind) UnmarshalText(b []byte) error { return logicalKinds.unmarshal(b, k) }

// NullCompare says what a comparison with an empty field yields in run_if.
type NullCompare int

const (
	NullSQL NullCompare = iota // unknown, so the filter does not run; the default
	NullAR                     // = and != treat empty as a value
)

var nullCompares = names[NullCompare]{"sql", "ar"}

func (k NullCompare) String() string                { return nullCompares.text(k) }
func (k NullCompare) MarshalText() ([]byte, error)  { return nullCompares.marshal(k) }
func (k *NullCompare) UnmarshalText(b []byte) error { return nullCompares.unmarshal(b, k) }

// Event is what a filter runs on, or a set of such; numbers are AR System's execute-on mask.
type Event int

const (
	Modify Event = 2
	Submit Event = 4
	Delete Event = 8
	Merge  Event = 16 // a change that ardso applied
)

// events lists single events in the order that String prints them.
var events = []struct {
	event Event
	name  string
}{{Submit, "submit"}, {Modify, "modify"}, {Delete, "delete"}, {Merge, "merge"}}

// Has reports whether the set holds e.
func (k Event) Has(e Event) bool { return k&e != 0 }

// String separates the events of a set by ", "; the empty set is "".
func (k Event) String() string {
	var s []string
	for _, e := range events {
		if k.Has(e.event) {
			s = append(s, e.name)
		}
	}
	return strings.Join(s, ", ")
}

func (k Event) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads what String prints.
func (k *Event) UnmarshalText(b []byte) error {
	var set Event
	for part := range strings.SplitSeq(string(b), ",") {
		e, ok := parseEvent(strings.TrimSpace(part))
		if !ok {
			return fmt.Errorf("%q is none of submit, modify, delete, merge", part)
		}
		set |= e
	}
	*k = set
	return nil
}

func parseEvent(s string) (Event, bool) {
	for _, e := range events {
		if e.name == s {
			return e.event, true
		}
	}
	return 0, false
}

// names are the spellings of a kind, by number.
type names[K ~int] []string

func (n names[K]) text(k K) string {
	if int(k) < 0 || int(k) >= len(n) {
		return fmt.Sprintf("unknown %d", int(k))
	}
	return n[k]
}

func (n names[K]) marshal(k K) ([]byte, error) {
	if int(k) < 0 || int(k) >= len(n) {
		return nil, fmt.Errorf("no kind has number %d", int(k))
	}
	return []byte(n[k]), nil
}

func (n names[K]) unmarshal(b []byte, k *K) error {
	for i, s := range n {
		if s == string(b) {
			*k = K(i)
			return nil
		}
	}
	return fmt.Errorf("%q is none of %s", b, strings.Join(n, ", "))
}
