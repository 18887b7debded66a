package words

import "testing"

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for n, want := range map[int]string{-100: "-100 days", 0: "0 days", 1: "1 day", 999: "999 days", 1000: "1,000 days", 1234567: "1,234,567 days"} {
		if got := Count(n, "day"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
