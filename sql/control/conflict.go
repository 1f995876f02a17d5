package control

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
)

// Conflict is a row of dso_conflict: a conflict that was settled on this server.
type Conflict struct {
	ID          string // "" = InsertConflict makes one
	Source      string
	Mapping     string
	Form        string // on the source
	Request     string // on the source
	TargetForm  string
	Kind        string
	SettledBy   string    // the mapping's rule
	Outcome     string    // what was done
	SourceImage string    // JSON
	TargetImage string    // JSON
	Created     time.Time // by this database's clock; not written
}

// InsertConflict records a settled conflict, in the transaction that settles it, and returns its ID.
func InsertConflict(ctx context.Context, tx Handle, c Conflict) (string, error) {
	if c.ID == "" {
		c.ID = NewID()
	}
	_, err := exec(ctx, tx, "conflict_insert", c.ID, c.Source, c.Mapping, c.Form, c.Request, c.TargetForm, c.Kind,
		c.SettledBy, c.Outcome, c.SourceImage, c.TargetImage)
	return c.ID, err
}

// ConflictFilter selects rows of dso_conflict; zero fields select all.
type ConflictFilter struct {
	ID         string
	Source     string
	Mapping    string
	Form       string
	Request    string
	TargetForm string
	Kind       string
	OlderThan  time.Duration
	Limit      int // 0 = no limit
}

// IDs names the rows that it selects, in the order in which they were made.
func (f ConflictFilter) IDs(ctx context.Context, h Handle) ([]string, error) {
	return f.where(h).ids(ctx, h, "dso_conflict")
}

// Count counts them, whatever the limit.
func (f ConflictFilter) Count(ctx context.Context, h Handle) (int64, error) {
	return f.where(h).count(ctx, h, "dso_conflict")
}

func (f ConflictFilter) where(h Handle) where {
	var w where
	w.equal("id", f.ID)
	w.equal("source", f.Source)
	w.equal("mapping", f.Mapping)
	w.equal("form", f.Form)
	w.equal("request", f.Request)
	w.equal("target_form", f.TargetForm)
	w.equal("kind", f.Kind)
	w.older(h, f.OlderThan)
	w.limit = f.Limit
	return w
}

// ListConflicts reads rows in the order in which they were made.
func ListConflicts(ctx context.Context, h Handle, f ConflictFilter) ([]Conflict, error) {
	q, args := f.where(h).sql(h, "conflict_select", "created, id")
	list, err := readAll(ctx, h, q, args, func(rows *sqlx.Rows) (c Conflict, err error) {
		var created stamp
		err = rows.Scan(&c.ID, &c.Source, &c.Mapping, &c.Form, &c.Request, &c.TargetForm, &c.Kind, &c.SettledBy,
			&c.Outcome, &c.SourceImage, &c.TargetImage, &created)
		c.Created = created.Time
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("list conflicts: %w", err)
	}
	return list, nil
}

// GetConflict reads one row; *NotFoundError where there is none.
func GetConflict(ctx context.Context, h Handle, id string) (Conflict, error) {
	list, err := ListConflicts(ctx, h, ConflictFilter{ID: id})
	if err == nil && (id == "" || len(list) == 0) {
		err = &NotFoundError{ID: id}
	}
	if err != nil {
		return Conflict{}, err
	}
	return list[0], nil
}

// CountConflicts counts the rows.
func CountConflicts(ctx context.Context, h Handle) (n int64, err error) {
	err = h.QueryRowxContext(ctx, "/* ardso status */ SELECT COUNT(*) FROM dso_conflict").Scan(&n)
	return n, err
}

// DeleteConflict removes a row.
func DeleteConflict(ctx context.Context, h Handle, id string) error {
	return must(ctx, h, "conflict_delete", id, id)
}
