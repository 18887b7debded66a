package config

import (
	"cmp"
	"slices"
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
	account := Account{Name: DefaultAccountName, Credentials: creds.Config{Type: creds.TypeDefault}, Network: NetworkPublic}
	for _, arg := range args {
		region, id, found := strings.Cut(arg, "/")
		wrong := "has no '/'" + form
		if found {
			wrong = cmp.Or(checkRegion(region), checkInstanceID(id))
		}
		if wrong == "" && slices.ContainsFunc(account.Instances, func(i Instance) bool { return i.ID == id }) {
			wrong = "the instance is given twice, allowed: once"
		}
		if wrong != "" {
			errs = append(errs, Error{File: "--instance=" + quote(arg), Message: wrong})
		}
		account.Instances = append(account.Instances, Instance{ID: id, Region: region})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	cfg := Default()
	cfg.Accounts = []Account{account}
	return &cfg, nil
}
