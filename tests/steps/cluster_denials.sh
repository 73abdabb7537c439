#!/usr/bin/env bash
# Four nodes in network namespaces; places are scarce, nodes die and freeze, half of the citizens ask a second front: what was told
# refused is never booked. JANJI_DENIAL_KILLS: how many deaths.
exec python3 -B "$(dirname "$0")/../cluster/denial_tests.py"
