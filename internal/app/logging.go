package app

import (
	"io"
	"log/slog"

	"github.com/go-kit/log"
	"github.com/go-kit/log/level"
	sloggokit "github.com/tjhop/slog-gokit"
)

// newSink gives what all loggers write to.
func newSink(format string, w io.Writer) log.Logger {
	if format == "json" {
		return log.NewSyncLogger(log.NewJSONLogger(w))
	}
	return log.NewSyncLogger(log.NewLogfmtLogger(w))
}

// newLogger gives the program's logger.
func newLogger(sink log.Logger, atLeast string) log.Logger {
	filtered := level.NewFilter(sink, level.Allow(level.ParseDefault(atLeast, level.InfoValue())))
	return log.With(filtered, "time", log.DefaultTimestampUTC, "caller", log.DefaultCaller)
}

// newSlog gives a logger for the libraries that ask for log/slog. It adds time and caller by itself, so it gets the
// sink as it is.
func newSlog(sink log.Logger, atLeast string) *slog.Logger {
	lowest := slog.LevelInfo
	_ = lowest.UnmarshalText([]byte(atLeast)) // the flag allows only what it can read
	return slog.New(sloggokit.NewGoKitHandler(sink, lowest))
}
