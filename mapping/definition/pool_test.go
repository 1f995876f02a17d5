package definition

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ardso/sql/schema"
)

// TestDefaultPool is dso-reference, "Distributed pools": what names no pool, one that is not there or a disabled
// one goes to the default pool, which always is there.
func TestDefaultPool(t *testing.T) {
	const servers = "servers: {a: {url: 'sqlite:a'}}\npools:\n"
	tests := []struct {
		name, pools string
		byDefault   string
		named       map[string]string // what runs in the place of a pool
		running     string
	}{
		{"none", "  - {name: x}", "default", map[string]string{"x": "x", "default": "default", "gone": "default", "": "default"}, "default x"},
		{"disabled", "  - {name: x, enabled: no}", "default", map[string]string{"x": "default"}, "default"},
		{"another", "  - {name: x}\n  - {name: y, default: yes}", "y", map[string]string{"x": "x", "default": "default", "gone": "y"}, "y default x"},
		{"another, the built-in one disabled", "  - {name: default, enabled: no}\n  - {name: y, default: yes}", "y", map[string]string{"default": "y"}, "y"},
		{"declared", "  - {name: default, threads: 3}", "default", map[string]string{"gone": "default"}, "default"},
	}
	for _, tt := range tests {
		d := parse(t, servers+tt.pools)
		if got := d.DefaultPool().Name; got != tt.byDefault {
			t.Errorf("%s: the default pool is %q, want %q", tt.name, got, tt.byDefault)
		}
		for name, want := range tt.named {
			if got := d.PoolNamed(name).Name; got != want {
				t.Errorf("%s: what names pool %q runs in %q, want %q", tt.name, name, got, want)
			}
		}
		var running []string
		for _, p := range d.RunningPools() {
			running = append(running, p.Name)
		}
		if got := strings.Join(running, " "); got != tt.running {
			t.Errorf("%s: running are %s, want %s", tt.name, got, tt.running)
		}
	}
}

// TestPoolInterval: what is out of range is moved to the nearest limit, with a warning.
func TestPoolInterval(t *testing.T) {
	const head = "servers: {a: {url: 'sqlite:a'}}\npools:\n  - {name: p, "
	for text, want := range map[string]time.Duration{
		"threads: 1":                    5 * time.Minute,
		"polling: yes":                  5 * time.Minute,
		"polling: yes, interval: 90m":   90 * time.Minute,
		"polling: yes, interval: 5m":    5 * time.Minute,
		"polling: yes, interval: 1440m": 24 * time.Hour,
		"polling: yes, interval: 299s":  5 * time.Minute,
		"polling: yes, interval: 0":     5 * time.Minute,
		"polling: yes, interval: 2d":    24 * time.Hour,
	} {
		d := parse(t, head+text+"}")
		if got := d.Pools[0].Interval; got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
		moved := false
		for _, w := range d.Warnings {
			moved = moved || w.Kind == "definition.out_of_range" && w.Pos.Line == 3
		}
		if written := strings.Contains(text, "299s") || strings.Contains(text, ": 0") || strings.Contains(text, "2d"); moved != written {
			t.Errorf("%s: got %v", text, d.Warnings)
		}
	}
	d := parse(t, head+"interval: 10m}")
	if len(d.Warnings) != 1 || d.Warnings[0].Kind != "definition.unused" {
		t.Errorf("an interval without polling: got %v", d.Warnings)
	}
}

const poolMappings = `
mappings:
  - {name: by name, from: {server: sf, form: Repair}, to: {server: chi, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}
  - {name: elsewhere, from: {server: sf, form: Repair}, to: {server: tokyo, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}
  - {name: alone, from: {server: chi, form: Log}, to: {server: tokyo, form: Log}, match: like names}
`

// TestPoolRules: which pool runs what.
func TestPoolRules(t *testing.T) {
	tests := []struct{ name, pools, filter, want string }{
		{
			"no pools", "[]", "transfer: {mapping: by name}",
			"to chi default, to tokyo default, alone default, return default, update default",
		},
		{
			"a pool", "[{name: p}]", "transfer: {mapping: by name, pool: p}",
			"to chi p, to tokyo p, alone default, return Serial or default, update Serial or default",
		},
		{
			"two", "[{name: p}, {name: q}]", "transfer: [{mapping: by name, pool: p}, {mapping: elsewhere, pool: q}], return: {pool: q}",
			"to chi p, to tokyo q, alone default, return q, update Serial or default",
		},
		{
			"disabled", "[{name: p, enabled: no}, {name: q, default: yes}]", "transfer: {mapping: by name, pool: p}, return: {pool: p}",
			"to chi q, to tokyo q, alone q, return q, update Serial or q",
		},
		{
			"by field", "[{name: p}, {name: q}]", "transfer: {mapping: by name, pool: $Kind$}, return: {pool: $7$}",
			"to chi Status or default, to tokyo Status or default, alone default, return Status or default, update Serial or default",
		},
		{
			"one polls", "[{name: p, polling: yes}]", "transfer: [{mapping: by name, pool: p}, {mapping: elsewhere, pool: $Kind$}]",
			"to chi p, to tokyo default, alone default, return default, update default",
		},
		{
			"the default one polls", "[{name: p, polling: yes, default: yes}, {name: q}]", "transfer: {mapping: by name, pool: $Kind$}",
			"to chi p, to tokyo p, alone p, return p, update p",
		},
		{
			"a delete", "[{name: p}]", "delete: {server: tokyo, form: Log, request_id: \"'1'\", pool: p}",
			"to chi p, to tokyo p, alone default, return Serial or default, update Serial or default",
		},
	}
	for _, tt := range tests {
		catalogs := testCatalogs()
		sf, log := catalogs["sf"].(forms)[0], catalogs["chi"].(forms)[1]
		sf.FieldByName("Serial").ID = schema.FromPool
		there := *log
		there.Server = "tokyo"
		catalogs["tokyo"] = forms{&there}
		d := parse(t, "servers: {sf: {url: 'sqlite:x'}, chi: {url: 'sqlite:y'}, tokyo: {url: 'sqlite:z'}}\npools: "+tt.pools+
			"\nlogical_mappings: [{server: sf, logical: Kind, physical: Status, kind: field}]"+poolMappings+
			"filters:\n  - {name: f, server: sf, form: Repair, on: modify, "+tt.filter+"}\n")
		c, err := Check(d, catalogs)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		say := func(r PoolRule) string {
			if r.Field != nil {
				return r.Field.Name + " or " + r.Name
			}
			return r.Name
		}
		got := fmt.Sprintf("to chi %s, to tokyo %s, alone %s, return %s, update %s",
			say(c.TransferPool(sf, log)), say(c.TransferPool(sf, &there)), say(c.TransferPool(log, &there)), say(c.ReturnPool(sf, log)), say(c.UpdatePool(sf, log)))
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestOneOrder: where the order of requests matters, they do not choose their pools.
func TestOneOrder(t *testing.T) {
	catalogs := testCatalogs()
	log := catalogs["chi"].(forms)[1]
	log.Table.HasForeignKeys = true
	d := parse(t, `
servers: {sf: {url: "sqlite:x"}, chi: {url: "sqlite:y"}}
pools: [{name: p}]
mappings: [{name: M, from: {server: sf, form: Repair}, to: {server: chi, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}]
filters:
  - {name: f, server: sf, form: Repair, on: modify, transfer: {mapping: M, pool: $Serial$}}
`)
	c, err := Check(d, catalogs)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.TransferPool(c.Filters[0].Form, log); r.Field != nil || r.Name != "default" {
		t.Errorf("got %+v", r)
	}
	if len(c.Warnings) != 1 || c.Warnings[0].Kind != "definition.unused" || c.Warnings[0].Pos.Line != 6 {
		t.Errorf("got %v", c.Warnings)
	}
}

// TestPollingOvertaken: pools that poll and others do not lead the same way.
func TestPollingOvertaken(t *testing.T) {
	const text = `
servers: {sf: {url: "sqlite:x"}, chi: {url: "sqlite:y"}}
pools: [{name: p, polling: %s}]
mappings:
  - {name: there, from: {server: sf, form: Repair}, to: {server: chi, form: Log}, match: custom, fields: {nr: "'1'", line: "'8'"}}
  - {name: back, from: {server: chi, form: Log}, to: {server: sf, form: Repair}, transfer_mode: data + ownership, match: custom, fields: {1: "'nr'"}}
filters:
  - {name: f, server: sf, form: Repair, on: modify, transfer: {mapping: there, pool: p}}
`
	for polls, want := range map[string]bool{"yes": true, "no": false} {
		_, err := Check(parse(t, fmt.Sprintf(text, polls)), testCatalogs())
		var list ErrorList
		errors.As(err, &list)
		got := slices.ContainsFunc(list, func(p *Problem) bool { return p.Kind == "definition.two_pools" && p.Pos.Line == 5 })
		if got != want {
			t.Errorf("polling %s: complained of two pools: %t\n%v", polls, got, err)
		}
	}
}
