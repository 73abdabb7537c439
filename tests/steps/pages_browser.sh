#!/usr/bin/env bash
# The citizens' pages in Debian's Chromium: the whole way with scripts and without, lost answers, killed tabs, proofs. Pictures of every
# screen are in build/screens. JANJI_BROWSER=all: more widths, languages and schemes. The system's Python has selenium.
exec /usr/bin/python3 -B "$(dirname "$0")/../acceptance/pages_browser.py"
