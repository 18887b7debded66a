package tairtest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// operation is one operation of the API.
type operation struct {
	params  []string // allowed parameters
	tags    bool     // Tag.N.Key and Tag.N.Value are allowed, too
	perform func(a *API, c call) (any, *APIError)
}

// lookup returns the operation of that name.
func lookup(action string) (operation, bool) {
	switch action {
	case "DescribeInstanceSSL":
		return operation{params: []string{"InstanceId", "RegionId"}, perform: (*API).describeInstanceSSL}, true
	case "DescribeInstances":
		return operation{
			params: []string{"RegionId", "PageNumber", "PageSize", "InstanceIds", "InstanceStatus", "SearchKey", "ResourceGroupId"},
			tags:   true, perform: (*API).describeInstances,
		}, true
	case "DescribeActiveOperationTasks":
		return operation{
			params:  []string{"Region", "TaskType", "Status", "ProductId", "DbType", "InsName", "PageNumber", "PageSize"},
			perform: (*API).describeActiveOperationTasks,
		}, true
	case "DescribeRegions":
		return operation{params: []string{"RegionId", "AcceptLanguage"}, perform: (*API).describeRegions}, true
	}
	return operation{}, false
}

// checkParameters refuses a request with a body, an unknown operation or an unknown parameter.
func checkParameters(r *http.Request, c call, body []byte) *APIError {
	if len(body) > 0 {
		return invalidParameter("The body must be empty: parameters are sent in the query.")
	}
	op, known := lookup(c.action)
	if !known || r.Header.Get("x-acs-version") != Version {
		return actionNotFound()
	}
	for name := range c.params {
		tag := op.tags && strings.HasPrefix(name, "Tag.")
		// The cloud ignores unknown parameters. In a test they are a typing error, or a filter that the fake lacks.
		if !tag && !slices.Contains(op.params, name) {
			return invalidParameter("The fake does not know one of the parameters of this operation.")
		}
	}
	return nil
}

// perform runs the operation of an accepted request.
func (a *API) perform(r *http.Request, c call) response {
	op, known := lookup(c.action)
	if !known {
		return renderError(r, *actionNotFound())
	}
	a.mu.Lock()
	body, apiErr := op.perform(a, c)
	a.mu.Unlock()
	if apiErr != nil {
		return renderError(r, *apiErr)
	}
	return render(r, http.StatusOK, CodeOK, c.action+"Response", body)
}

// page is one page of a list.
type page struct {
	number, size int // number starts at 1
}

// pageParams reads PageNumber and PageSize.
func pageParams(params map[string]string, defaultSize, maxSize int) (page, *APIError) {
	number, apiErr := intParam(params, "PageNumber", 1, 1<<31-1)
	if apiErr != nil {
		return page{}, apiErr
	}
	size, apiErr := intParam(params, "PageSize", defaultSize, maxSize)
	return page{number, size}, apiErr
}

// contains reports whether the item with that index, from 0, is on the page.
func (p page) contains(index int) bool {
	return index/p.size == p.number-1
}

// intParam reads a whole number from 1 to limit.
func intParam(params map[string]string, name string, absent, limit int) (int, *APIError) {
	text, ok := params[name]
	if !ok {
		return absent, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > limit {
		return 0, invalidParameter(name + " must be a whole number from 1 to " + strconv.Itoa(limit) + ".")
	}
	return n, nil
}
