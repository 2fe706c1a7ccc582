# shellcheck shell=bash disable=SC2034
# One nginx: an image store that is a plain web server, and HTTPS in front of keystone and glance.

web_needs='keystone glance'
web_packages='nginx openssl'
web_ports='store/web keystone-tls/web glance-tls/web keystone-wrong-name/web'

web_start() {
  local folder=$STATE/tls
  mkdir -p "$folder" "$STATE/store"
  once tls web create_certificates "$folder"
  fact store_static_url "http://$HOST:$(port store)"
  fact keystone_tls_url "https://$HOST:$(port keystone-tls)/v3"
  fact glance_tls_url "https://$HOST:$(port glance-tls)"
  fact keystone_wrong_name_url "https://$HOST:$(port keystone-wrong-name)/v3"
  fact tls_ca "$folder/ca.pem"
  fact tls_other_ca "$folder/other-ca.pem"
  nginx_configuration web <<NGINX | put "$STATE/etc/nginx.conf"
  # Images stream through: no limit, no copy on disk.
  client_max_body_size 0;
  proxy_http_version 1.1;
  proxy_request_buffering off;
  proxy_buffering off;
  proxy_set_header Host \$http_host;
  proxy_set_header X-Forwarded-Proto https;

  server {
    listen $HOST:$(port store);
    root $STATE/store;
  }
$(tls_server "$(port keystone-tls)" server "$(port keystone)")
$(tls_server "$(port glance-tls)" server "$(port glance)")
$(tls_server "$(port keystone-wrong-name)" wrong-name "$(port keystone)")
NGINX
  launch_nginx web "$STATE/etc/nginx.conf" "$folder"/*.pem
}

# tls_server PORT CERTIFICATE TARGET_PORT
tls_server() {
  cat <<NGINX
  server {
    listen $HOST:$1 ssl;
    ssl_certificate $STATE/tls/$2.pem;
    ssl_certificate_key $STATE/tls/$2.key;
    location / { proxy_pass http://$HOST:$3; }
  }
NGINX
}

# ca.pem signs server.pem (right) and wrong-name.pem (not for this host); other-ca.pem signs nothing.
create_certificates() {
  create_authority "$1/ca" 'Test cloud' &&
    create_authority "$1/other-ca" 'Some other authority' &&
    create_certificate "$1" server "IP:$HOST,DNS:localhost" &&
    create_certificate "$1" wrong-name DNS:elsewhere.invalid
}

create_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$2" -keyout "$1.key" -out "$1.pem"
}

# create_certificate FOLDER NAME SUBJECT_ALTERNATIVE_NAMES
create_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1/$2.key" -out "$STATE/tmp/$2.csr" &&
    openssl x509 -req -in "$STATE/tmp/$2.csr" -CA "$1/ca.pem" -CAkey "$1/ca.key" -CAcreateserial -days 3650 -out "$1/$2.pem" \
      -extfile <(printf 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\nsubjectAltName=%s\n' "$3")
}

web_ready() { await web answers "$(fact store_static_url)"; }
