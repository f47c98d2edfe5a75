-- From format 2 to 3: tokens, and requests that may come again.

-- By their hash. `used_at` is bookkeeping.
create table token (
  token   bytea primary key,
  digest  text not null unique,
  owner   bytea not null,
  made_at bigint not null,
  used_at bigint not null default 0,
  wide    text not null
);
create index token_newest on token (made_at, token);
create index token_owner on token (owner, made_at, token);

-- Requests under a key of their caller, and what they were answered. Deletable; not history.
create table answered (
  key    text primary key,
  at     bigint not null,
  digest text not null,
  status integer not null default 0,
  body   text not null default ''
);
create index answered_oldest on answered (at, key);
