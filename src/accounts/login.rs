//! Signing in with a password.
//!
//! Whether the e-mail address is unknown, the account is closed or the password is wrong: the
//! answer and the time it takes are the same.

use super::{
    SignedIn, Visit, sessions, signed_in,
    sql::{self, Candidate},
};
use crate::{
    auth::{self, secret, throttle},
    error::{Checks, Error, OrNotFound, Result},
    http::Core,
    users::{self, rules},
};
use std::time::Duration;

/// Accounts that one e-mail address is tried for when no tenant is named: each costs a hash.
const CANDIDATES_MAX: i64 = 8;

/// What a refresh token begins with, so that one that leaked is known for what it is.
pub(super) const REFRESH_PREFIX: &str = "dbr_";

const WRONG: Error = Error::Unauthorized("the e-mail address or the password is wrong");

/// Whoever fails too often is asked to wait for as long as failures count.
const TOO_OFTEN: Error = Error::TooMany(Duration::from_millis(throttle::WINDOW_MS.unsigned_abs()));

/// What somebody signs in with. Not `Debug`: it holds a password.
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// The name or id of the tenant, where the e-mail address is known to several.
    pub tenant: Option<String>,
}

impl Credentials {
    /// Checks that both are there and not beyond their bounds.
    ///
    /// # Errors
    /// 422 naming what is missing or too long.
    pub fn checked(
        email: Option<String>,
        password: Option<String>,
        tenant: Option<String>,
    ) -> Result<Self> {
        let mut checks = Checks::new();
        let mut bounded = |field: &str, text: Option<String>, max: usize| {
            let text = text.unwrap_or_default();
            checks.check(!text.is_empty(), field, "is required");
            checks.check(text.len() <= max, field, "is too long");
            text
        };
        let email = bounded("email", email, rules::EMAIL_MAX).trim().to_owned();
        let password = bounded("password", password, auth::password::LENGTH_MAX);
        checks.done()?;
        Ok(Self { email, password, tenant: tenant.filter(|name| !name.trim().is_empty()) })
    }
}

/// Signs somebody in.
///
/// # Errors
/// 401 without saying what was wrong, 409 `tenant_required` when the password is right in more than
/// one tenant, 429 after too many failures.
pub async fn login(core: &Core, sent: Credentials, visit: Visit) -> Result<SignedIn> {
    let keys = throttle::Keys::new(&sent.email, visit.address);
    admit(core, &keys).await?;
    let Credentials { email, password, tenant } = sent;
    let found = core
        .db
        .read(move |r| sql::candidates(r, &email, tenant.as_deref().map(str::trim), CANDIDATES_MAX))
        .await?;
    let mut right = matching(core, &password, found).await?;
    let Some(who) = right.pop() else {
        return Err(failed(core, keys, WRONG).await);
    };
    if !right.is_empty() {
        return Err(Error::conflict(
            "tenant_required",
            "this e-mail address belongs to several tenants: name the one you mean as tenant",
        ));
    }
    begin(core, who, keys, visit).await
}

/// Those whose password it is. Somebody is always asked, so that nobody takes as long as anybody.
async fn matching(core: &Core, password: &str, found: Vec<Candidate>) -> Result<Vec<Candidate>> {
    if found.is_empty() {
        core.passwords.verify(password.to_owned(), None).await?;
    }
    let mut right = Vec::new();
    for candidate in found {
        if core.passwords.verify(password.to_owned(), Some(candidate.hash.clone())).await? {
            right.push(candidate);
        }
    }
    Ok(right)
}

/// Failures are counted again where the sign-in begins: of many guesses sent at once, a right one
/// that comes after five wrong ones is refused like the sixth.
async fn begin(
    core: &Core,
    who: Candidate,
    keys: throttle::Keys,
    visit: Visit,
) -> Result<SignedIn> {
    let refresh = secret::fresh(REFRESH_PREFIX)?;
    let (digest, held) = (secret::digest(&refresh), core.clone());
    let (session, profile) = core
        .db
        .write(move |w| {
            let counts = auth::sql::failures(w, &keys, w.now - throttle::WINDOW_MS)?;
            if counts.refuses() {
                return Err(TOO_OFTEN);
            }
            if !sql::note_login(w, &who)? {
                return Err(WRONG);
            }
            auth::sql::forgive(w, &keys)?;
            let session = sessions::begin(w, &held, (who.tenant, who.user), &visit, &digest)?;
            let profile = users::sql::profile(w, who.tenant, who.user)?.or_not_found("user")?;
            Ok((session, profile))
        })
        .await?;
    signed_in(core, session, profile, refresh)
}

/// Refuses who failed too often, and makes an account under attack answer more slowly.
pub(super) async fn admit(core: &Core, keys: &throttle::Keys) -> Result<()> {
    let (counted, after) = (keys.clone(), core.clock().now_ms() - throttle::WINDOW_MS);
    let counts = core.db.read(move |r| auth::sql::failures(r, &counted, after)).await?;
    if counts.refuses() {
        tracing::warn!(key = keys.address, "sign-ins are refused after too many failures");
        return Err(TOO_OFTEN);
    }
    let delay_ms = i64::try_from(counts.delay().as_millis()).unwrap_or(0);
    if delay_ms > 0 {
        core.clock().sleep_ms(delay_ms).await;
    }
    Ok(())
}

/// Counts a failure; answers the error to give.
pub(super) async fn failed(core: &Core, keys: throttle::Keys, answer: Error) -> Error {
    tracing::warn!(key = keys.address, "a sign-in failed");
    let noted = core.db.write(move |w| auth::sql::note_failure(w, &keys)).await;
    noted.err().unwrap_or(answer)
}
