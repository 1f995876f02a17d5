package cdc

// Backlog says how much of a server's log lies behind a position, for `ardso status`.
type Backlog struct {
	Unit     string // what the log is measured in: "bytes", "rows" or "transactions"
	Behind   int64  // written after the position; what others wrote that concerns nobody counts too
	Retained int64  // kept by the server for ardso, what lies behind included
	Limit    int64  // may still be written until the server drops what is kept; -1 = no limit
}
