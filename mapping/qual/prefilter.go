package qual

import "ardso/sql/schema"

// Prefilter is the part of the qualification that a database can judge by itself, over the columns
// of Scope.Form. It is never stricter: every row that Eval accepts, it selects.
func (q *Qualification) Prefilter() schema.Condition {
	return schema.Condition{}
}
