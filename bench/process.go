package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"tair_ssl_exporter/bench/rig"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	pageBound = 100 * time.Millisecond // of the status page with 1,000 rows
	rssBound  = 100 << 20              // of 10,000 instances, in bytes
	rssPages  = 20
	reloads   = 9
)

// measureProcess measures the real binary with every answer in its memory: from the start until it is ready, its memory, its
// status page, and reloads while it is scraped.
func measureProcess(ctx context.Context) ([]result, error) {
	binary, remove, err := buildOnce(ctx)
	if err != nil {
		return nil, err
	}
	defer remove()
	small, all, err := measureFleet(ctx, binary, 1_000)
	if err != nil {
		return nil, err
	}
	large, more, err := measureFleet(ctx, binary, 10_000)
	if err != nil {
		return nil, err
	}
	all = append(all, more...)
	mib := func(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/(1<<20)) }
	return append(all,
		result{fmt.Sprintf("memory (RSS) of 10,000 instances after %d scrapes, against what is allowed", rssPages), mib(large), mib(rssBound), large / rssBound, 1.00},
		result{"memory (RSS) of one more instance", fmt.Sprintf("%.0f bytes", (large-small)/9_000), "", 0, 0},
	), nil
}

// measureFleet returns the memory with so many instances, in bytes, and the other figures.
func measureFleet(ctx context.Context, binary string, instances int) (rss float64, all []result, err error) {
	ids := benchIDs(instances)
	fake, err := tairtest.Start(newAPI(0, ids...))
	if err != nil {
		return 0, nil, err
	}
	defer fake.Close()
	began := time.Now()
	exporter, err := rig.Start(ctx, binary, scrapeConfig("refresh_interval: 3h\napi: {concurrency: 50, qps: 10000}", fake.URL, ids), 20*time.Second, "--web.enable-lifecycle")
	if err != nil {
		return 0, nil, err
	}
	defer exporter.Stop()
	ready := time.Since(began)
	url := "http://" + exporter.Address
	for range rssPages {
		if _, err := get(ctx, url+"/metrics"); err != nil {
			return 0, nil, err
		}
	}
	self, err := get(ctx, url+"/metrics/self")
	if err != nil {
		return 0, nil, err
	}
	m := regexp.MustCompile(`(?m)^process_resident_memory_bytes (\S+)$`).FindSubmatch(self)
	if m == nil {
		return 0, nil, errors.New("the exporter does not report its memory")
	}
	if rss, err = strconv.ParseFloat(string(m[1]), 64); err != nil {
		return 0, nil, err
	}
	named := func(what string) string { return fmt.Sprintf("%s, %d instances", what, instances) }
	all = append(all, result{named("from the start until it is ready"), ready.Round(time.Millisecond).String(), "", 0, 0})

	alone, loaded, err := reloadTimes(ctx, url)
	if err != nil {
		return 0, nil, err
	}
	all = append(all, result{
		named("a reload while it is scraped, against one alone"), loaded.Round(time.Millisecond).String(), alone.Round(time.Millisecond).String(),
		float64(loaded) / float64(alone), 0,
	})
	if instances == 1_000 {
		times := make([]time.Duration, reloads)
		for i := range times {
			began := time.Now()
			if _, err := get(ctx, url+"/"); err != nil {
				return 0, nil, err
			}
			times[i] = time.Since(began)
		}
		page := median(times)
		all = append(all, result{
			"status page of 1,000 rows, against what is allowed", page.Round(time.Millisecond).String(), pageBound.String(), float64(page) / float64(pageBound), 1.00,
		})
	}
	return rss, all, nil
}

// reloadTimes returns how long a reload takes when nothing else happens, and while /metrics is asked for without a pause.
func reloadTimes(ctx context.Context, url string) (alone, loaded time.Duration, err error) {
	measure := func() (time.Duration, error) {
		times := make([]time.Duration, reloads)
		for i := range times {
			began := time.Now()
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/-/reload", http.NoBody)
			if err != nil {
				return 0, err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return 0, err
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				return 0, fmt.Errorf("reload: %s", response.Status)
			}
			times[i] = time.Since(began)
		}
		return median(times), nil
	}
	if alone, err = measure(); err != nil {
		return 0, 0, err
	}
	load, stop := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for load.Err() == nil {
			_, _ = get(load, url+"/metrics")
		}
	}()
	loaded, err = measure()
	stop()
	<-ended
	return alone, loaded, err
}
