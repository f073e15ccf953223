//! Names in the zone of a block list (RFC 5782 sections 2 and 3), and the test points (section 5).

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use super::dns::Name;
use super::options::DnsList;
use super::question::{Host, Question};

/// What kind of name was asked: its test point is of the same kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    V4,
    V6,
    Host,
    Url,
}

/// The names to ask for in the zone of a list; at most [`NAMES_MAX`]. Names that are too long for the zone
/// are not asked for: they cannot be listed.
pub(super) fn names(list: &DnsList, question: &Question) -> Vec<(Kind, Name)> {
    let mut names = Vec::new();
    let mut add = |kind, label: &str| {
        if let Some(name) = Name::of(&format!("{label}.{}", list.zone)) {
            names.push((kind, name));
        }
    };
    match &question.host {
        Host::Address(address) => {
            if list.asks.addresses {
                let kind = if address.is_ipv4() { Kind::V4 } else { Kind::V6 };
                add(kind, &reversed(*address));
            }
        }
        Host::Name(name) => {
            if list.asks.domains || list.asks.hosts {
                add(Kind::Host, name);
            }
            if list.asks.domains {
                for labels in [3, 2] {
                    if let Some(parent) = last_labels(name, labels) {
                        add(Kind::Host, parent);
                    }
                }
            }
        }
    }
    if list.asks.urls {
        add(Kind::Url, &hash(&question.key(true)));
    }
    names.truncate(NAMES_MAX);
    names
}

/// The name that a list of this kind must not list. One that does lists everything.
pub(super) fn never_listed(list: &DnsList, kind: Kind) -> Option<Name> {
    let label = match kind {
        Kind::V4 => "1.0.0.127".to_owned(),
        Kind::V6 => reversed(IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1_u16])),
        Kind::Host => "invalid".to_owned(),
        Kind::Url => hash("invalid/"),
    };
    Name::of(&format!("{label}.{}", list.zone))
}

/// Octets of an IPv4 address, hex digits of an IPv6 address, last first.
fn reversed(address: IpAddr) -> String {
    let labels: Vec<String> = match address {
        IpAddr::V4(v4) => v4.octets().iter().rev().map(ToString::to_string).collect(),
        IpAddr::V6(v6) => {
            let digits = v6.octets().into_iter().rev();
            digits.flat_map(|octet| [octet & 0xf, octet >> 4]).map(|d| format!("{d:x}")).collect()
        }
    };
    labels.join(".")
}

/// The last labels of a longer name.
fn last_labels(name: &str, count: usize) -> Option<&str> {
    let (dot, _) = name.rmatch_indices('.').nth(count.checked_sub(1)?)?;
    name.get(dot..)?.strip_prefix('.')
}

/// SHA-256 in base 32 (RFC 4648 section 6), in lower case and without padding: 52 letters, one label.
fn hash(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let mut letters = String::with_capacity(52);
    for group in digest.chunks(5) {
        let value = group.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        let bits = group.len().saturating_mul(8);
        let value = value << 40_usize.saturating_sub(bits);
        for place in 0..bits.div_ceil(5) {
            let shift = 35_usize.saturating_sub(place.saturating_mul(5));
            let letter = usize::try_from(value >> shift & 31).unwrap_or_default();
            letters.push(char::from(BASE_32.get(letter).copied().unwrap_or(b'a')));
        }
    }
    letters
}

const BASE_32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Three of a host, one of its address's hash.
const NAMES_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::{hash, last_labels, reversed};

    #[test]
    fn addresses_are_reversed_as_rfc_5782_says() {
        for (address, name) in [
            ("192.0.2.99", "99.2.0.192"),
            (
                "2001:db8:1:2:3:4:567:89ab",
                "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2",
            ),
        ] {
            assert_eq!(reversed(address.parse().expect("an address")), name);
        }
    }

    #[test]
    fn parents_are_the_last_labels_of_longer_names() {
        assert_eq!(last_labels("a.b.c.d", 3), Some("b.c.d"));
        assert_eq!(last_labels("a.b.c.d", 2), Some("c.d"));
        assert_eq!((last_labels("b.c", 2), last_labels("b.c", 3)), (None, None));
    }

    /// The digest of nothing, as `sha256sum` and `base32` write it.
    #[test]
    fn a_hash_is_one_label() {
        assert_eq!(hash(""), "4oymiquy7qobjgx36tejs35zeqt24qpemsnzgtfeswmrw6csxbkq");
    }
}
