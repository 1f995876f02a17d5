package main

import (
	"fmt"
	"time"

	"ardso/apply/conflict"
	"ardso/mapping"
	"ardso/sql/control"
	"ardso/sql/value"
)

// pendingView is a row of dso_pending as it is shown.
type pendingView struct {
	Server    string    `json:"server"`
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Mapping   string    `json:"mapping"`
	Form      string    `json:"form"`
	Where     string    `json:"where"`
	Request   string    `json:"request,omitempty"` // of an operation, update or hand-over that waits
	Target    string    `json:"target,omitempty"`  // likewise
	Pool      string    `json:"pool,omitempty"`    // that polls, for whose next time it waits
	Status    string    `json:"status"`
	LastKey   string    `json:"last_key"`
	RowsDone  int64     `json:"rows_done"`
	RowsTotal int64     `json:"rows_total"` // -1 = not known
	Error     string    `json:"error,omitempty"`
	Reason    string    `json:"reason,omitempty"`
	Remedy    string    `json:"remedy,omitempty"`
	Created   time.Time `json:"created"`
	CreatedBy string    `json:"created_by"`
	Updated   time.Time `json:"updated"`

	Next      *time.Time `json:"next,omitempty"`        // when it is tried or carried out
	MayBeDone bool       `json:"may_be_done,omitempty"` // it was sent, and no answer came

	// In `show` only.
	Away        *control.Away        `json:"away,omitempty"` // its target, if that does not accept
	Operations  []*mapping.Operation `json:"operations,omitempty"`
	TargetNow   map[int]value.Value  `json:"target_now,omitempty"` // by field ID
	TargetError string               `json:"target_error,omitempty"`
}

// viewPending shows rows of a server, some of whose targets are away.
func viewPending(server string, list []control.Pending, away ...control.Away) []pendingView {
	out := make([]pendingView, len(list))
	for i, p := range list {
		v := pendingView{
			Server: server, ID: p.ID, Type: p.Type, Mapping: p.Mapping, Form: p.Form, Where: p.Qualification, Request: p.Request, Target: p.Target, Pool: p.Pool, Status: string(p.Status),
			LastKey: p.LastKey, RowsDone: p.RowsDone, RowsTotal: p.RowsTotal, Error: p.Error, Reason: p.Reason, Remedy: p.Remedy,
			Created: p.Created, CreatedBy: p.CreatedBy, Updated: p.Updated, MayBeDone: p.Attempted != "",
		}
		if p.Status == control.Retry {
			for _, a := range away {
				if a.Target == p.Target {
					v.Next = &a.Next
				}
			}
		}
		if !p.Due.IsZero() {
			v.Next = &p.Due
		}
		out[i] = v
	}
	return out
}

// what names the operation.
func (p *pendingView) what() string {
	if p.Type == control.Escalation {
		return fmt.Sprintf("escalation %q", p.Mapping)
	}
	return fmt.Sprintf("%s along %q", p.Type, p.Mapping)
}

// errorView is a row of dso_pending_error as it is shown.
type errorView struct {
	Server     string    `json:"server"` // target; of what waited for another target for too long, the source
	ID         string    `json:"id"`
	Source     string    `json:"source"`
	Mapping    string    `json:"mapping"`
	Form       string    `json:"form"`
	Request    string    `json:"request"`
	TargetForm string    `json:"target_form"`
	Action     string    `json:"action"`
	Error      string    `json:"error"`
	Reason     string    `json:"reason"`
	Remedy     string    `json:"remedy"`
	Attempts   int       `json:"attempts"`
	Status     string    `json:"status"`
	Created    time.Time `json:"created"`
	Updated    time.Time `json:"updated"`

	// In `show` only.
	Operations  []*mapping.Operation `json:"operations,omitempty"`
	TargetNow   map[int]value.Value  `json:"target_now,omitempty"` // by field ID
	TargetError string               `json:"target_error,omitempty"`

	text string // Operations as stored
}

func viewErrors(server string, list []control.PendingError) []errorView {
	out := make([]errorView, len(list))
	for i, x := range list {
		out[i] = errorView{
			Server: server, ID: x.ID, Source: x.Source, Mapping: x.Mapping, Form: x.Form, Request: x.Request, TargetForm: x.TargetForm,
			Action: x.Action, Error: x.Error, Reason: x.Reason, Remedy: x.Remedy, Attempts: x.Attempts, Status: string(x.Status),
			Created: x.Created, Updated: x.Updated, text: x.Operation,
		}
	}
	return out
}

// conflictView is a row of dso_conflict as it is shown.
type conflictView struct {
	Server     string    `json:"server"` // target
	ID         string    `json:"id"`
	Source     string    `json:"source"`
	Mapping    string    `json:"mapping"`
	Form       string    `json:"form"`
	Request    string    `json:"request"`
	TargetForm string    `json:"target_form"`
	Kind       string    `json:"kind"`
	SettledBy  string    `json:"settled_by"`
	Outcome    string    `json:"outcome"`
	Created    time.Time `json:"created"`

	// In `show` only.
	Operation  *mapping.Operation  `json:"operation,omitempty"`
	TargetHeld map[int]value.Value `json:"target_held,omitempty"` // by field ID
	Lost       []conflict.Loss     `json:"lost,omitempty"`

	source, target string // images as stored
}

func viewConflicts(server string, list []control.Conflict) []conflictView {
	out := make([]conflictView, len(list))
	for i, x := range list {
		out[i] = conflictView{
			Server: server, ID: x.ID, Source: x.Source, Mapping: x.Mapping, Form: x.Form, Request: x.Request, TargetForm: x.TargetForm,
			Kind: x.Kind, SettledBy: x.SettledBy, Outcome: x.Outcome, Created: x.Created, source: x.SourceImage, target: x.TargetImage,
		}
	}
	return out
}
