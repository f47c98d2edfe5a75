-- From format 1 to 2: accounts, their login sessions, and links. `wide` (JSON) holds hashes, never a password or token.

create table account (
  actor   blob primary key,
  key     text not null,
  version integer not null,
  wide    text not null
) strict, without rowid;
create unique index account_key on account (key);

create table session (
  digest blob primary key,
  actor  blob not null,
  wide   text not null
) strict, without rowid;
create index session_actor on session (actor, digest);

create table link (
  digest blob primary key,
  wide   text not null
) strict, without rowid;
