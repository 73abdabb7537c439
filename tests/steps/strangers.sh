#!/usr/bin/env bash
# Connections without end, slow and hostile ones, few file descriptors: others are served meanwhile.
exec python3 -B "$(dirname "$0")/../acceptance/strangers.py"
