// Command bench measures what docs/benchmarks.md tells and fails when a bound is missed. Machines differ, so every figure
// is a ratio of two that were taken in the same run: our client beside the cloud's generic one, a scrape beside the time
// that its latency and concurrency allow.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"text/tabwriter"
	"time"

	"tair_ssl_exporter/bench/rig"
)

// result is one line of the table.
type result struct {
	what  string
	ours  string
	other string
	ratio float64
	bound float64 // 0: the figure is told, not judged
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := 0
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		code = 1
	}
	stop()
	os.Exit(code)
}

func run(ctx context.Context) error {
	if os.Getenv(serveVariable) != "" {
		return serve()
	}
	if err := rig.KeepToLoopback(); err != nil {
		return err
	}

	var all []result
	var failed []error
	for _, measure := range []func(context.Context) ([]result, error){measureCall, measureScrape, measureMemory} {
		results, err := measure(ctx)
		all, failed = append(all, results...), append(failed, err)
	}
	return errors.Join(append(failed, report(all))...)
}

func report(all []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tOURS\tOTHER\tRATIO\tBOUND\t")
	missed := 0
	for _, r := range all {
		bound, verdict := fmt.Sprintf("%.2f", r.bound), "ok"
		switch {
		case r.bound == 0:
			bound, verdict = "-", ""
		case r.ratio > r.bound:
			verdict = "FAIL"
			missed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.3f\t%s\t%s\n", r.what, r.ours, r.other, r.ratio, bound, verdict)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d bounds missed", missed)
	}
	return nil
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
