package control

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Event is a row of dso_event: what a person changed on this server by hand.
type Event struct {
	ID      string // "" = InsertEvent makes one
	What    string // what was asked for: "owner set --master yes"
	Who     string // "jane@ops1"
	Source  string // server that Form and Request are of; "" = this one
	Form    string
	Request string
	Before  string    // JSON
	After   string    // JSON
	Created time.Time // by this database's clock; not written
}

// InsertEvent records what a person does, in the transaction that does it, and returns its ID.
func InsertEvent(ctx context.Context, tx Handle, e Event) (string, error) {
	if e.ID == "" {
		e.ID = NewID()
	}
	_, err := exec(ctx, tx, "event_insert", e.ID, e.What, e.Who, e.Source, e.Form, e.Request, e.Before, e.After)
	return e.ID, err
}

// EventFilter selects rows of dso_event; zero fields select all.
type EventFilter struct {
	Form    string
	Request string
}

// ListEvents reads rows in the order in which they were made.
func ListEvents(ctx context.Context, h Handle, f EventFilter) ([]Event, error) {
	var w where
	w.equal("form", f.Form)
	w.equal("request", f.Request)
	q, args := w.sql(h, "event_select", "created, id")
	list, err := readAll(ctx, h, q, args, func(rows *sqlx.Rows) (e Event, err error) {
		var created stamp
		err = rows.Scan(&e.ID, &e.What, &e.Who, &e.Source, &e.Form, &e.Request, &e.Before, &e.After, &created)
		e.Created = created.Time
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return list, nil
}
