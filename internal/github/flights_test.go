package github

import (
	"context"
	"errors"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
)

func TestFlightsAreShared(t *testing.T) {
	g := NewWithT(t)
	var flights flights[string, int]
	taken, land := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())

	gaveUp := make(chan error)
	go func() {
		_, err := flights.do(ctx, "a", func(ctx context.Context) (int, error) {
			close(taken)
			<-land
			return 1, ctx.Err()
		})
		gaveUp <- err
	}()
	<-taken
	cancel()
	g.Expect(<-gaveUp).To(MatchError(context.Canceled), "who gives up does not wait")

	var waiting sync.WaitGroup
	results := make([]int, 20)
	for i := range results {
		joined := flights.join(t.Context(), "a", func(context.Context) (int, error) { return 2, nil })
		waiting.Go(func() {
			<-joined.landed
			results[i] = joined.result
		})
	}
	other, err := flights.do(t.Context(), "b", func(context.Context) (int, error) { return 3, nil })
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(other).To(Equal(3), "another key does not wait")
	close(land)
	waiting.Wait()
	g.Expect(results).To(HaveEach(1), "the work went on for the others")

	failure := errors.New("planted")
	_, err = flights.do(t.Context(), "a", func(context.Context) (int, error) { return 0, failure })
	g.Expect(err).To(MatchError(failure), "what has landed is not kept")
	g.Expect(flights.underWay).To(BeEmpty())
}
