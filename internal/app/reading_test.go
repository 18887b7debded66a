package app

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/log"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/config"
)

// A file that cannot be read to its end makes a reload fail. Another reload does not wait for it too.
func TestReloadDoesNotWaitForeverForItsFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked, stopping := make(chan struct{}), make(chan struct{})
		a := &app{
			options: &options{shard: collector.Shard{Total: 1}}, logger: log.NewNopLogger(),
			exporter: collector.New(collector.Options{Logger: log.NewNopLogger()}), stopping: stopping,
			load: func() (*config.Config, error) {
				<-blocked
				cfg := config.Default()
				return &cfg, nil
			},
		}
		reload := func(took time.Duration, want error) {
			t.Helper()
			began := time.Now()
			if err := a.reload(); !errors.Is(err, want) || time.Since(began) != took {
				t.Errorf("after %s: %v, want %v after %s", time.Since(began), err, want, took)
			}
		}
		time.AfterFunc(time.Minute, func() { close(blocked) })
		reload(time.Minute, nil) // the first one has the time that it needs
		blocked = make(chan struct{})
		reload(reloadTime, errSlowFile)
		reload(0, errStillRead)
		close(blocked)
		synctest.Wait()
		reload(0, nil)
		blocked = make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stopping) })
		reload(time.Second, errStopped)
		close(blocked)
		a.close()
	})
}
