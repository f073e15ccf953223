//! What lies between a socket and ICAP: TLS, the PROXY protocol, and who may connect at all.
//!
//! | what | where |
//! | --- | --- |
//! | TLS over bytes in and out | [`tls`] |
//! | the certificate, the key and whose clients are known | [`certificates`] |
//! | the header in front of a proxied connection | [`proxy`] |
//!
//! Absent on purpose: sockets and waiting; those are [`executor::Stream`](super::executor::Stream)'s.

pub(super) mod certificates;
pub(super) mod proxy;
pub(super) mod tls;

/// By which door a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// `ListenAddress`.
    Tcp,
    /// `TLSListenAddress`.
    Tls,
    /// `ListenSocket`: whoever could open it may connect.
    Unix,
}
