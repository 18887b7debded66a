package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/bootstrap"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"tair_ssl_exporter/internal/page"
)

const (
	pathProbe    = "/probe"
	pathSD       = "/sd"
	pathConfig   = "/config"
	pathCalendar = "/calendar.ics"
	pathHealthy  = "/-/healthy"
	pathReady    = "/-/ready"
	pathReload   = "/-/reload"

	// readTimeout bounds the reading of a request. A body that does not come is refused before: see withoutBody.
	readTimeout = 5 * time.Second
	// writeTimeout bounds a response, from the end of the request's header; for a scrape, from the end of its own time.
	writeTimeout = 30 * time.Second
	// shutdownTime bounds the wait for requests in flight at the end. It is the scrape timeout of the shipped
	// configuration, and as long as Kubernetes waits.
	shutdownTime = 30 * time.Second
)

// isReserved reports whether a path is one of the fixed routes.
func isReserved(path string) bool {
	return strings.HasPrefix(path+"/", page.AssetsPath+"/") ||
		slices.Contains([]string{pathConfig, pathCalendar, pathHealthy, pathReady, pathReload, pathProbe, pathSD}, path)
}

// serve answers requests until ctx ends, and then waits for those in flight.
func (a *app) serve(ctx context.Context, listeners []net.Listener, slogger *slog.Logger) error {
	routes, err := a.routes()
	if err != nil {
		return err
	}
	handler := a.bounded(routes, slogger)
	// One server for each listener: the toolkit wraps the handler of the server that it serves.
	servers, running := errgroup.WithContext(ctx) // one that fails ends the others
	noSocket := false
	for _, l := range listeners {
		server := newServer(handler, slogger)
		servers.Go(func() error {
			err := web.ServeMultiple([]net.Listener{l}, server, &web.FlagConfig{
				WebListenAddresses: &a.listenAddresses, WebSystemdSocket: &noSocket, WebConfigFile: &a.webConfigFile,
			}, slogger)
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("serving on %s: %w", l.Addr(), err)
		})
		servers.Go(func() error {
			<-running.Done()
			return stopServer(server, shutdownTime)
		})
	}
	context.AfterFunc(ctx, func() { _ = level.Info(a.logger).Log("msg", "stopping") })
	return servers.Wait()
}

// newServer returns a server that no slow client can hold. A scrape sets its own time, see scrapeHandler.
func newServer(handler http.Handler, slogger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:        withoutBody(handler),
		ReadTimeout:    readTimeout,
		WriteTimeout:   writeTimeout,
		IdleTimeout:    5 * time.Minute,
		MaxHeaderBytes: maxHeader,
		// Mistakes of clients, and --health-check, which asks a TLS listener without TLS.
		ErrorLog: slog.NewLogLogger(slogger.Handler(), slog.LevelDebug),
	}
}

// bounded serves at most --web.max-requests requests at a time. Health, readiness and reload are never refused, so that
// nobody restarts an exporter that is only busy.
func (a *app) bounded(routes http.Handler, slogger *slog.Logger) http.Handler {
	limit := bootstrap.Bootstrap{MaxRequests: a.maxRequests, Logger: slogger}
	limited := limit.MaxRequestsHandler(routes)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/-/") {
			routes.ServeHTTP(w, r)
			return
		}
		limited.ServeHTTP(w, r)
	})
}

// scrapeHandler allows next the time of its scrape, and writeTimeout for its response.
func (a *app) scrapeHandler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		end := time.Now().Add(a.scrapeTimeout.Of(r) + writeTimeout)
		if err := http.NewResponseController(w).SetWriteDeadline(end); err != nil {
			http.Error(w, "setting the time of the scrape: "+err.Error(), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// listen opens every address, or none.
func listen(ctx context.Context, addresses []string) (listeners []net.Listener, err error) {
	var lc net.ListenConfig
	for _, address := range addresses {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("--web.listen-address=%s: %w; choose a free host:port", address, cause(err))
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// cause returns an error of package net without the address, which the caller names.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// routes returns the handler of every route.
func (a *app) routes() (http.Handler, error) {
	mux := http.NewServeMux()
	if err := a.handleForPeople(mux); err != nil {
		return nil, err
	}
	mux.Handle("GET "+a.telemetryPath, a.scrapeHandler(a.exporter.MetricsHandler(a.scrapeTimeout)))
	mux.Handle("GET "+a.telemetryPath+"/self", a.exporter.SelfHandler())
	mux.Handle("GET "+pathProbe, a.scrapeHandler(a.exporter.ProbeHandler(a.scrapeTimeout)))
	mux.Handle("GET "+pathSD, a.exporter.SDHandler())
	mux.HandleFunc("GET "+pathConfig, a.showConfig)
	mux.HandleFunc("GET "+pathHealthy, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "healthy") })
	mux.HandleFunc("GET "+pathReady, func(w http.ResponseWriter, _ *http.Request) {
		if err := a.exporter.Ready(); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("POST "+pathReload, a.serveReload)
	mux.HandleFunc("PUT "+pathReload, a.serveReload)
	return mux, nil
}

// showConfig serves the current configuration.
func (a *app) showConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(a.shown.Load().yaml)
}

// serveReload reloads the configuration when --web.enable-lifecycle is set.
func (a *app) serveReload(w http.ResponseWriter, _ *http.Request) {
	if !a.enableLifecycle {
		http.Error(w, "reloading by HTTP is off: start with --web.enable-lifecycle, or send SIGHUP", http.StatusForbidden)
		return
	}
	err := a.reload()
	a.reportReload(err)
	if err != nil {
		http.Error(w, errors.Join(errors.New("the old configuration runs on"), err).Error(), http.StatusInternalServerError)
	}
}
