package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"tair_ssl_exporter/dashboards"
)

// checks is what every board has to satisfy, each by a name. What they find is told in one line a problem.
var checks = map[string]func(dashboards.Board, schema) []string{
	"identity":                   identity,
	"model":                      model,
	"linksLeadToTheOtherBoards":  linksLeadToTheOtherBoards,
	"dataLinksKeepTheContext":    dataLinksKeepTheContext,
	"variablesHaveTheirShape":    variablesHaveTheirShape,
	"variablesAreUsed":           variablesAreUsed,
	"dataSourceIsTheVariable":    dataSourceIsTheVariable,
	"panelsExplainThemselves":    panelsExplainThemselves,
	"panelIDsAreUnique":          panelIDsAreUnique,
	"panelsDoNotOverlap":         panelsDoNotOverlap,
	"emptinessIsExplained":       emptinessIsExplained,
	"nothingIsNewerThanGrafana9": nothingIsNewerThanGrafana9,
	"targetsFitThePanel":         targetsFitThePanel,
	"daysLeftAreColoured":        daysLeftAreColoured,
	"bandsAreTheUsual":           bandsAreTheUsual,
	"datesAreInMilliseconds":     datesAreInMilliseconds,
	"sharesAreShownAsSuch":       sharesAreShownAsSuch,
	"queriesParse":               queriesParse,
	"queriesNameWhatThereIs":     queriesNameWhatThereIs,
	"queriesKeepToTheVariables":  queriesKeepToTheVariables,
	"countersAreRates":           countersAreRates,
	"targetsAreExporters":        targetsAreExporters,
	"pairsCountOnce":             pairsCountOnce,
	"joinsMatchOne":              joinsMatchOne,
	"theFresherAnswerCounts":     theFresherAnswerCounts,
	"shardsCountAsTheRulesSay":   shardsCountAsTheRulesSay,
	"legendsNameLabels":          legendsNameLabels,
	"overridesMeetFields":        overridesMeetFields,
	"linksUseShownFields":        linksUseShownFields,
	"columnsMeetFields":          columnsMeetFields,
	"tablesShowEveryLabel":       tablesShowEveryLabel,
}

func boards(t *testing.T) []dashboards.Board {
	t.Helper()
	all, err := dashboards.All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestDashboards(t *testing.T) {
	metrics := known(t)
	for _, b := range boards(t) {
		for name, check := range checks {
			for _, problem := range check(b, metrics) {
				t.Errorf("%s: %s: %s", b.File, name, problem)
			}
		}
	}
}

func TestEveryBoardIsThere(t *testing.T) {
	var found []string
	for _, b := range boards(t) {
		found = append(found, b.UID)
	}
	if !slices.Equal(found, uids) {
		t.Errorf("boards %q, want %q", found, uids)
	}
}

// What the end-to-end test goes by is true: every query has an ID of its own, those that may be empty are queries that
// there are, and the demo has the two instances.
func TestTheQueriesAreThoseOfTheDemo(t *testing.T) {
	ids := make(map[string]bool)
	for _, b := range boards(t) {
		for _, q := range b.Queries() {
			if ids[q.ID] {
				t.Errorf("two queries %q", q.ID)
			}
			ids[q.ID] = true
		}
	}
	text, err := demoMetrics()
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range dashboards.DemoInstances() {
		if want := fmt.Sprintf("tair_ssl_scrape_success{instance_id=%q} %d\n", id, 1-i); !strings.Contains(text, want) {
			t.Errorf("the demo does not serve %s", want)
		}
	}
	for _, id := range dashboards.EmptyInDemo() {
		if !ids[id] {
			t.Errorf("there is no query %q", id)
		}
	}
}
