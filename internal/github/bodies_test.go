package github

import (
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

// silent is a body of which nothing comes until the request ends.
type silent struct{ ctx context.Context }

func (s silent) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

// half sends so many bytes and then nothing.
func half(ctx context.Context, n int64) io.Reader {
	return io.MultiReader(io.LimitReader(letters{}, n), silent{ctx})
}

func TestBodiesAreBoundedTogether(t *testing.T) {
	g := NewWithT(t)
	bodies := NewBodies()
	var all sync.WaitGroup
	for i := range 40 { // 280 MiB if they were read at once; all are read in the end.
		all.Go(func() {
			r := bodies.read(t.Context(), fmt.Sprint("host", i%4), io.LimitReader(letters{}, 7<<20))
			defer r.release()
			n, err := io.Copy(io.Discard, r)
			if err != errCrowded { //nolint:errorlint // It is not wrapped here.
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(n).To(BeEquivalentTo(7 << 20))
			}
		})
	}
	all.Wait()
	g.Expect(bodies.all.TryAcquire(maxBodies)).To(BeTrue(), "all was given back")
	g.Expect(bodies.last.TryAcquire(1)).To(BeTrue())
	g.Expect(bodies.hosts).To(BeEmpty())
}

func TestAServerThatHangsTakesNoRoomFromOthers(t *testing.T) {
	g := NewWithT(t)
	bodies := NewBodies()
	hanging, end := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			r := bodies.read(hanging, "hangs", half(hanging, int64(i)<<20))
			defer r.release()
			_, _ = io.Copy(io.Discard, r)
		})
	}
	for range 20 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r := bodies.read(ctx, "healthy", io.LimitReader(letters{}, 4<<20))
		_, err := io.Copy(io.Discard, r)
		g.Expect(err).NotTo(HaveOccurred())
		r.release()
		cancel()
	}
	end()
	all.Wait()
	g.Expect(bodies.hosts).To(BeEmpty())
}

func TestTwoServersThatHangLeaveTheLastPlace(t *testing.T) {
	g := NewWithT(t)
	bodies := NewBodies()
	g.Expect(bodies.all.TryAcquire(maxBodies)).To(BeTrue(), "as if others held all")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	first := bodies.read(t.Context(), "healthy", io.LimitReader(letters{}, 7<<20))
	_, err := io.Copy(io.Discard, first)
	g.Expect(err).NotTo(HaveOccurred())
	second := bodies.read(ctx, "other", io.LimitReader(letters{}, 7<<20))
	_, err = io.Copy(io.Discard, second)
	g.Expect(err).To(MatchError(context.DeadlineExceeded), "the place is taken")
	second.release()
	first.release()
	third := bodies.read(t.Context(), "other", io.LimitReader(letters{}, 7<<20))
	_, err = io.Copy(io.Discard, third)
	g.Expect(err).NotTo(HaveOccurred())
	third.release()
	bodies.all.Release(maxBodies)
	g.Expect(bodies.hosts).To(BeEmpty())

	small := bodies.read(t.Context(), "any", io.LimitReader(letters{}, 8<<10))
	g.Expect(bodies.all.TryAcquire(maxBodies)).To(BeTrue())
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, small, make([]byte, 4<<10))
	g.Expect(err).NotTo(HaveOccurred(), "small answers need no room")
}
