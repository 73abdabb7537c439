#!/usr/bin/env bash
# A cluster in network namespaces goes through one fault after another under load; every answer is held against every store.
# JANJI_FAULTS: their names (tests/cluster/fault_tests.py), or all.
exec python3 -B "$(dirname "$0")/../cluster/fault_tests.py"
