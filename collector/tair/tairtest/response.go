package tairtest

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

const (
	contentTypeJSON = "application/json;charset=utf-8"
	contentTypeXML  = "text/xml;charset=utf-8"
)

// response is the response to one request.
type response struct {
	status      int
	code        string // for the request log
	contentType string
	location    string
	body        []byte
}

func (a *API) writeHeader(w http.ResponseWriter, resp response) {
	w.Header().Set("Date", a.clock().UTC().Format(http.TimeFormat))
	if resp.contentType != "" {
		w.Header().Set("Content-Type", resp.contentType)
	}
	if resp.location != "" {
		w.Header().Set("Location", resp.location)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(resp.body)))
	w.WriteHeader(resp.status)
}

// errorBody is the documented body of every error.
type errorBody struct {
	RequestID string `json:"RequestId" xml:"RequestId"`
	HostID    string `json:"HostId" xml:"HostId"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	Recommend string `json:"Recommend"`
}

func renderError(r *http.Request, e APIError) response {
	return render(r, e.Status, e.Code, "Error", errorBody{
		RequestID: requestID(),
		HostID:    r.Host,
		Code:      e.Code,
		Message:   e.Message,
		Recommend: "https://api.aliyun.com/troubleshoot?q=" + url.QueryEscape(e.Code) + "&product=R-kvstore",
	})
}

// render encodes a body as JSON, or as XML with the root element name.
func render(r *http.Request, status int, code, name string, body any) response {
	var buf bytes.Buffer
	if acceptsJSON(r) {
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false) // the cloud does not escape & in URLs
		if err := enc.Encode(body); err != nil {
			panic(fmt.Sprintf("tairtest: encode %s: %v", name, err)) // a mistake in this package
		}
		return response{status: status, code: code, contentType: contentTypeJSON, body: bytes.TrimSpace(buf.Bytes())}
	}
	buf.WriteString(xml.Header)
	if err := xml.NewEncoder(&buf).EncodeElement(body, xml.StartElement{Name: xml.Name{Local: name}}); err != nil {
		panic(fmt.Sprintf("tairtest: encode %s: %v", name, err))
	}
	return response{status: status, code: code, contentType: contentTypeXML, body: buf.Bytes()}
}

// acceptsJSON reports whether the client asks for JSON. The cloud's older products, such as this one, default to XML.
func acceptsJSON(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(value, ",") {
			kind, _, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "application/json") {
				return true
			}
		}
	}
	return false
}

// requestID returns a random request ID in the cloud's form, an upper-case UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
