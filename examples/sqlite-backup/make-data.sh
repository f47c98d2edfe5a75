#!/bin/sh
# Makes the shop's database, or adds orders to it: ./make-data.sh [ORDERS], 2000 if not said.
set -eu
cd "$(dirname "$0")"
orders=${1:-2000}
case $orders in ''|*[!0-9]*) echo "make-data.sh: \`$orders\` is not a number of orders" >&2; exit 2 ;; esac
mkdir -p data
sqlite3 -bail data/shop.db <<SQL
.timeout 10000
pragma journal_mode = wal;
create table if not exists setting (name text primary key, value text not null);
create table if not exists orders (id integer primary key, placed_at text not null, customer text not null, total integer not null);
create table if not exists line (order_id integer not null references orders(id), article text not null, pieces integer not null, price integer not null);
create index if not exists line_order on line(order_id);
insert or replace into setting values ('instance', 'shop-production');
begin;
with recursive n(i) as (select 1 where $orders > 0 union all select i + 1 from n where i < $orders)
insert into orders (placed_at, customer, total)
  select strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 'customer-' || (i * 7919 % 997), 0 from n;
insert into line (order_id, article, pieces, price)
  select o.id, 'article-' || (o.id * 31 % 89 + k.k), o.id % 3 + k.k, 100 + o.id * k.k % 9000
  from orders o, (select 1 as k union all select 2 union all select 3) k
  where o.total = 0;
update orders set total = (select sum(price * pieces) from line where order_id = orders.id) where total = 0;
commit;
SQL
echo "data/shop.db has $(sqlite3 -readonly data/shop.db 'select count(*) from orders') orders"
