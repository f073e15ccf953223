//! Foreign programs and Baleen agree: the installed Squid with real traffic of curl, c-icap's client,
//! python-icap, clamdscan and pyclamd, and tshark as a judge of what is on the wire. `sh tests/run` installs them all.
//!
//! ```text
//!   curl ──▶ Squid ──▶ Origin (here)          each test has its own three, on ports of their own
//!              └─ ICAP ─▶ Gateway (the built binary)
//! ```

#[path = "../fixture/mod.rs"]
mod fixture;

mod answers;
mod body;
mod clamd;
mod clients;
mod curl;
mod downloads;
mod endurance;
mod head;
mod known;
mod origin;
mod overload;
mod pcap;
mod policy;
mod release;
mod selftest;
mod semantics;
mod squid;
mod transport;
mod uploads;
mod wire;

use curl::Curl;
use fixture::gateway::Gateway;
use origin::Origin;
use squid::Squid;

/// The three of them, connected.
#[derive(Debug)]
struct Path {
    gateway: Gateway,
    squid: Squid,
    origin: Origin,
}

impl Path {
    /// Starts all three, with settings for the gateway's `[ICAPD]`.
    #[track_caller]
    fn open(icapd: &str) -> Self {
        let gateway = Gateway::start(icapd);
        let squid = Squid::start(Some(gateway.icap()));
        Self { gateway, squid, origin: Origin::start() }
    }

    /// A curl that goes this way.
    fn curl(&self) -> Curl {
        Curl::through(self.squid.address())
    }

    /// Ends Squid, reads its logs, and fails if they speak of any ICAP error. Ends the gateway, too.
    #[track_caller]
    fn close_without_icap_errors(self) -> usize {
        let transactions = self.squid.stop_without_icap_errors();
        let status = self.gateway.stop();
        assert!(status.success(), "the gateway ends in order: {status}");
        transactions
    }
}
