-- From format 2 to 3: tokens, and requests that may come again.

-- By their hash. `used_at` is bookkeeping.
create table token (
  token   blob primary key,
  digest  text not null unique,
  owner   blob not null,
  made_at integer not null,
  used_at integer not null default 0,
  wide    text not null
) strict, without rowid;
create index token_newest on token (made_at, token);
create index token_owner on token (owner, made_at, token);

-- Requests under a key of their caller, and what they were answered. Deletable; not history.
create table answered (
  key    text primary key,
  at     integer not null,
  digest text not null,
  status integer not null default 0,
  body   text not null default ''
) strict, without rowid;
create index answered_oldest on answered (at, key);
