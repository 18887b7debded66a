package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/collector/tair/tairtest"
)

const (
	account   = "main"
	region    = "cn-hangzhou"
	keyID     = "benchAccessKeyId"
	keySecret = "benchAccessKeySecret"

	callInstance = "r-bp1benchmark0000"
	callRounds   = 15  // of each client, one after the other
	callsInRound = 500 // on one connection that is kept alive
)

// serveVariable makes this program the API of the measurement of calls. It runs as a process of its own, so that what it
// allocates is not counted.
const serveVariable = "TAIR_SSL_BENCH_SERVE"

// serve is the other process. It writes two addresses: of the strict fake, which both clients have to satisfy first,
// and of a server that answers at once and looks at nothing, so that the clients are measured and not the fake's checks.
func serve() error {
	strict, err := tairtest.Start(newAPI(0, callInstance))
	if err != nil {
		return err
	}
	defer strict.Close()
	same := answer(callInstance)
	plain, err := startPlain(func([]byte) []byte { return same })
	if err != nil {
		return err
	}
	defer plain.close()

	fmt.Println(strict.Addr, plain.addr())
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent ends
	return err
}

// newAPI gives a fake with one key and these instances.
func newAPI(latency time.Duration, ids ...string) *tairtest.API {
	api := tairtest.New(tairtest.Options{
		Latency:      latency,
		Keys:         []tairtest.Key{{Account: account, AccessKeyID: keyID, AccessKeySecret: keySecret}},
		KeepRequests: 1,
	})
	for _, id := range ids {
		api.SetInstance(tairtest.Instance{
			ID: id, Region: region, SSLEnabled: "Enable", ExpiresAt: time.Now().AddDate(1, 0, 0),
			CommonName: id + ".redis.rds.aliyuncs.com", DownloadURL: "https://example.com/ca.zip",
		})
	}
	return api
}

// caller makes one call of DescribeInstanceSSL and checks its answer.
type caller func(context.Context) error

// contender is one client.
type contender struct {
	name string
	call caller
}

// callers gives our client, the official one, and net/http alone: what no client on top of it can be faster than.
func callers(addr string) ([]contender, error) {
	ours, err := ourCaller(addr)
	if err != nil {
		return nil, err
	}
	official, err := officialCaller(addr)
	if err != nil {
		return nil, err
	}
	return []contender{{"our client", ours}, {"the official client", official}, {"net/http alone", bareCaller(addr)}}, nil
}

// bareCaller does an unsigned round trip of about the same size and looks at nothing.
func bareCaller(addr string) caller {
	transport := &http.Transport{}
	return func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost,
			"http://"+addr+"/?InstanceId="+callInstance+"&RegionId="+region, http.NoBody)
		if err != nil {
			return err
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		return errors.Join(err, response.Body.Close())
	}
}

type static creds.Credentials

func (s static) Credentials(context.Context) (creds.Credentials, error) {
	return creds.Credentials(s), nil
}
func (static) Reject(creds.Credentials) {}

func ourCaller(addr string) (caller, error) {
	client, err := tair.NewClient(tair.ClientConfig{
		Region: region, Endpoint: "http://" + addr,
		Credentials: static{AccessKeyID: keyID, AccessKeySecret: keySecret},
		Timeout:     5 * time.Second, Attempts: 3, Concurrency: 20,
		QPS:       1e6, // no factor here
		UserAgent: "tair_ssl_exporter/bench",
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		permit, err := client.Admit(ctx)
		if err != nil {
			return err
		}
		defer permit.Release()
		ssl, err := permit.DescribeInstanceSSL(callInstance)
		if err == nil && (!ssl.Enabled || ssl.ExpiresAt.IsZero()) {
			err = errors.New("an answer without a certificate")
		}
		return err
	}, nil
}

// officialCaller is the client under the official SDKs, used as they use it.
func officialCaller(addr string) (caller, error) {
	client, err := openapi.NewClient(&openapiutil.Config{
		AccessKeyId: dara.String(keyID), AccessKeySecret: dara.String(keySecret),
		RegionId: dara.String(region), Endpoint: dara.String(addr), Protocol: dara.String("http"),
		ReadTimeout: dara.Int(5000), ConnectTimeout: dara.Int(5000),
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		answer, err := client.CallApiWithCtx(ctx, &openapiutil.Params{
			Action: dara.String("DescribeInstanceSSL"), Version: dara.String("2015-01-01"), Protocol: dara.String("HTTP"),
			Pathname: dara.String("/"), Method: dara.String("POST"), AuthType: dara.String("AK"), Style: dara.String("RPC"),
			ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
		}, &openapiutil.OpenApiRequest{
			Query: map[string]*string{"InstanceId": dara.String(callInstance), "RegionId": dara.String(region)},
		}, &dara.RuntimeOptions{})
		if err != nil {
			return err
		}
		body, _ := answer["body"].(map[string]any)
		if body["SSLEnabled"] != "Enable" {
			return errors.New("an answer without a certificate")
		}
		return nil
	}, nil
}

// sample is one round of one client.
type sample struct {
	time   time.Duration // of one call
	allocs float64       // of one call
}

func round(ctx context.Context, call caller) (sample, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	for range callsInRound {
		if err := call(ctx); err != nil {
			return sample{}, err
		}
	}
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	return sample{took / callsInRound, float64(after.Mallocs-before.Mallocs) / callsInRound}, nil
}

func measureCall(ctx context.Context) ([]result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	server := exec.CommandContext(ctx, self) //nolint:gosec // this very program
	server.Env = append(os.Environ(), serveVariable+"=1")
	server.Stderr = os.Stderr
	lifeline, err := server.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := server.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := server.Start(); err != nil {
		return nil, err
	}
	defer func() { _, _ = lifeline.Close(), server.Wait() }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("the server process: %w", err)
	}
	strict, fast, _ := strings.Cut(strings.TrimSpace(line), " ")

	fmt.Printf("one call: %d rounds of %d calls of each client\n", callRounds, callsInRound)
	rightly, err := callers(strict)
	if err != nil {
		return nil, err
	}
	clients, err := callers(fast)
	if err != nil {
		return nil, err
	}
	for i, c := range clients {
		for range 50 { // are they right, by the strict fake, and warm
			if err := errors.Join(rightly[i].call(ctx), c.call(ctx)); err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}

	times, allocs := make([][]time.Duration, len(clients)), make([][]float64, len(clients))
	for n := range callRounds {
		for k := range clients {
			i := (n + k) % len(clients) // none is always the first
			s, err := round(ctx, clients[i].call)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", clients[i].name, err)
			}
			times[i], allocs[i] = append(times[i], s.time), append(allocs[i], s.allocs)
		}
	}
	var results []result
	for i, bound := range []struct{ time, allocs float64 }{{0.60, 0.25}, {}} { // of the official client; of net/http
		i++
		ours, other := median(times[0]), median(times[i])
		oursAllocs, otherAllocs := median(allocs[0]), median(allocs[i])
		results = append(results, result{
			"one call, time, against " + clients[i].name, ours.Round(time.Microsecond).String(),
			other.Round(time.Microsecond).String(), float64(ours) / float64(other), bound.time,
		}, result{
			"one call, allocations, against " + clients[i].name, fmt.Sprintf("%.0f", oursAllocs),
			fmt.Sprintf("%.0f", otherAllocs), oursAllocs / otherAllocs, bound.allocs,
		})
	}
	return results, nil
}
