//! `Idempotency-Key`: the same request sent twice is done once and answered the same.
//!
//! The answer is stored in the transaction that does the work, so a crash in between loses both or
//! neither. Keys live for 24 hours and belong to whoever sent them, as what they were then: nobody
//! is answered what was meant for somebody else.

use super::{Caller, Via, reply};
use crate::{
    db::{Db, Write, idempotency},
    error::{Error, Result},
};
use axum::{
    http::{HeaderMap, HeaderValue, StatusCode},
    response::Response,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// Longest key, bytes.
const KEY_MAX: usize = 255;

/// Does `job` and answers 201 with what it returns; under a key that was used before, answers as
/// then and does nothing.
///
/// # Errors
/// 409 `idempotency_key_reused` when the key was used for another request; what `job` returns.
pub async fn once<T, F>(
    db: &Db,
    who: &Caller,
    headers: &HeaderMap,
    request: &impl Serialize,
    mut job: F,
) -> Result<Response>
where
    T: Serialize,
    F: FnMut(&mut Write<'_>) -> Result<T> + Send + 'static,
{
    in_two(db, who, headers, request, move |w| Ok((answer(&job(w)?)?, None))).await
}

/// The same for a job whose answer holds a secret: it returns the answer, and what is kept of it
/// for who asks again. The secret is told once and never stored.
///
/// # Errors
/// As [`once`].
pub async fn once_with_secret<T, F>(
    db: &Db,
    who: &Caller,
    headers: &HeaderMap,
    request: &impl Serialize,
    mut job: F,
) -> Result<Response>
where
    T: Serialize,
    F: FnMut(&mut Write<'_>) -> Result<(T, T)> + Send + 'static,
{
    let job = move |w: &mut Write<'_>| {
        let (told, kept) = job(w)?;
        Ok((answer(&told)?, Some(answer(&kept)?)))
    };
    in_two(db, who, headers, request, job).await
}

/// Does `job`, which returns the body that is answered, and the one to keep if that is another.
async fn in_two<F>(
    db: &Db,
    who: &Caller,
    headers: &HeaderMap,
    request: &impl Serialize,
    mut job: F,
) -> Result<Response>
where
    F: FnMut(&mut Write<'_>) -> Result<(String, Option<String>)> + Send + 'static,
{
    let Some(key) = headers.get("idempotency-key") else {
        let body = db.write(move |w| Ok(job(w)?.0)).await?;
        return Ok(reply::json(StatusCode::CREATED, body));
    };
    let key = key.to_str().ok().filter(|k| (1..=KEY_MAX).contains(&k.len()));
    let key = key
        .ok_or_else(|| Error::field("Idempotency-Key", "must be 1 to 255 plain characters"))?
        .to_owned();
    let key = owned(who, &key);
    let fingerprint: [u8; 32] =
        Sha256::digest(serde_json::to_vec(request).map_err(Error::internal)?).into();
    let tenant = who.tenant;
    let (body, again) = db
        .write(move |w| {
            if let Some(before) = idempotency::find(w, tenant, &key)? {
                if before.fingerprint != fingerprint {
                    return Err(Error::conflict(
                        "idempotency_key_reused",
                        "this Idempotency-Key was used for another request",
                    ));
                }
                return Ok((before.body, true));
            }
            let (body, kept) = job(w)?;
            idempotency::keep(w, tenant, &key, &fingerprint, kept.as_deref().unwrap_or(&body))?;
            Ok((body, false))
        })
        .await?;
    let mut response = reply::json(StatusCode::CREATED, body);
    if again {
        let replayed = HeaderValue::from_static("true");
        response.headers_mut().insert("idempotency-replayed", replayed);
    }
    Ok(response)
}

/// The key as it is kept: whose it is, and nothing of what its sender wrote into it.
fn owned(who: &Caller, key: &str) -> String {
    let by = if matches!(who.via, Via::ApiToken(_)) { "program" } else { who.role.name() };
    let digest = Sha256::digest(format!("{} {by} {key}", who.user).as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn answer(data: &impl Serialize) -> Result<String> {
    #[derive(Serialize)]
    struct Good<'a, T> {
        success: bool,
        data: &'a T,
    }
    serde_json::to_string(&Good { success: true, data }).map_err(Error::internal)
}
