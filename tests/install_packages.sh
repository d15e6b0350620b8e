#!/usr/bin/env bash
# Debian's packages that tests drive. Where one cannot be had, the tests that need it are skipped.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

have_postgres() { command -v initdb > /dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null; }
have_prometheus() { command -v prometheus > /dev/null && command -v promtool > /dev/null; }
have_chromium() { [[ -x /usr/bin/chromium ]]; }
have_eatmydata() { command -v eatmydata > /dev/null; }

missing=()
have_chromium || missing+=(chromium)
have_postgres || missing+=(postgresql)
have_prometheus || missing+=(prometheus)
have_eatmydata || missing+=(eatmydata)
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $EUID -eq 0 ]] && command -v apt-get > /dev/null; then
    echo "setup: installing ${missing[*]} for the tests"
    # the tests make databases of their own, so none is made and started for the machine
    mkdir -p /etc/postgresql-common
    [[ -e /etc/postgresql-common/createcluster.conf ]] ||
        echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf
    # a failure shows apt's own errors, and the lines below
    apt-get update -qq && apt-get install -qq -y --no-install-recommends "${missing[@]}" > /dev/null || true
fi
have_chromium || echo "setup: the end-to-end tests are skipped without /usr/bin/chromium"
have_postgres || echo "setup: the tests of leased database accounts are skipped without PostgreSQL"
have_prometheus || echo "setup: the tests of alert rules and of scraping are skipped without prometheus and promtool"
