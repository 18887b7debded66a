package app

import (
	"io"
	"sync"
	"sync/atomic"
	"time"
)

const (
	logBuffer = 4096        // lines that wait to be written
	flushTime = time.Second // how long the end of the program waits for them
)

// logWriter writes lines to out from a goroutine of its own, so that an output that blocks or fails stops nothing. It
// drops lines that it cannot write, and reports their number once it can write again. It is safe for concurrent use.
type logWriter struct {
	out     io.Writer
	report  func(dropped int64) error // writes a line to out
	lines   chan []byte
	dropped atomic.Int64
	closing chan struct{}
	ended   chan struct{}
	once    sync.Once
}

// newLogWriter returns a writer that runs until Close.
func newLogWriter(out io.Writer, report func(dropped int64) error) *logWriter {
	w := &logWriter{
		out: out, report: report,
		lines: make(chan []byte, logBuffer), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	go w.run()
	return w
}

// Write takes one line. It never blocks or fails.
func (w *logWriter) Write(line []byte) (int, error) {
	select {
	case w.lines <- append([]byte(nil), line...):
	default:
		w.dropped.Add(1)
	}
	return len(line), nil
}

// Close writes the lines that wait, for flushTime at most. Lines that come later are lost.
func (w *logWriter) Close() {
	w.once.Do(func() { close(w.closing) })
	select {
	case <-w.ended:
	case <-time.After(flushTime):
	}
}

func (w *logWriter) run() {
	defer close(w.ended)
	for {
		select {
		case line := <-w.lines:
			w.write(line)
		case <-w.closing:
			for len(w.lines) > 0 {
				w.write(<-w.lines)
			}
			return
		}
	}
}

func (w *logWriter) write(line []byte) {
	if _, err := w.out.Write(line); err != nil {
		w.dropped.Add(1)
		return
	}
	if n := w.dropped.Swap(0); n > 0 && w.report(n) != nil {
		w.dropped.Add(n)
	}
}
