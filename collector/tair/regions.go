package tair

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// ActionDescribeRegions is the operation that lists the regions.
const ActionDescribeRegions = "DescribeRegions"

// Region is a region of the product.
type Region struct {
	ID       string
	Endpoint string // RegionEndpoint, the host or host:port of the region's API; may be ""
}

// maxHost is the length of the longest host name.
const maxHost = 253

// DescribeRegions lists the regions, each once and sorted by ID. Of a region that the API names several times it takes
// the first endpoint.
//
// The error is an [*Error], or wraps the cause of ctx when ctx ended before the request was sent.
//
// Source: R-kvstore 2015-01-01, DescribeRegions.
func (c *Client) DescribeRegions(ctx context.Context) ([]Region, error) {
	var regions []Region
	err := c.call(ctx, c.listings, request{
		action: ActionDescribeRegions,
		query:  canonicalQuery([]param{{"RegionId", c.cfg.Region}}),
		decode: func(body []byte) (requestID string, err error) {
			regions, requestID, err = decodeRegions(body)
			return requestID, err
		},
	})
	return regions, err
}

// decodeRegions reads the body of a successful answer.
func decodeRegions(body []byte) (regions []Region, requestID string, err error) {
	var answer struct {
		RequestID string `json:"RequestId"`
		RegionIDs struct {
			KVStoreRegion []struct {
				ID       string `json:"RegionId"`
				Endpoint string `json:"RegionEndpoint"`
			} `json:"KVStoreRegion"`
		} `json:"RegionIds"`
	}
	err = json.Unmarshal(body, &answer)
	requestID = cleanCode(answer.RequestID) // it is read even when another field has a foreign type
	if err != nil {
		return nil, requestID, errNotJSON
	}
	if answer.RegionIDs.KVStoreRegion == nil {
		return nil, requestID, errors.New("RegionIds is missing")
	}
	// Requests with credentials go there: never over http, whatever the answer says.
	regionEndpoint := regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)
	known := map[string]Region{}
	for _, r := range answer.RegionIDs.KVStoreRegion {
		if r.ID == "" || cleanCode(r.ID) != r.ID { // it becomes a part of host names
			return nil, requestID, errors.New("a RegionId is missing or malformed")
		}
		if r.Endpoint != "" && (len(r.Endpoint) > maxHost || !regionEndpoint.MatchString(r.Endpoint)) {
			return nil, requestID, errors.New("a RegionEndpoint is no host")
		}
		if known[r.ID].Endpoint == "" {
			known[r.ID] = Region{ID: r.ID, Endpoint: r.Endpoint}
		}
	}
	return slices.SortedFunc(maps.Values(known), func(a, b Region) int { return strings.Compare(a.ID, b.ID) }), requestID, nil
}
