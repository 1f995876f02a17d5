package definition

import "fmt"

// Pos is a place in a definition file. Line and Column count from 1, columns in characters.
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// IsZero reports a place that is not known.
func (p Pos) IsZero() bool { return p == Pos{} }

// Place is where an item and its keys stand.
type Place struct {
	Pos  Pos            `json:"-"`
	keys map[string]Pos // by key, as PosOf says
	// written holds, by key, what stood where the item has something else: a logical name.
	written map[string]string
}

// PosOf is where the value of a key stands, the key itself where the value is a block below it, and
// the item where the key was not written.
func (p Place) PosOf(key string) Pos {
	if at, ok := p.keys[key]; ok {
		return at
	}
	return p.Pos
}

// Has reports whether a key was written.
func (p Place) Has(key string) bool {
	_, ok := p.keys[key]
	return ok
}

// replace puts what a key's text means in its place.
func (p *Place) replace(key string, text *string, by string) {
	if *text == by {
		return
	}
	if p.written == nil {
		p.written = map[string]string{}
	}
	p.written[key] = *text
	*text = by
}

// Text is a text of the document together with where each of its characters stands, so that a
// complaint of the qualification compiler points into the file.
type Text struct {
	Value string
	Pos   Pos // of its first character

	marks []mark // ascending by offset; nil: every offset is at Pos
}

// mark says that from a byte offset of the value on, characters stand one after another from a place.
type mark struct {
	offset       int
	line, column int
}

// IsZero reports a text that was not written.
func (t Text) IsZero() bool { return t.Value == "" && t.Pos.IsZero() }

func (t Text) String() string               { return t.Value }
func (t Text) MarshalText() ([]byte, error) { return []byte(t.Value), nil }

// At is the place of the byte at offset of the value.
func (t Text) At(offset int) Pos {
	p := t.Pos
	for i := len(t.marks) - 1; i >= 0; i-- {
		if m := t.marks[i]; m.offset <= offset {
			end := min(offset, len(t.Value))
			p.Line, p.Column = m.line, m.column+len([]rune(t.Value[m.offset:end]))
			break
		}
	}
	return p
}
