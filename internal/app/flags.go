package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"slices"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/version"

	"tair_ssl_exporter/collector"
)

const (
	program        = "tair_ssl_exporter"
	defaultConfig  = "tair-ssl-exporter.yml"
	variablePrefix = "TAIR_SSL_EXPORTER_" // of the environment variable of each flag

	levelDebug  = "debug"
	formatTable = "table"
	formatJSON  = "json"
)

// options holds the values of the flags.
type options struct {
	configFile    string
	configFileSet bool
	configCheck   bool
	configExample bool
	demo          bool
	instances     []string
	healthCheck   bool

	once        bool
	onceFormat  string
	onceWarn    model.Duration
	onceTimeout time.Duration

	listenAddresses []string
	webConfigFile   string
	telemetryPath   string
	enableLifecycle bool
	maxRequests     int

	scrapeTimeout collector.ScrapeTimeout
	shard         collector.Shard
	logLevel      string
	logLevelSet   bool
	logFormat     string

	variables []string // that stand for a flag

	now func() time.Time // the clock that certificates are compared with
}

// parseFlags reads the flags and their environment variables. done reports that --help or --version has been printed.
func parseFlags(args []string, stdout io.Writer) (o options, done bool, err error) {
	app := kingpin.New(program, "Prometheus exporter for the TLS certificates of Alibaba Cloud Tair (Redis OSS-compatible) instances.\n\n"+
		"Every flag can be set by an environment variable too: TAIR_SSL_EXPORTER_ and its name in capitals, with _ for . and -.")
	app.UsageWriter(stdout).Terminate(func(int) { done = true }).DefaultEnvars()
	app.HelpFlag.Short('h')
	app.Version(version.Print(program)).VersionFlag.NoEnvar()

	app.Flag("config.file", "The configuration file.").Default(defaultConfig).IsSetByUser(&o.configFileSet).StringVar(&o.configFile)
	app.Flag("config.check", "Check the configuration and exit: 0 when it is valid, 1 otherwise.").BoolVar(&o.configCheck)
	app.Flag("config.example", "Print a configuration file to begin with and exit.").BoolVar(&o.configExample)
	app.Flag("demo", "Serve a simulated fleet; asks no cloud and needs no configuration.").BoolVar(&o.demo)
	app.Flag("instance", "Watch this instance with the default credentials; needs no configuration file. Repeatable.").
		PlaceHolder("REGION/ID").StringsVar(&o.instances)
	app.Flag("health-check", "Ask the exporter that runs with the same flags whether it is healthy and exit: 0 when it is, 1 otherwise.").
		BoolVar(&o.healthCheck)
	app.Flag("once", "Ask for every instance once, print what was found and exit: 0, 1 when something could not be read, "+
		"3 when a certificate expires within --once.warn.").BoolVar(&o.once)
	app.Flag("once.format", "Output of --once: table or json.").Default(formatTable).StringVar(&o.onceFormat)
	app.Flag("once.warn", "Time before its expiry from which a certificate makes --once exit with 3.").Default("30d").
		SetValue((*durationValue)(&o.onceWarn))
	app.Flag("once.timeout", "Time that --once may take; then it prints what is known.").Default("10m").DurationVar(&o.onceTimeout)
	app.Flag("web.listen-address", "Address to serve on. Repeatable.").Default(":10219").StringsVar(&o.listenAddresses)
	app.Flag("web.config.file", "File that turns on TLS or basic authentication, in the format of the Prometheus exporter-toolkit.").
		StringVar(&o.webConfigFile)
	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&o.telemetryPath)
	app.Flag("web.enable-lifecycle", "Allow to reload the configuration by POST or PUT to /-/reload.").BoolVar(&o.enableLifecycle)
	app.Flag("web.max-requests", "Requests served at a time, apart from those below /-/. Further ones get status 503. 0: no limit but those of scrapes (8) and probes (512).").
		Default("0").IntVar(&o.maxRequests)
	app.Flag("scrape.timeout", "Time a scrape may take when the request has no timeout header.").Default("10s").DurationVar(&o.scrapeTimeout.Default)
	app.Flag("scrape.timeout-offset", "Time kept back from a scrape's timeout, so that the answer arrives in time.").
		Default("500ms").DurationVar(&o.scrapeTimeout.Offset)
	app.Flag("shard", "The shard of the instances to watch, from 0. All shards have the same configuration.").
		Default("0").IntVar(&o.shard.Index)
	app.Flag("total-shards", "Number of shards that the instances are spread over. Each shard takes its part of api.qps.").
		Default("1").IntVar(&o.shard.Total)
	app.Flag("log.level", "Only log messages of this severity or above: debug, info, warn or error.").
		Default("info").IsSetByUser(&o.logLevelSet).StringVar(&o.logLevel)
	app.Flag("log.format", "Format of the log: logfmt or json.").Default("logfmt").StringVar(&o.logFormat)

	o.variables = nameValues(app)
	_, err = app.Parse(args)
	for variable, set := range map[string]*bool{"CONFIG_FILE": &o.configFileSet, "LOG_LEVEL": &o.logLevelSet} {
		if _, byEnvironment := os.LookupEnv(variablePrefix + variable); byEnvironment {
			*set = true
		}
	}
	if o.once && !o.logLevelSet {
		o.logLevel = "warn"
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

// check refuses invalid values and combinations.
func (o *options) check() error {
	telemetryPathForm := regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)
	switch {
	case !telemetryPathForm.MatchString(o.telemetryPath) || path.Clean(o.telemetryPath) != o.telemetryPath:
		return fmt.Errorf("--web.telemetry-path=%s: must be a clean path that begins with / and names something, such as /metrics", o.telemetryPath)
	case isReserved(o.telemetryPath):
		return fmt.Errorf("--web.telemetry-path=%s: is taken by the exporter, choose another such as /metrics", o.telemetryPath)
	case o.maxRequests < 0:
		return fmt.Errorf("--web.max-requests=%d: must be a number of requests, or 0 for no limit", o.maxRequests)
	case o.scrapeTimeout.Default <= 0:
		return fmt.Errorf("--scrape.timeout=%s: must be above 0s", o.scrapeTimeout.Default)
	case o.scrapeTimeout.Offset < 0:
		return fmt.Errorf("--scrape.timeout-offset=%s: must not be below 0s", o.scrapeTimeout.Offset)
	case !slices.Contains([]string{levelDebug, "info", "warn", "error"}, o.logLevel):
		return fmt.Errorf("--log.level=%s: must be debug, info, warn or error", o.logLevel)
	case !slices.Contains([]string{"logfmt", formatJSON}, o.logFormat):
		return fmt.Errorf("--log.format=%s: must be logfmt or json", o.logFormat)
	case !slices.Contains([]string{formatTable, formatJSON}, o.onceFormat):
		return fmt.Errorf("--once.format=%s: must be table or json", o.onceFormat)
	case o.onceTimeout <= 0:
		return fmt.Errorf("--once.timeout=%s: must be above 0s", o.onceTimeout)
	case o.configFile == "":
		return errors.New("--config.file (" + variablePrefix + "CONFIG_FILE): is empty, allowed: the path of a configuration file")
	case o.once && (o.configCheck || o.healthCheck):
		return errors.New("--once: cannot be combined with --config.check or --health-check, choose one")
	case o.demo && (o.configFileSet || len(o.instances) > 0):
		return errors.New("--demo: cannot be combined with --config.file or --instance, it watches a simulated fleet")
	case o.configFileSet && len(o.instances) > 0:
		return errors.New("--instance: cannot be combined with --config.file, list the instance in the file")
	}
	return nil
}
