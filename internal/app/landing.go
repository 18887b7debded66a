package app

import (
	"net/http"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

func (a *app) landingPage() (http.Handler, error) {
	page := web.LandingConfig{
		Name:        program,
		Description: "TLS certificates of Alibaba Cloud Tair (Redis OSS-compatible) instances",
		Version:     version.Info(),
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: a.telemetryPath, Text: "Metrics", Description: "every watched instance, and the exporter itself"},
			{Address: a.telemetryPath + "/self", Text: "Own metrics", Description: "the exporter itself only, asks no API"},
			{Address: pathSD, Text: "Service discovery", Description: "the watched instances, for http_sd of Prometheus"},
			{Address: pathConfig, Text: "Configuration", Description: "what is in force, without secrets"},
			{Address: pathHealthy, Text: "Health"},
			{Address: pathReady, Text: "Readiness"},
		},
	}
	if a.demo {
		page.HeaderColor = "#7d4e00"
		page.Description += " (SIMULATED)"
		page.ExtraHTML = "<p><strong>This is a demo.</strong> Every instance, certificate and date is simulated; no cloud is asked.</p>"
	}
	return web.NewLandingPage(page)
}
