// Command tair_ssl_exporter is a Prometheus exporter for the TLS certificates of Alibaba Cloud Tair (Redis
// OSS-compatible) instances.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/go-kit/log/level"
	"github.com/prometheus/common/version"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/config"
)

const (
	program       = "tair_ssl_exporter"
	defaultConfig = "tair-ssl-exporter.yml"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program: it gives the exit code when ctx ends, or when there is nothing left to do.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, done, err := parseFlags(args, stdout)
	if err == nil && !done {
		err = o.run(ctx, stdout, stderr)
	}
	if err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			_, _ = fmt.Fprintf(stderr, "%s: error: %s\n", program, line)
		}
		return 1
	}
	return 0
}

// options are the flags.
type options struct {
	configFile    string
	configFileSet bool
	configCheck   bool
	demo          bool
	instances     []string
	healthCheck   bool

	listenAddresses []string
	webConfigFile   string
	telemetryPath   string
	enableLifecycle bool

	scrapeTimeout collector.ScrapeTimeout
	shard         collector.Shard
	logLevel      string
	logFormat     string
}

// parseFlags reads flags and their environment variables. done: the flags asked for a text that has been printed.
func parseFlags(args []string, stdout io.Writer) (o options, done bool, err error) {
	app := kingpin.New(program, "Prometheus exporter for the TLS certificates of Alibaba Cloud Tair (Redis OSS-compatible) instances.\n\n"+
		"Every flag can be set by an environment variable too: TAIR_SSL_EXPORTER_ and its name in capitals, with _ for . and -.")
	app.UsageWriter(stdout).Terminate(func(int) { done = true }).DefaultEnvars()
	app.HelpFlag.Short('h')
	app.Version(version.Print(program)).VersionFlag.NoEnvar()

	app.Flag("config.file", "The configuration file.").Default(defaultConfig).IsSetByUser(&o.configFileSet).StringVar(&o.configFile)
	app.Flag("config.check", "Check the configuration and exit: 0 when it is valid, 1 otherwise.").BoolVar(&o.configCheck)
	app.Flag("demo", "Serve a simulated fleet; asks no cloud and needs no configuration.").BoolVar(&o.demo)
	app.Flag("instance", "Watch this instance with the default credentials; needs no configuration file. Repeatable.").
		PlaceHolder("REGION/ID").StringsVar(&o.instances)
	app.Flag("health-check", "Ask the exporter that runs with the same flags whether it is healthy and exit: 0 when it is, 1 otherwise.").
		BoolVar(&o.healthCheck)
	app.Flag("web.listen-address", "Address to serve on. Repeatable.").Default(":10219").StringsVar(&o.listenAddresses)
	app.Flag("web.config.file", "File that turns on TLS or basic authentication, in the format of the Prometheus exporter-toolkit.").
		StringVar(&o.webConfigFile)
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&o.telemetryPath)
	app.Flag("web.enable-lifecycle", "Allow to reload the configuration by POST or PUT to /-/reload.").BoolVar(&o.enableLifecycle)
	app.Flag("scrape.timeout", "Time a scrape may take when the request does not tell.").Default("10s").DurationVar(&o.scrapeTimeout.Default)
	app.Flag("scrape.timeout-offset", "Time kept back from a scrape's timeout, so that the answer arrives in time.").
		Default("500ms").DurationVar(&o.scrapeTimeout.Offset)
	app.Flag("shard", "The shard of the instances to watch, from 0. All shards have the same configuration.").
		Default("0").IntVar(&o.shard.Index)
	app.Flag("total-shards", "Number of shards that the instances are spread over. Each shard takes its part of api.qps.").
		Default("1").IntVar(&o.shard.Total)
	app.Flag("log.level", "Only log messages of this severity or above: debug, info, warn or error.").
		Default("info").StringVar(&o.logLevel)
	app.Flag("log.format", "Format of the log: logfmt or json.").Default("logfmt").StringVar(&o.logFormat)

	_, err = app.Parse(args)
	if _, byEnvironment := os.LookupEnv("TAIR_SSL_EXPORTER_CONFIG_FILE"); byEnvironment {
		o.configFileSet = true
	}
	switch {
	case done:
		return options{}, true, nil
	case err != nil:
		return options{}, false, fmt.Errorf("%w (--help lists the flags)", err)
	}
	if err := o.shard.Validate(); err != nil {
		return options{}, false, fmt.Errorf("--shard=%d, --total-shards=%d: %w", o.shard.Index, o.shard.Total, err)
	}
	return o, false, o.check()
}

// check refuses flags that make no sense, alone or together.
func (o *options) check() error {
	telemetryPathForm := regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	switch {
	case !telemetryPathForm.MatchString(o.telemetryPath) || path.Clean(o.telemetryPath) != o.telemetryPath:
		return fmt.Errorf("--web.telemetry-path=%s: must be a clean path that begins with / and names something, such as /metrics", o.telemetryPath)
	case isReserved(o.telemetryPath):
		return fmt.Errorf("--web.telemetry-path=%s: is taken by the exporter, choose another such as /metrics", o.telemetryPath)
	case o.scrapeTimeout.Default <= 0:
		return fmt.Errorf("--scrape.timeout=%s: must be above 0s", o.scrapeTimeout.Default)
	case o.scrapeTimeout.Offset < 0:
		return fmt.Errorf("--scrape.timeout-offset=%s: must not be below 0s", o.scrapeTimeout.Offset)
	case !slices.Contains([]string{"debug", "info", "warn", "error"}, o.logLevel):
		return fmt.Errorf("--log.level=%s: must be debug, info, warn or error", o.logLevel)
	case !slices.Contains([]string{"logfmt", "json"}, o.logFormat):
		return fmt.Errorf("--log.format=%s: must be logfmt or json", o.logFormat)
	case o.demo && (o.configFileSet || len(o.instances) > 0):
		return errors.New("--demo: cannot be combined with --config.file or --instance, it watches a simulated fleet")
	case o.configFileSet && len(o.instances) > 0:
		return errors.New("--instance: cannot be combined with --config.file, list the instance in the file")
	}
	return nil
}

// run does what the flags ask for.
func (o *options) run(ctx context.Context, stdout, stderr io.Writer) error {
	if o.healthCheck {
		return askHealth(ctx, o.listenAddresses[0])
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP) // from the start on: unhandled it ends the program
	defer signal.Stop(hup)
	if err := creds.CheckDebug(os.Getenv); err != nil {
		return err
	}
	load, end, err := o.source()
	if err != nil {
		return err
	}
	defer end()
	sink := newSink(o.logFormat, stderr)
	logger := newLogger(sink, o.logLevel)
	a := &app{options: o, load: load, logger: logger, exporter: collector.New(collector.Options{Logger: logger})}
	if o.configCheck {
		return a.check(stdout)
	}
	if err := a.reload(); err != nil {
		return err
	}
	defer a.close()
	_ = level.Info(logger).Log("msg", "starting "+program, "version", version.Info(), "build", version.BuildContext())
	if o.demo {
		_ = level.Warn(logger).Log("msg", "--demo: everything served is SIMULATED; no cloud is asked")
	}
	go a.reloadOn(ctx, hup)
	return a.serve(ctx, newSlog(sink, o.logLevel))
}

// source gives where the configuration comes from: the demo, whose fake API runs until end is called, flags, or the
// file.
func (o *options) source() (load func() (*config.Config, error), end func(), err error) {
	nothing := func() {}
	switch {
	case o.demo:
		fleet := tairtest.NewDemo(time.Now)
		server, err := tairtest.Start(fleet.API)
		if err != nil {
			return nil, nil, fmt.Errorf("--demo: starting the simulated API: %w", err)
		}
		return func() (*config.Config, error) { return demoConfig(fleet, server.URL), nil }, server.Close, nil
	case len(o.instances) > 0:
		return func() (*config.Config, error) { return config.FromInstances(o.instances) }, nothing, nil
	}
	if _, err := os.Stat(o.configFile); errors.Is(err, fs.ErrNotExist) && !o.configFileSet {
		return nil, nil, fmt.Errorf("no configuration: write %s (or name another by --config.file), "+
			"name instances by --instance=REGION/ID, or look around with --demo", o.configFile)
	}
	return func() (*config.Config, error) { return config.Load(o.configFile) }, nothing, nil
}

// askHealth asks the exporter that listens on the address. An answer of any kind below 500 says that it serves: 401 is
// its basic authentication, 400 its TLS listener to a client without TLS, whose certificate is not what is asked about.
func askHealth(ctx context.Context, address string) error {
	url := "http://" + localAddress(address) + "/-/healthy"
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("--health-check: --web.listen-address=%s: %w", address, err)
	}
	client := &http.Client{Transport: &http.Transport{}} // never through a proxy
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("--health-check: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode >= http.StatusInternalServerError {
		return fmt.Errorf("--health-check: %s answers %s", url, resp.Status)
	}
	return nil
}
