//! Telephone systems: an Asterisk that we connect to, and programs that tell us about calls.
//!
//! * [`ami`] reads and writes the wire, [`mapping`] knows what its events mean: both pure.
//! * [`Switchboard`] keeps one connection to each PBX, on a thread of its own.
//! * [`cti`] takes what Zammad's generic CTI interface takes, by HTTP.
//!
//! All of them end in `calls::hear` and `agents::paused`: what a call or an agent is, is not known
//! here.

pub mod ami;
pub mod cti;
mod dial;
mod heed;
pub mod http;
mod line;
pub mod mapping;
mod pauses;
mod session;
mod sql;
mod status;
mod switchboard;
#[cfg(test)]
mod traces;
mod wish;

pub use dial::dial;
pub use status::{Board, Standing, Status};
pub use switchboard::{Switchboard, Tested};
pub use wish::{Wanted, Wish};

use crate::{
    auth::secret,
    db::{OnUnique as _, Write},
    error::{Error, OrNotFound as _, Result},
    http::patch::check_version,
    id::{EntityId, TenantId, UserId},
    time,
    webhooks::crypt::SecretBox,
};
use serde::{Deserialize, Serialize};

/// Telephone systems of one tenant; one more is refused.
pub const PBXS_MAX: i64 = 10;

/// Connections of the whole server; a PBX beyond them stays unconnected and says so.
pub const LINES_MAX: usize = 200;

/// What a token of a CTI program begins with.
const TOKEN_PREFIX: &str = "dbc_";

/// Characters shown of a token, so that it is known again.
const HINT: usize = TOKEN_PREFIX.len() + 4;

/// How a telephone system speaks with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// We connect to the manager interface of an Asterisk.
    Ami,
    /// It posts to `/cti/{token}`.
    Cti,
}

impl Kind {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ami => "ami",
            Self::Cti => "cti",
        }
    }
}

/// A telephone system as administrators see it, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pbx {
    /// Its id.
    pub id: EntityId,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// How it speaks with us.
    pub kind: Kind,
    /// What people call it.
    pub name: String,
    /// Where its manager interface is.
    pub host: Option<String>,
    /// Its port.
    pub port: Option<u16>,
    /// Who we are there.
    pub username: Option<String>,
    /// How an agent's telephone is called.
    pub dial_channel: Option<String>,
    /// The context of the dial plan that numbers are dialled from.
    pub dial_context: Option<String>,
    /// How its token begins.
    pub token_hint: Option<String>,
    /// Whether it is used.
    pub is_active: bool,
    /// Counts its changes.
    pub version: i64,
    /// When it was made, milliseconds since the Unix epoch.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub created_at: i64,
    /// When it last changed.
    #[serde(serialize_with = "time::as_rfc3339")]
    pub updated_at: i64,
}

impl Pbx {
    /// How calls that it speaks of say so.
    pub fn source(&self) -> String {
        format!("{}:{}", self.kind.name(), self.id)
    }
}

/// A telephone system with how it is doing, and with its token the one time that is shown. Not
/// `Debug`.
#[derive(Clone, Serialize)]
pub struct Shown {
    /// What was set up.
    #[serde(flatten)]
    pub pbx: Pbx,
    /// How it is doing.
    pub status: Status,
    /// The token, when it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// Makes a telephone system. Returns a CTI program's token, which nobody can read again.
///
/// # Errors
/// 409 `name_taken` or `too_many_pbxs`.
pub fn create(
    w: &mut Write<'_>,
    (tenant, by): (TenantId, UserId),
    wanted: &Wanted,
    secrets: &SecretBox,
) -> Result<(Pbx, Option<String>)> {
    if sql::count(w, tenant)? >= PBXS_MAX {
        return Err(Error::conflict("too_many_pbxs", "10 telephone systems are there already"));
    }
    let mut pbx = Pbx {
        id: EntityId::new(w.now),
        tenant_id: tenant,
        kind: wanted.kind,
        name: wanted.name.clone(),
        host: wanted.host.clone(),
        port: wanted.port,
        username: wanted.username.clone(),
        dial_channel: wanted.dial_channel.clone(),
        dial_context: wanted.dial_context.clone(),
        token_hint: None,
        is_active: wanted.is_active,
        version: 1,
        created_at: w.now,
        updated_at: w.now,
    };
    let token = match pbx.kind {
        Kind::Cti => Some(secret::fresh(TOKEN_PREFIX)?),
        Kind::Ami => None,
    };
    pbx.token_hint = token.as_deref().map(hint);
    let sealed = seal(&pbx, wanted, secrets)?;
    let hash = token.as_deref().map(secret::digest);
    sql::insert(w, &pbx, (by, sealed.as_deref(), hash.as_ref()))
        .on_unique(NAME, || name_taken(&pbx.name))?;
    Ok((pbx, token))
}

/// Changes a telephone system; what is connected connects anew.
///
/// # Errors
/// 404; 409 `version_conflict` or `name_taken`; 422 naming every wrong field.
pub fn change(
    w: &mut Write<'_>,
    (tenant, id): (TenantId, EntityId),
    (wish, based_on): (&Wish, Option<i64>),
    secrets: &SecretBox,
) -> Result<Pbx> {
    let before = sql::find(w, tenant, id)?.or_not_found("telephone system")?;
    check_version(based_on, before.version, &before)?;
    let wanted = wish.over(&before)?;
    let mut after = Pbx {
        name: wanted.name.clone(),
        host: wanted.host.clone(),
        port: wanted.port,
        username: wanted.username.clone(),
        dial_channel: wanted.dial_channel.clone(),
        dial_context: wanted.dial_context.clone(),
        is_active: wanted.is_active,
        ..before.clone()
    };
    if after == before && wanted.secret.is_none() {
        return Ok(before);
    }
    (after.version, after.updated_at) = (before.version + 1, w.now);
    let sealed = seal(&after, &wanted, secrets)?;
    sql::update(w, &after, sealed.as_deref()).on_unique(NAME, || name_taken(&after.name))?;
    Ok(after)
}

/// Gives a CTI program another token; the one before it is of no use from then on.
///
/// # Errors
/// 404; 409 `no_token` for one that has none.
pub fn rotate(
    w: &mut Write<'_>,
    (tenant, id): (TenantId, EntityId),
) -> Result<(Pbx, Option<String>)> {
    let mut pbx = sql::find(w, tenant, id)?.or_not_found("telephone system")?;
    if pbx.kind != Kind::Cti {
        return Err(Error::conflict("no_token", "only what posts to us has a token"));
    }
    let token = secret::fresh(TOKEN_PREFIX)?;
    pbx.token_hint = Some(hint(&token));
    (pbx.version, pbx.updated_at) = (pbx.version + 1, w.now);
    sql::set_token(w, &pbx, &secret::digest(&token))?;
    Ok((pbx, Some(token)))
}

const NAME: &str = "pbxs.tenant_id, pbxs.name";

fn name_taken(name: &str) -> Error {
    Error::conflict("name_taken", format!("there is a telephone system {name} already"))
}

fn hint(token: &str) -> String {
    format!("{}…", token.chars().take(HINT).collect::<String>())
}

fn seal(pbx: &Pbx, wanted: &Wanted, secrets: &SecretBox) -> Result<Option<Vec<u8>>> {
    let secret = wanted.secret.as_deref();
    secret.map(|secret| secrets.seal(secret, &aad(pbx.id))).transpose()
}

/// What a sealed secret belongs to, so that it opens in no other row.
fn aad(id: EntityId) -> Vec<u8> {
    [b"pbx:".as_slice(), id.0.as_bytes()].concat()
}
