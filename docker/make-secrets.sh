#!/bin/sh
# Makes the random secrets that compose.yaml names, those that are not there yet; what is there is never changed.
#
# The files are readable to all, since containers read them as users of their own; the folder is open to its owner only.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"

for name in mysql_root_password recsys_prepare_password recsys_serve_password recsys_qdrant_api_key recsys_tokens; do
    file=$folder/$name
    if [ -e "$file" ]; then
        echo "kept $file"
        continue
    fi
    # 32 bytes in hexadecimal: nothing that a URL, a shell or a configuration file would have to quote.
    secret=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
    [ "${#secret}" -eq 64 ] || { echo "make-secrets.sh: no random bytes from /dev/urandom" >&2; exit 1; }
    printf '%s\n' "$secret" > "$file.new"
    chmod 644 "$file.new"
    mv "$file.new" "$file"
    echo "made $file"
done
