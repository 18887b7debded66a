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
	Port          int    // 1 to 65535, or 0 when it is not known
	Tags          map[string]string
}

// Endpoint returns the instance's host:port, or "" unless both are known.
func (i ListedInstance) Endpoint() string {
	if i.Domain == "" || i.Port == 0 {
		return ""
	}
	return net.JoinHostPort(i.Domain, strconv.Itoa(i.Port))
}

// Watchable reports whether the instance may have a certificate: not during its creation, and not
// after it failed or was released.
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

// tagKeys returns the keys of the tags by which the API filters, and those of the others.
func (f Filter) tagKeys() (api, rest []string) {
	keys := slices.Sorted(maps.Keys(f.Tags))
	n := min(len(keys), maxTagFilters)
	return keys[:n], keys[n:]
}

// params returns the parameters for the API's part of the filter.
func (f Filter) params() []param {
	var params []param
	if f.ResourceGroup != "" {
		params = append(params, param{"ResourceGroupId", f.ResourceGroup})
	}
	keys, _ := f.tagKeys()
	for i, key := range keys {
		name := "Tag." + strconv.Itoa(i+1)
		params = append(params, param{name + ".Key", key})
		if value := f.Tags[key]; value != "" {
			params = append(params, param{name + ".Value", value})
		}
	}
	return params
}

// filterRest removes the instances that do not have the tags by which the API does not filter.
func (f Filter) filterRest(instances []ListedInstance) []ListedInstance {
	_, keys := f.tagKeys()
	return slices.DeleteFunc(instances, func(i ListedInstance) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			got, tagged := i.Tags[key]
			return !tagged || f.Tags[key] != "" && got != f.Tags[key]
		})
	})
}

// DescribeInstances lists the instances of the client's region that match f, each once, sorted by ID and in every state:
// see [ListedInstance.Watchable].
//
// The API has no token for its pages, so they shift when instances come and go meanwhile. When a listing holds fewer
// instances than the API counts, a second one is read and the result holds the instances of both. So an instance that is
// deleted in between stays until the next call. When both hold too few, the result is an error and not a part of the
// instances.
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
			all := slices.SortedFunc(maps.Values(known), func(a, b ListedInstance) int { return strings.Compare(a.ID, b.ID) })
			return f.filterRest(all), nil
		}
	}
	return nil, &Error{
		Reason: ReasonInvalidResponse,
		Detail: fmt.Sprintf("TotalCount is %d but two listings hold %d instances", total, len(known)),
	}
}

// readPages reads one listing into known and returns the highest TotalCount of its pages.
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
		// With more instances than the API counts, the count is wrong and only an empty page is the end.
		if len(page.instances) == 0 || len(seen) == total {
			break
		}
	}
	return total, nil
}

// lastPage returns the number of the last page to request: two more than total instances fill.
func lastPage(total int) int {
	return min(maxPages, (total+pageSize-1)/pageSize+2)
}

// page is one page of a listing, and the TotalCount on it.
type page struct {
	total     int
	instances []ListedInstance
}

func (c *Client) page(ctx context.Context, f Filter, number int) (p page, err error) {
	err = c.call(ctx, c.listings, request{
		action: ActionDescribeInstances,
		query: canonicalQuery(append(f.params(), param{"RegionId", c.cfg.Region},
			param{"PageNumber", strconv.Itoa(number)}, param{"PageSize", strconv.Itoa(pageSize)})),
		decode: func(body []byte) (err error) {
			p, err = decodePage(body, c.cfg.Region)
			return err
		},
	})
	return p, err
}

// pageAnswer is the part of an answer that is read.
type pageAnswer struct {
	Total     json.RawMessage `json:"TotalCount"`
	Instances *struct {
		KVStoreInstance []listedInstance `json:"KVStoreInstance"`
	} `json:"Instances"`
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

// decodePage reads the body of a successful answer. It guesses nothing: a missing or wrong value is an error.
func decodePage(body []byte, region string) (page, error) {
	var answer pageAnswer
	if unmarshal(body, &answer) != nil {
		return page{}, errNotJSON
	}
	total, ok := wholeNumber(answer.Total)
	switch {
	case !ok || total < 0:
		return page{}, errors.New("TotalCount is missing or no count")
	case total > maxPages*pageSize:
		return page{}, fmt.Errorf("TotalCount is over %d", maxPages*pageSize)
	case answer.Instances == nil:
		return page{}, errors.New("the list of Instances is missing")
	case len(answer.Instances.KVStoreInstance) > pageSize:
		return page{}, fmt.Errorf("a page has over %d Instances", pageSize)
	}
	p := page{total: total, instances: make([]ListedInstance, 0, len(answer.Instances.KVStoreInstance))}
	for _, i := range answer.Instances.KVStoreInstance {
		switch {
		case i.ID == "" || len(i.ID) > maxText: // not cut: it would be another instance's
			return page{}, errors.New("an InstanceId is missing or too long")
		case i.Region != "" && i.Region != region:
			return page{}, errors.New("RegionId is not the one asked for")
		}
		p.instances = append(p.instances, i.listed(region))
	}
	return p, nil
}

// listed returns the instance without values that make no sense, and with texts cut.
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

// wholeNumber reads a number, which the API may also write as a text.
func wholeNumber(raw json.RawMessage) (n int, ok bool) {
	n, err := strconv.Atoi(strings.Trim(string(raw), `"`))
	return n, err == nil
}
