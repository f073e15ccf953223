//! Which file names a proxy previews, sends whole, or keeps to itself: `Transfer-*` made from the policy.
//!
//! RFC 3507 section 4.10.2. A proxy goes by the end of the path in the address, the policy by `Content-Type`, by
//! size and by the address itself. What follows from each action of a MIME rule:
//!
//! | action | list | why |
//! | --- | --- | --- |
//! | `scan` | `Preview` | a body that ends inside needs no way back; Squid opens a new connection for each message without preview |
//! | `reject`, and any action that depends on the size | `Preview` | the head decides, so the head has to be seen |
//! | `pass` at every size | `Preview`, or `Ignore` where the administrator says `IgnorePassedTypes` | see below |
//!
//! A type that passes is *not* ignored by itself. The name in an address is a weaker claim than the type in
//! the answer: `/x.jpg` may well be answered as a program, which the rule for images does not pass, and a
//! browser saves it as one. With `Ignore` nobody would look. So the administrator has to ask for it, and even
//! then only services for responses say it, and only while the policy wants nothing else of a
//! response: no list of addresses, no categories, no rule, no script, no mark in its head. A service that sees
//! requests never ignores a name, for that is where addresses are checked.

use crate::icap::Transfer;
use crate::policy::{BodyAction, Policy};

/// The lists for services that see responses only.
///
/// `may_ignore` is `IgnorePassedTypes`; `is_watched` tells that responses are looked at for other reasons
/// than their body: by a script, or for a mark.
#[must_use]
pub fn lists(policy: &Policy, may_ignore: bool, is_watched: bool) -> Transfer {
    if !may_ignore || is_watched || !policy.judges_bodies_only() {
        return Transfer::preview_all();
    }
    let passes = |types: &[&str]| {
        types.iter().all(|mime| policy.body_rule(mime.as_bytes(), None) == BodyAction::Pass)
    };
    let ignored: Vec<&str> = EXTENSIONS
        .iter()
        .filter(|(_, types)| passes(types))
        .flat_map(|(names, _)| names.iter().copied())
        .collect();
    Transfer::new(&["*"], &ignored, &[]).unwrap_or_else(|_| Transfer::preview_all())
}

/// Names and every type that servers customarily send for them: all of them have to pass.
const EXTENSIONS: &[(&[&str], &[&str])] = &[
    (&["jpg", "jpeg"], &["image/jpeg", "image/pjpeg"]),
    (&["png"], &["image/png"]),
    (&["gif"], &["image/gif"]),
    (&["webp"], &["image/webp"]),
    (&["avif"], &["image/avif"]),
    (&["ico"], &["image/x-icon", "image/vnd.microsoft.icon"]),
    (&["bmp"], &["image/bmp", "image/x-ms-bmp"]),
    (&["svg"], &["image/svg+xml"]),
    (&["css"], &["text/css"]),
    (&["woff"], &["font/woff", "application/font-woff"]),
    (&["woff2"], &["font/woff2", "application/font-woff2"]),
    (&["mp3"], &["audio/mpeg"]),
    (&["m4a"], &["audio/mp4", "audio/x-m4a"]),
    (&["ogg"], &["audio/ogg", "video/ogg", "application/ogg"]),
    (&["mp4", "m4v"], &["video/mp4", "video/x-m4v"]),
    (&["webm"], &["video/webm", "audio/webm"]),
    (&["mkv"], &["video/x-matroska", "video/matroska"]),
];
