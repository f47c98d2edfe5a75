-- From format 1 to 2: accounts, their login sessions, and links. `wide` (JSON) holds hashes, never a password or token.

create table account (
  actor   bytea primary key,
  key     text not null,
  version bigint not null,
  wide    text not null
);
create unique index account_key on account (key);

create table session (
  digest bytea primary key,
  actor  bytea not null,
  wide   text not null
);
create index session_actor on session (actor, digest);

create table link (
  digest bytea primary key,
  wide   text not null
);
