#!/bin/sh
# ./compare.sh LIVE COPY: says `fresh` when the copy is at most 1000 orders behind the live database, else what is wrong.
# Looks at both; asks nobody who made the copy.
set -eu
newest='select coalesce(max(id), 0) from orders'
copy=$(sqlite3 -readonly -bail "$2" "$newest")          # the copy first: the live database only grows
live=$(sqlite3 -readonly -bail -cmd '.timeout 10000' "$1" "$newest")
behind=$((live - copy))
if [ "$behind" -lt 0 ]; then
    echo "the copy has orders that the live database has not: it is from somewhere else"
elif [ "$behind" -gt 1000 ]; then
    echo "the copy is $behind orders behind the live database"
else
    echo fresh
fi
