// Package app is the program: flags, start and stop, reload, the web server and its routes.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/config"
	"tair_ssl_exporter/internal/once"
)

// Run runs the program with its command line until ctx ends or nothing is left to do. It returns the exit code: 0, or 1
// after it has written the errors to stderr, each as one line, or a code of --once.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return RunAt(ctx, time.Now, args, stdout, stderr)
}

// RunAt is Run with the clock that certificates are compared with.
func RunAt(ctx context.Context, now func() time.Time, args []string, stdout, stderr io.Writer) int {
	completeVersion()
	o, done, err := parseFlags(args, stdout)
	o.now = now
	code := 0
	if err == nil && !done {
		code, err = o.run(ctx, stdout, stderr)
	}
	if err != nil {
		var guide *guideError
		if errors.As(err, &guide) {
			_, _ = io.WriteString(stderr, exampleConfig+"\n")
		}
		for line := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", program, line)
		}
		return 1
	}
	return code
}

// run executes what the flags ask for, and returns the exit code.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) (code int, err error) {
	switch {
	case o.healthCheck:
		return 0, askHealth(ctx, o.listenAddresses[0])
	case o.configExample:
		_, err := io.WriteString(stdout, exampleConfig)
		return 0, err
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // unhandled, SIGHUP ends the program
	defer signal.Stop(hup)
	if err := creds.CheckDebug(os.Getenv); err != nil {
		return 0, err
	}
	load, end, err := o.source()
	if err != nil {
		return 0, err
	}
	defer end()
	signal.Ignore(syscall.SIGPIPE)       // unhandled, a log whose reader is gone ends the program
	progress := once.NewProgress(stderr) // shown with --once alone
	output := newOutput(o.logFormat, progress)
	defer output.Close()
	sink := newSink(o.logFormat, output)
	logger := newLogger(sink, o.logLevel)
	a := &app{options: o, load: load, logger: logger, exporter: collector.New(collector.Options{
		Logger: logger, LogCalls: o.logLevel == levelDebug, Now: o.now,
	})}
	o.warnUnknownVariables(logger)
	switch {
	case o.configCheck:
		return 0, a.check(stdout)
	case o.once:
		return a.once(ctx, stdout, stderr, progress)
	}
	listeners, err := listen(ctx, o.listenAddresses) // before anything is asked
	if err != nil {
		return 0, err
	}
	defer closeAll(listeners)
	a.stopping = ctx.Done()
	if err := a.reload(); err != nil {
		return 0, err
	}
	defer a.close()
	_ = level.Info(logger).Log("msg", "starting "+program, "version", version.Info(), "build", version.BuildContext())
	_ = level.Info(logger).Log(append([]any{"msg", "watching", "configuration", o.origin()}, a.shown.Load().watched.pairs()...)...)
	if o.demo {
		_ = level.Warn(logger).Log("msg", "--demo: everything served is SIMULATED; no cloud is asked")
	}
	ctx, cancel := context.WithCancel(ctx)
	var reloads sync.WaitGroup
	defer reloads.Wait()
	defer cancel()
	a.tryCredentials = func() { a.exporter.TryCredentials(ctx) }
	a.tryCredentials()
	reloads.Go(func() { a.reloadOn(ctx, hup) })
	return 0, a.serve(ctx, listeners, newSlog(sink, o.logLevel))
}

// source returns the loader of the configuration: the demo, --instance flags or the file. The fake API of the demo runs
// until end is called.
func (o *options) source() (load func() (*config.Config, error), end func(), err error) {
	nothing := func() {}
	switch {
	case o.demo:
		fleet := tairtest.NewDemo(o.now)
		server, err := tairtest.Start(fleet.API)
		if err != nil {
			return nil, nil, fmt.Errorf("--demo: starting the simulated API: %w", err)
		}
		return func() (*config.Config, error) { return demoConfig(fleet, server.URL), nil }, server.Close, nil
	case len(o.instances) > 0:
		return func() (*config.Config, error) { return fromInstances(o.instances) }, nothing, nil
	}
	if _, err := os.Stat(o.configFile); errors.Is(err, fs.ErrNotExist) && !o.configFileSet {
		return nil, nil, &guideError{file: o.configFile}
	}
	return func() (*config.Config, error) { return config.Load(o.configFile) }, nothing, nil
}

// app is the running program.
type app struct {
	*options
	load     func() (*config.Config, error)
	logger   log.Logger
	exporter *collector.Exporter

	reloading sync.Mutex
	accounts  accounts // of the current configuration
	shown     atomic.Pointer[shownConfig]
	reading   atomic.Bool     // the configuration is being read
	stopping  <-chan struct{} // closed when the program has to end

	tryCredentials func() // until the program ends; does not wait
}

// shownConfig is the current configuration, and what is shown of it: no secret.
type shownConfig struct {
	config  *config.Config
	yaml    []byte
	watched watched
}

// reload loads the configuration and applies all of it, or nothing.
func (a *app) reload() (err error) {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	defer func() {
		if err != nil {
			a.exporter.ReloadFailed()
		}
	}()
	cfg, shown, err := a.readInTime()
	if err != nil {
		return err
	}
	setup, next, err := a.build(cfg)
	if err == nil {
		err = a.exporter.Apply(setup)
	}
	if err != nil {
		next.closeExcept(a.accounts)
		return err
	}
	next.replace(a.accounts)
	a.accounts = next
	a.warnOfDropped(a.shown.Swap(shown), shown)
	return nil
}

// read validates --web.config.file and loads the configuration.
func (a *app) read() (*config.Config, *shownConfig, error) {
	if err := web.Validate(a.webConfigFile); err != nil {
		return nil, nil, fmt.Errorf("--web.config.file=%s: %s", a.webConfigFile, oneLine(err))
	}
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	shown, err := show(cfg)
	return cfg, shown, err
}

// oneLine returns the text of an error of the toolkit in one line, without its quotes of the file: they can hold passwords,
// also one that begins with * and so is the name of an anchor in YAML.
func oneLine(err error) string {
	text := regexp.MustCompile("(?s)`.*`|'.*'|\".*\"").ReplaceAllString(err.Error(), "<hidden>")
	text = regexp.MustCompile(`:\s*\n\s*`).ReplaceAllString(text, ": ")
	return regexp.MustCompile(`\s*\n\s*`).ReplaceAllString(text, "; ")
}

func show(cfg *config.Config) (*shownConfig, error) {
	text, err := cfg.Marshal()
	if err != nil {
		return nil, fmt.Errorf("showing the configuration: %w", err)
	}
	return &shownConfig{config: cfg, yaml: text, watched: watchedBy(cfg)}, nil
}

// reloadOn reloads at each signal until ctx ends. After a failure, which is logged, the old configuration stays.
func (a *app) reloadOn(ctx context.Context, hup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hup:
			a.reportReload(a.reload())
		}
	}
}

func (a *app) reportReload(err error) {
	if err != nil {
		_ = level.Error(a.logger).Log("msg", "cannot reload the configuration; the old one runs on", "err", err)
		return
	}
	_ = level.Info(a.logger).Log("msg", "reloaded the configuration")
	a.tryCredentials()
}

func (a *app) close() {
	a.reloading.Lock()
	defer a.reloading.Unlock()
	a.exporter.Close()
	a.accounts.closeExcept(nil)
}
