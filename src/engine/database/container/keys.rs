//! Whom to believe: public keys and certificates.
//!
//! ClamAV's keys are built in; a private mirror that signs for itself has its own in a file, one a line:
//!
//! ```text
//! # what it signs, modulus, exponent: decimal
//! container 1186409955516453426030700…  100001027
//! list      1108889498304854547365955…  100002049
//! patch     1478390587407746709026222…  100002053
//! ```

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::certificate::{self, Anchor};
use super::rsa::RsaKey;

/// Whom to believe, and at what time.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(super) container: Vec<RsaKey>,
    pub(super) list: Vec<RsaKey>,
    pub(super) patch: Vec<RsaKey>,
    pub(super) anchors: Vec<Anchor>,
    /// What becomes of `.cud`, which nobody signs.
    pub(super) unsigned: Unsigned,
    /// The time that certificates have to be valid at, in seconds since 1970.
    pub(super) now_seconds: u64,
}

/// What becomes of containers that nobody signs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsigned {
    /// They are left out.
    #[default]
    Refuse,
    /// They are loaded like any file of unknown origin.
    Accept,
}

/// Why a key or certificate cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustFault {
    /// A line of keys, counted from 1.
    Line(usize),
    /// Not a certificate with an RSA key, as PEM or DER.
    Certificate,
}

impl fmt::Display for TrustFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(
                out,
                "line {line}: not a key: 'container', 'list' or 'patch', a modulus of 1024 to 4096 bits \
                 and an odd exponent are expected, in decimal digits"
            ),
            Self::Certificate => out
                .write_str("not a certificate with an RSA key of 1024 to 4096 bits, as PEM or DER"),
        }
    }
}

impl std::error::Error for TrustFault {}

impl Trust {
    /// ClamAV's own keys, without any certificate.
    #[must_use]
    pub fn builtin(now_seconds: u64) -> Self {
        let key = |modulus, exponent| RsaKey::from_decimal(modulus, exponent).into_iter().collect();
        Self {
            container: key(CONTAINER_MODULUS, "100001027"),
            list: key(LIST_MODULUS, "100002049"),
            patch: key(PATCH_MODULUS, "100002053"),
            anchors: Vec::new(),
            unsigned: Unsigned::Refuse,
            now_seconds,
        }
    }

    /// The same with another answer for containers that nobody signs.
    #[must_use]
    pub fn with_unsigned(mut self, unsigned: Unsigned) -> Self {
        self.unsigned = unsigned;
        self
    }

    /// What becomes of containers that nobody signs.
    #[must_use]
    pub const fn unsigned(&self) -> Unsigned {
        self.unsigned
    }

    /// Adds the keys of a file.
    ///
    /// # Errors
    ///
    /// The first line that is not a key; those before it are added.
    pub fn add_keys(&mut self, text: &[u8]) -> Result<(), TrustFault> {
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1_usize..) {
            let fault = TrustFault::Line(number);
            let line = str::from_utf8(line).map_err(|_| fault)?.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let (Some(used), Some(modulus), Some(exponent), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(fault);
            };
            let list = match used {
                "container" => &mut self.container,
                "list" => &mut self.list,
                "patch" => &mut self.patch,
                _ => return Err(fault),
            };
            list.push(RsaKey::from_decimal(modulus, exponent).ok_or(fault)?);
        }
        Ok(())
    }

    /// Adds the certificates of a file, PEM (any number) or DER (one), as ends of chains.
    ///
    /// # Errors
    ///
    /// When there is none, or one that cannot be used.
    pub fn add_certificates(&mut self, bytes: &[u8]) -> Result<(), TrustFault> {
        let anchors = certificate::anchors(bytes).ok_or(TrustFault::Certificate)?;
        self.anchors.extend(anchors);
        Ok(())
    }

    /// Changes whenever another container might be believed, but for the passing of time.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for (mark, keys) in [(b'c', &self.container), (b'l', &self.list), (b'p', &self.patch)] {
            for key in keys {
                digest.update([mark]);
                digest.update(key.to_bytes());
            }
        }
        for anchor in &self.anchors {
            digest.update(b"a");
            digest.update(Sha256::digest(anchor.der()));
        }
        digest.update([u8::from(self.unsigned == Unsigned::Accept)]);
        digest.finalize().into()
    }
}

/// Signs the MD5 in the header of a container.
const CONTAINER_MODULUS: &str = "118640995551645342603070001658453189751527774412027743746599405743243142607464144767\
     361060640655844749760788890022283424922762488917565551002467771109669598189410434699\
     034532232228621591089508178591428456220796841621637175567590476666928698770143328137\
     383952820383197532047771780196576957695822641224262693037";

/// Signs the list of a container's members.
const LIST_MODULUS: &str = "110888949830485454736595561066271949239289417917950476205916586974135810433227159121\
     724968065253810558809645206184002243333205346602992339837553417406795028668299096799\
     557343913926683783612215242053966310901051516412708572770803107343209516537005089417\
     174191687239425078907029047027075874516216910507543078503833998653464872037984641785\
     373922114027864813598244611972311028954150937703942166663244845939357624084685168266\
     331921408266679234948220458053478099328484548458869717064243605586678627758760720594\
     377033653802091016977385775154769350854694552799941131459779940846183284821510131423\
     93373316337519977244732747977";

/// Signs changes between two versions of a container.
const PATCH_MODULUS: &str = "147839058740774670902622285165579175702545996383762035320319892141055528472696874897\
     719757921234421858172876949519498009087915275420171156005013033947786185358648452357\
     000415900563182301024496122174585490160893133065913885907907965158196541023207257123\
     008223563487240112326548375032417361779077841987008344406811247270605400357546996581\
     058950500965762267530085968816988281856524249019216687583265784620032479064709820922\
     981067896572119054889862810783463614695244848295595608862271980919954984406766396398\
     304635932113860550653602884223940539981344586237125406832940349538184124583621981178\
     11990006021989844180721010947";
