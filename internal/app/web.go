package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/go-kit/log/level"
	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"
)

const (
	pathProbe   = "/probe"
	pathSD      = "/sd"
	pathConfig  = "/config"
	pathHealthy = "/-/healthy"
	pathReady   = "/-/ready"
	pathReload  = "/-/reload"

	// shutdownTime is what scrapes under way get at the end: as much as the shipped configuration gives a scrape, which
	// is also how long Kubernetes waits.
	shutdownTime = 30 * time.Second
)

// isReserved reports whether a path is one of the fixed routes.
func isReserved(path string) bool {
	return slices.Contains([]string{pathConfig, pathHealthy, pathReady, pathReload, pathProbe, pathSD}, path)
}

// serve answers requests until ctx ends, and lets those under way end.
func (a *app) serve(ctx context.Context, slogger *slog.Logger) error {
	handler, err := a.routes()
	if err != nil {
		return err
	}
	listeners, err := listen(ctx, a.listenAddresses)
	if err != nil {
		return err
	}
	// One server for each listener: the toolkit wraps the handler of the server it is given.
	servers, running := errgroup.WithContext(ctx) // one that fails ends the others
	noSocket := false
	for _, l := range listeners {
		server := &http.Server{
			Handler:           handler,
			ReadHeaderTimeout: 10 * time.Second,
			IdleTimeout:       5 * time.Minute,
			// What clients do wrong; --health-check speaks to a TLS listener without TLS.
			ErrorLog: slog.NewLogLogger(slogger.Handler(), slog.LevelDebug),
		}
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
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
			defer cancel()
			if err := server.Shutdown(end); err != nil {
				return server.Close()
			}
			return nil
		})
	}
	context.AfterFunc(ctx, func() { _ = level.Info(a.logger).Log("msg", "stopping") })
	return servers.Wait()
}

// listen opens every address, or none.
func listen(ctx context.Context, addresses []string) (listeners []net.Listener, err error) {
	var lc net.ListenConfig
	for _, address := range addresses {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			for _, open := range listeners {
				_ = open.Close()
			}
			return nil, fmt.Errorf("--web.listen-address=%s: %w; choose a free host:port", address, cause(err))
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// cause leaves out what an error of net repeats of the address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}

// routes gives every route.
func (a *app) routes() (http.Handler, error) {
	landing, err := a.landingPage()
	if err != nil {
		return nil, fmt.Errorf("making the landing page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", landing)
	mux.Handle("GET "+a.telemetryPath, a.exporter.MetricsHandler(a.deadline))
	mux.Handle("GET "+a.telemetryPath+"/self", a.exporter.SelfHandler())
	mux.Handle("GET "+pathProbe, a.exporter.ProbeHandler(a.deadline))
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

// showConfig serves the configuration in force.
func (a *app) showConfig(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(a.shown.Load().yaml)
}

// serveReload reloads for a POST or PUT, when that is allowed.
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
