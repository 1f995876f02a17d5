package guard

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-sql-driver/mysql"

	"ardso/sql/engine"
)

// NoMasterFlagError is a form whose requests do not say who owns them.
type NoMasterFlagError struct{ Server, Form string }

func (e *NoMasterFlagError) Error() string {
	return fmt.Sprintf("%s: form %q has no Master Flag (303), so nothing tells which of its requests were given away", e.Server, e.Form)
}
func (e *NoMasterFlagError) Name() string { return "guard.no_master_flag" }
func (e *NoMasterFlagError) Remedy() string {
	return fmt.Sprintf("run `ardso fields add %q --server %s --group basic`, then this command again", e.Form, e.Server)
}

// PlaceTakenError is a trigger of others in a place of which the server has one.
type PlaceTakenError struct {
	Server, Form, Table string
	Trigger             string
	Place               string // BEFORE UPDATE
	Ours                string // body that would be there
}

func (e *PlaceTakenError) Error() string {
	return fmt.Sprintf("%s: form %q: table %s has the %s trigger %q, and before MySQL 5.7.2 a table has one of each", e.Server, e.Form, e.Table, e.Place, e.Trigger)
}
func (e *PlaceTakenError) Name() string { return "guard.place_taken" }
func (e *PlaceTakenError) Remedy() string {
	return fmt.Sprintf("merge by hand: create trigger %q again with this block, unchanged, before its own statements: `%s;`", e.Trigger, e.Ours)
}

func join(list []*PlaceTakenError) error {
	errs := make([]error, len(list))
	for i, e := range list {
		errs[i] = e
	}
	return errors.Join(errs...)
}

// MergedError is a guard that somebody merged into triggers of theirs.
type MergedError struct {
	Server, Form string
	Triggers     []string
}

func (e *MergedError) Error() string {
	return fmt.Sprintf("%s: form %q: the guard was merged by hand into %s", e.Server, e.Form, strings.Join(e.Triggers, ", "))
}
func (e *MergedError) Name() string { return "guard.merged" }
func (e *MergedError) Remedy() string {
	return "create these triggers again without the blocks that are labelled " + Prefix + "…; ardso changes no trigger of yours"
}

// StepError is a step that the server refused.
type StepError struct {
	Server    string
	Step      Step
	Class     engine.Class
	Privilege string // what an administrator may run so that the user may do it
	Err       error
}

func (e *StepError) Error() string { return fmt.Sprintf("%s: %s: %s", e.Server, e.Step.What, e.Err) }
func (e *StepError) Unwrap() error { return e.Err }

// Name tells a missing privilege, and a table that others hold, from all else.
func (e *StepError) Name() string {
	switch e.Class {
	case engine.Denied:
		return "guard.denied"
	case engine.Transient:
		return "guard.locked"
	}
	return "guard.step"
}

func (e *StepError) Remedy() string {
	switch e.Class {
	case engine.Denied:
		return "let an administrator run `" + e.Privilege + "`, or what --dry-run shows"
	case engine.Transient:
		return "somebody keeps the table locked, or the server is busy: try again when that has ended; what was done so far stays and is not done twice"
	}
	return "see what the server says; the same command may be run again"
}

// superNeeded: a server that writes a binlog lets only few make triggers, unless it is told to trust them.
const superNeeded = 1419

// privilege is what the user needs least, as statements.
func (g *Guard) privilege(err error) string {
	user := g.db.URL.User.Username()
	t, e := g.Form.Table, g.db.Engine
	var refused *mysql.MySQLError
	switch {
	case errors.As(err, &refused) && refused.Number == superNeeded:
		return "SET GLOBAL log_bin_trust_function_creators = ON"
	case e.Dialect == "mysql":
		return fmt.Sprintf("GRANT TRIGGER ON %s TO %s", e.Table(t.Schema, t.Name), e.Quote(user))
	}
	return fmt.Sprintf("GRANT TRIGGER ON %s TO %s; GRANT CREATE ON SCHEMA %s TO %s", e.Table(t.Schema, t.Name), e.Quote(user), e.Quote(g.db.Schema), e.Quote(user))
}
