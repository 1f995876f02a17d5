package qual

// UsesKeywords reports whether a keyword occurs that is not always NULL, so that the result depends
// on more than the request ($USER$, $TIMESTAMP$); an EXTERNAL may hold one.
func (p *program) UsesKeywords() bool {
	found := false
	if p.root != nil {
		p.root.walk(func(n *node) { found = found || n.op == opKeyword && n.typ != typeNull || n.op == opExternal })
	}
	return found
}

// Like reports whether text matches a LIKE pattern (§6.3), with case folded unless exact.
func Like(text, pattern string, exact bool) bool { return compilePattern(pattern, exact).match(text) }
