#!/bin/sh
# Makes the shop's database, or adds orders to it: ./make-data.sh [ORDERS], 2000 if not said. PGHOST, PGPORT and PGUSER say where.
set -eu
orders=${1:-2000}
case $orders in ''|*[!0-9]*) echo "make-data.sh: \`$orders\` is not a number of orders" >&2; exit 2 ;; esac
database=${PGDATABASE:-shop}
if [ "$(psql -XAtc "select count(*) from pg_database where datname = '$database'" postgres)" = 0 ]; then
    createdb "$database"
fi
psql -XAtq -v ON_ERROR_STOP=1 -v orders="$orders" "$database" <<'SQL'
set client_min_messages = warning;
begin;
create table if not exists setting (name text primary key, value text not null);
create table if not exists orders (id bigint generated always as identity primary key, placed_at timestamptz not null default now(),
  customer text not null, total bigint not null);
create table if not exists line (order_id bigint not null references orders, article text not null, pieces int not null, price int not null);
insert into setting values ('instance', 'shop-production') on conflict do nothing;
insert into orders (customer, total) select 'customer-' || (i * 7919 % 997), 0 from generate_series(1, :orders) i;
insert into line
  select o.id, 'article-' || (o.id * 31 % 89 + k), o.id % 3 + k, 100 + o.id * k % 9000
  from orders o, generate_series(1, 3) k where o.total = 0;
update orders set total = (select sum(price * pieces) from line where order_id = orders.id) where total = 0;
commit;
SQL
echo "$database has $(psql -XAtc 'select count(*) from orders' "$database") orders"
