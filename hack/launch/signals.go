package launch

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// Interrupted is the exit code of a program that a signal ended.
const Interrupted = 130

// Interruptible is a context that Ctrl-C, SIGTERM and a closed terminal end. The signals are not given back before the end:
// whoever presses Ctrl-C twice does not have to look for what was left running.
func Interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}
