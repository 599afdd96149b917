// Command record makes an animated SVG of what it reads from stdin, at the pace at which it comes, and passes it on.
// `make demo-recording` has it record the demo for the README. The SVG has no script and no font of its own, so that it plays
// wherever an image does; dark and light pages show it alike.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
	"time"
)

// line of the recording, and how long after the one before it was printed.
type line struct {
	text  string
	after time.Duration
}

func main() {
	out := flag.String("out", "", "The SVG to write")
	title := flag.String("title", "", "What the recording shows, for those who cannot see it")
	flag.Parse()
	if err := record(os.Stdin, os.Stdout, *out, *title); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func record(in io.Reader, echo io.Writer, out, title string) error {
	var lines []line
	last := time.Now()
	for scanner := bufio.NewScanner(in); scanner.Scan(); last = time.Now() {
		lines = append(lines, line{scanner.Text(), time.Since(last)})
		fmt.Fprintln(echo, scanner.Text())
	}
	if len(lines) == 0 {
		return fmt.Errorf("nothing was printed")
	}
	return os.WriteFile(out, []byte(render(lines, title)), 0o644)
}
