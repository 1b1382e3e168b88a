//! Secrets at rest: sealed with the key file, so that a copied database alone gives none away.
//!
//! XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha): its nonce of 24 bytes may be drawn at random for
//! every seal without ever repeating in practice.

use crate::error::{Error, Result};
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use std::fmt;

/// The first byte of everything sealed here; another way of sealing would begin with another.
const VERSION: u8 = 1;

/// Bytes of the nonce, which follows the version.
const NONCE_LEN: usize = 24;

/// Seals and opens short secrets with one key.
#[derive(Clone)]
pub struct SecretBox(XChaCha20Poly1305);

impl SecretBox {
    /// A box locked with the 32 bytes of the key file.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Encrypts `plain`: version byte, nonce, ciphertext and tag. `aad` says whose secret it is
    /// (for example `endpoint:7`); it is not stored, and opening needs the same, so that a sealed
    /// secret moved to another row stays shut.
    pub fn seal(&self, plain: &str, aad: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: plain.as_bytes(), aad })
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        let mut out = Vec::with_capacity(1 + NONCE_LEN + sealed.len());
        out.push(VERSION);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(out)
    }

    /// Decrypts what [`SecretBox::seal`] made with the same key and `aad`.
    ///
    /// # Errors
    /// [`Error::Internal`] when the key file is another one, or the bytes were altered.
    pub fn open(&self, sealed: &[u8], aad: &[u8]) -> Result<String> {
        let shut = || {
            Error::internal("a stored secret does not open: other key file, or damaged database")
        };
        let rest = sealed.strip_prefix(&[VERSION]).ok_or_else(shut)?;
        let (nonce, msg) = rest.split_first_chunk::<NONCE_LEN>().ok_or_else(shut)?;
        let plain =
            self.0.decrypt(&XNonce::from(*nonce), Payload { msg, aad }).map_err(|_| shut())?;
        String::from_utf8(plain).map_err(|_| shut())
    }
}

impl fmt::Debug for SecretBox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBox(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = "whsec_c2VjcmV0 – geheim";

    fn a_box() -> SecretBox {
        SecretBox::new(&[7; 32])
    }

    #[test]
    fn what_was_sealed_opens_again_and_does_not_show_through() {
        for plain in ["", "x", PLAIN] {
            let sealed = a_box().seal(plain, b"endpoint:7").unwrap();
            assert_eq!(a_box().open(&sealed, b"endpoint:7").unwrap(), plain);
            assert_eq!(sealed.len(), 1 + NONCE_LEN + plain.len() + 16);
        }
        let sealed = a_box().seal(PLAIN, b"").unwrap();
        assert!(!sealed.windows(6).any(|w| w == b"whsec_"));
        assert_ne!(sealed, a_box().seal(PLAIN, b"").unwrap(), "the nonce is new each time");
    }

    #[test]
    fn an_altered_byte_anywhere_keeps_it_shut() {
        let sealed = a_box().seal(PLAIN, b"endpoint:7").unwrap();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(a_box().open(&altered, b"endpoint:7").is_err(), "byte {at}");
            assert!(a_box().open(&sealed[..at], b"endpoint:7").is_err(), "cut at {at}");
        }
    }

    #[test]
    fn another_row_or_another_key_keeps_it_shut() {
        let sealed = a_box().seal(PLAIN, b"endpoint:7").unwrap();
        assert!(a_box().open(&sealed, b"endpoint:8").is_err());
        assert!(SecretBox::new(&[8; 32]).open(&sealed, b"endpoint:7").is_err());
    }

    #[test]
    fn neither_the_box_nor_its_errors_print_a_secret() {
        let sealed = a_box().seal(PLAIN, b"a").unwrap();
        let error = a_box().open(&sealed, b"b").unwrap_err();
        for text in [format!("{:?}", a_box()), format!("{error:?}"), error.to_string()] {
            assert!(!text.contains("whsec") && !text.contains("7, 7"), "{text}");
        }
    }

    #[test]
    fn a_seal_of_an_earlier_release_still_opens() {
        // Sealed with key 07…07, nonce 00 01 … 17, aad "endpoint:7"; checked against the
        // construction HChaCha20 + ChaCha20-Poly1305 written out in Python.
        let hex = concat!(
            "01000102030405060708090a0b0c0d0e0f1011121314151617",
            "df7fd8e099431ae4608447ca46ee58b8ec57329e7b60bdae13d4"
        );
        let sealed: Vec<u8> = hex
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(a_box().open(&sealed, b"endpoint:7").unwrap(), "whsec_AAEC");
    }
}
