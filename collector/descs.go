package collector

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"tair_ssl_exporter/collector/tair"
)

const (
	namespace = "tair_ssl"
	subsystem = "exporter"
	idLabel   = "instance_id"
)

// ReasonPending is the reason of an instance that has never been asked.
const ReasonPending tair.Reason = "pending"

// instanceDescs are the metrics of an instance. They carry the instance ID alone; what describes the instance is joined
// from the info metric.
type instanceDescs struct {
	success, errorInfo, lastSuccess, supported, enabled, expiry, expiresIn, certificate *prometheus.Desc

	warning, critical                 *prometheus.Desc
	renewalScheduled, renewalDeadline *prometheus.Desc

	names labelNames
}

func newInstanceDescs() *instanceDescs {
	return &instanceDescs{
		names: newLabelNames(idLabel, "reason", "code", "common_name", "download_url"),
		success: instanceDesc("scrape_success",
			"1 when the latest call for the instance returned its SSL state, else 0."),
		errorInfo: instanceDesc("scrape_error_info",
			"Why the latest call for the instance failed; always 1, there exactly while tair_ssl_scrape_success is 0.",
			"reason", "code"),
		lastSuccess: instanceDesc("last_success_timestamp_seconds",
			"When the SSL state that is served was read, in Unix time."),
		supported: instanceDesc("supported",
			"0 when the API says that this kind of instance has no SSL, else 1."),
		enabled: instanceDesc("enabled",
			"1 when SSL is enabled, 0 when it is disabled or not supported."),
		expiry: instanceDesc("certificate_expiry_timestamp_seconds",
			"When the certificate expires (SSLExpiredTime of the API), in Unix time; there while SSL is enabled."),
		expiresIn: instanceDesc("certificate_expires_in_seconds",
			"Seconds until the certificate expires, negative once it has; there while SSL is enabled."),
		certificate: instanceDesc("certificate_info",
			"The certificate's common name and where its CA certificate can be downloaded; always 1, there while SSL is enabled.",
			"common_name", "download_url"),
		warning: instanceDesc("expiry_warning_seconds",
			"Time before the expiry from which on the certificate counts as expiring soon."),
		critical: instanceDesc("expiry_critical_seconds",
			"Time before the expiry from which on the certificate counts as expiring very soon."),
		renewalScheduled: instanceDesc("renewal_scheduled_timestamp_seconds",
			"When the cloud updates the certificate (SwitchTime of the scheduled event that comes first), in Unix time; there while one is known."),
		renewalDeadline: instanceDesc("renewal_deadline_timestamp_seconds",
			"The latest time that the scheduled update can be moved to, in Unix time; there when the API names one."),
	}
}

// newInfoDesc returns the info metric, whose labels include the custom ones of the configuration.
func newInfoDesc(customLabels []string) *prometheus.Desc {
	return instanceDesc("instance_info", "A watched Tair instance and what describes it; always 1.",
		append(infoLabelNames(), customLabels...)...)
}

// infoLabelNames returns the names of the labels that the info metric always has, beside the instance ID.
func infoLabelNames() []string { return []string{"account", "region", "name"} }

func instanceDesc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, append([]string{idLabel}, labels...), nil)
}

// all returns every descriptor, so that the registry can check what is collected.
func (d *instanceDescs) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		d.success, d.errorInfo, d.lastSuccess, d.supported, d.enabled, d.expiry, d.expiresIn, d.certificate,
		d.warning, d.critical, d.renewalScheduled, d.renewalDeadline,
	}
}

// succeeded returns the metrics of a call that returned the SSL state.
func (d *instanceDescs) succeeded(id *dto.LabelPair) []prometheus.Metric {
	return []prometheus.Metric{newPreparedGauge(d.success, 1, id)}
}

// failed returns the metrics of a call that did not.
func (d *instanceDescs) failed(id *dto.LabelPair, reason tair.Reason, code string) []prometheus.Metric {
	return []prometheus.Metric{
		newPreparedGauge(d.success, 0, id),
		newPreparedGauge(d.errorInfo, 1, id, d.names.pair("reason", string(reason)), d.names.pair("code", code)),
	}
}

// answered returns the metrics of an answer that stay the same while it is served: all but expiresIn.
func (d *instanceDescs) answered(id *dto.LabelPair, answer tair.SSL, at time.Time) []prometheus.Metric {
	metrics := []prometheus.Metric{
		newPreparedGauge(d.lastSuccess, unixSeconds(at), id),
		newPreparedGauge(d.supported, boolValue(answer.Supported), id),
		newPreparedGauge(d.enabled, boolValue(answer.Enabled), id),
	}
	if !answer.Enabled {
		return metrics
	}
	return append(metrics,
		newPreparedGauge(d.expiry, unixSeconds(answer.ExpiresAt), id),
		newPreparedGauge(d.certificate, 1, id, d.names.pair("common_name", answer.CommonName), d.names.pair("download_url", answer.DownloadURL)))
}

// windows returns the metrics of the windows in force for an instance.
func (d *instanceDescs) windows(id *dto.LabelPair, w Windows) []prometheus.Metric {
	return []prometheus.Metric{
		newPreparedGauge(d.warning, w.Warning.Seconds(), id),
		newPreparedGauge(d.critical, w.Critical.Seconds(), id),
	}
}

// renewal returns the metrics of a scheduled update.
func (d *instanceDescs) renewal(id *dto.LabelPair, r tair.Renewal) []prometheus.Metric {
	metrics := []prometheus.Metric{newPreparedGauge(d.renewalScheduled, unixSeconds(r.SwitchTime), id)}
	if !r.Deadline.IsZero() {
		metrics = append(metrics, newPreparedGauge(d.renewalDeadline, unixSeconds(r.Deadline), id))
	}
	return metrics
}

// constGauge returns a gauge for one scrape; a label value that is not UTF-8 makes it one that fails alone.
func constGauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	m, err := prometheus.NewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	if err != nil {
		return prometheus.NewInvalidMetric(desc, err)
	}
	return m
}

// boolValue is a truth as a gauge's value.
func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unixSeconds is a time as Unix seconds, to the millisecond.
func unixSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
