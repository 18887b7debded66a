package config

import "strings"

// FromInstances returns the configuration of --instance=REGION/ID flags: the
// defaults and one account with the default credentials. The error is of type
// Errors, one for each flag that is wrong.
func FromInstances(args []string) (*Config, error) {
	var errs Errors
	account := Account{
		Name:        DefaultAccountName,
		Credentials: Credentials{Type: typeDefault},
		Network:     NetworkPublic,
	}
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
		seen[id] = true
		if wrong != "" {
			errs = append(errs, Error{
				File:    "--instance=" + quote(arg),
				Message: wrong + ", allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx, each ID once",
			})
			continue
		}
		account.Instances = append(account.Instances, Instance{ID: id, Region: region})
	}
	if len(args) == 0 {
		errs = Errors{{File: "--instance", Message: "is missing, allowed: REGION/ID such as cn-hangzhou/r-bp1zxszhcgatnx"}}
	}
	if len(errs) > 0 {
		return nil, errs
	}
	cfg := Default()
	cfg.Accounts = []Account{account}
	return &cfg, nil
}
