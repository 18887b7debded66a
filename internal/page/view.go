package page

import (
	"strings"
	"time"

	"tair_ssl_exporter/collector"
	"tair_ssl_exporter/collector/tair"
	"tair_ssl_exporter/internal/advice"
)

// pageSize is how many rows a page has at most.
const pageSize = 1000

// view is all that the template shows.
type view struct {
	Options
	Query   query
	At      moment
	Tiles   []tile
	Columns []column
	Rows    []row
	Total   int // watched instances
	Matches int // rows on all pages
	First   int // number of the first row on this page, from 1
	Last    int
	Pages   int
	Before  string // the address of the page before; ""
	After   string
	All     bool // every row that there is for the state is on this page, so that the script can filter and sort

	Pending       int // instances never asked yet
	PendingAdvice string
	Health        health
}

// Sort is the value of the parameter sort unless it is the default.
func (v *view) Sort() string {
	if s := v.Query.SortValue(); s != defaultSort {
		return s
	}
	return ""
}

// tile is one of the counts at the top.
type tile struct {
	Key, Label, Note string
	Count            int
	Link             string // to the instances that it counts, or back to all of them
	Current          bool   // the page shows those that it counts
}

// column is the head of a column.
type column struct {
	Label, Key, Link string // without a key it cannot be sorted
	Order            string // the value of aria-sort; "" unless the rows are sorted by it
}

func (o Options) view(q query) *view {
	known := o.Overview()
	v := &view{
		Options: o, Query: q, At: at(known.At, "now"), Total: len(known.Instances), Health: healthOf(&known),
		PendingAdvice: advice.ForReason(collector.ReasonPending),
	}
	rows := make([]row, len(known.Instances))
	var counts [states]int
	failed := 0
	for n := range known.Instances {
		rows[n] = rowOf(&known.Instances[n], known.LabelNames, known.At)
		counts[rows[n].State]++
		if rows[n].Failure != nil {
			failed++
		}
		if rows[n].Pending {
			v.Pending++
		}
	}
	v.addTiles(counts, failed, notes(known.Instances))
	v.addColumns()
	v.take(q.filter(rows))
	return v
}

// take puts the rows of the asked page into the view.
func (v *view) take(rows []row) {
	v.Matches, v.Pages = len(rows), max((len(rows)+pageSize-1)/pageSize, 1)
	n := min(v.Query.Page, v.Pages)
	begin, end := (n-1)*pageSize, min(n*pageSize, len(rows))
	v.Query.Page, v.Rows, v.Last = n, rows[begin:end], end
	v.First = min(begin+1, end)
	if n > 1 {
		v.Before = v.Query.onPage(n - 1).Link()
	}
	if n < v.Pages {
		v.After = v.Query.onPage(n + 1).Link()
	}
	v.All = v.Pages == 1
}

func (v *view) addTiles(counts [states]int, failed int, notes [states]string) {
	add := func(key, label, note string, count int) {
		t := tile{Key: key, Label: label, Note: note, Count: count, Current: v.Query.State == key}
		if t.Current {
			key = ""
		}
		t.Link = v.Query.withState(key).Link()
		v.Tiles = append(v.Tiles, t)
	}
	for s := range states {
		add(s.Key(), s.Label(), notes[s], counts[s])
	}
	add(failing, "Call failed", "the last one", failed)
}

// notes returns what the states mean. The windows are named where all instances have the same.
func notes(instances []collector.InstanceStatus) [states]string {
	within := func(window func(w collector.Windows) time.Duration) string {
		if len(instances) == 0 {
			return "within its window"
		}
		first := window(instances[0].Windows)
		for _, i := range instances {
			if window(i.Windows) != first {
				return "within its own window"
			}
		}
		return "within " + span(first.Milliseconds())
	}
	return [states]string{
		"renew now",
		within(func(w collector.Windows) time.Duration { return w.Critical }),
		within(func(w collector.Windows) time.Duration { return w.Warning }),
		"within " + span(upcomingWindow.Milliseconds()),
		"later",
		"no answer",
		"nothing to expire",
		"has no SSL",
	}
}

func (v *view) addColumns() {
	for _, c := range []struct{ label, key string }{
		{"Instance", "name"}, {"Account", "account"}, {"Region", "region"}, {"Labels", "labels"}, {"State", "state"},
		{"Expires", "expiry"}, {"Scheduled renewal", "renewal"}, {"Certificate", ""}, {"Last read", "age"},
	} {
		head := column{Label: c.label, Key: c.key}
		if c.key != "" {
			head.Link = v.Query.sortedBy(c.key).Link()
		}
		if c.key == v.Query.Sort {
			head.Order = "ascending"
			if v.Query.Desc {
				head.Order = "descending"
			}
		}
		v.Columns = append(v.Columns, head)
	}
}

// failureOf returns a failed call of an API operation with what to do; nil without one.
func failureOf(action, region string, err *tair.Error) *failure {
	if err == nil {
		return nil
	}
	f := &failure{string(err.Reason), err.Code, advice.ForCall(action, region, err)}
	if strings.Contains(f.Advice, f.Code) {
		f.Code = ""
	}
	return f
}
