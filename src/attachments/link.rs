//! Links to a file that need no sign-in: for receivers of webhooks, good for a day.

use crate::id::{EntityId, TenantId};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use uuid::Uuid;

/// How long a link is good, milliseconds.
pub const LINK_TTL_MS: i64 = 24 * 3_600_000;

/// Bytes of the tenant's id, which stands before the signature: the file is looked for there only.
const TENANT_LEN: usize = 16;

/// Makes and checks links.
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// With a key of its own.
    pub fn new(key: &[u8; 64]) -> Self {
        Self(Hmac::new(key.into()))
    }

    /// The path of a download, good from `now_ms` on.
    pub fn link(&self, tenant: TenantId, id: EntityId, now_ms: i64) -> String {
        let expires = (now_ms + LINK_TTL_MS) / 1000;
        let mut sig = tenant.0.as_bytes().to_vec();
        sig.extend(self.mac(tenant, id, expires).finalize().into_bytes());
        let sig = URL_SAFE_NO_PAD.encode(sig);
        format!("/api/v1/attachments/{id}/download?expires={expires}&sig={sig}")
    }

    /// Whose file a link opens; `None` for one that is forged or over. `expires` is in seconds.
    pub fn check(&self, id: EntityId, expires: i64, sig: &str, now_ms: i64) -> Option<TenantId> {
        let bytes = URL_SAFE_NO_PAD.decode(sig).ok()?;
        let (tenant, signature) = bytes.split_at_checked(TENANT_LEN)?;
        let tenant = TenantId(Uuid::from_slice(tenant).ok()?);
        self.mac(tenant, id, expires).verify_slice(signature).ok()?;
        (now_ms / 1000 < expires).then_some(tenant)
    }

    fn mac(&self, tenant: TenantId, id: EntityId, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(tenant.0.as_bytes());
        mac.update(id.0.as_bytes());
        mac.update(&expires.to_be_bytes());
        mac
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_729_866_000_000;

    fn taken_apart(link: &str) -> (i64, &str) {
        let (_, query) = link.split_once("?expires=").unwrap();
        let (expires, sig) = query.split_once("&sig=").unwrap();
        (expires.parse().unwrap(), sig)
    }

    /// A day for that file, and not a second more, not for another file, not by another key.
    #[test]
    fn a_link_opens_one_file_for_a_day() {
        let signer = Signer::new(&[7; 64]);
        let (tenant, id) = (TenantId::new(NOW), EntityId::new(NOW));
        let link = signer.link(tenant, id, NOW);
        assert!(link.starts_with(&format!("/api/v1/attachments/{id}/download?")), "{link}");
        let (expires, sig) = taken_apart(&link);
        let check = |id, expires, sig: &str, now| signer.check(id, expires, sig, now);
        assert_eq!(check(id, expires, sig, NOW + LINK_TTL_MS - 1), Some(tenant));
        assert_eq!(check(id, expires, sig, NOW + LINK_TTL_MS), None);
        assert_eq!(check(id, expires + 1, sig, NOW), None);
        assert_eq!(check(EntityId::new(NOW), expires, sig, NOW), None);
        assert_eq!(Signer::new(&[8; 64]).check(id, expires, sig, NOW), None);
        let (_, others) = sig.split_at(22);
        let elsewhere = URL_SAFE_NO_PAD.encode(TenantId::new(NOW).0.as_bytes());
        for forged in ["", "a", "AAAA", &sig[1..], &format!("{elsewhere}{others}"), "%%%"] {
            assert_eq!(check(id, expires, forged, NOW), None, "{forged}");
        }
    }
}
