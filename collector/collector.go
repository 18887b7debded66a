package collector

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// instanceCollector is one scrape's view of the watched instances. It is made for each scrape, because Collect has no
// context of its own.
type instanceCollector struct {
	ctx      context.Context
	exporter *Exporter
	fleet    *fleet
	probed   *watched // the only one to collect; nil: all
	scraped  func(took time.Duration, deferred int)
}

// Describe is for prometheus.Collector.
func (c *instanceCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.fleet.plan.descs.all() {
		ch <- d
	}
}

// Collect asks for what is due, and gives the metrics of every watched instance from the fleet's memory.
func (c *instanceCollector) Collect(ch chan<- prometheus.Metric) {
	began := c.exporter.now()
	s := beginScrape(began, c.fleet.plan.setup.RefreshInterval)
	all := []*watched{c.probed}
	if c.probed == nil {
		all = c.askAll(s)
	} else {
		s.ask(all)
	}
	deferred := s.wait(c.ctx)
	now := c.exporter.now()
	c.scraped(now.Sub(began), deferred)
	for _, w := range all {
		c.emit(ch, w, now)
	}
}

// askAll asks for the whole fleet. When some source has not been tried yet, as after the start, it waits for that, so
// that what it finds does not vanish at a restart; what is known already is asked for meanwhile.
func (c *instanceCollector) askAll(s *scrape) []*watched {
	f := c.fleet
	for !f.complete {
		s.askOnce(f.watched)
		next := c.exporter.successor(c.ctx, f)
		if next == nil {
			return f.watched
		}
		f = next
	}
	s.ask(f.watched)
	return f.watched
}

// emit gives what is known of one instance at now. What is not known is left out.
func (c *instanceCollector) emit(ch chan<- prometheus.Metric, w *watched, now time.Time) {
	d := c.fleet.plan.descs
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, append([]string{w.id}, labels...)...)
		if err != nil { // a label that is not UTF-8
			m = prometheus.NewInvalidMetric(desc, err)
		}
		ch <- m
	}
	gauge(d.info, 1, w.infoLabels...)

	s := w.record.snapshot(now, c.fleet.plan.setup.KeepLast)
	gauge(d.success, number(s.success()))
	switch {
	case s.failure != nil:
		gauge(d.errorInfo, 1, string(s.failure.Reason), s.failure.Code)
	case !s.settled:
		gauge(d.errorInfo, 1, string(reasonPending), "")
	}
	if !s.known {
		return
	}
	gauge(d.lastSuccess, seconds(s.answeredAt))
	gauge(d.supported, number(s.answer.Supported))
	gauge(d.enabled, number(s.answer.Enabled))
	if !s.answer.Enabled {
		return
	}
	gauge(d.expiry, seconds(s.answer.ExpiresAt))
	gauge(d.expiresIn, s.answer.ExpiresAt.Sub(now).Seconds())
	gauge(d.certificate, 1, s.answer.CommonName, s.answer.DownloadURL)
}

// number is a truth as a gauge's value.
func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// seconds is a time as Unix seconds, to the millisecond.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
