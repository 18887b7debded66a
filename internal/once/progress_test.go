package once_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/once"
)

// screen keeps what is written to it. Several goroutines may use it.
type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// The progress is shown from the first second on, makes room for the log and leaves nothing.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var screen screen
		p := once.NewProgress(&screen)
		var now atomic.Pointer[collector.Progress]
		now.Store(&collector.Progress{Asked: 1, Instances: 2})
		hide := p.Show(func() collector.Progress { return *now.Load() })
		time.Sleep(time.Second - time.Millisecond)
		if screen.String() != "" {
			t.Errorf("shown in the first second: %q", screen.String())
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		_, _ = p.Write([]byte("level=warn\n"))
		now.Store(&collector.Progress{Complete: true, Asked: 1234, Instances: 5000})
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		hide()
		const empty = "\r\x1b[K"
		want := empty + "read 1 of 2 instances so far, looking for more" + empty + "level=warn\n" +
			empty + "read 1,234 of 5,000 instances" + empty
		if screen.String() != want {
			t.Errorf("got %q, want %q", screen.String(), want)
		}
	})
}

// Names come from the cloud: none may control the terminal or break a line.
func TestNamesAreHarmless(t *testing.T) {
	r := once.Report{Overview: collector.Overview{Complete: true, Instances: []collector.InstanceStatus{
		{ID: "r-1", Name: "\x1b[31mred\r\n\u202e", Account: "a", Region: "cn-hangzhou", Known: true},
	}}}
	var table strings.Builder
	if err := r.WriteTable(&table, once.Terminal{}); err != nil {
		t.Fatal(err)
	}
	if row := strings.Split(table.String(), "\n")[1]; !strings.HasPrefix(row, "�[31mred���  r-1  a") {
		t.Errorf("%q", row)
	}
}

// A time.Duration ends after 292 years.
func TestDaysLeftAreWholeDays(t *testing.T) {
	now := time.Unix(0, 0)
	for want, expires := range map[string]time.Time{
		"2921940": now.AddDate(8000, 0, 0), // beyond the range of a Duration
		"-3":      now.Add(-3*24*time.Hour - time.Hour), "0": now.Add(-23 * time.Hour), "12": now.Add(12*24*time.Hour + 23*time.Hour),
	} {
		r := once.Report{Overview: collector.Overview{At: now, Complete: true, Instances: []collector.InstanceStatus{
			{ID: "r-1", Known: true, SSL: tair.SSL{Supported: true, Enabled: true, ExpiresAt: expires}},
		}}}
		var out strings.Builder
		if err := r.WriteJSON(&out); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), "\"days_left\": "+want+"\n") {
			t.Errorf("want %s: %s", want, out.String())
		}
	}
}
