// Package lint checks the Grafana dashboards for mistakes that no public linter knows.
package lint

import (
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/dashboards"
)

// check finds one kind of mistake in a board. Its name is what it demands.
type check func(board) problems

func (c check) name() string {
	name := runtime.FuncForPC(reflect.ValueOf(c).Pointer()).Name()
	return name[strings.LastIndexByte(name, '.')+1:]
}

// checks returns every check. Each has at least one mutation.
func checks() []check {
	return []check{
		linksResolve, panelsExplain, panelsHaveTheirPlace, settingsAreOfGrafana9, targetsFitPanels,
		unitsFitQueries, bandsFollowWindows, shardsCountAsInRules, timelinesKeepMappings, emptyAnswersSpeak, textsFit, seriesAreLegible,
		coloursAreReadable, failuresComeFirst, alertsLeadToRunbooks, instancesLeadOn, variablesAreReady, instantQueriesLookBack,
		queriesParse, namesExist, joinsMatchOne, pairsCountOnce, fresherAnswerCounts, queriesFollowVariables, targetsAreExporters,
		legendsNameLabels, overridesMatchFields, columnsAreDisplayed, tablesShowEveryLabel,
	}
}

func TestBoards(t *testing.T) {
	known := newSchema(t, scrapeDemo(t))
	var rules []byte
	for _, name := range []string{"tair_ssl.rules.yml", "tair_ssl_blackbox.rules.yml"} {
		text, err := os.ReadFile("../../deploy/prometheus/rules/" + name)
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, text...)
	}
	all, err := dashboards.All()
	if err != nil {
		t.Fatal(err)
	}
	text, ids := make(map[string]string), newSet()
	for _, b := range all {
		text[b.UID] = b.Text
		for _, q := range b.Queries() {
			if ids[q.ID] {
				t.Errorf("two queries %q", q.ID)
			}
			ids[q.ID] = true
		}
		for name, found := range findProblems(newBoard(b, known, string(rules))) {
			t.Errorf("%s: %s:\n%s", b.File, name, strings.Join(found, "\n"))
		}
	}
	if found := slices.Sorted(maps.Keys(text)); !slices.Equal(found, uids()) {
		t.Errorf("boards %q, want %q", found, uids())
	}

	// Each mutation is one mistake, which exactly one check finds.
	seen := newSet()
	for _, m := range mutations() {
		seen[m.name()] = true
		t.Run(m.name(), func(t *testing.T) {
			quote := strings.NewReplacer("'", `\"`)
			broken := strings.Replace(text[m.board], quote.Replace(m.old), quote.Replace(m.broken), 1)
			b, err := dashboards.Parse(m.board+".json", broken)
			if err != nil {
				t.Fatal(err)
			}
			if found := findProblems(newBoard(b, known, string(rules))); len(found) != 1 || found[m.name()] == nil {
				t.Errorf("%s instead of %s: found %v", m.broken, m.old, found)
			}
		})
	}
	for _, c := range checks() {
		if !seen[c.name()] {
			t.Errorf("no mutation for %s", c.name())
		}
	}
}

// findProblems returns the problems that each check finds, by its name.
func findProblems(b board) map[string]problems {
	found := make(map[string]problems)
	for _, c := range checks() {
		if problems := c(b); problems != nil {
			found[c.name()] = problems
		}
	}
	return found
}
