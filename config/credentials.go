package config

import (
	"path/filepath"
	"strings"

	"tair_ssl_exporter/collector/tair/creds"
)

// credentials completes and checks the credentials of an account. No error shows a value.
func (v *validator) credentials(path string, c *creds.Config) {
	variables := map[string]string{} // path of a key -> variable of the environment with its value
	for s, at := c, path; s != nil; s, at = s.Source, at+".source" {
		fromEnv, unset := s.FillRRSA(v.lookupEnv)
		for key, variable := range fromEnv {
			variables[at+"."+key] = variable
		}
		if unset != nil {
			v.add(at, "role_arn, oidc_provider_arn and oidc_token_file are left out, but the environment lacks %s, "+
				"give the keys or set the variables", strings.Join(unset, ", "))
		}
	}
	report := func(path, wrong string) {
		if variable := variables[path]; variable != "" && wrong != "" {
			wrong = "the environment variable " + variable + " is wrong: " + wrong
		}
		if !v.found[path+"_file"] { // the file of a secret that is missing without it
			v.check(path, wrong)
		}
	}
	*c = c.WithDefaults()
	for _, p := range c.Validate() {
		report(path+"."+p.Key, p.Message)
	}
	for s, at := c, path; s != nil; s, at = s.Source, at+".source" {
		for key, file := range s.SecretFiles() {
			if *file == "" {
				continue
			}
			if !filepath.IsAbs(*file) && variables[at+"."+key] == "" {
				*file = filepath.Join(v.dir, *file)
			}
			report(at+"."+key, creds.CheckSecretFile(*file))
		}
	}
}
