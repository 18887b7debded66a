//go:build e2e

package browser

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tair_ssl_exporter/internal/apptest"
)

func TestMain(m *testing.M) { apptest.AtRoot(m) }

func get(t *testing.T, address string) string {
	t.Helper()
	status, body := apptest.Ask(t, http.DefaultClient, http.MethodGet, address)
	if status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", address, status, body)
	}
	return body
}

// names returns the names in the rows that can be seen, in their order.
func (b *tab) names() []string {
	b.t.Helper()
	return value[[]string](b, `[...document.querySelectorAll("#rows tbody")].filter((row) => row.checkVisibility()).map((row) => row.querySelector("th b").textContent)`)
}

func (b *tab) want(what string, names ...string) {
	b.t.Helper()
	if got := b.names(); !slices.Equal(got, names) {
		b.t.Errorf("%s: %q, want %q", what, got, names)
	}
	if got, want := value[string](b, `document.getElementById("count").textContent`), fmt.Sprint(len(names)); got != want {
		b.t.Errorf("%s: counts %s rows, want %s", what, got, want)
	}
}

// startDemo starts the demo, once its renewals are known too.
func startDemo(t *testing.T) string {
	t.Helper()
	address := startExporter(t, `reason="throttled"`, "--demo") // its second call fails
	apptest.WaitUntil(t, func() bool { return strings.Contains(get(t, address), "after the expiry") })
	return address
}

func TestE2EThePageFiltersAndSorts(t *testing.T) {
	t.Parallel()
	b := open(t, startDemo(t), 1440)
	soonest := []string{"search", "inventory", "carts", "payments", "订单缓存", "reports", "sessions-staging", "sessions",
		"scratch", "legacy-feed", "load-test", "audit", "feature-flags"}
	b.want("at first", soonest...)
	if text := value[string](b, `document.body.innerText`); !strings.Contains(text, "SIMULATED") ||
		!strings.Contains(text, "Last call failed: forbidden") || !strings.Contains(text, "Allow kvstore:DescribeInstanceSSL") {
		t.Errorf("the demo or its failing row is not there: %s", text)
	}

	b.do(chromedp.SendKeys(chromedp.CSS("#q"), "TEAM:orders prod"))
	b.want("filtered", "inventory", "carts", "订单缓存")
	b.do(chromedp.Click(chromedp.CSS(`th a[data-key=name]`)))
	b.want("filtered and sorted by the name", "carts", "inventory", "订单缓存")
	b.do(chromedp.Click(chromedp.CSS(`th a[data-key=name]`)))
	b.want("the other way round", "订单缓存", "inventory", "carts")
	if order := value[string](b, `[...document.querySelectorAll("[aria-sort]")].map((th) => th.textContent + th.ariaSort).join()`); order != "Instancedescending" {
		t.Errorf("sorted by %s", order)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#q"), " nobody"))
	b.want("nothing matches")
	if !value[bool](b, `document.getElementById("none").checkVisibility()`) {
		t.Error("the page does not say that nothing matches")
	}

	// The script sorts as the server does. The second click reverses the order, and so does the first one of the column by
	// which the rows are sorted already.
	for _, column := range []string{"name", "account", "region", "labels", "state", "expiry", "renewal", "age"} {
		b.show("?sort=" + column)
		clicks := [][]string{b.names(), nil}
		b.show("?sort=-" + column)
		clicks[1] = b.names()
		if column == "expiry" {
			slices.Reverse(clicks)
		}
		b.show("")
		for n, want := range clicks {
			b.do(chromedp.Click(chromedp.CSS(`th a[data-key=` + column + `]`)))
			b.want(fmt.Sprintf("click %d on %s", n+1, column), want...)
		}
	}

	// The server filters what is not on the page.
	b.show("?q=carts")
	b.want("filtered by the server", "carts")
	value[any](b, `(() => { const q = document.getElementById("q"); q.value = "audit"; q.dispatchEvent(new Event("input")); })()`)
	b.until(`location.search === "?q=audit" && document.readyState === "complete"`)
	b.want("filtered by the server again", "audit")
	b.do(chromedp.Click(chromedp.CSS(".tile.failing")))
	b.until(`location.search.includes("state=failing") && document.readyState === "complete"`)
	b.show("?state=failing")
	b.want("failing", "reports", "load-test", "audit")
}

func TestE2EThePageIsCompleteWithoutJavaScript(t *testing.T) {
	t.Parallel()
	b := open(t, startDemo(t), 1440)
	b.runScripts(false)
	b.show("?q=team:orders&sort=-name")
	b.runScripts(true) // to look at the page, whose script did not run
	b.want("without a script", "订单缓存", "inventory", "carts")
}

func TestE2EAHostileNameIsText(t *testing.T) {
	t.Parallel()
	const hostile = "<img src=x onerror=alert(1)>"
	_, server := apptest.StartAPI(t)
	config := strings.Replace(apptest.Config(server, apptest.InstanceID), "["+apptest.InstanceID+"]",
		"[{id: "+apptest.InstanceID+", name: '"+hostile+"'}]", 1)
	b := open(t, startExporter(t, "tair_ssl_scrape_success", "--config.file="+apptest.File(t, "c.yml", config)), 1440)
	b.want("the name", hostile)
	if n := value[int](b, `document.images.length`); n != 1 {
		t.Errorf("%d images, want the icon alone", n)
	}
}

// problem is what axe finds.
type problem struct {
	ID, Impact, Help string
	Nodes            []struct{ HTML string }
}

func TestE2EThePageIsAccessible(t *testing.T) {
	t.Parallel()
	path := os.Getenv("AXE")
	if path == "" {
		t.Fatal("AXE is not set: make runs these tests, see the Makefile")
	}
	axe := apptest.Read(t, path)
	b := open(t, startDemo(t), 1440)
	for _, width := range []int64{1366, 1321, 1320, 820, 320} {
		b.do(chromedp.EmulateViewport(width, 1200))
		b.fits(fmt.Sprint(width))
	}
	backgrounds := make(map[string]bool)
	for _, screen := range []struct {
		name   string
		width  int64
		height int64
		scheme string
	}{
		{"status-page", 1440, 1323, "light"}, {"status-page-dark", 1440, 1334, "dark"},
		{"status-page-phone", 390, 1400, "light"}, {"status-page-phone-dark", 390, 1400, "dark"},
	} {
		b.do(chromedp.EmulateViewport(screen.width, screen.height))
		b.prefer(screen.scheme)
		b.show("")
		backgrounds[screen.scheme+value[string](b, `getComputedStyle(document.body).backgroundColor`)] = true
		b.fits(screen.name)
		value[any](b, axe+";null")
		for _, p := range value[[]problem](b, `axe.run().then((result) => result.violations)`) {
			if p.Impact == "serious" || p.Impact == "critical" {
				t.Errorf("%s: %s, %s: %s: %v", screen.name, p.Impact, p.ID, p.Help, p.Nodes)
			} else {
				t.Logf("%s: %s, %s: %s: %v", screen.name, p.Impact, p.ID, p.Help, p.Nodes)
			}
		}
		b.picture(screen.name)
	}
	if len(backgrounds) != 2 {
		t.Errorf("light and dark have the same background: %v", backgrounds)
	}
}

// fits fails when the page is wider than the screen.
func (b *tab) fits(screen string) {
	b.t.Helper()
	if over := value[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
		b.t.Errorf("%s: the page is %d pixels too wide", screen, over)
	}
}
