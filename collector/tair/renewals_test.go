package tair

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tair_ssl_exporter/collector/tair/tairtest"
)

func TestRenewals(t *testing.T) {
	const (
		first  = "2030-08-05T02:00:00Z"
		latest = "2030-08-12T02:00:00Z"
	)
	at, deadline := time.Date(2030, 8, 5, 2, 0, 0, 0, time.UTC), time.Date(2030, 8, 12, 2, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name  string
		event tairtest.Event
		want  []Renewal
	}{
		{"pending", tairtest.Event{SwitchTime: first, Deadline: latest}, []Renewal{{1, "r-a", at, deadline}}},
		{"in progress", tairtest.Event{Status: 4, SwitchTime: first}, []Renewal{{1, "r-a", at, time.Time{}}}},
		{"canceled", tairtest.Event{Status: 7, SwitchTime: first}, nil},
		{"another task", tairtest.Event{TaskType: "rds_apsaradb_ha", SwitchTime: first}, nil},
		{"another account", tairtest.Event{Account: "other", SwitchTime: first}, nil},
		{"no date", tairtest.Event{SwitchTime: "soon", Deadline: latest}, []Renewal{{EventID: 1, InstanceID: "r-a"}}},
		{"no time at all", tairtest.Event{}, []Renewal{{EventID: 1, InstanceID: "r-a"}}},
		{"the deadline is no date", tairtest.Event{SwitchTime: first, Deadline: "later"}, []Renewal{{EventID: 1, InstanceID: "r-a"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
				c.event.ID, c.event.InsName, c.event.Region = 1, "r-a", "cn-shanghai"
				r.api.SetEvents(c.event)
				got, err := r.client.DescribeRenewals(t.Context())
				if err != nil || !slices.Equal(got, c.want) {
					t.Errorf("got %+v, error %v, want %+v", got, err, c.want)
				}
			})
		})
	}
}

func TestRenewalsOfManyPages(t *testing.T) {
	inBubble(t, ClientConfig{}, func(t *testing.T, r *rig) {
		var events []tairtest.Event
		for i := range 250 {
			events = append(events, tairtest.Event{
				ID: int64(i + 1), InsName: fmt.Sprintf("r-%03d", i), Region: testRegion, SwitchTime: "2030-08-05T02:00:00Z", Status: 3 + i/201,
			})
		}
		r.api.SetEvents(events...)
		got, err := r.client.DescribeRenewals(t.Context())
		if err != nil || len(got) != 250 || got[249].InstanceID != "r-249" {
			t.Errorf("%d renewals, error %v", len(got), err)
		}
		r.wantRequests(4) // 201 pending ones on three pages, 49 in progress on one
	})
}

func TestAnswersWithoutRenewals(t *testing.T) {
	for body, want := range map[string]string{
		`{"TotalRecordCount":0,"Items":[]}`:                             "",
		`{}`:                                                            "TotalRecordCount is missing or no count",
		`{"TotalRecordCount":-1,"Items":[]}`:                            "TotalRecordCount is missing or no count",
		`{"TotalRecordCount":10001,"Items":[]}`:                         "TotalRecordCount is over 10000",
		`{"TotalRecordCount":1}`:                                        "the list of Items is missing",
		`{"TotalRecordCount":1,"Items":{"Item":[]}}`:                    "the body is not the JSON of the operation",
		`{"TotalRecordCount":1,"Items":[{"Id":1,"Status":3}]}`:          "an Id, Status or InsName is missing or malformed",
		`{"TotalRecordCount":1,"Items":[{"InsName":"r-a","Status":3}]}`: "an Id, Status or InsName is missing or malformed",
		`{"TotalRecordCount":"1","Items":[{"Id":"7","InsName":"r-a","Status":"7"}]}`:    "",
		`{"TotalRecordCount":1,"Items":[{"Id":7,"InsName":"r-a","Status":"canceled"}]}`: "an Id, Status or InsName is missing or malformed",
	} {
		inBubble(t, ClientConfig{Attempts: 1}, func(t *testing.T, r *rig) {
			r.api.SetFault(ActionDescribeActiveOperationTasks, tairtest.Fault{Body: []byte(body)})
			got, err := r.client.DescribeRenewals(t.Context())
			if want == "" {
				if err != nil || len(got) != 0 {
					t.Errorf("%s: got %v, error %v", body, got, err)
				}
				return
			}
			wantError(t, err, Error{Reason: ReasonInvalidResponse, Status: 200, Detail: want})
		})
	}
}
