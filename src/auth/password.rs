//! Passwords: Argon2id with 19 MiB, 2 passes and 1 lane (the OWASP minimum), a few at a time.

use crate::error::{Error, Result};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes computed at the same time: each takes 19 MiB and a core.
const AT_ONCE: usize = 4;

/// Logins that may wait for their turn; more are told to come back.
const WAITING_MAX: usize = 256;

/// Shortest password, characters.
pub const LENGTH_MIN: usize = 8;

/// Longest password, bytes.
pub const LENGTH_MAX: usize = 1_024;

/// Hashes and checks passwords off the async threads.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What an unknown user's password is checked against, so that it takes as long.
    nobody: Arc<str>,
}

impl Passwords {
    /// Ready to hash.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub fn new() -> Result<Self> {
        // Any well-formed hash will do, it only has to cost the same; making one costs 20 ms.
        let nobody = "$argon2id$v=19$m=19456,t=2,p=1$YWFhYWFhYWFhYWFhYWFhYQ$\
                      AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            queue: Arc::new(Semaphore::new(AT_ONCE + WAITING_MAX)),
            nobody: nobody.into(),
        })
    }

    /// Hashes a password for storing, as a PHC string.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn hash(&self, password: String) -> Result<String> {
        self.turn(move || hash(&password)).await?
    }

    /// Whether `password` is the one that was hashed; `None` is an unknown user and takes as long.
    ///
    /// # Errors
    /// [`Error::Busy`] when too many wait.
    pub async fn verify(&self, password: String, hashed: Option<String>) -> Result<bool> {
        let nobody = self.nobody.clone();
        self.turn(move || {
            let known = hashed.is_some();
            let matches = verify(&password, hashed.as_deref().unwrap_or(&nobody));
            known && matches
        })
        .await
    }

    async fn turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let _place =
            self.queue.try_acquire().map_err(|_| Error::Busy(std::time::Duration::from_secs(2)))?;
        let _turn = self.turns.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(work).await.map_err(Error::internal)
    }
}

/// Hashes at once, on the caller's thread: for the command line.
///
/// # Errors
/// When the system has no randomness.
pub fn hash(password: &str) -> Result<String> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(|e| Error::internal(e.to_string()))?;
    argon2()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|e| Error::internal(e.to_string()))
}

fn verify(password: &str, hashed: &str) -> bool {
    PasswordHash::new(hashed).is_ok_and(|hash| {
        argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &hash).is_ok())
    })
}

fn argon2() -> Result<Argon2<'static>> {
    let params = Params::new(19_456, 2, 1, None).map_err(|e| Error::internal(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let passwords = Passwords::new().unwrap();
        let hashed = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hashed}");
        assert!(passwords.verify("correct horse".into(), Some(hashed.clone())).await.unwrap());
        assert!(!passwords.verify("correct horsf".into(), Some(hashed)).await.unwrap());
        assert!(!passwords.verify(String::new(), None).await.unwrap());
    }

    /// The hash for unknown users must be one that the library takes the full way through.
    #[test]
    fn nobodys_hash_is_well_formed() {
        let nobody = Passwords::new().unwrap().nobody;
        assert!(PasswordHash::new(&nobody).is_ok());
    }
}
