package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lucasb-eyer/go-colorful"

	"tair_ssl_exporter/dashboards"
)

// uids returns the uid of every board. Bookmarks and links hold them, so they do not change.
func uids() []string { return []string{"tair-ssl-exporter", "tair-ssl-instance", "tair-ssl-overview"} }

// linksResolve finds a uid that is not the file name, boards without a link to each other board, links to boards that
// do not exist, and links that lose the variables or the time range. Only links with an ID lead to the board of an
// instance, for without one it shows the first. The exporter board has a range of its own: 6 hours, not 30 days.
func linksResolve(b board) (found []string) {
	if b.UID != b.Slug() || !slices.Contains(uids(), b.UID) {
		found = append(found, b.UID+" is in "+b.File)
	}
	for _, uid := range uids() {
		keepsTime := uid != "tair-ssl-exporter" && b.UID != "tair-ssl-exporter"
		leads := func(l dashboards.Link) bool { return l.URL == "/d/"+uid && l.IncludeVars && l.KeepTime == keepsTime }
		if isLinked := slices.ContainsFunc(b.Links, leads); uid != b.UID && isLinked == (uid == "tair-ssl-instance") {
			found = append(found, fmt.Sprintf("%s is linked: %v; time is to be kept: %v", uid, isLinked, keepsTime))
		}
	}
	for _, m := range regexp.MustCompile(`"/d/([^"?]+)\?([^"]*)"`).FindAllStringSubmatch(b.Text, -1) {
		for _, want := range []string{"var-instance_id=${__", "${datasource:queryparam}", "${job:queryparam}", "${__url_time_range}"} {
			if !slices.Contains(uids(), m[1]) || !strings.Contains(m[2], want) {
				found = append(found, fmt.Sprintf("a link to %s, which does not exist, or without %s", m[1], want))
			}
		}
	}
	return found
}

// variablesAreReady finds variables that nothing uses, a data source that is not the default one, and a list of
// instances that has no names with the IDs or is empty while the exporter is down.
func variablesAreReady(b board) (found []string) {
	for _, v := range b.Templating.List {
		isUsed := strings.Contains(b.Text, "$"+v.Name) || strings.Contains(b.Text, "${"+v.Name)
		if !isUsed || v.Type == "datasource" && v.Current.Value != "default" {
			found = append(found, fmt.Sprintf("nothing uses $%s, or it begins with %v", v.Name, v.Current.Value))
		}
		if v.Name != "instance_id" {
			continue
		}
		// What Grafana makes of an answer to query_result: text, in which it looks for every match of the pattern.
		answer, choice := `{instance_id="r-1",name="a \"b",option="sessions r-1"} 1 1795569788000`, make(map[string]string)
		pattern := regexp.MustCompile(strings.TrimSuffix(strings.TrimPrefix(v.Regex, "/"), "/g"))
		for _, m := range pattern.FindAllStringSubmatch(answer, -1) {
			for i, name := range pattern.SubexpNames() {
				choice[name] += m[i]
			}
		}
		query := fmt.Sprint(v.Query)
		looksBack := strings.Contains(query, "query_result(") && strings.Contains(query, "[6h]")
		if choice["text"] != "sessions r-1" || choice["value"] != "r-1" || !looksBack {
			found = append(found, fmt.Sprintf("$%s: the pattern %s finds %q in an answer to %s", v.Name, v.Regex, choice, query))
		}
	}
	return found
}

// coloursAreReadable finds colours with a contrast below 3:1 for large text and shapes, on the panels of the dark or
// the light theme, or below 4.5:1 for small text. No colour has 4.5:1 on both, so small text is neutral or on a
// coloured cell. The colours of Grafana's palette differ between the themes: but for that of text none is used.
func coloursAreReadable(b board) (found []string) {
	colours := regexp.MustCompile(`"(?:color|fixedColor|iconColor)": "([^"]+)"`)
	for panel, text := range map[string]string{"#181b1f": "#ccccdc", "#ffffff": "#24292e"} {
		onPanel := func(name string) float64 { return contrast(strings.Replace(name, "text", text, 1), panel) }
		for _, m := range colours.FindAllStringSubmatch(b.Text, -1) {
			if onPanel(m[1]) < 3 {
				found = append(found, fmt.Sprintf("%s: a contrast of %.1f on %s", m[1], onPanel(m[1]), panel))
			}
		}
		for _, p := range b.panels {
			for _, o := range p.FieldConfig.Overrides {
				cells := p.column(o).CellOptions.Type
				for _, m := range colours.FindAllStringSubmatch(fmt.Sprintf("%s", o.Properties), -1) {
					isSmall := cells == "color-text" && onPanel(m[1]) < 4.5 || cells == "color-background" && contrast(textOn(m[1]), m[1]) < 4.5
					if isSmall && m[1] != "text" {
						found = append(found, fmt.Sprintf("%s: %s of %s is too faint for small text", p.Title, m[1], o.Matcher.Options))
					}
				}
			}
		}
	}
	return found
}

// textOn returns the colour of the text that Grafana writes on a coloured cell: dark on a bright one.
func textOn(colour string) string {
	if c := rgb(colour); 0.299*c.R+0.587*c.G+0.114*c.B > 180/255. {
		return "#202226"
	}
	return "#f7f8fa"
}

// contrast returns the ratio of two colours as WCAG defines it, from 1 to 21.
func contrast(a, b string) float64 {
	luminance := func(colour string) float64 {
		red, green, blue := rgb(colour).LinearRgb()
		return 0.2126*red + 0.7152*green + 0.0722*blue + 0.05
	}
	return max(luminance(a), luminance(b)) / min(luminance(a), luminance(b))
}

// rgb decodes a hexadecimal colour. Any other name is black, which is not readable on a dark panel.
func rgb(colour string) (c colorful.Color) { c, _ = colorful.Hex(colour); return c }
