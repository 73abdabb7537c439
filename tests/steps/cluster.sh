#!/usr/bin/env bash
# Three nodes and an etcd under load; two nodes are killed and come back; every replica is audited. Then ./run --nodes 3.
exec python3 -B "$(dirname "$0")/../acceptance/cluster.py"
