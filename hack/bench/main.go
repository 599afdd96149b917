// Command bench measures what the operator costs: time, requests, memory and CPU for N webhooks.
//
// It starts a Kubernetes API server and a simulated GitHub, runs the operator's real binary as a process of its own with
// the rights that its manifests give it, and takes a fleet of RepositoryWebhooks through its life: create, one change at
// a time, a change of all, a rotated Secret, polls, a restart, deletion. A proxy in front of the API server counts what
// the operator asks there, the simulator what it asks GitHub, and /proc what the process takes. In a second part a fleet
// is created under github.com's limits, whose hours and minutes pass faster.
//
// It prints tables, with the aims beside what was measured, and writes the same as JSON and Markdown. It never fails on
// speed. It does fail on a wrong result: an object that does not become Ready, a webhook that is missing, doubled, or not
// as the spec and the Secret want it, one that remains after its object.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/github-webhooks/github-webhook-operator/hack/launch"
	"github.com/github-webhooks/github-webhook-operator/internal/githubsim"
)

// options are what can be varied.
type options struct {
	// operator is the binary, and limitedOperator the one of the second part, whose limits' time passes as fast as this
	// GitHub's. root is the top directory of the repository, assets that of the control plane's binaries.
	operator, limitedOperator, root, assets string
	// operatorArgs are further flags of the operator in both parts.
	operatorArgs []string
	// objects are how many there are in the first part, limited in the second; 0 leaves the second out.
	objects, limited int
	// login is how the operator logs in on GitHub: token or app.
	login string
	// samples are how many changes are timed one by one.
	samples int
	// pollInterval is that of the polls that are measured; 0 is for pollEvery to decide.
	pollInterval time.Duration
	// idle is how long an idle operator is watched, and rest how long it does nothing before it counts as idle.
	idle, rest time.Duration
	// limits are GitHub's in the second part.
	limits githubsim.Limits
	// out is where the JSON goes; the Markdown goes beside it.
	out string
}

func main() { os.Exit(bench()) }

// bench returns the exit code.
func bench() int {
	ctrl.SetLogger(logr.Discard())
	ctx, stop := launch.Interruptible()
	defer stop()
	o, err := parseFlags()
	if err == nil {
		err = run(ctx, os.Stdout, o)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, context.Canceled):
		fmt.Println("Stopped.")
		return launch.Interrupted
	default:
		fmt.Printf("\nFAILED: %v\n", err)
		return 1
	}
}

func parseFlags() (options, error) {
	o := options{root: ".", assets: os.Getenv("KUBEBUILDER_ASSETS"), idle: 10 * time.Second, rest: time.Second, limits: githubsim.GitHubLimits()}
	limits, args := "", ""
	flag.StringVar(&o.operator, "operator", "bin/manager", "The operator's binary")
	flag.StringVar(&o.limitedOperator, "limited-operator", "bin/manager-scaled", "The same, linked with -X main.limitsTimeScale=SCALE, for the fleet under limits")
	flag.StringVar(&args, "operator-args", "", "More flags for the operator, separated by spaces")
	flag.IntVar(&o.objects, "n", 1000, "Number of objects")
	flag.StringVar(&o.login, "login", loginToken, "How the operator logs in on GitHub: token or app")
	flag.StringVar(&limits, "limits", "on", "on: create a fleet under github.com's limits, too; off: do not")
	flag.IntVar(&o.limited, "limited", 0, "Number of objects under limits (default the smaller of -n and 500)")
	flag.Float64Var(&o.limits.TimeScale, "scale", 5, "How many times faster the limits' hours and minutes pass. The machine does not get faster with them: the more, the larger its share")
	flag.IntVar(&o.samples, "samples", 200, "Number of changes that are timed one by one")
	flag.DurationVar(&o.pollInterval, "window", 0, "Interval of the polls that are measured, for one whole interval (default 30s, or longer with more than 1500 objects)")
	flag.StringVar(&o.out, "out", "bin/bench.json", "Where the JSON goes; the Markdown goes beside it")
	flag.Parse()
	o.operatorArgs = strings.Fields(args)
	if o.limited == 0 {
		o.limited = min(o.objects, defaultLimited)
	}
	switch {
	case limits == "off":
		o.limited = 0
	case limits != "on":
		return o, fmt.Errorf("-limits is %q: write on or off", limits)
	}
	return o, o.check()
}

// defaultLimited objects are as many as an hour allows, and take six minutes of the limits' time.
const defaultLimited = 500

func (o options) check() error {
	switch {
	case o.objects < 1 || o.samples < 1:
		return errors.New("-n and -samples must be at least 1")
	case o.limits.TimeScale < 1:
		return errors.New("-scale must be at least 1")
	case o.login != loginToken && o.login != loginApp:
		return fmt.Errorf("-login is %q: write token or app", o.login)
	case o.assets == "":
		return errors.New("KUBEBUILDER_ASSETS is not set: start the benchmark with `make bench`")
	}
	return nil
}

// run measures everything, tells it and cleans up, whatever comes.
func run(ctx context.Context, out io.Writer, o options) error {
	s, err := newStage(out, o)
	if err != nil {
		return err
	}
	defer s.close()
	results, err := s.measure(ctx)
	if err != nil {
		return fmt.Errorf("%w%s", err, s.operatorSaid())
	}
	s.say("%s", results.text())
	return results.write(o.out)
}

// measure runs both parts.
func (s *stage) measure(ctx context.Context) (results, error) {
	r := results{Options: s.describe(), Machine: thisMachine(s.operatorBinary)}
	if err := s.startCluster(ctx); err != nil {
		return r, fmt.Errorf("starting the control plane: %w", err)
	}
	if err := s.lifeOfAFleet(ctx, &r); err != nil {
		return r, err
	}
	if s.limited > 0 {
		if err := r.write(s.options.out); err != nil { // The second part is long, and may be stopped.
			return r, err
		}
		if err := s.underLimits(ctx, &r); err != nil {
			return r, err
		}
	}
	return r, nil
}
