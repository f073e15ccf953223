//! The threads that ask the HTTPS service: one batch at a time each, over a connection that is kept.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::policy::reputation::NoAnswer;

use super::connection::{Connection, Interrupted};
use super::worker::BATCHES_MAX;
use super::{Service, ring};

/// A document for the service.
pub(super) struct Batch {
    pub(super) id: u64,
    pub(super) body: Vec<u8>,
    pub(super) end: Instant,
}

/// What came of it.
pub(super) struct Outcome {
    pub(super) id: u64,
    pub(super) result: Result<Vec<u8>, NoAnswer>,
}

/// Starts the threads. They end when the sender is gone.
///
/// # Errors
///
/// What is wrong with the certificates, or that the system refuses a thread.
pub(super) fn start(
    service: &Service,
    outcomes: &Sender<Outcome>,
    bell: &Arc<OwnedFd>,
) -> Result<Sender<Batch>, String> {
    let tls = Arc::new(tls(&service.roots)?);
    let (batches, queue) = crossbeam_channel::bounded(BATCHES_MAX);
    for number in 0..BATCHES_MAX {
        let mut asking = Asking { service: service.clone(), tls: Arc::clone(&tls), kept: None };
        let (queue, outcomes, bell): (Receiver<Batch>, _, _) =
            (queue.clone(), outcomes.clone(), Arc::clone(bell));
        std::thread::Builder::new()
            .name(format!("reputation-https-{number}"))
            .spawn(move || {
                for Batch { id, body, end } in queue {
                    let result = asking.ask(&body, end);
                    if outcomes.send(Outcome { id, result }).is_err() {
                        return;
                    }
                    ring(&bell);
                }
            })
            .map_err(|error| format!("start the reputation threads: {error}"))?;
    }
    Ok(batches)
}

/// Who may be spoken to: whoever has a certificate that one of these has signed.
///
/// # Errors
///
/// When no certificate can be read, or a file holds something else.
pub(super) fn tls(roots: &[u8]) -> Result<ClientConfig, String> {
    let store = store(roots).map_err(|why| format!("[CloudD] ServiceCertificates: {why}"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| format!("TLS: {error}"))?
        .with_root_certificates(store)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

/// The certificates of a text (PEM).
///
/// # Errors
///
/// When none can be used.
pub(in crate::runtime) fn store(roots: &[u8]) -> Result<RootCertStore, String> {
    let mut store = RootCertStore::empty();
    let mut last = None;
    for certificate in CertificateDer::pem_slice_iter(roots) {
        let added = certificate
            .map_err(|error| error.to_string())
            .and_then(|certificate| store.add(certificate).map_err(|error| error.to_string()));
        last = added.err().or(last);
    }
    if store.is_empty() {
        let why = last.unwrap_or_else(|| "there is none".to_owned());
        return Err(format!("no certificate can be used: {why}"));
    }
    Ok(store)
}

struct Asking {
    service: Service,
    tls: Arc<ClientConfig>,
    kept: Option<Connection>,
}

impl Asking {
    fn ask(&mut self, body: &[u8], end: Instant) -> Result<Vec<u8>, NoAnswer> {
        let request = self.request(body);
        let answered = match self.kept.take() {
            Some(connection) => match self.exchange(connection, &request, end) {
                // The server may close a connection at any time between two requests.
                Err(Interrupted::Before(error)) if error.kind() != ErrorKind::TimedOut => {
                    self.fresh(&request, end)
                }
                other => other,
            },
            None => self.fresh(&request, end),
        };
        match answered {
            Ok((200, body)) => Ok(body),
            Ok(_) => Err(NoAnswer::Refused),
            Err(Interrupted::Before(error) | Interrupted::Within(error)) => Err(why(&error)),
        }
    }

    fn fresh(&mut self, request: &[u8], end: Instant) -> Result<(u16, Vec<u8>), Interrupted> {
        let connection = Connection::open(&self.service.url, &self.tls, end);
        self.exchange(connection.map_err(Interrupted::Before)?, request, end)
    }

    fn exchange(
        &mut self,
        mut connection: Connection,
        request: &[u8],
        end: Instant,
    ) -> Result<(u16, Vec<u8>), Interrupted> {
        let answered = connection.exchange(request, end)?;
        self.kept = Some(connection).filter(|connection| connection.is_kept);
        Ok(answered)
    }

    fn request(&self, body: &[u8]) -> Vec<u8> {
        let url = &self.service.url;
        let host =
            if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
        let port = if url.port == 443 { String::new() } else { format!(":{}", url.port) };
        let token = match &self.service.token {
            Some(token) => format!("Authorization: Bearer {token}\r\n"),
            None => String::new(),
        };
        let head = format!(
            "POST {} HTTP/1.1\r\nHost: {host}{port}\r\nUser-Agent: Baleen/{}\r\n\
             Content-Type: application/json\r\nAccept: application/json\r\n{token}\
             Content-Length: {}\r\n\r\n",
            url.path,
            env!("CARGO_PKG_VERSION"),
            body.len()
        );
        [head.as_bytes(), body].concat()
    }
}

fn why(error: &io::Error) -> NoAnswer {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => NoAnswer::Time,
        _ => NoAnswer::Refused,
    }
}
