//! Going on with a sign-in: the refresh token is used up and replaced, or the cookie renewed.
//!
//! Rotation after RFC 9700 §4.14.2: a token that is used a second time was stolen, by then or
//! before, so the sign-in it belongs to ends, whoever used it.

use super::{SignedIn, access_token, login::REFRESH_PREFIX, sessions, signed_in};
use crate::{
    auth::{secret, token::ACCESS_TTL_MS},
    db::Write,
    error::{Error, OrNotFound, Result},
    http::{Caller, Core},
    id::SessionId,
    users::{self, Profile},
};
use serde::Serialize;

const ENDED: Error = Error::Unauthorized("the refresh token is not valid any more: sign in again");

/// Uses up a refresh token; answers new tokens for the same sign-in.
///
/// # Errors
/// 401 when it is unknown, used, over, or its sign-in has ended.
pub async fn by_token(core: &Core, token: &str) -> Result<SignedIn> {
    let next = secret::fresh(REFRESH_PREFIX)?;
    let (digest, next_digest, held) = (secret::digest(token), secret::digest(&next), core.clone());
    let turned = core.db.write(move |w| turn(w, &held, &digest, &next_digest)).await?;
    let (session, profile) = turned.ok_or(ENDED)?;
    signed_in(core, session, profile, next)
}

/// None when there is nothing to go on with. That is an answer and no error, because ending the
/// sign-in of a token that was used twice has to be committed.
fn turn(
    w: &mut Write<'_>,
    core: &Core,
    digest: &[u8],
    next: &[u8],
) -> Result<Option<(SessionId, Profile)>> {
    let Some(found) = sessions::sql::by_refresh_token(w, digest, w.now)? else { return Ok(None) };
    if found.is_used {
        if sessions::end(w, core, found.session)? {
            tracing::warn!(user = %found.user, "a refresh token was used twice: its sign-in ended");
        }
        return Ok(None);
    }
    if !found.stands {
        return Ok(None);
    }
    sessions::sql::use_up(w, digest)?;
    sessions::sql::add_refresh_token(w, found.session, next)?;
    sessions::go_on(w, core, found.session)?;
    let profile = users::sql::profile(w, found.tenant, found.user)?.or_not_found("user")?;
    Ok(Some((found.session, profile)))
}

/// The answer to a renewed cookie. The token itself stays out of reach of scripts.
#[derive(Debug, Serialize)]
pub struct Renewed {
    token_type: &'static str,
    /// How long the cookie is good for, in seconds.
    expires_in: i64,
    /// Whose sign-in it is.
    user: Profile,
}

/// A new access token for the cookie of a page that is still open.
///
/// # Errors
/// 401 when the sign-in has ended in between.
pub async fn by_cookie(core: &Core, who: &Caller) -> Result<(String, Renewed)> {
    let session = who.session.ok_or(ENDED)?;
    let (tenant, user, held) = (who.tenant, who.user, core.clone());
    let profile = core
        .db
        .write(move |w| {
            if !sessions::go_on(w, &held, session)? {
                return Err(ENDED);
            }
            users::sql::profile(w, tenant, user)?.or_not_found("user")
        })
        .await?;
    let token = access_token(core, &profile, session)?;
    Ok((token, Renewed { token_type: "Cookie", expires_in: ACCESS_TTL_MS / 1000, user: profile }))
}

/// Ends the sign-in of a refresh token, used or not; nothing when it is unknown.
///
/// # Errors
/// When the database refuses.
pub async fn end(core: &Core, token: &str) -> Result<()> {
    let (digest, held) = (secret::digest(token), core.clone());
    core.db
        .write(move |w| {
            if let Some(found) = sessions::sql::by_refresh_token(w, &digest, w.now)? {
                sessions::end(w, &held, found.session)?;
            }
            Ok(())
        })
        .await
}
