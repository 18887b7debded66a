package collector

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// preparedGauge is a gauge that is made once and served at many scrapes. Unlike a metric of [prometheus.NewConstMetric] it
// shares its labels with others: the metrics of an instance have the label of its ID in common, which makes /metrics of a
// large fleet cheaper in memory and time.
type preparedGauge struct {
	desc   *prometheus.Desc
	labels []*dto.LabelPair // sorted by name; never changed
	gauge  dto.Gauge
	value  float64
}

// newPreparedGauge returns a gauge with labels in any order. A label value that is not UTF-8 makes it one that fails alone.
func newPreparedGauge(desc *prometheus.Desc, value float64, labels ...*dto.LabelPair) prometheus.Metric {
	for _, l := range labels {
		if !utf8.ValidString(l.GetValue()) {
			return prometheus.NewInvalidMetric(desc, fmt.Errorf("the value %q of the label %s is not UTF-8", l.GetValue(), l.GetName()))
		}
	}
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
	g := &preparedGauge{desc: desc, labels: labels, value: value}
	g.gauge.Value = &g.value
	return g
}

// Desc is for prometheus.Metric.
func (g *preparedGauge) Desc() *prometheus.Desc { return g.desc }

// Write is for prometheus.Metric.
func (g *preparedGauge) Write(out *dto.Metric) error {
	out.Label, out.Gauge = g.labels, &g.gauge
	return nil
}

// labelNames holds the names of labels, so that all labels of a name share it.
type labelNames map[string]*string

func newLabelNames(names ...string) labelNames {
	all := make(labelNames, len(names))
	for _, name := range names {
		all[name] = &name
	}
	return all
}

func (n labelNames) pair(name, value string) *dto.LabelPair {
	return &dto.LabelPair{Name: n[name], Value: &value}
}
