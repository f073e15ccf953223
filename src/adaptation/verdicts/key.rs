//! What things are known by: SHA-256 over their parts, each with its length in front.
//!
//! The length keeps ("ab", "c") and ("a", "bc") apart, and a part that is not there is not an empty one. So
//! nobody who chooses the parts can make two different things equal by moving bytes between them.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::adaptation::ScanPlan;

/// Declares a digest as a type of its own, so that no key is taken for another.
macro_rules! digests {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// One that was made before.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(concat!(stringify!($name), "("))?;
                write_hex(&self.0, out)?;
                out.write_str(")")
            }
        }
    )*};
}

digests! {
    /// Everything besides the object that a verdict depends on: see [`Epoch::of`].
    Epoch;
    /// A body: its bytes, their coding and type, and the epoch of the engine.
    ContentKey;
    /// A response as its heads describe it: address, strong validator, length, coding, type.
    PromiseKey;
    /// An address, whatever the method.
    SiteKey;
    /// A strong validator of a response: its `ETag`, or its `Last-Modified` where that is one.
    Validator;
}

/// The digits of a key, as on the wire and in logs.
pub(super) fn write_hex(bytes: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

impl Epoch {
    /// An epoch from everything that may change a verdict: the digest of the database's image, the limits, the
    /// alerts, the passwords of archives, the kinds of threats that end a scan, and the version of this program.
    /// The order counts.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Parts::new("baleen epoch 1");
        parts.iter().for_each(|part| hash.part(Some(part)));
        Self(hash.finish())
    }
}

/// SHA-256 over parts.
#[derive(Clone, Debug)]
pub(super) struct Parts(Sha256);

impl Parts {
    /// `about` keeps digests of different kinds apart.
    pub(super) fn new(about: &str) -> Self {
        let mut parts = Self(Sha256::new());
        parts.part(Some(about.as_bytes()));
        parts
    }

    /// The next part, or that it is not there.
    pub(super) fn part(&mut self, part: Option<&[u8]>) {
        let Some(part) = part else {
            self.0.update([0]);
            return;
        };
        self.0.update([1]);
        self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(part);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The key of a body while its bytes come.
#[derive(Clone, Debug)]
pub struct Fingerprint {
    hash: Sha256,
    announced: Option<u64>,
    bytes: u64,
}

impl Fingerprint {
    /// Of a body with these raw values of `Content-Encoding` and `Content-Type`, and of `Content-Length` in bytes.
    #[must_use]
    pub fn new(
        epoch: &Epoch,
        coding: Option<&[u8]>,
        media: Option<&[u8]>,
        announced: Option<u64>,
    ) -> Self {
        let mut parts = Parts::new("baleen content 1");
        parts.part(Some(epoch.as_bytes()));
        parts.part(coding);
        parts.part(media);
        // The body is the last part and its length is not known yet; nothing follows that it could run into.
        Self { hash: parts.0, announced, bytes: 0 }
    }

    /// Of a body that is to be scanned like this; `None` for a part of an object, about which no verdict is kept.
    #[must_use]
    pub fn of(epoch: &Epoch, plan: &ScanPlan<'_>) -> Option<Self> {
        let coding = plan.content_encoding.as_deref();
        let is_whole = plan.fragment.is_none();
        is_whole.then(|| Self::new(epoch, coding, plan.content_type, plan.content_length))
    }

    /// The next bytes of the body, as they travel inside ICAP after its chunks are taken away.
    pub fn update(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.hash.update(bytes);
    }

    /// The key, after the last byte. `None` when the body is not as long as it was said to be: a scan may
    /// then say something else than one of the same bytes with the right length.
    #[must_use]
    pub fn finish(self) -> Option<ContentKey> {
        let is_so_long = self.announced.is_none_or(|announced| announced == self.bytes);
        is_so_long.then(|| ContentKey(self.hash.finalize().into()))
    }
}
