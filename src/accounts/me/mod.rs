//! One's own account: what everybody may change about themselves, and their password.

pub mod http;

use super::{
    login::{admit, failed},
    sql,
};
use crate::{
    auth::{self, throttle},
    error::{Error, OrNotFound, Result},
    http::{Caller, Core, patch},
    users::{self, Edit, Hand, Prefs, Profile, rules},
};
use serde::Deserialize;
use std::net::IpAddr;

/// What somebody may change about themselves.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnEdit {
    name: Option<String>,
    #[serde(default, deserialize_with = "patch::nullable")]
    phone: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    locale: Option<Option<String>>,
    #[serde(default, deserialize_with = "patch::nullable")]
    timezone: Option<Option<String>>,
    /// Choices named here are set, the others stay.
    notify_prefs: Option<Prefs>,
    /// The version the change was made from.
    version: Option<i64>,
}

/// Changes the caller's own account.
///
/// # Errors
/// 409 `version_conflict`, 422 naming the fields that are wrong.
pub async fn change(core: &Core, who: &Caller, sent: OwnEdit) -> Result<Profile> {
    let OwnEdit { name, phone, locale, timezone, notify_prefs, version } = sent;
    let edit = Edit { name, phone, locale, timezone, version, ..Edit::default() }.checked()?;
    let chosen = notify_prefs.unwrap_or_default();
    let refused = |why| Error::field("notify_prefs", why);
    rules::prefs(&chosen).map_err(refused)?;
    let (hand, user, held) = (Hand::of(who), who.user, core.clone());
    core.db
        .write(move |w| {
            users::change(w, &hand, user, &edit, None)?.follow(&held, w);
            let mut profile = users::sql::profile(w, hand.tenant, user)?.or_not_found("user")?;
            profile.notify_prefs.extend(chosen.clone());
            rules::prefs(&profile.notify_prefs).map_err(refused)?;
            users::sql::set_prefs(w, hand.tenant, user, &profile.notify_prefs)?;
            Ok(profile)
        })
        .await
}

/// Chooses another password for the caller; their other sign-ins end.
///
/// # Errors
/// 422 when `current` is wrong or `new` is no password, 429 after too many failures.
pub async fn change_password(
    core: &Core,
    who: &Caller,
    (current, new): (String, String),
    address: IpAddr,
) -> Result<()> {
    rules::password(&new).map_err(|why| Error::field("new", why))?;
    let (tenant, user) = (who.tenant, who.user);
    let (email, hash) = core
        .db
        .read(move |r| {
            let found = users::sql::find(r, tenant, user)?.or_not_found("user")?;
            Ok((found.email, sql::password_hash(r, tenant, user)?))
        })
        .await?;
    let keys = throttle::Keys::new(&email, address);
    admit(core, &keys).await?;
    let bounded = current.len() <= auth::password::LENGTH_MAX;
    if !bounded || !core.passwords.verify(current, hash.clone()).await? {
        let wrong = Error::field("current", "is not your password");
        return Err(failed(core, keys, wrong).await);
    }
    let (was, hash, hand, held) =
        (hash, core.passwords.hash(new).await?, Hand::of(who), core.clone());
    core.db
        .write(move |w| {
            if sql::password_hash(w, tenant, user)? != was {
                return Err(Error::field("current", "is not your password any more"));
            }
            auth::sql::forgive(w, &keys)?;
            users::change(w, &hand, user, &Edit::default(), Some(&hash))?.follow(&held, w);
            Ok(())
        })
        .await
}
