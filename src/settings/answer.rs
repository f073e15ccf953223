//! Values that go into answers: a header field, names of services, and who is answered where.

use std::net::SocketAddr;

use super::address;
use super::value::expected;
use crate::icap::Profile;

/// Checks `X-Name: value`.
pub(super) fn field(text: &str) -> Result<(), String> {
    split_field(text)
        .map(|_| ())
        .ok_or_else(|| expected(text, "a field as in X-Scanned-By: Baleen"))
}

/// Checks `X-Name`.
pub(super) fn field_name(text: &str) -> Result<(), String> {
    let is_good = is_own_name(text) && text.len() <= NAME_BYTES_MAX;
    if is_good { Ok(()) } else { Err(expected(text, "the name of a field as in X-Name")) }
}

/// A token behind `X-`.
fn is_own_name(name: &str) -> bool {
    name.get(..2).is_some_and(|front| front.eq_ignore_ascii_case("X-"))
        && name.len() > 2
        && name.bytes().all(crate::http::is_token_byte)
}

/// The name and the value of a field whose name begins with `X-`: nothing else may be written into a message, so
/// that no setting can say how long it is or where it goes.
pub(super) fn split_field(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once(':')?;
    let value = value.trim();
    let is_good = is_own_name(name)
        && !value.is_empty()
        && value.len() <= VALUE_BYTES_MAX
        && !value.chars().any(char::is_control);
    is_good.then_some((name, value))
}

/// Checks the name that a proxy has given to a service.
pub(super) fn name(text: String) -> Result<String, String> {
    let is_good = !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| crate::http::is_token_byte(byte) || byte == b'/');
    if is_good { Ok(text) } else { Err(expected(&text, "the name of a service, or None")) }
}

/// Reads `IP:port profile`.
pub(super) fn listener(text: &str) -> Result<(SocketAddr, &'static str), String> {
    let mut words = text.split_ascii_whitespace();
    let (Some(socket), Some(word), None) = (words.next(), words.next(), words.next()) else {
        return Err(expected(text, "IP:port and a profile, as in 127.0.0.1:1345 nextcloud"));
    };
    let socket = address::socket(socket)?;
    let profile = Profile::named(word).ok_or_else(|| {
        let names = Profile::ALL.map(|profile| profile.name).join(", ");
        expected(word, &format!("one of {names}"))
    })?;
    Ok((socket, profile.name))
}

/// A header value of ours is a few words.
const VALUE_BYTES_MAX: usize = 256;
/// Names in a proxy's configuration are short.
const NAME_BYTES_MAX: usize = 128;
