//! What a scan still holds when its verdict is known.
//!
//! Memory goes back to the system page by page: where the allocator does that at once, the normal forms of
//! a page of 16 MiB take five milliseconds, as long as a hundred slices of work. So nothing large is freed
//! between the last byte and the verdict: what ends after the last byte is kept, and handed over beside
//! the verdict.
//!
//! It is never more than was held at a time before: when another layer begins, it goes. What a spool gives
//! up in the middle of an object is in the same way handed over, or goes in the next call.

use crate::engine::layer::Layer;
use crate::engine::spool::Spool;

/// What a scan held to its end. To drop it may take milliseconds: do that once the answer is out.
#[derive(Default)]
pub struct Remains {
    layers: Vec<Layer>,
    spools: Vec<Spool>,
}

impl Remains {
    /// Whether dropping it takes longer than handing it to somebody who has the time.
    #[must_use]
    pub fn is_large(&self) -> bool {
        let mut spools = self.spools.iter();
        are_large(&self.layers) || spools.any(|spool| spool.charged() >= LARGE_BYTES)
    }

    pub(super) fn keep_layer(&mut self, layer: Layer) {
        self.layers.push(layer);
    }

    pub(super) fn keep_layers(&mut self, layers: &mut Vec<Layer>) {
        self.layers.append(layers);
    }

    pub(super) fn keep_spools(&mut self, mut spools: Vec<Spool>) {
        self.spools.append(&mut spools);
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        self.layers.clear();
        self.spools.clear();
    }
}

/// Whether layers hold much.
pub(super) fn are_large(layers: &[Layer]) -> bool {
    layers.iter().any(|layer| layer.position >= LARGE_BYTES)
}

impl std::fmt::Debug for Remains {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Remains")
            .field("layers", &self.layers.len())
            .field("spools", &self.spools)
            .finish()
    }
}

/// A layer of so many bytes, in each of its forms, is freed in the time of a slice of work.
const LARGE_BYTES: u64 = 256 << 10;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::engine::database::{BuildOptions, Image, Sources, build};
    use crate::engine::limits::Limits;
    use crate::engine::matcher::{self, GramCounts};
    use crate::engine::verdict::Verdict;
    use crate::engine::{ContentCodings, Ended, Engine, Object};

    const RULE: &[u8] = b"rule r { strings: $a = \"planted string\" condition: #a > 1 }";

    /// Whatever the deferred work was done by, and however deep: spools outlive the verdict, and go with
    /// what remains.
    #[test]
    fn spools_go_behind_the_verdict() {
        let mut sources = Sources::new(BuildOptions::default());
        sources.add_file("t.yar", RULE);
        let training = GramCounts::default();
        let built = build(sources, &|bodies| matcher::compile(bodies, &training), &mut |_| {});
        let image = Image::open(Arc::new(built.image)).expect("what was built opens");
        let engine = Arc::new(Engine::new(Arc::new(image), Limits::default()));
        let left = || engine.spools.budget.left();
        let all = left();
        let quiet = vec![b'.'; 500_000];
        let found = [&quiet[..], b"planted string, planted string"].concat();
        for (object, is_found) in [(&quiet, false), (&found, true)] {
            for coding in [&b""[..], b"deflate"] {
                for runs in [false, true] {
                    let codings = ContentCodings::parse(coding).unwrap_or_default();
                    let mut scan = engine.start(Object { codings, ..Object::default() });
                    let sent = if coding.is_empty() { object.clone() } else { stored(object) };
                    let mut done = 0;
                    while done < sent.len() {
                        done += scan.feed(&sent[done..]).consumed;
                    }
                    while runs && !scan.end() {
                        if let Some(work) = scan.deferred() {
                            scan.resume(work.run());
                        }
                    }
                    assert!(scan.is_large());
                    let Ended { verdict, remains, .. } = scan.conclude();
                    assert_eq!(matches!(verdict, Verdict::Infected(_)), is_found);
                    assert!(remains.is_large() && left() <= all - 500_000, "{}", left());
                    drop(remains);
                    assert_eq!(left(), all);
                }
            }
        }
    }

    /// A zlib stream of blocks that are not compressed.
    fn stored(bytes: &[u8]) -> Vec<u8> {
        use std::io::Write as _;
        let mut coder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::none());
        coder.write_all(bytes).expect("a Vec takes everything");
        coder.finish().expect("a Vec takes everything")
    }
}
