package app

import (
	"net/http"

	"github.com/prometheus/common/version"

	"tair_ssl_exporter/internal/calendar"
	"tair_ssl_exporter/internal/page"
)

// versionText returns the version and the commit that it was made from.
func versionText() string {
	revision := version.GetRevision()
	return version.Version + ", revision " + revision[:min(len(revision), 12)]
}

// handleForPeople adds the routes for people: the status page with its files, and the calendar.
func (a *app) handleForPeople(mux *http.ServeMux) error {
	status, err := page.New(page.Options{
		Overview: a.exporter.Overview, TelemetryPath: a.telemetryPath, Version: versionText(), Demo: a.demo,
	})
	if err != nil {
		return err
	}
	mux.Handle("GET /{$}", status)
	mux.Handle("GET "+page.AssetsPath+"/", page.Assets())
	mux.Handle("GET "+pathCalendar, calendar.Handler(a.exporter.Overview))
	return nil
}
