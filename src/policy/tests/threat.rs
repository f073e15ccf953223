//! Names of signatures and the kinds they are.

use crate::adaptation::{ThreatKind, ThreatKinds};

#[test]
fn the_kind_is_read_off_the_name() {
    use ThreatKind::{Adware, Dialers, Hacktools, Jokes, KnownVirus, Riskware, Suspicious};
    for (name, want) in [
        ("Eicar-Test-Signature", KnownVirus),
        ("Win.Trojan.Foo-1234-0", KnownVirus),
        ("Win.Adware.Bar-1-0", Adware),
        ("PUA.Win.Adware.Bar-1-0", Adware),
        ("PUA.Win.Dialer.Baz-1", Dialers),
        ("Win.Joke.Quux-2", Jokes),
        ("Hoax.HTML.X", Jokes),
        ("PUA.Win.Packer.Upx-1", Riskware),
        ("pup.osx.foo", Riskware),
        ("Win.Riskware.X-1", Riskware),
        ("Win.HackTool.Mimikatz-1", Hacktools),
        ("Heuristics.Encrypted.Zip", Suspicious),
        ("Suspicious.Foo", Suspicious),
        ("SecuriteInfo.com.Adware.X.UNOFFICIAL", Adware),
        // Only whole parts count: these are no jokes and no dialers.
        ("Win.Trojan.Joker-1", KnownVirus),
        ("Andr.Trojan.DialerX-1", KnownVirus),
        ("", KnownVirus),
    ] {
        assert_eq!(ThreatKind::of(name), want, "{name}");
    }
}

#[test]
fn a_set_holds_what_was_put_in() {
    let mut set = ThreatKinds::NONE;
    for kind in ThreatKind::ALL {
        assert!(!set.has(kind));
        set = set.with(kind);
        assert!(set.has(kind));
    }
    assert_eq!(set, ThreatKinds::ALL);
}
