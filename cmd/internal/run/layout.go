package run

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"strings"

	"ardso/apply"
	"ardso/mapping"
	"ardso/mapping/definition"
	"ardso/sql/schema"
)

// layout says which thread of which pool an operation falls to on one target. It is kept beside the
// checkpoints as text: after a restart under other definitions or thread counts, the old layout tells
// which of the old threads had an operation to do, and so whether it is done (G2).
type layout struct {
	id    string
	lanes map[string]lane // by source form and target form
}

// lane is where the operations between two forms go.
type lane struct {
	pool    string
	threads int
	serial  bool // all to thread 0: their order matters across requests
}

// newLayout makes the layout of one source and target. single: the target takes one writer at a time.
func newLayout(source, target string, single bool, defs *definition.Compiled) *layout {
	l := &layout{lanes: make(map[string]lane)}
	put := func(from, to, pool string, serial bool) {
		n := 1
		if p := defs.Document.Pool(pool); p != nil && !single {
			n = p.Threads
		}
		l.lanes[laneKey(from, to)] = lane{pool: pool, threads: n, serial: serial}
	}
	for _, m := range defs.Mappings {
		if m.From.Server == source && m.To.Server == target {
			put(m.FromForm.Name, m.ToForm.Name, definition.DefaultPool, apply.IsSerial(m.ToForm))
		}
	}
	for _, u := range defs.Uses() {
		if u.Server != source {
			continue
		}
		switch {
		case u.Transfer != nil:
			if m := defs.Mapping(u.Transfer.Mapping); m != nil && m.To.Server == target {
				put(u.Form.Name, m.ToForm.Name, u.Transfer.Pool, apply.IsSerial(m.ToForm))
			}
		case u.Delete != nil && u.Named == nil:
			if m := defs.Mapping(u.Delete.Mapping); m != nil && m.To.Server == target {
				put(u.Form.Name, m.ToForm.Name, u.Delete.Pool, apply.IsSerial(m.ToForm))
			}
		case u.Delete != nil && u.Delete.Server == target:
			put(u.Form.Name, u.Named.Form.Name, u.Delete.Pool, apply.IsSerial(u.Named.Form))
		}
	}
	for _, m := range defs.Mappings {
		if m.TransferMode == definition.DataOwnership && m.To.Server == source && m.From.Server == target {
			// Changes go back. They are one stream with the transfers between the same forms.
			if _, ok := l.lanes[laneKey(m.ToForm.Name, m.FromForm.Name)]; !ok {
				put(m.ToForm.Name, m.FromForm.Name, defs.TransferPool(m.Name), apply.IsSerial(m.FromForm))
			}
		}
	}
	if source == target {
		for _, f := range homeForms(source, defs) {
			put(f.Name, f.Name, mapping.HomePool, true)
		}
	}
	sum := sha256.Sum256([]byte(l.text()))
	l.id = hex.EncodeToString(sum[:8])
	return l
}

// homeForms are the forms of a source on which something may have to be written on the source itself: those of
// its mappings, and those of its filters and escalations, which may return what a mapping brought that is no longer
// there.
func homeForms(source string, defs *definition.Compiled) (forms []*schema.Form) {
	for _, m := range defs.Mappings {
		forms = append(forms, m.FromForm, m.ToForm)
	}
	for _, u := range defs.Uses() {
		forms = append(forms, u.Form)
	}
	return slices.DeleteFunc(forms, func(f *schema.Form) bool { return f.Server != source })
}

func laneKey(from, to string) string { return from + "\t" + to }

// text is the layout as it is kept: a line for each pair of forms, tab-separated.
func (l *layout) text() string {
	lines := make([]string, 0, len(l.lanes))
	for k, x := range l.lanes {
		lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%t", k, x.pool, x.threads, x.serial))
	}
	sort.Strings(lines)
	return strings.Join(lines, "\n")
}

// parseLayout reads what text wrote.
func parseLayout(id, text string) (*layout, error) {
	l := &layout{id: id, lanes: make(map[string]lane)}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 5 {
			return nil, fmt.Errorf("layout %s: %d parts in %q", id, len(f), line)
		}
		n, err := strconv.Atoi(f[3])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("layout %s: %q threads", id, f[3])
		}
		l.lanes[laneKey(f[0], f[1])] = lane{pool: f[2], threads: n, serial: f[4] == "true"}
	}
	return l, nil
}

// place names a thread.
type place struct {
	pool   string
	thread int
}

// place returns where op goes; alone: its transaction goes to one thread as a whole.
func (l *layout) place(op *mapping.Operation, alone bool) (place, bool) {
	x, ok := l.lanes[laneKey(op.Form, op.TargetForm)]
	if !ok {
		return place{}, false
	}
	if alone || x.serial || x.threads == 1 {
		return place{pool: x.pool}, true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(op.Request))
	return place{pool: x.pool, thread: int(h.Sum32() % uint32(x.threads))}, true
}

// places lists all threads.
func (l *layout) places() []place {
	threads := make(map[string]int)
	for _, x := range l.lanes {
		threads[x.pool] = max(threads[x.pool], x.threads)
	}
	var all []place
	for pool, n := range threads {
		for i := range n {
			all = append(all, place{pool, i})
		}
	}
	sort.Slice(all, func(i, j int) bool {
		return all[i].pool < all[j].pool || all[i].pool == all[j].pool && all[i].thread < all[j].thread
	})
	return all
}
