-- Format 1 on PostgreSQL. The same tables as sqlite.sql; only types and triggers differ.

create table meta (
  name  text primary key,
  value text not null
);

-- One row: size of the tree and the roots of its complete subtrees, largest first, 32 bytes each.
create table tree (
  one   bigint primary key check (one = 1),
  size  bigint not null,
  peaks bytea not null
);

-- Headers. They stay for ever.
create table entry (
  position    bigint primary key,
  id          bytea not null,
  stream      text collate "C" not null,
  version     bigint not null,
  kind        text not null,
  v           bigint not null,
  at          bigint not null,
  node        bytea not null,
  epoch       bigint not null,
  actor       bytea not null,
  via         text not null,
  body_digest bytea not null,
  body_bytes  bigint not null,
  leaf        bytea not null
);
create unique index entry_stream on entry (stream, version);
-- What came into force is asked at every start, and must not cost a walk over all there is.
create index entry_defines on entry (position) where kind in ('process_loaded', 'process_removed');

-- A belt; the braces are the tree.
create function never() returns trigger language plpgsql as $$
begin
  raise exception '%: what is recorded is never changed or removed', tg_table_name;
end $$;
create trigger entry_never_changes before update or delete on entry for each row execute function never();
create trigger entry_never_emptied before truncate on entry for each statement execute function never();

-- Bodies. Retention may drop them, nobody may change them.
create table body (
  position bigint primary key references entry (position),
  text     text not null
);
create trigger body_never_changes before update on body for each row execute function never();

create table occurrence (
  process text not null,
  nominal bigint not null,
  primary key (process, nominal)
);

create table checkpoint (
  size bigint primary key,
  root bytea not null,
  note text not null
);

create table person (
  actor bytea primary key,
  salt  text not null,
  name  text not null
);

create table outbox (
  key      text collate "C" primary key,
  kind     text not null,
  payload  text not null,
  attempts bigint not null,
  next_at  bigint not null
);
create index outbox_next on outbox (next_at, key);

-- Views: columns for what is asked, `wide` (JSON) for what is shown.
create table live_run (
  run  bytea primary key,
  wide text not null
);

-- `place` counts in the order in which they ended in the journal: no clock decides which is the newest.
create table ended_run (
  run      bytea primary key,
  process  text not null,
  kind     text not null,
  verified text not null,
  place    bigint not null,
  wide     text not null
);
create unique index ended_run_place on ended_run (place);
create index ended_run_newest on ended_run (kind, verified, place, run);
create index ended_run_process on ended_run (process, kind, verified, place, run);

create table schedule (
  process text primary key,
  wide    text not null
);

create table skipped (
  process text collate "C" not null,
  nominal bigint not null,
  wide    text not null,
  primary key (process, nominal)
);
create index skipped_newest on skipped (nominal, process);

create table signal (
  signal    bytea primary key,
  raised_at bigint not null,
  cleared   bigint not null,
  wide      text not null
);
create index signal_newest on signal (raised_at, signal);
create index signal_open on signal (raised_at, signal) where cleared = 0;

create table message (
  message bytea primary key,
  run     bytea,
  due_at  bigint not null,
  wide    text not null
);
create index message_newest on message (due_at, message);
create index message_run on message (run, due_at, message) where run is not null;
