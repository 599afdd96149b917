package githubsim

import (
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// cursorPrefix begins every cursor; the rest is the ID of the page's first delivery (observed in recordings).
const cursorPrefix = "v1_"

func (s *Server) listDeliveries(c *call) answer {
	rows := s.kept(c.hook)
	slices.Reverse(rows)
	query := c.request.URL.Query()
	if status := query.Get("status"); status != "" && !s.options.IgnoreStatusFilter {
		low, high, known := statusRange(status)
		if !known {
			return *c.invalidSchema("%s is not a possible value. Must be one of the following: success, failure.", inspect(status))
		}
		rows = slices.DeleteFunc(rows, func(d *Delivery) bool { return d.StatusCode < low || d.StatusCode > high })
	}
	first, valid := firstRow(rows, query.Get("cursor"))
	if !valid {
		return *c.refuse(http.StatusUnprocessableEntity, "Invalid cursor")
	}
	size := c.pageSize()
	end := min(first+size, len(rows))
	items := []deliveryItemBody{}
	for _, d := range rows[first:end] {
		items = append(items, d.item())
	}
	a := reply(http.StatusOK, items)
	c.cursorLinks(rows, first, end, size).set(a.header)
	return a
}

// statusRange is what the filter's values mean. GitHub docs: by status_code, which is not the same as the status OK.
func statusRange(status string) (low, high int, known bool) {
	switch status {
	case "success":
		return 200, 399, true
	case "failure":
		return 400, 599, true
	}
	return 0, 0, false
}

// firstRow finds where the page begins. A cursor whose row is gone begins with the next older one.
func firstRow(newestFirst []*Delivery, cursor string) (int, bool) {
	if cursor == "" {
		return 0, true
	}
	digits, isCursor := strings.CutPrefix(cursor, cursorPrefix)
	id, err := strconv.ParseInt(digits, 10, 64)
	if !isCursor || err != nil {
		return 0, false
	}
	return sort.Search(len(newestFirst), func(i int) bool { return newestFirst[i].ID <= id }), true
}

// cursorLinks links to the next and the previous page, where there are any, and never to the last.
func (c *call) cursorLinks(rows []*Delivery, first, end, size int) links {
	path := c.place.idPath() + "/hook/deliveries"
	if c.place.kind != appKind {
		path = c.place.idPath() + "/hooks/" + strconv.FormatInt(c.hook.ID, 10) + "/deliveries"
	}
	var l links
	if end < len(rows) {
		l.add(c.pageURL(path, "cursor", cursorOf(rows[end])), "next")
	}
	if first > 0 {
		l.add(c.pageURL(path, "cursor", cursorOf(rows[max(0, first-size)])), "prev")
	}
	return l
}

func cursorOf(d *Delivery) string { return cursorPrefix + strconv.FormatInt(d.ID, 10) }

func (s *Server) getDelivery(c *call) answer {
	d, refusal := s.findDelivery(c)
	if refusal != nil {
		return *refusal
	}
	return reply(http.StatusOK, d.body())
}

// redeliver answers at once; the new row shows when the attempt is over.
func (s *Server) redeliver(c *call) answer {
	d, refusal := s.findDelivery(c)
	if refusal != nil {
		return *refusal
	}
	s.dispatch(c.hook, event{
		guid: d.GUID, name: d.Event, action: d.Action, payload: d.Request.Payload, redelivery: true,
		installationID: d.InstallationID, repositoryID: d.RepositoryID,
	})
	return reply(http.StatusAccepted, struct{}{})
}

func (s *Server) findDelivery(c *call) (*Delivery, *answer) {
	id, valid := c.id("delivery_id")
	if !valid {
		return nil, c.refuse(http.StatusBadRequest, "Invalid delivery ID")
	}
	rows := s.kept(c.hook)
	i, found := slices.BinarySearchFunc(rows, id, byDeliveryID)
	if !found {
		return nil, c.notFound()
	}
	return rows[i], nil
}

func (s *Server) pingHook(c *call) answer {
	s.ping(c.hook)
	return reply(http.StatusNoContent, nil)
}

// testHook sends the newest push, to webhooks that are subscribed to it. Others get the same answer and nothing else.
func (s *Server) testHook(c *call) answer {
	if c.hook.subscribes("push") {
		s.dispatch(c.hook, s.newEvent(c.place, "push", "", s.pushPayload(c.place)))
	}
	return reply(http.StatusNoContent, nil)
}
