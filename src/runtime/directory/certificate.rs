//! Whose certificates are taken: `LdapCheckCertificate`.
//!
//! A certificate that is not trusted can be let through, but never a handshake that its key has not signed.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::super::reputation::https::store;
use super::Directory;
use crate::settings::options::CertificateCheck;

/// What was wrong with a certificate that was let through: to be said once, then forgotten.
pub(super) type Doubts = Arc<ArcSwapOption<String>>;

/// How TLS is spoken to the servers; `None`: it is not.
///
/// # Errors
///
/// What is wrong with the certificates.
pub(super) fn tls(directory: &Directory) -> Result<Option<(ClientConfig, Doubts)>, String> {
    let options = &directory.options;
    if !options.start_tls && !options.servers.iter().any(|server| server.is_tls) {
        return Ok(None);
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let doubts = Doubts::default();
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?;
    let strict = || {
        let store =
            store(&directory.roots).map_err(|why| format!("[LookupD] LdapCertificates: {why}"))?;
        WebPkiServerVerifier::builder_with_provider(Arc::new(store), Arc::clone(&provider))
            .build()
            .map_err(|error| format!("[LookupD] LdapCertificates: {error}"))
    };
    let verifier: Arc<dyn ServerCertVerifier> = match directory.check {
        CertificateCheck::Refuse => strict()?,
        CertificateCheck::Allow => Arc::new(Lenient {
            strict: Some(strict()?),
            provider: Arc::clone(&provider),
            doubts: Arc::clone(&doubts),
        }),
        CertificateCheck::Ignore => Arc::new(Lenient {
            strict: None,
            provider: Arc::clone(&provider),
            doubts: Arc::clone(&doubts),
        }),
    };
    let tls = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(Some((tls, doubts)))
}

/// Takes every certificate; what a strict look says about it is kept.
#[derive(Debug)]
struct Lenient {
    strict: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
    doubts: Doubts,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let checked = self
            .strict
            .as_ref()
            .map(|strict| strict.verify_server_cert(end_entity, intermediates, name, stapled, now));
        if let Some(Err(why)) = checked {
            self.doubts.store(Some(Arc::new(why.to_string())));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
