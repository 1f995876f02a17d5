package schema_test

import (
	"slices"
	"strings"
	"testing"

	"ardso/sql/schema"
)

// The table has a row for each of 300-322, and looking one up by ID or column finds it.
func TestDistributedFields(t *testing.T) {
	t.Parallel()
	fields := schema.DistributedFields()
	if n := schema.UniqueID - schema.ToMapping + 1; len(fields) != n {
		t.Fatalf("%d fields, want %d", len(fields), n)
	}
	for i, f := range fields {
		if f.ID != schema.ToMapping+i || !schema.IsDistributed(f.ID) {
			t.Errorf("field %d has ID %d", i, f.ID)
		}
		if byID, ok := schema.DistributedFieldByID(f.ID); !ok || byID.Name != f.Name {
			t.Errorf("%d: found %q, want %q", f.ID, byID.Name, f.Name)
		}
		if byColumn, ok := schema.DistributedFieldByColumn(strings.ToUpper(f.ColumnName())); !ok || byColumn.ID != f.ID {
			t.Errorf("%s: found %d, want %d", f.ColumnName(), byColumn.ID, f.ID)
		}
		if (f.Type == schema.Selection) != (len(f.Values) > 0) {
			t.Errorf("%s: %s with labels %v", f.Name, f.Type, f.Values)
		}
	}
	for _, id := range []int{schema.ToMapping - 1, schema.UniqueID + 1, 0} {
		if f, ok := schema.DistributedFieldByID(id); ok {
			t.Errorf("%d is %q", id, f.Name)
		}
	}
	if f, ok := schema.DistributedFieldByColumn("dso_owner"); ok {
		t.Errorf("dso_owner is %q", f.Name)
	}
	if f, _ := schema.DistributedFieldByID(schema.DuplicateRequestIDAction); f.ColumnName() != "dso_duplicate_request_id_action" {
		t.Errorf("column %s", f.ColumnName())
	}
}

// The constants of labels are the places of the labels.
func TestDistributedLabels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		id    int
		label string
		want  int64
	}{
		{schema.MasterFlag, "No", schema.MasterNo},
		{schema.MasterFlag, "Yes", schema.MasterYes},
		{schema.TransferStatus, "Success", schema.TransferSuccess},
		{schema.TransferStatus, "Retry", schema.TransferRetry},
		{schema.TransferStatus, "Failure", schema.TransferFailure},
		{schema.TransferStatus, "Timeout", schema.TransferTimeout},
		{schema.TransferStatus, "Canceled", schema.TransferCanceled},
		{schema.UpdateStatus, "Success", schema.UpdateSuccess},
		{schema.UpdateStatus, "Waiting", schema.UpdateWaiting},
		{schema.UpdateStatus, "Retry", schema.UpdateRetry},
		{schema.UpdateStatus, "Failure", schema.UpdateFailure},
		{schema.UpdateStatus, "Timeout", schema.UpdateTimeout},
		{schema.UpdateStatus, "Canceled", schema.UpdateCanceled},
	} {
		f, _ := schema.DistributedFieldByID(tt.id)
		if n, ok := (&schema.Field{Values: f.Values}).Number(tt.label); !ok || n != tt.want {
			t.Errorf("%s %q is %d, %t; want %d", f.Name, tt.label, n, ok, tt.want)
		}
	}
}

// A group contains those below it; no group has Unique ID.
func TestFieldGroups(t *testing.T) {
	t.Parallel()
	want := map[schema.FieldGroup][]int{
		schema.Basic: {301, 302, 303, 306, 307, 310, 311, 318},
		schema.Full:  {300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 318},
		schema.Advanced: {
			300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 310, 311, 312, 313, 314, 315, 316, 317,
			318, 319, 320, 321,
		},
	}
	for _, g := range schema.FieldGroups() {
		var got []int
		for _, f := range schema.FieldsOf(g) {
			got = append(got, f.ID)
		}
		if !slices.Equal(got, want[g]) {
			t.Errorf("%s: %v, want %v", g, got, want[g])
		}
		text, err := g.MarshalText()
		var back schema.FieldGroup
		if err != nil || back.UnmarshalText(text) != nil || back != g {
			t.Errorf("%s reads back as %s, %v", g, back, err)
		}
	}
	if _, err := schema.FieldGroup(0).MarshalText(); err == nil {
		t.Error("group 0 has a name")
	}
	var g schema.FieldGroup
	if err := g.UnmarshalText([]byte("")); err == nil || g != 0 {
		t.Errorf("the empty text is %s, %v", g, err)
	}
}

// A Request ID of a plain form may be longer than AR System's, and so may its ar form's.
func TestLengthOn(t *testing.T) {
	t.Parallel()
	form := func(id, length int) *schema.Form {
		return &schema.Form{ID: id, Key: []*schema.Field{{ID: schema.RequestID, MaxLength: length}}}
	}
	for _, tt := range []struct {
		id   int
		form *schema.Form
		want int
	}{
		{schema.FromRequestID, form(1001, 15), 15},
		{schema.ToRequestID, form(1001, 5), 15},
		{schema.ToRequestID, form(1001, 69), 255},
		{schema.FromRequestID, form(0, 15), 255},
		{schema.ToRequestID, &schema.Form{}, 255},
		{schema.FromServer, form(0, 15), 64},
		{schema.MappingHistory, form(0, 15), 0},
	} {
		f, _ := schema.DistributedFieldByID(tt.id)
		if got := f.LengthOn(tt.form); got != tt.want {
			t.Errorf("%s on form %d: %d, want %d", f.Name, tt.form.ID, got, tt.want)
		}
	}
}
