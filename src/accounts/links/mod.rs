//! One-use links by which somebody sets their own password: an invitation, or a new start for who
//! forgot theirs. An administrator makes one and hands it over; this server sends no mail.
//!
//! The token stands in the fragment of the page's address, which browsers never send; only its
//! digest is stored.

pub mod http;
mod sql;

use super::{SignedIn, Visit, login::REFRESH_PREFIX, sessions, signed_in};
use crate::{
    auth::secret,
    db::Write,
    error::{Error, OrNotFound, Result},
    http::Core,
    id::{SessionId, TenantId, UserId},
    users::{self, Edit, Hand, Profile, rules},
};
use std::fmt;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To come in for the first time.
    Invite,
    /// To choose another password.
    Reset,
}

impl Kind {
    /// The word in the database and in the page's address.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invite => "invite",
            Self::Reset => "reset",
        }
    }

    /// How long a link is good, milliseconds: seven days to come in, one to choose anew.
    pub fn ttl_ms(self) -> i64 {
        const DAY_MS: i64 = 24 * 3_600_000;
        match self {
            Self::Invite => 7 * DAY_MS,
            Self::Reset => DAY_MS,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const WRONG: Error = Error::Unauthorized("the server does not know this link, or it was used");

/// A link that was made, to be stored with what it is for.
#[derive(Clone)]
pub struct Fresh {
    kind: Kind,
    digest: [u8; 32],
    /// The page's address with the token; shown once.
    pub link: String,
}

impl Fresh {
    /// A link to the page of this server.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new(core: &Core, kind: Kind) -> Result<Self> {
        let token = secret::fresh("")?;
        let host = core.settings.public_url.as_deref().unwrap_or_default();
        let link = format!("{host}/invite#{kind}={token}");
        Ok(Self { kind, digest: secret::digest(&token), link })
    }

    /// Makes it good for somebody; an older one of its kind is good no more.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn give(&self, w: &Write<'_>, tenant: TenantId, user: UserId) -> Result<()> {
        sql::put(w, &self.digest, (tenant, user), self.kind)
    }
}

/// Uses up a link: sets the password and signs its owner in; their other sign-ins end.
///
/// # Errors
/// 401 for a link that is not known or was used, 410 `link_expired`, 422 for no password.
pub async fn follow(
    core: &Core,
    (kind, token): (Kind, &str),
    password: String,
    visit: Visit,
) -> Result<SignedIn> {
    let (digest, now) = (secret::digest(token), core.clock().now_ms());
    core.db.read(move |r| owner(sql::find(r, &digest, kind)?, now)).await?;
    rules::password(&password).map_err(|why| Error::field("password", why))?;
    let hash = core.passwords.hash(password).await?;
    let refresh = secret::fresh(REFRESH_PREFIX)?;
    let (held, refresh_digest) = (core.clone(), secret::digest(&refresh));
    let (session, profile) = core
        .db
        .write(move |w| {
            let who = owner(sql::find(w, &digest, kind)?, w.now)?;
            begin(w, &held, who, (&hash, &visit), &refresh_digest)
        })
        .await?;
    signed_in(core, session, profile, refresh)
}

/// Whose link it is, if it is still good.
fn owner(found: Option<sql::Found>, now: i64) -> Result<(TenantId, UserId)> {
    let found = found.ok_or(WRONG)?;
    if found.expires_at <= now {
        let why = "this link has ended: ask an administrator for a new one";
        return Err(Error::Gone("link_expired", why.into()));
    }
    Ok((found.tenant, found.user))
}

fn begin(
    w: &mut Write<'_>,
    core: &Core,
    (tenant, user): (TenantId, UserId),
    (hash, visit): (&str, &Visit),
    refresh: &[u8],
) -> Result<(SessionId, Profile)> {
    sql::drop_all_of(w, tenant, user)?;
    let account = users::sql::find(w, tenant, user)?.or_not_found("user")?;
    let hand = Hand::of_owner(&account);
    users::change(w, &hand, user, &Edit::default(), Some(hash))?.follow(core, w);
    let session = sessions::begin(w, core, (tenant, user), visit, refresh)?;
    let profile = users::sql::profile(w, tenant, user)?.or_not_found("user")?;
    Ok((session, profile))
}
