# shellcheck shell=bash disable=SC2034
# Identity. CHAMELEON_CLOUD_TOKEN_EXPIRATION sets the seconds a token lives (86400 unless set, or what was set before).

keystone_needs='mariadb'
keystone_packages='keystone uwsgi-core uwsgi-plugin-python3 python3-openstackclient python3-openstacksdk curl openssl'
keystone_ports='keystone'

keystone_start() {
  local folder=$STATE/etc/keystone secret
  for secret in admin_password demo_password operator_password service_password application_credential_secret; do
    has_fact "$secret" || fact "$secret" "$(random_secret)"
  done
  if [[ -n ${CHAMELEON_CLOUD_TOKEN_EXPIRATION:-} ]]; then
    [[ $CHAMELEON_CLOUD_TOKEN_EXPIRATION =~ ^[1-9][0-9]*$ ]] || die 'CHAMELEON_CLOUD_TOKEN_EXPIRATION is a number of seconds'
    fact token_expiration "$CHAMELEON_CLOUD_TOKEN_EXPIRATION"
  fi
  has_fact token_expiration || fact token_expiration 86400
  fact keystone_url "http://$HOST:$(port keystone)/v3"

  create_database keystone
  # Without a cache, the check of one token is about 500 queries and takes a second.
  put "$folder/keystone.conf" <<INI
[DEFAULT]
use_stderr = true
[database]
connection = $(database_url keystone)
[cache]
enabled = true
backend = dogpile.cache.memory
[token]
expiration = $(fact token_expiration)
[fernet_tokens]
key_repository = $folder/fernet-keys
[fernet_receipts]
key_repository = $folder/fernet-keys
[credential]
key_repository = $folder/credential-keys
[identity]
password_hash_rounds = 4
[oslo_policy]
policy_dirs = $folder/policy.d
[oslo_middleware]
enable_proxy_headers_parsing = true
INI
  once keystone keystone create_identities "$folder/keystone.conf"
  launch_wsgi keystone "$(port keystone)" /usr/bin/keystone-wsgi-public "$folder/keystone.conf" -- \
    "env = OS_KEYSTONE_CONFIG_FILES=$folder/keystone.conf"
}

create_identities() {
  local manage=(keystone-manage --config-file "$1") url
  url=$(fact keystone_url)
  "${manage[@]}" fernet_setup --keystone-user root --keystone-group root &&
    "${manage[@]}" credential_setup --keystone-user root --keystone-group root &&
    "${manage[@]}" db_sync &&
    "${manage[@]}" bootstrap --bootstrap-username admin --bootstrap-password "$(fact admin_password)" \
      --bootstrap-project-name admin --bootstrap-role-name admin --bootstrap-service-name keystone \
      --bootstrap-region-id "$REGION" --bootstrap-public-url "$url" --bootstrap-internal-url "$url" --bootstrap-admin-url "$url"
}

keystone_catalog() { echo "identity $(fact keystone_url)"; }

keystone_ready() { await keystone answers "$(fact keystone_url)"; }
