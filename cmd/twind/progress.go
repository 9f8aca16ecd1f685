package main

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress shows a bar for what takes longer than two seconds; off a terminal,
// a plain line every five seconds.
type progress struct {
	p        *program
	terminal bool

	mu    sync.Mutex // owns what follows
	since time.Time
	what  string
	last  time.Time
	bar   *progressbar.ProgressBar
}

const (
	patience  = 2 * time.Second
	plainStep = 5 * time.Second
)

func newProgress(p *program) *progress {
	f, ok := p.errOut.(*os.File)
	terminal := false
	if ok {
		if st, err := f.Stat(); err == nil {
			terminal = st.Mode()&os.ModeCharDevice != 0
		}
	}
	return &progress{p: p, terminal: terminal, since: time.Now()}
}

// set tells how far something is; total 0 is unknown.
func (g *progress) set(what string, done, total int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if now.Sub(g.since) < patience {
		return
	}
	if !g.terminal {
		if now.Sub(g.last) < plainStep {
			return
		}
		g.last = now
		if total > 0 {
			fmt.Fprintf(g.p.errOut, "%s: %d of %d\n", what, done, total)
		} else {
			fmt.Fprintf(g.p.errOut, "%s: %d\n", what, done)
		}
		return
	}
	if g.bar == nil {
		g.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(g.p.errOut), progressbar.OptionSetWidth(30),
			progressbar.OptionShowCount(), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if g.what != what {
		g.what = what
		g.bar.Describe(what)
	}
	if total > 0 {
		g.bar.ChangeMax64(max(total, 1))
	}
	_ = g.bar.Set64(done)
}

// done clears the bar.
func (g *progress) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.bar != nil {
		_ = g.bar.Clear()
		g.bar = nil
	}
}
