package tair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
)

// ActionDescribeInstances is the operation that lists instances.
const ActionDescribeInstances = "DescribeInstances"

const (
	pageSize      = 50   // the most that the API takes
	maxPages      = 2000 // of one listing
	maxTagFilters = 5    // the most that the API takes
)

// ListedInstance is one instance as the API lists it.
type ListedInstance struct {
	ID            string
	Name          string // InstanceName
	Status        string // InstanceStatus
	Region        string
	ResourceGroup string // ResourceGroupId
	Domain        string // ConnectionDomain
	Port          int    // 0 when the API gave none that makes sense
	Tags          map[string]string
}

// Endpoint is the instance's host:port, "" unless both are known.
func (i ListedInstance) Endpoint() string {
	if i.Domain == "" || i.Port == 0 {
		return ""
	}
	return net.JoinHostPort(i.Domain, strconv.Itoa(i.Port))
}

// Watchable reports whether the instance is in a state in which it may have a certificate: it is neither about to
// come nor gone for good.
func (i ListedInstance) Watchable() bool {
	switch i.Status {
	case "Creating", "Released", "Error":
		return false
	default:
		return true
	}
}

// Filter narrows a listing. The zero Filter matches every instance.
type Filter struct {
	Tags          map[string]string // all must match; an empty value matches any
	ResourceGroup string
}

// tagKeys returns the keys of the tags, sorted.
func (f Filter) tagKeys() []string { return slices.Sorted(maps.Keys(f.Tags)) }

// params returns what the API filters by: the resource group and the first five tags.
func (f Filter) params() []param {
	var params []param
	if f.ResourceGroup != "" {
		params = append(params, param{"ResourceGroupId", f.ResourceGroup})
	}
	keys := f.tagKeys()
	for i, key := range keys[:min(len(keys), maxTagFilters)] {
		name := "Tag." + strconv.Itoa(i+1)
		params = append(params, param{name + ".Key", key})
		if value := f.Tags[key]; value != "" {
			params = append(params, param{name + ".Value", value})
		}
	}
	return params
}

// rest returns the part of the filter that is left for us: the tags behind the first five.
func (f Filter) rest() Filter {
	keys := f.tagKeys()
	rest := Filter{Tags: make(map[string]string)}
	for _, key := range keys[min(len(keys), maxTagFilters):] {
		rest.Tags[key] = f.Tags[key]
	}
	return rest
}

// matchesTags reports whether an instance has every tag of the filter.
func (f Filter) matchesTags(i ListedInstance) bool {
	for key, want := range f.Tags {
		if got, tagged := i.Tags[key]; !tagged || want != "" && got != want {
			return false
		}
	}
	return true
}

// DescribeInstances lists the instances of the client's region that match f, each once and sorted by ID, in whatever
// state they are: see [ListedInstance.Watchable].
//
// The API has no token for its pages, so they shift when instances come and go meanwhile. A listing that holds fewer
// instances than the API counts is therefore read a second time, and what either holds is returned (an instance that went
// in between goes with the next listing). When even that is too few, the result is an error and not a part of the fleet.
//
// The error is an [*Error], or wraps the cause of ctx when ctx ended before the next page was requested.
//
// Source: R-kvstore 2015-01-01, DescribeInstances.
func (c *Client) DescribeInstances(ctx context.Context, f Filter) ([]ListedInstance, error) {
	known := map[string]ListedInstance{}
	total := 0
	for range 2 {
		var err error
		if total, err = c.readPages(ctx, f, known); err != nil {
			return nil, err
		}
		if len(known) >= total {
			return matching(known, f.rest()), nil
		}
	}
	return nil, &Error{
		Reason: ReasonInvalidResponse,
		Detail: fmt.Sprintf("TotalCount is %d but two listings hold %d instances", total, len(known)),
	}
}

// matching returns the instances that have the tags of a filter, sorted by ID.
func matching(known map[string]ListedInstance, f Filter) []ListedInstance {
	matches := slices.DeleteFunc(slices.Collect(maps.Values(known)), func(i ListedInstance) bool { return !f.matchesTags(i) })
	slices.SortFunc(matches, func(a, b ListedInstance) int { return strings.Compare(a.ID, b.ID) })
	return matches
}

// readPages reads one listing into known and returns the highest count of instances that the API named meanwhile.
func (c *Client) readPages(ctx context.Context, f Filter, known map[string]ListedInstance) (total int, err error) {
	seen := map[string]struct{}{} // in this listing
	for number := 1; number <= lastPage(total); number++ {
		page, err := c.page(ctx, f, number)
		if err != nil {
			return 0, err
		}
		total = max(total, page.total)
		for _, i := range page.instances {
			known[i.ID] = i
			seen[i.ID] = struct{}{}
		}
		// When there are more than the API counts, the count is wrong, and only an empty page is the end.
		if len(page.instances) == 0 || len(seen) == total {
			break
		}
	}
	return total, nil
}

// lastPage is the number of the last page worth asking for: two more than total instances fill.
func lastPage(total int) int {
	return min(maxPages, (total+pageSize-1)/pageSize+2)
}

// page is one page of a listing.
type page struct {
	total     int
	instances []ListedInstance
}

func (c *Client) page(ctx context.Context, f Filter, number int) (p page, err error) {
	err = c.call(ctx, c.listings, request{
		action: ActionDescribeInstances,
		query: canonicalQuery(append(f.params(), param{"RegionId", c.cfg.Region},
			param{"PageNumber", strconv.Itoa(number)}, param{"PageSize", strconv.Itoa(pageSize)})),
		decode: func(body []byte) (requestID string, err error) {
			p, requestID, err = decodePage(body, c.cfg.Region)
			return requestID, err
		},
	})
	return p, err
}

// listedInstance is an element of Instances.KVStoreInstance.
type listedInstance struct {
	ID            string          `json:"InstanceId"`
	Name          string          `json:"InstanceName"`
	Status        string          `json:"InstanceStatus"`
	Region        string          `json:"RegionId"`
	ResourceGroup string          `json:"ResourceGroupId"`
	Domain        string          `json:"ConnectionDomain"`
	Port          json.RawMessage `json:"Port"`
	Tags          struct {
		Tag []struct {
			Key   string `json:"Key"`
			Value string `json:"Value"`
		} `json:"Tag"`
	} `json:"Tags"`
}

// decodePage reads the body of a successful answer. Nothing is guessed: what does not make sense is an error.
func decodePage(body []byte, region string) (p page, requestID string, err error) {
	var answer struct {
		RequestID string          `json:"RequestId"`
		Total     json.RawMessage `json:"TotalCount"`
		Instances *struct {
			KVStoreInstance []listedInstance `json:"KVStoreInstance"`
		} `json:"Instances"`
	}
	err = json.Unmarshal(body, &answer)
	requestID = cleanCode(answer.RequestID) // it is read even when another field has a foreign type
	if err != nil {
		return page{}, requestID, errNotJSON
	}
	total, ok := wholeNumber(answer.Total)
	switch {
	case !ok || total < 0:
		return page{}, requestID, errors.New("TotalCount is missing or no count")
	case total > maxPages*pageSize:
		return page{}, requestID, fmt.Errorf("TotalCount is over %d", maxPages*pageSize)
	case answer.Instances == nil:
		return page{}, requestID, errors.New("the list of Instances is missing")
	}
	p = page{total: total, instances: make([]ListedInstance, 0, len(answer.Instances.KVStoreInstance))}
	for _, i := range answer.Instances.KVStoreInstance {
		switch {
		case i.ID == "" || len(i.ID) > maxText: // not cut: it would be another instance's
			return page{}, requestID, errors.New("an InstanceId is missing or too long")
		case i.Region != "" && i.Region != region:
			return page{}, requestID, errors.New("RegionId is not the one asked for")
		}
		p.instances = append(p.instances, i.listed(region))
	}
	return p, requestID, nil
}

// listed is the instance as a caller gets it.
func (i listedInstance) listed(region string) ListedInstance {
	port, ok := wholeNumber(i.Port)
	if !ok || port < 1 || port > 65535 {
		port = 0
	}
	tags := make(map[string]string, len(i.Tags.Tag))
	for _, t := range i.Tags.Tag {
		tags[cut(t.Key)] = cut(t.Value)
	}
	return ListedInstance{
		ID: i.ID, Name: cut(i.Name), Status: cut(i.Status), Region: region, ResourceGroup: cut(i.ResourceGroup),
		Domain: cut(i.Domain), Port: port, Tags: tags,
	}
}

// wholeNumber reads a number that the API may also write as a text.
func wholeNumber(raw json.RawMessage) (n int, ok bool) {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	return n, err == nil
}
