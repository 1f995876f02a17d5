package qual

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"ardso/sql/schema"
)

// reference makes the node of 'text' (form = Scope.Form) or $text$ (form = Scope.Current).
func (c *compiler) reference(t token, form *schema.Form) *node {
	n := &node{op: opField, depth: 1, off: t.off, end: t.end}
	if t.kind == tokDollar {
		n.from = FromCurrent
	}
	if form == nil {
		c.noForm(n, t)
		return n.spoil()
	}
	f := finder{form: form, logical: c.scope.Logical, trdb: c.scope.TRDB && n.from == FromRow}
	if !f.find(t.text, n) {
		c.unknownField(n, t, form)
		return n.spoil()
	}
	if n.from == FromTR || n.from == FromDB {
		c.facts.usesBefore = true
	}
	if n.from == FromCurrent {
		c.facts.current = addField(c.facts.current, n.field)
	} else {
		c.facts.fields = addField(c.facts.fields, n.field)
	}
	n.name = f.canonical(n)
	return n
}

func (n *node) spoil() *node {
	n.op, n.typ = opBad, typeBad
	return n
}

func addField(list []*schema.Field, f *schema.Field) []*schema.Field {
	if slices.Contains(list, f) {
		return list
	}
	return append(list, f)
}

func (c *compiler) noForm(n *node, t token) {
	if n.from == FromCurrent {
		hint := ""
		if c.scope.Form != nil && c.scope.Form.FieldByName(t.text) != nil {
			hint = "the field is written '" + t.text + "'"
		} else if name := nearest(t.text, keywordNames()); name != "" {
			hint = "did you mean $" + name + "$"
		}
		c.complain(n, hint, "$%s$ is no keyword, and there is no current request here", t.text)
		return
	}
	c.complain(n, "", "there is no form here for the field '%s'", t.text)
}

func (c *compiler) unknownField(n *node, t token, form *schema.Form) {
	where := fmt.Sprintf("form %q", form.Name)
	base, hadPrefix := t.text, false
	for _, prefix := range []string{"TR.", "DB."} {
		if rest, ok := strings.CutPrefix(t.text, prefix); ok && n.from == FromRow {
			base, hadPrefix = rest, true
		}
	}
	probe := finder{form: form, logical: c.scope.Logical}
	if hadPrefix && !c.scope.TRDB && probe.find(base, &node{}) {
		c.complain(n, "", "%s is known only in the run_if of a filter", describe(t))
		return
	}
	if probe.ambiguous(base) {
		c.complain(n, "write its ID", "%s has more than one field named %q", where, base)
		return
	}
	if f := probe.lookup(base); f != nil && f.ID == statusHistoryID {
		c.complain(n, "", "the status history is read by state: 'Status History.New.TIME' or 'Status History.0.USER'")
		return
	}
	if reason, ok := form.Unsupported[base]; ok {
		c.complain(n, "", "field %q of %s cannot be carried: %s", base, where, reason)
		return
	}
	if f, part := probe.base(base); f != nil {
		c.unknownPart(n, f, part)
		return
	}
	hint := ""
	names := slices.AppendSeq(fieldNames(form), maps.Keys(c.scope.Logical))
	if t.kind == tokDollar {
		names = append(names, keywordNames()...)
	}
	if name := nearest(base, names); name != "" {
		q := string(c.text[t.off])
		hint = "did you mean " + q + strings.TrimSuffix(t.text, base) + name + q
	}
	if physical := probe.physical(base); physical != "" {
		c.complain(n, "", "%s has no field %q, which %q stands for", where, physical, base)
		return
	}
	c.complain(n, hint, "%s has no field %q", where, base)
}

// unknownPart explains 'Field.part' where the field is known and the part is not.
func (c *compiler) unknownPart(n *node, f *schema.Field, part string) {
	switch {
	case f.ID == statusHistoryID:
		c.complain(n, "write 'Status History.New.TIME' or 'Status History.0.USER'", "%q is no state and part of the status history", part)
	case f.Type == schema.Currency:
		c.complain(n, "the parts are VALUE, TYPE, DATE and currency codes", "a currency has no part %q", part)
	default:
		c.complain(n, "", "field %q is %s and has no part %q", f.Name, f.Type, part)
	}
}

// finder looks names up in a form.
type finder struct {
	form    *schema.Form
	logical map[string]string
	trdb    bool
}

// find resolves a reference into n.field, n.from, n.part and n.state. A field of the whole name wins
// over prefix and suffix, and the longest field name over shorter ones (§6.8).
func (f finder) find(text string, n *node) bool {
	if f.plain(text, n) {
		return true
	}
	if f.trdb && len(text) > 3 {
		switch text[:3] {
		case "TR.":
			n.from = FromTR
		case "DB.":
			n.from = FromDB
		}
		if n.from != FromRow && (f.plain(text[3:], n) || f.parts(text[3:], n)) {
			return true
		}
		n.from = FromRow
	}
	return f.parts(text, n)
}

// plain resolves a whole name or an ID. The status history itself is no value.
func (f finder) plain(text string, n *node) bool {
	n.field = f.lookup(text)
	return n.field != nil && n.field.ID != statusHistoryID
}

// lookup finds a field by ID, if text is all digits, or else by a name that is unique.
func (f finder) lookup(text string) *schema.Field {
	if strings.Trim(text, "0123456789") == "" {
		id, err := strconv.Atoi(text)
		if err != nil {
			return nil
		}
		return f.form.FieldByID(id)
	}
	if f.ambiguous(text) {
		return nil
	}
	if x := f.form.FieldByName(text); x != nil {
		return x
	}
	if physical := f.physical(text); physical != "" {
		return finder{form: f.form}.lookup(physical)
	}
	return nil
}

// physical is what a logical name, with or without dollar signs around it, stands for; "" if it is none.
func (f finder) physical(name string) string {
	if len(name) > 2 && name[0] == '$' && name[len(name)-1] == '$' {
		name = name[1 : len(name)-1]
	}
	return f.logical[name]
}

func (f finder) ambiguous(name string) bool {
	count := 0
	for _, x := range f.form.Fields {
		if x.Name == name {
			count++
		}
	}
	return count > 1
}

// parts resolves "Price.VALUE" and "Status History.New.TIME".
func (f finder) parts(text string, n *node) bool {
	field, part := f.base(text)
	if field == nil {
		return false
	}
	if field.ID == statusHistoryID {
		return f.history(field, part, n)
	}
	if field.Type == schema.Currency && currencyPart(part) {
		n.field, n.part = field, part
		return true
	}
	return false
}

// base splits text at the last point before which a field's name stands.
func (f finder) base(text string) (field *schema.Field, rest string) {
	for i := strings.LastIndexByte(text, '.'); i > 0; i = strings.LastIndexByte(text[:i], '.') {
		if field = f.lookup(text[:i]); field != nil {
			return field, text[i+1:]
		}
	}
	return nil, ""
}

func currencyPart(s string) bool {
	switch s {
	case "VALUE", "TYPE", "DATE":
		return true
	}
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// history resolves "New.TIME": a state of the Status field by label or number.
func (f finder) history(field *schema.Field, rest string, n *node) bool {
	i := strings.LastIndexByte(rest, '.')
	if i < 0 {
		return false
	}
	label, part := rest[:i], rest[i+1:]
	if part != "USER" && part != "TIME" {
		return false
	}
	state, ok := f.state(label)
	n.field, n.part, n.state = field, part, state
	return ok
}

func (f finder) state(label string) (int64, bool) {
	if s := f.form.FieldByID(schema.Status); s != nil {
		if id, ok := s.Number(label); ok {
			return id, true
		}
	}
	id, err := strconv.ParseInt(label, 10, 32)
	return id, err == nil && id >= 0
}

// stateText is a state's number, or its label where the number is another state's label.
func (f finder) stateText(state int64) string {
	text := strconv.FormatInt(state, 10)
	if id, ok := f.state(text); ok && id == state {
		return text
	}
	label, _ := f.form.FieldByID(schema.Status).Label(state)
	return label
}

// canonical spells a resolved reference by name, or by ID where the name would resolve to something
// else.
func (f finder) canonical(n *node) string {
	prefix, suffix := "", ""
	switch n.from {
	case FromTR:
		prefix = "TR."
	case FromDB:
		prefix = "DB."
	}
	switch {
	case n.statusHistory():
		suffix = "." + f.stateText(n.state) + "." + n.part
	case n.part != "":
		suffix = "." + n.part
	}
	text := prefix + n.field.Name + suffix
	back := node{op: opField, from: n.from}
	if n.from != FromCurrent {
		back.from = FromRow
	}
	same := f.find(text, &back) && back.field == n.field && back.from == n.from && back.part == n.part && back.state == n.state
	if n.from == FromCurrent && (keywordByName[text] != nil || text == nullWord) {
		same = false
	}
	if !same {
		text = prefix + strconv.Itoa(n.field.ID) + suffix
	}
	quote := "'"
	if n.from == FromCurrent {
		quote = "$"
	}
	return quote + strings.ReplaceAll(text, quote, quote+quote) + quote
}

func fieldNames(f *schema.Form) []string {
	names := make([]string, len(f.Fields))
	for i, x := range f.Fields {
		names[i] = x.Name
	}
	return names
}

func keywordNames() []string {
	names := []string{nullWord}
	for _, k := range keywords {
		names = append(names, k.name)
	}
	return names
}

// nearest returns the name that word is probably a slip of, or "": the same but for letter case,
// or at most a third of its letters away.
func nearest(word string, names []string) string {
	best, at := "", max(1, len([]rune(word))/3)+1
	for _, n := range names {
		d := distance(strings.ToLower(word), strings.ToLower(n), at)
		if d < at {
			best, at = n, d
		}
	}
	return best
}

// distance is Levenshtein's, or limit if it is not below limit.
func distance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if len(s)-len(t) >= limit || len(t)-len(s) >= limit {
		return limit
	}
	row := make([]int, len(t)+1)
	for j := range row {
		row[j] = j
	}
	for i := range s {
		diagonal := row[0]
		row[0] = i + 1
		for j := range t {
			step := diagonal
			if s[i] != t[j] {
				step++
			}
			diagonal = row[j+1]
			row[j+1] = min(step, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(t)], limit)
}
