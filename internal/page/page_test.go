package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/page"
)

const day = 24 * time.Hour

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// valid returns an instance whose certificate expires after a while.
func valid(id, name string, left time.Duration) collector.InstanceStatus {
	return collector.InstanceStatus{
		ID: id, Account: "main", Region: "cn-hangzhou", Name: name, Labels: map[string]string{},
		Windows: collector.Windows{Warning: 30 * day, Critical: 7 * day},
		Known:   true, AnsweredAt: now.Add(-2 * time.Minute),
		SSL: tair.SSL{Supported: true, Enabled: true, ExpiresAt: now.Add(left), CommonName: id + ".redis.rds.aliyuncs.com"},
	}
}

// failed returns an instance that has never been read.
func failed(id string, reason tair.Reason, code string) collector.InstanceStatus {
	i := valid(id, "", 0)
	i.Known, i.SSL, i.AnsweredAt, i.Failure = false, tair.SSL{}, time.Time{}, &tair.Error{Reason: reason, Code: code}
	return i
}

func overview(instances ...collector.InstanceStatus) collector.Overview {
	return collector.Overview{
		At: now, Complete: true, LabelNames: []string{"env", "team"}, Instances: instances,
		Regions: []collector.RegionStatus{{Account: "main", Region: "cn-hangzhou", Instances: len(instances), QPS: 20}},
		Reload:  collector.ReloadStatus{SucceededAt: now.Add(-3 * day)}, Shard: collector.Shard{Total: 1},
	}
}

// get returns the page of an overview.
func get(t *testing.T, o collector.Overview, query string) *httptest.ResponseRecorder {
	t.Helper()
	handler, err := page.New(page.Options{
		Overview: func() collector.Overview { return o }, TelemetryPath: "/metrics", Version: "1.2.3",
	})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/"+query, http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w
}

// text returns a part of a page without its tags, its words separated by one space.
func text(html string) string {
	html = regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(html), " ")
}

// rows returns the text of each row of the instances.
func rows(t *testing.T, html string) (all []string) {
	t.Helper()
	_, table, _ := strings.Cut(html, `id="rows"`)
	table, _, ok := strings.Cut(table, "</table>")
	if !ok {
		t.Fatalf("no table in:\n%s", html)
	}
	for _, m := range regexp.MustCompile(`(?s)<tbody class="\w+">(.*?)</tbody>`).FindAllStringSubmatch(table, -1) {
		all = append(all, text(m[1]))
	}
	return all
}

// fleet has an instance in each state.
func fleet() collector.Overview {
	late := valid("r-warning", "carts", 20*day)
	late.Labels = map[string]string{"env": "prod", "team": "orders"}
	late.Renewal = &tair.Renewal{SwitchTime: now.Add(21 * day)}
	late.SSL.DownloadURL = "https://example.com/ca.zip"
	own := valid("r-own", "", 20*day) // critical by its own window
	own.Windows = collector.Windows{Warning: 60 * day, Critical: 25 * day}
	stale := valid("r-stale", "订单缓存", 60*day)
	stale.Failure = &tair.Error{Reason: tair.ReasonThrottled, Code: "Throttling.User"}
	off := valid("r-off", "", 0)
	off.SSL = tair.SSL{Supported: true}
	old := valid("r-old", "", 0)
	old.SSL = tair.SSL{UnsupportedCode: "IncorrectEngineVersion"}
	pending := failed("r-pending", "", "")
	pending.Failure, pending.Pending = nil, true
	return overview(valid("r-expired", "search", -3*day-time.Hour), valid("r-critical", "", 5*time.Hour), late, own, stale,
		valid("r-valid", "", 200*day), off, old, failed("r-forbidden", tair.ReasonForbidden, "Forbidden.RAM"), pending)
}

func TestEveryStateIsShownInWords(t *testing.T) {
	want := []string{
		"search r-expired main cn-hangzhou – Expired expired 3 days ago 2026-05-01 11:00 UTC – r-expired .redis.rds.aliyuncs.com 2 minutes ago",
		"r-critical main cn-hangzhou – Critical in 5 hours 2026-05-04 17:00 UTC – r-critical .redis.rds.aliyuncs.com 2 minutes ago",
		"carts r-warning main cn-hangzhou env:prod team:orders Warning in 20 days 2026-05-24 12:00 UTC " +
			"in 21 days 2026-05-25 12:00 UTC after the expiry r-warning .redis.rds.aliyuncs.com CA file 2 minutes ago",
		"r-own main cn-hangzhou – Critical in 20 days 2026-05-24 12:00 UTC – r-own .redis.rds.aliyuncs.com 2 minutes ago",
		"订单缓存 r-stale main cn-hangzhou – Upcoming in 60 days 2026-07-03 12:00 UTC – r-stale .redis.rds.aliyuncs.com 2 minutes ago " +
			"Last call failed: throttled Throttling.User Raise refresh_interval",
		"r-valid main cn-hangzhou – Valid in 200 days 2026-11-20 12:00 UTC – r-valid .redis.rds.aliyuncs.com 2 minutes ago",
		"r-off main cn-hangzhou – SSL off – – – 2 minutes ago",
		"r-old main cn-hangzhou – Unsupported IncorrectEngineVersion – – – 2 minutes ago",
		"r-forbidden main cn-hangzhou – Not known – – – – Last call failed: forbidden Allow kvstore:DescribeInstanceSSL",
		"r-pending main cn-hangzhou – Not read yet – – – –",
	}
	body := get(t, fleet(), "").Body.String()
	got := rows(t, body)
	if len(got) != len(want) {
		t.Fatalf("%d rows: %q", len(got), got)
	}
	for n := range want {
		if !strings.HasPrefix(got[n], want[n]) {
			t.Errorf("row %d\ngot  %s\nwant %s", n, got[n], want[n])
		}
	}
	for _, want := range []string{
		"1 Expired renew now 2 Critical within its own window 1 Warning within its own window 1 Upcoming within 90 days " +
			"1 Valid later 2 Not known no answer 1 SSL off nothing to expire 1 Unsupported has no SSL 2 Call failed the last one",
		"1 of 10 instances has not been read yet. The exporter reads them when Prometheus scrapes it.",
		"10 of 10 instances",
	} {
		if !strings.Contains(text(body), want) {
			t.Errorf("%q is missing in %s", want, text(body))
		}
	}
	if !strings.Contains(body, `<a href="https://example.com/ca.zip"`) {
		t.Error("no link to the CA file")
	}
	if common := get(t, overview(valid("r-a", "", day)), "").Body.String(); !strings.Contains(text(common), "1 Critical within 7 days 0 Warning within 30 days") {
		t.Errorf("the common windows are not named: %s", text(common))
	}
}

// A time.Duration ends after 292 years.
func TestADateFarAwayIsShownInWords(t *testing.T) {
	i := valid("r-a", "", 0)
	i.SSL.ExpiresAt = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	if got := rows(t, get(t, overview(i), "").Body.String())[0]; !strings.Contains(got, "Valid in 2,912,319 days 9999-12-31") {
		t.Errorf("%s", got)
	}
}

func TestTheQueryFiltersAndSorts(t *testing.T) {
	for query, want := range map[string]string{
		"?q=TEAM:orders+prod":   "carts",
		"?q=forbidden":          "r-forbidden",
		"?q=订单":                 "订单缓存",
		"?q=nothing":            "",
		"?state=critical":       "r-critical r-own",
		"?state=failing":        "订单缓存 r-forbidden",
		"?state=failing&q=RAM":  "r-forbidden",
		"?state=unheard-of":     "",
		"?sort=name":            "carts r-critical r-forbidden r-off r-old r-own r-pending r-valid search 订单缓存",
		"?sort=-name&q=r-o":     "r-own r-old r-off",
		"?sort=-expiry":         "r-valid 订单缓存 carts r-own r-critical search r-off r-old r-forbidden r-pending",
		"?sort=renewal&page=99": "carts search r-critical r-own 订单缓存 r-valid r-off r-old r-forbidden r-pending",
		"?sort=-state&q=2+min":  "r-old r-off r-valid 订单缓存 carts r-critical r-own search",
		"?sort=odd&page=odd":    "search r-critical carts r-own 订单缓存 r-valid r-off r-old r-forbidden r-pending",
	} {
		values, err := url.ParseQuery(strings.TrimPrefix(query, "?"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		body := get(t, fleet(), "?"+values.Encode()).Body.String()
		for _, row := range rows(t, body) {
			got = append(got, strings.Fields(row)[0])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
		if hidden := strings.Contains(body, `id="none" hidden`); hidden != (want != "") {
			t.Errorf("%s: the note that nothing matches is hidden: %t", query, hidden)
		}
	}
}

func TestTheHeadsOfTheColumnsAreLinks(t *testing.T) {
	body := get(t, fleet(), "?q=r&state=critical&sort=name").Body.String()
	for _, want := range []string{
		`aria-sort="ascending"><a href="./?q=r&amp;sort=-name&amp;state=critical" data-key="name">Instance`,
		`<th scope="col"><a href="./?q=r&amp;state=critical" data-key="expiry">Expires`,
		`<a class="tile critical" href="./?q=r&amp;sort=name" aria-current="true">`,
		`<a class="tile expired" href="./?q=r&amp;sort=name&amp;state=expired">`,
		`<input type="hidden" name="state" value="critical"><input type="hidden" name="sort" value="name">`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestManyRowsAreOnPages(t *testing.T) {
	var many []collector.InstanceStatus
	for n := range 2500 {
		many = append(many, valid(fmt.Sprintf("r-%04d", n), "", time.Duration(n+1)*day))
	}
	o := overview(many...)
	for query, want := range map[string]string{
		"":                   "r-0000 r-0999 2500 of 2500 instances, 1 to 1000 on this page Page 1 of 3 Next",
		"?page=2&sort=-name": "r-1499 r-0500 2500 of 2500 instances, 1001 to 2000 on this page Previous Page 2 of 3 Next",
		"?page=7":            "r-2000 r-2499 2500 of 2500 instances, 2001 to 2500 on this page Previous Page 3 of 3",
		"?q=r-24":            "r-2400 r-2499 100 of 2500 instances",
		"?q=r-2499999":       "0 of 2500 instances",
	} {
		body := get(t, o, query).Body.String()
		var got []string
		if all := rows(t, body); len(all) > 0 {
			got = append(got, strings.Fields(all[0])[0], strings.Fields(all[len(all)-1])[0])
		}
		for _, part := range []string{`(?s)<p class="count".*?( · |</p>)`, `(?s)<nav class="pages".*?</nav>`} {
			got = append(got, strings.Trim(text(regexp.MustCompile(part).FindString(body)), " ·"))
		}
		if got := strings.TrimSpace(strings.Join(got, " ")); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
		if paged := strings.Contains(want, "Page"); paged == strings.Contains(body, "data-all") {
			t.Errorf("%q: the script takes all rows as being on the page: %t", query, !paged)
		}
	}
}

func TestEveryValueIsEscaped(t *testing.T) {
	const hostile = `<img src=x onerror=alert(1)>`
	i := valid("r-a", hostile, 100*day)
	i.Account, i.Region, i.Labels = hostile, hostile, map[string]string{"team": hostile}
	i.SSL.CommonName, i.SSL.DownloadURL = hostile+"."+hostile, "javascript:alert(1)"
	i.Failure = &tair.Error{Reason: tair.ReasonOther, Code: hostile}
	quoted := valid("r-b", `"><script>alert(1)</script>`, 100*day)
	quoted.SSL.DownloadURL = `https://example.com/" onclick="alert(1)`
	o := overview(i, quoted)
	o.Regions[0].Account, o.Regions[0].Refusal = hostile, i.Failure
	o.Renewals = []collector.RenewalsStatus{{Account: hostile}}
	body := get(t, o, "?q="+url.QueryEscape(`"r- onfocus=alert(1)`)).Body.String() + get(t, o, "").Body.String()
	for _, bad := range []string{"<img src=x", "<script>", "javascript:", `" onclick`, `"r- onfocus`} {
		if strings.Contains(body, bad) {
			t.Errorf("%s is in the page", bad)
		}
	}
	if n := strings.Count(body, "&lt;img src=x onerror=alert(1)&gt;"); n < 8 {
		t.Errorf("the hostile text is there %d times only", n)
	}
}

func TestOnlyItsOwnFilesAreLoaded(t *testing.T) {
	const want = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
	w := get(t, fleet(), "")
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q", got)
	}
	if regexp.MustCompile(`(?i)\sstyle=|\son\w+=|<style|<script>`).MatchString(w.Body.String()) {
		t.Error("the page has styles or scripts inside, which its policy forbids")
	}
	var names []string
	for _, m := range regexp.MustCompile(`(?:src|rel="\w+" href)="([^"]+)"`).FindAllStringSubmatch(w.Body.String(), -1) {
		names = append(names, m[1])
		file := httptest.NewRecorder()
		page.Assets().ServeHTTP(file, httptest.NewRequest(http.MethodGet, "/"+m[1], http.NoBody))
		if file.Code != http.StatusOK || file.Header().Get("ETag") == "" || file.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: status %d, %v", m[1], file.Code, file.Header())
		}
	}
	slices.Sort(names)
	if got := strings.Join(slices.Compact(names), " "); got != "assets/icon.svg assets/page.css assets/page.js" {
		t.Errorf("the page loads %s", got)
	}
	for _, path := range []string{"/assets/", "/assets/page.html", "/assets/x/page.js", "/assets/nothing"} {
		file := httptest.NewRecorder()
		page.Assets().ServeHTTP(file, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		if file.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", path, file.Code)
		}
	}
}
