// Package distributed tells which distributed fields a form has, and plans and carries out what adds or
// removes a group of them: columns of the form's table, and in an ar catalog the rows of AR System's
// dictionary.
//
// A plan is data that prints: steps with their SQL. It holds only what is missing, so that one which was
// cut off is completed by making it again.
//
// What it leaves to others: which fields are what (package schema), what definitions use, and the
// triggers of an SQLite log (package run).
//
// Read State and Read, then Add, Remove and Apply.
package distributed
