//! Which verdicts may be kept, and that their bytes say the same.

use super::{all_settled, detection};
use crate::adaptation::verdicts::Settled;
use crate::adaptation::verdicts::settled::{LIMITS, NAME_BYTES_MAX, PATH_BYTES_MAX};
use crate::engine::verdict::{Detection, Limit, Verdict, Why};
use proptest::prelude::*;

/// Every reason there is, and whether another scan of the same bytes would say it again.
#[test]
fn only_what_another_scan_would_say_again_is_kept() {
    for (why, kept) in [
        (Why::Encrypted, true),
        (Why::Broken("cut off"), true),
        (Why::Unsupported("method"), true),
        (Why::Fragment, false),
        (Why::Time, false),
        (Why::EngineMissing, false),
        (Why::Failed, false),
        (Why::Busy, false),
    ] {
        let settled = Settled::of(&Verdict::Unscanned(why));
        assert_eq!(settled, kept.then_some(Settled::Unscanned(why)), "{why}");
    }
    for limit in LIMITS {
        let depends = matches!(limit, Limit::HoldLimit | Limit::DeferredMemory);
        let settled = Settled::of(&Verdict::Unscanned(Why::Limit(limit)));
        assert_eq!(settled.is_some(), !depends, "{}", limit.name());
    }
    assert_eq!(Settled::of(&Verdict::Clean), Some(Settled::Clean));
}

/// A limit that is added to the engine needs a code here: the list is compared with the names by a match that
/// the compiler checks.
#[test]
fn every_limit_has_one_code() {
    const fn known(limit: Limit) -> usize {
        match limit {
            Limit::MaxScanSize => 0,
            Limit::MaxFileSize => 1,
            Limit::MaxRecursion => 2,
            Limit::MaxFiles => 3,
            Limit::MaxCompressionRatio => 4,
            Limit::MaxScanState => 5,
            Limit::MaxDeferredSize => 6,
            Limit::MaxWholeSize => 7,
            Limit::DeferredMemory => 8,
            Limit::MatchLimit => 9,
            Limit::HoldLimit => 10,
        }
    }
    for (code, limit) in LIMITS.into_iter().enumerate() {
        assert_eq!(known(limit), code, "codes of files that are saved never change");
    }
}

#[test]
fn a_verdict_comes_back_as_it_was() {
    for settled in all_settled() {
        assert_eq!(Settled::of(&settled.verdict()), Some(settled.clone()));
        let mut bytes = Vec::new();
        settled.encode(&mut bytes);
        bytes.push(77);
        let mut rest = &bytes[..];
        assert_eq!(Settled::decode(&mut rest), Ok(settled));
        assert_eq!(rest, [77], "not a byte more is taken");
        for end in 0..bytes.len() - 1 {
            assert!(Settled::decode(&mut &bytes[..end]).is_err(), "{end} of {bytes:?}");
        }
    }
}

#[test]
fn names_are_kept_whole_or_not_at_all_and_a_long_way_is_cut() {
    let of = |name: &str, path: &str| Settled::of(&Verdict::Infected(detection(name, path)));
    let long = "n".repeat(NAME_BYTES_MAX);
    assert!(of(&long, "").is_some() && of(&format!("{long}n"), "").is_none());
    assert!(of("", "").is_none() && of("a\nb", "").is_none() && of("a", "zip:\u{1}").is_none());
    let way = format!("zip:{}", "ä".repeat(PATH_BYTES_MAX));
    let Some(Settled::Infected(kept)) = of("Eicar", &way) else { panic!("it is kept") };
    assert!(kept.path.len() <= PATH_BYTES_MAX && kept.path.ends_with("ä…"), "{}", kept.path);
    assert!(kept.path.len() > PATH_BYTES_MAX - 4 && way.starts_with(&kept.path[..500]));
    let Some(Settled::Infected(exact)) = of("Eicar", &"p".repeat(PATH_BYTES_MAX)) else {
        panic!("it is kept")
    };
    assert_eq!(*exact.path, *"p".repeat(PATH_BYTES_MAX));
}

#[test]
fn what_nobody_can_have_written_is_refused() {
    let text = |text: &[u8]| {
        let length = u16::try_from(text.len()).expect("short").to_le_bytes();
        [&length[..], text].concat()
    };
    let infected = |name: &[u8], path: &[u8]| {
        [&[1, 0, 0, 0, 0, 0, 0, 0, 0][..], &text(name), &text(path)].concat()
    };
    for bytes in [
        vec![3],
        vec![2, 0],
        vec![2, 5],
        vec![2, 3, 8],
        vec![2, 3, 10],
        vec![2, 3, 11],
        vec![2, 3, 255],
        [&[2, 2][..], &text(b"a\nb")].concat(),
        [&[2, 4][..], &text(&[b'a'; 129])].concat(),
        infected(b"", b""),
        infected(b"a\x07", b""),
        infected(b"\xff", b""),
        infected(&[b'n'; 256], b""),
        infected(b"n", &[b'p'; 513]),
    ] {
        assert!(Settled::decode(&mut &bytes[..]).is_err(), "{bytes:?}");
    }
    assert!(Settled::decode(&mut &infected(b"n", b"p")[..]).is_ok());
}

proptest! {
    #[test]
    fn any_detection_comes_back(name in "\\PC{1,80}", path in "\\PC{0,700}", offset: u64) {
        let detection = Detection { name: name.into(), path: path.into(), offset };
        if let Some(settled) = Settled::of(&Verdict::Infected(detection)) {
            let mut bytes = Vec::new();
            settled.encode(&mut bytes);
            prop_assert_eq!(Settled::decode(&mut &bytes[..]), Ok(settled));
        }
    }
}
