#!/usr/bin/env bash
# The end-to-end tests drive Debian's chromium; without it they are skipped.
set -euo pipefail
browser=/usr/bin/chromium

[[ -x $browser ]] && exit 0
if [[ $EUID -eq 0 ]] && command -v apt-get > /dev/null; then
    echo "setup: installing chromium for the end-to-end tests"
    export DEBIAN_FRONTEND=noninteractive
    # a failure shows apt's own errors, and the line below
    apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium > /dev/null || true
fi
[[ -x $browser ]] || echo "setup: $browser is missing, install the package chromium for the end-to-end tests"
