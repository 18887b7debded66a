package tairtest

import (
	"maps"
	"time"
)

// Instance is one simulated Tair instance, with what R-kvstore DescribeInstanceSSL and DescribeInstances (2015-01-01) say
// about it.
type Instance struct {
	// ID is InstanceId.
	ID string
	// Account is the main account that owns the instance. When set, keys of other accounts do not see it.
	Account string
	// Region is RegionId.
	Region string
	// Name is InstanceName.
	Name string

	// SSLEnabled is sent as it is. The documented values are "Enable" and "Disable".
	SSLEnabled string
	// ExpiresAt is sent as SSLExpiredTime, in UTC with whole seconds.
	ExpiresAt time.Time
	// ExpiredTime, when not nil, is sent as SSLExpiredTime instead, so that an empty or unreadable one can be served.
	// When it is nil and ExpiresAt is zero, the field is missing.
	ExpiredTime *string
	// CommonName is CertCommonName; the field is missing when empty.
	CommonName string
	// DownloadURL is CertDownloadURL; the field is missing when empty.
	DownloadURL string

	// Status is InstanceStatus; empty means "Normal".
	Status string
	// ConnectionDomain is the internal endpoint; empty means <ID>.redis.rds.aliyuncs.com.
	ConnectionDomain string
	// Port is the port of ConnectionDomain; 0 means 6379.
	Port int
	// ResourceGroupID is ResourceGroupId.
	ResourceGroupID string
	// Tags are the instance's tags.
	Tags map[string]string
}

// Region is one entry of R-kvstore DescribeRegions (2015-01-01).
type Region struct {
	// ID is RegionId.
	ID string
	// LocalName is the name for humans; the field is missing when empty.
	LocalName string
	// Endpoint is RegionEndpoint, a host with an optional port. Empty means the host that the request was sent to.
	Endpoint string
	// Zones is ZoneIds, the text that names the zones; the field is missing when empty.
	Zones string
}

// clone keeps later changes of the caller's tags out of the fake, where they would race with requests.
func (i Instance) clone() Instance {
	i.Tags = maps.Clone(i.Tags)
	if i.ExpiredTime != nil {
		text := *i.ExpiredTime
		i.ExpiredTime = &text
	}
	return i
}

// expiredTime is SSLExpiredTime, nil when the field is missing.
func (i Instance) expiredTime() *string {
	if i.ExpiredTime != nil || i.ExpiresAt.IsZero() {
		return i.ExpiredTime
	}
	text := i.ExpiresAt.UTC().Format(timeFormat)
	return &text
}

// visible tells whether keys of the account see the instance.
func (i Instance) visible(account string) bool {
	return i.Account == "" || i.Account == account
}
