#!/usr/bin/env bash
# What the docs say is so: links, files, flags, verbs, codes, bounds, the quoted example.
set -euo pipefail
cd "$(dirname "$0")/../.."
exec tests/docs/check --build "build/${JANJI_BUILD:-release}"
