//! The differences from clamscan that are accepted, one by one. Each must occur; one that does not is
//! stale and fails the test.

/// Who finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finder {
    /// clamscan, and we do not.
    Clamscan,
    /// We, and clamscan does not.
    Baleen,
}

/// One accepted difference.
#[derive(Debug)]
pub struct Accepted {
    /// The batch it is in.
    pub batch: &'static str,
    /// The file's name.
    pub file: &'static str,
    /// The signature's name.
    pub name: &'static str,
    /// Who finds it.
    pub finder: Finder,
    /// Why that is right.
    pub why: &'static str,
}

/// All of them.
pub const ACCEPTED: &[Accepted] = &[];
