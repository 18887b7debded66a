# build and test need Go alone. The tools of the other targets are installed into ./bin: at the versions here and in
# .ci/tools/go.mod, but for Debian's package of Alertmanager.

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := build

GO      ?= go
BINARY  := tair_ssl_exporter

GOLANGCI_LINT_VERSION := v2.15.0
ACTIONLINT_VERSION    := v1.7.12
GOVULNCHECK_VERSION   := v1.9.0
GORELEASER_VERSION    := v2.14.3
CYCLONEDX_VERSION     := v1.10.0
# Without Debian's package: the latest version whose module has the web assets. amtool then comes from .ci/tools.
ALERTMANAGER_VERSION  := v0.27.0
# It checks that people with disabilities can use the status page.
AXE_VERSION           := 4.14.1
# Their schemas check the manifests.
KUBERNETES_VERSION          := v1.37.2
PROMETHEUS_OPERATOR_VERSION := v0.85.0
GATEWAY_API_VERSION         := v1.6.3
HELM4_VERSION               := v4.3.1

# The output of --version. Builds of one commit have the same bytes. Outside of a git checkout the version comes from
# CHANGELOG.md and the date from SOURCE_DATE_EPOCH.
VERSION    ?= $(or $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null | sed 's/^v//'),$(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1))
REVISION   ?= $(shell git rev-parse --verify -q HEAD 2>/dev/null)
BRANCH     ?= $(shell git symbolic-ref -q --short HEAD 2>/dev/null)
BUILD_USER ?= make
BUILD_DATE ?= $(or $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null),$(if $(SOURCE_DATE_EPOCH),$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%SZ)))

PKG     := github.com/prometheus/common/version
LDFLAGS := -s -w -X $(PKG).Version=$(VERSION) -X $(PKG).Revision=$(REVISION) -X $(PKG).Branch=$(BRANCH) \
	-X $(PKG).BuildUser=$(BUILD_USER) -X $(PKG).BuildDate=$(BUILD_DATE)

# The race detector needs a C compiler. Without one the tests run without it, with a warning.
RACE ?= $(if $(shell command -v "$$($(GO) env CC | cut -d' ' -f1)" 2>/dev/null),-race)
TEST = $(if $(RACE),CGO_ENABLED=1 $(GO) test $(RACE),$(GO) test)

# Tools with common dependencies are in one module, so that each dependency is compiled once. A change of its go.mod builds
# all of them again. To update one: go -C .ci/tools get -tool PACKAGE@VERSION && go -C .ci/tools mod tidy.
TOOLS    := .ci/tools
TOOLS_ID  = $(shell cat $(TOOLS)/go.mod $(TOOLS)/go.sum | cksum | cut -d' ' -f1)

# $(call install,name,version,commands) runs the commands, which write bin/NAME, unless that version is installed.
define install
	@if [ ! -x bin/$(1) ] || [ ! -e bin/.$(1)-$(2) ]; then \
		echo "installing $(1) into ./bin"; \
		mkdir -p bin; rm -f bin/.$(1)-*; \
		export CGO_ENABLED=0 GOFLAGS=-trimpath; \
		$(3); \
		touch bin/.$(1)-$(2); \
	fi
endef
# No debug symbols, and no inlining in most packages, which halves their time to compile. Prometheus and promtool need it in
# their own. All tools have the same flags, so that they share their packages.
NO_INLINING := -l -dwarf=false
TOOL_FLAGS  := -ldflags='-s -w' \
	$(foreach path,github.com k8s.io sigs.k8s.io go.opentelemetry.io/collector google.golang.org helm.sh,-gcflags='$(path)/...=$(NO_INLINING)') \
	-gcflags='github.com/prometheus/...=-dwarf=false' -gcflags='github.com/prometheus/prometheus/web/...=$(NO_INLINING)'
# $(call tool,name,package,flags) installs a tool of the module. `go run` keeps the executable in the build cache, so that
# another checkout only copies it; `go build` and `go install` link it anew.
in_module = $(GO) -C $(TOOLS) run $(TOOL_FLAGS) $(3) -exec cp $(2) "$(CURDIR)/bin/$(1)"
tool = $(call install,$(1),$(TOOLS_ID),$(call in_module,$(1),$(2),$(3)))
# $(call released,name,package,version) installs a tool with the dependencies of its release. The findings of a linter
# depend on them, and an older version may not build with newer ones.
with_release = $(GO) run $(TOOL_FLAGS) -exec cp $(2)@$(3) "$(CURDIR)/bin/$(1)"
released = $(call install,$(1),$(3),$(call with_release,$(1),$(2),$(3)))

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13

.PHONY: build
build: ## build ./tair_ssl_exporter, static and reproducible
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) .

DOCKER      ?= docker
IMAGE_FLAGS ?=
# Some builders take the image's dates from it. It is the time of the commit, as BUILD_DATE is.
EPOCH       := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null))

.PHONY: image
image: ## build the container image tair_ssl_exporter:VERSION
	$(DOCKER) build $(IMAGE_FLAGS) $(if $(EPOCH),--build-arg SOURCE_DATE_EPOCH=$(EPOCH)) \
		--build-arg VERSION='$(VERSION)' --build-arg REVISION='$(REVISION)' --build-arg BRANCH='$(BRANCH)' \
		--build-arg BUILD_DATE='$(BUILD_DATE)' --tag $(BINARY):'$(VERSION)' .

.PHONY: image-test
image-test: ## build the image for amd64 and arm64 with buildah and try it; skipped, with a line, where buildah cannot run
	.ci/image

.PHONY: test
test: ## all tests, with the race detector
	$(if $(RACE),,@echo "WARNING: no C compiler: the tests run WITHOUT the race detector" >&2)
	$(TEST) $$($(GO) list ./... | grep -Ev '/(deploy|docs)(/|$$)')
	$(GO) test ./deploy/... ./docs # these and the next two read files, and nothing in them runs at the same time
	cd dashboards/lint && $(GO) test -count=1 ./...
	cd docs/schema && $(GO) test ./...

.PHONY: generate
generate: ## update what follows from the Go types of the configuration: its JSON schema and docs/configuration.md
	$(GO) generate ./config

.PHONY: faults
faults: ## every fault of the API, crossed with how many instances it hits, and the ends of the program; takes minutes
	$(GO) test -tags faults -count=1 -timeout=15m -v ./internal/faults

# How long the soak goes on, and the seed of a run to repeat.
SOAK ?= 5m
SEED ?=

.PHONY: soak
soak: ## random faults, reloads and two servers for SOAK: everything is known in the end, and nothing has leaked
	SOAK=$(SOAK) SEED=$(SEED) $(GO) test -tags soak -run Soak -count=1 -timeout=0 -v ./internal/faults

.PHONY: lint
lint: tools-lint ## golangci-lint over the product and the benchmarks, actionlint over the workflows
	./bin/actionlint .github/workflows/*.yml
	./bin/golangci-lint run ./...
	cd bench && ../bin/golangci-lint run --config ../.golangci.yml ./...
	cd dashboards/lint && ../../bin/golangci-lint run --config ../../.golangci.yml ./...
	cd docs/schema && ../../bin/golangci-lint run --config ../../.golangci.yml ./...
	cd e2e/browser && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: format
format: tools-lint ## gofmt and goimports
	./bin/golangci-lint fmt ./...
	cd bench && ../bin/golangci-lint fmt --config ../.golangci.yml ./...
	cd dashboards/lint && ../../bin/golangci-lint fmt --config ../../.golangci.yml ./...
	cd docs/schema && ../../bin/golangci-lint fmt --config ../../.golangci.yml ./...

# The time for each fuzz test.
FUZZTIME ?= 5m

.PHONY: fuzz
fuzz: ## every fuzz test, FUZZTIME each; an input that fails is kept below testdata/fuzz
	@grep -rlE '^func Fuzz' --include='*_test.go' . | sort | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' "$$file"); do \
			echo "$$(dirname "$$file") $$name"; \
			$(GO) test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null; \
		done; \
	done

.PHONY: vulnerabilities
vulnerabilities: ## known vulnerabilities that the program reaches; asks the vulnerability database of Go
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: bench
bench: ## compare with the official client and with the ideal; fails when a bound is missed
	cd bench && $(GO) run .

.PHONY: bench-scale
bench-scale: ## memory and pages with 1,000 to 100,000 instances; takes minutes
	cd bench && $(GO) run ./scale

.PHONY: vectors
vectors: ## update the signature vectors with the cloud's own implementation
	cd bench && $(GO) run ./vectors > vectors.tmp && mv vectors.tmp ../collector/tair/testdata/signatures.json

RULES := deploy/prometheus/rules

# $(call route,receiver,labels) fails unless an alert with these labels goes to that receiver.
define route
	@./bin/amtool config routes test --config.file=deploy/alertmanager/alertmanager.yml --verify.receivers=$(1) $(2) >/dev/null
	@echo "to $(1): $(2)"
endef

.PHONY: rules
rules: tools-rules ## scrape configurations, alerting rules and where alerts go: linted and unit-tested
	./bin/promtool check rules --lint=all --lint-fatal $(RULES)/*.rules.yml
	./bin/promtool check config --lint=all --lint-fatal deploy/prometheus/*.yml
	printf '%s\n' $(RULES)/tests/*.yml | GOGC=800 xargs -P "$$(nproc)" -n 1 ./bin/promtool test rules
	./bin/amtool check-config deploy/alertmanager/alertmanager.yml
	$(call route,critical,alertname=TairSSLCertificateExpired severity=critical account=prod region=cn-hangzhou)
	$(call route,critical,alertname=TairSSLDisabled severity=critical account=prod region=cn-hangzhou)
	$(call route,critical,alertname=TairSSLExporterDown severity=critical)
	$(call route,warnings,alertname=TairSSLCertificateExpiringSoon severity=warning account=prod region=cn-hangzhou team=payments)
	$(call route,info,alertname=TairSSLRenewalSoon severity=info account=prod region=cn-hangzhou)
	$(call route,warnings,alertname=Other severity=unheard-of)

.PHONY: rules-mutation
rules-mutation: tools-rules ## drop each clause of each rule in turn: a unit test of the rules has to fail; takes minutes
	GOGC=800 PROMTOOL="$(CURDIR)/bin/promtool" $(GO) test -tags mutation -run Clause -count=1 -timeout=3h -v ./deploy/prometheus

# The rules to compare with, such as those of an older version.
OLD_RULES ?=

.PHONY: bench-rules
bench-rules: tools-rules tools-e2e ## the evaluation time of the rules for 10,000 instances on two exporters; fails above 2 s
	cd bench && $(GO) run ./rules $(if $(OLD_RULES),-old="$(abspath $(OLD_RULES))")

COMPOSE := deploy/compose

.PHONY: compose
compose: tools-compose tools-rules ## the files of Docker Compose, and its Prometheus with the rules as they are mounted
	./bin/compose-spec $(COMPOSE)/compose.yaml >/dev/null
	./bin/compose-spec $(COMPOSE)/compose.yaml $(COMPOSE)/compose.real.yaml >/dev/null
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; cp $(COMPOSE)/prometheus.yml "$$dir"; cp -r $(RULES) "$$dir/rules"; \
	./bin/promtool check config --lint=all --lint-fatal "$$dir/prometheus.yml"

.PHONY: e2e
e2e: build tools-e2e e2e-browser ## the binary under a real Prometheus and a real Alertmanager, with the shipped rules and dashboards
	@sed -n 's|^.*\(prometheus/prometheus v[0-9.]*\).*|\1|p' $(TOOLS)/go.mod; ./bin/alertmanager --version | head -n 1
	EXPORTER="$(CURDIR)/$(BINARY)" PROMETHEUS="$(CURDIR)/bin/prometheus" PROMTOOL="$(CURDIR)/bin/promtool" \
		ALERTMANAGER="$(CURDIR)/bin/alertmanager" AMTOOL="$(CURDIR)/bin/amtool" \
		$(GO) test -tags e2e -run E2E -count=1 -timeout=5m -parallel=8 ./e2e ./deploy/compose

.PHONY: e2e-browser
e2e-browser: build tools-browser ## the status page of the binary in a headless Chromium; skipped, with a line, where it cannot be installed
	@if [ ! -e bin/chromium ]; then \
		echo "SKIPPED: the tests in a browser: no Chromium, and no root with apt-get to install it"; exit 0; \
	fi; \
	skip=; if [ ! -e bin/axe.js ]; then skip=Accessible; echo "SKIPPED: axe-core: no npm to fetch it"; fi; \
	./bin/chromium --version; cd e2e/browser; \
	EXPORTER="$(CURDIR)/$(BINARY)" CHROMIUM="$(CURDIR)/bin/chromium" AXE="$(CURDIR)/bin/axe.js" \
		$(GO) test -tags e2e -run E2E -skip "$$skip" -count=1 -timeout=5m .

.PHONY: pictures
pictures: export PICTURES := $(CURDIR)/docs/images
pictures: e2e-browser ## take the pictures of the status page in docs/images again
	rm -f docs/images/status-page*-dark.png

# The tests run with the Helm of HELM.
HELM   := $(CURDIR)/bin/helm
DEPLOY  = HELM="$(HELM)" KUSTOMIZE="$(CURDIR)/bin/kustomize" KUBECONFORM="$(CURDIR)/bin/kubeconform" \
	PROMTOOL="$(CURDIR)/bin/promtool" KUBERNETES_VERSION=$(KUBERNETES_VERSION) \
	PROMETHEUS_OPERATOR_VERSION=$(PROMETHEUS_OPERATOR_VERSION) GATEWAY_API_VERSION=$(GATEWAY_API_VERSION) \
	$(GO) test -tags deploy -count=1 ./deploy/helm

.PHONY: deploy
deploy: tools-deploy ## the Helm chart and the Kubernetes manifests: rendered, validated, compared with the golden files
	$(DEPLOY)

.PHONY: deploy-helm4
deploy-helm4: HELM := $(CURDIR)/bin/helm4
deploy-helm4: tools-deploy tools-helm4 ## the same with Helm 4, which takes minutes to compile
	$(DEPLOY)

.PHONY: golden
golden: tools-deploy ## update the golden files of the chart, and deploy/kubernetes
	UPDATE=1 $(DEPLOY) -run 'Golden$$'

# Prometheus without the service discoveries of clouds.
PROMETHEUS_FLAGS := -tags remove_all_sd

# Debian's package has Alertmanager and amtool in seconds, as root; they take minutes to compile. Not where systemd runs: the
# package starts a service. $(call debian,name,program,command) links bin/NAME to a program of it, or runs the command.
DEBIAN_PACKAGE = [ "$$(id -u)" -eq 0 ] && [ ! -d /run/systemd/system ] && command -v apt-get && \
	{ command -v prometheus-alertmanager || { apt-get update -qq && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -qq --no-install-recommends prometheus-alertmanager; }; }
debian = if { $(DEBIAN_PACKAGE); } >/dev/null 2>&1; then ln -sf /usr/bin/$(2) bin/$(1); else $(3); fi

# A Chromium of the machine, or the one of Debian that needs no screen. None is no error.
CHROMIUM_PACKAGE = [ "$$(id -u)" -eq 0 ] && command -v apt-get && apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell
define chromium
	@which() { command -v chromium-headless-shell || command -v chromium || command -v google-chrome; }; \
	if [ ! -e bin/chromium ]; then \
		echo "installing chromium into ./bin"; mkdir -p bin; \
		which >/dev/null || { $(CHROMIUM_PACKAGE); } >/dev/null 2>&1 || true; \
		if which >/dev/null; then ln -sf "$$(which)" bin/chromium; fi; \
	fi
endef
fetch_axe = dir=$$(mktemp -d); npm pack --silent --pack-destination "$$dir" axe-core@$(AXE_VERSION) >/dev/null; \
	tar -xzf "$$dir"/axe-core-*.tgz -C "$$dir" package/axe.min.js; install -m 755 "$$dir/package/axe.min.js" bin/axe.js; rm -rf "$$dir"

.PHONY: tools tools-lint tools-rules tools-e2e tools-browser tools-deploy tools-compose
tools: tools-lint tools-rules tools-e2e tools-deploy tools-compose ## install every tool into ./bin
tools-lint:
	$(call released,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))
	$(call released,actionlint,github.com/rhysd/actionlint/cmd/actionlint,$(ACTIONLINT_VERSION))
tools-rules:
	$(call install,amtool,$(TOOLS_ID),$(call debian,amtool,amtool,$(call in_module,amtool,github.com/prometheus/alertmanager/cmd/amtool)))
	$(call tool,promtool,github.com/prometheus/prometheus/cmd/promtool,$(PROMETHEUS_FLAGS))
tools-browser:
	$(chromium)
	$(if $(shell command -v npm),$(call install,axe.js,$(AXE_VERSION),$(fetch_axe)))
tools-e2e: tools-rules tools-browser
	$(call install,alertmanager,$(ALERTMANAGER_VERSION),$(call debian,alertmanager,prometheus-alertmanager,$(call \
		with_release,alertmanager,github.com/prometheus/alertmanager/cmd/alertmanager,$(ALERTMANAGER_VERSION))))
	$(call tool,prometheus,github.com/prometheus/prometheus/cmd/prometheus,$(PROMETHEUS_FLAGS))
tools-deploy: tools-rules
	$(call tool,helm,helm.sh/helm/v3/cmd/helm)
	$(call tool,kustomize,sigs.k8s.io/kustomize/kustomize/v5)
	$(call tool,kubeconform,github.com/yannh/kubeconform/cmd/kubeconform)
.PHONY: tools-helm4
tools-helm4:
	$(call released,helm4,helm.sh/helm/v4/cmd/helm,$(HELM4_VERSION))
# goreleaser takes minutes to compile, so `make tools` leaves it out.
.PHONY: tools-release
tools-release:
	$(call released,goreleaser,github.com/goreleaser/goreleaser/v2,$(GORELEASER_VERSION))
	$(call released,cyclonedx-gomod,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod,$(CYCLONEDX_VERSION))
# The loader of Docker Compose: it compiles in a sixth of the time of docker-compose.
tools-compose:
	$(call tool,compose-spec,github.com/compose-spec/compose-go/v2/cmd)

# The section of CHANGELOG.md for the newest version.
NEWEST = $(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1)
NOTES  = sed -n '/^\#\# \[$(NEWEST)\]/,/^\#\# \[/{/^\#\# \[/!p}' CHANGELOG.md

.PHONY: release
release: tools-release ## build, sign and publish the newest version of CHANGELOG.md, whose tag the commit has
	@[ "$$(git describe --tags --exact-match)" = "v$(NEWEST)" ] || { echo "the newest version in CHANGELOG.md is $(NEWEST), and the commit has another tag" >&2; exit 1; }
	PATH="$(CURDIR)/bin:$$PATH" VERSION=$(NEWEST) ./bin/goreleaser release --clean --release-notes <($(NOTES))

.PHONY: release-test
release-test: tools-release ## build the files of a release for Linux and try the deb; nothing is signed or published
	VERSION='$(VERSION)' ./bin/goreleaser check
	PATH="$(CURDIR)/bin:$$PATH" VERSION='$(VERSION)' LINUX_ONLY=true ./bin/goreleaser release --snapshot --clean --skip=sign
	deploy/packages/test dist/tair-ssl-exporter_*_"$$($(GO) env GOHOSTARCH)".deb

# Where the chart goes: oci://REGISTRY/OWNER/charts.
CHARTS ?=

.PHONY: chart-push
chart-push: tools-deploy ## push the chart of VERSION to CHARTS; its digest is in dist/chart.digest
	mkdir -p dist
	./bin/helm package deploy/helm/tair-ssl-exporter --version '$(VERSION)' --app-version '$(VERSION)' --destination dist
	./bin/helm push dist/tair-ssl-exporter-'$(VERSION)'.tgz '$(CHARTS)' 2>&1 | tee dist/chart.log
	sed -n 's/^Digest: *//p' dist/chart.log | grep . >dist/chart.digest

# The address of this repository: make rename OWNER=acme, for another host than GitHub with HOST and REGISTRY.
OWNER    ?=
HOST     ?= github.com
REGISTRY ?= ghcr.io

.PHONY: rename
rename: ## put OWNER into module path, image and runbook URLs, so that go install and the links work
	.ci/rename '$(OWNER)' '$(HOST)' '$(REGISTRY)'

.PHONY: clean
clean: ## remove what was built; ./bin with its tools stays
	rm -rf $(BINARY) build dist
