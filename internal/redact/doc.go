// Package redact takes secrets out of text that a server sent, before a person sees it.
//
// Of a secret that it was given, the text that [Line] returns never holds [Run] characters in a row, nor all of one that is
// shorter, whichever way they are written: raw, in JSON, in quotes, in a URL, in HTML, one within the other, in capitals, or
// with other white space. Where that cannot be had by leaving gaps, nothing of the text is returned.
//
// It takes time and memory in proportion to the text and to the secret, whatever either holds: both are read once from
// their ends, so that at each offset it is known which character stands there and where reading goes on. What is kept of a
// secret are hashes of its runs; no value is in memory on its behalf, in a pattern, or in the text of a panic.
package redact
