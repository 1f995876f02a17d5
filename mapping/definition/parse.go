package definition

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"

	yaml "github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// File is one definition file. Its Name appears in complaints, and password files are found
// relative to its folder.
type File struct {
	Name string
	Text string
}

// Limits of what is read at all; they keep a file that is no definition from taking the process down.
const (
	maxText  = 1 << 20 // bytes of a file
	maxLines = 20_000  // of a file: the YAML library takes quadratic time over the keys of one mapping
	maxDepth = 100     // lists and flow mappings in each other
)

// Parse reads definition files, in the order given, into one document and checks all that can be
// checked without a database. Passwords are found through secrets.
//
// The error is an ErrorList with every problem. The document is returned beside it, as far as it
// could be read, unless a file is no YAML.
func Parse(files []File, secrets Secrets) (*Document, error) {
	all := sources{func() []File { return files }}
	c := &complaints{sources: all}
	d := &Document{sources: all}
	readable := true
	for _, f := range files {
		readable = parseFile(c, f, secrets, d) && readable
	}
	if !readable {
		return nil, c.sorted().err()
	}
	w := &complaints{sources: all}
	checkNames(c, w, d)
	d.Warnings = w.sorted()
	return d, c.sorted().err()
}

// parseFile adds what a file holds to d. It reports false where the file is no YAML: what it lacks
// would make every reference to it a false complaint.
func parseFile(c *complaints, f File, secrets Secrets, d *Document) bool {
	r := &reader{complaints: c, file: f, secrets: secrets}
	for line := range strings.SplitSeq(f.Text, "\n") {
		r.lines = append(r.lines, []rune(strings.TrimSuffix(line, "\r")))
	}
	tree, ok := r.tree()
	if !ok {
		return false
	}
	shape := documentObject.shape()
	for _, doc := range tree.Docs {
		body := doc.Body
		if body == nil || body.Type() == ast.NullType || body.Type() == ast.CommentType {
			continue
		}
		part, ok := shape.read(r, body)
		if !ok {
			continue
		}
		d.Servers = append(d.Servers, part.Servers...)
		d.Pools = append(d.Pools, part.Pools...)
		d.LogicalMappings = append(d.LogicalMappings, part.LogicalMappings...)
		d.Mappings = append(d.Mappings, part.Mappings...)
		d.Filters = append(d.Filters, part.Filters...)
		d.Escalations = append(d.Escalations, part.Escalations...)
	}
	return true
}

// tree parses the YAML itself.
func (r *reader) tree() (file *ast.File, ok bool) {
	start := Pos{File: r.file.Name, Line: 1, Column: 1}
	switch {
	case len(r.file.Text) > maxText:
		r.add(start, "too_large", "split it into several files", "the file has %d bytes, more than %d", len(r.file.Text), maxText)
		return nil, false
	case len(r.lines) > maxLines:
		r.add(start, "too_large", "split it into several files", "the file has %d lines, more than %d", len(r.lines), maxLines)
		return nil, false
	case strings.ToValidUTF8(r.file.Text, "") != r.file.Text:
		r.add(start, "syntax", "save it as UTF-8", "the file is not UTF-8 text")
		return nil, false
	}
	if line := tooDeep(r.file.Text); line > 0 {
		r.add(Pos{r.file.Name, line, 1}, "syntax", "no definition needs that", "more than %d values inside each other", maxDepth)
		return nil, false
	}
	defer func() {
		// The YAML library panics on some malformed input; that is a mistake in the file like any other.
		if p := recover(); p != nil {
			r.add(start, "syntax", lookAround, "the file is not YAML")
			file, ok = nil, false
		}
	}()
	file, err := parser.ParseBytes([]byte(r.file.Text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		at, found := start, err.Error()
		if e, ok := errors.AsType[yaml.Error](err); ok {
			found = e.GetMessage()
			if tk := e.GetToken(); tk != nil && tk.Position != nil {
				at.Line, at.Column = max(tk.Position.Line, 1), max(tk.Position.Column, 1)
			}
		}
		r.add(at, "syntax", r.syntaxAdvice(at), "not YAML: %s", found)
		return nil, false
	}
	return file, true
}

const lookAround = "look for an unclosed quote or bracket, or wrong indentation, here or above"

// syntaxAdvice knows what people get wrong: a qualification begins with a quote, so YAML takes what
// follows the second one for a mistake.
func (r *reader) syntaxAdvice(at Pos) string {
	if at.Line > len(r.lines) {
		return lookAround
	}
	line := r.lines[at.Line-1]
	before := strings.TrimRight(string(line[:min(at.Column-1, len(line))]), " ")
	switch {
	case strings.HasSuffix(before, "'") || strings.HasSuffix(before, `"`):
		return `a text that begins with a quote needs quotes around the whole of it, or lines of its own after "|"`
	case strings.HasPrefix(strings.TrimLeft(string(line), " "), "\t"):
		return "indent with blanks, not with tabs"
	}
	return lookAround
}

// tooDeep returns the line in which lists and flow mappings seem to nest too deep; 0 = none does. It
// counts brackets in texts as well, which only ever matters far beyond what people write.
func tooDeep(text string) int {
	depth, line := 0, 0
	for l := range strings.SplitSeq(text, "\n") {
		line++
		dashes := 0
		for i := 0; i < len(l) && strings.IndexByte(" \t-?", l[i]) >= 0; i++ {
			if l[i] == '-' || l[i] == '?' {
				dashes++
			}
		}
		if depth == 0 || !strings.HasPrefix(l, " ") {
			depth = 0 // a line at the margin ends what an unclosed bracket in a text has opened
		}
		depth = max(0, depth+strings.Count(l, "[")+strings.Count(l, "{")-strings.Count(l, "]")-strings.Count(l, "}"))
		if depth > maxDepth || strings.Count(l, "[")+strings.Count(l, "{") > 10*maxDepth || dashes > maxDepth && strings.Contains(l, "- -") {
			return line
		}
	}
	return 0
}

// env looks a variable of the environment up.
func (r *reader) env(name string, at Pos) (string, bool) {
	if r.secrets.Env == nil {
		return "", true
	}
	v, ok := r.secrets.Env(name)
	if !ok || v == "" {
		r.add(at, "missing_env", "set it where ardso runs, or use password_file", "environment variable %s is not set", name)
		return "", false
	}
	return v, true
}

// besides is a path relative to the folder of the definition file.
func (r *reader) besides(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file.Name), path)
}

var variable = regexp.MustCompile(`\$\{([^}]*)\}`)

// serverURL is the address of a database. Variables of the environment are put in before it is
// looked at, so a password cannot come in through them.
var serverURL = shape[string]{
	schema: schemaOf{"type": "string", "minLength": 1},
	read: func(r *reader, n ast.Node) (string, bool) {
		t, ok := r.text(n)
		if !ok {
			return "", false
		}
		known := true
		s := variable.ReplaceAllStringFunc(t.Value, func(v string) string {
			if !reference.MatchString(v) {
				r.add(t.Pos, "bad_url", "write ${NAME}", "bad variable %s in the url", v)
				known = false
				return ""
			}
			text, ok := r.env(v[2:len(v)-1], t.Pos)
			known = known && ok && (text != "" || r.secrets.Env != nil)
			return text
		})
		if !known { // with no environment at hand the url stays as it is written
			return t.Value, r.secrets.Env == nil
		}
		if found, advice := badURL(s); found != "" {
			kind := "bad_url"
			if strings.Contains(found, "password") {
				kind = "plain_password"
			}
			r.add(t.Pos, kind, advice, "%s", found)
			return "", false
		}
		return s, true
	},
}

// urlKey keeps beside the address how it is written.
func urlKey(doc string) key[Server] {
	k := is("url", serverURL, func(s *Server) *string { return &s.URL }, doc)
	read := k.read
	k.read = func(r *reader, n ast.Node, s *Server) {
		read(r, n, s)
		if t, ok := n.(*ast.StringNode); ok && s.URL != "" {
			url := s.URL
			s.URL = t.Value
			s.replace("url", &s.URL, url)
		}
	}
	// What a variable of the environment holds is not a part of the definitions.
	k.print = func(s *Server, _ printing) any { return cmp.Or(s.written["url"], s.URL) }
	return k
}

var schemes = []string{"postgres", "postgresql", "mariadb", "mysql", "sqlite"}

// badURL says what is wrong with a server's address, without repeating it: it may hold a password.
func badURL(s string) (found, advice string) {
	const form = "write postgres://user@host/database, mariadb://…, mysql://… or sqlite:file"
	u, err := url.Parse(s)
	if err != nil {
		return "the url cannot be read", form
	}
	known := false
	for _, scheme := range schemes {
		known = known || scheme == u.Scheme
	}
	if !known {
		return fmt.Sprintf("unknown kind of database %q", u.Scheme), form
	}
	if _, has := u.User.Password(); has {
		return "the url holds a password", "take it out and write password: ${NAME} or password_file"
	}
	for k := range u.Query() {
		if strings.Contains(strings.ToLower(k), "password") || strings.EqualFold(k, "passwd") {
			return fmt.Sprintf("the url holds a password in %q", k), "take it out and write password: ${NAME} or password_file"
		}
	}
	if u.Scheme != "sqlite" && strings.Trim(u.Path, "/") == "" {
		return "the url names no database", form
	}
	if u.Scheme == "sqlite" && u.Opaque == "" && u.Path == "" {
		return "the url names no file", form
	}
	return "", ""
}
