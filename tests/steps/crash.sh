#!/usr/bin/env bash
# Load at full speed, kill -9 at random moments, and every answer held against the store. JANJI_CRASHES: how often.
exec python3 -B "$(dirname "$0")/../acceptance/crash.py"
