package github

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
)

// largeDelivery has a payload and an answer of so many bytes each.
func largeDelivery(size int64) io.Reader {
	return io.MultiReader(
		strings.NewReader(`{"request":{"headers":{"X":["1"]},"payload":{"ref":"`), io.LimitReader(letters{}, size),
		strings.NewReader(`","n":[1,{"a":null}]}}, "id":9 ,"response" : {"headers":{"A":"b"},"payload":"Go away. \"\u00e4`), io.LimitReader(letters{}, size),
		strings.NewReader(`"},"status":"Invalid HTTP Response: 500","action":null,"duration":0.25,"redelivery":true}`))
}

func TestOfALargeDeliveryOnlyTheBeginningOfTheAnswerIsKept(t *testing.T) {
	g := NewWithT(t)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, largeDelivery(20<<20)) })
	delivery, err := repositoryOn(t, server).Delivery(t.Context(), 1, 9)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(delivery.ID).To(BeEquivalentTo(9))
	g.Expect(delivery.Status).To(Equal("Invalid HTTP Response: 500"))
	g.Expect(delivery.Duration).To(Equal(0.25))
	g.Expect(delivery.Redelivery).To(BeTrue())
	g.Expect(*delivery.Response.Payload).To(HavePrefix(`Go away. "äaaa`))
	g.Expect(len(*delivery.Response.Payload)).To(BeNumerically("<=", maxAnswerRead))
}

func TestReadingALargeDeliveryTakesLittleMemory(t *testing.T) {
	g := NewWithT(t)
	var before, after runtime.MemStats
	runtime.GC() // Of what other tests have left.
	runtime.ReadMemStats(&before)
	read, err := readDelivery(largeDelivery(20<<20), maxDelivery)
	runtime.GC()
	runtime.ReadMemStats(&after)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(len(read)).To(BeNumerically("<", 16<<10))
	// What letters allocates for each Read is counted, too: as much as is read, and no copy of it.
	g.Expect(after.TotalAlloc - before.TotalAlloc).To(BeNumerically("<", 60<<20))
	g.Expect(after.HeapInuse).To(BeNumerically("<", before.HeapInuse+8<<20))

	_, err = readDelivery(largeDelivery(40<<20), maxDelivery)
	g.Expect(err).To(MatchError(ContainSubstring("larger than 64 MiB")))
}

func FuzzReadDelivery(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "id" : 1 , "response" : null } `, `{"a":[[],{}],"b":{"c":["]}",{"d":"\\\""}]},"id":-1.5e3,"t":true}`,
		`{"response":{"payload":"\ud83d\ude00","headers":{}}}`, `{"response":[1,2],"x":[3]}`, `{"id":1,}`, `{"\"":1}`, `{"a":[1,2,3],"b":[-1]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		read, err := readDelivery(strings.NewReader(string(data)), maxDelivery)
		var object map[string]json.RawMessage
		if json.Unmarshal(data, &object) != nil || object == nil {
			return // It may be read or not, as long as that ends.
		}
		g := NewWithT(t)
		g.Expect(err).NotTo(HaveOccurred())
		var small map[string]json.RawMessage
		g.Expect(json.Unmarshal(read, &small)).To(Succeed(), string(read))
		for name, value := range small {
			if name != "response" && len(name) < maxWord && len(value) < maxScalar {
				g.Expect(string(value)).To(Equal(string(object[name])))
			}
		}
	})
}
