# What to do with the project. `make` alone lists the targets. Nothing need be installed but Go, make and git.

ifeq ($(filter oneshell,$(.FEATURES)),)
$(error GNU make 4 is needed, and this is make $(MAKE_VERSION). On macOS: brew install make, then gmake)
endif
# One shell for a recipe, so that it reads as the script it is and stops at the first line that fails.
.ONESHELL:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The version that the binary reports.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# The one name of the image, and the image that docker-build makes and deploy runs: in the tree a tag that nobody publishes.
IMAGE := ghcr.io/github-webhooks/github-webhook-operator
IMG ?= $(IMAGE):dev
# Platforms that docker-build builds for, such as linux/amd64,linux/arm64. Empty: this machine's.
PLATFORMS ?=
# The kind cluster that kind-load loads the image into.
KIND_CLUSTER ?= kind
# A file that docker-push writes the pushed image's digest to. Empty: none.
METADATA ?=
# The program that builds images: docker, podman, nerdctl, …
CONTAINER_TOOL ?= docker
# The namespace of the operator's own Secret with `make run`.
NAMESPACE ?= default
# More flags for `make run`.
ARGS ?=
# How many stories run at the same time: they wait more than they work. Each process has an API server of its own.
STORY_PROCS ?= 4
# How long `make fuzz` runs each target.
FUZZTIME ?= 1m
# How long `make soak` lets everything go wrong, and the seed of its choices (default a random one, which it prints).
SOAK_TIME ?= 5m
SOAK_SEED ?=
# What `make bench` measures: how many objects, with which login (token or app), whether a fleet is created under github.com's
# limits, too (on or off), how many times faster their time passes, the interval of the polls that are measured (30s or more,
# by N), and where the JSON goes; the Markdown goes beside it. BENCH_ARGS adds flags; bin/bench -help lists them.
N ?= 1000
LOGIN ?= token
LIMITS ?= on
SCALE ?= 5
WINDOW ?= 0
OUT ?= bin/bench.json
BENCH_ARGS ?=
# The benchmarks that `make bench-packages` runs.
BENCH ?= .
# 1: `make demo` leaves everything running at the end.
KEEP ?=
# 1: the operator and its tests with the race detector, which needs a C compiler. CI has it on.
RACE ?=

# Tools come from hack/tools, in the versions pinned there; go builds each once and keeps it.
TOOL := go tool -modfile=$(CURDIR)/hack/tools/go.mod
STORIES := $(TOOL) ginkgo
# How the operator is built for others, here and in the Dockerfile: the same source gives the same bytes. Without gRPC's
# trace pages, whose templates call methods by name, the linker leaves out every method that nothing calls: a quarter.
# No binary keeps its debugging information, so it is not made, which saves a tenth of the time. Tests and tools are built
# with the same flags: what they have in common is compiled once.
export GOFLAGS = -trimpath -buildvcs=false -tags=grpcnotrace -gcflags=all=-dwarf=false
ifeq ($(RACE),)
export CGO_ENABLED = 0
endif
LDFLAGS = -s -w -X main.version=$(VERSION)
BUILD = CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)'
# A build that says how far it is: $(call say,what) and the command.
say = hack/clock.sh --build '$(1)' env
# The commit and its time, which a release is stamped with.
REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
# The kubectl of the machine, else the one of the control plane for tests.
KUBECTL ?= $(or $(shell command -v kubectl),$(shell go -C hack/envtest run .)/kubectl)
# The modules of this repository that hold Go code of ours.
MODULES := . hack/envtest
CHART := charts/github-webhook-operator
# What `make generate manifests chart docs` writes.
GENERATED := api/v1alpha1/zz_generated.deepcopy.go api/v1alpha1/README.md config/crd/bases config/rbac/role.yaml \
	$(CHART)/templates/crds $(CHART)/templates/_rules.tpl $(CHART)/README.md config/prometheus/rule.yaml
# Find the control plane of the tests, or build it from source once. What it does meanwhile goes to stderr.
define control-plane
$(call say,What finds the control plane) CGO_ENABLED=0 go -C hack/envtest build -v -o '$(CURDIR)/bin/envtest' . >&2
KUBEBUILDER_ASSETS="$$(cd hack/envtest && '$(CURDIR)/bin/envtest')"
export KUBEBUILDER_ASSETS
endef
# The manifests that `make deploy` applies, with the image IMG.
RENDER = $(TOOL) kustomize build config/default | sed 's|image: $(IMAGE):dev|image: $(IMG)|'

##@ Everyday

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: ## Show it: a hook is made, edited, repaired, rotated and deleted on a simulated GitHub. KEEP=1 leaves it running.
	@echo 'The first time the demo, the operator and a Kubernetes API server are built: some 6 minutes on 2 cores.'
	$(call say,The demo) CGO_ENABLED=0 go build -v -o bin/demo ./hack/demo
	$(call say,The operator) $(BUILD) -v -o bin/manager .
	$(control-plane)
	OPERATOR='$(CURDIR)/bin/manager' KEEP='$(KEEP)' exec bin/demo

.PHONY: demo-recording
demo-recording: build ## Record the demo for the README: docs/demo.svg.
	@$(call say,The demo) CGO_ENABLED=0 go build -v -o bin/demo ./hack/demo
	$(call say,The recorder) CGO_ENABLED=0 go build -v -o bin/record ./hack/record
	$(control-plane)
	OPERATOR='$(CURDIR)/bin/manager' bin/demo | bin/record -out docs/demo.svg \
		-title 'make demo: the operator creates, repairs, rotates, redelivers and deletes webhooks on a simulated GitHub'

.PHONY: build
build: ## Build the operator as one static binary: bin/manager.
	@$(call say,The operator) $(BUILD) -v -o bin/manager .

.PHONY: run
run: ## Run the operator here against the cluster of the current kubeconfig (after `make install`). ARGS adds flags.
	go run -ldflags '-X main.version=$(VERSION)' . --zap-devel --leader-elect=false --metrics-bind-address=0 --namespace='$(NAMESPACE)' $(ARGS)

##@ Tests

# What tests run is built before them, once: no test's timeout counts a compilation.
.PHONY: test
test: ## Run all tests: packages, and stories on a real API server and a simulated GitHub. RACE=1: with the race detector.
	@echo '== Tools, data and binaries that the tests need (the first time some 6 minutes on 2 cores)'
	$(control-plane)
	GITHUB_OPENAPI_DIR="$$(hack/openapi.sh)"
	export GITHUB_OPENAPI_DIR
	echo "control plane:                $$KUBEBUILDER_ASSETS"
	echo "GitHub's OpenAPI description: $${GITHUB_OPENAPI_DIR:-none}"
	race=
	if [[ -n '$(RACE)' ]]; then
		[[ "$$(go env CGO_ENABLED)" == 1 ]] || { echo 'The race detector needs a C compiler, and there is none: install gcc' >&2; exit 1; }
		race=-race
		$(call say,The operator with the race detector) CGO_ENABLED=1 go build -v -race -o bin/manager-race .
	fi
	echo "race detector:                $${race:-off (RACE=1 turns it on)}"
	$(call say,The operator) $(BUILD) -v -o bin/manager .
	$(call say,The operator for the benchmark) CGO_ENABLED=0 go build -v -ldflags '$(LDFLAGS) -X main.limitsTimeScale=60' -o bin/manager-hasty .
	$(call say,The stories) $(STORIES) build $$race ./controllers
	export OPERATOR='$(CURDIR)/bin/manager' OPERATOR_RACE='$(CURDIR)/bin/manager-race' OPERATOR_HASTY='$(CURDIR)/bin/manager-hasty'
	echo '== Packages (a failure shows its output, a passed package is one line)'
	hack/clock.sh 'Packages' go test $$race -timeout 10m $$(go list ./... | grep -Ev '/(controllers|hack/chart|hack/release)$$')
	hack/clock.sh 'Packages' go -C hack/envtest test ./...
	echo '== Stories (the operator on a real API server and a simulated GitHub; a dot is a story that passed)'
	hack/clock.sh 'Stories' $(STORIES) --procs=$(STORY_PROCS) --timeout=30m controllers/controllers.test
	echo '== All tests passed'

.PHONY: soak
soak: ## Let everything go wrong for SOAK_TIME, API server restarts and dying leaders included. SOAK_SEED repeats the choices.
	@$(control-plane)
	GITHUB_OPENAPI_DIR="$$(hack/openapi.sh)"
	export GITHUB_OPENAPI_DIR SOAK_TIME='$(SOAK_TIME)' SOAK_SEED='$(SOAK_SEED)'
	$(STORIES) -v --timeout=0 --fail-on-empty --focus='A storm' ./controllers

.PHONY: chart-test
chart-test: ## Test the chart, the manifests, the operator's rights and the alerts. Builds Helm and promtool once (some 8 min).
	@$(control-plane)
	$(call say,The operator) $(BUILD) -v -o bin/manager .
	export OPERATOR='$(CURDIR)/bin/manager'
	for values in $(CHART)/ci/*-values.yaml; do
		$(TOOL) helm lint --strict --quiet --kube-version 1.37 --values "$$values" $(CHART)
	done
	$(TOOL) helm-unittest $(CHART)
	$(TOOL) promtool check rules $(CHART)/files/alerts.yaml
	$(TOOL) promtool test rules hack/chart/testdata/alerts_test.yaml
	go test -timeout 10m ./hack/chart

.PHONY: smoke
smoke: ## Run the basic stories against a real GitHub, and clean up. Settings in the environment: docs/smoke.md.
	@$(call say,The smoke run) CGO_ENABLED=0 go build -v -o bin/smoke ./hack/smoke
	$(control-plane)
	exec bin/smoke

.PHONY: bench
bench: build ## Measure the operator with N objects: time, requests, memory, CPU, beside the aims. LIMITS=off is shorter.
	@$(control-plane)
	$(call say,The operator under limits) CGO_ENABLED=0 go build -v -ldflags '$(LDFLAGS) -X main.limitsTimeScale=$(SCALE)' -o bin/manager-scaled .
	$(call say,The benchmark) CGO_ENABLED=0 go build -v -o bin/bench ./hack/bench
	exec bin/bench -n '$(N)' -login '$(LOGIN)' -limits '$(LIMITS)' -scale '$(SCALE)' -window '$(WINDOW)' -out '$(OUT)' $(BENCH_ARGS)

.PHONY: bench-packages
bench-packages: ## Run the benchmarks of the packages. BENCH=regexp chooses.
	go test -run '^$$' -bench '$(BENCH)' -benchmem ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each.
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file target; do
		target="$${target#func }"
		echo "== $$target in $$(dirname "$$file")"
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' "$$(dirname "$$file")"
	done

.PHONY: lint
lint: ## Check the style, the import rules and the usual mistakes.
	@for module in $(MODULES); do
		echo "golangci-lint run ($$module)"
		(cd "$$module" && $(TOOL) golangci-lint run --config '$(CURDIR)/.golangci.yml')
	done

.PHONY: lint-workflows
lint-workflows: ## Check the workflows.
	go tool -modfile=$(CURDIR)/hack/actionlint/go.mod actionlint

.PHONY: vet
vet: ## Run go vet.
	@for module in $(MODULES); do
		echo "go vet ./... ($$module)"
		go -C "$$module" vet ./...
	done

.PHONY: fmt
fmt: ## Format the Go code.
	gofmt -w .

##@ Generated files

.PHONY: generate
generate: ## Write the deep copies of the API types.
	$(TOOL) controller-gen object paths=./api/...

.PHONY: manifests
manifests: ## Write the CRDs and the operator's ClusterRole, from the API types and the RBAC markers.
	$(TOOL) controller-gen crd rbac:roleName=github-webhook-operator paths=./api/... paths=./controllers/... paths=. \
		output:crd:dir=config/crd/bases output:rbac:dir=config/rbac

.PHONY: chart
chart: ## Write what the chart takes from elsewhere: CRDs and rules, and its README; and the alerts for kustomize.
	go run ./hack/chart
	$(TOOL) helm-docs --chart-search-root charts --sort-values-order file --log-level warning

.PHONY: docs
docs: ## Write the reference of the API, from the API types.
	$(TOOL) crd-ref-docs --source-path=./api/v1alpha1 --config=hack/crd-ref-docs.yaml --renderer=markdown \
		--output-path=api/v1alpha1/README.md

.PHONY: render
render: ## Render every folder of config/ that is applied as it stands.
	@for dir in crd rbac manager default prometheus certmanager samples gitops/argocd/health gitops/flux/operator; do
		$(TOOL) kustomize build "config/$$dir" >/dev/null
		echo "config/$$dir renders"
	done

.PHONY: verify
verify: generate manifests chart docs ## Fail when the generated files that are committed are not what the sources say.
	@changed="$$(git status --porcelain -- $(GENERATED))"
	if [[ -n "$$changed" ]]; then
		git --no-pager diff -- $(GENERATED)
		echo "These generated files differ from the committed ones: commit what \`make generate manifests chart docs\` wrote." >&2
		echo "$$changed" >&2
		exit 1
	fi

##@ Cluster

.PHONY: install
install: ## Install the CRDs into the cluster of the current kubeconfig.
	$(TOOL) kustomize build config/crd | $(KUBECTL) apply --server-side -f -

.PHONY: uninstall
uninstall: ## Delete the CRDs and with them every object. While the operator runs, it deletes their hooks on GitHub first.
	$(TOOL) kustomize build config/crd | $(KUBECTL) delete --ignore-not-found -f -

# Nobody publishes the development tree's image: whoever deploys it says which one to run.
.PHONY: named-image
named-image:
	@[[ '$(origin IMG)' != file ]] || {
		echo 'Nobody publishes an image of the development tree. Build one and push it: make docker-build docker-push IMG=registry.example.com/github-webhook-operator:dev' >&2
		echo 'or load it into a kind cluster: make kind-load. Then name it: IMG=… (kind: IMG=$(IMAGE):dev).' >&2
		exit 1
	}

.PHONY: deploy
deploy: named-image ## Install the CRDs and run the operator in the cluster, from the image IMG.
	$(RENDER) | $(KUBECTL) apply --server-side -f -

.PHONY: undeploy
undeploy: ## Remove the operator from the cluster. CRDs, objects, hooks, the namespace and the fingerprint key stay.
	$(KUBECTL) delete --ignore-not-found -f config/manager/manager.yaml -f config/manager/metrics_service.yaml
	$(TOOL) kustomize build config/rbac | $(KUBECTL) delete --ignore-not-found -f -

.PHONY: build-installer
build-installer: named-image ## Write dist/install.yaml: all that `make deploy` applies, with the image IMG.
	mkdir -p dist
	$(RENDER) > dist/install.yaml

##@ Release

IMAGE_BUILD = --build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' \
		--build-arg SOURCE_DATE_EPOCH='$(SOURCE_DATE_EPOCH)' $(if $(PLATFORMS),--platform '$(PLATFORMS)') -t '$(IMG)' .

.PHONY: docker-build
docker-build: ## Build the image IMG.
	$(CONTAINER_TOOL) build $(IMAGE_BUILD)

# Several platforms have to be pushed where they are built, which docker's buildx does; its SBOM and provenance go along.
.PHONY: docker-push
docker-push: ## Push the image IMG; with PLATFORMS=linux/amd64,linux/arm64 build it for these and push it.
	$(if $(PLATFORMS),$(CONTAINER_TOOL) buildx build --push --sbom=true --provenance=mode=max $(if $(METADATA),--metadata-file '$(METADATA)') $(IMAGE_BUILD),$(CONTAINER_TOOL) push '$(IMG)')

.PHONY: kind-load
kind-load: docker-build ## Build the image and load it into the kind cluster KIND_CLUSTER.
	kind load docker-image '$(IMG)' --name '$(KIND_CLUSTER)'
	@echo 'Run it: make deploy IMG=$(IMG)'
	echo 'or:     helm install github-webhook-operator $(CHART) -n github-webhook-operator --create-namespace \'
	echo '          --set image.repository=$(firstword $(subst :, ,$(IMG))) --set image.tag=$(lastword $(subst :, ,$(IMG)))'

.PHONY: release
release: IMG = $(IMAGE):$(VERSION)
release: ## Write dist/ for VERSION=v1.2.3: binaries, manifests for the image IMG, chart, SBOMs, provenance, checksums.
	@[[ '$(VERSION)' =~ ^v[0-9]+\.[0-9]+\.[0-9]+ ]] || { echo 'Name the version: make release VERSION=v1.2.3' >&2; exit 1; }
	changed="$$(git status --porcelain --untracked-files=normal)" || {
		echo 'make release needs a git checkout: the provenance names the commit that the files are built from.' >&2
		exit 1
	}
	if [[ -n "$$changed" ]]; then
		echo 'make release builds what is committed, so that the provenance is true. Commit these files, or remove them:' >&2
		echo "$$changed" >&2
		exit 1
	fi
	rm -rf dist
	mkdir dist
	for arch in amd64 arm64; do
		GOOS=linux GOARCH="$$arch" GOAMD64=v1 GOARM64=v8.0 $(BUILD) -o "dist/github-webhook-operator_linux_$$arch" .
	done
	$(RENDER) > dist/install.yaml
	$(TOOL) helm package $(CHART) --version '$(VERSION:v%=%)' --app-version '$(VERSION)' --destination dist
	go run ./hack/release -dir dist -version '$(VERSION)' -revision '$(REVISION)' -time '$(SOURCE_DATE_EPOCH)'

.PHONY: release-test
release-test: ## Build a release twice and compare.
	go test -timeout 15m ./hack/release
