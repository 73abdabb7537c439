#!/usr/bin/env bash
# Marked personal data is planted everywhere; every byte that was written is searched for it.
exec python3 -B "$(dirname "$0")/../acceptance/personal_data.py"
