package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"tair_ssl_exporter/collector/tair/creds"
)

const maxTags = 20 // of a discovery entry

var (
	regionForm     = regexp.MustCompile(`^[a-z]{2}(-[a-z0-9]+)+$`)
	instanceIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	scheme         = regexp.MustCompile(`^https?://`)
)

// validator checks a decoded Config and fills in the defaults that depend on other keys.
type validator struct {
	*problems
	dir       string // of relative paths in the file
	lookupEnv func(string) (string, bool)
	accounts  map[string]int // name -> line of the first
	instances map[string]int // ID -> line of the first
}

func (v *validator) config(c *Config) {
	const second = model.Duration(time.Second)
	inRange(v, "refresh_interval", c.RefreshInterval, 0, 3*3600*second)
	inRange(v, "discovery_interval", c.DiscoveryInterval, 10*second, 24*3600*second)
	inRange(v, "api.timeout", c.API.Timeout, second/10, 60*second)
	inRange(v, "api.attempts", c.API.Attempts, 1, 10)
	inRange(v, "api.concurrency", c.API.Concurrency, 1, 1000)
	if !(c.API.QPS > 0 && c.API.QPS <= 10000) { // written so that NaN is refused
		v.add("api.qps", "%g is out of range, allowed: a number above 0, at most 10000", c.API.QPS)
	}
	outer := v.windows("", c.ExpiryWarning, c.ExpiryCritical, windows{})
	if len(c.Accounts) == 0 {
		v.add("accounts", "is missing or empty, allowed: a list of at least one account")
	}
	for i := range c.Accounts {
		v.account(fmt.Sprintf("accounts[%d]", i), &c.Accounts[i], len(c.Accounts) == 1, outer)
	}
}

// account checks an account; only reports whether it is the only one. Outer holds the windows around it.
func (v *validator) account(path string, a *Account, only bool, outer windows) {
	name := path + ".name"
	if only {
		a.Name = cmp.Or(a.Name, DefaultAccountName)
	} else if a.Name == "" {
		v.add(name, "is missing, only a single account may leave it out")
	}
	v.unique(v.accounts, name, a.Name)
	if !v.has(path + ".credentials") {
		a.Credentials.Type = creds.TypeDefault
	}
	v.credentials(path+".credentials", &a.Credentials)
	v.check(path+".endpoint", checkEndpoint(a.Endpoint))
	a.Network = cmp.Or(a.Network, NetworkPublic)
	if a.Network != NetworkPublic && a.Network != NetworkVPC {
		v.add(path+".network", "%s is not a network, allowed: %s, %s", quote(a.Network), NetworkPublic, NetworkVPC)
	}
	region := path + ".region"
	if a.Region != "" {
		v.check(region, CheckRegion(a.Region))
	}
	outer = v.windows(path+".", a.ExpiryWarning, a.ExpiryCritical, outer)
	for i, instance := range a.Instances {
		v.windows(fmt.Sprintf("%s.instances[%d].", path, i), instance.ExpiryWarning, instance.ExpiryCritical, outer)
		v.instance(fmt.Sprintf("%s.instances[%d]", path, i), &a.Instances[i], a.Region, v.found[region])
	}
	for i, d := range a.Discovery {
		v.windows(fmt.Sprintf("%s.discovery[%d].", path, i), d.ExpiryWarning, d.ExpiryCritical, outer)
		v.discovery(fmt.Sprintf("%s.discovery[%d]", path, i), d)
	}
	if len(a.Instances)+len(a.Discovery) == 0 && !v.found[path+".instances"] && !v.found[path+".discovery"] {
		v.add(path, "the account watches nothing, give it instances or discovery")
	}
}

// instance checks an instance and applies the region of its account. A wrong region of the account is reported once,
// and not for each of its instances.
func (v *validator) instance(path string, i *Instance, accountRegion string, regionIsWrong bool) {
	id, region := path+".id", path+".region"
	v.check(id, CheckInstanceID(i.ID))
	v.unique(v.instances, id, i.ID)
	switch {
	case i.Region != "":
		v.check(region, CheckRegion(i.Region))
	case accountRegion != "":
		i.Region = accountRegion
	case !regionIsWrong:
		v.add(region, "is missing, give it one as {id: ..., region: ...} or set the region of the account")
	}
	v.labels(path+".labels", i.Labels)
}

func (v *validator) discovery(path string, d Discovery) {
	if len(d.Regions) == 0 {
		v.add(path+".regions", `is missing or empty, allowed: a list of region IDs, or ["*"] for every region`)
	}
	for i, region := range d.Regions {
		at := fmt.Sprintf("%s.regions[%d]", path, i)
		switch {
		case region != "*":
			v.check(at, CheckRegion(region))
		case len(d.Regions) > 1:
			v.add(at, `"*" stands for every region, allowed: only alone`)
		}
		if slices.Contains(d.Regions[:i], region) {
			v.add(at, "%s is given twice, allowed: once", quote(region))
		}
	}
	if len(d.Tags) > maxTags {
		v.add(path+".tags", "has %d tags, allowed: at most %d", len(d.Tags), maxTags)
	}
	if _, empty := d.Tags[""]; empty {
		v.add(path+".tags", "a tag key is empty, allowed: the key of a tag")
	}
	v.labels(path+".labels", d.Labels)
	v.labels(path+".tag_labels", d.TagLabels)
	for name, tag := range d.TagLabels {
		if tag == "" {
			v.add(path+".tag_labels."+name, "has no tag, allowed: the key of the tag whose value the label takes")
		}
	}
}

func (v *validator) labels(path string, labels map[string]string) {
	for name := range labels {
		v.check(path+"."+name, checkLabelName(name))
	}
}

// windows are how long before its expiry a certificate counts as expiring soon, and very soon.
type windows struct{ warning, critical model.Duration }

// windows checks the windows of one level, and returns those in force there.
func (v *validator) windows(prefix string, warning, critical model.Duration, outer windows) windows {
	const hour, most = model.Duration(time.Hour), model.Duration(10 * 365 * 24 * time.Hour)
	inRange(v, prefix+"expiry_warning", warning, hour, most)
	inRange(v, prefix+"expiry_critical", critical, hour, most)
	in := windows{cmp.Or(warning, outer.warning), cmp.Or(critical, outer.critical)}
	if (warning != 0 || critical != 0) && in.critical > in.warning {
		key := "expiry_critical"
		if critical == 0 {
			key = "expiry_warning"
		}
		v.add(prefix+key, "expiry_critical (%v) is above expiry_warning (%v), allowed: at most as long", in.critical, in.warning)
	}
	return in
}

// check reports what is wrong with the value of a key, unless it is "".
func (v *validator) check(path, wrong string) {
	if wrong != "" {
		v.add(path, "%s", wrong)
	}
}

// unique reports a name or an ID that occurs before in the file. Lines has the line of the first one.
func (v *validator) unique(lines map[string]int, path, name string) {
	if lines[name] != 0 {
		v.add(path, "%s is on line %d already, allowed: once in the file", quote(name), lines[name])
	} else if name != "" {
		lines[name] = v.place(path).line
	}
}

// inRange reports a value of the file that is out of its range.
func inRange[T cmp.Ordered](v *validator, path string, value, low, high T) {
	if v.has(path) && (value < low || value > high) {
		v.add(path, "%v is out of range, allowed: %v to %v", value, low, high)
	}
}

// CheckRegion returns what is wrong with a region ID, or "".
func CheckRegion(s string) string {
	if regionForm.MatchString(s) {
		return ""
	}
	return quote(s) + " is not a region ID, allowed: one such as cn-hangzhou or us-east-1"
}

// CheckInstanceID returns what is wrong with an instance ID, or "".
func CheckInstanceID(s string) string {
	if instanceIDForm.MatchString(s) {
		return ""
	}
	return quote(s) + " is not an instance ID, allowed: 1 to 128 letters, digits, '-' and '_', such as r-bp1zxszhcgatnx"
}

// checkEndpoint allows no endpoint too, which is the default. It does not show the endpoint, which may have a password.
func checkEndpoint(s string) string {
	if s == "" || creds.IsHostPort(scheme.ReplaceAllString(s, "")) {
		return ""
	}
	return "is not an endpoint, allowed: host, host:port or http(s)://host:port, without user, path or query, port 1 to 65535"
}

// ReservedLabels returns the names that no custom label has: the exporter itself, Prometheus or the alerts set them.
func ReservedLabels() []string {
	return []string{"instance_id", "account", "region", "name", "job", "instance", "pod", "container", "endpoint", "service",
		"namespace", "node", "of", "alertname", "alertstate", "severity"}
}

// checkLabelName allows the labels that every series of the info metric can have.
func checkLabelName(s string) string {
	if slices.Contains(ReservedLabels(), s) {
		return quote(s) + " is set by the exporter itself, by Prometheus or by the alerts, allowed: any other label name, such as team"
	}
	if !model.LegacyValidation.IsValidLabelName(s) || strings.HasPrefix(s, "__") {
		return quote(s) + " is not a label name, allowed: letters, digits and '_', beginning with a letter or one '_'"
	}
	return ""
}
