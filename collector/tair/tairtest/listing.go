package tairtest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultPageSize = 30
	maxPageSize     = 50
	maxTagFilters   = 5
)

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

// describeInstances lists in the order of IDs, so that pages only shift when instances come and go between two calls.
func (a *API) describeInstances(c call) (any, *APIError) {
	if c.params["RegionId"] == "" {
		return nil, &APIError{Status: 400, Code: "MissingParameter", Message: "RegionId is mandatory for this action."}
	}
	number, apiErr := intParam(c.params, "PageNumber", 1, 1<<31-1)
	if apiErr != nil {
		return nil, apiErr
	}
	size, apiErr := intParam(c.params, "PageSize", defaultPageSize, maxPageSize)
	if apiErr != nil {
		return nil, apiErr
	}
	tags, apiErr := tagFilter(c.params)
	if apiErr != nil {
		return nil, apiErr
	}

	body := instancesBody{RequestID: requestID(), PageNumber: number, PageSize: size}
	body.Instances.KVStoreInstance = []listedInstance{} // an empty page is [], not null
	first := (number - 1) * size
	for _, i := range a.inRegion(c.region) {
		if !i.visible(c.account) || !matches(i, c.params) || !tagged(i, tags) {
			continue
		}
		if body.TotalCount >= first && body.TotalCount < first+size {
			body.Instances.KVStoreInstance = append(body.Instances.KVStoreInstance, list(i))
		}
		body.TotalCount++
	}
	return body, nil
}

// inRegion gives the instances of a region in the order of IDs. They are sorted once and not for each page: a large fleet
// has thousands of pages. API.mu must be held.
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

func list(i Instance) listedInstance {
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

// matches applies the filters other than tags; an empty one matches any instance.
func matches(i Instance, params map[string]string) bool {
	wants := func(name, have string) bool { return params[name] == "" || params[name] == have }
	if ids := params["InstanceIds"]; ids != "" && !slices.Contains(strings.Split(ids, ","), i.ID) {
		return false
	}
	key := params["SearchKey"]
	return wants("InstanceStatus", status(i)) && wants("ResourceGroupId", i.ResourceGroupID) &&
		(strings.Contains(i.ID, key) || strings.Contains(i.Name, key))
}

// tagFilter reads Tag.N.Key and Tag.N.Value. All tags must match; an empty value matches any.
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

func tagged(i Instance, filter map[string]string) bool {
	for key, want := range filter {
		have, ok := i.Tags[key]
		if !ok || want != "" && have != want {
			return false
		}
	}
	return true
}

// intParam reads a whole number from 1 to most.
func intParam(params map[string]string, name string, absent, most int) (int, *APIError) {
	text, ok := params[name]
	if !ok {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, invalidParameter(name + " must be a whole number from 1 to " + strconv.Itoa(most) + ".")
	}
	return n, nil
}

// regionsBody is the success body of R-kvstore DescribeRegions (2015-01-01).
type regionsBody struct {
	RequestID string `json:"RequestId" xml:"RequestId"`
	RegionIDs struct {
		KVStoreRegion []listedRegion `json:"KVStoreRegion"`
	} `json:"RegionIds" xml:"RegionIds"`
}

type listedRegion struct {
	RegionID       string `json:"RegionId" xml:"RegionId"`
	LocalName      string `json:"LocalName,omitempty" xml:",omitempty"`
	RegionEndpoint string `json:"RegionEndpoint"`
	ZoneIDs        string `json:"ZoneIds,omitempty" xml:"ZoneIds,omitempty"`
}

func (a *API) describeRegions(c call) (any, *APIError) {
	regions := a.regions
	if regions == nil {
		for _, i := range a.instances {
			regions = append(regions, Region{ID: i.Region})
		}
		slices.SortFunc(regions, func(x, y Region) int { return strings.Compare(x.ID, y.ID) })
		regions = slices.Compact(regions)
	}
	body := regionsBody{RequestID: requestID()}
	body.RegionIDs.KVStoreRegion = []listedRegion{}
	for _, region := range regions {
		body.RegionIDs.KVStoreRegion = append(body.RegionIDs.KVStoreRegion, listedRegion{
			RegionID: region.ID, LocalName: region.LocalName, RegionEndpoint: cmp.Or(region.Endpoint, c.host), ZoneIDs: region.Zones,
		})
	}
	return body, nil
}
