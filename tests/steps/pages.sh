#!/usr/bin/env bash
# Every page in every language as the standard's parser reads it; then the citizens' pages from a real node, without scripts.
set -euo pipefail
cd "$(dirname "$0")/../.."
code=0
# The system's Python, which has the parser.
/usr/bin/python3 -B tests/web/pages.py --build "build/${JANJI_BUILD:-release}" || code=1
/usr/bin/python3 -B tests/acceptance/pages.py || code=1
/usr/bin/python3 -B tests/acceptance/pages_addresses.py || code=1
/usr/bin/python3 -B tests/acceptance/pages_rows.py || code=1
/usr/bin/python3 -B tests/acceptance/pages_again.py || code=1
exit $code
