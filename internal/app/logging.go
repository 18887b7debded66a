package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

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
// without them. Errors lose their quotes of --web.config.file, which the toolkit reads again for each request.
func newSlog(sink log.Logger, atLeast string) *slog.Logger {
	hiding := log.LoggerFunc(func(pairs ...any) error {
		pairs = slices.Clone(pairs)
		for i := 1; i < len(pairs); i += 2 {
			if fmt.Sprint(pairs[i-1]) == "err" {
				pairs[i] = oneLine(errors.New(fmt.Sprint(pairs[i])))
			}
		}
		return sink.Log(pairs...)
	})
	lowest := slog.LevelInfo
	_ = lowest.UnmarshalText([]byte(atLeast)) // the flag is one of its names
	return slog.New(sloggokit.NewGoKitHandler(hiding, lowest))
}
