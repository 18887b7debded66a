package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"tair_ssl_exporter/bench/rig"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	scrapeInstances   = 1000
	scrapeConcurrency = 50
	scrapeLatency     = 50 * time.Millisecond
	scrapeIdeal       = scrapeLatency * scrapeInstances / scrapeConcurrency
	scrapes           = 7 // after the first
)

// measureScrape times GET /metrics of the real binary, as Prometheus does it.
func measureScrape(ctx context.Context) ([]result, error) {
	dir, err := os.MkdirTemp("", "tair_ssl_bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary, err := rig.Build(ctx, dir)
	if err != nil {
		return nil, err
	}

	ids := make([]string, scrapeInstances)
	for i := range ids {
		ids[i] = fmt.Sprintf("r-bp1bench%08d", i)
	}
	fake, err := tairtest.Start(newAPI(scrapeLatency, ids...))
	if err != nil {
		return nil, err
	}
	defer fake.Close()
	exporter, err := rig.Start(ctx, binary, scrapeConfig(fake.URL, ids), 20*time.Second)
	if err != nil {
		return nil, err
	}
	defer exporter.Stop()

	first, err := scrape(ctx, exporter.Address)
	if err != nil {
		return nil, err
	}
	fmt.Printf("one scrape: %d instances, API latency %s, concurrency %d; the first took %.2f of the ideal %s, %d follow\n",
		scrapeInstances, scrapeLatency, scrapeConcurrency, float64(first)/float64(scrapeIdeal), scrapeIdeal, scrapes)
	times := make([]time.Duration, scrapes)
	for i := range times {
		time.Sleep(time.Second) // an instance is called once a second at most
		if times[i], err = scrape(ctx, exporter.Address); err != nil {
			return nil, err
		}
	}
	took, connections := median(times), fake.Connections()
	return []result{
		{
			"scrape of 1,000 instances, time, against the ideal", took.Round(time.Millisecond).String(),
			scrapeIdeal.String(), float64(took) / float64(scrapeIdeal), 1.10,
		},
		{
			"scrape of 1,000 instances, connections, against the concurrency", fmt.Sprint(connections),
			fmt.Sprint(scrapeConcurrency), float64(connections) / scrapeConcurrency, 1.00,
		},
	}, nil
}

func scrapeConfig(endpoint string, ids []string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `api: {concurrency: %d, qps: 1000}
accounts:
  - name: %s
    credentials: {type: access_key, access_key_id: %s, access_key_secret: %s}
    endpoint: %s
    region: %s
    instances:
`, scrapeConcurrency, account, keyID, keySecret, endpoint, region)
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
