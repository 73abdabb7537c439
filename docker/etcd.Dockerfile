# Debian's etcd: docker build -f docker/etcd.Dockerfile -t janji-etcd docker
ARG BASE=debian:bookworm-slim
FROM ${BASE}
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends etcd-server curl \
  && rm -rf /var/lib/apt/lists/* && mkdir -p /data && chown etcd: /data
USER etcd
VOLUME /data
EXPOSE 2379 2380
HEALTHCHECK --interval=5s --timeout=3s --start-period=30s --retries=3 CMD curl -fsS -o /dev/null http://127.0.0.1:2379/health
ENTRYPOINT ["etcd", "--data-dir=/data", "--listen-client-urls=http://0.0.0.0:2379", "--listen-peer-urls=http://0.0.0.0:2380", \
            "--heartbeat-interval=200", "--election-timeout=2000"]
