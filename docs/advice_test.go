package docs_test

import (
	"testing"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/advice"
	"tair_ssl_exporter/internal/apptest"
)

// The exporter and the runbooks give the same advice.
func TestRunbooksHaveTheAdviceForEveryReason(t *testing.T) {
	english, chinese := apptest.Read(t, "docs/runbooks.md"), apptest.Read(t, "docs/runbooks.zh-CN.md")
	for _, reason := range append(tair.Reasons(), collector.ReasonPending) {
		apptest.Contains(t, english, "| `"+string(reason)+"` | "+advice.ForReason(reason)+" |\n")
		apptest.Contains(t, chinese, "| `"+string(reason)+"` | ")
	}
}
