package tairtest

import (
	"crypto/rand"
	"maps"
	"time"
)

// Demo is an API with simulated instances in every state, and the accounts to watch them with.
type Demo struct {
	// API serves the instances.
	API *API
	// Accounts are the accounts for the configuration.
	Accounts []DemoAccount
}

// DemoAccount is one account of a Demo.
type DemoAccount struct {
	// Name is the account's name, and the Account of Key.
	Name string
	// Key is a random access key that the API accepts.
	Key Key
	// Instances are the instances to watch.
	Instances []DemoInstance
	// Discover holds the tags that find all existing Instances by discovery; nil means no discovery.
	Discover map[string]string
}

// DemoInstance is one instance of a DemoAccount.
type DemoInstance struct {
	// ID is the instance ID.
	ID string
	// Region is the region ID.
	Region string
	// Name is the display name.
	Name string
	// Labels are the custom labels.
	Labels map[string]string
	// State is one of the Demo constants, DemoValid to DemoThrottled.
	State string
}

// The states of a DemoInstance.
const (
	DemoValid       = "valid"       // the certificate expires in more than 30 days
	DemoExpiring    = "expiring"    // the certificate expires within 30 days
	DemoCritical    = "critical"    // the certificate expires within 7 days
	DemoExpired     = "expired"     // the certificate has expired
	DemoDisabled    = "disabled"    // SSL is off
	DemoUnsupported = "unsupported" // this kind of instance has no SSL
	DemoDeleted     = "deleted"     // the API does not find the instance
	DemoForbidden   = "forbidden"   // the account lacks the RAM permission
	DemoThrottled   = "throttled"   // the first call succeeds, all later calls are throttled
)

const (
	demoHangzhou  = "cn-hangzhou"
	demoSingapore = "ap-southeast-1"
	demoStaging   = "staging" // the account with discovery
	// demoLatency is a usual latency of the cloud, so that durations in the dashboards look real.
	demoLatency = 30 * time.Millisecond
	// demoRequests limits the request log of a demo that runs for days.
	demoRequests = 1000
)

// demoRow is one instance of the demo.
type demoRow struct {
	account, id, region, name, team, env, state string
	days                                        int // until the certificate expires; 0: no certificate
	renewal                                     int // days until the scheduled update of the certificate; 0: none
}

// demoRows returns the instances of the demo. One of the certificates that expire soon is updated in time, one too late,
// and one not at all. The throttled instance is alone in its account and region, because throttling
// slows down all calls of an account and region.
func demoRows() []demoRow {
	const prod, staging = "production", demoStaging
	return []demoRow{
		{prod, "r-bp1demo7k2mxq4wz", demoHangzhou, "sessions", "identity", "prod", DemoValid, 200, 0},
		{prod, "r-bp1demo3f9tya6hd", demoHangzhou, "订单缓存", "orders", "prod", DemoValid, 60, 0},
		{prod, "r-bp1demo8c5vnr1le", demoHangzhou, "payments", "payments", "prod", DemoExpiring, 25, 12},
		{prod, "r-bp1demo1b6wnh5ye", demoHangzhou, "carts", "orders", "prod", DemoExpiring, 14, 16},
		{prod, "r-bp1demo2g6pbs9uj", demoHangzhou, "inventory", "orders", "prod", DemoCritical, 5, 0},
		{prod, "r-bp1demo4x8wkd3oi", demoHangzhou, "legacy-feed", "", "prod", DemoUnsupported, 0, 0},
		{prod, "r-bp1demo9z1qme7ct", demoHangzhou, "audit", "security", "prod", DemoForbidden, 200, 0},
		{prod, "r-gs5demo6h3ryl2vf", demoSingapore, "search", "search", "prod", DemoExpired, -3, 0},
		{prod, "r-gs5demo1n7jtc8xa", demoSingapore, "feature-flags", "", "prod", DemoDisabled, 0, 0},
		{staging, "r-bp1demo5s4dgu9ob", demoHangzhou, "sessions-staging", "identity", "staging", DemoValid, 120, 0},
		{staging, "r-bp1demo0w2khf6yn", demoHangzhou, "scratch", "", "staging", DemoDisabled, 0, 0},
		{staging, "r-bp1demo6t8xvz3pq", demoHangzhou, "load-test", "payments", "staging", DemoDeleted, 0, 0},
		{staging, "r-gs5demo3m1cbe5rw", demoSingapore, "reports", "search", "staging", DemoThrottled, 90, 0},
	}
}

// NewDemo returns a new Demo with new keys. Certificates expire relative to now(); nil means time.Now.
func NewDemo(now func() time.Time) *Demo {
	if now == nil {
		now = time.Now
	}
	d := &Demo{API: New(Options{Now: now, Latency: demoLatency, KeepRequests: demoRequests})}
	start := now()
	index := make(map[string]int)
	for _, row := range demoRows() {
		i, known := index[row.account]
		if !known {
			i = len(d.Accounts)
			index[row.account] = i
			key := demoKey(row.account)
			d.API.SetKey(key)
			account := DemoAccount{Name: row.account, Key: key}
			if row.account == demoStaging {
				account.Discover = map[string]string{"env": row.env}
			}
			d.Accounts = append(d.Accounts, account)
		}
		labels := map[string]string{"env": row.env}
		if row.team != "" {
			labels["team"] = row.team
		}
		d.Accounts[i].Instances = append(d.Accounts[i].Instances, DemoInstance{
			ID: row.id, Region: row.region, Name: row.name, Labels: labels, State: row.state,
		})
		d.addInstance(row, labels, start)
	}
	d.API.SetEvents(demoEvents(start)...)
	return d
}

// demoEvents returns the scheduled updates of the certificates, each at two in the morning.
func demoEvents(start time.Time) (events []Event) {
	for n, row := range demoRows() {
		if row.renewal == 0 {
			continue
		}
		at := start.UTC().Truncate(24*time.Hour).AddDate(0, 0, row.renewal).Add(2 * time.Hour)
		events = append(events, Event{
			Account: row.account, ID: int64(n + 1), InsName: row.id, InsComment: row.name, Region: row.region,
			StartTime: at.Add(-4 * time.Hour).Format(time.RFC3339), SwitchTime: at.Format(time.RFC3339),
			Deadline: at.AddDate(0, 0, 7).Format(time.RFC3339),
		})
	}
	return events
}

// addInstance adds one instance to the API, with the faults of its state.
func (d *Demo) addInstance(row demoRow, tags map[string]string, start time.Time) {
	if row.state == DemoDeleted {
		return
	}
	i := Instance{
		ID: row.id, Account: row.account, Region: row.region, Name: row.name, Tags: maps.Clone(tags),
		SSLEnabled: "Disable",
	}
	switch row.state {
	case DemoUnsupported:
		d.API.SetFault(row.id, Fault{Error: &APIError{Status: 403, Code: "IncorrectEngineVersion",
			Message: "The engine version of this instance does not support the operation."}})
	case DemoForbidden:
		d.API.SetFault(row.id, Fault{Error: &APIError{Status: 403, Code: "Forbidden.RAM",
			Message: "User not authorized to operate on the specified resource."}})
	case DemoThrottled:
		d.API.SetFault(row.id, Fault{After: 1, Error: &APIError{Status: 400, Code: "Throttling.User",
			Message: "Request was denied due to user flow control."}})
	}
	if row.days != 0 {
		i.SSLEnabled = "Enable"
		i.ExpiresAt = start.AddDate(0, 0, row.days)
		i.CommonName = row.id + ".redis.rds.aliyuncs.com"
		i.DownloadURL = "https://apsaradb-public.oss-" + row.region + ".aliyuncs.com/ApsaraDB-CA-Chain.zip"
	}
	d.API.SetInstance(i)
}

// demoKey returns a random key in the form of a real one.
func demoKey(account string) Key {
	return Key{Account: account, AccessKeyID: "LTAIdemo" + rand.Text()[:16], AccessKeySecret: rand.Text()}
}
