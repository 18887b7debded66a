package calendar_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-ical"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/advice"
	"tair_ssl_exporter/internal/calendar"
)

var now = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func instance(id, name, team string, left time.Duration) collector.InstanceStatus {
	i := collector.InstanceStatus{
		ID: id, Account: "main", Region: "cn-hangzhou", Name: name, Labels: map[string]string{"env": "prod"}, Known: true, AnsweredAt: now,
		SSL: tair.SSL{Supported: true, Enabled: true, ExpiresAt: now.Add(left)},
	}
	if team != "" {
		i.Labels["team"] = team
	}
	return i
}

func overview(instances ...collector.InstanceStatus) collector.Overview {
	return collector.Overview{At: now, Complete: true, LabelNames: []string{"env", "team"}, Instances: instances}
}

func ask(o collector.Overview, query string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	calendar.Handler(func() collector.Overview { return o }).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/calendar.ics"+query, http.NoBody))
	return w
}

// events returns the events of the calendar by their UIDs, as another library than the product's reads them. That one also
// checks the calendar: it writes it again.
func events(t *testing.T, o collector.Overview, query string) map[string]ical.Event {
	t.Helper()
	w := ask(o, query)
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/calendar; charset=utf-8" {
		t.Fatalf("status %d, %v: %s", w.Code, w.Header(), w.Body)
	}
	text := w.Body.String()
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !strings.HasPrefix(line, " ") && !strings.Contains(line, ":") {
			t.Errorf("line %q", line)
		}
	}
	c, err := ical.NewDecoder(strings.NewReader(text)).Decode()
	if err != nil {
		t.Fatalf("%v:\n%s", err, text)
	}
	if err := ical.NewEncoder(&strings.Builder{}).Encode(c); err != nil {
		t.Errorf("%v:\n%s", err, text)
	}
	all := make(map[string]ical.Event)
	for _, e := range c.Events() {
		all[property(t, e, ical.PropUID)] = e
	}
	if len(all) != len(c.Events()) {
		t.Errorf("a UID is there twice:\n%s", text)
	}
	return all
}

func property(t *testing.T, e ical.Event, name string) string {
	t.Helper()
	text, err := e.Props.Text(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestExpiriesAndRenewalsAreEvents(t *testing.T) {
	carts := instance("r-carts", "carts; a, \\b\r\n订单缓存订单缓存订单缓存订单缓存订单缓存订单缓存", "orders,eu", 20*day)
	carts.Renewal = &tair.Renewal{SwitchTime: now.Add(10 * day), Deadline: now.Add(17 * day)}
	late := instance("r-late", "", "", 3*day)
	late.Renewal = &tair.Renewal{SwitchTime: now.Add(4 * day)}
	stale := instance("r-stale", "", "", 40*day)
	stale.Failure = &tair.Error{Reason: tair.ReasonForbidden, Code: "Forbidden.RAM"}
	off, gone := instance("r-off", "", "", 0), instance("r-gone", "", "", 0)
	off.SSL = tair.SSL{Supported: true}
	gone.Known, gone.SSL, gone.Failure = false, tair.SSL{}, &tair.Error{Reason: tair.ReasonNotFound}
	got := events(t, overview(carts, late, stale, off, gone), "")
	const name = `carts; a, \b  订单缓存订单缓存订单缓存订单缓存订单缓存订单缓存 (r-carts)`
	for uid, want := range map[string]struct{ start, end, summary, description, categories string }{
		"r-carts.expiry@tair-ssl-exporter": {
			"20260524", "20260525", "TLS certificate expires: " + name,
			"Instance: " + name + ", account main, region cn-hangzhou\nExpires: 2026-05-24 12:00 UTC\nA renewal is scheduled: 2026-05-14 12:00 UTC.",
			"env:prod team:orders,eu",
		},
		"r-carts.renewal@tair-ssl-exporter": {
			"20260514T120000Z", "", "TLS certificate renewal: " + name,
			"Instance: " + name + ", account main, region cn-hangzhou\nThe cloud renews the certificate. Connections break for a moment.\n" +
				"It can be moved until 2026-05-21 12:00 UTC, in the console.",
			"env:prod team:orders,eu",
		},
		"r-late.expiry@tair-ssl-exporter": {
			"20260507", "20260508", "TLS certificate expires: r-late",
			"Instance: r-late, account main, region cn-hangzhou\nExpires: 2026-05-07 12:00 UTC\n" +
				"Move the scheduled renewal before the expiry: it is at 2026-05-08 12:00 UTC.",
			"env:prod",
		},
		"r-late.renewal@tair-ssl-exporter": {
			"20260508T120000Z", "", "TLS certificate renewal: r-late",
			"Instance: r-late, account main, region cn-hangzhou\nThe cloud renews the certificate. Connections break for a moment.",
			"env:prod",
		},
		"r-stale.expiry@tair-ssl-exporter": {
			"20260613", "20260614", "TLS certificate expires: r-stale",
			"Instance: r-stale, account main, region cn-hangzhou\nExpires: 2026-06-13 12:00 UTC\n" +
				"Renew the certificate before, in a booked window: that restarts the instance.\n" +
				"The latest call failed (forbidden); this was read at 2026-05-04 12:00 UTC. " + advice.For(stale),
			"env:prod",
		},
	} {
		e, ok := got[uid]
		if !ok {
			t.Errorf("%s is missing", uid)
			continue
		}
		delete(got, uid)
		end := ""
		if e.Props.Get(ical.PropDateTimeEnd) != nil {
			end = e.Props.Get(ical.PropDateTimeEnd).Value
		}
		if start := e.Props.Get(ical.PropDateTimeStart).Value; start != want.start || end != want.end {
			t.Errorf("%s: from %s to %s, want %s to %s", uid, start, end, want.start, want.end)
		}
		if s, d := property(t, e, ical.PropSummary), property(t, e, ical.PropDescription); s != want.summary || d != want.description {
			t.Errorf("%s: %s\n%q, want %s\n%q", uid, s, d, want.summary, want.description)
		}
		var categories []string
		for _, p := range e.Props.Values(ical.PropCategories) {
			list, err := p.TextList()
			if err != nil {
				t.Error(err)
			}
			categories = append(categories, list...)
		}
		if c := strings.Join(categories, " "); c != want.categories {
			t.Errorf("%s: categories %q, want %q", uid, c, want.categories)
		}
		if stamp := e.Props.Get(ical.PropDateTimeStamp).Value; stamp != "20260504T120000Z" {
			t.Errorf("%s: DTSTAMP %s", uid, stamp)
		}
	}
	if len(got) > 0 {
		t.Errorf("more events: %v", got)
	}
}

func TestARenewalMovesTheEvent(t *testing.T) {
	const uid = "r-a.expiry@tair-ssl-exporter"
	before := events(t, overview(instance("r-a", "", "", 5*day)), "")
	after := events(t, overview(instance("r-a", "", "", 370*day)), "")
	if len(before) != 1 || len(after) != 1 {
		t.Fatalf("%d events before, %d after", len(before), len(after))
	}
	sequence := func(e ical.Event) int {
		n, err := e.Props.Get(ical.PropSequence).Int()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if b, a := sequence(before[uid]), sequence(after[uid]); a <= b || b <= 0 {
		t.Errorf("SEQUENCE %d before, %d after", b, a)
	}
}

func TestLabelsChooseTheEvents(t *testing.T) {
	both := instance("r-both", "", "payments", day)
	both.Labels["env"] = "test"
	o := overview(instance("r-pay", "", "payments", day), instance("r-order", "", "orders", day), instance("r-none", "", "", day), both)
	for query, want := range map[string]string{
		"":                                       "r-both r-none r-order r-pay",
		"?label=team:payments":                   "r-both r-pay",
		"?label=team:payments&label=env:prod":    "r-pay",
		"?label=team:payments&label=team:orders": "r-both r-order r-pay",
		"?label=team:nobody":                     "",
	} {
		var ids []string
		for uid := range events(t, o, query) {
			ids = append(ids, strings.TrimSuffix(uid, ".expiry@tair-ssl-exporter"))
		}
		slices.Sort(ids)
		if got := strings.Join(ids, " "); got != want {
			t.Errorf("%q: %s, want %s", query, got, want)
		}
	}
}

func TestWhatCannotBeAnsweredIsSaid(t *testing.T) {
	pending := instance("r-b", "", "", day)
	pending.Known, pending.Pending, pending.SSL = false, true, tair.SSL{}
	broken := instance("r-c", "", "", day)
	broken.Known, broken.SSL, broken.Failure = false, tair.SSL{}, &tair.Error{Reason: tair.ReasonCredentials}
	known := instance("r-a", "", "", day)
	early := overview(known)
	early.Complete = false
	for _, c := range []struct {
		o      collector.Overview
		query  string
		status int
		want   string
	}{
		{overview(known), "?label=payments", 400, `label="payments": must be a label and its value, such as label=team:payments`},
		{overview(known), "?label=team:", 400, `label="team:": must be a label and its value, such as label=team:payments`},
		{overview(known), "?label=a%0Ab", 400, `label="a\nb": must be a label and its value, such as label=team:payments`},
		{overview(known), "?label=tema:payments", 400, `label="tema:payments": there is no custom label "tema", only these: env, team`},
		{overview(known, pending), "", 503, "not ready: 1 of 2 instances have not been read yet; the exporter reads them when it is scraped"},
		{overview(broken), "", 503, "not ready: no instance could be read; the status page says why"},
		{early, "", 503, "not ready: discovery has not ended yet"},
	} {
		w := ask(c.o, c.query)
		if w.Code != c.status || w.Body.String() != c.want+"\n" {
			t.Errorf("%s: status %d, %q; want %d, %q", c.query, w.Code, w.Body, c.status, c.want)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (c.status == 503) {
			t.Errorf("%s: Retry-After %q", c.query, retry)
		}
	}
	if n := len(events(t, overview(known, broken), "")); n != 1 {
		t.Errorf("%d events: one instance that cannot be read must not hide the others", n)
	}
}
