#!/bin/sh
# Makes MySQL's two accounts, or brings them up to date: passwords as the secrets have them, and no rights but these.
# MySQL's image runs it when the volume is empty. For volumes that were made before, and after a change of a password:
#
#   docker compose exec mysql sh /docker-entrypoint-initdb.d/mysql-accounts.sh
(
    set -eu
    folder=${SECRETS:-/run/secrets}

    password() {
        word=$(cat "$folder/$1")
        case $word in
            '' | *[!0-9A-Za-z._~+/=-]*)
                echo "mysql-accounts.sh: $1 must be of letters, digits and ._~+/=- only" >&2
                exit 1
                ;;
        esac
        printf %s "$word"
    }

    prepare=$(password recsys_prepare_password)
    serve=$(password recsys_serve_password)
    MYSQL_PWD=$(cat "$folder/mysql_root_password")
    export MYSQL_PWD
    # The last right is on a table that the first preparation makes. On one that is not there yet, rights can only be
    # given together with CREATE, which is of no use once it is.
    mysql --user=root <<SQL
CREATE USER IF NOT EXISTS 'recsys_prepare'@'%' IDENTIFIED BY '$prepare';
ALTER USER 'recsys_prepare'@'%' IDENTIFIED BY '$prepare';
GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, INDEX, ALTER, REFERENCES ON recsys.* TO 'recsys_prepare'@'%';
CREATE USER IF NOT EXISTS 'recsys_serve'@'%' IDENTIFIED BY '$serve';
ALTER USER 'recsys_serve'@'%' IDENTIFIED BY '$serve';
GRANT SELECT ON recsys.* TO 'recsys_serve'@'%';
GRANT CREATE, INSERT, UPDATE, DELETE ON recsys.recsys_item_sets_3 TO 'recsys_serve'@'%';
SQL
)
