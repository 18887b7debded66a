package page

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// defaultSort is the column by which the rows are sorted first.
const defaultSort = "expiry"

// failing is the state in a query of all instances whose latest call failed.
const failing = "failing"

// query is which rows to show, and in which order.
type query struct {
	Words string // all have to be in a row
	State string // "": all
	Sort  string // a column
	Desc  bool
	Page  int // from 1
}

// parseQuery reads the parameters. What it does not know counts as missing: a page is for people.
func parseQuery(v url.Values) query {
	q := query{Words: strings.TrimSpace(v.Get("q")), State: v.Get("state"), Sort: defaultSort}
	if column, desc := strings.CutPrefix(v.Get("sort"), "-"); columns()[column] != nil {
		q.Sort, q.Desc = column, desc
	}
	if n, err := strconv.Atoi(v.Get("page")); err == nil {
		q.Page = n
	}
	q.Page = max(q.Page, 1)
	return q
}

// Link returns the address of the page for the query, without what is the default.
func (q query) Link() string {
	v := url.Values{}
	if q.Words != "" {
		v.Set("q", q.Words)
	}
	if q.State != "" {
		v.Set("state", q.State)
	}
	if sort := q.SortValue(); sort != defaultSort {
		v.Set("sort", sort)
	}
	if q.Page > 1 {
		v.Set("page", strconv.Itoa(q.Page))
	}
	if len(v) == 0 {
		return "./"
	}
	return "./?" + v.Encode()
}

// SortValue is the value of the parameter sort.
func (q query) SortValue() string {
	if q.Desc {
		return "-" + q.Sort
	}
	return q.Sort
}

// sortedBy returns the query for a click on the head of a column.
func (q query) sortedBy(column string) query {
	q.Desc, q.Sort, q.Page = q.Sort == column && !q.Desc, column, 1
	return q
}

func (q query) withState(key string) query {
	q.State, q.Page = key, 1
	return q
}

func (q query) onPage(n int) query {
	q.Page = n
	return q
}

// filter returns the rows that the query asks for, in its order.
func (q query) filter(rows []row) []row {
	words := strings.Fields(strings.ToLower(q.Words))
	rows = slices.DeleteFunc(rows, func(r row) bool {
		switch {
		case q.State == failing && r.Failure == nil, q.State != "" && q.State != failing && r.State.Key() != q.State:
			return true
		case len(words) == 0:
			return false
		}
		text := r.text()
		return slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	})
	if q.Sort == defaultSort && !q.Desc {
		return rows // as the overview has them
	}
	compare := columns()[q.Sort]
	slices.SortStableFunc(rows, func(a, b row) int {
		order, last := compare(&a, &b)
		if q.Desc {
			order = -order
		}
		return cmp.Or(last, order)
	})
	return rows
}
