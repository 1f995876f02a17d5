package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// EncodeForms writes forms of one server as JSON, with the parts of join forms. The same forms give the same text,
// whatever their order. It leaves out what has its zero value, so that new fields of these types need nothing here.
func EncodeForms(forms []*Form) ([]byte, error) {
	all := make(map[string]*Form)
	for _, f := range forms {
		all[f.Name] = f
		if f.Join != nil {
			for _, part := range f.Join.Parts {
				all[part.Name] = part
			}
		}
	}
	list := make([]savedForm, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s, err := save(all[name])
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	full, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(full))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	dropZero(tree)
	return json.Marshal(tree)
}

// dropZero removes the members of objects that decode to what is there without them.
func dropZero(x any) {
	switch x := x.(type) {
	case []any:
		for _, v := range x {
			dropZero(v)
		}
	case map[string]any:
		for k, v := range x {
			dropZero(v)
			if v == nil || v == false || v == "" || v == json.Number("0") {
				delete(x, k)
			}
		}
	}
}

// DecodeForms reads what EncodeForms wrote: the same forms, with the same pointers among them.
func DecodeForms(text []byte) ([]*Form, error) {
	var list []savedForm
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("read saved forms: %w", err)
	}
	regular := make(map[string]*Form, len(list))
	forms := make([]*Form, 0, len(list))
	for i := range list {
		f, err := list[i].restore()
		if err != nil {
			return nil, err
		}
		if list[i].Join == nil {
			regular[f.Name] = f
		}
		forms = append(forms, f)
	}
	for i, s := range list {
		if s.Join == nil {
			continue
		}
		j, err := s.Join.restore(regular)
		if err != nil {
			return nil, fmt.Errorf("saved form %q: %w", s.Name, err)
		}
		forms[i].Join = j
		j.Pair = NewPair(forms[i])
	}
	return forms, nil
}

// savedForm is a form with indexes in the place of pointers to what it holds elsewhere.
type savedForm struct {
	Form
	Fields []savedField
	Key    []int // of Fields
	Join   *savedJoin
}

// savedField is a field; Column is its column's place in the table.
type savedField struct {
	Field
	Column int
}

// savedJoin is a join without its Pair, which is made of the rest.
type savedJoin struct {
	Parts [2]string
	On    [][2]int
	Outer bool
	From  []savedFrom
}

// savedFrom is a JoinField; -1 = the Request ID.
type savedFrom struct{ Part, Field int }

func save(f *Form) (savedForm, error) {
	s := savedForm{Form: *f}
	for _, x := range f.Fields {
		at := slices.Index(f.Table.Columns, x.Column)
		if at < 0 {
			return s, fmt.Errorf("form %q: field %q has a column that table %s does not have", f.Name, x.Name, f.Table.Name)
		}
		s.Fields = append(s.Fields, savedField{Field: *x, Column: at})
	}
	for _, k := range f.Key {
		s.Key = append(s.Key, slices.Index(f.Fields, k))
	}
	if slices.Contains(s.Key, -1) {
		return s, fmt.Errorf("form %q: its key is none of its fields", f.Name)
	}
	if f.Join == nil {
		return s, nil
	}
	j := &savedJoin{Outer: f.Join.Outer}
	for n, part := range f.Join.Parts {
		j.Parts[n] = part.Name
	}
	for _, on := range f.Join.On {
		j.On = append(j.On, [2]int{on[Primary].Index, on[Secondary].Index})
	}
	for _, x := range f.Join.From {
		at := -1
		if x.Field != nil {
			at = x.Field.Index
		}
		j.From = append(j.From, savedFrom{x.Part, at})
	}
	s.Join = j
	return s, nil
}

func (s *savedForm) restore() (*Form, error) {
	f := s.Form
	f.Fields, f.Key, f.Join = nil, nil, nil
	if f.Table == nil {
		return nil, fmt.Errorf("saved form %q has no table", f.Name)
	}
	for i := range s.Fields {
		x := s.Fields[i].Field
		at := s.Fields[i].Column
		if at < 0 || at >= len(f.Table.Columns) {
			return nil, fmt.Errorf("saved form %q: field %q has no column", f.Name, x.Name)
		}
		x.Column = f.Table.Columns[at]
		f.Fields = append(f.Fields, &x)
	}
	for _, k := range s.Key {
		if k < 0 || k >= len(f.Fields) {
			return nil, fmt.Errorf("saved form %q has no key field %d", f.Name, k)
		}
		f.Key = append(f.Key, f.Fields[k])
	}
	return &f, nil
}

func (s *savedJoin) restore(regular map[string]*Form) (*Join, error) {
	j := &Join{Outer: s.Outer}
	for n, name := range s.Parts {
		if j.Parts[n] = regular[name]; j.Parts[n] == nil {
			return nil, fmt.Errorf("no regular form %q", name)
		}
	}
	field := func(part, at int) (*Field, error) {
		if part < 0 || part >= len(j.Parts) || at < 0 || at >= len(j.Parts[part].Fields) {
			return nil, fmt.Errorf("%s have no field %d", strings.Join(s.Parts[:], " and "), at)
		}
		return j.Parts[part].Fields[at], nil
	}
	for _, on := range s.On {
		var pair [2]*Field
		for n, at := range on {
			var err error
			if pair[n], err = field(n, at); err != nil {
				return nil, err
			}
		}
		j.On = append(j.On, pair)
	}
	for _, x := range s.From {
		from := JoinField{Part: x.Part}
		if x.Field >= 0 {
			var err error
			if from.Field, err = field(x.Part, x.Field); err != nil {
				return nil, err
			}
		}
		j.From = append(j.From, from)
	}
	return j, nil
}
