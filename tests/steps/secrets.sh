#!/usr/bin/env bash
# Keys, tokens and names are searched for where nobody should find them: memory, a core, the process list, the blocks of a disk.
exec python3 -B "$(dirname "$0")/../acceptance/secrets_kept.py"
