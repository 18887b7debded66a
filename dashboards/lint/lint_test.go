// Package lint checks the Grafana dashboards for mistakes that no public linter knows.
package lint

import (
	"fmt"
	"strings"
	"testing"

	"tair_ssl_exporter/dashboards"
	"tair_ssl_exporter/internal/apptest"
)

// check finds one kind of mistake in a board.
type check func(board) []string

// checks returns every check by its name, which is what it demands.
func checks() map[string]check {
	panels := func(b board) []*panel { return b.panels }
	queries := func(b board) []*query { return b.queries }
	selectors := func(b board) []selector { return b.selectors }
	inferred := func(name string) check { // what was found while the queries were parsed
		return each(queries, func(_ board, q *query) string { return strings.Join(q.found[name], ", ") })
	}
	return map[string]check{
		"linksResolve": linksResolve, "variablesAreReady": variablesAreReady, "coloursAreReadable": coloursAreReadable,
		"panelsExplain": each(panels, panelsExplain), "textsFit": each(panels, textsFit),
		"timelinesKeepMappings": each(panels, timelinesKeepMappings), "emptyAnswersSpeak": each(panels, emptyAnswersSpeak),
		"seriesAreLegible": each(panels, seriesAreLegible), "alertsLeadToRunbooks": each(panels, alertsLeadToRunbooks),
		"instancesLeadOn": each(panels, instancesLeadOn), "fieldsExist": each(panels, fieldsExist),
		"tablesShowEveryLabel": each(panels, tablesShowEveryLabel),
		"namesExist":           inferred("namesExist"), "joinsMatchOne": inferred("joinsMatchOne"),
		"unitsFitQueries":    each(queries, unitsFitQueries),
		"bandsFollowWindows": each(queries, bandsFollowWindows), "failuresComeFirst": each(queries, failuresComeFirst),
		"legendsNameLabels": each(queries, legendsNameLabels), "queriesFollowVariables": each(queries, queriesFollowVariables),
		"pairsCountOnce": each(selectors, pairsCountOnce), "instantQueriesLookBack": each(selectors, instantQueriesLookBack),
		"fresherAnswerCounts": each(selectors, fresherAnswerCounts), "targetsAreExporters": each(selectors, targetsAreExporters),
		"shardsCountAsInRules": each(selectors, shardsCountAsInRules),
	}
}

// each returns the check of a function that returns what is wrong with one item of a board, or "".
func each[T fmt.Stringer](items func(board) []T, wrong func(board, T) string) check {
	return func(b board) (found []string) {
		for _, item := range items(b) {
			if problem := wrong(b, item); problem != "" {
				found = append(found, item.String()+": "+problem)
			}
		}
		return found
	}
}

// when returns a problem if a condition holds, else "".
func when(holds bool, format string, args ...any) string {
	if !holds {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

func findProblems(b board) map[string][]string {
	found := make(map[string][]string)
	for name, c := range checks() {
		if problems := c(b); problems != nil {
			found[name] = problems
		}
	}
	return found
}

func TestBoards(t *testing.T) {
	t.Chdir("../..")
	w := world{known: newSchema(t), rules: apptest.Read(t, "deploy/prometheus/rules/tair_ssl.rules.yml"), alerts: apptest.AlertNames(t)}
	all, err := dashboards.All()
	if err != nil {
		t.Fatal(err)
	}
	text := make(map[string]string)
	for _, b := range all {
		text[b.UID] = b.Text
		for name, found := range findProblems(newBoard(t, b, w)) {
			t.Errorf("%s: %s:\n%s", b.File, name, strings.Join(found, "\n"))
		}
	}

	// Each mutation is one mistake, which exactly one check finds.
	for _, m := range mutations(t) {
		t.Run(m.check, func(t *testing.T) {
			b, err := dashboards.Parse(m.board+".json", strings.Replace(text[m.board], m.old, m.broken, 1))
			if err != nil {
				t.Fatal(err)
			}
			if found := findProblems(newBoard(t, b, w)); len(found) != 1 || found[m.check] == nil {
				t.Errorf("%s instead of %s: found %v", m.broken, m.old, found)
			}
		})
	}
}

// mutation is a mistake in a board: the first text that is old becomes broken.
type mutation struct{ check, board, old, broken string }

// mutations reads a table. A single quote in it stands for \", as in the queries.
func mutations(t *testing.T) (all []mutation) {
	t.Helper()
	for line := range strings.Lines(strings.ReplaceAll(apptest.Read(t, "dashboards/lint/testdata/mutations.tsv"), "'", `\"`)) {
		cells := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "") // without text in the last one it is left out
		all = append(all, mutation{cells[0], "tair-ssl-" + cells[1], cells[2], cells[3]})
	}
	return all
}
