package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"text/template"

	"ardso/sql/engine"
	"ardso/sql/schema"
)

// trigger is one that the form's table should have.
type trigger struct {
	name, slot string
	before     []string // PostgreSQL: the function
	create     string
	body       string // as the database gives it back
	version    string // PostgreSQL, whose text of a trigger is its own
}

// is reports whether t is, or has in it, exactly w.
func (w *trigger) is(t *Trigger) bool {
	if t.Ours {
		return strings.TrimSpace(unescaped(t.Body)) == strings.TrimSpace(unescaped(w.body)) && t.Version == w.version
	}
	return strings.Contains(spaced(unescaped(t.Body)), spaced(unescaped(w.body)))
}

// unescaped makes escapes not matter: MariaDB and MySQL show a body with some of those of its literals undone.
func unescaped(s string) string { return escapes.Replace(s) }

var escapes = strings.NewReplacer(`\\`, `\`, "''", "'")

// spaced makes indentation not matter.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

var events = []struct{ file, suffix, slot string }{
	{"insert.sql", "_i", "BEFORE INSERT"},
	{"update.sql", "_u", "BEFORE UPDATE"},
	{"delete.sql", "_d", "BEFORE DELETE"},
}

// What users read. MariaDB and MySQL take 128 characters; a server's name has up to 40.
const (
	away     = "ardso: this request is owned by another server"
	remedy   = ": change it there, or have it returned"
	bornAway = "ardso: a new request is owned where it is made: leave Master Flag empty, or set it to Yes"
)

func refusal(f *schema.Field) string {
	name := []rune(f.Name)
	return fmt.Sprintf("ardso: field %q (%d) is changed by transfers and returns alone: leave it as it is", string(name[:min(40, len(name))]), f.ID)
}

// words is what the templates are filled with: names quoted, texts as literals.
type words struct {
	Name, Label, Table, Function, Owners, Version string
	Form, Away, AwayUnknown, Remedy, BornAway     string
	Flag, CurrentServer, FromMapping              string
	No                                            int
	Key                                           []string
	Protected                                     []protected
	Servers                                       []server
	GaveFree, GaveBound, CameFree                 []string
}

type protected struct{ Column, Refusal string }

type server struct{ Name, Refusal string }

func (g *Guard) words() words {
	e, f := g.db.Engine, g.Form
	lit := func(s string) string { return literal(g.db, s) }
	w := words{
		Table: e.Table(f.Table.Schema, f.Table.Name), Function: e.Table(g.db.Schema, g.function()), Owners: e.Table(g.db.Schema, "dso_owner"),
		Form: lit(f.Name), Away: lit(away), AwayUnknown: lit(away + remedy), Remedy: lit(remedy), BornAway: lit(bornAway),
		Flag: e.Quote(f.FieldByID(schema.MasterFlag).Column.Name), No: schema.MasterNo,
	}
	if e.Dialect == "sqlite" { // where a trigger is in its table's database
		w.Table = e.Quote(f.Table.Name)
	}
	if x := f.FieldByID(schema.CurrentServer); x != nil {
		w.CurrentServer = e.Quote(x.Column.Name)
	}
	if x := f.FieldByID(schema.FromMapping); x != nil {
		w.FromMapping = e.Quote(x.Column.Name)
	}
	w.GaveFree, w.GaveBound, w.CameFree = each(g.rules.GaveFree, lit), each(g.rules.GaveBound, lit), each(g.rules.CameFree, lit)
	for _, k := range f.Key {
		w.Key = append(w.Key, e.Quote(k.Column.Name))
	}
	for _, x := range f.Fields {
		if IsProtected(x.ID) {
			w.Protected = append(w.Protected, protected{e.Quote(x.Column.Name), lit(refusal(x))})
		}
	}
	for _, s := range g.rules.Servers {
		if s != g.db.Server {
			w.Servers = append(w.Servers, server{lit(s), lit(away + " (" + s + ")" + remedy)})
		}
	}
	return w
}

func each(list []string, f func(string) string) (out []string) {
	for _, s := range list {
		out = append(out, f(s))
	}
	return out
}

// render makes the triggers of the form.
func (g *Guard) render() []trigger {
	w := g.words()
	var function, body string
	sum := sha256.New()
	if g.db.Engine.Dialect == "postgres" {
		function, body = execute(g.db, "function.sql", w), execute(g.db, "body.sql", w)
		sum.Write([]byte(function))
		for _, e := range events { // with no version yet
			sum.Write([]byte(execute(g.db, e.file, w)))
		}
		w.Version = hex.EncodeToString(sum.Sum(nil)[:8])
	}
	list := make([]trigger, len(events))
	for i, e := range events {
		t := trigger{name: g.name(e.suffix), slot: e.slot, version: w.Version, body: body}
		w.Name, w.Label = g.db.Engine.Quote(t.name), g.db.Engine.Quote(t.name)
		if g.db.Engine.Dialect == "mysql" {
			w.Name = g.db.Engine.Table(g.Form.Table.Schema, t.name)
		}
		t.create = execute(g.db, e.file, w)
		switch g.db.Engine.Dialect {
		case "postgres":
			t.before = []string{function}
		case "mysql":
			_, t.body, _ = strings.Cut(t.create, "FOR EACH ROW\n")
		case "sqlite":
			t.body = t.create
		}
		list[i] = t
	}
	return list
}

// maxName is the room for names, the least of all engines.
const maxName = 63

// name is that of a trigger, which is unique in its schema.
func (g *Guard) name(suffix string) string {
	table := g.Form.Table.Name
	if g.Form.Table.Schema != g.db.Schema { // the functions of PostgreSQL are together in one
		table = g.Form.Table.Schema + "_" + table
	}
	name := Prefix + table
	if room := maxName - len("_u"); len(name) > room {
		sum := sha256.Sum256([]byte(table))
		hash := hex.EncodeToString(sum[:4])
		name = strings.ToValidUTF8(name[:room-len(hash)-1], "") + "_" + hash
	}
	return name + suffix
}

// function is the name of PostgreSQL's.
func (g *Guard) function() string { return g.name("") }

// literal is text as a literal of the engine.
func literal(db *engine.DB, s string) string {
	quoted := strings.ReplaceAll(s, "'", "''")
	if !strings.Contains(s, `\`) {
		return "'" + quoted + "'"
	}
	switch db.Engine.Dialect {
	case "postgres": // whatever standard_conforming_strings is where the function runs
		return "E'" + strings.ReplaceAll(quoted, `\`, `\\`) + "'"
	case "mysql": // by the sql_mode of our session, which the trigger keeps
		return "'" + strings.ReplaceAll(quoted, `\`, `\\`) + "'"
	}
	return "'" + quoted + "'"
}

// text is a file as it is.
func text(db *engine.DB, name string) string {
	b, err := files.ReadFile(db.Engine.Dialect + "/" + name)
	if err != nil {
		panic(err) // the files are ours
	}
	return string(b)
}

// execute fills a template in. Comments do not get into a database: some clients would drop them from a dump,
// and then the text could not be compared.
func execute(db *engine.DB, name string, data any) string {
	entries, err := files.ReadDir(db.Engine.Dialect)
	if err != nil {
		panic(err)
	}
	all := template.New("")
	for _, e := range entries {
		var b strings.Builder
		for line := range strings.Lines(text(db, e.Name())) {
			if !strings.HasPrefix(strings.TrimSpace(line), "--") {
				b.WriteString(line)
			}
		}
		template.Must(all.New(e.Name()).Parse(strings.TrimRight(b.String(), "\n")))
	}
	var b strings.Builder
	if err := all.ExecuteTemplate(&b, name, data); err != nil {
		panic(err)
	}
	return b.String()
}
