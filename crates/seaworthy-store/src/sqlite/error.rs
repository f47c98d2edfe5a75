//! What SQLite says, in the words of the port.
//!
//! This module must not decide what happens next; the writer and the callers do.

use std::{io, path::Path};

use rusqlite::{Error, ErrorCode, ffi};
use seaworthy_model::port::StoreError;

/// The port's word for an error of the driver.
pub(super) fn of(error: Error) -> StoreError {
    let detail = error.to_string();
    let Error::SqliteFailure(code, _) = &error else {
        // Anything else is a row that does not have the shape this program gave it.
        return StoreError::Broken { detail };
    };
    match code.code {
        ErrorCode::DiskFull => StoreError::Full { detail },
        // The shared memory file of the write-ahead log could not grow: no space on its disk.
        ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full { detail },
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Broken { detail },
        ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
            StoreError::Broken { detail }
        }
        // A table or column that every store has is not there.
        ErrorCode::Unknown => StoreError::Broken { detail },
        ErrorCode::ConstraintViolation => StoreError::Refused { rule: detail },
        _ => StoreError::Unreachable { detail },
    }
}

/// The port's word for an error of the file system.
pub(super) fn io(file: &Path, error: &io::Error) -> StoreError {
    let detail = format!("{}: {error}", file.display());
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { detail },
        _ => StoreError::Unreachable { detail },
    }
}

/// The store has not the shape that this program gives it.
pub(super) fn broken(detail: impl Into<String>) -> StoreError {
    StoreError::Broken { detail: detail.into() }
}
