# shellcheck shell=bash disable=SC2034
# One MariaDB for all services: with SQLite, glance answers 500 "database is locked" as soon as two clients write.
# It is reached by a socket in a folder of root's only, so it needs neither a port nor passwords.

mariadb_packages='mariadb-server python3-pymysql'

mariadb_start() {
  local folder=$STATE/mariadb
  fact mariadb_socket "$STATE/run/mariadb.sock"
  once mariadb mariadb create_database_folder "$folder"
  # With the snapshots that MariaDB 11 isolates, Keystone answers 500 to two logins of one user at the same moment.
  launch mariadb -- /usr/sbin/mariadbd --no-defaults --user=root --datadir="$folder" \
    --socket="$(fact mariadb_socket)" --pid-file="$STATE/run/mariadbd" --skip-networking --skip-grant-tables \
    --skip-log-bin --max-connections=800 --max-allowed-packet=64M --performance-schema=0 \
    --innodb-buffer-pool-size=96M --innodb-log-file-size=32M \
    --loose-innodb-snapshot-isolation=0 --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-flush-method=nosync
  # Here and not in mariadb_ready: the services that start next create their tables.
  await mariadb database_answers
}

create_database_folder() {
  rm -rf "$1"
  mariadb-install-db --no-defaults --user=root --datadir="$1" --auth-root-authentication-method=socket --skip-test-db
}

database_answers() { mariadb-admin --no-defaults --socket="$(fact mariadb_socket)" ping >/dev/null; }
