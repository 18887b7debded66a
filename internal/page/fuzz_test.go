package page

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzQuery: the links of a page lead to what the page shows.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"", "q=a+b&state=failing&sort=-name&page=2", "q=%3Cimg+src%3Dx%3E", "page=-1", "sort=-&page=99999999999999999999", "q=%ff;&%"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		values, _ := url.ParseQuery(raw) // what can be read of it, as net/http does it
		q := parseQuery(values)
		link := q.Link()
		again, err := url.Parse(link)
		if err != nil || again.Host != "" || again.Scheme != "" || !strings.HasPrefix(link, "./") {
			t.Fatalf("%q: %v", link, err)
		}
		if got := parseQuery(again.Query()); got != q {
			t.Fatalf("%q: got %+v, want %+v", link, got, q)
		}
	})
}
