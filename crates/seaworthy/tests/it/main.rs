//! The integration tests of the product: the real binary, as a person or a program types it.
//!
//! One binary for all, one module per theme. Each test has a folder of its own and ends what it starts.

#![expect(clippy::unwrap_used, reason = "an unwrap in a test is one of its assertions")]

mod again;
mod branch;
mod change;
mod change_settings;
mod chaos;
mod command;
mod contract;
mod crash;
mod crash_once;
mod definition;
mod drill;
mod exec;
mod first_minute;
mod heal;
mod history;
mod import;
mod kit;
mod limits;
mod looking;
mod matrix;
mod outlive;
mod pack_certificate;
mod pack_disk_space;
mod pack_files_borg;
mod pack_files_restic;
mod pack_init;
mod pack_kit;
mod pack_log_rotation;
mod pack_look;
mod pack_mysql;
mod pack_oncall_handover;
mod pack_postgres;
mod pack_release_checklist;
mod pack_seaworthy_backup;
mod pack_sqlite;
mod pack_system_updates;
mod people;
mod people_kit;
mod person;
mod ping;
mod postgres;
mod receiver;
mod retain;
mod secret;
mod server;
mod server_full;
mod server_history;
mod server_hold;
mod server_keep;
mod server_lock;
mod server_schedule;
mod server_tell;
mod server_trigger;
mod server_watch;
mod sqlite;
mod steps;
mod steps_http;
mod steps_process;
mod steps_sql;
mod steps_sql_wire;
mod systemd;
mod verdict;
