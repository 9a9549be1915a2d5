#!/bin/sh
# What the public images of nginx, PostgreSQL, Redis and RabbitMQ do at their start, as far as docker-compose.yml relies on
# it: for tests on machines that can pull no image. The servers are Debian's, the users' numbers the public images'.
set -eu

initialise_postgres() {
    initdb --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-} >&2
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    # On its socket only, until it is done.
    pg_ctl --silent --wait --options="-c listen_addresses=''" start
    createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl --silent --wait --mode=fast stop
}

render_nginx() {
    for script in /docker-entrypoint.d/*.envsh; do
        . "$script"
    done
    names="$(env | sed -n "s/\(${NGINX_ENVSUBST_FILTER#^}[A-Z0-9_]*\)=.*/\${\1}/p" | tr '\n' ' ')"
    cd /etc/nginx/templates
    find . -name '*.template' | while read -r template; do
        mkdir -p "$NGINX_ENVSUBST_OUTPUT_DIR/$(dirname "$template")"
        envsubst "$names" <"$template" >"$NGINX_ENVSUBST_OUTPUT_DIR/${template%.template}"
    done
}

case "$1" in
    postgres)
        [ -s "$PGDATA/PG_VERSION" ] || initialise_postgres
        exec postgres -c listen_addresses='*'
        ;;
    nginx)
        render_nginx
        ;;
esac
exec "$@"
