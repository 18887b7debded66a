package config

import (
	"strings"

	"tair_ssl_exporter/collector/tair/creds"
)

// FromInstances returns the configuration of --instance=REGION/ID flags: the defaults, and one account with the default
// credentials. The error is of type Errors, with one for each wrong flag.
func FromInstances(args []string) (*Config, error) {
	const form = ", allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"
	if len(args) == 0 {
		return nil, Errors{{File: "--instance", Message: "is missing" + form}}
	}
	var errs Errors
	var instances []Instance
	seen := map[string]bool{}
	for _, arg := range args {
		region, id, found := strings.Cut(arg, "/")
		wrong := ""
		switch {
		case !found:
			wrong = "has no '/'"
		case checkRegion(region) != "":
			wrong = quote(region) + " is not a region ID"
		case checkInstanceID(id) != "":
			wrong = quote(id) + " is not an instance ID"
		case seen[id]:
			wrong = "the instance is given twice"
		}
		if wrong != "" {
			errs = append(errs, Error{File: "--instance=" + quote(arg), Message: wrong + form + ", each ID once"})
		}
		seen[id] = true
		instances = append(instances, Instance{ID: id, Region: region})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	cfg := Default()
	cfg.Accounts = []Account{{
		Name: DefaultAccountName, Credentials: creds.Config{Type: creds.TypeDefault}, Network: NetworkPublic, Instances: instances,
	}}
	return &cfg, nil
}
