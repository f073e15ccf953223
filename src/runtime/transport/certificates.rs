//! What ICAPS needs: the certificate with its chain, the key, and whose client certificates are believed.
//!
//! Read again at each reload, so that a renewed certificate is in force for connections that begin after it;
//! those under way keep what they began with. Tickets of sessions (RFC 8446 section 2.2, RFC 5077) stay
//! good over a reload, unless it changes who has to show a certificate or who signs those: a session that is
//! resumed shows none.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use sha2::{Digest, Sha256};

use crate::settings::options::{ClientCertificates, Icaps};

/// What is wrong with a file.
pub(in crate::runtime) struct CertificateFault {
    /// The file.
    pub(in crate::runtime) file: PathBuf,
    /// What is wrong with it.
    pub(in crate::runtime) message: String,
}

/// Reads the files.
///
/// # Errors
///
/// [`CertificateFault`] for the first that cannot be used.
pub(in crate::runtime) fn read(icaps: &Icaps) -> Result<Arc<ServerConfig>, CertificateFault> {
    let chain = certificates(&icaps.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&icaps.key)
        .map_err(|error| fault(&icaps.key, format!("no private key in PEM form: {error}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(&icaps.certificate, error.to_string()))?;
    let builder = match icaps.clients {
        ClientCertificates::Off => builder.with_no_client_auth(),
        ClientCertificates::Optional | ClientCertificates::Required => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(&icaps.authorities)? {
                roots
                    .add(certificate)
                    .map_err(|error| fault(&icaps.authorities, error.to_string()))?;
            }
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
            let verifier = if icaps.clients == ClientCertificates::Optional {
                verifier.allow_unauthenticated()
            } else {
                verifier
            };
            let verifier =
                verifier.build().map_err(|error| fault(&icaps.authorities, error.to_string()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| {
        fault(&icaps.certificate, format!("with {}: {error}", icaps.key.display()))
    })?;
    config.ticketer = ticketer(demand(icaps)?)
        .map_err(|error| fault(&icaps.certificate, format!("tickets: {error}")))?;
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(found) if found.is_empty() => {
            Err(fault(path, "holds no certificate in PEM form".to_owned()))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(fault(path, format!("no certificates in PEM form: {error}"))),
    }
}

fn fault(file: &Path, message: String) -> CertificateFault {
    CertificateFault { file: file.to_owned(), message }
}

/// What is demanded of clients: none of the tickets given under another demand is good.
fn demand(icaps: &Icaps) -> Result<[u8; 32], CertificateFault> {
    let mut digest = Sha256::new();
    digest.update(format!("{:?}", icaps.clients));
    if icaps.clients != ClientCertificates::Off {
        for certificate in certificates(&icaps.authorities)? {
            digest.update(&certificate);
        }
    }
    Ok(digest.finalize().into())
}

/// The process's one for this demand: all shards and all reloads that keep it share it.
fn ticketer(demand: [u8; 32]) -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    static LAST: ArcSwapOption<([u8; 32], Arc<dyn ProducesTickets>)> = ArcSwapOption::const_empty();
    if let Some(last) = LAST.load_full()
        && last.0 == demand
    {
        return Ok(Arc::clone(&last.1));
    }
    let made = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    LAST.store(Some(Arc::new((demand, Arc::clone(&made)))));
    Ok(made)
}
