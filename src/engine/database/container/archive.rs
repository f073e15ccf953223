//! The tar of a container, read through windows and within limits.
//!
//! Nothing is unpacked to a disk and nothing is kept but what the visitor keeps. Names are flat, members
//! are plain files; everything else is refused, whatever the list says about it.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;

use super::fault::ContainerFault;

/// What an archive may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Members of one container.
    pub members_max: u64,
    /// Bytes of one member.
    pub member_bytes_max: u64,
    /// Bytes of all that is unpacked, the tar's own included.
    pub total_bytes_max: u64,
    /// Bytes unpacked for each packed one, once [`Limits::ratio_from_bytes`] are unpacked.
    pub ratio_max: u64,
    /// So much may be unpacked at any ratio.
    pub ratio_from_bytes: u64,
}

impl Default for Limits {
    /// Several times what the official sets need: 25 members, 300 MiB, 700 MiB, 8:1.
    fn default() -> Self {
        Self {
            members_max: 1_024,
            member_bytes_max: 2 << 30,
            total_bytes_max: 4 << 30,
            ratio_max: 100,
            ratio_from_bytes: 16 << 20,
        }
    }
}

/// One member, while it is read.
pub(super) struct Member<'a> {
    pub name: &'a str,
    /// Its size as the tar says; not more is read, and less is a fault.
    pub bytes: u64,
    pub content: &'a mut dyn Read,
}

/// What is done with a member.
pub(super) type Visit<'a> = &'a mut dyn FnMut(&mut Member<'_>) -> Result<(), ContainerFault>;

/// Shows every member to `visit`, in the order of the tar.
pub(super) fn each_member(
    packed: &[u8],
    limits: &Limits,
    visit: Visit<'_>,
) -> Result<(), ContainerFault> {
    let is_gzip = packed.starts_with(GZIP);
    let allowed = if is_gzip {
        let by_ratio = (packed.len() as u64).saturating_mul(limits.ratio_max);
        limits.total_bytes_max.min(by_ratio.max(limits.ratio_from_bytes))
    } else {
        limits.total_bytes_max
    };
    if is_gzip {
        let mut bounded = Bounded { inner: GzDecoder::new(packed), left: allowed, hit: false };
        let read = walk(&mut bounded, limits, visit);
        bounded.judge(read, allowed)?;
        let rest = bounded.inner.into_inner();
        return if rest.is_empty() { Ok(()) } else { Err(archive("bytes behind its end")) };
    }
    let mut bounded = Bounded { inner: packed, left: allowed, hit: false };
    let read = walk(&mut bounded, limits, visit);
    bounded.judge(read, allowed)
}

fn walk<R: Read>(
    input: &mut Bounded<R>,
    limits: &Limits,
    visit: Visit<'_>,
) -> Result<(), ContainerFault> {
    let mut archive = tar::Archive::new(&mut *input);
    let mut count = 0_u64;
    // Raw: extensions for long names are members of a kind that is refused.
    for entry in archive.entries().map_err(|fault| broken(&fault))?.raw(true) {
        let mut entry = entry.map_err(|fault| broken(&fault))?;
        count = count.saturating_add(1);
        if count > limits.members_max {
            return Err(ContainerFault::Limit("members", limits.members_max));
        }
        let name = flat_name(&entry.path_bytes())?;
        let header = entry.header();
        let bytes = header.entry_size().map_err(|fault| broken(&fault))?;
        if !header.entry_type().is_file() {
            return Err(ContainerFault::NotAFile(name));
        }
        if bytes > limits.member_bytes_max {
            return Err(ContainerFault::Limit("bytes of one member", limits.member_bytes_max));
        }
        visit(&mut Member { name: &name, bytes, content: &mut entry })?;
    }
    // The end mark is two blocks of zeros; what follows is zeros, too, and belongs to the checksum of gzip.
    drain(input)
}

/// Reads to the end, which has to be zeros.
fn drain(input: &mut dyn Read) -> Result<(), ContainerFault> {
    let mut window = [0; WINDOW_BYTES];
    loop {
        let count = input.read(&mut window).map_err(|fault| broken(&fault))?;
        let read = window.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok(());
        }
        if read.iter().any(|byte| *byte != 0) {
            return Err(archive("bytes behind its end"));
        }
    }
}

/// A name without folders: letters, digits, `.`, `-` and `_`, as the members of ClamAV have.
fn flat_name(bytes: &[u8]) -> Result<Box<str>, ContainerFault> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let shown = || bytes.get(..NAME_BYTES_MAX.min(bytes.len())).unwrap_or_default().escape_ascii();
    match str::from_utf8(bytes) {
        Ok(name)
            if (1..=NAME_BYTES_MAX).contains(&name.len())
                && !name.starts_with('.')
                && bytes.iter().all(plain) =>
        {
            Ok(name.into())
        }
        Ok(_) | Err(_) => Err(ContainerFault::NotAFile(shown().to_string().into())),
    }
}

fn broken(fault: &io::Error) -> ContainerFault {
    ContainerFault::Archive(fault.to_string().into())
}

fn archive(text: &str) -> ContainerFault {
    ContainerFault::Archive(text.into())
}

/// A reader that ends after so many bytes, and knows that it did.
struct Bounded<R> {
    inner: R,
    left: u64,
    hit: bool,
}

impl<R> Bounded<R> {
    /// A limit that was met explains whatever else went wrong.
    fn judge(&self, read: Result<(), ContainerFault>, allowed: u64) -> Result<(), ContainerFault> {
        if self.hit {
            return Err(ContainerFault::Limit("bytes unpacked", allowed));
        }
        read
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        if room == 0 && !buffer.is_empty() {
            // One more byte would be too many; whether there is one decides.
            let more = self.inner.read(&mut [0])?;
            self.hit = more > 0;
            return Ok(0);
        }
        let window = buffer.get_mut(..room).unwrap_or_default();
        let count = self.inner.read(window)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

const GZIP: &[u8] = b"\x1f\x8b";

const NAME_BYTES_MAX: usize = 100;

pub(super) const WINDOW_BYTES: usize = 8 << 10;
