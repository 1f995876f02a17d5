package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"ardso/apply/conflict"
	"ardso/cmd/internal/report"
	"ardso/cmd/internal/run"
	"ardso/mapping"
	"ardso/mapping/request"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// showImages shows side by side what an operation carries, field by field, and what the target holds;
// what differs from the source's value is marked, and whose value was lost, if any was. form may be nil: then fields
// go by ID.
func showImages(w io.Writer, form *schema.Form, op *mapping.Operation, target map[int]value.Value, title string, lost ...conflict.Loss) error {
	t := report.Table{Columns: []report.Column{{Title: ""}, {Title: "field"}, {Title: "source before"}, {Title: "source after"}, {Title: title}}}
	if len(lost) > 0 {
		t.Columns = append(t.Columns, report.Column{Title: "lost"})
	}
	list := op.Fields
	for _, l := range lost { // what the operation does not carry was reset to its default
		if op.Field(l.Field) == nil {
			list = append(slices.Clip(list), mapping.FieldChange{Field: l.Field})
		}
	}
	for _, f := range run.InOrder(form, list) {
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
		row := []string{mark, name, image(f.Before, show), image(f.After, show), held}
		if len(lost) > 0 {
			row = append(row, sideOf(lost, f.Field))
		}
		t.Rows = append(t.Rows, row)
	}
	return t.Write(w, 80)
}

// sideOf tells whose value of a field was lost; "" if none was.
func sideOf(lost []conflict.Loss, field int) string {
	for _, l := range lost {
		if l.Field == field {
			return l.Side + "'s"
		}
	}
	return ""
}

// image is a value of an operation; what it does not have shows as nothing.
func image(v value.Value, show func(value.Value) string) string {
	if !v.Known() {
		return ""
	}
	return show(v)
}

// labelled shows a selection's number by its label, and a diary by its entries.
func labelled(f *schema.Field) func(value.Value) string {
	return func(v value.Value) string {
		if f.Type == schema.Diary && v.Kind() == value.KindText {
			return diary(v.Text())
		}
		if f.Type == schema.Selection && v.Kind() == value.KindInt {
			if label, ok := f.Label(v.Int()); ok {
				return label
			}
		}
		return v.String()
	}
}

func diary(text string) string {
	var entries []string
	for _, e := range request.ParseDiary(text) {
		if e.Other {
			entries = append(entries, e.Text)
		} else {
			entries = append(entries, fmt.Sprintf("%s %s: %s", time.Unix(e.Time, 0).UTC().Format(timeFormat), e.User, e.Text))
		}
	}
	return strings.Join(entries, "; ")
}
