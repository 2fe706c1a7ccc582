# shellcheck shell=bash
# Writes what clients and tests read: clouds.yaml, env.sh and cloud.json in the state folder.

describe_cloud() {
  fact cloud_state "$STATE"
  fact os_client_config_file "$STATE/clouds.yaml"
  clouds_yaml | put "$STATE/clouds.yaml"
  env_sh | put "$STATE/env.sh"
  cloud_json | put "$STATE/cloud.json"
}

# password_cloud NAME USER PROJECT AUTH_URL
password_cloud() {
  cat <<YAML
  $1:
    auth:
      auth_url: $4
      username: $2
      password: $(fact "$2_password")
      project_name: $3
      user_domain_name: Default
      project_domain_name: Default
    region_name: $REGION
    identity_api_version: 3
YAML
}

clouds_yaml() {
  echo 'clouds:'
  if has_fact admin_project_id; then keystone_clouds; fi
  if has_fact ironic_standalone_url; then
    standalone_cloud local-standalone none "$(fact ironic_standalone_url)"
    standalone_cloud local-standalone-basic http_basic "$(fact ironic_basic_url)"
    cat <<YAML
      username: $(fact ironic_basic_username)
      password: $(fact ironic_basic_password)
YAML
  fi
}

keystone_clouds() {
  password_cloud local admin admin "$(fact keystone_url)"
  password_cloud local-user demo demo "$(fact keystone_url)"
  cat <<YAML
  local-appcred:
    auth_type: v3applicationcredential
    auth:
      auth_url: $(fact keystone_url)
      application_credential_id: $(fact application_credential_id)
      application_credential_secret: $(fact application_credential_secret)
    region_name: $REGION
    identity_api_version: 3
YAML
  if has_fact ironic_scoped_url; then scoped_clouds; fi
  if has_fact real_ironic_url; then
    password_cloud local-real admin admin "$(fact keystone_url)"
    echo "    baremetal_endpoint_override: $(fact real_ironic_url)"
  fi
  if has_fact keystone_tls_url; then
    # The catalog names the http endpoints.
    password_cloud local-tls admin admin "$(fact keystone_tls_url)"
    cat <<YAML
    cacert: $(fact tls_ca)
    identity_endpoint_override: $(fact keystone_tls_url)
    image_endpoint_override: $(fact glance_tls_url)
YAML
  fi
}

# The Ironic that shows a token of a project only the project's nodes; local-system is written as kolla-ansible writes kolla-admin-system.
scoped_clouds() {
  local url
  url=$(fact ironic_scoped_url)
  password_cloud local-scoped admin admin "$(fact keystone_url)"
  echo "    baremetal_endpoint_override: $url"
  password_cloud local-scoped-operator operator admin "$(fact keystone_url)"
  echo "    baremetal_endpoint_override: $url"
  cat <<YAML
  local-system:
    auth:
      auth_url: $(fact keystone_url)
      username: admin
      password: $(fact admin_password)
      user_domain_name: Default
      system_scope: all
    region_name: $REGION
    baremetal_endpoint_override: $url
YAML
}

# standalone_cloud NAME AUTH_TYPE URL
standalone_cloud() {
  cat <<YAML
  $1:
    auth_type: $2
    baremetal_endpoint_override: $3
    auth:
      endpoint: $3
YAML
}

env_sh() {
  local file name
  for file in "$STATE"/facts/*; do
    name=$(basename "$file")
    printf 'export %s=%q\n' "${name^^}" "$(<"$file")"
  done
}

cloud_json() {
  local file separator='{'
  for file in "$STATE"/facts/*; do
    printf '%s\n  "%s": "%s"' "$separator" "$(basename "$file")" "$(<"$file")"
    separator=','
  done
  printf '\n}\n'
}
