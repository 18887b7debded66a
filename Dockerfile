# syntax=docker/dockerfile:1

# docker build \
#   --build-arg VERSION=0.1.0 --build-arg REVISION="$(git rev-parse HEAD)" \
#   --build-arg BUILD_DATE="$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)" \
#   -t tair_ssl_exporter:0.1.0 .

ARG GO_IMAGE=golang:1.26-bookworm
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian12:nonroot

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=0.1.0
ARG REVISION=
ARG BRANCH=
ARG BUILD_DATE=
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -buildvcs=false -o /tair_ssl_exporter \
    -ldflags "-s -w \
        -X github.com/prometheus/common/version.Version=$VERSION \
        -X github.com/prometheus/common/version.Revision=$REVISION \
        -X github.com/prometheus/common/version.Branch=$BRANCH \
        -X github.com/prometheus/common/version.BuildUser=docker \
        -X github.com/prometheus/common/version.BuildDate=$BUILD_DATE" .

FROM ${RUNTIME_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
ARG BUILD_DATE=
LABEL org.opencontainers.image.title="tair_ssl_exporter" \
      org.opencontainers.image.description="Prometheus exporter for the TLS certificates of Alibaba Cloud Tair (Redis OSS-compatible) instances" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.created="$BUILD_DATE"
COPY --from=build /tair_ssl_exporter /tair_ssl_exporter
COPY LICENSE /LICENSE
USER 65532:65532
EXPOSE 10219
# Only the docker format of images carries it; Kubernetes asks /-/healthy itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["/tair_ssl_exporter", "--health-check"]
ENTRYPOINT ["/tair_ssl_exporter"]
