package tair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// ActionDescribeActiveOperationTasks is the operation that lists the maintenance events of an account.
const ActionDescribeActiveOperationTasks = "DescribeActiveOperationTasks"

const (
	eventPageSize = 100                       // the most that the API takes
	maxEventPages = 100                       // of one listing
	taskSSLUpdate = "rds_apsaradb_ssl_update" // the TaskType of a certificate update

	statusPending    = 3
	statusInProgress = 4
)

// Renewal is an update of an instance's certificate that the cloud has scheduled.
type Renewal struct {
	EventID    int64
	InstanceID string
	SwitchTime time.Time // when the update happens; the zero time when the API's text is no date
	Deadline   time.Time // the latest time that the update can be moved to; zero when the API does not name one
}

// Readable reports whether the dates of the event are dates.
func (r Renewal) Readable() bool { return !r.SwitchTime.IsZero() }

// DescribeRenewals lists the certificate updates of the account in all regions that are pending or in progress, each once
// and in the order of their event IDs. One whose dates cannot be read is among them: see [Renewal.Readable].
//
// The error is an [*Error], or wraps the cause of ctx when ctx ended before the next page was requested.
//
// Source: R-kvstore 2015-01-01, DescribeActiveOperationTasks, as the official SDK v7.6.0 sends it.
func (c *Client) DescribeRenewals(ctx context.Context) ([]Renewal, error) {
	known := map[int64]Renewal{} // an event can go from pending to in progress between two pages
	for _, status := range []int{statusPending, statusInProgress} {
		for number := 1; ; number++ {
			page, err := c.eventPage(ctx, status, number)
			if err != nil {
				return nil, err
			}
			for _, r := range page.renewals {
				known[r.EventID] = r
			}
			if page.items == 0 || number*eventPageSize >= page.total || number == maxEventPages {
				break
			}
		}
	}
	renewals := make([]Renewal, 0, len(known))
	for _, id := range slices.Sorted(maps.Keys(known)) {
		renewals = append(renewals, known[id])
	}
	return renewals, nil
}

// eventPage is one page of maintenance events.
type eventPage struct {
	total, items int
	renewals     []Renewal
}

func (c *Client) eventPage(ctx context.Context, status, number int) (p eventPage, err error) {
	err = c.call(ctx, c.events, request{
		action: ActionDescribeActiveOperationTasks,
		query: canonicalQuery([]param{
			{"Region", "all"}, {"ProductId", "Redis"}, {"DbType", "redis"}, {"TaskType", taskSSLUpdate},
			{"Status", strconv.Itoa(status)}, {"PageNumber", strconv.Itoa(number)}, {"PageSize", strconv.Itoa(eventPageSize)},
		}),
		decode: func(body []byte) (err error) {
			p, err = decodeEventPage(body)
			return err
		},
	})
	return p, err
}

// eventsAnswer is the part of an answer that is read.
type eventsAnswer struct {
	Total json.RawMessage `json:"TotalRecordCount"`
	Items *[]struct {
		ID         json.RawMessage `json:"Id"`
		InstanceID string          `json:"InsName"`
		TaskType   string          `json:"TaskType"`
		Status     json.RawMessage `json:"Status"`
		SwitchTime string          `json:"SwitchTime"`
		Deadline   string          `json:"Deadline"`
	} `json:"Items"`
}

// decodeEventPage reads the body of a successful answer. Events of other kinds are left out, whatever was requested.
func decodeEventPage(body []byte) (eventPage, error) {
	var answer eventsAnswer
	if unmarshal(body, &answer) != nil {
		return eventPage{}, errNotJSON
	}
	total, ok := wholeNumber(answer.Total)
	switch {
	case !ok || total < 0:
		return eventPage{}, errors.New("TotalRecordCount is missing or no count")
	case total > maxEventPages*eventPageSize:
		return eventPage{}, fmt.Errorf("TotalRecordCount is over %d", maxEventPages*eventPageSize)
	case answer.Items == nil:
		return eventPage{}, errors.New("the list of Items is missing")
	case len(*answer.Items) > eventPageSize:
		return eventPage{}, fmt.Errorf("a page has over %d Items", eventPageSize)
	}
	p := eventPage{total: total, items: len(*answer.Items)}
	for _, item := range *answer.Items {
		id, hasID := wholeNumber(item.ID)
		status, hasStatus := wholeNumber(item.Status)
		switch {
		case !hasID || !hasStatus || item.InstanceID == "" || len(item.InstanceID) > maxText:
			return eventPage{}, errors.New("an Id, Status or InsName is missing or malformed")
		case item.TaskType != taskSSLUpdate, status != statusPending && status != statusInProgress:
			continue
		}
		p.renewals = append(p.renewals, newRenewal(int64(id), item.InstanceID, item.SwitchTime, item.Deadline))
	}
	return p, nil
}

// newRenewal reads the dates of an event. When one of them is no date, the event has none.
func newRenewal(id int64, instanceID, switchTime, deadline string) Renewal {
	r := Renewal{EventID: id, InstanceID: instanceID}
	at, readable := eventTime(switchTime)
	latest := time.Time{}
	if readable && deadline != "" {
		latest, readable = eventTime(deadline)
	}
	if readable {
		r.SwitchTime, r.Deadline = at, latest
	}
	return r
}

func eventTime(s string) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil && t.Unix() > 0
}
