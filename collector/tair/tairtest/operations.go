package tairtest

import (
	"net/http"
	"slices"
	"strings"
)

// operation answers one documented operation: a body, or an error.
type operation struct {
	params  []string // the parameters it takes
	tags    bool     // it also takes Tag.N.Key and Tag.N.Value
	perform func(a *API, c call) (any, *APIError)
}

// lookup finds an operation by name.
func lookup(action string) (operation, bool) {
	switch action {
	case "DescribeInstanceSSL":
		return operation{params: []string{"InstanceId", "RegionId"}, perform: (*API).describeInstanceSSL}, true
	case "DescribeInstances":
		return operation{
			params: []string{"RegionId", "PageNumber", "PageSize", "InstanceIds", "InstanceStatus", "SearchKey", "ResourceGroupId"},
			tags:   true, perform: (*API).describeInstances,
		}, true
	case "DescribeRegions":
		return operation{params: []string{"RegionId", "AcceptLanguage"}, perform: (*API).describeRegions}, true
	}
	return operation{}, false
}

// operate answers an accepted request.
func (a *API) operate(r *http.Request, c call) answer {
	body, apiErr := a.perform(c)
	if apiErr != nil {
		return renderError(r, *apiErr)
	}
	return render(r, http.StatusOK, CodeOK, c.action+"Response", body)
}

func (a *API) perform(c call) (any, *APIError) {
	op, known := lookup(c.action)
	if !known {
		return nil, actionNotFound()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return op.perform(a, c)
}

// checkForm refuses what no operation would take, whatever the fake was told to answer.
func checkForm(r *http.Request, c call, body []byte) *APIError {
	if len(body) > 0 {
		return invalidParameter("The body must be empty: parameters are sent in the query.")
	}
	op, known := lookup(c.action)
	if !known || r.Header.Get("x-acs-version") != Version {
		return actionNotFound()
	}
	for name := range c.params {
		tag := op.tags && strings.HasPrefix(name, "Tag.")
		// The cloud ignores what it does not know. Here it is a client's typing error, or a filter that the fake lacks.
		if !tag && !slices.Contains(op.params, name) {
			return invalidParameter("The fake does not know one of the parameters of this operation.")
		}
	}
	return nil
}

// sslBody is the success body of R-kvstore DescribeInstanceSSL (2015-01-01).
type sslBody struct {
	InstanceID      string  `json:"InstanceId" xml:"InstanceId"`
	RequestID       string  `json:"RequestId" xml:"RequestId"`
	SSLEnabled      string  `json:"SSLEnabled"`
	SSLExpiredTime  *string `json:"SSLExpiredTime,omitempty"`
	CertCommonName  string  `json:"CertCommonName,omitempty" xml:",omitempty"`
	CertDownloadURL string  `json:"CertDownloadURL,omitempty" xml:",omitempty"`
}

func (a *API) describeInstanceSSL(c call) (any, *APIError) {
	id := c.params["InstanceId"]
	if id == "" {
		return nil, &APIError{Status: 400, Code: "MissingInstanceId", Message: "InstanceId is mandatory for this action."}
	}
	i, known := a.instances[id]
	if !known || !i.visible(c.account) || c.region != i.Region {
		return nil, instanceNotFound()
	}
	return sslBody{
		InstanceID:      i.ID,
		RequestID:       requestID(),
		SSLEnabled:      i.SSLEnabled,
		SSLExpiredTime:  i.expiredTime(),
		CertCommonName:  i.CommonName,
		CertDownloadURL: i.DownloadURL,
	}, nil
}
