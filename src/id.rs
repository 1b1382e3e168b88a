//! Names of things: `UUIDv7` newtypes, one a kind of thing: a user's id is never a tenant's.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::{NoContext, Timestamp, Uuid};

/// A fresh `UUIDv7` (RFC 9562) whose time is `now_ms`, milliseconds since the Unix epoch.
pub fn uuid_v7(now_ms: i64) -> Uuid {
    let ms = u64::try_from(now_ms).unwrap_or(0);
    let nanos = u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(Timestamp::from_unix(NoContext, ms / 1000, nanos))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh id whose time is `now_ms`, milliseconds since the Unix epoch.
            pub fn new(now_ms: i64) -> Self {
                Self(uuid_v7(now_ms))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

ids! {
    /// A tenant: one organisation, whose rows nobody else can see.
    TenantId;
    /// A person or program with an account in one tenant.
    UserId;
    /// One sign-in of a user; revoking it ends its tokens and its sockets.
    SessionId;
    /// Any other entity, where one type serves all (subjects of events).
    EntityId;
}
