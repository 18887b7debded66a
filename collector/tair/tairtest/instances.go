package tairtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// maxTagFilters is the largest N of Tag.N.Key.
const maxTagFilters = 5

// instancesBody is the success body of R-kvstore DescribeInstances (2015-01-01).
type instancesBody struct {
	RequestID  string `json:"RequestId" xml:"RequestId"`
	PageNumber int    `json:"PageNumber"`
	PageSize   int    `json:"PageSize"`
	TotalCount int    `json:"TotalCount"`
	Instances  struct {
		KVStoreInstance []listedInstance `json:"KVStoreInstance"`
	} `json:"Instances"`
}

type listedInstance struct {
	InstanceID       string `json:"InstanceId" xml:"InstanceId"`
	InstanceName     string `json:"InstanceName"`
	InstanceStatus   string `json:"InstanceStatus"`
	ConnectionDomain string `json:"ConnectionDomain"`
	Port             int    `json:"Port"`
	RegionID         string `json:"RegionId" xml:"RegionId"`
	ResourceGroupID  string `json:"ResourceGroupId" xml:"ResourceGroupId"`
	EngineVersion    string `json:"EngineVersion"`
	ArchitectureType string `json:"ArchitectureType"`
	Tags             struct {
		Tag []listedTag `json:"Tag"`
	} `json:"Tags"`
}

type listedTag struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// describeInstances lists instances sorted by ID, so that pages shift only when instances appear or disappear.
func (a *API) describeInstances(c call) (any, *APIError) {
	if c.params["RegionId"] == "" {
		return nil, &APIError{Status: 400, Code: "MissingParameter", Message: "RegionId is mandatory for this action."}
	}
	page, apiErr := pageParams(c.params, 30, 50)
	if apiErr != nil {
		return nil, apiErr
	}
	tags, apiErr := tagFilter(c.params)
	if apiErr != nil {
		return nil, apiErr
	}

	body := instancesBody{RequestID: requestID(), PageNumber: page.number, PageSize: page.size}
	body.Instances.KVStoreInstance = []listedInstance{} // an empty page is [], not null
	for _, i := range a.inRegion(c.region) {
		if !i.visibleTo(c.account) || !matches(i, c.params) || !hasTags(i, tags) {
			continue
		}
		if page.contains(body.TotalCount) {
			body.Instances.KVStoreInstance = append(body.Instances.KVStoreInstance, newListedInstance(i))
		}
		body.TotalCount++
	}
	return body, nil
}

// inRegion returns the instances of a region, sorted by ID. It keeps the sorted lists until an instance changes, because
// a list of thousands of instances is read in many pages. The caller holds API.mu.
func (a *API) inRegion(region string) []Instance {
	if a.byRegion == nil {
		a.byRegion = make(map[string][]Instance)
		for _, i := range a.instances {
			a.byRegion[i.Region] = append(a.byRegion[i.Region], i)
		}
		for _, all := range a.byRegion {
			slices.SortFunc(all, func(x, y Instance) int { return strings.Compare(x.ID, y.ID) })
		}
	}
	return a.byRegion[region]
}

func newListedInstance(i Instance) listedInstance {
	item := listedInstance{
		InstanceID:       i.ID,
		InstanceName:     i.Name,
		InstanceStatus:   status(i),
		ConnectionDomain: cmp.Or(i.ConnectionDomain, i.ID+".redis.rds.aliyuncs.com"),
		Port:             cmp.Or(i.Port, 6379),
		RegionID:         i.Region,
		ResourceGroupID:  i.ResourceGroupID,
		EngineVersion:    "7.0",
		ArchitectureType: "standard",
	}
	item.Tags.Tag = []listedTag{}
	for key, value := range i.Tags {
		item.Tags.Tag = append(item.Tags.Tag, listedTag{key, value})
	}
	slices.SortFunc(item.Tags.Tag, func(x, y listedTag) int { return strings.Compare(x.Key, y.Key) })
	return item
}

func status(i Instance) string { return cmp.Or(i.Status, "Normal") }

// matches applies all filters but the tags. An empty filter matches every instance.
func matches(i Instance, params map[string]string) bool {
	wants := func(name, have string) bool { return params[name] == "" || params[name] == have }
	if ids := params["InstanceIds"]; ids != "" && !slices.Contains(strings.Split(ids, ","), i.ID) {
		return false
	}
	key := params["SearchKey"]
	return wants("InstanceStatus", status(i)) && wants("ResourceGroupId", i.ResourceGroupID) &&
		(strings.Contains(i.ID, key) || strings.Contains(i.Name, key))
}

// tagFilter reads Tag.N.Key and Tag.N.Value into a map from key to value.
func tagFilter(params map[string]string) (map[string]string, *APIError) {
	filter := make(map[string]string)
	for name := range params {
		rest, ok := strings.CutPrefix(name, "Tag.")
		if !ok {
			continue
		}
		number, field, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxTagFilters || number != strconv.Itoa(n) || field != "Key" && field != "Value" {
			return nil, invalidParameter("Tags are sent as Tag.N.Key and Tag.N.Value with N from 1 to 5.")
		}
		key := params["Tag."+number+".Key"]
		if key == "" {
			return nil, invalidParameter("A Tag.N.Value needs its Tag.N.Key.")
		}
		filter[key] = params["Tag."+number+".Value"]
	}
	return filter, nil
}

// hasTags reports whether the instance has all tags of the filter. An empty value matches any value.
func hasTags(i Instance, filter map[string]string) bool {
	for key, want := range filter {
		have, ok := i.Tags[key]
		if !ok || want != "" && have != want {
			return false
		}
	}
	return true
}
