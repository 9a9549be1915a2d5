#!/bin/sh
# Makes a certificate for development: `dev_certificate.sh [FOLDER [NAME…]]`, by default in var/certificates for localhost.
#
# authority.pem is a small certificate authority of its own, to be trusted by who tries things out; server.pem and
# server.key are what nginx takes. Run again it leaves them alone unless they expire within 30 days or the names differ;
# the authority stays, so that it need not be trusted anew. For real names take a real certificate.
set -eu
folder="${1:-$(dirname "$0")/../var/certificates}"
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- localhost 127.0.0.1 ::1
soon=$((30 * 24 * 3600))
umask 077
mkdir -p "$folder"
cd "$folder"

names=''
for name in "$@"; do
    case "$name" in
        *:*) kind=IP ;;
        *[!0-9.]*) kind=DNS ;;
        *) kind=IP ;;
    esac
    names="${names:+$names,}$kind:$name"
done

is_good() {
    [ -f "$1" ] && openssl x509 -in "$1" -noout -checkend "$soon" >/dev/null
}

new_key() {
    # Anew: up.sh lets only read the one before, which its owner could not write over.
    rm -f "$1"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

if ! { is_good authority.pem && [ -f authority.key ]; }; then
    new_key authority.key
    openssl req -x509 -new -key authority.key -sha256 -days 730 -out authority.pem \
        -subj '/CN=Lacewing development authority' \
        -addext 'basicConstraints=critical,CA:TRUE,pathlen:0' \
        -addext 'keyUsage=critical,keyCertSign,cRLSign'
    rm -f server.pem
    echo "Made $folder/authority.pem; let your browser and tools trust it." >&2
fi

if ! { is_good server.pem && [ -f server.key ] && [ "$(cat server.names 2>/dev/null)" = "$names" ]; }; then
    new_key server.key
    extensions="basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature
extendedKeyUsage=serverAuth
subjectAltName=$names"
    echo "$extensions" >server.extensions
    openssl req -new -key server.key -sha256 -subj "/CN=$1" |
        openssl x509 -req -CA authority.pem -CAkey authority.key -set_serial "0x$(openssl rand -hex 16)" \
            -sha256 -days 90 -extfile server.extensions -out server.made 2>/dev/null
    cat server.made authority.pem >server.pem
    rm server.made server.extensions
    echo "$names" >server.names
    echo "Made $folder/server.pem for $names, good for 90 days." >&2
fi
chmod 644 authority.pem server.pem
