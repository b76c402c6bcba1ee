#!/bin/sh
# Copies a certificate of certbot into the folder where nginx or HAProxy reads it. certbot runs it after
# each renewal: --deploy-hook 'sh renewed.sh FOLDER'. Its own files are links, which lead nowhere in a
# container, and HAProxy wants the certificate and its key in one file.
set -eu
folder=${1:?the folder of fullchain.pem, privkey.pem and tls.pem}
umask 077
mkdir -p "$folder"
for name in fullchain privkey; do
  cat "${RENEWED_LINEAGE:?the folder of the certificate, which certbot names}/$name.pem" > "$folder/.$name"
done
cat "$folder/.fullchain" "$folder/.privkey" > "$folder/.tls"
for name in fullchain privkey tls; do
  mv "$folder/.$name" "$folder/$name.pem"
done
