//! A peer whose certificate the world does not know: refused, unless its authority is trusted here.
//!
//! `tests/fixtures/tls/` holds an authority made for this, and a certificate of `peer.test` that it
//! signed. The authority's key was thrown away.

use super::*;
use rustls::{
    ServerConfig, ServerConnection,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::net::IpAddr;

const CA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tls/ca.pem");

/// A peer that speaks TLS on so many connections, and answers one request on each.
fn tls_peer(count: usize) -> SocketAddr {
    let certificate = include_bytes!("../../../../tests/fixtures/tls/peer.pem");
    let key = include_bytes!("../../../../tests/fixtures/tls/peer.key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate).unwrap()],
            PrivateKeyDer::from_pem_slice(key).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    peer(count, move |_, mut stream| {
        let mut tls = ServerConnection::new(config.clone()).unwrap();
        let mut secure = rustls::Stream::new(&mut tls, &mut stream);
        let mut request = [0; 4096];
        // Nothing comes from a client that does not trust us.
        if secure.read(&mut request).is_ok_and(|read| read > 0) {
            drop(secure.write_all(OK.as_bytes()));
        }
    })
}

fn poster_with(settings: &Settings) -> Poster {
    let here = |_: &str| Ok(vec![IpAddr::from([127, 0, 0, 1])]);
    Poster::with_look_up(development(), settings, Box::new(here)).unwrap()
}

#[test]
fn a_certificate_that_nobody_vouches_for_is_refused_and_nothing_is_sent() {
    let addr = tls_peer(1);
    let poster = poster_with(&Settings::default());
    let outcome = post(&poster, &format!("https://peer.test:{}/", addr.port()));
    assert_eq!(outcome.result.unwrap_err().word(), "tls");
}

#[test]
fn a_private_authority_is_trusted_for_its_names_and_for_no_other() {
    // Each is tried with the public authorities first.
    let addr = tls_peer(4);
    let poster = poster_with(&Settings { ca_file: Some(CA.into()), ..Settings::default() });
    let to = |host: &str| post(&poster, &format!("https://{host}:{}/", addr.port())).result;
    assert_eq!(to("peer.test"), Ok(200));
    assert_eq!(to("other.test").unwrap_err().word(), "tls");
}
