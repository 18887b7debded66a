package page_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/page"
)

// BenchmarkPage shows the time of a page; 1,000 rows are to take less than 100 ms.
func BenchmarkPage(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var all []collector.InstanceStatus
			for i := range n {
				s := valid(fmt.Sprintf("r-bp1%013d", i), fmt.Sprintf("cache-%d", i), time.Duration(i)*time.Hour)
				s.Labels = map[string]string{"env": "prod", "team": "payments"}
				s.SSL.DownloadURL = "https://apsaradb-public.oss-cn-hangzhou.aliyuncs.com/ApsaraDB-CA-Chain.zip"
				if i%10 == 0 {
					s.Failure = &tair.Error{Reason: tair.ReasonThrottled, Code: "Throttling.User"}
				}
				all = append(all, s)
			}
			o := overview(all...)
			handler, err := page.New(page.Options{Overview: func() collector.Overview { return o }, TelemetryPath: "/metrics"})
			if err != nil {
				b.Fatal(err)
			}
			request := httptest.NewRequest(http.MethodGet, "/?sort=name&q=r-bp1", http.NoBody)
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, request)
				b.SetBytes(int64(w.Body.Len()))
			}
		})
	}
}
