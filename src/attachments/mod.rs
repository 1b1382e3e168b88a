//! Files on tickets, comments and articles.
//!
//! * `upload` reads them from the wire, `sniff` and `names` judge what they are and are called,
//!   [`Store`] keeps their bytes, each content once, and [`sweep()`] takes away what no row names.
//! * `parents` tells who may see a file: whoever sees what it hangs on.
//! * A file goes out as a download only ([`download`]), to whoever is signed in and may, or by a
//!   signed `link` that events carry for receivers of webhooks.

mod change;
pub mod download;
pub mod http;
pub mod link;
pub mod names;
mod parents;
pub mod range;
pub mod sniff;
mod sql;
pub mod store;
mod sweep;
#[cfg(test)]
pub(crate) mod tests;
pub mod upload;

pub use change::{add, remove, remove_all_of, rename};
pub use parents::{Parent, ParentType, Target};
pub use sql::{living, parent, visible};
pub use store::{Settings, Store};
pub use sweep::sweep;
pub use upload::{FILE_MAX, Received};

use crate::{
    error::{Error, Result},
    http::patch,
    id::{EntityId, TenantId, UserId},
    time,
};
use serde::{Deserialize, Serialize, Serializer};

/// Most files of one parent.
pub const FILES_MAX: usize = 10;

/// A file, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attachment {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Counts its changes.
    pub version: i64,
    /// When it was added, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it was last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
    /// When it was deleted.
    #[serde(serialize_with = "time::as_rfc3339_opt")]
    pub deleted_at: Option<i64>,
    /// What it hangs on.
    pub parent_type: ParentType,
    /// Which of those.
    pub parent_id: EntityId,
    /// Its name, made safe.
    pub filename: String,
    /// What its bytes say it is.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes; on the wire in hexadecimal digits.
    #[serde(serialize_with = "as_hex")]
    pub sha256: store::Digest,
    /// Who added it.
    pub uploaded_by: UserId,
}

fn as_hex<S: Serializer>(digest: &store::Digest, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&store::hex(digest))
}

impl Attachment {
    /// What it hangs on.
    pub fn target(&self) -> Target {
        Target { kind: self.parent_type, id: self.parent_id }
    }

    /// With a link to its bytes that is good for a day.
    pub fn shown(self, files: &Store, now_ms: i64) -> Shown {
        let download_url = files.link(self.tenant_id, self.id, now_ms);
        Shown { attachment: self, download_url }
    }
}

/// A file as answers and events show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// The file.
    #[serde(flatten)]
    pub attachment: Attachment,
    /// A path that gives its bytes to anybody who has it, for a day.
    pub download_url: String,
}

/// What is to be changed about a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// Another name.
    pub filename: String,
    /// The version the change was made from.
    pub version: Option<i64>,
}

impl Edit {
    /// Makes the name safe.
    ///
    /// # Errors
    /// 422 when nothing is left of it.
    pub fn checked(self, if_match: patch::IfMatch) -> Result<Self> {
        let filename = names::clean(&self.filename)
            .ok_or_else(|| Error::field("filename", "must be a name that can be seen"))?;
        Ok(Self { filename, version: if_match.or(self.version) })
    }
}
