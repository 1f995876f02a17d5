package cdc

// Step is one thing that `ardso init` does to a server: shown first, then carried out, each as a
// statement of its own outside any transaction (a replication slot cannot be made within one).
type Step struct {
	What string // for the administrator: "create publication ardso for 3 tables"
	SQL  string
}

// Severity of a Finding.
type Severity uint8

const (
	Note    Severity = iota // good to know
	Warning                 // works, but look
	Error                   // ardso would not work, or not safely
)

func (s Severity) String() string { return [...]string{"note", "warning", "error"}[min(int(s), 2)] }

func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one result of `ardso check`, with what to do about it.
type Finding struct {
	Server   string   `json:"server"`
	Name     string   `json:"name"` // "postgres.wal_level"; the same in docs
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`   // what was found, with the value found
	Remedy   string   `json:"remedy"` // "" for a note
}
