package config

import "strings"

// nearest returns the word that key is most likely a misspelling of, or "".
func nearest(key string, words []string) (best string) {
	if len(key) > 40 {
		return ""
	}
	key = strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(key)) // as of a camelCase spelling
	least := len(key)
	for _, word := range words {
		d, most := editDistance(key, strings.ReplaceAll(word, "_", "")), max(len(word)/4, 1)
		if len(word) < 8 {
			most = len(word)/4 + 1
		}
		if d < least && d <= most {
			best, least = word, d
		}
	}
	return best
}

// editDistance counts the bytes to add, remove or change to turn a into b.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
