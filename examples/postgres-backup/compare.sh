#!/bin/sh
# ./compare.sh DUMP: says `fresh copy of INSTANCE` when the dump is at most 1000 orders behind the live database, else what is wrong.
# Reads the rows in the dump and asks the database itself; asks nobody who made the dump.
set -eu
dump=$1
rows() {    # one column of the rows of a table in the dump
    pg_restore --data-only --table="$1" --file=- "$dump" | awk -F '\t' '/^\\\.$/ { on = 0 } on { print $'"$2"' } /^COPY / { on = 1 }'
}
instance=$(rows setting 2 | head -n 1)
copy=$(rows orders 1 | sort -n | tail -n 1)
live=$(psql -XAtw -v ON_ERROR_STOP=1 -c 'select coalesce(max(id), 0) from orders')
behind=$((live - ${copy:-0}))
if [ "$behind" -lt 0 ]; then
    echo "the dump has orders that the live database has not: it is from somewhere else"
elif [ "$behind" -gt 1000 ]; then
    echo "the dump is $behind orders behind the live database"
else
    echo "fresh copy of ${instance:-nothing}"
fi
