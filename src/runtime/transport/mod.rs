//! What lies between a socket and ICAP: TLS, the PROXY protocol, and who may connect at all.
//!
//! | what | where |
//! | --- | --- |
//! | TLS over bytes in and out | [`tls`] |
//! | the certificate, the key and whose clients are known | [`certificates`] |
//! | the header in front of a proxied connection | [`proxy`] |
//!
//! Absent on purpose: sockets and waiting; those are [`executor::Stream`](super::executor::Stream)'s.

#![forbid(unsafe_code)]

pub(super) mod certificates;
pub(super) mod proxy;
pub(super) mod tls;

/// By which door a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Door {
    /// What is behind it.
    pub(super) way: Way,
    /// Its profile, if it has one of its own (`ListenAs`).
    pub(super) profile: Option<&'static str>,
}

/// What carries ICAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Of `ListenAddress` and `ListenAs`.
    Tcp,
    /// Of `TLSListenAddress`.
    Tls,
    /// Of `ListenSocket`: whoever could open it may connect.
    Unix,
}

impl Door {
    /// `TLSListenAddress`.
    pub(super) const TLS: Self = Self { way: Way::Tls, profile: None };
    /// `ListenSocket`.
    pub(super) const UNIX: Self = Self { way: Way::Unix, profile: None };

    /// `ListenAddress`, or with a profile `ListenAs`.
    pub(super) const fn tcp(profile: Option<&'static str>) -> Self {
        Self { way: Way::Tcp, profile }
    }
}
