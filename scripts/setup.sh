#!/bin/sh
# Makes .venv with all that is needed. `setup.sh runtime` for the program, `setup.sh dev` for tests too,
# with .venv/semgrep beside it: the pins of semgrep exclude ours. `setup.sh delivery` makes .venv/delivery, of the
# programs that check images and charts.
# On a bare Debian as root it installs Debian's packages that are missing; elsewhere it names them.
set -eu
cd "$(dirname "$0")/.."
kind="${1:-runtime}"
lock="requirements/$kind.txt"

# Whether what the stamp $1 was written for are still these files.
is_current() {
    stamp="$1"
    shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$@" | cksum)" ]
}

install() {
    "$1" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$2"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

need_python() {
    for python in python3.13 python3.12 python3.11 python3; do
        if command -v "$python" >/dev/null &&
            "$python" -c 'import sys, venv, ensurepip, sqlite3; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
        then
            echo "$python"
            return
        fi
    done
    return 1
}

set_up_program() {
    if ! python="$(need_python)"; then
        echo "Installing Python from Debian's packages..." >&2
        if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends python3 python3-venv; } >&2
        then
            echo "Lacewing needs Python 3.11 or newer with venv: install the packages python3 and python3-venv." >&2
            exit 1
        fi
        python="$(need_python)"
    fi
    if ! .venv/bin/python -c '' 2>/dev/null; then
        "$python" -m venv --clear .venv
    fi
    install .venv/bin/python "$lock"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    cat "$lock" pyproject.toml | cksum >".venv/.installed-$kind"
}

# Where the network is closed the program and its tests work without; the checks then say what was not run.
set_up_semgrep() {
    .venv/bin/python -m venv --clear .venv/semgrep
    if install .venv/semgrep/bin/python requirements/semgrep.txt; then
        cksum <requirements/semgrep.txt >.venv/semgrep/.installed
    else
        rm -rf .venv/semgrep
        echo "semgrep could not be installed: our own rules will not be run." >&2
    fi
}

if [ "$kind" = delivery ]; then
    if ! is_current .venv/delivery/.installed "$lock"; then
        .venv/bin/python -m venv --clear .venv/delivery
        install .venv/delivery/bin/python "$lock"
        cksum <"$lock" >.venv/delivery/.installed
    fi
    exit
fi
if ! { is_current ".venv/.installed-$kind" "$lock" pyproject.toml && .venv/bin/python -c '' 2>/dev/null; }; then
    set_up_program
fi
if [ "$kind" = dev ] &&
    ! { is_current .venv/semgrep/.installed requirements/semgrep.txt &&
        .venv/semgrep/bin/python -c '' 2>/dev/null; }
then
    set_up_semgrep
fi
