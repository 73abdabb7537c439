# As Dockerfile, from programs that are built already; docker/cluster fills the context. The base is the Debian they were built on.
ARG BASE=debian:bookworm-slim
FROM ${BASE}
COPY packages /tmp/packages
RUN apt-get update && DEBIAN_FRONTEND=noninteractive xargs apt-get install -y --no-install-recommends curl </tmp/packages \
  && rm -rf /var/lib/apt/lists/* /tmp/packages \
  && useradd --system --home-dir /data --shell /usr/sbin/nologin janji && mkdir /data && chown janji: /data
COPY bin/ /usr/local/bin/
COPY configs /usr/share/janji
USER janji
VOLUME /data
ENV JANJI_NODE_DATA=/data JANJI_HTTP_ADDRESS=0.0.0.0 JANJI_ADMIN_ADDRESS=0.0.0.0 JANJI_CLUSTER_PORT=9000
EXPOSE 8080 8081 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s --retries=3 CMD curl -fsS -o /dev/null http://127.0.0.1:8081/readyz
ENTRYPOINT ["janjid"]
