package collector

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector/tair"
)

// described collects metrics that there are.
type described struct {
	*instanceDescs
	metrics []prometheus.Metric
}

func (d described) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range d.all() {
		ch <- desc
	}
}

func (d described) Collect(ch chan<- prometheus.Metric) {
	for _, m := range d.metrics {
		ch <- m
	}
}

// FuzzLabels: whatever the API names, the exposition is read as it was written. Texts of the API are UTF-8, and codes count
// under at most so many names.
func FuzzLabels(f *testing.F) {
	f.Add("r-1.redis.rds.aliyuncs.com", "https://h/a.zip", "Throttling.User")
	f.Add("a\"b\\c\nd", "", "订单缓存")
	f.Add("} 1\n# HELP x", "\u2028", "\x00")
	f.Fuzz(func(t *testing.T, commonName, url, code string) {
		commonName, url, code = strings.ToValidUTF8(commonName, ""), strings.ToValidUTF8(url, ""), strings.ToValidUTF8(code, "")
		d := newInstanceDescs()
		id := d.names.pair(idLabel, "r-1")
		answer := tair.SSL{Supported: true, Enabled: true, ExpiresAt: time.Unix(1, 0), CommonName: commonName, DownloadURL: url}
		registry := prometheus.NewPedanticRegistry()
		if err := registry.Register(described{d, append(d.answered(id, answer, time.Unix(2, 0)), d.failed(id, tair.ReasonOther, code)...)}); err != nil {
			t.Fatal(err)
		}
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		for _, family := range families {
			if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
				t.Fatal(err)
			}
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		read, err := parser.TextToMetricFamilies(&text)
		if err != nil || len(read) != len(families) {
			t.Fatalf("%d of %d families: %v", len(read), len(families), err)
		}
		for _, family := range families {
			if got, want := read[family.GetName()].GetMetric()[0].String(), family.GetMetric()[0].String(); got != want {
				t.Fatalf("%s: got %s, want %s", family.GetName(), got, want)
			}
		}
		codes := newCodeLimit()
		for n := range 2 * maxCodes {
			codes.label(accountRegion{}, tair.Attempt{Action: "a", Reason: tair.ReasonOther, Code: code + strings.Repeat("x", n)})
		}
		if n := len(codes.known[accountRegion{}]["a"]); n > maxCodes {
			t.Fatalf("%d codes", n)
		}
	})
}

// FuzzScrapeTimeout: whatever the header says, a scrape has some time, and not without end.
func FuzzScrapeTimeout(f *testing.F) {
	for _, header := range []string{"", "10", "0.001", "-1", "NaN", "Inf", "1e308", "1e-320", "0x1p-2"} {
		f.Add(header, int64(10*time.Second), int64(500*time.Millisecond))
	}
	f.Fuzz(func(t *testing.T, header string, byDefault, offset int64) {
		timeout := ScrapeTimeout{
			Default: time.Duration(min(max(byDefault, int64(time.Millisecond)), int64(time.Hour))), // as the flags allow
			Offset:  time.Duration(min(max(offset, 0), int64(time.Hour))),
		}
		r := httptest.NewRequest(http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set(timeoutHeader, header)
		if got := timeout.Of(r); got < 0 || got > max(maxScrapeTime, timeout.Default) {
			t.Fatalf("%q: %s", header, got)
		}
	})
}
