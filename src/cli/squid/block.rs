//! The lines that connect Squid to Baleen, each with its reason.
//!
//! Names and forms of the directives changed with Squid 3.1 and 3.2; newer versions kept those of 3.2.
//! What is not written keeps Squid's default on purpose: the preview's size comes from our OPTIONS
//! answer, and the time allowed for an answer (`icap_io_timeout`, 15 minutes) has to outlast a large
//! download that is held until its verdict.

use std::fmt;
use std::net::Ipv6Addr;

use super::document::{BEGIN, END};

/// Squid's version, as far as its configuration depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) struct Version {
    /// The first number.
    pub(in crate::cli) major: u32,
    /// The second number.
    pub(in crate::cli) minor: u32,
}

/// What the block has to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    /// Whose configuration it is.
    pub(super) version: Version,
    /// Name or address of Baleen as Squid reaches it.
    pub(super) host: &'a str,
    /// Port of Baleen's ICAP listener.
    pub(super) port: u16,
    /// What happens to traffic that cannot be scanned.
    pub(super) failure: Failure,
}

/// What Squid does while Baleen does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Refuses the traffic: nothing passes unscanned.
    Closed,
    /// Lets the traffic through unscanned.
    Open,
}

/// The three manners of writing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Manner {
    /// 3.0: classes and access lists of ICAP, bypass as a bare number.
    Squid30,
    /// 3.1: `adaptation_access`, named options.
    Squid31,
    /// 3.2 and newer: overload behaviour, identity under `adaptation_`.
    Squid32,
}

impl Version {
    /// The oldest version with an ICAP client.
    pub(super) const OLDEST: Self = Self { major: 3, minor: 0 };

    /// Finds the version in what `squid -v` prints.
    pub(super) fn parse(said: &str) -> Option<Self> {
        let (_, rest) = said.split_once("Version ")?;
        let mut numbers = rest.split(|sign: char| !sign.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        // «7» alone is a version, too; what is not a number any more counts as 0.
        let minor = numbers.next().and_then(|number| number.parse().ok()).unwrap_or(0);
        Some(Self { major, minor })
    }

    const fn manner(self) -> Manner {
        match (self.major, self.minor) {
            (..=2, _) | (3, 0) => Manner::Squid30,
            (3, 1) => Manner::Squid31,
            (3.., _) => Manner::Squid32,
        }
    }
}

impl Link<'_> {
    /// The whole block, markers included.
    pub(super) fn render(&self) -> String {
        let manner = self.version.manner();
        let mut text = format!("{BEGIN}\n# Written for Squid {}.\n", self.version);
        for (reason, lines) in [
            self.failure.reason(),
            ("The ICAP client itself.", vec!["icap_enable on".to_owned()]),
            (
                "What browsers send (URLs, forms, uploads), and what they get.",
                self.services(manner),
            ),
            ("All traffic goes through both services.", access(manner)),
            (
                "The first bytes decide about most messages; their rest then needs no way back.",
                preview(),
            ),
            ("Connections are kept: a scan costs no TCP handshake.", persistent()),
            ("Baleen is told who asks, for its rules and its log.", identity(manner)),
            self.suspension(manner),
        ] {
            text.push_str("# ");
            text.push_str(reason);
            text.push('\n');
            for line in lines {
                text.push_str(&line);
                text.push('\n');
            }
        }
        text.push_str(END);
        text.push('\n');
        text
    }

    fn services(&self, manner: Manner) -> Vec<String> {
        let options = match (manner, self.failure) {
            (Manner::Squid30, Failure::Closed) => "0",
            (Manner::Squid30, Failure::Open) => "1",
            (Manner::Squid31, Failure::Closed) => "bypass=0",
            (Manner::Squid31, Failure::Open) => "bypass=1",
            // At our Max-Connections: a queue keeps the promise that everything is scanned.
            (Manner::Squid32, Failure::Closed) => "bypass=0 on-overload=wait",
            (Manner::Squid32, Failure::Open) => "bypass=1 on-overload=bypass",
        };
        [("req", "reqmod"), ("resp", "respmod")]
            .iter()
            .map(|(name, path)| {
                let url = format!("icap://{}:{}/{path}", self.authority(), self.port);
                format!("icap_service baleen_{name} {path}_precache {options} {url}")
            })
            .collect()
    }

    /// The host as it stands in a URL.
    fn authority(&self) -> String {
        if self.host.parse::<Ipv6Addr>().is_ok() {
            format!("[{}]", self.host)
        } else {
            self.host.to_owned()
        }
    }

    /// Squid stops asking a service that failed often. It counts every kind of failure, so one odd
    /// web page could switch the service off for everybody.
    fn suspension(&self, manner: Manner) -> (&'static str, Vec<String>) {
        let revival = "icap_service_revival_delay 30".to_owned();
        match (self.failure, manner) {
            (Failure::Closed, _) => (
                "No pause after failures: it would refuse all traffic although Baleen is back. Ask again soon.",
                vec!["icap_service_failure_limit -1".to_owned(), revival],
            ),
            (Failure::Open, Manner::Squid30 | Manner::Squid31) => (
                "Ten failures, and traffic goes past Baleen without waiting for it. Ask again soon.",
                vec!["icap_service_failure_limit 10".to_owned(), revival],
            ),
            (Failure::Open, Manner::Squid32) => (
                "Ten failures in a minute, and traffic goes past Baleen without waiting for it. Ask again soon.",
                vec!["icap_service_failure_limit 10 in 60 seconds".to_owned(), revival],
            ),
        }
    }
}

impl Failure {
    fn reason(self) -> (&'static str, Vec<String>) {
        let text = match self {
            Self::Closed => {
                "Fail closed: while Baleen does not answer, Squid refuses the traffic. Nothing passes unscanned.\n\
                 # The other way round: `baleen squid setup --bypass on`."
            }
            Self::Open => {
                "FAIL OPEN: while Baleen does not answer, traffic passes UNSCANNED.\n\
                 # The safe way round: `baleen squid setup --bypass off`."
            }
        };
        (text, Vec::new())
    }
}

fn access(manner: Manner) -> Vec<String> {
    let line = |text: &str| text.to_owned();
    match manner {
        Manner::Squid30 => vec![
            line("icap_class baleen_req_class baleen_req"),
            line("icap_class baleen_resp_class baleen_resp"),
            line("icap_access baleen_req_class allow all"),
            line("icap_access baleen_resp_class allow all"),
        ],
        Manner::Squid31 | Manner::Squid32 => {
            vec![
                line("adaptation_access baleen_req allow all"),
                line("adaptation_access baleen_resp allow all"),
            ]
        }
    }
}

fn preview() -> Vec<String> {
    vec!["icap_preview_enable on".to_owned()]
}

fn persistent() -> Vec<String> {
    vec!["icap_persistent_connections on".to_owned()]
}

fn identity(manner: Manner) -> Vec<String> {
    let names = match manner {
        Manner::Squid30 | Manner::Squid31 => {
            ["icap_send_client_ip on", "icap_send_client_username on"]
        }
        Manner::Squid32 => ["adaptation_send_client_ip on", "adaptation_send_username on"],
    };
    names.map(str::to_owned).to_vec()
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::{Failure, Link, Version};

    /// The block's directives without its comments.
    fn directives(major: u32, minor: u32, host: &str, failure: Failure) -> String {
        let link = Link { version: Version { major, minor }, host, port: 1344, failure };
        let text = link.render();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn the_version_is_read_from_what_squid_says() {
        let parse = |text| Version::parse(text).map(|version| version.to_string());
        assert_eq!(
            parse("Squid Cache: Version 5.7\nService Name: squid\n").as_deref(),
            Some("5.7")
        );
        assert_eq!(parse("Squid Cache: Version 3.0.STABLE26\n").as_deref(), Some("3.0"));
        assert_eq!(parse("Squid Cache: Version 7\n").as_deref(), Some("7.0"));
        assert_eq!(parse("Squid Cache: Version \n"), None);
        assert_eq!(parse("sh: squid: not found"), None);
    }

    #[test]
    fn squid_3_0_is_written_with_classes() {
        let want = "\
icap_enable on
icap_service baleen_req reqmod_precache 0 icap://127.0.0.1:1344/reqmod
icap_service baleen_resp respmod_precache 0 icap://127.0.0.1:1344/respmod
icap_class baleen_req_class baleen_req
icap_class baleen_resp_class baleen_resp
icap_access baleen_req_class allow all
icap_access baleen_resp_class allow all
icap_preview_enable on
icap_persistent_connections on
icap_send_client_ip on
icap_send_client_username on
icap_service_failure_limit -1
icap_service_revival_delay 30
";
        assert_eq!(directives(3, 0, "127.0.0.1", Failure::Closed), want);
    }

    #[test]
    fn squid_3_1_is_written_with_adaptation_access() {
        let text = directives(3, 1, "gw.example", Failure::Open);
        assert!(text.contains(
            "icap_service baleen_req reqmod_precache bypass=1 icap://gw.example:1344/reqmod\n"
        ));
        assert!(text.contains("adaptation_access baleen_resp allow all\n"));
        assert!(text.contains("icap_send_client_username on\n"));
        assert!(text.contains("icap_service_failure_limit 10\n"));
    }

    #[test]
    fn newer_squids_are_written_as_3_2() {
        let text = directives(5, 7, "::1", Failure::Closed);
        assert!(text.contains(
            "icap_service baleen_resp respmod_precache bypass=0 on-overload=wait icap://[::1]:1344/respmod\n"
        ));
        assert!(text.contains("adaptation_send_username on\n"));
        assert_eq!(text, directives(3, 2, "::1", Failure::Closed));
        let open = directives(7, 0, "::1", Failure::Open);
        assert!(open.contains("bypass=1 on-overload=bypass "));
        assert!(open.contains("icap_service_failure_limit 10 in 60 seconds\n"));
    }

    #[test]
    fn the_block_says_which_way_it_fails() {
        let said = |failure| {
            Link { version: Version { major: 5, minor: 7 }, host: "::1", port: 1, failure }.render()
        };
        assert!(said(Failure::Closed).contains("# Fail closed: "));
        assert!(said(Failure::Open).contains("# FAIL OPEN: "));
    }
}
