package binlog

import (
	"strings"
	"unicode/utf8"
)

// What a statement of a query event is, as far as it matters to a reader of rows.
type statementKind uint8

const (
	stmtOther      statementKind = iota // neither rows nor shapes of tables: GRANT, SET, views, comments
	stmtBegin                           // BEGIN, START TRANSACTION
	stmtCommit                          // COMMIT
	stmtRollback                        // ROLLBACK of all
	stmtSavepoint                       // SAVEPOINT, RELEASE SAVEPOINT
	stmtRollbackTo                      // ROLLBACK TO a savepoint
	stmtTruncate                        // TRUNCATE of tables
	stmtDDL                             // changes what tables there are, or their shapes
	stmtDML                             // changes rows, in statement format (MS-24)
	stmtXAStart
	stmtXAEnd
	stmtXAPrepare
	stmtXACommit
	stmtXARollback
)

// statement is what the text of a query event says.
type statement struct {
	kind statementKind
	// tables that a truncate or ddl names, new names of a rename too, and the one that a DELETE empties. A Table of
	// "" is all tables of the schema.
	tables []tableName
	// unknown: not all tables that a truncate or ddl is about could be told; any may be.
	unknown bool
	// emptied: a DELETE of all rows of the one table in tables, with no more to it.
	emptied bool
	// partitions: a ddl that takes rows away, or brings some, whole partitions at a time: the log has no rows of it.
	partitions bool
	xid        string // of the XA kinds: as written, "X'61',X'',1"
}

// tableName is a table as a statement names it.
type tableName struct {
	Schema string // "" = the default database
	Table  string
}

// or is the name with the default database where it has none.
func (t tableName) or(schema string) tableName {
	if t.Schema == "" {
		t.Schema = schema
	}
	return t
}

// parseStatement tells what a statement is and which tables it changes. ansiQuotes says that "x" is a name.
//
// It does not check grammar: the server has carried the statement out. It looks no further than it must, so
// what stands in column definitions, conditions or bodies is passed over. What is attempted is what MariaDB 10.6
// to 11.8 and MySQL 5.6 to 9 write into their logs, with their executable comments read as part of the text,
// whichever version they are for. What it cannot tell of a DDL statement it says with unknown.
//
// Statements about temporary tables are stmtOther: nobody reads the rows of those. A temporary table hides a
// table of its name only from its own session, which then says DROP or ALTER TABLE of it; servers in row format
// log none of that but DROP TEMPORARY TABLE.
func parseStatement(text string, ansiQuotes bool) statement {
	p := &stmtParser{lexer: lexer{text: text, ansi: ansiQuotes}}
	p.next()
	for p.op("(") {
	}
	return p.statement()
}

// stmtParser reads a statement token by token.
type stmtParser struct {
	lexer
	tok   token
	depth int // of open brackets before tok
}

func (p *stmtParser) next() {
	switch {
	case p.isOp("("):
		p.depth++
	case p.isOp(")"):
		p.depth--
	}
	p.tok = p.lexer.next()
}

func (p *stmtParser) isOp(op string) bool { return p.tok.kind == tokOp && p.tok.text == op }

// op takes an operator if it is next.
func (p *stmtParser) op(op string) bool {
	if !p.isOp(op) {
		return false
	}
	p.next()
	return true
}

// isWord reports whether a word, not quoted, is next.
func (p *stmtParser) isWord(words ...string) bool {
	if p.tok.kind != tokWord {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(p.tok.text, w) {
			return true
		}
	}
	return false
}

// word takes one of these words if it is next.
func (p *stmtParser) word(words ...string) bool {
	if !p.isWord(words...) {
		return false
	}
	p.next()
	return true
}

// words takes any number of these words.
func (p *stmtParser) words(words ...string) {
	for p.word(words...) {
	}
}

func (p *stmtParser) statement() statement {
	switch {
	case p.word("BEGIN"):
		if p.isWord("NOT") { // a compound statement, whose parts are logged
			return statement{}
		}
		return statement{kind: stmtBegin}
	case p.word("START"):
		if p.word("TRANSACTION") {
			return statement{kind: stmtBegin}
		}
		return statement{}
	case p.word("COMMIT"):
		return statement{kind: stmtCommit}
	case p.word("ROLLBACK"):
		if p.word("WORK"); p.word("TO") {
			return statement{kind: stmtRollbackTo}
		}
		return statement{kind: stmtRollback}
	case p.word("SAVEPOINT"):
		return statement{kind: stmtSavepoint}
	case p.word("RELEASE"):
		return statement{kind: stmtSavepoint}
	case p.word("XA"):
		return p.xa()
	case p.word("TRUNCATE"):
		p.word("TABLE")
		return p.one(stmtTruncate)
	case p.word("CREATE"):
		return p.create()
	case p.word("ALTER"):
		return p.alter()
	case p.word("DROP"):
		return p.drop()
	case p.word("RENAME"):
		return p.rename()
	case p.word("SET"):
		return p.set()
	}
	return p.dml()
}

// dml tells statements that change rows, or may.
func (p *stmtParser) dml() statement {
	switch {
	case p.word("DELETE"):
		return p.deletes()
	case p.isWord("INSERT", "UPDATE", "REPLACE", "CALL", "WITH"),
		p.isWord("SELECT", "DO", "VALUES", "TABLE"): // logged only if a function in them changes rows
		return statement{kind: stmtDML}
	case p.word("LOAD"):
		if p.isWord("DATA", "XML") {
			return statement{kind: stmtDML}
		}
	case p.word("ANALYZE"): // MariaDB's carries the statement out
		if p.word("FORMAT"); p.op("=") {
			p.next()
		}
		if !p.isWord("TABLE") {
			return p.dml()
		}
	case p.word("EXECUTE"):
		return statement{kind: stmtDML}
	}
	return statement{}
}

// deletes takes what stands behind DELETE.
func (p *stmtParser) deletes() statement {
	s := statement{kind: stmtDML}
	if p.word("FROM") && p.table(&s) && p.tok.kind == tokEnd {
		s.emptied = true
		return s
	}
	return statement{kind: stmtDML}
}

// set looks for MariaDB's SET STATEMENT variables FOR statement.
func (p *stmtParser) set() statement {
	if !p.word("STATEMENT") {
		return statement{}
	}
	for p.tok.kind != tokEnd && (p.depth != 0 || !p.isWord("FOR")) {
		p.next()
	}
	if !p.word("FOR") {
		return statement{}
	}
	return p.statement()
}

func (p *stmtParser) xa() statement {
	kinds := []struct {
		word string
		kind statementKind
	}{
		{"START", stmtXAStart},
		{"BEGIN", stmtXAStart},
		{"END", stmtXAEnd},
		{"PREPARE", stmtXAPrepare},
		{"COMMIT", stmtXACommit},
		{"ROLLBACK", stmtXARollback},
	}
	for _, k := range kinds {
		if p.isWord(k.word) {
			return statement{kind: k.kind, xid: strings.TrimSpace(p.text[p.at:])}
		}
	}
	return statement{}
}

// create takes what stands behind CREATE.
func (p *stmtParser) create() statement {
	replaces := p.word("OR") && p.word("REPLACE")
	p.words("ONLINE", "OFFLINE", "UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR")
	switch {
	case p.word("TABLE"):
		p.exists()
		return p.one(stmtDDL)
	case p.word("INDEX"):
		return p.indexOn()
	case replaces && p.word("DATABASE", "SCHEMA"):
		return p.schema()
	}
	return statement{}
}

// alter takes what stands behind ALTER.
func (p *stmtParser) alter() statement {
	p.words("ONLINE", "OFFLINE", "IGNORE")
	if !p.word("TABLE") {
		return statement{}
	}
	p.exists()
	s := p.one(stmtDDL)
	p.wait()
	p.specifications(&s)
	// Where backslashes escape nothing (NO_BACKSLASH_ESCAPES), texts end elsewhere than we think.
	if p.escaped && mentions(p.text, "RENAME") {
		s.unknown = true
	}
	return s
}

// specifications looks for further tables in what ALTER TABLE does.
func (p *stmtParser) specifications(s *statement) {
	for begins := true; p.tok.kind != tokEnd; {
		switch {
		case begins && p.word("RENAME"):
			if !p.isWord("COLUMN", "INDEX", "KEY", "CONSTRAINT", "FOREIGN") {
				if !p.op("=") {
					p.word("TO", "AS")
				}
				p.table(s)
			}
		case begins && p.word("DROP", "TRUNCATE", "DISCARD"):
			s.partitions = s.partitions || p.isWord("PARTITION")
		case begins && p.isWord("EXCHANGE", "CONVERT"):
			p.exchange(s)
		case p.depth == 0 && p.op(","):
			begins = true
			continue
		default:
			p.next()
		}
		begins = false
	}
}

// exchange takes EXCHANGE PARTITION p WITH TABLE t, CONVERT TABLE t TO PARTITION p and CONVERT PARTITION p TO
// TABLE t. Other words of these, and CONVERT TO CHARACTER SET, end nothing that is looked for.
func (p *stmtParser) exchange(s *statement) {
	for p.tok.kind != tokEnd && (p.depth != 0 || !p.isOp(",")) {
		switch {
		case p.word("TABLE"):
			p.table(s)
		case p.word("PARTITION"):
			s.partitions = s.partitions || !p.isWord("BY")
		default:
			p.next()
		}
	}
}

// drop takes what stands behind DROP.
func (p *stmtParser) drop() statement {
	p.words("ONLINE", "OFFLINE")
	switch {
	case p.word("TABLE", "TABLES"):
		p.exists()
		return p.list(stmtDDL)
	case p.word("INDEX"):
		return p.indexOn()
	case p.word("DATABASE", "SCHEMA"):
		return p.schema()
	}
	return statement{}
}

func (p *stmtParser) rename() statement {
	if !p.word("TABLE", "TABLES") {
		return statement{}
	}
	p.exists()
	s := statement{kind: stmtDDL}
	for {
		if !p.table(&s) {
			return s
		}
		p.wait()
		if !p.word("TO") {
			s.unknown = true
			return s
		}
		if !p.table(&s) || !p.op(",") {
			return s
		}
	}
}

// indexOn takes [IF [NOT] EXISTS] name [USING type] ON table.
func (p *stmtParser) indexOn() statement {
	p.exists()
	p.next()
	for p.tok.kind != tokEnd && !p.isWord("ON") {
		p.next()
	}
	p.next()
	return p.one(stmtDDL)
}

// schema takes [IF EXISTS] name.
func (p *stmtParser) schema() statement {
	p.exists()
	s := statement{kind: stmtDDL}
	name, ok := p.name()
	if s.unknown = !ok; ok {
		s.tables = []tableName{{Schema: name}}
	}
	return s
}

// exists takes IF EXISTS and IF NOT EXISTS.
func (p *stmtParser) exists() {
	if p.word("IF") {
		p.word("NOT")
		p.word("EXISTS")
	}
}

// wait takes NOWAIT and WAIT n.
func (p *stmtParser) wait() {
	if p.word("WAIT") {
		p.next()
	}
	p.word("NOWAIT")
}

// one takes the name of a table.
func (p *stmtParser) one(kind statementKind) statement {
	s := statement{kind: kind}
	p.table(&s)
	return s
}

// list takes names of tables.
func (p *stmtParser) list(kind statementKind) statement {
	s := statement{kind: kind}
	for p.table(&s) && p.op(",") {
	}
	return s
}

// table adds the name of a table, or says that it is not known.
func (p *stmtParser) table(s *statement) bool {
	t, ok := p.tableName()
	if !ok {
		s.unknown = true
		return false
	}
	s.tables = append(s.tables, t)
	return true
}

func (p *stmtParser) tableName() (t tableName, ok bool) {
	p.op(".") // ODBC's way to name no schema
	if t.Table, ok = p.name(); !ok || !p.op(".") {
		return t, ok
	}
	t.Schema = t.Table
	t.Table, ok = p.name()
	return t, ok
}

// name takes a name. One that is not UTF-8 came in the client's own character set: which name it is, is not known.
func (p *stmtParser) name() (string, bool) {
	name := p.tok.text
	if p.tok.kind != tokWord && p.tok.kind != tokName || name == "" || !utf8.ValidString(name) {
		return "", false
	}
	p.next()
	return name, true
}

// mentions reports whether a text could name a table or schema: the name occurs as a word, in any case.
func mentions(text, name string) bool {
	if name == "" || !utf8.ValidString(text) && strings.IndexFunc(name, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return true // a name in a character set that we do not know
	}
	text, name = strings.ToLower(text), strings.ToLower(name)
	if quoted := strings.ReplaceAll(name, "`", "``"); quoted != name && strings.Contains(text, quoted) {
		return true
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		from, to := at+i, at+i+len(name)
		if (from == 0 || !isNameByte(text[from-1])) && (to == len(text) || !isNameByte(text[to])) {
			return true
		}
		at = from + 1
	}
}

// --- tokens ---

type tokenKind uint8

const (
	tokEnd  tokenKind = iota
	tokWord           // keyword, name or number
	tokName           // a quoted name, without its quotes
	tokText           // a string
	tokOp             // one byte of anything else
)

type token struct {
	kind tokenKind
	text string
}

// lexer cuts a statement into tokens. Comments are left out but for executable ones, whose marks are.
type lexer struct {
	text       string
	at         int
	ansi       bool
	executable int  // executable comments that are open
	escaped    bool // a string held a backslash
}

func (l *lexer) next() token {
	l.skip()
	if l.at >= len(l.text) {
		return token{}
	}
	from, c := l.at, l.text[l.at]
	switch {
	case c == '`':
		return token{tokName, l.quoted(c)}
	case c == '"' && l.ansi:
		return token{tokName, l.quoted(c)}
	case c == '\'' || c == '"':
		l.stringLiteral(c)
		return token{tokText, l.text[from:l.at]}
	case isNameByte(c):
		for l.at < len(l.text) && isNameByte(l.text[l.at]) {
			l.at++
		}
		return token{tokWord, l.text[from:l.at]}
	}
	l.at++
	return token{tokOp, l.text[from:l.at]}
}

// isNameByte: what names without quotes consist of. Bytes from 0x80 on are parts of letters.
func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= utf8.RuneSelf
}

// skip passes blanks and comments.
func (l *lexer) skip() {
	for l.at < len(l.text) {
		rest := l.text[l.at:]
		switch c := rest[0]; {
		case c <= ' ':
			l.at++
		case c == '#', strings.HasPrefix(rest, "--") && (len(rest) == 2 || rest[2] <= ' '):
			l.to("\n")
		case strings.HasPrefix(rest, "/*!"), strings.HasPrefix(rest, "/*M!"):
			l.at += strings.IndexByte(rest, '!') + 1
			for n := 0; n < 6 && l.at < len(l.text) && l.text[l.at] >= '0' && l.text[l.at] <= '9'; n++ {
				l.at++ // the version that it is for
			}
			l.executable++
		case strings.HasPrefix(rest, "*/") && l.executable > 0:
			l.at += 2
			l.executable--
		case strings.HasPrefix(rest, "/*"):
			l.at += 2
			l.to("*/")
		default:
			return
		}
	}
}

// to goes on behind the next end, or to the end of all.
func (l *lexer) to(end string) {
	if i := strings.Index(l.text[l.at:], end); i >= 0 {
		l.at += i + len(end)
		return
	}
	l.at = len(l.text)
}

// quoted takes a quoted name, in which the quote is doubled.
func (l *lexer) quoted(quote byte) string {
	from := l.at + 1
	doubled := false
	for l.at = from; l.at < len(l.text); l.at++ {
		if l.text[l.at] != quote {
			continue
		}
		if l.at+1 < len(l.text) && l.text[l.at+1] == quote {
			doubled = true
			l.at++
			continue
		}
		name := l.text[from:l.at]
		l.at++
		if doubled {
			name = strings.ReplaceAll(name, string([]byte{quote, quote}), string(rune(quote)))
		}
		return name
	}
	return "" // without an end: no name
}

// stringLiteral passes a string.
func (l *lexer) stringLiteral(quote byte) {
	for l.at++; l.at < len(l.text); l.at++ {
		switch l.text[l.at] {
		case '\\':
			l.escaped = true
			l.at++
		case quote: // doubled: two strings, one behind the other, are as good
			l.at++
			return
		}
	}
	l.at = min(l.at, len(l.text))
}
