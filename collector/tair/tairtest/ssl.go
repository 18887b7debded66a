package tairtest

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
	if !known || !i.visibleTo(c.account) || c.region != i.Region {
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
