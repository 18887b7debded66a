package collector

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// page is the exposition of a scrape.
type page struct {
	t        *testing.T
	families map[string]*dto.MetricFamily
	began    time.Time
}

// value returns the sample that has these labels (name, value, name, value, ...).
func (p page) value(name string, labels ...string) (float64, bool) {
	for _, m := range p.families[namespace+"_"+name].GetMetric() {
		if hasLabels(m, labels) {
			return m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount()), true
		}
	}
	return 0, false
}

func hasLabels(m *dto.Metric, labels []string) bool {
	for i := 0; i < len(labels); i += 2 {
		if label(m, labels[i]) != labels[i+1] {
			return false
		}
	}
	return true
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// want compares a sample of the exporter itself.
func (p page) want(want float64, name string, labels ...string) {
	p.t.Helper()
	if got, ok := p.value("exporter_"+name, labels...); !ok || got != want {
		p.t.Errorf("%s%v is %v (present: %t), want %v", name, labels, got, ok, want)
	}
}

// wantAbsent wants no sample with these labels.
func (p page) wantAbsent(name string, labels ...string) {
	p.t.Helper()
	if v, ok := p.value(name, labels...); ok {
		p.t.Errorf("%s%v is present with %v", name, labels, v)
	}
}

// wantState compares the state of an instance.
func (p page) wantState(id, want string) {
	p.t.Helper()
	if got := p.state(id); got != want {
		p.t.Errorf("%s\n got: %s\nwant: %s", id, got, want)
	}
}

// wantPrefix wants the states of instances to begin in a way.
func (p page) wantPrefix(prefix string, ids ...string) {
	p.t.Helper()
	for _, id := range ids {
		if got := p.state(id); !strings.HasPrefix(got+" ", prefix+" ") {
			p.t.Errorf("%s: %q, want %s", id, got, prefix)
		}
	}
}

// wantSuccess wants the latest call for each instance to have succeeded.
func (p page) wantSuccess(ids ...string) {
	p.t.Helper()
	p.wantPrefix("success=1", ids...)
}

// wantError wants every instance of an account to fail for a reason, as "reason,code"; "": none to fail.
func (p page) wantError(account, want string) {
	p.t.Helper()
	for _, info := range p.infos("account") {
		id, of, _ := strings.Cut(info, " account=")
		if of == account {
			_, failure, _ := strings.Cut(p.state(id), " error=")
			if got, _, _ := strings.Cut(failure, " "); got != want {
				p.t.Errorf("%s: %q, want %q", id, got, want)
			}
		}
	}
}

// infos returns the watched instances with labels of their info metric, as "id label=value ...", sorted.
func (p page) infos(labels ...string) (infos []string) {
	for _, m := range p.families["tair_ssl_instance_info"].GetMetric() {
		info := label(m, "instance_id")
		for _, name := range labels {
			info += " " + name + "=" + label(m, name)
		}
		infos = append(infos, info)
	}
	slices.Sort(infos)
	return infos
}

// check tests what holds for every page.
func (p page) check() {
	p.t.Helper()
	for _, m := range p.families["tair_ssl_instance_info"].GetMetric() {
		id := label(m, "instance_id")
		success, known := p.value("scrape_success", "instance_id", id)
		_, failed := p.value("scrape_error_info", "instance_id", id)
		if !known || failed != (success == 0) {
			p.t.Errorf("%s: scrape_success is %v (present: %t), scrape_error_info is present: %t", id, success, known, failed)
		}
		for _, name := range []string{"last_success_timestamp_seconds", "certificate_expiry_timestamp_seconds"} {
			if v, ok := p.value(name, "instance_id", id); ok && v <= 0 {
				p.t.Errorf("%s: %s is %v", id, name, v)
			}
		}
	}
}

// state is every metric of an instance but its info, in one line. Timestamps are shown as the time since the world began.
func (p page) state(id string) string {
	var parts []string
	add := func(short, name string, show func(*dto.Metric) string) {
		for _, m := range p.families[namespace+"_"+name].GetMetric() {
			if label(m, "instance_id") == id {
				parts = append(parts, short+"="+show(m))
			}
		}
	}
	number := func(m *dto.Metric) string { return fmt.Sprint(m.GetGauge().GetValue()) }
	timestamp := func(m *dto.Metric) string {
		return time.UnixMilli(int64(m.GetGauge().GetValue() * 1000)).Sub(p.began).String()
	}
	seconds := func(m *dto.Metric) string {
		return time.Duration(m.GetGauge().GetValue() * float64(time.Second)).String()
	}
	labels := func(names ...string) func(m *dto.Metric) string {
		return func(m *dto.Metric) string {
			values := make([]string, len(names))
			for i, n := range names {
				values[i] = cmp.Or(label(m, n), "-")
			}
			return strings.Join(values, ",")
		}
	}
	add("success", "scrape_success", number)
	add("error", "scrape_error_info", labels("reason", "code"))
	add("last", "last_success_timestamp_seconds", timestamp)
	add("supported", "supported", number)
	add("enabled", "enabled", number)
	add("expiry", "certificate_expiry_timestamp_seconds", timestamp)
	add("in", "certificate_expires_in_seconds", seconds)
	add("cert", "certificate_info", labels("common_name"))
	return strings.Join(parts, " ")
}

// valid is the state of an instance with a certificate that is valid for 100 days from the beginning, after a success at
// last, at now. Both are the time since the world began.
func valid(id string, last, now time.Duration) string {
	return "success=1 " + known(id, last, now)
}

// known is the part of a state that follows from an answer; see valid.
func known(id string, last, now time.Duration) string {
	return fmt.Sprintf("last=%s supported=1 enabled=1 expiry=2400h0m0s in=%s cert=%s.redis.rds.aliyuncs.com", last, 100*day-now, id)
}

const pending = "success=0 error=pending,-"

func wantEqual(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s\n got: %s\nwant: %s", what, strings.Join(got, "\n      "), strings.Join(want, "\n      "))
	}
}

// logLines collects what is logged.
type logLines struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	gate chan struct{} // nil: open
}

// block makes every Write wait until unblock.
func (l *logLines) block() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate = make(chan struct{})
}

func (l *logLines) unblock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.gate)
	l.gate = nil
}

// Write is for io.Writer.
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	gate := l.gate
	l.mu.Unlock()
	if gate != nil {
		<-gate
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// take returns the lines since the latest take.
func (l *logLines) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSpace(l.buf.String())
	l.buf.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// wantLog compares the lines since the latest take, one by one. Each has to match its pattern as a whole.
func (w *world) wantLog(patterns ...string) {
	w.t.Helper()
	w.wantLogOf("", patterns...)
}

// wantLogOf is wantLog for the lines that match a pattern. The others are ignored.
func (w *world) wantLogOf(which string, patterns ...string) {
	w.t.Helper()
	w.settle() // a scrape does not wait for the log
	lines := slices.DeleteFunc(w.log.take(), func(line string) bool { return !regexp.MustCompile(which).MatchString(line) })
	if len(lines) != len(patterns) {
		w.t.Errorf("%d lines, want %d:\n%s", len(lines), len(patterns), strings.Join(lines, "\n"))
		return
	}
	for i, pattern := range patterns {
		if !regexp.MustCompile("^(?:" + pattern + ")$").MatchString(lines[i]) {
			w.t.Errorf("line %q, want %q", lines[i], pattern)
		}
	}
}
