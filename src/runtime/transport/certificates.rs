//! What ICAPS needs: the certificate with its chain, the key, and whose client certificates are believed.
//!
//! Read again at each reload, so that a renewed certificate is in force for connections that begin after it;
//! those under way keep what they began with. Tickets of sessions (RFC 8446 section 2.2, RFC 5077) stay
//! good over a reload: their key belongs to the process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ProducesTickets, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};

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
    config.ticketer =
        ticketer().map_err(|error| fault(&icaps.certificate, format!("tickets: {error}")))?;
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

/// The process's one: all shards and all reloads share it.
fn ticketer() -> Result<Arc<dyn ProducesTickets>, rustls::Error> {
    static TICKETER: OnceLock<Arc<dyn ProducesTickets>> = OnceLock::new();
    if let Some(ticketer) = TICKETER.get() {
        return Ok(Arc::clone(ticketer));
    }
    let made = rustls::crypto::aws_lc_rs::Ticketer::new()?;
    Ok(Arc::clone(TICKETER.get_or_init(|| made)))
}
