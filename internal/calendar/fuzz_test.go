package calendar_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-ical"
)

// FuzzLabel: whatever is asked for, and whatever an instance is called, the answer is a calendar or a refusal.
func FuzzLabel(f *testing.F) {
	f.Add("team:payments", "sessions")
	f.Add("team", "订单缓存")
	f.Add(":", "a;b,c\\d\r\nEND:VCALENDAR")
	f.Add("team:\x00", strings.Repeat("é", 100))
	f.Fuzz(func(t *testing.T, label, name string) {
		w := ask(overview(instance("r-1", strings.ToValidUTF8(name, ""), "payments", day)), "?label="+url.QueryEscape(label))
		if w.Code == http.StatusBadRequest {
			return
		}
		c, err := ical.NewDecoder(w.Body).Decode()
		if err != nil || w.Code != http.StatusOK || len(c.Events()) > 1 {
			t.Fatalf("status %d, %v", w.Code, err)
		}
	})
}
