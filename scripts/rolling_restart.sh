#!/bin/sh
# Starts the servers anew, one after the other, so that no request fails: `rolling_restart.sh [OPTION…]`, with options of
# `docker compose` itself, as in `-f docker-compose.yml`. After `lacewing:…` was built or pulled anew it is the new one that starts.
#
# DOCKER_COMPOSE names another program than `docker compose`.
set -eu
: "${DOCKER_COMPOSE:=docker compose}"
# nginx leaves a server alone for two seconds after it failed (fail_timeout), also when it is back already.
trusted_again_seconds=3

# The schema first: the servers of before run on the new one too.
$DOCKER_COMPOSE "$@" run --rm --no-deps migrate >&2
for server in server-1 server-2; do
    $DOCKER_COMPOSE "$@" up --detach --no-deps --no-build --force-recreate --wait "$server"
    sleep "$trusted_again_seconds"
done
$DOCKER_COMPOSE "$@" up --detach --no-deps --no-build --force-recreate --wait worker
