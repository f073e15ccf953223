//! What an administrator may ask of the running service, and how that is written: a line of JSON each way.
//!
//! ```text
//!   {"command":"url-check","url":"example.com","user":"anna"}   ─▶   {"blocked":true,"steps":[…]}
//!   {"command":"rules"} · {"command":"reload"} · {"command":"status"}
//!   what is not understood                                      ─▶   {"error":"…"}
//! ```
//!
//! One request on a connection. Words that nobody knows are errors: a misspelt user would change a decision.
//!
//! Absent on purpose: the socket, and who may use it (the edge), and the web.

#![forbid(unsafe_code)]

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// How an address would be decided about, with every step.
    UrlCheck(UrlCheck),
    /// The rules in force, and how often each applied.
    Rules,
    /// Read settings, lists, pages and signatures again.
    Reload,
    /// What is in force.
    Status,
}

/// The message that is asked about; what is left out does not matter, or is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UrlCheck {
    /// The address: `http://example.com/`, or only `example.com`.
    pub url: String,
    /// The user; empty: nobody.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user: String,
    /// Groups of a directory that the user is in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// The address of the user's machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<IpAddr>,
    /// The local time as `Mon 09:00`; now when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words, with the place.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        if line.len() > REQUEST_BYTES_MAX {
            return Err(format!("a request has at most {REQUEST_BYTES_MAX} bytes"));
        }
        serde_json::from_slice(line).map_err(|error| format!("the request: {error}"))
    }

    /// The request as a line, without its end.
    #[must_use]
    pub fn line(&self) -> String {
        // Texts, numbers and addresses always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// The answer to what cannot be done, as a line without its end.
#[must_use]
pub fn refusal(why: &str) -> String {
    serde_json::json!({ "error": why }).to_string()
}

/// The longest address that a request head may have fits easily.
pub const REQUEST_BYTES_MAX: usize = 128 << 10;
