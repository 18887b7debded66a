package tairtest

import (
	"cmp"
	"slices"
	"strconv"
)

// Event is one scheduled maintenance event: an item of R-kvstore DescribeActiveOperationTasks (2015-01-01). Its times are
// texts, so that a test can set an unreadable one; the cloud's are in UTC, "2026-01-02T15:04:05Z".
type Event struct {
	// Account is the main account that owns the event. Keys of other accounts do not see it. Empty means that all accounts
	// see it.
	Account string `json:"-" xml:"-"`
	// ID is the event's ID.
	ID int64 `json:"Id" xml:"Id"`
	// InsName is the instance ID. The API need not know the instance.
	InsName string `json:"InsName"`
	// InsComment is the instance's display name.
	InsComment string `json:"InsComment"`
	// Region is the region ID of the instance.
	Region string `json:"Region"`
	// TaskType is the kind of maintenance. Empty means "rds_apsaradb_ssl_update", a certificate update.
	TaskType string `json:"TaskType"`
	// Status is 3 (pending), 4 (in progress), 5 (successful), 6 (failed) or 7 (canceled); 0 means 3.
	Status int `json:"Status"`
	// StartTime is when the preparation starts. It is sent unchanged.
	StartTime string `json:"StartTime"`
	// SwitchTime is when the maintenance takes place. It is sent unchanged.
	SwitchTime string `json:"SwitchTime"`
	// Deadline is the latest time that SwitchTime can be moved to. It is sent unchanged.
	Deadline string `json:"Deadline"`
	// AllowChange is "1" if SwitchTime can be moved, else "0"; empty means "1".
	AllowChange string `json:"AllowChange"`
	// AllowCancel is "1" if the event can be canceled, else "0"; empty means "0".
	AllowCancel string `json:"AllowCancel"`
	// ChangeLevel is "S0" (exception fixing) or "S1" (system maintenance); empty means "S0".
	ChangeLevel string `json:"ChangeLevel"`
}

// withDefaults returns the event with its defaults set.
func (e Event) withDefaults() Event {
	e.TaskType = cmp.Or(e.TaskType, "rds_apsaradb_ssl_update")
	e.Status = cmp.Or(e.Status, 3)
	e.AllowChange = cmp.Or(e.AllowChange, "1")
	e.AllowCancel = cmp.Or(e.AllowCancel, "0")
	e.ChangeLevel = cmp.Or(e.ChangeLevel, "S0")
	return e
}

// SetEvents replaces the events of DescribeActiveOperationTasks, which returns them in this order.
func (a *API) SetEvents(events ...Event) {
	all := make([]Event, 0, len(events))
	for _, e := range events {
		all = append(all, e.withDefaults())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = all
}

// eventsBody is the success body of R-kvstore DescribeActiveOperationTasks (2015-01-01).
type eventsBody struct {
	RequestID        string        `json:"RequestId" xml:"RequestId"`
	PageNumber       int           `json:"PageNumber"`
	PageSize         int           `json:"PageSize"`
	TotalRecordCount int           `json:"TotalRecordCount"`
	Items            []listedEvent `json:"Items"`
}

type listedEvent struct {
	Event
	PrepareInterval string   `json:"PrepareInterval"` // hours:minutes:seconds from StartTime to SwitchTime
	Impact          string   `json:"Impact"`
	ImpactEn        string   `json:"ImpactEn"`
	ImpactZh        string   `json:"ImpactZh"`
	TaskTypeEn      string   `json:"TaskTypeEn"`
	TaskTypeZh      string   `json:"TaskTypeZh"`
	SubInsNames     []string `json:"SubInsNames"`
}

func (a *API) describeActiveOperationTasks(c call) (any, *APIError) {
	if apiErr := checkEventFilters(c.params); apiErr != nil {
		return nil, apiErr
	}
	page, apiErr := pageParams(c.params, 25, 100)
	if apiErr != nil {
		return nil, apiErr
	}
	body := eventsBody{RequestID: requestID(), PageNumber: page.number, PageSize: page.size}
	body.Items = []listedEvent{} // an empty page is [], not null
	for _, e := range a.events {
		if e.Account != "" && e.Account != c.account || !e.matches(c.params) {
			continue
		}
		if page.contains(body.TotalRecordCount) {
			body.Items = append(body.Items, newListedEvent(e))
		}
		body.TotalRecordCount++
	}
	return body, nil
}

// taskTypes returns the documented task types, each with its English and its Chinese name.
func taskTypes() map[string][2]string {
	return map[string][2]string{
		"rds_apsaradb_ssl_update":    {"SSL certificate update", "SSL证书更新"},
		"rds_apsradb_upgrade":        {"Minor version upgrade", "小版本升级"},
		"rds_apsaradb_ha":            {"Primary/secondary switchover", "主备切换"},
		"rds_apsaradb_major_upgrade": {"Major version upgrade", "大版本升级"},
		"rds_apsradb_transfer":       {"Instance migration", "实例迁移"},
		"rds_apsaradb_modify_config": {"Configuration change", "配置变更"},
		"rds_apsaradb_maxscale":      {"Proxy upgrade", "代理升级"},
	}
}

// checkEventFilters refuses undocumented values, which match nothing and so hide a typing error.
func checkEventFilters(params map[string]string) *APIError {
	if _, documented := taskTypes()[params["TaskType"]]; !documented && params["TaskType"] != "" {
		return invalidParameter("TaskType is not a documented task type.")
	}
	for name, allowed := range map[string][]string{
		"Status":    {"", "-1", "3", "4", "5", "6", "7"},
		"ProductId": {"", "Redis"},
		"DbType":    {"", "redis"},
	} {
		if !slices.Contains(allowed, params[name]) {
			return invalidParameter(name + " is not a documented value.")
		}
	}
	return nil
}

// matches applies all filters. An empty filter matches every event.
func (e Event) matches(params map[string]string) bool {
	is := func(name, value, wildcard string) bool {
		return params[name] == "" || params[name] == wildcard || params[name] == value
	}
	return is("Region", e.Region, "all") && is("TaskType", e.TaskType, "") &&
		is("Status", strconv.Itoa(e.Status), "-1") && is("InsName", e.InsName, "")
}

func newListedEvent(e Event) listedEvent {
	names := taskTypes()[e.TaskType]
	return listedEvent{
		Event:           e,
		PrepareInterval: "04:00:00",
		Impact:          "TransientDisconnection",
		ImpactEn:        "Transient instance disconnection",
		ImpactZh:        "实例闪断",
		TaskTypeEn:      names[0],
		TaskTypeZh:      names[1],
		SubInsNames:     []string{}, // [], not null
	}
}
