package mapping

import (
	"slices"
	"time"

	"ardso/cdc"
	"ardso/mapping/definition"
	"ardso/mapping/request"
	"ardso/sql/value"
)

// Made is what a transfer of a request, as it is now, makes of it on the target.
type Made struct {
	Key       []value.Value // along ToForm.Key; nil where it is made there, or the mapping cannot tell
	Match     string        // matching qualification with the request's values; "" = none
	Mode      definition.TransferMode
	Duplicate definition.DuplicateAction
}

// MadeBy says what a transfer along an enabled mapping from the server makes of a request, by the request's own options,
// too; nil where these are at fault.
func MadeBy(server string, defs *definition.Compiled, mapping string, row request.Image, now time.Time) *Made {
	d := NewDecider(server, defs)
	m := d.mappings[mapping]
	fm := d.form(m.FromForm)
	e := &event{
		tx: &cdc.Transaction{CommitTime: now, Selection: &cdc.Selection{}}, kind: cdc.Selected,
		after: row, id: request.ID(m.FromForm, row), path: []string{server},
	}
	d.fillEnv(e, fm)
	m, failure := d.overruled(m, e, fm)
	if failure != nil {
		return nil
	}
	op := m.operation(d, e)
	op.Action = Create
	m.fill(op, e)
	made := &Made{Match: op.Match, Mode: m.TransferMode, Duplicate: m.DuplicateRequestID}
	if key := op.TargetKey(); !slices.ContainsFunc(key, func(v value.Value) bool { return !v.Known() || v.IsNull() }) {
		made.Key = key
	}
	return made
}
