package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
	"tair_ssl_exporter/internal/apptest"
)

func TestReloadIsAllOrNothing(t *testing.T) {
	const other = "r-bp1yyyyyyyyyyy"
	api, server := apptest.StartAPI(t)
	api.SetInstance(tairtest.Instance{ID: other, Region: "cn-hangzhou", SSLEnabled: "Disable"})
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	reload := func(text string) (int, string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return r.Post(t, "/-/reload")
	}
	_, _ = r.Get(t, "/metrics")

	status, body := reload(apptest.Config(server, apptest.InstanceID, apptest.InstanceID) + "bogus: 1\n")
	if status != http.StatusInternalServerError {
		t.Errorf("bad file: status %d", status)
	}
	apptest.Contains(t, body, "the old configuration runs on", "bogus", apptest.InstanceID) // every error at once
	_, body = r.Get(t, "/metrics")
	apptest.Contains(t, body, `tair_ssl_scrape_success{instance_id="`+apptest.InstanceID+`"} 1`, "tair_ssl_exporter_config_last_reload_successful 0")

	if status, body := reload(apptest.Config(server, other)); status != http.StatusOK {
		t.Errorf("good file: status %d: %s", status, body)
	}
	_, body = r.Get(t, "/metrics")
	apptest.Contains(t, body, `tair_ssl_enabled{instance_id="`+other+`"} 0`, "tair_ssl_exporter_config_last_reload_successful 1")
	if strings.Contains(body, apptest.InstanceID) {
		t.Error("an instance that left the configuration is still in the metrics")
	}
}

func TestReloadKeepsTheClientsThatDidNotChange(t *testing.T) {
	_, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	_, _ = r.Get(t, "/metrics")
	for i := range 20 {
		text := apptest.Config(server, apptest.InstanceID) + fmt.Sprintf("keep_last: %dd\n", i+1)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
			t.Fatal(body)
		}
		_, _ = r.Get(t, "/metrics")
	}
	if n := server.Connections(); n != 1 {
		t.Errorf("%d connections to the API, want the first one only", n)
	}
}

func TestReloadTakesWhatChanged(t *testing.T) {
	const newKey = "CANARYNEWKEY"
	api, server := apptest.StartAPI(t)
	_, elsewhere := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	reload := func(text string) string {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
			t.Fatal(body)
		}
		_, body := r.Get(t, "/metrics")
		return body
	}
	known := `tair_ssl_scrape_success{instance_id="` + apptest.InstanceID + `"} 1`
	limit := `tair_ssl_exporter_api_rate_limit_qps{account="default",region="cn-hangzhou"} `

	apptest.Contains(t, reload(apptest.Config(server, apptest.InstanceID)+"api: {qps: 5}\n"), known, limit+"5\n")

	api.RevokeKey(apptest.KeyID)
	apptest.Contains(t, reload(apptest.Config(server, apptest.InstanceID)), `reason="unauthorized"`, limit+"20\n")
	api.SetKey(tairtest.Key{Account: "main", AccessKeyID: newKey, AccessKeySecret: apptest.KeySecret})
	apptest.Contains(t, reload(strings.ReplaceAll(apptest.Config(server, apptest.InstanceID), apptest.KeyID, newKey)), known)

	asked := len(api.Requests())
	apptest.Contains(t, reload(apptest.Config(elsewhere, apptest.InstanceID)), known) // only there the old key is still good
	if n := len(api.Requests()); n != asked {
		t.Errorf("%d more requests to the old endpoint", n-asked)
	}
}

func TestNothingIsLeftOfAccountsThatLeft(t *testing.T) {
	_, server := apptest.StartAPI(t)
	// An account of another name in every second configuration, and one that stays.
	text := func(i int) string {
		return fmt.Sprintf(`
accounts:
  - name: stays
    credentials: {type: access_key, access_key_id: %[1]s, access_key_secret: %[2]s}
    endpoint: %[3]s
    region: cn-hangzhou
    instances: [%[4]s]
  - name: comes-and-goes-%[5]d
    credentials: {type: access_key, access_key_id: %[1]s, access_key_secret: %[2]s}
    endpoint: %[3]s
    discovery: [{regions: ["*"]}]
    instances: [{id: r-bp1other%[5]d, region: cn-hangzhou}]
`, apptest.KeyID, apptest.KeySecret, server.URL, apptest.InstanceID, i)
	}
	path := apptest.File(t, "c.yml", text(0))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	_, _ = r.Get(t, "/metrics")
	before := runtime.NumGoroutine()

	var scrapes sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		scrapes.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = r.Get(t, "/metrics")
				}
			}
		})
	}
	for i := range 200 {
		if err := os.WriteFile(path, []byte(text(i+1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
			t.Fatal(body)
		}
	}
	close(stop)
	scrapes.Wait()

	status, body := r.Get(t, "/metrics")
	if status != http.StatusOK || strings.Contains(body, `"comes-and-goes-199"`) || !strings.Contains(body, `"comes-and-goes-200"`) {
		t.Errorf("status %d:\n%s", status, body)
	}
	// What stays are some connections of the two accounts, for their instances and for their lists.
	apptest.WaitUntil(t, func() bool { return server.OpenConnections() <= 6 })
	http.DefaultClient.CloseIdleConnections()
	apptest.WaitUntil(t, func() bool { return runtime.NumGoroutine() <= before+20 })
}

// A file that is cut in the middle of its list is valid.
func TestReloadThatDropsHalfOfTheInstancesWarns(t *testing.T) {
	_, server := apptest.StartAPI(t)
	ids := []string{"r-bp1a", "r-bp1b", "r-bp1c", "r-bp1d", "r-bp1e"}
	path := apptest.File(t, "c.yml", apptest.Config(server, ids...))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	for _, n := range []int{3, 5, 2, 1} { // over half is dropped from 5 to 2
		apptest.Write(t, path, apptest.Config(server, ids[:n]...))
		if status, body := r.Post(t, "/-/reload"); status != http.StatusOK {
			t.Fatal(body)
		}
	}
	r.Stop()
	if n := strings.Count(r.Log(), "less than half of the instances"); n != 1 || !strings.Contains(r.Log(), "before=5 now=2") {
		t.Errorf("%d warnings:\n%s", n, r.Log())
	}
}

// A pipe that nobody writes to blocks whoever opens it.
func TestReloadThatHangsOnItsFileKeepsNothingFromEnding(t *testing.T) {
	_, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path, "--web.enable-lifecycle")
	if err := errors.Join(syscall.Mkfifo(path+".fifo", 0o600), os.Rename(path+".fifo", path)); err != nil {
		t.Fatal(err)
	}
	answered := make(chan int, 1)
	go func() {
		status, _ := r.Post(t, "/-/reload")
		answered <- status
	}()
	var writer *os.File
	apptest.WaitUntil(t, func() (opened bool) { // once a reader is there
		var err error
		writer, err = os.OpenFile(path, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		return err == nil
	})
	defer writer.Close() // the end of the file for the reader
	_, body := r.Get(t, "/metrics")
	apptest.Contains(t, body, `tair_ssl_scrape_success{instance_id="`+apptest.InstanceID+`"} 1`)
	began := time.Now()
	if code := r.Stop(); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("exit %d after %s", code, time.Since(began))
	}
	if status := <-answered; status != http.StatusInternalServerError {
		t.Errorf("status %d", status)
	}
}

func TestSIGHUPReloads(t *testing.T) {
	const other = "r-bp1yyyyyyyyyyy"
	_, server := apptest.StartAPI(t)
	path := apptest.File(t, "c.yml", apptest.Config(server, apptest.InstanceID))
	r := apptest.Start(t, "--config.file="+path)
	if err := os.WriteFile(path, []byte(apptest.Config(server, apptest.InstanceID, other)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	apptest.WaitUntil(t, func() bool { return strings.Contains(r.Log(), "reloaded the configuration") })
	_, body := r.Get(t, "/metrics/self")
	apptest.Contains(t, body, `tair_ssl_exporter_instances{account="default",region="cn-hangzhou"} 2`)
}
