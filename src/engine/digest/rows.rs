//! Collecting digests while sources load, and writing them as the DIGESTS section.
//!
//! Memory: a row costs its digest and 12 bytes until [`Rows::compile`]; sorting is in place.

use zerocopy::IntoBytes;

use crate::engine::database::signature::{Digest, NameId, Purpose};

use super::Kind;
use super::layout::{ANY_SIZE, BITS_MAX, Descriptor, Directory, bucket_of};

/// Digests on their way into the tables.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    md5: [Vec<Row<16>>; 2],
    sha1: [Vec<Row<20>>; 2],
    sha256: [Vec<Row<32>>; 2],
}

/// One digest. The derived order is that of the table: digest first, then the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row<const N: usize> {
    digest: [u8; N],
    arrival: u32,
    name: u32,
    size: u32,
}

impl Rows {
    /// Takes one digest. `size` is the object's in bytes, `None` for any.
    ///
    /// More than 2^32 - 1 rows of a table are not taken; the formats' own limits end long before.
    pub fn add(&mut self, purpose: Purpose, digest: &Digest, size: Option<u32>, name: NameId) {
        match digest {
            Digest::Md5(bytes) => push(of_mut(&mut self.md5, purpose), *bytes, size, name),
            Digest::Sha1(bytes) => push(of_mut(&mut self.sha1, purpose), *bytes, size, name),
            Digest::Sha256(bytes) => push(of_mut(&mut self.sha256, purpose), *bytes, size, name),
        }
    }

    /// How many digests of a kind were taken for a purpose.
    #[must_use]
    pub const fn count(&self, kind: Kind, purpose: Purpose) -> usize {
        match kind {
            Kind::Md5 => of(&self.md5, purpose).len(),
            Kind::Sha1 => of(&self.sha1, purpose).len(),
            Kind::Sha256 => of(&self.sha256, purpose).len(),
        }
    }

    /// Writes the section that [`Tables::open`](super::Tables::open) reads.
    #[must_use]
    pub fn compile(self) -> Vec<u8> {
        let mut out = vec![0; size_of::<Directory>()];
        let [md5_bad, md5_trusted] = self.md5;
        let [sha1_bad, sha1_trusted] = self.sha1;
        let [sha256_bad, sha256_trusted] = self.sha256;
        let directory: Directory = [
            write(md5_bad, &mut out),
            write(md5_trusted, &mut out),
            write(sha1_bad, &mut out),
            write(sha1_trusted, &mut out),
            write(sha256_bad, &mut out),
            write(sha256_trusted, &mut out),
        ]
        .map(Descriptor::to_bytes);
        if let Some(head) = out.get_mut(..size_of::<Directory>()) {
            head.copy_from_slice(directory.as_bytes());
        }
        out
    }
}

const fn of<T>([detect, trust]: &[T; 2], purpose: Purpose) -> &T {
    match purpose {
        Purpose::Detect => detect,
        Purpose::Trust => trust,
    }
}

const fn of_mut<T>([detect, trust]: &mut [T; 2], purpose: Purpose) -> &mut T {
    match purpose {
        Purpose::Detect => detect,
        Purpose::Trust => trust,
    }
}

fn push<const N: usize>(rows: &mut Vec<Row<N>>, digest: [u8; N], size: Option<u32>, name: NameId) {
    let Ok(arrival) = u32::try_from(rows.len()) else {
        return;
    };
    rows.push(Row { digest, arrival, name: name.0, size: size.unwrap_or(ANY_SIZE) });
}

/// Appends the columns of one table and says where they are.
fn write<const N: usize>(mut rows: Vec<Row<N>>, out: &mut Vec<u8>) -> Descriptor {
    let offset = out.len() as u64;
    rows.sort_unstable();
    let bits = bits_for(rows.len());
    write_buckets(&rows, bits, out);
    for row in &rows {
        out.extend_from_slice(&row.digest);
    }
    for row in &rows {
        out.extend_from_slice(&row.name.to_le_bytes());
        out.extend_from_slice(&row.size.to_le_bytes());
    }
    let mut distinct: Vec<u32> = rows.iter().map(|row| row.size).collect();
    let any = distinct.iter().filter(|&&size| size == ANY_SIZE).count();
    distinct.retain(|&size| size != ANY_SIZE);
    distinct.sort_unstable();
    distinct.dedup();
    for size in &distinct {
        out.extend_from_slice(&size.to_le_bytes());
    }
    Descriptor {
        offset,
        rows: rows.len() as u64,
        bits: u64::from(bits),
        distinct: distinct.len() as u64,
        any: any as u64,
    }
}

/// The first row of each bucket, and the number of rows at the end.
fn write_buckets<const N: usize>(rows: &[Row<N>], bits: u32, out: &mut Vec<u8>) {
    let mut next = 0_u32;
    for (row, index) in rows.iter().zip(0_u32..) {
        let bucket = bucket_of(head_of(&row.digest), bits);
        while next <= bucket {
            out.extend_from_slice(&index.to_le_bytes());
            next = next.saturating_add(1);
        }
    }
    let buckets = 1_u32.checked_shl(bits).unwrap_or(u32::MAX);
    // `push` takes no more rows than 32 bits count.
    let end = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    while next <= buckets {
        out.extend_from_slice(&end.to_le_bytes());
        next = next.saturating_add(1);
    }
}

/// The first four bytes of a digest as a number that sorts as they do.
pub(super) fn head_of(digest: &[u8]) -> u32 {
    digest.first_chunk().map_or(0, |head| u32::from_be_bytes(*head))
}

/// Four to eight rows a bucket: an MD5 bucket is one or two cache lines, the index half a byte to
/// one byte a row.
fn bits_for(rows: usize) -> u32 {
    let buckets = rows.checked_div(ROWS_PER_BUCKET).unwrap_or(0);
    buckets.checked_ilog2().unwrap_or(0).min(BITS_MAX)
}

const ROWS_PER_BUCKET: usize = 4;
