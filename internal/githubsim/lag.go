package githubsim

// lag lets reads fall behind writes: GitHub answers from copies of its database, and a copy may be late.
type lag struct {
	// reads is how many reads after each write are answered as before it; 0 is none.
	reads int
	// left is how many are still to come, and before what they show.
	left   int
	before []*hook
}

// LagReads answers, after each change of a target's webhooks, that many reads of them (of one, of its config or of the
// list) as they were before the change, with the ETags of then. 0 ends it.
func (s *Server) LagReads(target Target, reads int) {
	s.change(target, func(p *place) { p.lag = lag{reads: reads} })
}

// noteBefore keeps the webhooks as they are before a change, where reads shall fall behind it.
func (s *Server) noteBefore(p *place) {
	if p.lag.reads == 0 {
		return
	}
	p.lag.left, p.lag.before = p.lag.reads, nil
	for _, h := range p.hooks {
		copied := *h
		copied.Hook = h.copy()
		p.lag.before = append(p.lag.before, &copied)
	}
}

// hooks are those of the place as this request sees them.
func (c *call) hooks() []*hook {
	l := &c.place.lag
	if l.left == 0 || !reads(c.request) || c.route.ofDeliveries() {
		return c.place.hooks
	}
	l.left--
	return l.before
}
