package app

import (
	"errors"
	"time"

	"github.com/go-kit/log/level"

	"tair_ssl_exporter/config"
)

// reloadTime is how long a reload waits for the files of the configuration.
const reloadTime = 10 * time.Second

var (
	errStopped   = errors.New("the program stops, and its configuration is still being read")
	errSlowFile  = errors.New("the configuration cannot be read within " + reloadTime.String())
	errStillRead = errors.New("an earlier reload still reads the configuration")
)

// readInTime is read, but it waits until the program stops only, and in a reload for reloadTime. A file may be a pipe that
// nobody writes to, or on a mount that is dead: what reads it cannot be ended, and one at a time is enough.
func (a *app) readInTime() (*config.Config, *shownConfig, error) {
	if !a.reading.CompareAndSwap(false, true) {
		return nil, nil, errStillRead
	}
	var (
		cfg   *config.Config
		shown *shownConfig
		err   error
		done  = make(chan struct{})
		late  <-chan time.Time
	)
	go func() {
		defer close(done)
		defer a.reading.Store(false)
		cfg, shown, err = a.read()
	}()
	if a.shown.Load() != nil {
		timer := time.NewTimer(reloadTime)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-done:
		return cfg, shown, err
	case <-a.stopping:
		return nil, nil, errStopped
	case <-late:
		return nil, nil, errSlowFile
	}
}

// warnOfDropped warns when a reload drops over half of the listed instances: a file that is cut in the middle of them is
// still a valid one.
func (a *app) warnOfDropped(before, now *shownConfig) {
	if before != nil && 2*now.watched.instances < before.watched.instances {
		_ = level.Warn(a.logger).Log("msg", "the configuration lists less than half of the instances of before; is its file whole?",
			"before", before.watched.instances, "now", now.watched.instances)
	}
}
