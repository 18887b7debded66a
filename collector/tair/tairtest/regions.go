package tairtest

import (
	"cmp"
	"slices"
	"strings"
)

// Region is one region of R-kvstore DescribeRegions (2015-01-01).
type Region struct {
	// ID is RegionId, "cn-hangzhou".
	ID string
	// LocalName is the display name; when empty, the field is missing.
	LocalName string
	// Endpoint is RegionEndpoint, a host with an optional port. Empty means the host of the request.
	Endpoint string
	// Zones is ZoneIds, a text with the names of the zones; when empty, the field is missing.
	Zones string
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
