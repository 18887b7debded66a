//go:build faults && linux

package faults

import (
	"net/http"
	"testing"
)

// TestMatrix runs each fault in every spread, in a program for each fault, beside an account that is whole.
func TestMatrix(t *testing.T) {
	cells := 0
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			wantBack(t, func(t *testing.T) {
				whole := fault{name: "none beside " + f.name, want: "ok", serve: func(g *gateway, w http.ResponseWriter, r *http.Request) { g.api.ServeHTTP(w, r) }}
				sites := []*site{newSite(t, 0, whole, spreads()[2])}
				for _, s := range spreads() {
					if f.applies(s) {
						sites = append(sites, newSite(t, len(sites), f, s))
						cells++
					}
				}
				run(t, sites)
			})
		})
	}
	t.Logf("%d cells", cells)
}

// applies reports whether a spread makes sense for a fault: one that breaks a whole endpoint spares no instance of it.
func (f fault) applies(s spread) bool {
	switch s.name {
	case "1 of 50":
		return f.serve != nil
	case "30 % of 50":
		return f.serve != nil || f.accept != nil
	}
	return true
}
