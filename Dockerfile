# syntax=docker/dockerfile:1
# check=skip=RedundantTargetPlatform

# `make image` builds it with the version, revision and dates of the checkout, for the platform of this machine; for
# another: make image IMAGE_FLAGS='--platform linux/arm64'. Its tests, with buildah, are in .ci/image.
#
#     docker run --rm --read-only --cap-drop=ALL --security-opt=no-new-privileges \
#       -p 127.0.0.1:10219:10219 tair_ssl_exporter:0.1.0 --demo
#
# The same commit gives the same binary, byte for byte: the patch level of Go is part of that. Both images can be taken from
# a mirror, and be pinned by digest.
ARG GO_IMAGE=golang:1.26.8-bookworm
# Nothing but CA certificates, time zones and the user nonroot.
ARG RUNTIME_IMAGE=gcr.io/distroless/static-debian13:nonroot

FROM --platform=$BUILDPLATFORM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
# make takes these from the environment.
ARG VERSION=0.1.0
ARG REVISION=
ARG BRANCH=
ARG BUILD_DATE=
RUN --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    GOOS=$TARGETOS GOARCH=$TARGETARCH BUILD_USER=docker make build BINARY=/tair_ssl_exporter

# buildah 1.28 would otherwise take the platform of the stage above.
FROM --platform=$TARGETPLATFORM ${RUNTIME_IMAGE}
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
