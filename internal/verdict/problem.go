package verdict

// Problem is an error that knows its reason: one that was found out by the operator, not by GitHub.
type Problem struct {
	// Reason is one of the API's.
	Reason string
	// Message is a sentence that names the object and the way out.
	Message string
}

func (p Problem) Error() string { return p.Message }
