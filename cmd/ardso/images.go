package main

import (
	"fmt"
	"io"

	"ardso/cmd/internal/report"
	"ardso/mapping"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// showImages shows side by side what an operation carries, field by field, and what the target holds;
// what differs from the source's value is marked. form may be nil: then fields go by ID.
func showImages(w io.Writer, form *schema.Form, op *mapping.Operation, target map[int]value.Value, title string) error {
	t := report.Table{Columns: []report.Column{{Title: ""}, {Title: "field"}, {Title: "source before"}, {Title: "source after"}, {Title: title}}}
	for _, f := range op.Fields {
		name, show := fmt.Sprint(f.Field), value.Value.String
		if form != nil {
			if x := form.FieldByID(f.Field); x != nil {
				name, show = x.Name, labelled(x)
			}
		}
		held, mark := "(none)", ""
		if v, ok := target[f.Field]; ok {
			held = show(v)
			if f.After.Known() && !f.After.Equal(v) {
				mark = "≠"
			}
		}
		t.Rows = append(t.Rows, []string{mark, name, image(f.Before, show), image(f.After, show), held})
	}
	return t.Write(w, 80)
}

// image is a value of an operation; what it does not have shows as nothing.
func image(v value.Value, show func(value.Value) string) string {
	if !v.Known() {
		return ""
	}
	return show(v)
}

// labelled shows a selection's number with its label.
func labelled(f *schema.Field) func(value.Value) string {
	return func(v value.Value) string {
		if f.Type == schema.Selection && v.Kind() == value.KindInt {
			if label, ok := f.Label(v.Int()); ok {
				return label
			}
		}
		return v.String()
	}
}
