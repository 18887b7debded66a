// Command bench measures what docs/benchmarks.md reports, writes its table and fails when a bound is missed. Machines differ,
// so nearly every figure is a ratio of two that were taken in the same run: our client beside the cloud's generic one, a
// scrape beside the time that its latency and concurrency allow.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"tair_ssl_exporter/bench/rig"
)

// result is one line of the table.
type result struct {
	what  string
	ours  string
	other string
	ratio float64 // 0: there is nothing to compare with
	bound float64 // 0: the figure is reported, not judged
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
	for _, measure := range []func(context.Context) ([]result, error){measureCall, measureScrape, measureMemory, measureProcess} {
		results, err := measure(ctx)
		all, failed = append(all, results...), append(failed, err)
	}
	return errors.Join(append(failed, report(all))...)
}

// report prints the table and writes it into the document.
func report(all []result) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nWHAT\tOURS\tOTHER\tRATIO\tBOUND\t")
	table := "| figure | ours | other | ratio | bound |\n|---|---|---|---|---|\n"
	missed := 0
	for _, r := range all {
		ratio, bound, verdict := fmt.Sprintf("%.2f", r.ratio), fmt.Sprintf("%.2f", r.bound), "ok"
		if r.ratio == 0 {
			ratio = "-"
		}
		switch {
		case r.bound == 0:
			bound, verdict = "-", ""
		case r.ratio > r.bound:
			verdict = "FAIL"
			missed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.ours, r.other, ratio, bound, verdict)
		table += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", r.what, r.ours, r.other, ratio, bound)
	}
	if err := errors.Join(w.Flush(), writeTable(table)); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d bounds missed", missed)
	}
	return nil
}

// writeTable puts the table into docs/benchmarks.md.
func writeTable(table string) error {
	const file, begin, end = "../docs/benchmarks.md", "<!-- measured -->\n\n", "\n<!-- end of what is measured -->"
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, foundEnd := strings.Cut(rest, end)
	if !found || !foundEnd {
		return fmt.Errorf("%s: there is no place for the table", file)
	}
	return os.WriteFile(file, []byte(before+begin+table+end+after), 0o644) //nolint:gosec // everybody may read it
}

func median[T float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
