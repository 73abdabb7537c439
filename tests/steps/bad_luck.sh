#!/usr/bin/env bash
# What bad input and bad luck get, row by row, from a real node.
exec python3 -B "$(dirname "$0")/../acceptance/bad_luck.py"
