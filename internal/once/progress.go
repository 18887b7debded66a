package once

import (
	"fmt"
	"io"
	"sync"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/internal/words"
)

const (
	progressAfter = time.Second            // a shorter pass shows none
	progressEvery = 200 * time.Millisecond // it is shown anew
	clearLine     = "\r\x1b[K"
)

// Progress shows on a terminal how far a pass is, in one line. What else is written to the terminal goes through it, so that
// the line makes room.
type Progress struct {
	w io.Writer

	mu    sync.Mutex
	shown bool
}

// NewProgress returns a Progress that writes to w.
func NewProgress(w io.Writer) *Progress { return &Progress{w: w} }

// Write writes in the place of the progress.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	return p.w.Write(text)
}

// clear is called with p.mu held.
func (p *Progress) clear() {
	if p.shown {
		_, _ = io.WriteString(p.w, clearLine)
		p.shown = false
	}
}

// Show shows the progress once a second has passed, until stop is called.
func (p *Progress) Show(progress func() collector.Progress) (stop func()) {
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for wait := progressAfter; ; wait = progressEvery {
			select {
			case <-time.After(wait):
				p.show(progress())
			case <-over:
				return
			}
		}
	}()
	return func() {
		close(over)
		<-ended
		p.mu.Lock()
		defer p.mu.Unlock()
		p.clear()
	}
}

func (p *Progress) show(now collector.Progress) {
	text := fmt.Sprintf("read %s of %s", words.Thousands(now.Asked), words.Count(now.Instances, "instance"))
	if !now.Complete {
		text += " so far, looking for more"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.w, clearLine+text)
	p.shown = true
}
