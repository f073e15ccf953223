//! The extension headers: who asks (requests), and what was found (answers).
//!
//! draft-stecher-icap-subid-00 and Dr.Web's documented use of it. The wire spelling of these names lives
//! in this file only. Values that come from outside (threat names, user names, URLs) never carry a
//! control character onto the wire, so they cannot end a line.
//!
//! Absent on purpose: what a finding means, and which one to report; adaptation decides.

use std::fmt::{self, Write as _};
use std::net::{IpAddr, SocketAddr};

use super::head::push_text;
use super::{Profile, ThreatNames, Tolerated, Violations};
use crate::http::{Head, trim};

/// Who the message belongs to, as far as the client says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `X-Client-IP`: the user's address.
    pub client_ip: Option<IpAddr>,
    /// `X-Server-IP`: the origin server's address.
    pub server_ip: Option<IpAddr>,
    /// `X-Client-Username`, or `X-Authenticated-User` without its scheme, or `X-Subscriber-ID`; empty if
    /// unknown.
    pub user: String,
    /// `X-Authenticated-Groups`: the groups of the user, each without its scheme; empty if unknown.
    pub groups: Vec<Box<str>>,
}

/// How the client writes user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsernameCoding {
    /// As they are.
    Plain,
    /// In base64 (`icap_client_username_encode on`).
    Base64,
    /// As base64 if the value cannot well be anything else: it ends with `=`, or it decodes to one
    /// of the draft's schemes. A short name such as `anna` is plain.
    Detect,
}

impl Subject {
    /// Nobody.
    pub(super) const fn new() -> Self {
        Self { client_ip: None, server_ip: None, user: String::new(), groups: Vec::new() }
    }

    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.client_ip = None;
        self.server_ip = None;
        self.user.clear();
        self.groups.clear();
    }

    /// Reads what the ICAP head says. What is unreadable is unknown: these fields refuse no request.
    pub(super) fn read(&mut self, head: &Head, coding: UsernameCoding) {
        self.clear();
        self.client_ip = head.field("X-Client-IP").and_then(address);
        self.server_ip = head.field("X-Server-IP").and_then(address);
        for name in ["X-Client-Username", "X-Authenticated-User", "X-Subscriber-ID"] {
            if self.user.is_empty()
                && let Some(value) = head.field(name)
            {
                self.read_user(value, coding);
            }
        }
        for value in head.fields("X-Authenticated-Groups") {
            self.read_groups(value, coding);
        }
    }

    /// Groups are lines in base64, or, from clients that do not encode, names between commas.
    fn read_groups(&mut self, value: &[u8], coding: UsernameCoding) {
        let mut decoded = [0_u8; GROUPS_BYTES_MAX];
        let is_list = |bytes: &&[u8]| {
            bytes.split(|byte| *byte == b'\n').all(|line| is_name(trim_cr(line)) || line.is_empty())
        };
        let from_base64 = base64(value, &mut decoded).filter(is_list);
        let lines = match (coding, from_base64) {
            (UsernameCoding::Base64, None) => return,
            (UsernameCoding::Base64, Some(lines)) => Some(lines),
            (UsernameCoding::Detect, Some(lines))
                if value.ends_with(b"=") || lines.contains(&b'\n') || scheme_bytes(lines) > 0 =>
            {
                Some(lines)
            }
            (UsernameCoding::Plain | UsernameCoding::Detect, _) => None,
        };
        match lines {
            Some(lines) => {
                lines.split(|byte| *byte == b'\n').for_each(|line| self.add_group(trim_cr(line)));
            }
            None => value.split(|byte| *byte == b',').for_each(|name| self.add_group(trim(name))),
        }
    }

    fn add_group(&mut self, name: &[u8]) {
        let name = name.get(scheme_bytes(name)..).unwrap_or_default();
        if self.groups.len() < GROUPS_MAX
            && name.len() <= USER_BYTES_MAX
            && is_name(name)
            && let Ok(name) = std::str::from_utf8(name)
        {
            self.groups.push(name.into());
        }
    }

    fn read_user(&mut self, value: &[u8], coding: UsernameCoding) {
        let mut decoded = [0_u8; USER_BYTES_MAX];
        let from_base64 = base64(value, &mut decoded).filter(|bytes| is_name(bytes));
        let chosen = match (coding, from_base64) {
            (UsernameCoding::Plain, _) | (UsernameCoding::Detect, None) => value,
            (UsernameCoding::Base64, Some(bytes)) => bytes,
            (UsernameCoding::Base64, None) => return,
            (UsernameCoding::Detect, Some(bytes))
                if value.ends_with(b"=") || scheme_bytes(bytes) > 0 =>
            {
                bytes
            }
            (UsernameCoding::Detect, Some(_)) => value,
        };
        let name = chosen.get(scheme_bytes(chosen)..).unwrap_or_default();
        if name.len() <= USER_BYTES_MAX
            && is_name(name)
            && let Ok(name) = std::str::from_utf8(name)
        {
            self.user.push_str(name);
        }
    }
}

/// An address alone, in brackets, or with a port.
fn address(value: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(value).ok()?;
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let parsed = bare
        .parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    parsed.map(|address: IpAddr| address.to_canonical())
}

/// Whether `bytes` can be a name: UTF-8 without control characters, not empty.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
}

fn trim_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Length of the `WinNT://`, `LDAP://`, `Radius://` or `Local://` in front of a name.
fn scheme_bytes(name: &[u8]) -> usize {
    let schemes = ["winnt://", "ldap://", "radius://", "local://"];
    let found = schemes.iter().find(|scheme| {
        name.get(..scheme.len()).is_some_and(|front| front.eq_ignore_ascii_case(scheme.as_bytes()))
    });
    found.map_or(0, |scheme| scheme.len())
}

/// Decodes base64 (RFC 4648 section 4, padding optional) into `out`.
pub(crate) fn base64<'a>(value: &[u8], out: &'a mut [u8]) -> Option<&'a [u8]> {
    let unpadded = value.strip_suffix(b"==").or_else(|| value.strip_suffix(b"=")).unwrap_or(value);
    if unpadded.len() % 4 == 1 {
        return None;
    }
    let (mut bits, mut held, mut length) = (0_u32, 0_u32, 0_usize);
    for byte in unpadded {
        let sextet = match byte {
            b'A'..=b'Z' => byte.wrapping_sub(b'A'),
            b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(sextet);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            *out.get_mut(length)? = bits.checked_shr(held)?.to_le_bytes().first().copied()?;
            length = length.wrapping_add(1);
        }
    }
    out.get(..length)
}

/// The extension headers of one answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    lines: Vec<u8>,
    violations: Vec<u8>,
    /// The threat once more, under other names.
    customary: Vec<u8>,
    /// The threat that is let through.
    tolerated: Vec<u8>,
}

/// What was found, in the numbers of the draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// Of which kind the finding is.
    pub kind: FindingKind,
    /// What was done about it.
    pub resolution: Resolution,
    /// The threat's name.
    pub threat: &'a str,
}

/// `Type=` of `X-Infection-Found`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindingKind {
    /// 0: a virus.
    Virus,
    /// 1: a policy on mail.
    MailPolicy,
    /// 2: a container that breaks a rule; read by many as "could not be scanned".
    Container,
}

/// `Resolution=` of `X-Infection-Found`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// 0: not repaired.
    NotRepaired,
    /// 1: repaired.
    Repaired,
    /// 2: blocked, or the part removed.
    Blocked,
}

/// One entry of `X-Violations-Found`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation<'a> {
    /// The object's name; `-` if it has none.
    pub file: &'a str,
    /// The threat's name.
    pub threat: &'a str,
    /// The vendor's number for the problem; 0 if there is none.
    pub problem: u32,
    /// What was done about it.
    pub resolution: Resolution,
}

impl Extra {
    /// No extension header; takes no memory.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            lines: Vec::new(),
            violations: Vec::new(),
            customary: Vec::new(),
            tolerated: Vec::new(),
        }
    }

    /// Forgets everything and keeps the memory.
    pub fn clear(&mut self) {
        self.lines.clear();
        self.violations.clear();
        self.customary.clear();
        self.tolerated.clear();
    }

    /// `X-Infection-Found`, in exactly the draft's form: no quotes, a semicolon at the end, none in the name.
    pub fn infection_found(&mut self, finding: &Finding<'_>) -> &mut Self {
        let (kind, resolution) = (finding.kind.number(), finding.resolution.number());
        self.lines.extend_from_slice(b"X-Infection-Found: ");
        // Writing to memory cannot fail.
        let _ = write!(Text(&mut self.lines), "Type={kind}; Resolution={resolution}; Threat=");
        push_name(&mut self.lines, finding.threat);
        self.lines.extend_from_slice(b";\r\n");
        self
    }

    /// `X-Virus-ID`: the threat's name in US-ASCII.
    pub fn virus_id(&mut self, threat: &str) -> &mut Self {
        push_threat(&mut self.lines, "X-Virus-ID", threat);
        push_threat(&mut self.customary, "X-Virus-Name", threat);
        self
    }

    /// `X-Virus-ID` for a threat that is let through. Sent only if the profile has it.
    pub fn tolerated(&mut self, threat: &str) -> &mut Self {
        push_threat(&mut self.tolerated, "X-Virus-ID", threat);
        self
    }

    /// `X-Next-Services`: which services are to see the message next, by the client's names for them.
    /// None: no other.
    pub fn next_services(&mut self, names: &[Box<str>]) -> &mut Self {
        self.lines.extend_from_slice(b"X-Next-Services:");
        for (index, name) in names.iter().enumerate() {
            self.lines.extend_from_slice(if index == 0 { b" " } else { b", " });
            push_text(&mut self.lines, name);
        }
        self.lines.extend_from_slice(b"\r\n");
        self
    }

    /// `X-Violations-Found`: a count, then four folded lines for each entry. Sent only if the profile has it.
    pub fn violations_found(&mut self, violations: &[Violation<'_>]) -> &mut Self {
        self.violations.clear();
        let out = &mut self.violations;
        let _ = write!(Text(out), "X-Violations-Found: {}", violations.len());
        for entry in violations {
            out.extend_from_slice(b"\r\n\t");
            push_name(out, entry.file);
            out.extend_from_slice(b"\r\n\t");
            push_name(out, entry.threat);
            let _ = write!(Text(out), "\r\n\t{}\r\n\t{}", entry.problem, entry.resolution.number());
        }
        out.extend_from_slice(b"\r\n");
        self
    }

    /// `X-Response-Info`: one word or a short phrase, `Blocked`.
    pub fn response_info(&mut self, text: &str) -> &mut Self {
        self.field("X-Response-Info", text)
    }

    /// `X-Response-Desc`: a sentence.
    pub fn response_desc(&mut self, text: &str) -> &mut Self {
        self.field("X-Response-Desc", text)
    }

    /// Any other header of ours. A name that is no token, or does not begin with `X-` (RFC 3507 section
    /// 4.3), is left out.
    pub fn field(&mut self, name: &str, value: &str) -> &mut Self {
        let is_extension = name.get(..2).is_some_and(|front| front.eq_ignore_ascii_case("X-"));
        if is_extension && name.bytes().all(crate::http::is_token_byte) {
            self.lines.extend_from_slice(name.as_bytes());
            self.lines.extend_from_slice(b": ");
            push_text(&mut self.lines, value);
            self.lines.extend_from_slice(b"\r\n");
        }
        self
    }

    pub(super) fn write(&self, profile: &Profile, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.lines);
        match profile.threat_names {
            ThreatNames::Customary => out.extend_from_slice(&self.customary),
            ThreatNames::Draft => {}
        }
        match profile.tolerated {
            Tolerated::Named => out.extend_from_slice(&self.tolerated),
            Tolerated::Unnamed => {}
        }
        match profile.violations {
            Violations::Folded => out.extend_from_slice(&self.violations),
            Violations::Omit => {}
        }
    }
}

impl FindingKind {
    const fn number(self) -> u8 {
        match self {
            Self::Virus => 0,
            Self::MailPolicy => 1,
            Self::Container => 2,
        }
    }
}

impl Resolution {
    const fn number(self) -> u8 {
        match self {
            Self::NotRepaired => 0,
            Self::Repaired => 1,
            Self::Blocked => 2,
        }
    }
}

/// Appends a line with a threat's name.
fn push_threat(out: &mut Vec<u8>, field: &str, threat: &str) {
    out.extend_from_slice(field.as_bytes());
    out.extend_from_slice(b": ");
    push_name(out, threat);
    out.extend_from_slice(b"\r\n");
}

/// Appends a name: printable ASCII stays, `;`, `"` and everything else becomes `_`.
fn push_name(out: &mut Vec<u8>, name: &str) {
    let safe = |letter: char| {
        u8::try_from(letter)
            .ok()
            .filter(|byte| matches!(byte, b' '..=b'~') && !b";\"".contains(byte))
    };
    out.extend(name.chars().take(NAME_CHARS_MAX).map(|letter| safe(letter).unwrap_or(b'_')));
}

/// Formats into bytes.
pub(super) struct Text<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// What `X-Include` asks clients for, and [`Subject`] reads.
pub(super) const WANTED: &str = "X-Client-IP, X-Server-IP, X-Client-Username, X-Authenticated-User, \
     X-Authenticated-Groups, X-Subscriber-ID";
/// What `X-Allow-Out` says we may send.
pub(super) const SENT: &str =
    "X-Infection-Found, X-Virus-ID, X-Violations-Found, X-Response-Info, X-Response-Desc";
/// The request header that asks for [`super::ScanStatus`].
pub(super) const GET_SCAN_STATUS: &str = "DrWeb-Get-Scan-Status";

/// Directory names end far below this; a longer "name" is not one.
const USER_BYTES_MAX: usize = 256;
/// Groups of one user; who is in more is in the first ones.
const GROUPS_MAX: usize = 256;
/// Bytes of all their names; a longer list is none.
const GROUPS_BYTES_MAX: usize = 8 << 10;
/// Signature names are shorter than 128 characters.
const NAME_CHARS_MAX: usize = 256;
