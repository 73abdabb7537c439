#!/usr/bin/env bash
# ./run twice on one data directory: the second start is quick and has the bookings.
exec python3 -B "$(dirname "$0")/../acceptance/run_twice.py"
