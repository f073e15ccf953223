//! What a rule says when it is broken.

use std::fmt;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The file, from the top of the repository.
    pub(crate) path: String,
    /// The line in it; 0 for the whole file. For whoever repairs it now, not for prose.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do instead.
    pub(crate) way_out: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, what, way_out } = self;
        write!(out, "{path}:{line}: {what}\n    way out: {way_out}")
    }
}

/// For canaries: the sample must be refused, with these words.
#[track_caller]
pub(crate) fn must_refuse(complaints: &[Complaint], words: &str) {
    assert!(
        complaints.iter().any(|complaint| complaint.what.contains(words)),
        "the rule does not see «{words}»: {complaints:?}"
    );
}

/// For canaries: the sample is right and must pass.
#[track_caller]
pub(crate) fn must_pass(complaints: &[Complaint]) {
    assert_eq!(complaints, [], "the rule sees what is not there");
}
