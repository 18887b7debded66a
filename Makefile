# Everything is built and tested with Go alone; the tools that lint, rules, compose, deploy and e2e need are installed into
# ./bin, each at the version written here or in .ci/tools/go.mod.

SHELL         := /bin/bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := build

GO      ?= go
BINARY  := tair_ssl_exporter

GOLANGCI_LINT_VERSION := v2.15.0
# The server of the end-to-end tests: the latest whose module has its web assets. amtool is of .ci/tools, as new as the
# Alertmanager of deploy/compose.
ALERTMANAGER_VERSION  := v0.27.0
# Whose schemas the manifests are checked with.
KUBERNETES_VERSION          := v1.37.2
PROMETHEUS_OPERATOR_VERSION := v0.85.0

# What --version tells. A build of the same commit gives the same bytes; outside of a git checkout the version comes
# from CHANGELOG.md and the date from SOURCE_DATE_EPOCH, if set.
VERSION    ?= $(or $(shell git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null | sed 's/^v//'),$(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -n 1))
REVISION   ?= $(shell git rev-parse --verify -q HEAD 2>/dev/null)
BRANCH     ?= $(shell git symbolic-ref -q --short HEAD 2>/dev/null)
BUILD_USER ?= make
BUILD_DATE ?= $(or $(shell TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ 2>/dev/null),$(if $(SOURCE_DATE_EPOCH),$(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%dT%H:%M:%SZ)))

PKG     := github.com/prometheus/common/version
LDFLAGS := -s -w -X $(PKG).Version=$(VERSION) -X $(PKG).Revision=$(REVISION) -X $(PKG).Branch=$(BRANCH) \
	-X $(PKG).BuildUser=$(BUILD_USER) -X $(PKG).BuildDate=$(BUILD_DATE)

# The race detector needs a C compiler. Without one the tests still run, and say so.
RACE ?= $(if $(shell command -v "$$($(GO) env CC | cut -d' ' -f1)" 2>/dev/null),-race)
TEST = $(if $(RACE),CGO_ENABLED=1 $(GO) test $(RACE),$(GO) test)

# The tools that share most of their dependencies are of one module, so that these are compiled once: each at the latest
# version that one of the tools asks for. Its go.mod has the versions, and a change of any builds all tools anew. To raise
# one: go -C .ci/tools get -tool PACKAGE@VERSION && go -C .ci/tools mod tidy.
TOOLS    := .ci/tools
TOOLS_ID  = $(shell cat $(TOOLS)/go.mod $(TOOLS)/go.sum | cksum | cut -d' ' -f1)

# $(call install,name,version,commands) runs the commands, which make bin/NAME, unless that version is there.
define install
	@if [ ! -x bin/$(1) ] || [ ! -e bin/.$(1)-$(2) ]; then \
		echo "installing $(1) into ./bin"; \
		mkdir -p bin; rm -f bin/.$(1)-*; \
		export CGO_ENABLED=0 GOFLAGS=-trimpath; \
		$(3); \
		touch bin/.$(1)-$(2); \
	fi
endef
# Without symbols for debuggers.
STRIPPED := -ldflags='-s -w'
# $(call tool,name,package,flags) installs a tool of the module.
tool = $(call install,$(1),$(TOOLS_ID),$(GO) -C $(TOOLS) build $(STRIPPED) $(3) -o ../../bin/$(1) $(2))
# $(call released,name,package,version) installs a tool with the dependencies that it was released with: the findings of a
# linter depend on them, and an older version may not build with those of the module.
released = $(call install,$(1),$(3),GOBIN="$(CURDIR)/bin" $(GO) install $(STRIPPED) $(2)@$(3))

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13

.PHONY: build
build: ## build ./tair_ssl_exporter, static and reproducible
	CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $(BINARY) .

DOCKER      ?= docker
IMAGE_FLAGS ?=
# Builders that know it take the image's dates from it. It is the time of the commit, as BUILD_DATE is.
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
	$(TEST) ./...
	cd dashboards/lint && $(TEST) -count=1 ./...

.PHONY: lint
lint: tools-lint ## golangci-lint over the product and the benchmarks
	./bin/golangci-lint run ./...
	cd bench && ../bin/golangci-lint run --config ../.golangci.yml ./...
	cd dashboards/lint && ../../bin/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: format
format: tools-lint ## gofmt and goimports
	./bin/golangci-lint fmt ./...
	cd bench && ../bin/golangci-lint fmt --config ../.golangci.yml ./...
	cd dashboards/lint && ../../bin/golangci-lint fmt --config ../../.golangci.yml ./...

.PHONY: bench
bench: ## compare with the official client and with the ideal; fails when a bound is missed
	cd bench && $(GO) run .

.PHONY: bench-scale
bench-scale: ## memory and pages with 1,000 to 100,000 instances; takes minutes
	cd bench && $(GO) run ./scale

.PHONY: vectors
vectors: ## write the signature vectors anew, with the cloud's own implementation
	cd bench && $(GO) run ./vectors > vectors.tmp && mv vectors.tmp ../collector/tair/testdata/signatures.json

RULES := deploy/prometheus/rules

# $(call route,receiver,labels) fails unless an alert with these labels goes to that receiver.
define route
	@./bin/amtool config routes test --config.file=deploy/alertmanager/alertmanager.yml --verify.receivers=$(1) $(2) >/dev/null
	@echo "to $(1): $(2)"
endef

# What makes a copy of the rules with a custom label, as the head of the rules file says, and one whose groups have a label.
TO_TEAM    := -e 's|https://runbooks.example.com/tair_ssl_exporter|https://wiki.example.org/tair|' -e 's/account, region, name/&, team/'
TO_CLUSTER := -e 's/^    interval: 1m$$/&\n    labels: {cluster: eu}/'

# $(call rules_copy,tests,sed options) runs the tests of a folder on a copy of the rules that sed changed.
define rules_copy
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; cp -r $(RULES)/tests "$$dir"; \
	for file in $(RULES)/*.rules.yml; do sed $(2) "$$file" >"$$dir/$${file##*/}"; done; \
	./bin/promtool check rules --lint=all --lint-fatal "$$dir"/*.rules.yml >/dev/null; \
	./bin/promtool test rules "$$dir"/tests/$(1)/*.yml
endef

.PHONY: rules
rules: tools-rules ## scrape configurations, alerting rules and where alerts go: linted and unit-tested
	./bin/promtool check rules --lint=all --lint-fatal $(RULES)/*.rules.yml
	./bin/promtool check config --lint=all --lint-fatal deploy/prometheus/*.yml
	./bin/promtool test rules $(RULES)/tests/*.yml
	$(call rules_copy,extra_labels,$(TO_TEAM))
	$(call rules_copy,group_labels,$(TO_CLUSTER))
	./bin/amtool check-config deploy/alertmanager/alertmanager.yml
	$(call route,critical,alertname=TairSSLCertificateExpired severity=critical account=prod region=cn-hangzhou)
	$(call route,critical,alertname=TairSSLDataStale severity=critical account=prod region=cn-hangzhou)
	$(call route,critical,alertname=TairSSLExporterDown severity=critical)
	$(call route,warnings,alertname=TairSSLCertificateExpiringSoon severity=warning account=prod region=cn-hangzhou team=payments)
	$(call route,info,alertname=TairSSLCertificateRenewed severity=info account=prod region=cn-hangzhou)
	$(call route,warnings,alertname=Other severity=unheard-of)

COMPOSE := deploy/compose

.PHONY: compose
compose: tools-compose tools-rules ## the files of Docker Compose, and its Prometheus with the rules as they are mounted
	./bin/docker-compose -f $(COMPOSE)/compose.yaml config -q
	./bin/docker-compose -f $(COMPOSE)/compose.yaml -f $(COMPOSE)/compose.real.yaml config -q
	dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; cp $(COMPOSE)/prometheus.yml "$$dir"; cp -r $(RULES) "$$dir/rules"; \
	./bin/promtool check config --lint=all --lint-fatal "$$dir/prometheus.yml"

.PHONY: e2e
e2e: tools-e2e ## the binary under a real Prometheus and a real Alertmanager, with the shipped rules and dashboards
	PROMETHEUS="$(CURDIR)/bin/prometheus" PROMTOOL="$(CURDIR)/bin/promtool" \
		ALERTMANAGER="$(CURDIR)/bin/alertmanager" $(GO) test -tags e2e -run E2E -count=1 -timeout=5m -parallel=8 .

DEPLOY := HELM="$(CURDIR)/bin/helm" KUSTOMIZE="$(CURDIR)/bin/kustomize" KUBECONFORM="$(CURDIR)/bin/kubeconform" \
	DOCKER_COMPOSE="$(CURDIR)/bin/docker-compose" PROMTOOL="$(CURDIR)/bin/promtool" KUBERNETES_VERSION=$(KUBERNETES_VERSION) \
	PROMETHEUS_OPERATOR_VERSION=$(PROMETHEUS_OPERATOR_VERSION) $(GO) test -tags deploy -count=1

.PHONY: deploy
deploy: tools-deploy tools-compose ## the Helm chart, the Kubernetes manifests and every command of the README: rendered, validated, run
	$(DEPLOY) -run Deploy .

.PHONY: golden
golden: tools-deploy ## render the chart's golden files and deploy/kubernetes anew
	$(DEPLOY) -run 'Deploy.*Golden$$' . -update

# Prometheus without its cloud service discoveries: static, file, http_sd and kubernetes stay.
PROMETHEUS_FLAGS := -tags remove_all_sd

.PHONY: tools tools-lint tools-rules tools-e2e tools-deploy tools-compose
tools: tools-lint tools-rules tools-e2e tools-deploy tools-compose ## install every tool into ./bin
tools-lint:
	$(call released,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))
tools-rules:
	$(call tool,promtool,github.com/prometheus/prometheus/cmd/promtool,$(PROMETHEUS_FLAGS))
	$(call tool,amtool,github.com/prometheus/alertmanager/cmd/amtool)
tools-e2e: tools-rules
	$(call tool,prometheus,github.com/prometheus/prometheus/cmd/prometheus,$(PROMETHEUS_FLAGS))
	$(call released,alertmanager,github.com/prometheus/alertmanager/cmd/alertmanager,$(ALERTMANAGER_VERSION))
tools-deploy: tools-rules
	$(call tool,helm,helm.sh/helm/v3/cmd/helm)
	$(call tool,kustomize,sigs.k8s.io/kustomize/kustomize/v5)
	$(call tool,kubeconform,github.com/yannh/kubeconform/cmd/kubeconform)
tools-compose:
	$(call tool,docker-compose,github.com/docker/compose/v5/cmd)

.PHONY: clean
clean: ## remove what was built; ./bin with its tools stays
	rm -f $(BINARY)
