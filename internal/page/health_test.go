package page_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
)

// exporterText returns what the page says about the exporter itself, and what it says above the table.
func exporterText(t *testing.T, o collector.Overview) (exporter, top string) {
	t.Helper()
	body := get(t, o, "").Body.String()
	m := regexp.MustCompile(`(?s)<main>(.*?)<form.*class="exporter">(.*)</section>`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no such block in\n%s", body)
	}
	return text(m[2]), text(m[1])
}

func TestTheExporterItselfIsShown(t *testing.T) {
	o := fleet()
	forbidden := &tair.Error{Reason: tair.ReasonForbidden, Code: "NoPermission"}
	o.Regions = []collector.RegionStatus{
		{Account: "lab", Region: collector.AllRegions, Listing: &collector.ListingState{Tried: true, Failures: []*tair.Error{forbidden}}},
		{Account: "main", Region: "cn-hangzhou", Instances: 9, QPS: 6.667, Listing: &collector.ListingState{Tried: true, SucceededAt: now.Add(-2 * day)}},
		{Account: "main", Region: "cn-shanghai", Instances: 1, QPS: 20, Refusal: &tair.Error{Reason: tair.ReasonUnauthorized, Code: "InvalidAccessKeyId.NotFound"}},
		{Account: "new", Region: "cn-beijing", QPS: 20, Listing: &collector.ListingState{}},
	}
	o.Renewals = []collector.RenewalsStatus{{Account: "main", ListingState: collector.ListingState{Tried: true, SucceededAt: now}}}
	o.Shard = collector.Shard{Index: 1, Total: 3}
	o.Reload.Failed = true
	got, top := exporterText(t, o)
	for _, want := range []string{
		"Watches 10 instances, 3 accounts, 3 regions", "Shard 1 of 3, from 0", "Discovery every entry has been tried",
		"Configuration loaded 3 days ago the last reload failed; the old one runs on. The log says why.", "Version 1.2.3",
		// Those with a problem are first.
		"Credentials lab list of regions 0 – never succeeded forbidden Allow kvstore:DescribeRegions",
		"no failure main cn-shanghai 1 20 – unauthorized Set a valid access key",
		"main cn-hangzhou 9 6.7 2 days ago no failure", "new cn-beijing 0 20 not tried yet no failure",
		"Scheduled renewals Account Listed main just now",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %s", want, got)
		}
	}
	if want := "The exporter itself has 3 problems. See what to do"; !strings.Contains(top, want) {
		t.Errorf("%q is missing in %s", want, top)
	}
	if _, top = exporterText(t, fleet()); strings.Contains(top, "problem") {
		t.Errorf("a problem without one: %s", top)
	}
}

func TestAnEmptyInventoryIsExplained(t *testing.T) {
	for want, o := range map[string]collector.Overview{
		"No instance is watched: name some in the configuration, or let discovery find them.": {Complete: true},
		"Discovery has not ended yet: reload the page in a moment.":                           {},
	} {
		if _, top := exporterText(t, o); !strings.Contains(top, want) {
			t.Errorf("%q is missing in %s", want, top)
		}
	}
}

func TestManyAccountsAreCut(t *testing.T) {
	o := fleet()
	for n := range 150 {
		o.Regions = append(o.Regions, collector.RegionStatus{Account: fmt.Sprintf("more-%03d", n), Region: "cn-hangzhou", QPS: 20})
	}
	o.Regions[150].Refusal = &tair.Error{Reason: tair.ReasonCredentials}
	got, _ := exporterText(t, o)
	if !strings.Contains(got, "more-149") || strings.Contains(got, "more-148") || !strings.Contains(got, "51 more without a line here") {
		t.Errorf("not the 100 with a problem first: %s", got)
	}
}
