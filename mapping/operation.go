package mapping

import (
	"fmt"
	"slices"
	"time"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/ownership"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Action is what an operation does to the target's request.
type Action uint8

const (
	Create Action = iota + 1
	Modify
	Delete
)

var actionNames = [...]string{"?", "create", "modify", "delete"}

func (a Action) String() string { return actionNames[min(int(a), len(actionNames)-1)] }

func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

func (a *Action) UnmarshalText(b []byte) error {
	for i, n := range actionNames {
		if i > 0 && n == string(b) {
			*a = Action(i)
			return nil
		}
	}
	return fmt.Errorf("unknown action %q", b)
}

// PoolChoice says what names the pool of an operation.
type PoolChoice uint8

const (
	ByTransfer PoolChoice = iota // the actions that send requests of the form there
	ByReturn                     // the actions that return them
	ByUpdate                     // From Pool, of changes that go back by themselves
)

// PoolIn is the pool that a field of the request names, as the operation was decided on; of one that was stored then,
// and did not keep what the field held, the pool that was chosen.
func (o *Operation) PoolIn(field int) string {
	if name, ok := o.PoolFields[field]; ok {
		return name
	}
	return o.Pool
}

// Operation is what a change becomes: one request to be written on one target under one mapping. It
// is a value that can be stored, sent and printed; nothing in it points back to the log.
type Operation struct {
	Mapping string `json:"mapping"`
	Action  Action `json:"action"`

	Source  string `json:"source"`  // server whose log the change was read from
	Form    string `json:"form"`    // form there
	Request string `json:"request"` // Request ID there; names the order group (G3)

	Target     string `json:"target"`      // server to write on
	TargetForm string `json:"target_form"` // form there
	Pool       string `json:"pool,omitempty"`
	// PoolBy says how the pool was chosen, and PoolFields what the request names in the fields by which pools are
	// chosen now or were by an earlier layout of threads, by ID.
	PoolBy     PoolChoice     `json:"pool_by,omitempty"`
	PoolFields map[int]string `json:"pool_fields,omitempty"`

	Position   cdc.Position `json:"position"` // end of the transaction it came from
	CommitTime time.Time    `json:"commit_time"`
	Path       []string     `json:"path"` // servers passed, this source last

	// Key names the target's key fields by ID, in key order; all are among Fields.
	Key []int `json:"key"`
	// Fields are the target's fields that the mapping fills, ascending by ID, with their values before
	// and after the change as the mapping makes them. Create has no Before (Absent), Delete no After.
	// In a Modify a field whose Before equals its After is only compared, not written.
	Fields []FieldChange `json:"fields"`

	// Match, if not empty, is a qualification over the target form that finds the request to write
	// instead of its key; source values are already in it.
	Match string `json:"match,omitempty"`

	// CreateIfMissing: it cannot be told whether this request was transferred before, so a modify that
	// finds no request on the target is a first transfer, not a conflict.
	CreateIfMissing bool `json:"create_if_missing,omitempty"`
	// Renamed, if not empty, is the Request ID that the change gave the source's request.
	Renamed string `json:"renamed,omitempty"`
	// Selected: current state from a watermark select, not a change; it has no Before.
	Selected bool `json:"selected,omitempty"`

	// Offer, if not nil, hands the request's ownership over with it: a transfer with ownership, or a return.
	Offer *ownership.Offer `json:"offer,omitempty"`
	// Along, if not nil, makes this a change that follows the request's ownership chain: Fields are only those
	// that it changed.
	Along *Along `json:"along,omitempty"`
	// TellSource: once the copy is durable, or the operation has failed, the source's status fields are written, or,
	// where there is an Image, the source's request is deleted if that is still what it holds.
	TellSource bool `json:"tell_source,omitempty"`
	// Image is the source's request as it was copied, by source field, in copy + delete.
	Image []FieldChange `json:"image,omitempty"`
	// Home, if not nil, makes this what is written on the source itself; Target is Source then.
	Home *Home `json:"home,omitempty"`

	// RetryFor, if not nil, is how long the request itself lets it be tried again (Max Time to Retry).
	RetryFor *time.Duration `json:"retry_for,omitempty"`
	// Whole: its transaction went to one thread of each pool as a whole. SplitBy names layouts of threads by which that
	// would have been so on this target.
	Whole   bool     `json:"whole,omitempty"`
	SplitBy []string `json:"-"`
	// Late: it was given up, and later ones of its request may have been carried out since: where the target is not as it
	// expects, a person decides, whatever the mapping says.
	Late bool `json:"late,omitempty"`
	// Doubtful: a former process may have carried it out, and the target cannot be asked yet.
	Doubtful bool `json:"-"`

	// Quiet: a delete of what is not there is not recorded.
	Quiet bool `json:"quiet,omitempty"`
	// Duplicate, if not nil, is the request's own choice in the place of the mapping's.
	Duplicate *definition.DuplicateAction `json:"duplicate_request_id,omitempty"`

	// Mode is likewise for the transfer mode.
	Mode *definition.TransferMode `json:"transfer_mode,omitempty"`

	// Failure, if not nil, says why this operation cannot be carried out at all. It is parked.
	Failure *Failure `json:"failure,omitempty"`
}

// Along is a change on its way along an ownership chain.
type Along struct {
	Direction ownership.Direction `json:"direction"`
	Chain     string              `json:"chain"`
	Epoch     int64               `json:"epoch"` // of the owner whose change it is, or of the copy that passes it on
	// Versions orders, by target field, the values against those that copies hold.
	Versions map[int]ownership.Version `json:"versions,omitempty"`
	// Was, by target field, names what ardso wrote into the source's field last (HashOf), where the request goes along
	// as it is: no before image tells what the value replaces.
	Was map[int]string `json:"was,omitempty"`
	// Told: the source's Update Status says Success already.
	Told bool `json:"told,omitempty"`
}

// HomeKind is what is to be written on the source itself.
type HomeKind string

const (
	HandedOver HomeKind = "handed over"    // the write-back of a hand-over: the target has taken ownership
	NotTaken   HomeKind = "not taken"      // the write-back of a hand-over that failed
	Written    HomeKind = "written"        // a transfer without ownership has been carried out
	Moved      HomeKind = "moved"          // the copy of copy + delete is durable: the source is deleted
	Waits      HomeKind = "waits"          // an update that is carried out later
	Updated    HomeKind = "updated"        // an update has been carried out, or has failed
	Gone       HomeKind = "gone"           // its owner has deleted the request
	Foreign    HomeKind = "foreign change" // an edit by someone who does not own the request
)

// Home is what is written on the source itself: a write-back, or the answer to a foreign change. The
// operation's Form and Request name the source's request.
type Home struct {
	Kind  HomeKind        `json:"kind"`
	Epoch int64           `json:"epoch,omitempty"` // of the hand-over; the write-back is void under another; 0 = none was begun
	Chain string          `json:"chain,omitempty"`
	To    ownership.Place `json:"to"` // the copy on the target
	// Former is that of the Offer: dso_owner may speak of the request before still.
	Former string `json:"former,omitempty"`
	// Begun: the hand-over was begun, and is over with this.
	Begun bool `json:"begun,omitempty"`
	// Return: ownership went, or was to go, back to where it came from.
	Return bool `json:"return,omitempty"`
	// Direction, if not 0, is that of a change along the chain that could not be worked out.
	Direction ownership.Direction `json:"direction,omitempty"`
	// Asked is the mapping of a transfer for which the request's own choice of a mapping, or of its options, was at fault:
	// tried again, the request as it is then chooses anew.
	Asked string `json:"asked,omitempty"`
	// Failed: the target did not take an update, or what was transferred without ownership; it waits there.
	Failed bool `json:"failed,omitempty"`
	// WaitsFor is the pool that polls, for whose next time a hand-over waits that was not begun.
	WaitsFor string `json:"waits_for,omitempty"`
	// Revert: the foreign change is undone, not only recorded.
	Revert bool `json:"revert,omitempty"`
	// Update waits until Due.
	Update *Operation `json:"update,omitempty"`
	Due    time.Time  `json:"due,omitzero"`
	// Until a hand-over waits that was not begun; zero: without end.
	Until time.Time `json:"until,omitzero"`
	// Pending is the row of dso_pending of an update that has been carried out, or of a hand-over that has waited too long.
	Pending string `json:"pending,omitempty"`
	// Who made a foreign change; "" if the form does not tell.
	Who string `json:"who,omitempty"`
}

// FieldChange is one target field in an operation.
type FieldChange struct {
	Field  int         `json:"id"`
	Before value.Value `json:"before"`
	After  value.Value `json:"after"`
	// Companion: the value does not come from the request (Modified Date, $TIMESTAMP$); it is written
	// where another field is, never by itself, and never compared.
	Companion bool `json:"companion,omitempty"`
}

// Changes reports whether the field is a reason to write: Before is not known to equal After.
func (c FieldChange) Changes() bool { return !c.Companion && !c.Before.Equal(c.After) }

// Writes reports whether a modify that has a reason to write writes this field.
func (c FieldChange) Writes() bool { return c.After.Known() && (c.Companion || c.Changes()) }

// brings reports whether something is lost where the field is not there to be written.
func (o *Operation) brings(c FieldChange) bool {
	return o.Action != Delete && c.Changes() && c.After.Known() && !(o.Action == Create && c.After.IsNull())
}

// WithoutGone leaves out the fields that the form has no more and that the operation only compares: it may have waited
// since it was decided on. gone is the first one that it names the request by or brings a value for; then it cannot be
// carried out. 0: there is none.
func (o *Operation) WithoutGone(form *schema.Form) (out *Operation, gone int) {
	isGone, i := false, 0
	for _, c := range o.Fields { // both ascend
		for i < len(form.Fields) && form.Fields[i].ID < c.Field {
			i++
		}
		if i < len(form.Fields) && form.Fields[i].ID == c.Field {
			continue
		}
		if o.brings(c) || slices.Contains(o.Key, c.Field) {
			return o, c.Field
		}
		isGone = true
	}
	if !isGone {
		return o, 0
	}
	short := *o
	short.Fields = slices.DeleteFunc(slices.Clone(o.Fields), func(c FieldChange) bool { return form.FieldByID(c.Field) == nil })
	return &short, 0
}

// Field returns the field with the ID, nil if the operation does not carry it.
func (o *Operation) Field(id int) *FieldChange {
	for i := range o.Fields {
		if o.Fields[i].Field == id {
			return &o.Fields[i]
		}
	}
	return nil
}

// ChangesKey reports whether the operation gives the request another key, on the source or on the
// target: requests before and after it cannot be told apart by key alone.
func (o *Operation) ChangesKey() bool {
	if o.Renamed != "" || o.Action != Modify {
		return o.Renamed != ""
	}
	for _, id := range o.Key {
		if f := o.Field(id); f != nil && f.Before.Known() && f.Changes() {
			return true
		}
	}
	return false
}

// Alone reports whether the operation is carried out by itself, not together with others on its request:
// it looks at who owns what.
func (o *Operation) Alone() bool {
	return o.Offer != nil || o.Along != nil || o.Home != nil || o.Image != nil
}

// TargetKey is the key of the target's request as the target knows it before the operation: the
// before image's where there is one. A key field without a value is NULL.
func (o *Operation) TargetKey() []value.Value {
	key := make([]value.Value, len(o.Key))
	for i, id := range o.Key {
		key[i] = value.Null
		if f := o.Field(id); f != nil {
			if o.Action != Create && f.Before.Known() {
				key[i] = f.Before
			} else if f.After.Known() {
				key[i] = f.After
			}
		}
	}
	return key
}

// Failure is a named reason why an operation was not carried out, as it is kept in
// dso_pending_error and shown to the administrator.
type Failure struct {
	Kind   string `json:"name"`   // such as "value.too_long"
	Reason string `json:"reason"` // what, where, why
	Fix    string `json:"remedy"` // what to do
}

func (f *Failure) Error() string  { return f.Reason }
func (f *Failure) Name() string   { return f.Kind }
func (f *Failure) Remedy() string { return f.Fix }

// Size is the memory that the operation takes, in bytes, for queue budgets.
func (o *Operation) Size() int {
	n := 400 + len(o.Match)
	for i := range o.Fields {
		n += 8 + o.Fields[i].Before.Size() + o.Fields[i].After.Size()
	}
	return n
}
