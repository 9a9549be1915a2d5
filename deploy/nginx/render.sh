#!/bin/sh
# Does for an nginx without the public image's entry point what that does: `render.sh FOLDER` writes nginx.conf and
# what it includes into FOLDER, from the variables of defaults.envsh. Then `nginx -t -c FOLDER/nginx.conf`.
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
mkdir -p "${1:?the folder to write to, as /etc/lacewing/nginx}/lacewing.d/snippets"
target="$(cd "$1" && pwd)"
# shellcheck source=defaults.envsh
. "$here/defaults.envsh"
names="$(env | sed -n 's/^\(LACEWING_PROXY_[A-Z0-9_]*\)=.*/${\1}/p' | tr '\n' ' ')"
cp "$here/nginx.conf" "$target/nginx.conf"
cd "$here/templates"
for template in *.template snippets/*.template; do
    envsubst "$names" <"$template" >"$target/lacewing.d/${template%.template}"
done
