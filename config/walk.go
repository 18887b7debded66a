package config

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"

	"tair_ssl_exporter/collector/tair/creds"
	"tair_ssl_exporter/internal/words"
)

const (
	maxVisits  = 1_000_000 // nodes read: with aliases a short file can expand to an endless one
	maxSources = 3         // levels of source
	maxMerges  = 5         // levels of merge keys
)

var (
	// plainKey matches the keys that an error may show. Any other may be a secret, as in "access_key_secret:..."
	// without the space.
	plainKey = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,39}$`)
	// wholeNumber matches one form of each number: 010 is 8 to some readers.
	wholeNumber = regexp.MustCompile(`^(0|-?[1-9][0-9]{0,8})$`)

	durationType    = reflect.TypeFor[model.Duration]()
	instanceType    = reflect.TypeFor[Instance]()
	credentialsType = reflect.TypeFor[creds.Config]()
)

// walker copies the YAML nodes of a file as far as they fit the types that they are decoded into, and reports the others:
// unknown and duplicate keys, and values of a wrong type. The library accepts some of these, stops at others, and quotes
// values in its errors. The copy has neither aliases nor merge keys, and a mapping for each instance.
type walker struct {
	*problems
	visits int // how many more nodes may be read
}

// value returns a copy of n that can be decoded into t, or nil.
func (w *walker) value(n *yaml.Node, t reflect.Type, path string) *yaml.Node {
	w.visits--
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if t.Kind() == reflect.Pointer { // a source of credentials
		t = t.Elem()
	}
	fits, wanted := scalarFits(n, t)
	switch {
	case w.visits <= 0: // decode reports it
	case strings.Count(path, ".source") > maxSources && t == credentialsType:
		w.add(path, "is nested too deep, allowed: %d levels of source", maxSources)
	case n.Style&yaml.TaggedStyle != 0:
		w.add(path, "a YAML tag is not allowed; put quotes around a text that begins with '!'")
	case n.Kind == yaml.MappingNode && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map):
		return w.mapping(n, t, path)
	case n.Kind == yaml.SequenceNode && t.Kind() == reflect.Slice:
		return w.list(n, t, path)
	case fits && t == instanceType:
		id := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "id"}
		return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{id, n}}
	case fits:
		return n
	default:
		w.add(path, "must be %s", wanted)
	}
	return nil
}

// list puts an empty value in the place of an item with a problem: the library drops a null, and the index of the items
// after it changes.
func (w *walker) list(n *yaml.Node, t reflect.Type, path string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode}
	empty := &yaml.Node{Kind: yaml.MappingNode}
	if t.Elem().Kind() == reflect.String {
		empty = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}
	}
	for i := 0; i < len(n.Content) && w.visits > 0; i++ {
		at := fmt.Sprintf("%s[%d]", path, i)
		w.places[at] = place{n.Content[i].Line, at}
		out.Content = append(out.Content, cmp.Or(w.value(n.Content[i], t.Elem(), at), empty))
	}
	return out
}

func (w *walker) mapping(n *yaml.Node, t reflect.Type, path string) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	fields, names := fieldTypes(t)
	for _, e := range w.entries(n, path, 0) {
		key, ft := e.key.Value, fields[e.key.Value]
		if t.Kind() == reflect.Map {
			ft = t.Elem()
		}
		at, nearest := join(path, key), words.Nearest(key, names)
		shown := at
		if !plainKey.MatchString(key) || ft == nil && nearest == "" && t == credentialsType {
			shown, nearest = path, "" // in credentials, an unknown key may be a secret
		}
		w.places[at] = place{e.key.Line, shown}
		switch {
		case e.first != 0:
			w.addAt(e.key.Line, shown, "is given twice, first on line %d", e.first)
		case ft == nil && nearest != "":
			w.add(at, "unknown key, did you mean %s? allowed: %s", nearest, strings.Join(names, ", "))
		case ft == nil:
			w.add(at, "unknown key, allowed: %s", strings.Join(names, ", "))
		case isNull(e.value) && names != nil: // the same as no key
			delete(w.places, at)
		case isNull(e.value): // a label or a tag without a value
			out.Content = append(out.Content, e.key, e.value)
		case e.value.Kind == yaml.ScalarNode && e.value.Value == "" && names != nil && key != "endpoint" && key != "resource_group":
			w.add(at, "is empty, give a value or leave the key out")
		default:
			if v := w.value(e.value, ft, at); v != nil {
				out.Content = append(out.Content, e.key, v)
			}
		}
	}
	return out
}

// entry is a key of a mapping and its value.
type entry struct {
	key, value *yaml.Node
	first      int // the line on which the mapping has the same key before, or 0
}

// entries returns the keys of a mapping, and after them those of its merge keys ("<<") that it does not have itself. Below
// a merge key, whose level is above 0, a list of mappings stands for all of them.
func (w *walker) entries(n *yaml.Node, path string, level int) (all []entry) {
	var merged []*yaml.Node
	lines := map[string]int{}
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case level > maxMerges:
		w.add(path, "merge keys are nested too deep")
	case n.Kind == yaml.SequenceNode:
		merged = n.Content
	case n.Kind != yaml.MappingNode:
		w.add(path, "the merge key << must have a mapping, or a list of mappings")
	default:
		for i := 0; i+1 < len(n.Content) && w.visits > 0; i += 2 {
			w.visits--
			key, value := n.Content[i], n.Content[i+1]
			switch {
			case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
				merged = append(merged, value)
			case key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0 || !utf8.ValidString(key.Value):
				w.addAt(key.Line, path, "has a key that is not a text")
			default:
				all = append(all, entry{key, value, lines[key.Value]})
				lines[key.Value] = cmp.Or(lines[key.Value], key.Line)
			}
		}
	}
	for i := 0; i < len(merged) && w.visits > 0; i++ {
		w.visits--
		for _, e := range w.entries(merged[i], path, level+1) {
			if lines[e.key.Value] == 0 || e.first != 0 { // an earlier merge wins
				lines[e.key.Value] = e.key.Line
				all = append(all, e)
			}
		}
	}
	return all
}

// fieldTypes returns the types of a struct's fields by their YAML keys, and the keys in order.
func fieldTypes(t reflect.Type) (types map[string]reflect.Type, names []string) {
	types = map[string]reflect.Type{}
	for i := 0; t.Kind() == reflect.Struct && i < t.NumField(); i++ {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		types[name] = t.Field(i).Type
		names = append(names, name)
	}
	return types, names
}

// scalarFits reports whether n is a scalar that can be decoded into t, and what can be. It is stricter than the library,
// which reads 2.5 as 2 and "yes" as true.
func scalarFits(n *yaml.Node, t reflect.Type) (fits bool, wanted string) {
	tag := n.ShortTag()
	scalar := n.Kind == yaml.ScalarNode && tag != "!!null" && utf8.ValidString(n.Value)
	switch kind := t.Kind(); {
	case t == durationType:
		_, err := model.ParseDuration(n.Value)
		return scalar && err == nil, "a duration such as 30s, 5m or 1h30m"
	case t == instanceType:
		return scalar, "an instance ID or a mapping"
	case kind == reflect.String:
		return scalar, "text"
	case kind == reflect.Int:
		return tag == "!!int" && wholeNumber.MatchString(n.Value), "a whole number"
	case kind == reflect.Float64:
		return tag == "!!int" || tag == "!!float", "a number"
	case kind == reflect.Bool:
		return tag == "!!bool", "true or false"
	case kind == reflect.Slice:
		return false, "a list"
	}
	return false, "a mapping"
}

// isNull reports whether n is an explicit or an empty null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }
