package app

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/config"
)

// fromInstances returns the configuration of --instance=REGION/ID flags: the defaults, and one account with the default
// credentials. The error is of type config.Errors, with one for each wrong flag.
func fromInstances(args []string) (*config.Config, error) {
	const form = ", allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"
	if len(args) == 0 {
		return nil, config.Errors{{File: "--instance", Message: "is missing" + form}}
	}
	var errs config.Errors
	account := config.Account{Name: config.DefaultAccountName, Credentials: creds.Config{Type: creds.TypeDefault}, Network: config.NetworkPublic}
	for _, arg := range args {
		region, id, found := strings.Cut(arg, "/")
		wrong := "has no '/'" + form
		if found {
			wrong = cmp.Or(config.CheckRegion(region), config.CheckInstanceID(id))
		}
		if wrong == "" && slices.ContainsFunc(account.Instances, func(i config.Instance) bool { return i.ID == id }) {
			wrong = "the instance is given twice, allowed: once"
		}
		if wrong != "" {
			errs = append(errs, config.Error{File: fmt.Sprintf("--instance=%.64q", arg), Message: wrong})
		}
		account.Instances = append(account.Instances, config.Instance{ID: id, Region: region})
	}
	if len(errs) > 0 {
		return nil, errs
	}
	cfg := config.Default()
	cfg.Accounts = []config.Account{account}
	return &cfg, nil
}
