# Earthshine with the default desktop, without a GPU.
#
#   docker build -t earthshine .
#   docker run --rm --network host -v earthshine:/var/lib/earthshine earthshine
#
# Host networking: Moonlight finds the host by mDNS and wants fixed ports.

FROM rust:1-slim-bookworm AS build
WORKDIR /source
COPY packaging/install-packages.sh packaging/
RUN packaging/install-packages.sh build && rm -rf /var/lib/apt/lists/*
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/source/target \
    cargo build --release --locked && install -Ds target/release/earthshine /out/earthshine

FROM debian:bookworm-slim
COPY packaging/install-packages.sh /tmp/
RUN /tmp/install-packages.sh run \
    && apt-get install -y --no-install-recommends libpulse0 ca-certificates \
    && rm -rf /var/lib/apt/lists/* /tmp/install-packages.sh
# Not root: the host needs no privilege, its ports are high.
RUN useradd --system --uid 1000 --create-home --home-dir /var/lib/earthshine earthshine \
    && install -d -o earthshine -g earthshine -m 0700 /run/earthshine
COPY --from=build /out/earthshine /usr/local/bin/earthshine
USER earthshine
VOLUME /var/lib/earthshine
EXPOSE 47984/tcp 47989/tcp 48010/tcp 47998/udp 47999/udp 48000/udp
# Unhealthy if a new stream would not work, or if the host does not answer. With
# another --api-socket or --runtime-dir, the path is another one here, too.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["/usr/local/bin/earthshine", "health", "--api-socket", "/run/earthshine/api.sock"]
ENTRYPOINT ["/usr/local/bin/earthshine"]
CMD ["serve", "--state-dir", "/var/lib/earthshine", "--runtime-dir", "/run/earthshine"]
