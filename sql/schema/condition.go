package schema

import "ardso/sql/value"

// ConditionOp is the operator of a Condition.
type ConditionOp uint8

const (
	Always       ConditionOp = iota // true; the zero Condition selects all
	And                             // every part
	Or                              // any part
	Equal                           // column = Values[0]
	NotEqual                        // column <> Values[0]
	Less                            // column < Values[0]
	LessEqual                       // column <= Values[0]
	Greater                         // column > Values[0]
	GreaterEqual                    // column >= Values[0]
	In                              // column is one of Values
	IsNull                          // column IS NULL; on a text column of a form with EmptyIsNull also ''
	NotNull                         // the opposite
)

// Condition is a test of a row that every engine can do by itself, as plain data. Values are stored
// values (Field.Stored). Package qual makes it from a qualification as a pre-filter that is never
// stricter; package statement renders it. Comparisons are the database's own, by the column's
// collation, so that indexes serve them; the maker of a condition answers for that.
type Condition struct {
	Op     ConditionOp
	Column *Column
	Values []value.Value
	Parts  []Condition // of And and Or
}
