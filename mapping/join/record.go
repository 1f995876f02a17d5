package join

import (
	"encoding/json"
	"slices"
	"strings"

	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// Prefix begins the names of the watermarks of rounds.
const Prefix = "join-"

// IsRound reports whether watermarks of this name are those of a round.
func IsRound(name string) bool { return strings.HasPrefix(name, Prefix) }

// record is the changes of one form as they are written into the log. Fields are named, for the form may have others
// when it is read.
type record struct {
	Form    string     `json:"form"`
	Fields  []int      `json:"fields"`
	Changes []recorded `json:"changes"`
}

type recorded struct {
	Before []value.Value `json:"before,omitempty"`
	After  []value.Value `json:"after,omitempty"`
	Mark
}

// Encode writes changes as text, for dso_join.
func Encode(changes []Change) (string, error) {
	records := []record{}
	for _, c := range changes {
		if n := len(records); n == 0 || records[n-1].Form != c.Form.Name {
			r := record{Form: c.Form.Name}
			for _, f := range c.Form.Fields {
				r.Fields = append(r.Fields, f.ID)
			}
			records = append(records, r)
		}
		r := &records[len(records)-1]
		r.Changes = append(r.Changes, recorded{Before: c.Before, After: c.After, Mark: c.Mark})
	}
	b, err := json.Marshal(records)
	return string(b), err
}

// Decode reads what Encode wrote. Changes of forms that are not followed any more are left out.
func Decode(text string, form func(name string) *schema.Form) (changes []Change, err error) {
	var records []record
	if err := json.Unmarshal([]byte(text), &records); err != nil {
		return nil, err
	}
	for _, r := range records {
		f := form(r.Form)
		if f == nil {
			continue
		}
		place := make([]int, len(f.Fields))
		for i, x := range f.Fields {
			place[i] = slices.Index(r.Fields, x.ID)
		}
		image := func(row []value.Value) request.Image {
			if row == nil {
				return nil
			}
			im := make(request.Image, len(place))
			for i, j := range place {
				if j >= 0 && j < len(row) {
					im[i] = row[j]
				}
			}
			return im
		}
		for _, c := range r.Changes {
			changes = append(changes, Change{Form: f, Before: image(c.Before), After: image(c.After), Mark: c.Mark})
		}
	}
	return changes, nil
}

// Size is roughly the memory that the change takes, and the text.
func (c *Change) Size() int {
	n := 100
	for _, im := range []request.Image{c.Before, c.After} {
		for _, v := range im {
			n += v.Size()
		}
	}
	return n
}
