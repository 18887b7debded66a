package config

import (
	"fmt"
	"time"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// config reads the root of the file.
func (w *walker) config(v value) *Config {
	c := Default()
	given, ok := v.fields("a mapping", []field{
		{"refresh_interval", duration(&c.RefreshInterval, 0, model.Duration(3*time.Hour))},
		{"keep_last", duration(&c.KeepLast, 0, noLimit)},
		{"discovery_interval", duration(&c.DiscoveryInterval, model.Duration(10*time.Second), model.Duration(24*time.Hour))},
		{"api", func(v value) { w.api(v, &c.API) }},
		{"accounts", func(v value) { c.Accounts = w.accountList(v) }},
	})
	if ok && !given.has("accounts") {
		v.missing("accounts", "allowed: a list of at least one account")
	}
	return &c
}

func (w *walker) api(v value, api *API) {
	v.fields("a mapping", []field{
		{"timeout", duration(&api.Timeout, model.Duration(100*time.Millisecond), model.Duration(time.Minute))},
		{"attempts", integer(&api.Attempts, 1, 10)},
		{"concurrency", integer(&api.Concurrency, 1, 1000)},
		{"qps", positive(&api.QPS, 1000)},
	})
}

func (w *walker) accountList(v value) []Account {
	var accounts []Account
	length, ok := v.list("a list of accounts", func(item value) {
		accounts = append(accounts, w.account(item, len(v.node.Content) == 1))
	})
	if ok && length == 0 {
		v.failf("is empty, allowed: a list of at least one account")
	}
	return accounts
}

// account reads one account; only tells whether it is the only one of the file.
func (w *walker) account(v value, only bool) Account {
	a := Account{Credentials: Credentials{Type: typeDefault}, Network: NetworkPublic}
	listed, selected, regionGiven := 0, 0, false
	given, ok := v.fields("a mapping", []field{
		{"name", textInto(&a.Name)},
		{"credentials", func(v value) { a.Credentials = w.credentials(v, 0) }},
		{"endpoint", textMatching(&a.Endpoint, checkEndpoint)},
		{"network", textMatching(&a.Network, checkNetwork)},
		{"region", func(v value) {
			regionGiven = true
			textMatching(&a.Region, checkRegion)(v)
		}},
		{"instances", func(v value) { listed = w.instances(v, &a, regionGiven) }},
		{"discovery", func(v value) { selected = w.discoveries(v, &a) }},
	})
	if !ok {
		return a
	}
	w.accountName(v, &a, given, only)
	if listed == 0 && selected == 0 {
		v.failf("the account watches nothing, give it instances or discovery")
	}
	return a
}

// accountName checks that the name is unique, or fills it in.
func (w *walker) accountName(v value, a *Account, given present, only bool) {
	at, named := given["name"]
	switch {
	case !named && only:
		a.Name = DefaultAccountName
	case !named:
		v.missing("name", "only a single account may leave it out")
	case a.Name != "":
		if first, twice := w.accounts[a.Name]; twice {
			at.failf("%s is the name of the account on line %d already, allowed: a name of its own", quote(a.Name), first)
			return
		}
		w.accounts[a.Name] = at.node.Line
	}
}

// instances reads the listed instances and returns how many there are, the
// refused ones included, or 1 when that is not known.
func (w *walker) instances(v value, a *Account, regionGiven bool) int {
	length, ok := v.list("a list of instances", func(item value) {
		if instance, ok := w.instance(item, a.Region, regionGiven); ok {
			a.Instances = append(a.Instances, instance)
		}
	})
	if !ok {
		return 1
	}
	return length
}

// instance reads one instance: its ID, or a mapping. The region is the one of
// the account; regionGiven without a region means that it was refused already,
// which is not reported again for each instance.
func (w *walker) instance(v value, region string, regionGiven bool) (Instance, bool) {
	i := Instance{Region: region}
	id := textMatching(&i.ID, checkInstanceID)
	at := v
	if v.node.Kind == yaml.ScalarNode {
		id(v)
	} else {
		given, ok := v.fields("an instance ID or a mapping", []field{
			{"id", id},
			{"region", textMatching(&i.Region, checkRegion)},
			{"name", textInto(&i.Name)},
			{"labels", texts(&i.Labels, func(name, _ string) string { return checkLabelName(name) })},
		})
		if !ok {
			return i, false
		}
		if !given.has("id") {
			v.missing("id", "allowed: an instance ID such as r-bp1zxszhcgatnx")
		} else {
			at = given["id"]
		}
		regionGiven = regionGiven || given.has("region")
	}
	if i.Region == "" && !regionGiven {
		v.failf("the instance has no region, give it one as {id: ..., region: ...} or set the region of the account")
	}
	if first, twice := w.instanceIDs[i.ID]; twice && i.ID != "" {
		at.failf("%s is listed on line %d already, allowed: once in the file", quote(i.ID), first)
	} else if i.ID != "" {
		w.instanceIDs[i.ID] = at.node.Line
	}
	return i, true
}

// discoveries reads the discovery entries and returns how many there are, like instances.
func (w *walker) discoveries(v value, a *Account) int {
	length, ok := v.list("a list of discovery entries", func(item value) {
		a.Discovery = append(a.Discovery, w.discovery(item))
	})
	if !ok {
		return 1
	}
	return length
}

// maxTags is how many tags the API takes to select instances by.
const maxTags = 20

// regionsAllowed says what the regions of a discovery entry are.
const regionsAllowed = `a list of region IDs, or ["*"] for every region`

func (w *walker) discovery(v value) Discovery {
	var d Discovery
	given, ok := v.fields("a mapping", []field{
		{"regions", func(v value) { d.Regions = w.regions(v) }},
		{"tags", texts(&d.Tags, func(key, _ string) string { return checkTagKey(key) })},
		{"resource_group", textMatching(&d.ResourceGroup, func(string) string { return "" })},
		{"labels", texts(&d.Labels, func(name, _ string) string { return checkLabelName(name) })},
		{"tag_labels", texts(&d.TagLabels, checkTagLabel)},
	})
	if ok && !given.has("regions") {
		v.missing("regions", "allowed: "+regionsAllowed)
	}
	if len(d.Tags) > maxTags {
		given["tags"].failf("has %d tags, allowed: at most %d", len(d.Tags), maxTags)
	}
	return d
}

func (w *walker) regions(v value) []string {
	var regions []string
	seen := map[string]bool{}
	length, ok := v.list(regionsAllowed, func(item value) {
		region, ok := item.text()
		switch {
		case !ok:
			return
		case region == "*":
			if len(v.node.Content) > 1 {
				item.failf(`"*" stands for every region, allowed: only alone`)
			}
		case checkRegion(region) != "":
			item.failf("%s", checkRegion(region))
		case seen[region]:
			item.failf("%s is given twice, allowed: once", quote(region))
		}
		seen[region] = true
		regions = append(regions, region)
	})
	if ok && length == 0 {
		v.failf("is empty, allowed: %s", regionsAllowed)
	}
	return regions
}

func checkTagKey(key string) string {
	if key == "" {
		return "a tag key is empty, allowed: the key of a tag"
	}
	return ""
}

func checkTagLabel(name, tag string) string {
	if wrong := checkLabelName(name); wrong != "" {
		return wrong
	}
	if tag == "" {
		return fmt.Sprintf("label %s has no tag, allowed: the key of the tag whose value it takes", quote(name))
	}
	return ""
}
