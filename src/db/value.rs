//! How the words of the house are stored: ids as 16 bytes, names as text.

use crate::{
    auth::Role,
    error::{Error, Result},
    id::{EntityId, SessionId, TenantId, UserId},
};
use rusqlite::{
    ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};
use std::time::Duration;
use uuid::Uuid;

macro_rules! stored_as_bytes {
    ($($id:ident)*) => {$(
        impl ToSql for $id {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::Borrowed(ValueRef::Blob(self.0.as_bytes())))
            }
        }
        impl FromSql for $id {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                read_uuid(value).map(Self)
            }
        }
    )*};
}
stored_as_bytes!(TenantId UserId SessionId EntityId);

/// Reads 16 bytes as a UUID.
pub fn read_uuid(value: ValueRef<'_>) -> FromSqlResult<Uuid> {
    Uuid::from_slice(value.as_blob()?).map_err(|e| FromSqlError::Other(Box::new(e)))
}

impl ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(self.name().as_bytes())))
    }
}

impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map_err(|()| FromSqlError::InvalidType)
    }
}

/// What SQLite says, as an outcome: busy, full, or our own fault. A missing row is our own fault
/// too: whoever expects one says so with `.optional()?.or_not_found("ticket")`.
impl From<rusqlite::Error> for Error {
    #[track_caller]
    fn from(e: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match e.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked | Code::OperationInterrupted) => {
                Self::Busy(Duration::from_secs(1))
            }
            Some(Code::DiskFull | Code::ReadOnly) => Self::Full,
            _ => Self::internal(e),
        }
    }
}

/// Turns a broken unique rule into an outcome the caller can understand.
pub trait OnUnique<T> {
    /// Runs `outcome` when `self` failed on the unique rule over `columns`
    /// (`table.column, table.column`, as SQLite names them).
    fn on_unique(self, columns: &str, outcome: impl FnOnce() -> Error) -> Result<T>;
}

impl<T> OnUnique<T> for rusqlite::Result<T> {
    fn on_unique(self, columns: &str, outcome: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|e| match &e {
            rusqlite::Error::SqliteFailure(_, Some(text)) if text.ends_with(columns) => outcome(),
            _ => e.into(),
        })
    }
}
