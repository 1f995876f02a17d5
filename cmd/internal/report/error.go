package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// named is what errors that reach a person have.
type named interface {
	error
	Name() string
	Remedy() string
}

// listing is a named error that is a list of others and shows itself, as the problems of definitions do.
type listing interface {
	named
	Unwrap() []error
}

// Error writes err to Err as a person reads it, and everything that was joined in it:
//
//	ardso: chicago: position 42 lost                         [reader.position_lost]
//	  why     the trigger log has been trimmed up to 57
//	  remedy  run `ardso init chicago`, then `ardso transfer` what changed since
//
// With JSON it is one object a line, {"error": name, "reason": text, "remedy": text}.
func (p *Printer) Error(err error) {
	for _, e := range split(err) {
		text := p.errorText(e)
		if p.JSON {
			text = errorJSON(e)
		}
		_, _ = fmt.Fprintln(p.Err, text) // nobody is left to tell
	}
}

func errorJSON(err error) string {
	var o struct {
		Error  string `json:"error"`
		Reason string `json:"reason"`
		Remedy string `json:"remedy,omitempty"`
	}
	o.Reason = err.Error()
	if n, ok := errors.AsType[named](err); ok {
		o.Error, o.Remedy = n.Name(), n.Remedy()
	}
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Sprintf("%q", o.Reason) // it holds texts only: not to be expected
	}
	return string(b)
}

func (p *Printer) errorText(err error) string {
	n, ok := errors.AsType[named](err)
	if !ok {
		return "ardso: " + err.Error()
	}
	if l, ok := n.(listing); ok {
		return err.Error() + tail(l, p.width())
	}
	label := "[" + n.Name() + "]"
	head, why := headline(err, n, p.width()-len("ardso: ")-columns(label)-2)
	var b strings.Builder
	b.WriteString("ardso: " + Paragraph(head, 7, p.width()))
	last := b.String()[strings.LastIndex(b.String(), "\n")+1:]
	if room := p.width() - columns(last) - columns(label); room >= 2 {
		b.WriteString(strings.Repeat(" ", room) + label)
	} else {
		b.WriteString("\n" + strings.Repeat(" ", max(0, p.width()-columns(label))) + label)
	}
	if why != "" {
		b.WriteString("\n  why     " + Paragraph(why, 10, p.width()))
	}
	if r := n.Remedy(); r != "" {
		b.WriteString("\n  remedy  " + Paragraph(r, 10, p.width()))
	}
	return b.String()
}

// tail is the remedy of a list, where it is more than the advice that its single problem shows itself.
func tail(l listing, width int) string {
	if len(l.Unwrap()) < 2 || l.Remedy() == "" {
		return ""
	}
	return "\nremedy: " + Paragraph(l.Remedy(), 8, width)
}

// headline parts an error's text into what was being done and why it did not work: the cause that it
// wraps, or what stands behind a colon where the whole is longer than room.
func headline(err error, n named, room int) (head, why string) {
	text := strings.TrimSpace(err.Error())
	if cause := errors.Unwrap(n); cause != nil {
		if h, ok := strings.CutSuffix(text, ": "+cause.Error()); ok {
			return h, cause.Error()
		}
	}
	if columns(text) <= room {
		return text, ""
	}
	at := strings.LastIndex(text[:min(len(text), max(room, 0))], ": ")
	if at < len(text)/5 { // little would be left of the headline
		return text, ""
	}
	return text[:at], text[at+2:]
}

// split takes joined errors apart, down to those that have a name; it never looks below one.
func split(err error) []error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[named](err); !ok && errors.Unwrap(err) != nil {
		return []error{err} // what it says around a join of nameless causes must not be lost
	}
	for e := err; e != nil; {
		if _, ok := e.(named); ok { //nolint:errorlint // the tree is walked level by level
			return []error{err}
		}
		if j, ok := e.(interface{ Unwrap() []error }); ok {
			return splitAll(j.Unwrap())
		}
		e = errors.Unwrap(e)
	}
	return []error{err}
}

func splitAll(errs []error) []error {
	var all []error
	seen := map[string]bool{}
	for _, e := range errs {
		for _, x := range split(e) {
			if !seen[x.Error()] { // several threads meet the same fault
				seen[x.Error()] = true
				all = append(all, x)
			}
		}
	}
	return all
}
