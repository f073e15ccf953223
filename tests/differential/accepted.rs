//! The differences from clamscan that are accepted, one by one. Each must occur; one that does not is
//! stale and fails the test.

/// Who finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finder {
    /// clamscan, and we do not.
    Clamscan,
    /// We, and clamscan does not.
    Baleen,
}

/// One accepted difference.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// The batch it is in.
    pub(crate) batch: &'static str,
    /// The file's name.
    pub(crate) file: &'static str,
    /// The signature's name.
    pub(crate) name: &'static str,
    /// Who finds it.
    pub(crate) finder: Finder,
    /// Why that is right.
    pub(crate) why: &'static str,
}

/// What explains many differences at once. Each is recognised by what the scan itself said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// clamscan finds something in a file of which we said that it was not scanned: a container that
    /// is not opened yet. The gateway does not call such a file clean.
    Unscanned,
    /// We find something in the bytes of a page or a text as they are, beside its normal forms;
    /// clamscan looks at the forms only (`clamav.md` A9.4). Asked again with `--normalize=no` it finds
    /// the same signature in the same file.
    AsItCame,
}

/// How often a rule applies to a batch: exactly, so that a row goes stale when a container is opened.
pub(crate) const RECOGNISED: &[(&str, Rule, usize)] =
    &[("planted", Rule::AsItCame, 4), ("pairs", Rule::AsItCame, 162)];

/// All of them.
pub(crate) const ACCEPTED: &[Accepted] = &[
    behind("clam-fsg.exe"),
    Accepted {
        batch: "seeded",
        file: "102-shifted",
        name: "D102",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "seeded",
        file: "273-fits",
        name: "D273",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "seeded",
        file: "329-shifted",
        name: "D329",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "seeded",
        file: "50-fits",
        name: "D50",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "seeded",
        file: "516-shifted",
        name: "D516",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "seeded",
        file: "517-fits",
        name: "D517",
        finder: Finder::Baleen,
        why: NEGATED_EDGE,
    },
    Accepted {
        batch: "pairs",
        file: "5054",
        name: "P5054",
        finder: Finder::Clamscan,
        why: LATEST_START,
    },
];

/// Asked of clamscan 1.4.6 with `AAAA1.CCCC..AAAA2.CCCC..BBBB`, and a comparison of the digit behind
/// the start: the last match of `AAAA*BBBB` begins at the first `AAAA`, that of `AAAA{1-}CCCC{-5}BBBB`
/// as well, that of `AAAA{-5}CCCC{1-}BBBB` at the second one. For us a match begins at the first place
/// where it can, however many parts it has.
const LATEST_START: &str =
    "of several starts of one match in three parts clamscan takes a later one";

/// Asked of clamscan 1.4.6, one signature at a time: behind `!(B)`, `!(L)` and `!(W)` an offset fits only
/// when both the byte that the edge looks at and the one after it lie in its range, so one without a
/// shift never does; in a database with others that begin alike, the first of the two is enough. We
/// ask for the first.
const NEGATED_EDGE: &str =
    "clamscan loses matches at the end of an offset's range behind a negated edge";

/// The program at the end of one of ClamAV's test files, which clamscan finds by its digest.
const fn behind(file: &'static str) -> Accepted {
    Accepted {
        batch: "published",
        file,
        name: "Clamav.Test.File-6",
        finder: Finder::Clamscan,
        why: "clamscan takes the digest of a program that lies behind another one; here objects in the middle \
              of a layer have none",
    }
}
