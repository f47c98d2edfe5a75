-- Format 1 on SQLite. The same tables as postgres.sql; only types and triggers differ.

create table meta (
  name  text primary key,
  value text not null
) strict, without rowid;

-- One row: size of the tree and the roots of its complete subtrees, largest first, 32 bytes each.
create table tree (
  one   integer primary key check (one = 1),
  size  integer not null,
  peaks blob not null
) strict;

-- Headers. They stay for ever.
create table entry (
  position    integer primary key,
  id          blob not null,
  stream      text not null,
  version     integer not null,
  kind        text not null,
  v           integer not null,
  at          integer not null,
  node        blob not null,
  epoch       integer not null,
  actor       blob not null,
  via         text not null,
  body_digest blob not null,
  body_bytes  integer not null,
  leaf        blob not null
) strict;
create unique index entry_stream on entry (stream, version);
-- What came into force is asked at every start, and must not cost a walk over all there is.
create index entry_defines on entry (position) where kind in ('process_loaded', 'process_removed');

-- A belt; the braces are the tree.
create trigger entry_never_changes before update on entry begin
  select raise(abort, 'entries are never changed');
end;
create trigger entry_never_leaves before delete on entry begin
  select raise(abort, 'entries are never removed');
end;

-- Bodies. Retention may drop them, nobody may change them.
create table body (
  position integer primary key references entry (position),
  text     text not null
) strict;
create trigger body_never_changes before update on body begin
  select raise(abort, 'bodies are never changed');
end;

create table occurrence (
  process text not null,
  nominal integer not null,
  primary key (process, nominal)
) strict, without rowid;

create table checkpoint (
  size integer primary key,
  root blob not null,
  note text not null
) strict;

create table person (
  actor blob primary key,
  salt  text not null,
  name  text not null
) strict, without rowid;

create table outbox (
  key      text primary key,
  kind     text not null,
  payload  text not null,
  attempts integer not null,
  next_at  integer not null
) strict, without rowid;
create index outbox_next on outbox (next_at, key);

-- Views: columns for what is asked, `wide` (JSON) for what is shown.
create table live_run (
  run  blob primary key,
  wide text not null
) strict, without rowid;

-- `place` counts in the order in which they ended in the journal: no clock decides which is the newest.
create table ended_run (
  run      blob primary key,
  process  text not null,
  kind     text not null,
  verified text not null,
  place    integer not null,
  wide     text not null
) strict, without rowid;
create unique index ended_run_place on ended_run (place);
create index ended_run_newest on ended_run (kind, verified, place, run);
create index ended_run_process on ended_run (process, kind, verified, place, run);

create table schedule (
  process text primary key,
  wide    text not null
) strict, without rowid;

create table skipped (
  process text not null,
  nominal integer not null,
  wide    text not null,
  primary key (process, nominal)
) strict, without rowid;
create index skipped_newest on skipped (nominal, process);

create table signal (
  signal    blob primary key,
  raised_at integer not null,
  cleared   integer not null,
  wide      text not null
) strict, without rowid;
create index signal_newest on signal (raised_at, signal);
create index signal_open on signal (raised_at, signal) where cleared = 0;

create table message (
  message blob primary key,
  run     blob,
  due_at  integer not null,
  wide    text not null
) strict, without rowid;
create index message_newest on message (due_at, message);
create index message_run on message (run, due_at, message) where run is not null;
