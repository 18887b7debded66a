package app

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// output is a log output that can block or fail.
type output struct {
	gate chan struct{} // it blocks until the gate is closed
	err  error
	text strings.Builder
}

func (o *output) Write(line []byte) (int, error) {
	<-o.gate
	if o.err != nil {
		return 0, o.err
	}
	return o.text.Write(line)
}

func withOutput(t *testing.T, run func(o *output, w *logWriter)) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		o := &output{gate: make(chan struct{})}
		run(o, newLogWriter(o, func(dropped int64) error {
			_, err := fmt.Fprintf(o, "dropped %d\n", dropped)
			return err
		}))
	})
}

func TestEndOfTheProgramWritesEveryLine(t *testing.T) {
	withOutput(t, func(o *output, w *logWriter) {
		var want strings.Builder
		for n := range logBuffer {
			fmt.Fprintln(&want, n)
			fmt.Fprintln(w, n)
		}
		close(o.gate)
		w.Close()
		w.Close()
		if o.text.String() != want.String() {
			t.Errorf("got %d of %d bytes", o.text.Len(), want.Len())
		}
	})
}

func TestOutputThatBlocksStopsNothing(t *testing.T) {
	withOutput(t, func(o *output, w *logWriter) {
		began := time.Now()
		fmt.Fprintln(w, "first")
		synctest.Wait()
		for range logBuffer + 7 {
			fmt.Fprintln(w, "line")
		}
		if time.Since(began) != 0 {
			t.Error("a line waited for the output")
		}
		w.Close()
		if took := time.Since(began); took != flushTime {
			t.Errorf("the end took %s, want %s", took, flushTime)
		}
		close(o.gate)
		synctest.Wait()
		if got, want := o.text.String(), "first\ndropped 7\n"+strings.Repeat("line\n", logBuffer); got != want {
			t.Errorf("got %d bytes that begin with %.40q", len(got), got)
		}
	})
}

func TestLinesOfAnOutputThatFailsAreCounted(t *testing.T) {
	withOutput(t, func(o *output, w *logWriter) {
		close(o.gate)
		o.err = errors.New("no space left on device")
		fmt.Fprintln(w, "lost")
		fmt.Fprintln(w, "lost")
		synctest.Wait()
		o.err = nil
		fmt.Fprintln(w, "written")
		w.Close()
		if got := o.text.String(); got != "written\ndropped 2\n" {
			t.Errorf("got %q", got)
		}
	})
}
