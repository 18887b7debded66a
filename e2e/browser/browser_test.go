//go:build e2e

// Package browser looks at the status page of the built binary with a headless Chromium. The environment names what it needs:
// EXPORTER and CHROMIUM, and AXE, the script of axe-core. It is a module of its own, so that the driver of the browser is
// no dependency of the product.
package browser

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"tair_ssl_exporter/internal/apptest"
)

// startExporter starts the built binary and returns its URL, once its metrics have a text. It scrapes until then.
func startExporter(t *testing.T, text string, flags ...string) string {
	t.Helper()
	address := apptest.FreeAddress(t)
	apptest.Background(t, apptest.Tool(t, "EXPORTER"), append(flags, "--web.listen-address="+address)...)
	apptest.WaitUntil(t, func() bool {
		resp, err := http.Get("http://" + address + "/-/ready")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	apptest.Within(t, 30*time.Second, 100*time.Millisecond, func() bool {
		return strings.Contains(get(t, "http://"+address+"/metrics"), text)
	})
	return "http://" + address + "/"
}

// tab is a tab of a browser. The test fails when the page logs an error or asks another host than the exporter.
type tab struct {
	t       *testing.T
	ctx     context.Context
	address string // of the exporter

	mu       sync.Mutex
	problems []string
	requests int
}

// open opens a page in a browser of its own, on a screen of that width.
func open(t *testing.T, address string, width int64) *tab {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(apptest.Tool(t, "CHROMIUM")), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-component-update", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium refuses to be root with it
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, address: address}
	call(b, network.Enable, network.EnableParams{})
	if err := chromedp.Listen(ctx, b.observe); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.EmulateViewport(width, 1200))
	b.show("")
	t.Cleanup(b.check)
	return b
}

// observe notes what must not happen.
func (b *tab) observe(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	note := func(what string, v any) {
		text, _ := json.Marshal(v)
		b.problems = append(b.problems, what+": "+string(text))
	}
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.requests++
		own, err := url.Parse(b.address)
		if asked, err2 := url.Parse(e.Request.URL); err != nil || err2 != nil || asked.Host != own.Host {
			note("a request to another host", e.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		note("an exception", e)
	case *runtime.EventConsoleAPICalled:
		note("a line on the console", e)
	case *log.EventEntryAdded:
		note("a message of the browser", e)
	}
}

// check fails for what must not have happened.
func (b *tab) check() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.problems {
		b.t.Error(p)
	}
	if b.requests < 4 { // the page, its script, its style and its icon
		b.t.Errorf("%d requests only", b.requests)
	}
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, actions...); err != nil {
		b.t.Fatal(err)
	}
}

// show opens a path of the exporter.
func (b *tab) show(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.address + path))
}

// call sends a command to the browser.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, command, params); err != nil {
		b.t.Fatal(err)
	}
}

// prefer chooses the colour scheme of the browser, light or dark.
func (b *tab) prefer(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
}

// runScripts lets the pages that are opened from now on run their scripts, or not.
func (b *tab) runScripts(run bool) {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
}

// value returns the value of an expression in the page.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.200s: %v", expression, err)
	}
	return v
}

// until waits until an expression in the page is true.
func (b *tab) until(expression string) {
	b.t.Helper()
	apptest.Within(b.t, 10*time.Second, 50*time.Millisecond, func() bool { return value[bool](b, expression) })
}
