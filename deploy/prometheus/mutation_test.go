//go:build mutation

package prometheus_test

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"tair_ssl_exporter/internal/apptest"
)

// TestEveryClauseIsTested drops each clause of each rule in turn: an operand, a matcher, a label of a list, a function
// around an operand, a `for`. For each at least one test of the rules fails. The variable RULE keeps the rules whose name
// contains it.
func TestEveryClauseIsTested(t *testing.T) {
	promtool := apptest.Tool(t, "PROMTOOL")
	tests := unitTests(t)
	var all []mutant
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		all = append(all, mutants(path, apptest.Read(t, path))...)
	}
	all = slices.DeleteFunc(all, func(m mutant) bool {
		return !strings.Contains(m.rule, os.Getenv("RULE")) || slices.Contains(betweenEvaluations(), m.clause)
	})
	var (
		wg               sync.WaitGroup
		mu               sync.Mutex
		killed, rejected int
		order            = make(map[string][]unitTest) // the tests for a rule: those that found a mutant of it, those that name it, the short ones
	)
	for _, m := range all {
		order[m.rule] = slices.Clone(tests)
		slices.SortStableFunc(order[m.rule], func(a, b unitTest) int {
			named := boolInt(!strings.Contains(a.text, m.rule)) - boolInt(!strings.Contains(b.text, m.rule))
			return cmp.Or(named, cmp.Compare(a.minutes, b.minutes))
		})
	}
	work := make(chan mutant)
	for range 2 {
		wg.Go(func() {
			for m := range work {
				dir, err := os.MkdirTemp("", "mutant")
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				tests := slices.Clone(order[m.rule])
				mu.Unlock()
				by, valid := m.killedBy(t, promtool, dir, tests)
				os.RemoveAll(dir)
				mu.Lock()
				switch {
				case !valid:
					rejected++
				case by == nil:
					t.Errorf("%s: no test fails with %s", m.rule, m.clause)
				default:
					killed++
					at := slices.Index(order[m.rule], *by)
					order[m.rule] = slices.Insert(slices.Delete(order[m.rule], at, at+1), 0, *by)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range all {
		work <- m
	}
	close(work)
	wg.Wait()
	t.Logf("%d clauses dropped, %d of them found by a test; %d more are no valid rule without it", len(all)-rejected, killed, rejected)
}

// betweenEvaluations are the clauses that count because tair_ssl_past is evaluated every 5 minutes and the others every minute.
// promtool evaluates each group every minute.
func betweenEvaluations() []string {
	return []string{"present_over_time(ALERTS[6h]) -> (ALERTS)"}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mutant is a file of rules in which one clause is missing.
type mutant struct{ path, text, rule, clause string } // the clause and what replaces it

// unitTest is one of the tests in a file for promtool.
type unitTest struct {
	path, name, text string
	minutes          int // how long it goes on
}

// unitTests returns all tests of the rules.
func unitTests(t *testing.T) []unitTest {
	var all []unitTest
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/tests/*.yml") {
		for _, text := range strings.Split(apptest.Read(t, path), "\n  - name: ")[1:] {
			name, _, _ := strings.Cut(text, "\n")
			test := unitTest{path: path, name: name, text: text}
			for _, minutes := range regexp.MustCompile(`eval_time: (\d+)m`).FindAllStringSubmatch(text, -1) {
				n, _ := strconv.Atoi(minutes[1])
				test.minutes = max(test.minutes, n)
			}
			all = append(all, test)
		}
	}
	return all
}

// killedBy returns the first test that fails, or nil, and whether the rules are valid.
func (m mutant) killedBy(t *testing.T, promtool, dir string, tests []unitTest) (test *unitTest, valid bool) {
	for _, path := range apptest.Glob(t, "deploy/prometheus/rules/*.rules.yml") {
		text := apptest.Read(t, path)
		if path == m.path {
			text = m.text
		}
		apptest.Write(t, filepath.Join(dir, filepath.Base(path)), text)
	}
	if exec.Command(promtool, "check", "rules", filepath.Join(dir, filepath.Base(m.path))).Run() != nil {
		return nil, false
	}
	if err := os.MkdirAll(filepath.Join(dir, "tests"), 0o700); err != nil {
		t.Error(err)
	}
	for _, test := range tests {
		copied := filepath.Join(dir, "tests", filepath.Base(test.path))
		apptest.Write(t, copied, apptest.Read(t, test.path))
		if exec.Command(promtool, "test", "rules", "--run=^"+regexp.QuoteMeta(test.name)+"$", copied).Run() != nil {
			return &test, true
		}
	}
	return nil, true
}

var (
	ruleStart = regexp.MustCompile(`(?m)^      - (?:alert|record): (\S+)$`)
	ruleExpr  = regexp.MustCompile(`(?m)^        expr: (?:\|\n((?:          .*\n)+)|(.*)\n)`)
	ruleFor   = regexp.MustCompile(`(?m)^        for: .*\n`)
)

// mutants returns the mutants of a file of rules.
func mutants(path, text string) []mutant {
	var all []mutant
	starts := append(ruleStart.FindAllStringSubmatchIndex(text, -1), []int{len(text)})
	for i, start := range starts[:len(starts)-1] {
		rule, end := text[start[2]:start[3]], starts[i+1][0]
		add := func(from, to int, replacement string) {
			all = append(all, mutant{path, text[:from] + replacement + text[to:], rule, strings.Join(strings.Fields(text[from:to]+" -> "+replacement), " ")})
		}
		if f := ruleFor.FindStringIndex(text[start[0]:end]); f != nil {
			add(start[0]+f[0], start[0]+f[1], "")
		}
		e := ruleExpr.FindStringSubmatchIndex(text[start[0]:end])
		from, to := start[0]+max(e[2], e[4]), start[0]+max(e[3], e[5])
		to = from + len(strings.TrimRight(text[from:to], "\n"))
		for _, c := range clauses(text[from:to]) {
			add(from+c.from, from+c.to, c.replacement)
		}
	}
	return all
}

// clause is a part of an expression and what stands there when it is dropped.
type clause struct {
	from, to    int
	replacement string
}

var (
	operator  = regexp.MustCompile(`^(?:\b(?:or|and|unless)\b|[<>=!]=|[<>]|[-+*/])`)
	function  = regexp.MustCompile(`\b[a-z_]+(?:_over_time|_replace)?(?: (?:by|without) \([^)]*\))? ?\(`)
	rangeEnd  = regexp.MustCompile(`\[[^\]]*\]$`)
	matching  = regexp.MustCompile(`(?:on|ignoring) \([^)]*\)(?: group_left \([^)]*\))?`)
	labelList = regexp.MustCompile(`(?:on|by|without|ignoring|group_left) \(([^()]*,[^()]*)\)`)
	matcher   = regexp.MustCompile(`[a-z]+(?:=~|!=|=)"[^"]*"(?:, )?`)
	offset    = regexp.MustCompile(` offset \w+`)
)

// clauses returns what can be dropped from an expression.
func clauses(expr string) []clause {
	var all []clause
	for at := 0; at < len(expr); at++ {
		if inString(expr, at) || at > 0 && isWord(expr[at-1]) && isWord(expr[at]) {
			continue
		}
		op := operator.FindString(expr[at:])
		if op == "" || depth(expr, at, '{', '}') != 0 || depth(expr, at, '[', ']') != 0 {
			continue
		}
		all = append(all, clause{at, operandEnd(expr, at+len(op), precedence(op)), ""})
		if op == "or" {
			all = append(all, clause{operandStart(expr, at), at + len(op), ""})
			if m := matching.FindStringIndex(expr[at:]); m != nil && m[0] == 3 {
				last := &all[len(all)-1]
				last.to = at + m[1]
			}
		}
		at += len(op) - 1
	}
	for _, m := range function.FindAllStringIndex(expr, -1) {
		name := strings.TrimRight(expr[m[0]:m[1]], " (")
		if slices.Contains([]string{"on", "ignoring", "by", "without", "group_left", "time", "and", "or", "unless", "scalar", "count_values"}, name) ||
			strings.HasPrefix(name, "count_values") || strings.HasPrefix(name, "label_replace") || inString(expr, m[0]) {
			continue
		}
		end := closing(expr, m[1])
		inner := expr[m[1]:end]
		if strings.HasPrefix(name, "topk") {
			inner = inner[strings.Index(inner, ",")+1:]
		}
		if strings.Contains(name, "_over_time") {
			inner = rangeEnd.ReplaceAllString(offset.ReplaceAllString(inner, ""), "")
		}
		all = append(all, clause{m[0], end + 1, "(" + inner + ")"})
	}
	for _, m := range matching.FindAllStringIndex(expr, -1) {
		all = append(all, clause{m[0], m[1], ""})
	}
	for _, m := range labelList.FindAllStringSubmatchIndex(expr, -1) {
		labels := strings.Split(expr[m[2]:m[3]], ", ")
		for i := range labels {
			all = append(all, clause{m[2], m[3], strings.Join(slices.Delete(slices.Clone(labels), i, i+1), ", ")})
		}
	}
	for _, m := range matcher.FindAllStringIndex(expr, -1) {
		all = append(all, clause{m[0], m[1], ""})
	}
	return slices.DeleteFunc(all, func(c clause) bool { return strings.Contains(expr[c.from:c.to], "scalar(max") && c.replacement != "" })
}

func isWord(b byte) bool {
	return b == '_' || b == ':' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

func inString(expr string, at int) bool { return strings.Count(expr[:at], `"`)%2 == 1 }

func depth(expr string, at int, open, shut byte) int {
	return strings.Count(expr[:at], string(open)) - strings.Count(expr[:at], string(shut))
}

// precedence returns how tight an operator binds.
func precedence(op string) int {
	switch op {
	case "or":
		return 1
	case "and", "unless":
		return 2
	case "+", "-":
		return 4
	case "*", "/":
		return 5
	}
	return 3
}

// operandEnd returns the end of the operand that begins at from.
func operandEnd(expr string, from, binding int) int {
	level := 0
	for at := from; at < len(expr); at++ {
		if inString(expr, at) {
			continue
		}
		switch expr[at] {
		case '(', '{', '[':
			level++
		case ')', '}', ']', ',':
			if level == 0 {
				return at
			}
			if expr[at] != ',' {
				level--
			}
		default:
			if at > 0 && isWord(expr[at-1]) && isWord(expr[at]) {
				continue
			}
			if op := operator.FindString(expr[at:]); level == 0 && op != "" && precedence(op) <= binding {
				return at
			}
		}
	}
	return len(expr)
}

// operandStart returns the start of the operands before an `or`.
func operandStart(expr string, to int) int {
	level := 0
	for at := to - 1; at >= 0; at-- {
		if inString(expr, at) {
			continue
		}
		switch expr[at] {
		case ')', '}', ']':
			level++
		case '(', '{', '[', ',':
			if level == 0 {
				return at + 1
			}
			if expr[at] != ',' {
				level--
			}
		}
	}
	return 0
}

// closing returns the position of the parenthesis that ends what begins at from.
func closing(expr string, from int) int {
	level := 0
	for at := from; at < len(expr); at++ {
		switch {
		case inString(expr, at):
		case expr[at] == '(':
			level++
		case expr[at] == ')' && level == 0:
			return at
		case expr[at] == ')':
			level--
		}
	}
	return len(expr)
}
