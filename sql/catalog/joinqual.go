package catalog

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"ardso/sql/schema"
)

// parseJoinQualification reads the stored form of a join form's qualification (ar-database-reference, "Stored
// form"), as far as it is equalities of a primary and a secondary field joined by AND. Field 99 is of the primary
// form, field 1 of the secondary one.
func parseJoinQualification(text string) (pairs [][2]int, err error) {
	p := &storedQualification{tokens: strings.Split(strings.TrimSuffix(strings.TrimSpace(text), `\`), `\`)}
	if err := p.qualification(&pairs); err != nil {
		return nil, err
	}
	if len(p.tokens) > 0 {
		return nil, fmt.Errorf("%q follows", strings.Join(p.tokens, `\`))
	}
	return pairs, nil
}

type storedQualification struct{ tokens []string }

func (p *storedQualification) next() (int, error) {
	if len(p.tokens) == 0 {
		return 0, errors.New("it ends too early")
	}
	n, err := strconv.Atoi(p.tokens[0])
	if err != nil {
		return 0, fmt.Errorf("%q is no number", p.tokens[0])
	}
	p.tokens = p.tokens[1:]
	return n, nil
}

func (p *storedQualification) qualification(pairs *[][2]int) error {
	const and, relation, equal = 1, 4, 1
	op, err := p.next()
	switch {
	case err != nil:
		return err
	case op == and:
		if err := p.qualification(pairs); err != nil {
			return err
		}
		return p.qualification(pairs)
	case op != relation:
		return errors.New("it is not equalities joined by AND")
	}
	if op, err = p.next(); err != nil || op != equal {
		return errors.Join(err, errors.New("it compares otherwise than by ="))
	}
	var pair [2]int
	for range pair {
		const secondary, primary = 1, 99
		side, err := p.next()
		if err != nil {
			return err
		}
		field, err := p.next()
		if err != nil {
			return err
		}
		n := schema.Primary
		switch side {
		case primary:
		case secondary:
			n = schema.Secondary
		default:
			return errors.New("it compares something else than fields")
		}
		if pair[n] != 0 {
			return errors.New("it compares two fields of one form")
		}
		pair[n] = field
	}
	*pairs = append(*pairs, pair)
	return nil
}
