package qual

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is the compiled right side of a LIKE (§6.3, §12 row 11): % is any run, _ one character,
// [abc] a set, [a-f] a range, [^…] a set's opposite. Brackets also escape: [%] is a per cent sign.
// There is no other escape. ] is special only inside a set, and ends it; - is itself at either end
// of one. A [ that nothing closes is itself; [] matches nothing, and [^] any character.
//
// Matching never backtracks over a %: each run between two of them is taken at its first place, so
// the time is at most the length of the text times that of the longest run; a run of plain
// characters, the usual one, takes linear time (Knuth, Morris and Pratt).
type pattern struct {
	exact    bool  // no case folding
	runs     []run // between the per cent signs; empty ones dropped
	anchored bool  // the first run is at the beginning
	ended    bool  // the last run is at the end
}

// run is a part of a pattern without %.
type run struct {
	elements []element
	plain    bool  // elements are characters only
	failure  []int // of the search for a plain run: longest border by prefix
}

// element matches one character.
type element struct {
	char rune // folded, unless the pattern is exact; where set is nil and any is false
	any  bool // _
	set  *set
}

type set struct {
	negated bool
	ranges  [][2]rune
}

func compilePattern(s string, exact bool) *pattern {
	p := &pattern{exact: exact}
	var current []element
	p.anchored = !strings.HasPrefix(s, "%")
	p.ended = true
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		p.ended = true
		switch r {
		case '%':
			p.add(current)
			current = nil
			p.ended = false
		case '_':
			current = append(current, element{any: true})
		case '[':
			if set, n := compileSet(s); n > 0 {
				current = append(current, element{set: set})
				size = n
				break
			}
			current = append(current, element{char: r})
		default:
			if !exact {
				r = fold(r)
			}
			current = append(current, element{char: r})
		}
		s = s[size:]
	}
	p.add(current)
	return p
}

func (p *pattern) add(elements []element) {
	if len(elements) == 0 {
		return
	}
	r := run{elements: elements, plain: true}
	for _, e := range elements {
		r.plain = r.plain && !e.any && e.set == nil
	}
	if r.plain {
		r.failure = make([]int, len(elements))
		for i, k := 1, 0; i < len(elements); i++ {
			for k > 0 && elements[i].char != elements[k].char {
				k = r.failure[k-1]
			}
			if elements[i].char == elements[k].char {
				k++
			}
			r.failure[i] = k
		}
	}
	p.runs = append(p.runs, r)
}

// compileSet reads "[…]" at the beginning of s and returns its length, 0 where no ] follows.
func compileSet(s string) (*set, int) {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return nil, 0
	}
	body := []rune(s[1:end])
	out := &set{}
	if len(body) > 0 && body[0] == '^' {
		out.negated, body = true, body[1:]
	}
	for i := 0; i < len(body); i++ {
		if i+2 < len(body) && body[i+1] == '-' {
			out.ranges = append(out.ranges, [2]rune{body[i], body[i+2]})
			i += 2
			continue
		}
		out.ranges = append(out.ranges, [2]rune{body[i], body[i]})
	}
	return out, end + 1
}

func (s *set) has(r rune) bool {
	return slices.ContainsFunc(s.ranges, func(x [2]rune) bool { return x[0] <= r && r <= x[1] })
}

func (s *set) match(r rune, exact bool) bool {
	found := s.has(r)
	if !exact {
		for x := unicode.SimpleFold(r); x != r && !found; x = unicode.SimpleFold(x) {
			found = s.has(x)
		}
	}
	return found != s.negated
}

// match takes r as it stands in the text and folded.
func (e *element) match(r, folded rune, exact bool) bool {
	switch {
	case e.any:
		return true
	case e.set != nil:
		return e.set.match(r, exact)
	}
	return e.char == folded
}

// match reports whether the whole of s matches.
func (p *pattern) match(s string) bool {
	runs := p.runs
	if len(runs) == 0 {
		return s == "" || !p.anchored || !p.ended
	}
	if p.anchored {
		n := p.prefix(&runs[0], s)
		if n < 0 {
			return false
		}
		s, runs = s[n:], runs[1:]
		if len(runs) == 0 {
			return !p.ended || s == ""
		}
	}
	last := len(runs)
	if p.ended {
		last--
	}
	for i := range runs[:last] {
		found := false
		if s, found = p.after(&runs[i], s); !found {
			return false
		}
	}
	return !p.ended || p.suffix(&runs[last], s)
}

func (p *pattern) folded(r rune) rune {
	if p.exact {
		return r
	}
	return fold(r)
}

// prefix returns the length of the beginning of s that the run matches, or -1.
func (p *pattern) prefix(r *run, s string) int {
	n := 0
	for i := range r.elements {
		c, size := utf8.DecodeRuneInString(s[n:])
		if size == 0 || !r.elements[i].match(c, p.folded(c), p.exact) {
			return -1
		}
		n += size
	}
	return n
}

// suffix reports whether the run matches at the very end of s.
func (p *pattern) suffix(r *run, s string) bool {
	for i := len(r.elements) - 1; i >= 0; i-- {
		c, size := utf8.DecodeLastRuneInString(s)
		if size == 0 || !r.elements[i].match(c, p.folded(c), p.exact) {
			return false
		}
		s = s[:len(s)-size]
	}
	return true
}

// after returns what follows the first place in s where the run matches.
func (p *pattern) after(r *run, s string) (rest string, found bool) {
	if r.plain {
		return p.search(r, s)
	}
	for {
		if n := p.prefix(r, s); n >= 0 {
			return s[n:], true
		}
		_, size := utf8.DecodeRuneInString(s)
		if size == 0 {
			return "", false
		}
		s = s[size:]
	}
}

// search is after for a plain run.
func (p *pattern) search(r *run, s string) (rest string, found bool) {
	k := 0
	for i, c := range s {
		c = p.folded(c)
		for k > 0 && r.elements[k].char != c {
			k = r.failure[k-1]
		}
		if r.elements[k].char == c {
			k++
		}
		if k == len(r.elements) {
			_, size := utf8.DecodeRuneInString(s[i:])
			return s[i+size:], true
		}
	}
	return "", false
}
