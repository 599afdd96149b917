# The operator's image: one static binary, the CA certificates it trusts GitHub by, the user it runs as, and nothing else.
# The Go toolchain runs on the builder's own platform and compiles for the target's: linux/amd64 or linux/arm64.
FROM --platform=$BUILDPLATFORM golang:1.26@sha256:3aff6657219a4d9c14e27fb1d8976c49c29fddb70ba835014f477e1c70636647 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN echo 'nonroot:x:65532:65532:nonroot:/:/nologin' > /passwd
ARG TARGETOS=linux
ARG TARGETARCH
ARG VERSION=devel
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -buildvcs=false -tags=grpcnotrace -gcflags=all=-dwarf=false -ldflags "-s -w -X main.version=$VERSION" -o /manager .

FROM scratch
ARG VERSION=devel
ARG REVISION
LABEL org.opencontainers.image.title="github-webhook-operator" \
      org.opencontainers.image.description="Keeps GitHub webhooks as Kubernetes objects" \
      org.opencontainers.image.source="https://github.com/github-webhooks/github-webhook-operator" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /passwd /etc/passwd
COPY --from=build /manager /manager
USER 65532:65532
ENTRYPOINT ["/manager"]
