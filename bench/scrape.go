package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"tair_ssl_exporter/bench/rig"
)

const (
	scrapeInstances = 1000
	scrapeLatency   = 50 * time.Millisecond
	scrapes         = 7 // after the first
)

// measureScrape times GET /metrics of the real binary, as Prometheus does it, for several concurrencies.
func measureScrape(ctx context.Context) (all []result, err error) {
	binary, remove, err := buildOnce(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	for concurrency, bound := range map[int]float64{20: 0, 50: 1.10, 200: 0} {
		results, err := measureConcurrency(ctx, binary, concurrency, bound)
		if err != nil {
			return nil, err
		}
		all = append(all, results...)
	}
	slices.SortFunc(all, func(a, b result) int { return strings.Compare(a.what, b.what) })
	return all, nil
}

// buildOnce builds the exporter into a directory that remove deletes.
func buildOnce(ctx context.Context) (binary string, remove func(), err error) {
	dir, err := os.MkdirTemp("", "tair_ssl_bench")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) }
	if binary, err = rig.Build(ctx, dir); err != nil {
		remove()
	}
	return binary, remove, err
}

func measureConcurrency(ctx context.Context, binary string, concurrency int, bound float64) ([]result, error) {
	ideal := scrapeLatency * scrapeInstances / time.Duration(concurrency)
	ids := benchIDs(scrapeInstances)
	api, err := startPlain(func(request []byte) []byte {
		time.Sleep(scrapeLatency)
		return answer(instanceIn(request))
	})
	if err != nil {
		return nil, err
	}
	defer api.close()
	exporter, err := rig.Start(ctx, binary, scrapeConfig(fmt.Sprintf("api: {concurrency: %d, qps: 10000}", concurrency), "http://"+api.addr(), ids), 20*time.Second)
	if err != nil {
		return nil, err
	}
	defer exporter.Stop()

	first, err := scrape(ctx, exporter.Address)
	if err != nil {
		return nil, err
	}
	fmt.Printf("one scrape: %d instances, API latency %s, concurrency %d; the first took %.2f of the ideal %s, %d follow\n",
		scrapeInstances, scrapeLatency, concurrency, float64(first)/float64(ideal), ideal, scrapes)
	times := make([]time.Duration, scrapes)
	for i := range times {
		time.Sleep(time.Second) // an instance is called once a second at most
		if times[i], err = scrape(ctx, exporter.Address); err != nil {
			return nil, err
		}
	}
	took, connections := median(times), api.connections.Load()
	return []result{
		{
			fmt.Sprintf("scrape of 1,000 instances at 50 ms, concurrency %3d: time, against the ideal", concurrency),
			took.Round(time.Millisecond).String(), ideal.String(), float64(took) / float64(ideal), bound,
		},
		{
			fmt.Sprintf("scrape of 1,000 instances at 50 ms, concurrency %3d: connections, against the concurrency", concurrency),
			fmt.Sprint(connections), fmt.Sprint(concurrency), float64(connections) / float64(concurrency), 1.00,
		},
	}, nil
}

// benchIDs returns the IDs of instances.
func benchIDs(n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("r-bp1bench%08d", i)
	}
	return ids
}

// scrapeConfig returns a configuration with settings at its top.
func scrapeConfig(settings, endpoint string, ids []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `%s
accounts:
  - name: %s
    credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    region: %s
    instances:
`, settings, account, keyID, keySecret, endpoint, region)
	for _, id := range ids {
		fmt.Fprintf(&b, "      - %s\n", id)
	}
	return b.Bytes()
}

// scrape times one scrape and checks that it asked for every instance.
func scrape(ctx context.Context, address string) (time.Duration, error) {
	time.Sleep(300 * time.Millisecond) // the rate limit's burst is there again, as between the scrapes of Prometheus
	start := time.Now()
	body, err := get(ctx, "http://"+address+"/metrics")
	took := time.Since(start)
	if err != nil {
		return 0, err
	}
	good := 0
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "tair_ssl_scrape_success{") && strings.HasSuffix(line, " 1\n") {
			good++
		}
	}
	if good != scrapeInstances {
		return 0, fmt.Errorf("%d of %d instances were asked with success", good, scrapeInstances)
	}
	return took, nil
}

func get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "30")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return body, err
}
