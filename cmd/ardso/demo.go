package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/urfave/cli/v2"

	"ardso/cmd/internal/report"
)

// demoFiles is the story: definitions, the three databases, the changes of each step (N.server.sql) and those
// that are refused, what is shown of each database, and the check at the end.
//
//go:embed demo
var demoFiles embed.FS

func (e *environment) demo() *cli.Command {
	return &cli.Command{
		Name:  "demo",
		Usage: "the office-furniture story on three small databases; needs nothing else",
		Description: "Makes the databases of three offices, sets ardso up, and shows step by step what becomes\n" +
			"of each change. With --keep the databases and the definitions stay, to go on with.\n\n" +
			"Example:\n  ardso demo\n  ardso demo --keep office",
		Flags:  []cli.Flag{&cli.StringFlag{Name: "keep", Usage: "make everything in folder `DIR`, which must be empty or new, and leave it there"}},
		Action: e.runDemo,
	}
}

// offices in the order in which they are shown.
var offices = []string{"sanfrancisco", "chicago", "tokyo"}

func (e *environment) runDemo(c *cli.Context) (err error) {
	if err := noArguments(c); err != nil {
		return err
	}
	ctx, stop := interruptible(c.Context)
	defer stop()
	folder, err := demoFolder(c.String("keep"))
	if err != nil {
		return err
	}
	back, err := os.Getwd()
	if err != nil {
		return err
	}
	// The definitions name the databases relative to where ardso runs.
	if err := os.Chdir(folder); err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, os.Chdir(back))
		if c.String("keep") == "" {
			err = errors.Join(err, os.RemoveAll(folder))
		}
	}()
	d := &demonstration{environment: e, keep: c.String("keep"), databases: map[string]*sqlx.DB{}, shown: map[string]*grid{}}
	defer func() { err = errors.Join(err, d.close()) }()
	return d.play(ctx)
}

// demoFolder makes the folder that the story happens in.
func demoFolder(keep string) (string, error) {
	if keep == "" {
		return os.MkdirTemp("", "ardso-demo-")
	}
	if err := os.MkdirAll(keep, 0o755); err != nil {
		return "", err
	}
	found, err := os.ReadDir(keep)
	if err == nil && len(found) > 0 {
		err = &report.UsageError{Reason: fmt.Sprintf("folder %s is not empty", keep), Fix: "name one that is empty or does not exist yet"}
	}
	return keep, err
}

// demonstration plays the story.
type demonstration struct {
	*environment
	keep      string
	databases map[string]*sqlx.DB
	shown     map[string]*grid // what was last shown of each database
}

// scene is one step of the story.
type scene struct {
	title    string
	text     string
	commands [][]string // of ardso, after the changes of the step were made
	show     []string   // offices whose databases are shown afterwards
	refused  string     // office whose guard then refuses an edit (N.refused.server.sql)
	after    string     // what to see in the tables
}

var story = []scene{
	{
		title: "Three offices, three databases",
		text: "Repairs are submitted in San Francisco, whose database is an AR System database. Chairs are repaired in Chicago, " +
			"which keeps them in a table of its own. Tokyo collects what was learnt. The definitions are in ardso.yaml. `fields add` gives repairs " +
			"the fields that tell who owns them, which armchairs will need; `init` prepares the databases.",
		commands: [][]string{
			{"fields", "add", "Repair", "--server", "sanfrancisco", "--group", "basic"},
			{"fields", "add", "Chair Repair", "--server", "chicago", "--group", "basic"},
			{"init"},
		},
		show: offices,
	},
	{
		title:    "The first load",
		text:     "Two chairs are in San Francisco already. A transfer by hand brings them to Chicago, by the same way that changes will take.",
		commands: [][]string{{"transfer", "--mapping", "chairs to Chicago", "--where", `'Item' = "chair"`}},
		show:     []string{"chicago"},
	},
	{
		title:    "New requests",
		text:     "Chen in San Francisco submits a chair and a desk. The filter `route chairs` sends the chair to Chicago; the desk stays.",
		commands: [][]string{{"run", "--once"}},
		show:     []string{"sanfrancisco", "chicago"},
	},
	{
		title: "Work gets done",
		text: "Bob and Eve in Chicago assign one chair and close two, one of them a walk-in. Ann in San Francisco closes a desk. " +
			"Chicago reports back what came from San Francisco; everything closed goes to Tokyo.",
		commands: [][]string{{"run", "--once"}},
		show:     []string{"sanfrancisco", "chicago", "tokyo"},
		after:    "The reports are merges in San Francisco: they do not travel back to Chicago, so the loop ends.",
	},
	{
		title:    "Empty is a value too",
		text:     "The serial number of SF0041 was wrong. Maria clears it; the copy becomes empty (NULL) as well.",
		commands: [][]string{{"run", "--once"}},
		show:     []string{"chicago"},
	},
	{
		title: "Two people, one field",
		text: "Chicago writes its own estimate of 99 for SF0044, which is not sent back. Then San Francisco raises its 15.5 to 25. " +
			"ardso finds in Chicago something else than the 15.5 it expects. It overwrites nothing: the operation goes to errors.",
		commands: [][]string{{"run", "--once"}, {"errors"}, {"errors", "show", "ID"}},
		show:     []string{"chicago"},
	},
	{
		title:    "Settled, and tried again",
		text:     "The offices talk. Chicago takes its estimate back, and the operation is tried again.",
		commands: [][]string{{"errors", "retry", "--all"}, {"run", "--once"}, {"errors"}},
		show:     []string{"chicago"},
	},
	{
		title:    "Withdrawn",
		text:     "Maria deletes SF0041. The filter `withdrawn chairs` deletes Chicago's copy.",
		commands: [][]string{{"run", "--once"}},
		show:     []string{"sanfrancisco", "chicago"},
	},
	{
		title: "Handed over",
		text: "James submits an armchair. Its mapping says `data + ownership`: Chicago's copy has the Master Flag Yes from now on, and only " +
			"Chicago may change it. A guard has San Francisco's database see to that.",
		commands: [][]string{
			{"guard", "install", "Repair", "--server", "sanfrancisco"},
			{"run", "--once"},
			{"owner", "show", "SF0046", "--server", "sanfrancisco", "--form", "Repair"},
		},
		show: []string{"chicago"},
	},
	{
		title: "Only its owner may edit it",
		text: "Eve in Chicago takes the armchair and estimates the cost. San Francisco is told, as the mapping says `when_to_update: immediately`. " +
			"James tries to change the problem there meanwhile.",
		commands: [][]string{{"run", "--once"}},
		show:     []string{"sanfrancisco"},
		refused:  "sanfrancisco",
		after:    "Without the guard the edit would be found in the log, and undone or reported (on_foreign_change).",
	},
	{
		title:    "Returned",
		text:     "Eve closes the repair. The filter `return armchairs` gives the armchair back: San Francisco owns it again, with all that Chicago did.",
		commands: [][]string{{"run", "--once"}, {"verify", "--ownership"}},
		show:     []string{"sanfrancisco", "chicago"},
		after:    "San Francisco may edit it again; a guard in Chicago would refuse an edit there now.",
	},
	{
		title:    "How it stands",
		text:     "All logs are carried out, nothing waits.",
		commands: [][]string{{"status"}},
	},
}

func (d *demonstration) play(ctx context.Context) error {
	if err := d.build(ctx); err != nil {
		return err
	}
	for i, s := range story {
		if err := d.scene(ctx, i+1, s); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return d.end(ctx)
}

// build writes the definitions and makes the databases.
func (d *demonstration) build(ctx context.Context) error {
	text, err := demoFiles.ReadFile("demo/ardso.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile("ardso.yaml", text, 0o644); err != nil {
		return err
	}
	for _, o := range offices {
		// The pragmas are what any program that shares a database with ardso should set.
		db, err := sqlx.Open("sqlite", "file:"+o+".db?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)")
		if err != nil {
			return err
		}
		d.databases[o] = db
		if err := d.change(ctx, o, o+".sql"); err != nil {
			return err
		}
	}
	return nil
}

func (d *demonstration) close() error {
	var errs []error
	for _, db := range d.databases {
		errs = append(errs, db.Close())
	}
	return errors.Join(errs...)
}

// change runs a file of the story on an office's database; it is no error if there is none.
func (d *demonstration) change(ctx context.Context, office, file string) error {
	text, err := demoFiles.ReadFile("demo/" + file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = d.databases[office].ExecContext(ctx, string(text))
	return err
}

// refused makes an edit that the office's guard must refuse, and shows what its user is told.
func (d *demonstration) refused(ctx context.Context, office, file string) error {
	text, err := demoFiles.ReadFile("demo/" + file)
	if err != nil {
		return err
	}
	_, err = d.databases[office].ExecContext(ctx, string(text))
	if err == nil {
		return fmt.Errorf("%s: the guard let an edit pass: %s", office, text)
	}
	d.say("\n%s> %s\n%s", office, strings.TrimSpace(string(text)), report.Paragraph(err.Error(), 0, 80))
	return nil
}

func (d *demonstration) scene(ctx context.Context, number int, s scene) error {
	title := fmt.Sprintf("── %d. %s ", number, s.title)
	d.say("\n%s%s", title, strings.Repeat("─", max(0, 80-len([]rune(title)))))
	d.say("%s\n", report.Paragraph(s.text, 0, 80))
	for _, o := range []string{"chicago", "sanfrancisco", "tokyo"} {
		if err := d.change(ctx, o, fmt.Sprintf("%d.%s.sql", number, o)); err != nil {
			return err
		}
	}
	for _, command := range s.commands {
		if err := d.command(ctx, command); err != nil {
			return err
		}
	}
	for _, o := range s.show {
		if err := d.show(ctx, o); err != nil {
			return err
		}
	}
	if s.refused != "" {
		if err := d.refused(ctx, s.refused, fmt.Sprintf("%d.refused.%s.sql", number, s.refused)); err != nil {
			return err
		}
	}
	if s.after != "" {
		d.say("\n%s", report.Paragraph(s.after, 0, 80))
	}
	return nil
}

func (d *demonstration) say(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}

// command runs ardso as from a shell. An operation that went to errors is part of the story.
func (d *demonstration) command(ctx context.Context, args []string) error {
	args = slices.Clone(args)
	for i, a := range args {
		if a == "ID" {
			id, err := d.errorID(ctx)
			if err != nil {
				return err
			}
			args[i] = id
		}
	}
	d.say("$ ardso %s", shellWords(args))
	e := &environment{out: d.out, err: d.out, getenv: d.getenv, readFile: d.readFile, width: 80}
	app := e.app()
	// What the environment says of definitions and log concerns the user's own servers.
	line := append([]string{"ardso", "--definitions=ardso.yaml", "--log-format=text", "--log-level=warn"}, args...)
	err := app.RunContext(ctx, arrange(app, line))
	if report.Code(err) == report.Attention {
		return nil
	}
	return err
}

// errorID is the operation that the story sends to errors.
func (d *demonstration) errorID(ctx context.Context) (id string, err error) {
	err = d.databases["chicago"].GetContext(ctx, &id, "SELECT id FROM dso_pending_error")
	return id, err
}

// shellWords quotes arguments as one would type them.
func shellWords(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		switch {
		case !strings.ContainsAny(a, ` '"`):
			out[i] = a
		case !strings.Contains(a, `'`):
			out[i] = "'" + a + "'"
		default:
			out[i] = `"` + strings.ReplaceAll(a, `"`, `\"`) + `"`
		}
	}
	return strings.Join(out, " ")
}

// show shows an office's database, with what has changed since it was last shown.
func (d *demonstration) show(ctx context.Context, office string) error {
	now, err := d.read(ctx, office)
	if err != nil {
		return err
	}
	d.say("\n%s", office)
	t := now.since(d.shown[office])
	d.shown[office] = now
	return t.Write(d.out, 80)
}

func (d *demonstration) read(ctx context.Context, office string) (*grid, error) {
	text, err := demoFiles.ReadFile("demo/show." + office + ".sql")
	if err != nil {
		return nil, err
	}
	rows, err := d.databases[office].QueryContext(ctx, string(text))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	g := &grid{}
	if g.titles, err = rows.Columns(); err != nil {
		return nil, err
	}
	for rows.Next() {
		values, err := sqlx.SliceScan(rows)
		if err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			if row[i] = fmt.Sprint(v); v == nil {
				row[i] = "NULL"
			}
		}
		g.rows = append(g.rows, row)
	}
	return g, rows.Err()
}

// grid is the rows of a database as they are shown; the first column is the key, and sorted.
type grid struct {
	titles []string
	rows   [][]string
}

// since is a table of the rows with those that have come, changed (as they were and as they are) or gone
// since before, which may be nil.
func (g *grid) since(before *grid) *report.Table {
	t := &report.Table{Columns: []report.Column{{Title: ""}}}
	for _, title := range g.titles {
		t.Columns = append(t.Columns, report.Column{Title: title})
	}
	add := func(mark string, row []string) { t.Rows = append(t.Rows, append([]string{mark}, row...)) }
	if before == nil {
		for _, row := range g.rows {
			add("", row)
		}
		return t
	}
	old := slices.Clone(before.rows)
	for _, row := range g.rows {
		for len(old) > 0 && old[0][0] < row[0] {
			add("gone", old[0])
			old = old[1:]
		}
		switch {
		case len(old) == 0 || old[0][0] != row[0]:
			add("new", row)
			continue
		case slices.Equal(old[0], row):
			add("", row)
		default:
			add("was", old[0])
			add("is", row)
		}
		old = old[1:]
	}
	for _, row := range old {
		add("gone", row)
	}
	return t
}

// end checks by a query of its own that all copies agree, and says where to go on.
func (d *demonstration) end(ctx context.Context) error {
	differences, err := d.differences(ctx)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		return fmt.Errorf("the copies do not agree: %s", strings.Join(differences, ", "))
	}
	d.say("\nChecked by a query over all three databases: every copy agrees with its source.\n")
	folder := d.keep
	if folder == "" {
		folder = "office"
		d.say("To look around yourself:\n  ardso demo --keep %s", folder)
	} else {
		d.say("To look around yourself:")
	}
	d.say("  cd %s\n  ardso check\n  ardso conflicts\n"+
		"  ardso explain SF0046 --server sanfrancisco --form Repair\n  ardso run              # and change rows meanwhile; Ctrl-C ends it\n"+
		"  ardso run --help\nIts ardso.yaml is a start for definitions of your own.", folder)
	return nil
}

func (d *demonstration) differences(ctx context.Context) (list []string, err error) {
	text, err := demoFiles.ReadFile("demo/agree.sql")
	if err != nil {
		return nil, err
	}
	c, err := d.databases["sanfrancisco"].Connx(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	for _, o := range offices[1:] {
		path, err := filepath.Abs(o + ".db")
		if err != nil {
			return nil, err
		}
		if _, err := c.ExecContext(ctx, "ATTACH DATABASE ? AS "+o, path); err != nil {
			return nil, err
		}
	}
	err = c.SelectContext(ctx, &list, string(text))
	return list, err
}
