//! How long agents have after a call: one rule for the tenant, and exceptions for some of them.

pub mod http;
mod sql;

use crate::{
    error::{Error, Result},
    http::patch,
};
use serde::{Deserialize, Serialize};

/// Longest wrap-up, seconds.
const WRAP_UP_MAX: i64 = 3_600;

/// The tenant's rule.
#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    /// 0 for no wrap-up at all.
    wrap_up_seconds: i64,
}

/// What is to be changed; for the tenant, `null` is the usual time, for an agent the tenant's.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    #[serde(default, deserialize_with = "patch::nullable")]
    wrap_up_seconds: Option<Option<i64>>,
}

impl Edit {
    /// What to set: nothing to do, nothing of one's own, or so many seconds.
    fn checked(&self) -> Result<Option<Option<i64>>> {
        if let Some(Some(seconds)) = self.wrap_up_seconds
            && !(0..=WRAP_UP_MAX).contains(&seconds)
        {
            return Err(Error::field("wrap_up_seconds", "must be 0 to 3600, or null"));
        }
        Ok(self.wrap_up_seconds)
    }
}
