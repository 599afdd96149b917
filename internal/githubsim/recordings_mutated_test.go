package githubsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// TestRecordingsAreComparedWhateverTheyName changes what is particular to a recording, and finds that nothing hangs on
// it: neither on names, IDs, days and hosts nor on the order, on what stands beside it, or on how its headers are
// written.
func TestRecordingsAreComparedWhateverTheyName(t *testing.T) {
	files := []string{"testdata/recordings.json"}
	if dir := os.Getenv("GITHUB_RECORDINGS_DIR"); dir != "" {
		files = append(files, dir+"/recordings.json")
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		NewWithT(t).Expect(err).NotTo(HaveOccurred())
		for name, mutate := range mutations {
			t.Run(name+" "+file, func(t *testing.T) {
				changed := mutate(NewWithT(t), raw)
				NewWithT(t).Expect(changed).NotTo(MatchJSON(raw), "nothing was changed")
				compareEach(t, changed)
			})
		}
	}
}

func compareEach(t *testing.T, raw []byte) {
	t.Helper()
	recordings := parseRecordings(NewWithT(t), raw)
	compared := 0
	for _, i := range rand.Perm(len(recordings)) { //nolint:gosec // Any order will do.
		r := &recordings[i]
		if r.elsewhere() == "" {
			t.Run(fmt.Sprintf("%d %s %s", i, r.Request.Method, r.Request.Path), r.compare)
			compared++
		}
	}
	NewWithT(t).Expect(compared).To(BeNumerically(">=", len(recordings)*9/10))
}

var mutations = map[string]func(*WithT, []byte) []byte{
	"other names": func(_ *WithT, raw []byte) []byte {
		names := regexp.MustCompile(`(hub4j-test-org|github-api|temp-testMappingReaderWriter|an-repo|bogus|mona|spoon|octo-labs|octo-org|hello-world)`)
		return names.ReplaceAll(raw, []byte("x-$1.y"))
	},
	"other IDs": func(_ *WithT, raw []byte) []byte {
		return regexp.MustCompile(`\b[1-9]\d{4,15}\b`).ReplaceAllFunc(raw, func(id []byte) []byte {
			return append([]byte("1"), bytes.Map(func(digit rune) rune { return '0' + (digit-'0'+3)%10 }, id)...)
		})
	},
	"an Enterprise Server": func(_ *WithT, raw []byte) []byte {
		raw = bytes.ReplaceAll(raw, []byte("https://api.github.com"), []byte("https://ghe.example.org/api/v3"))
		return bytes.ReplaceAll(raw, []byte(`"path": "/`), []byte(`"path": "https://ghe.example.org/api/v3/`))
	},
	"a day before": eachRecording(func(r map[string]any) {
		source, _ := r["source"].(map[string]any)
		source["date"] = regexp.MustCompile(`\d\d \w{3} (\d{4})`).ReplaceAllString(text(source["date"]), "01 Jan $1")
	}),
	"no day": eachRecording(func(r map[string]any) { delete(r["source"].(map[string]any), "date") }),
	"headers as they are spelt": eachRecording(func(r map[string]any) {
		response, _ := r["response"].(map[string]any)
		headers, _ := response["headers"].(map[string]any)
		for name, value := range headers {
			delete(headers, name)
			headers[strings.ToUpper(name)] = value
		}
	}),
	"no bodies of answers that have none": eachRecording(func(r map[string]any) {
		response, _ := r["response"].(map[string]any)
		if body := text(response["body"]); body == "" {
			delete(response, "body")
		}
	}),
	"the other way round": func(g *WithT, raw []byte) []byte {
		var recordings []json.RawMessage
		g.Expect(json.Unmarshal(raw, &recordings)).To(Succeed())
		slices.Reverse(recordings)
		changed, err := json.Marshal(recordings)
		g.Expect(err).NotTo(HaveOccurred())
		return changed
	},
}

func eachRecording(change func(map[string]any)) func(*WithT, []byte) []byte {
	return func(g *WithT, raw []byte) []byte {
		var recordings []map[string]any
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		g.Expect(decoder.Decode(&recordings)).To(Succeed())
		for _, r := range recordings {
			change(r)
		}
		changed, err := json.Marshal(recordings)
		g.Expect(err).NotTo(HaveOccurred())
		return changed
	}
}

// TestComparingFindsWhatDiffers: a simulator that answered otherwise would not pass.
func TestComparingFindsWhatDiffers(t *testing.T) {
	g := NewWithT(t)
	theirs, isJSON := keysOf([]byte(`{"a":[{"b":1},{"c":{"d":null}}]}`))
	g.Expect(isJSON).To(BeTrue())
	g.Expect(theirs).To(And(HaveLen(4), HaveKey("a[].c.d")))
	_, isJSON = keysOf([]byte(`<html>`))
	g.Expect(isJSON).To(BeFalse())

	young := parseRecordings(g, []byte(`[{"source":{"date":"Tue, 11 Mar 2025 09:30:00 GMT"},
		"request":{"method":"GET","path":"/repos/mona/spoon/hooks/1"},"response":{"status":200,"body":{"id":1,"name":"web"}}}]`))[0]
	for _, key := range []string{"id", "type", "ping_url", "deliveries_url", "last_response.code", "config.insecure_ssl", "invented", "status"} {
		g.Expect(young.explained(key)).To(BeFalse(), key)
	}
	old := young
	old.Source.Date = "Mon, 03 Dec 2012 10:00:00 GMT"
	for _, key := range []string{"type", "ping_url", "deliveries_url", "config.insecure_ssl"} {
		g.Expect(old.explained(key)).To(BeTrue(), key)
	}
	g.Expect(old.explained("invented")).To(BeFalse())
	g.Expect(old.explained("last_response.code")).To(BeFalse())
}
