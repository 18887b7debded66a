package app

import (
	"io"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newSink returns the logger that all others write to.
func newSink(format string, w io.Writer) log.Logger {
	if format == "json" {
		return log.NewSyncLogger(log.NewJSONLogger(w))
	}
	return log.NewSyncLogger(log.NewLogfmtLogger(w))
}

// newOutput returns the writer of the log: see logWriter.
func newOutput(format string, w io.Writer) *logWriter {
	logger := newLogger(newSink(format, w), "warn")
	return newLogWriter(w, func(dropped int64) error {
		return level.Warn(logger).Log("msg", "log lines are lost: the log could not be written", "lines", dropped)
	})
}

// newLogger returns the program's logger.
func newLogger(sink log.Logger, atLeast string) log.Logger {
	filtered := level.NewFilter(sink, level.Allow(level.ParseDefault(atLeast, level.InfoValue())))
	return log.With(filtered, "time", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
}

// newSlog returns a logger for libraries that need log/slog. The handler adds time and caller itself, so it takes the sink
// without them.
func newSlog(sink log.Logger, atLeast string) *slog.Logger {
	lowest := slog.LevelInfo
	_ = lowest.UnmarshalText([]byte(atLeast)) // the flag is one of its names
	return slog.New(sloggokit.NewGoKitHandler(sink, lowest))
}
