package mapping_test

import (
	"slices"
	"testing"

	"ardso/cdc"
	"ardso/mapping"
	"ardso/sql/schema"
	"ardso/sql/value"
)

// A request's own fields win over the action and over the mapping's options, and an illegal one is a failure.
func TestOverrides(t *testing.T) {
	t.Parallel()
	text := value.Text
	number := func(id int, label string) value.Value {
		n, ok := ownedForm("a").FieldByID(id).Number(label)
		if !ok {
			t.Fatalf("field %d has no label %q", id, label)
		}
		return value.Int(n)
	}
	tests := []struct {
		name string
		set  map[int]value.Value
		want string
	}{
		{"none", nil, "give to b/R1, epoch 1"},
		{"To Mapping", map[int]value.Value{schema.ToMapping: text("a to c")}, "give to c/R1, epoch 1"},
		{"To Mapping wins over the pair", map[int]value.Value{schema.ToMapping: text("a to b"), schema.ToServer: text("c"), schema.ToForm: text("R")}, "give to b/R1, epoch 1"},
		{"To Server and To Form", map[int]value.Value{schema.ToServer: text("c"), schema.ToForm: text("R")}, "give to c/R1, epoch 1"},
		{"To Server by a logical name", map[int]value.Value{schema.ToServer: text("$hub$"), schema.ToForm: text("R")}, "give to c/R1, epoch 1"},
		{"half a pair is no choice", map[int]value.Value{schema.ToForm: text("nowhere")}, "give to b/R1, epoch 1"},
		{"an unknown mapping", map[int]value.Value{schema.ToMapping: text("nowhere")}, "on the source: not taken: override.no_mapping"},
		{"an unknown server", map[int]value.Value{schema.ToServer: text("z"), schema.ToForm: text("R")}, "on the source: not taken: override.no_mapping"},
		{"a mode that gives less", map[int]value.Value{schema.TransferMode: number(schema.TransferMode, "Data Only")}, "create on b"},
		{"a mode that gives more", map[int]value.Value{schema.ToMapping: text("copy"), schema.TransferMode: number(schema.TransferMode, "Data + Ownership")}, "on the source: not taken: override.illegal"},
		{"an illegal mode", map[int]value.Value{schema.TransferMode: value.Int(9)}, "on the source: not taken: override.illegal"},
		{"a qualification with a logical name", map[int]value.Value{schema.MatchingQualification: text("'Words' = $Words$")}, "give to b/R1, epoch 1"},
		{"an illegal qualification", map[int]value.Value{schema.MatchingQualification: text("'Notes' =")}, "on the source: not taken: override.illegal"},
		{"an illegal limit of retries", map[int]value.Value{schema.MaxTimeToRetry: value.Int(-1)}, "on the source: not taken: override.illegal"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			row := owned("", 1, "n")
			for id, v := range test.set {
				row[ownedForm("a").FieldByID(id).Index] = v
			}
			d := chainDecider(t, "a")
			if got := told(decide(t, d, tx(cdc.RowChange{Relation: ownedRelation, Kind: cdc.Insert, After: row}))); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// A transfer whose request's choice was at fault is tried again as the request chooses then; it says which mapping its rule
// asked for.
func TestChooseAgain(t *testing.T) {
	t.Parallel()
	const asked = "a to b"
	text := value.Text
	for _, test := range []struct {
		name, along string
		set         map[int]value.Value
		want        string
	}{
		{"a choice", asked, map[int]value.Value{schema.ToMapping: text("a to c")}, "give to c/R1, epoch 1"},
		{"none any more", asked, nil, "give to b/R1, epoch 1"},
		{"an unknown one again", asked, map[int]value.Value{schema.ToMapping: text("nowhere")}, "on the source: not taken: override.no_mapping"},
		{"an illegal option", asked, map[int]value.Value{schema.MaxTimeToRetry: value.Int(-1)}, "on the source: not taken: override.illegal"},
		{"a choice where the rule's is gone", "gone", map[int]value.Value{schema.ToMapping: text("a to c")}, "give to c/R1, epoch 1"},
		{"none where the rule's is gone", "gone", nil, "on the source: not taken: override.no_mapping"},
		{"given away meanwhile", asked, map[int]value.Value{schema.MasterFlag: value.Int(schema.MasterNo)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			row := owned("", 1, "n")
			for id, v := range test.set {
				row[ownedForm("a").FieldByID(id).Index] = v
			}
			x := tx(cdc.RowChange{Relation: ownedRelation, Kind: cdc.Selected, After: row})
			x.Selection = &cdc.Selection{Mapping: test.along, Choose: true}
			ops := decide(t, chainDecider(t, "a"), x)
			if got := told(ops); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if len(ops) > 0 && ops[0].Home != nil && ops[0].Home.Asked != test.along {
				t.Errorf("asked for %q, want %q", ops[0].Home.Asked, test.along)
			}
		})
	}
}

// A request's own transfer mode goes with the operation, so that a copy which a modify makes is marked by it.
func TestOverriddenModeMarksTheCopy(t *testing.T) {
	t.Parallel()
	mode := ownedForm("a").FieldByID(schema.TransferMode)
	independent, _ := mode.Number("Independent Copy")
	for _, test := range []struct {
		own  value.Value
		want value.Value // Master Flag
		from value.Value // From Server
	}{
		{value.Null, value.Int(schema.MasterNo), value.Text("a")},
		{value.Int(independent), value.Int(schema.MasterYes), value.Absent},
	} {
		row := owned("", 1, "n")
		row[ownedForm("a").FieldByID(schema.ToMapping).Index] = value.Text("copy")
		row[mode.Index] = test.own
		after := slices.Clone(row)
		after[ownedForm("a").FieldByName("Notes").Index] = value.Text("changed")
		d := chainDecider(t, "a")
		ops := decide(t, d, tx(cdc.RowChange{Relation: ownedRelation, Kind: cdc.Update, Before: row, After: after}))
		if len(ops) != 1 {
			t.Fatalf("own mode %s: got %s", test.own, told(ops))
		}
		fields := mapping.Origin(chainCompiled(t).Mapping("copy"), ops[0])
		if !fields[schema.MasterFlag].Equal(test.want) || fields[schema.FromServer] != test.from {
			t.Errorf("own mode %s: Master Flag %s, From Server %s", test.own, fields[schema.MasterFlag], fields[schema.FromServer])
		}
	}
}
