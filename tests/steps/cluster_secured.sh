#!/usr/bin/env bash
# Three nodes in production with an etcd that knows who asks: what is in the clear or somebody else's is refused by name.
exec python3 -B "$(dirname "$0")/../acceptance/cluster_secured.py"
