package once

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/internal/advice"
)

// object is an instance in JSON. What is not known is absent.
type object struct {
	InstanceID string            `json:"instance_id"`
	Account    string            `json:"account"`
	Region     string            `json:"region"`
	Name       string            `json:"name,omitempty"`
	Labels     map[string]string `json:"labels,omitempty"`
	State      string            `json:"state"`

	ScrapeSuccess bool       `json:"scrape_success"`
	LastSuccess   *time.Time `json:"last_success,omitempty"`
	Reason        string     `json:"reason,omitempty"`
	Code          string     `json:"code,omitempty"`
	Advice        string     `json:"advice,omitempty"`

	Supported       *bool      `json:"supported,omitempty"`
	UnsupportedCode string     `json:"unsupported_code,omitempty"`
	Enabled         *bool      `json:"enabled,omitempty"`
	Expiry          *time.Time `json:"certificate_expiry,omitempty"`
	ExpiresIn       *int64     `json:"certificate_expires_in_seconds,omitempty"`
	DaysLeft        *int       `json:"days_left,omitempty"`
	CommonName      string     `json:"common_name,omitempty"`
	DownloadURL     string     `json:"download_url,omitempty"`

	RenewalScheduled *time.Time `json:"renewal_scheduled,omitempty"`
	RenewalDeadline  *time.Time `json:"renewal_deadline,omitempty"`
}

// WriteJSON writes the report for scripts: an array with an object for each instance, the soonest expiry first.
func (r *Report) WriteJSON(w io.Writer) error {
	objects := make([]object, len(r.Instances))
	for n := range r.Instances {
		objects[n] = r.object(&r.Instances[n])
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(objects); err != nil {
		return fmt.Errorf("writing the instances as JSON: %w", err)
	}
	return nil
}

func (r *Report) object(i *collector.InstanceStatus) object {
	o := object{
		InstanceID: i.ID, Account: i.Account, Region: i.Region, Name: i.Name, Labels: i.Labels, State: r.state(i),
		ScrapeSuccess: isRead(i), Advice: advice.For(*i),
	}
	if !o.ScrapeSuccess {
		o.Reason = o.State
	}
	if i.Failure != nil {
		o.Code = i.Failure.Code
	}
	if i.Known {
		o.LastSuccess, o.Supported, o.Enabled = inSeconds(i.AnsweredAt), &i.SSL.Supported, &i.SSL.Enabled
		o.UnsupportedCode = i.SSL.UnsupportedCode
	}
	if i.SSL.Enabled {
		seconds, days := i.SSL.ExpiresAt.Unix()-r.At.Unix(), r.daysLeft(i)
		o.Expiry, o.ExpiresIn, o.DaysLeft = inSeconds(i.SSL.ExpiresAt), &seconds, &days
		o.CommonName, o.DownloadURL = i.SSL.CommonName, i.SSL.DownloadURL
	}
	if i.Renewal != nil {
		o.RenewalScheduled, o.RenewalDeadline = inSeconds(i.Renewal.SwitchTime), inSeconds(i.Renewal.Deadline)
	}
	return o
}

// inSeconds returns a time in UTC without parts of a second; nil for the zero time.
func inSeconds(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Second)
	return &t
}
