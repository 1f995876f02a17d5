package qual

// Trace is how a condition came out, and those that it is made of by AND, OR and NOT.
type Trace struct {
	Text  string `json:"text"` // canonical
	Truth Truth  `json:"truth"`
	// Err is why it could not be judged; Truth means nothing then.
	Err error `json:"-"`
	// Parts are all of them, also those that Eval need not look at.
	Parts []Trace `json:"parts,omitempty"`
}

// Trace judges a request as Eval does, and tells how each part came out.
func (q *Qualification) Trace(env *Env) Trace {
	if q.root == nil {
		return Trace{Truth: True}
	}
	return q.trace(q.root, env)
}

func (q *Qualification) trace(n *node, env *Env) Trace {
	m := env.start(&q.scope, false)
	t := Trace{Text: n.String()}
	t.Truth, t.Err = m.test(n), m.err
	switch n.op {
	case opAnd, opOr, opNot:
		for _, a := range n.args {
			t.Parts = append(t.Parts, q.trace(a, env))
		}
	}
	return t
}

// Deciding returns the conditions that are not made of others and that kept t from being true: those that,
// joined by AND, are not, and of an OR all. It is empty where t is true.
func (t *Trace) Deciding() []Trace {
	if t.Err == nil && t.Truth == True {
		return nil
	}
	var list []Trace
	for i := range t.Parts {
		list = append(list, t.Parts[i].Deciding()...)
	}
	if len(list) == 0 { // a comparison, or NOT of what is true
		return []Trace{*t}
	}
	return list
}

// MarshalText writes what String prints.
func (t Truth) MarshalText() ([]byte, error) { return []byte(t.String()), nil }
