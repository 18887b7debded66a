// Package page serves the status page: what is known of every watched instance and of the exporter itself, for people. It
// reads memory alone.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"time"

	"tair_ssl_exporter/collector"
)

//go:embed static
var static embed.FS

// AssetsPath is the path below which the script, the style and the icon of the page are served.
const AssetsPath = "/assets"

// policy lets the page load its own files and nothing else; no other site can frame it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// Options are what a page is made with.
type Options struct {
	Overview      func() collector.Overview // what is known now
	TelemetryPath string                    // path of the metrics
	Version       string                    // of the exporter
	Demo          bool                      // everything is simulated, and the page says so
}

// New returns the handler of the page. It takes these parameters, each of which may be missing:
//
//	q      words that all have to be in a row, in any case of letters
//	state  one of the states at the top of the page, such as expired
//	sort   a column, such as name; with a leading - in descending order
//	page   from 1, where there are more than 1,000 rows
func New(o Options) (http.Handler, error) {
	t, err := template.ParseFS(static, "static/page.html")
	if err != nil {
		return nil, fmt.Errorf("reading the template of the status page: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var out bytes.Buffer // so that an error does not end up in the middle of a page
		if err := t.Execute(&out, o.view(parseQuery(r.URL.Query()))); err != nil {
			http.Error(w, "making the status page: "+err.Error(), http.StatusInternalServerError)
			return
		}
		secure(w.Header())
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(out.Bytes())
	}), nil
}

// Assets returns the handler of the files below [AssetsPath].
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := path.Base(r.URL.Path)
		text, err := static.ReadFile("static/" + name)
		if err != nil || path.Ext(name) == ".html" || r.URL.Path != AssetsPath+"/"+name {
			http.NotFound(w, r)
			return
		}
		secure(w.Header())
		w.Header().Set("Cache-Control", "no-cache") // a new version of the exporter has new files
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(text)))
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	})
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
}
