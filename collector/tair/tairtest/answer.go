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
)

const (
	contentTypeJSON = "application/json;charset=utf-8"
	contentTypeXML  = "text/xml;charset=utf-8"
)

// answer is what is sent for one request, and the code that the log gets for it.
type answer struct {
	status      int
	code        string
	contentType string
	location    string
	body        []byte
}

func (a *API) writeHeader(w http.ResponseWriter, ans answer) {
	w.Header().Set("Date", a.clock().UTC().Format(http.TimeFormat))
	if ans.contentType != "" {
		w.Header().Set("Content-Type", ans.contentType)
	}
	if ans.location != "" {
		w.Header().Set("Location", ans.location)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(ans.body)))
	w.WriteHeader(ans.status)
}

// errorBody is the documented body of every error.
type errorBody struct {
	RequestID string `json:"RequestId" xml:"RequestId"`
	HostID    string `json:"HostId" xml:"HostId"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	Recommend string `json:"Recommend"`
}

func renderError(r *http.Request, e APIError) answer {
	return render(r, e.Status, e.Code, "Error", errorBody{
		RequestID: requestID(),
		HostID:    r.Host,
		Code:      e.Code,
		Message:   e.Message,
		Recommend: "https://api.aliyun.com/troubleshoot?q=" + url.QueryEscape(e.Code) + "&product=R-kvstore",
	})
}

// render encodes a body in the format that the client accepts; name is the root element in XML.
func render(r *http.Request, status int, code, name string, body any) answer {
	var buf bytes.Buffer
	if wantsJSON(r) {
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false) // the cloud prints URLs as they are
		if err := enc.Encode(body); err != nil {
			panic(fmt.Sprintf("tairtest: encode %s: %v", name, err)) // a mistake in this package
		}
		return answer{status: status, code: code, contentType: contentTypeJSON, body: bytes.TrimSpace(buf.Bytes())}
	}
	buf.WriteString(xml.Header)
	if err := xml.NewEncoder(&buf).EncodeElement(body, xml.StartElement{Name: xml.Name{Local: name}}); err != nil {
		panic(fmt.Sprintf("tairtest: encode %s: %v", name, err))
	}
	return answer{status: status, code: code, contentType: contentTypeXML, body: buf.Bytes()}
}

// requestID is a random one in the cloud's form, an upper-case UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}
