package tairtest

import (
	"maps"
	"time"
)

// Instance is one simulated Tair instance: what R-kvstore DescribeInstanceSSL and DescribeInstances (2015-01-01) return
// for it.
type Instance struct {
	// ID is InstanceId.
	ID string
	// Account is the main account that owns the instance. Keys of other accounts do not see it. Empty means that all
	// accounts see it.
	Account string
	// Region is RegionId.
	Region string
	// Name is InstanceName.
	Name string

	// SSLEnabled is sent unchanged. The documented values are "Enable" and "Disable".
	SSLEnabled string
	// ExpiresAt is sent as SSLExpiredTime, in UTC with whole seconds; when zero, the field is missing.
	ExpiresAt time.Time
	// ExpiredTime replaces ExpiresAt when it is not nil. It can be empty or unreadable.
	ExpiredTime *string
	// CommonName is CertCommonName; when empty, the field is missing.
	CommonName string
	// DownloadURL is CertDownloadURL; when empty, the field is missing.
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

// clone returns a deep copy, so that the caller may change its tags while the API serves.
func (i Instance) clone() Instance {
	i.Tags = maps.Clone(i.Tags)
	if i.ExpiredTime != nil {
		text := *i.ExpiredTime
		i.ExpiredTime = &text
	}
	return i
}

// expiredTime returns SSLExpiredTime, nil when the field is missing.
func (i Instance) expiredTime() *string {
	if i.ExpiredTime != nil || i.ExpiresAt.IsZero() {
		return i.ExpiredTime
	}
	text := i.ExpiresAt.UTC().Format(timeFormat)
	return &text
}

// visibleTo reports whether keys of the account see the instance.
func (i Instance) visibleTo(account string) bool {
	return i.Account == "" || i.Account == account
}
