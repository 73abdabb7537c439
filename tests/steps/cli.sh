#!/usr/bin/env bash
# Every verb and option of janjid, janjictl and janji-load, end to end.
exec python3 -B "$(dirname "$0")/../acceptance/cli.py"
