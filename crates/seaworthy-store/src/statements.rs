//! Every statement, once, valid on SQLite and PostgreSQL alike; dialects differ only in `migrations/`.
//!
//! This module must not know a driver. `$1 $2 …` appear in rising order at their first use, because SQLite
//! numbers them by appearance. A test prepares the whole list on both databases.

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub(crate) const $name: &str = $text;)*

        /// Name and text of each.
        pub const ALL: &[(&str, &str)] = &[$((stringify!($name), $text)),*];
    };
}

statements! {
    META_GET = "select value from meta where name = $1";
    META_SET = "insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value";

    TREE_GET = "select size, peaks from tree where one = 1";
    TREE_ADD = "insert into tree (one, size, peaks) values (1, $1, $2)";
    TREE_SET = "update tree set size = $1, peaks = $2 where one = 1";

    ENTRY_ADD = "insert into entry (position, id, stream, version, kind, v, at, node, epoch, actor, via, \
                 body_digest, body_bytes, leaf) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    BODY_ADD = "insert into body (position, text) values ($1, $2)";
    BODY_DROP = "delete from body where position = $1";
    STREAM_HEAD = "select version from entry where stream = $1 order by version desc limit 1";
    /// What a claim may rest on, newest first.
    STREAM_PAST = "select kind, v, text, actor from entry left join body on body.position = entry.position \
                   where stream = $1 and kind in ('checked', 'step_settled', 'verification_ended', 'person_asked', \
                   'person_answered', 'run_requested') order by version desc";
    LAST_POSITION = "select position from entry order by position desc limit 1";
    ENTRIES_STREAM = "select entry.position, id, stream, version, kind, v, at, node, epoch, actor, via, \
                      body_digest, body_bytes, text from entry left join body on body.position = entry.position \
                      where stream = $1 and version > $2 order by version";
    ENTRIES_FROM = "select entry.position, id, stream, version, kind, v, at, node, epoch, actor, via, \
                    body_digest, body_bytes, text from entry left join body on body.position = entry.position \
                    where entry.position >= $1 order by entry.position limit $2";
    /// The same words as in the index `entry_defines`, which answers it.
    DEFINITIONS = "select entry.position, id, stream, version, kind, v, at, node, epoch, actor, via, \
                   body_digest, body_bytes, text from entry left join body on body.position = entry.position \
                   where kind in ('process_loaded', 'process_removed') order by entry.position";
    LEAVES = "select leaf from entry where position >= $1 order by position limit $2";

    /// Changes no row if the occurrence exists.
    OCCURRENCE_ADD = "insert into occurrence (process, nominal) values ($1, $2) on conflict do nothing";

    CHECKPOINT_ADD = "insert into checkpoint (size, root, note) values ($1, $2, $3) on conflict (size) do nothing";
    CHECKPOINTS = "select note from checkpoint where size >= $1 order by size limit $2";

    PERSON_SET = "insert into person (actor, salt, name) values ($1, $2, $3) \
                  on conflict (actor) do update set salt = excluded.salt, name = excluded.name";
    PERSON_GET = "select name, salt from person where actor = $1";
    PERSON_ERASE = "delete from person where actor = $1";

    /// Changes no row if the actor or the name is taken.
    ACCOUNT_ADD = "insert into account (actor, key, version, wide) values ($1, $2, $3, $4) on conflict do nothing";
    /// Changes no row unless this version follows on what is kept.
    ACCOUNT_SET = "update account set key = $1, version = $2, wide = $3 where actor = $4 and version = $2 - 1";
    ACCOUNT_GET = "select wide from account where actor = $1";
    ACCOUNT_CALLED = "select wide from account where key = $1";
    ACCOUNTS = "select wide from account order by key limit $1";

    SESSION_ADD = "insert into session (digest, actor, wide) values ($1, $2, $3) on conflict (digest) do nothing";
    SESSION_SET = "update session set wide = $1 where digest = $2 and actor = $3";
    SESSION_GET = "select wide from session where digest = $1";
    SESSION_END = "delete from session where digest = $1";
    SESSIONS_END = "delete from session where actor = $1 and digest <> $2";
    SESSIONS_OF = "select wide from session where actor = $1 order by digest limit $2";

    LINK_ADD = "insert into link (digest, wide) values ($1, $2) on conflict (digest) do nothing";
    LINK_GET = "select wide from link where digest = $1";
    LINK_USE = "delete from link where digest = $1";
    LINKS = "select wide from link order by digest limit $1";

    OUTBOX_ADD = "insert into outbox (key, kind, payload, attempts, next_at) values ($1, $2, $3, $4, $5) \
                  on conflict (key) do nothing";
    /// Changes no row if another has taken it.
    OUTBOX_CLAIM = "update outbox set attempts = $1, next_at = $2 where key = $3 and attempts = $4";
    OUTBOX_LATER = "update outbox set attempts = $1, next_at = $2 where key = $3";
    OUTBOX_DONE = "delete from outbox where key = $1";
    OUTBOX_DUE = "select key, kind, payload, attempts, next_at from outbox where next_at <= $1 \
                  order by next_at, key limit $2";
    OUTBOX_NEXT = "select next_at from outbox order by next_at, key limit 1";

    LIVE_SET = "insert into live_run (run, wide) values ($1, $2) on conflict (run) do update set wide = excluded.wide";
    LIVE_REMOVE = "delete from live_run where run = $1";
    LIVE_ALL = "select wide from live_run order by run";
    LIVE_LIKE = "select run from live_run where run between $1 and $2 order by run limit $3";

    /// Changes no row if the run has ended already.
    ENDED_ADD = "insert into ended_run (run, process, kind, verified, place, wide) values \
                 ($1, $2, $3, $4, (select coalesce(max(place), 0) + 1 from ended_run), $5) on conflict (run) do nothing";
    /// For a run that goes on.
    ENDED_REMOVE = "delete from ended_run where run = $1";
    ENDED_GET = "select wide from ended_run where run = $1";
    ENDED_PLACE = "select place from ended_run where run = $1";
    /// Answered from the index alone.
    ENDED_NEWEST = "select place, run from ended_run where kind = $1 and verified = $2 \
                    and place < $3 order by place desc limit $4";
    /// Answered from the index alone.
    ENDED_PROCESS = "select place, run from ended_run where process = $1 and kind = $2 and verified = $3 \
                     and place < $4 order by place desc limit $5";
    /// Answered from the index alone.
    ENDED_AFTER = "select place, run from ended_run where process = $1 and kind = $2 and verified = $3 \
                   and place > $4 order by place limit $5";
    ENDED_LIKE = "select run from ended_run where run between $1 and $2 order by run limit $3";
    ENDED_COUNT = "select count(*) from ended_run";

    SCHEDULE_SET = "insert into schedule (process, wide) values ($1, $2) \
                    on conflict (process) do update set wide = excluded.wide";
    SCHEDULE_GET = "select wide from schedule where process = $1";

    SKIPPED_SET = "insert into skipped (process, nominal, wide) values ($1, $2, $3) \
                   on conflict (process, nominal) do update set wide = excluded.wide";
    SKIPPED_ALL = "select wide from skipped order by nominal desc, process desc limit $1";
    SKIPPED_PROCESS = "select wide from skipped where process = $1 order by nominal desc limit $2";

    SIGNAL_SET = "insert into signal (signal, raised_at, cleared, wide) values ($1, $2, $3, $4) \
                  on conflict (signal) do update \
                  set raised_at = excluded.raised_at, cleared = excluded.cleared, wide = excluded.wide";
    SIGNALS_ALL = "select wide from signal order by raised_at desc, signal desc limit $1";
    SIGNALS_BEFORE = "select wide from signal where (raised_at, signal) < ($1, $2) \
                      order by raised_at desc, signal desc limit $3";
    SIGNALS_OPEN = "select wide from signal where cleared = 0 order by raised_at desc, signal desc limit $1";

    MESSAGE_SET = "insert into message (message, run, due_at, wide) values ($1, $2, $3, $4) \
                   on conflict (message) do update \
                   set run = excluded.run, due_at = excluded.due_at, wide = excluded.wide";
    TOKEN_SET = "insert into token (token, digest, owner, made_at, wide) values ($1, $2, $3, $4, $5) \
                 on conflict (token) do update set wide = excluded.wide";
    TOKEN_BY = "select wide, used_at from token where digest = $1";
    TOKEN_GET = "select wide, used_at from token where token = $1";
    TOKENS_ALL = "select wide, used_at from token order by made_at desc, token desc limit $1";
    TOKENS_OWNER = "select wide, used_at from token where owner = $1 order by made_at desc, token desc limit $2";
    TOKEN_USED = "update token set used_at = $1 where token = $2 and used_at < $1";

    /// Changes no row if the key is taken.
    ANSWER_BEGIN = "insert into answered (key, at, digest) values ($1, $2, $3) on conflict (key) do nothing";
    ANSWER_SET = "update answered set status = $1, body = $2 where key = $3";
    ANSWER_GET = "select digest, status, body from answered where key = $1";
    ANSWER_FORGET = "delete from answered where at < $1";
    /// The oldest that may stay, if there are more than may.
    ANSWER_LAST = "select at from answered order by at desc, key desc limit 1 offset $1";

    MESSAGES_ALL = "select wide from message order by due_at desc, message desc limit $1";
    MESSAGES_RUN = "select wide from message where run = $1 order by due_at desc, message desc limit $2";
}

#[cfg(test)]
mod tests {
    use super::ALL;

    #[test]
    fn parameters_first_appear_in_rising_order() {
        for (name, text) in ALL {
            let mut highest = 0;
            for part in text.split('$').skip(1) {
                let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
                let number: u32 = digits.parse().unwrap();
                assert!(number <= highest + 1, "{name}: ${number} appears before ${}", highest + 1);
                highest = highest.max(number);
            }
        }
    }

    #[test]
    fn no_two_statements_share_a_text() {
        for (i, (name, text)) in ALL.iter().enumerate() {
            assert!(ALL[..i].iter().all(|(_, other)| other != text), "{name} exists twice");
        }
    }
}
