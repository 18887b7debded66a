package tair

import (
	"context"
	"errors"
	"fmt"
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

const (
	maxHost    = 253 // the length of the longest host name
	maxRegions = 200 // several times as many as the cloud has
)

// DescribeRegions lists the regions, each once and sorted by ID. For a region that the API lists more than once, it takes
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
		decode: func(body []byte) (err error) {
			regions, err = decodeRegions(body)
			return err
		},
	})
	return regions, err
}

// regionsAnswer is the part of an answer that is read.
type regionsAnswer struct {
	RegionIDs struct {
		KVStoreRegion []struct {
			ID       string `json:"RegionId"`
			Endpoint string `json:"RegionEndpoint"`
		} `json:"KVStoreRegion"`
	} `json:"RegionIds"`
}

// decodeRegions reads the body of a successful answer.
func decodeRegions(body []byte) ([]Region, error) {
	var answer regionsAnswer
	if unmarshal(body, &answer) != nil {
		return nil, errNotJSON
	}
	if answer.RegionIDs.KVStoreRegion == nil {
		return nil, errors.New("RegionIds is missing")
	}
	// Requests with credentials go there, so the answer must not change https to http.
	regionEndpoint := regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?$`)
	known := map[string]Region{}
	for _, r := range answer.RegionIDs.KVStoreRegion {
		if r.ID == "" || cleanCode(r.ID) != r.ID { // it becomes part of host names
			return nil, errors.New("a RegionId is missing or malformed")
		}
		if r.Endpoint != "" && (len(r.Endpoint) > maxHost || !regionEndpoint.MatchString(r.Endpoint)) {
			return nil, errors.New("a RegionEndpoint is no host")
		}
		if known[r.ID].Endpoint == "" {
			known[r.ID] = Region{ID: r.ID, Endpoint: r.Endpoint}
		}
	}
	if len(known) > maxRegions {
		return nil, fmt.Errorf("there are over %d regions", maxRegions)
	}
	return slices.SortedFunc(maps.Values(known), func(a, b Region) int { return strings.Compare(a.ID, b.ID) }), nil
}
