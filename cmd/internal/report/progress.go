package report

import (
	"fmt"

	"github.com/schollz/progressbar/v3"
)

// Progress shows how far a long operation is: a bar on a terminal, else a line at each tenth of the
// way. With JSON it shows nothing. total < 0 = not known; it may change from call to call. Call end once.
func (p *Printer) Progress(what string) (show func(done, total int64), end func()) {
	switch {
	case p.JSON:
		return func(int64, int64) {}, func() {}
	case p.Terminal:
		return p.bar(what)
	}
	return p.lines(what), func() {}
}

func (p *Printer) bar(what string) (show func(done, total int64), end func()) {
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetDescription(what),
		progressbar.OptionSetWriter(p.Err),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("requests"),
		progressbar.OptionSetWidth(20),
		progressbar.OptionClearOnFinish(),
	)
	max := int64(-1)
	show = func(done, total int64) {
		if total < done && total >= 0 {
			total = done // an estimate that was too low
		}
		if total != max {
			max = total
			bar.ChangeMax64(total)
		}
		_ = bar.Set64(done) // only the picture suffers
	}
	return show, func() { _ = bar.Finish() }
}

// lines prints at each tenth, or where the total is not known at each power of two.
func (p *Printer) lines(what string) func(done, total int64) {
	next, shown := int64(1), int64(-1)
	return func(done, total int64) {
		switch {
		case total > 0:
			if tenth := done * 10 / total; tenth > shown {
				shown = tenth
				_, _ = fmt.Fprintf(p.Err, "%s: %d of about %d requests\n", what, done, total)
			}
		case done >= next:
			for next <= done {
				next *= 2
			}
			_, _ = fmt.Fprintf(p.Err, "%s: %d requests\n", what, done)
		}
	}
}
