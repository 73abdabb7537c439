#!/usr/bin/env bash
# Four nodes in network namespaces; a round is paused, opened and closed while nodes are cut off from each other or dead: what an
# operator was told done holds at every front. A front whose clock is fast books nothing early.
exec python3 -B "$(dirname "$0")/../cluster/admission_tests.py"
