package collector

import (
	"github.com/prometheus/client_golang/prometheus"
)

const (
	namespace = "tair_ssl"
	subsystem = "exporter"
)

// instanceDescs are the metrics of an instance. The values carry the instance ID alone; what describes the instance is
// joined from info, whose labels include the custom ones of the configuration.
type instanceDescs struct {
	info, success, errorInfo, lastSuccess, supported, enabled, expiry, expiresIn, certificate *prometheus.Desc
}

func newInstanceDescs(customLabels []string) instanceDescs {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help,
			append([]string{"instance_id"}, labels...), nil)
	}
	return instanceDescs{
		info: desc("instance_info",
			"A watched Tair instance and what describes it; always 1.",
			append([]string{"account", "region", "name"}, customLabels...)...),
		success: desc("scrape_success",
			"1 when the latest call for the instance told its SSL state, else 0."),
		errorInfo: desc("scrape_error_info",
			"Why the latest call for the instance failed; always 1, there exactly while tair_ssl_scrape_success is 0.",
			"reason", "code"),
		lastSuccess: desc("last_success_timestamp_seconds",
			"When the SSL state that is served was read, in Unix time."),
		supported: desc("supported",
			"0 when the API says that this kind of instance has no SSL, else 1."),
		enabled: desc("enabled",
			"1 when SSL is enabled, 0 when it is disabled or not supported."),
		expiry: desc("certificate_expiry_timestamp_seconds",
			"When the certificate expires (SSLExpiredTime of the API), in Unix time; there while SSL is enabled."),
		expiresIn: desc("certificate_expires_in_seconds",
			"Seconds until the certificate expires, negative once it has; there while SSL is enabled."),
		certificate: desc("certificate_info",
			"The certificate's common name and where its CA certificate can be downloaded; always 1, there while SSL is enabled.",
			"common_name", "download_url"),
	}
}

// all gives every descriptor, so that the registry can check what is collected.
func (d instanceDescs) all() []*prometheus.Desc {
	return []*prometheus.Desc{
		d.info, d.success, d.errorInfo, d.lastSuccess, d.supported, d.enabled, d.expiry, d.expiresIn, d.certificate,
	}
}
