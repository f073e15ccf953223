//! What a script is told: a message as tables, under the names of the documents.
//!
//! | table | fields |
//! | --- | --- |
//! | `MessageContext` (`ctx`) | `direction`, `icap`, `user`, `request`, `response`, `has_url`, `has_threat`, `threats` |
//! | `ICAP` | `method`, `client_ip`, `server_ip` |
//! | `User` | `name`, `domain`, `full`, `ip`, `groups` |
//! | `Request` | `method`, `url`, `raw_url`, `header`, `content_type`, `body` |
//! | `Response` | `status`, `header`, `content_type`, `body` |
//! | `Url` | `scheme`, `host`, `port`, `path`, `text`, `categories` |
//! | `RawUrl` | `text`: the request's target as the client sent it |
//! | `ContentType` | `text`, `type`, `subtype`, `media` |
//! | `Body` | `present`, `size` (of `Content-Length`) |
//! | header | `field` (a list of `HeaderField`: `name`, `value`), `value(name)`, `search(text)` |
//! | `UrlCategoryFilter` | `has_url{category = {"social_networks"}}` |
//! | `ThreatFilter`, `Virus` | `has_threat{…}` is false and `threats()` is empty: the scan comes later |
//!
//! Categories are written as in scripts of Dr.Web, `social_networks`. What is not known is `nil`.

use mlua::{Lua, Table};

use crate::http::{RequestHead, ResponseHead};
use crate::policy::user::User;
use crate::policy::{Categories, Category, Direction, Facts, Policy, Scheme};

/// A message, for a script.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// What the policy decides by.
    pub facts: &'a Facts<'a>,
    /// The head of the request, where it is known.
    pub request: Option<&'a RequestHead>,
    /// The head of the response.
    pub response: Option<&'a ResponseHead>,
    /// Whether a body follows.
    pub has_body: bool,
    /// What is known about sites and groups.
    pub policy: &'a Policy,
}

impl Told<'_> {
    pub(super) fn table(&self, lua: &Lua) -> mlua::Result<Table> {
        let ctx = lua.create_table()?;
        ctx.raw_set("direction", self.facts.direction.name())?;
        ctx.raw_set("icap", self.icap(lua)?)?;
        ctx.raw_set("user", self.user(lua)?)?;
        ctx.raw_set("request", self.request(lua)?)?;
        if let Some(head) = self.response {
            let response = lua.create_table()?;
            response.raw_set("status", head.status())?;
            self.head(lua, &response, Some(head.raw()), Direction::Response)?;
            ctx.raw_set("response", response)?;
        }
        Ok(ctx)
    }

    fn icap(&self, lua: &Lua) -> mlua::Result<Table> {
        let icap = lua.create_table()?;
        let method = match self.facts.direction {
            Direction::Request => "REQMOD",
            Direction::Response => "RESPMOD",
        };
        icap.raw_set("method", method)?;
        icap.raw_set("client_ip", self.facts.client.map(|address| address.to_string()))?;
        icap.raw_set("server_ip", self.facts.server.map(|address| address.to_string()))?;
        Ok(icap)
    }

    fn user(&self, lua: &Lua) -> mlua::Result<Table> {
        let table = lua.create_table()?;
        let user = User::of(self.facts.user);
        table.raw_set("full", user.whole)?;
        table.raw_set("name", user.name)?;
        table.raw_set("domain", user.domain)?;
        table.raw_set("ip", self.facts.client.map(|address| address.to_string()))?;
        table.raw_set("groups", lua.create_sequence_from(self.policy.groups().of(&user))?)?;
        Ok(table)
    }

    fn request(&self, lua: &Lua) -> mlua::Result<Table> {
        let request = lua.create_table()?;
        request.raw_set("method", lua.create_string(self.facts.method)?)?;
        request.raw_set("url", self.url(lua)?)?;
        let raw = lua.create_table()?;
        raw.raw_set(
            "text",
            lua.create_string(self.request.map_or(&b""[..], RequestHead::target))?,
        )?;
        request.raw_set("raw_url", raw)?;
        self.head(lua, &request, self.request.map(RequestHead::raw), Direction::Request)?;
        Ok(request)
    }

    fn url(&self, lua: &Lua) -> mlua::Result<Option<Table>> {
        let Some(url) = self.facts.url else { return Ok(None) };
        let table = lua.create_table()?;
        let scheme = match url.scheme {
            Scheme::Http => "http",
            Scheme::Https | Scheme::Tunnel => "https",
            Scheme::Ftp => "ftp",
            Scheme::Other => "other",
        };
        table.raw_set("scheme", scheme)?;
        table.raw_set("host", url.host.as_str())?;
        table.raw_set("port", url.port.or_else(|| url.scheme.default_port()))?;
        table.raw_set("path", lua.create_string(url.path)?)?;
        let mut text = format!("{scheme}://{}", url.host.as_str()).into_bytes();
        if let Some(port) = url.port {
            text.extend_from_slice(format!(":{port}").as_bytes());
        }
        text.extend_from_slice(if url.path.is_empty() { b"/" } else { url.path });
        table.raw_set("text", lua.create_string(&text)?)?;
        let local = self.policy.database().map_or(Categories::NONE, |known| known.categories(url));
        let all = if local.is_empty() { self.facts.reputation.categories() } else { local };
        let names = all.iter().map(Category::snake_name);
        table.raw_set("categories", lua.create_sequence_from(names)?)?;
        Ok(Some(table))
    }

    /// Header, type and body of one of the two heads.
    fn head(
        &self,
        lua: &Lua,
        table: &Table,
        raw: Option<&[u8]>,
        of: Direction,
    ) -> mlua::Result<()> {
        let fields = lua.create_table()?;
        let mut media = None;
        for (name, value) in raw.map(fields_of).into_iter().flatten().take(FIELDS_MAX) {
            let field = lua.create_table()?;
            field.raw_set("name", lua.create_string(name)?)?;
            field.raw_set("value", lua.create_string(value)?)?;
            fields.raw_push(field)?;
            if name.eq_ignore_ascii_case(b"Content-Type") && media.is_none() {
                media = Some(value);
            }
        }
        table.raw_set("header", fields)?;
        if let Some(media) = media {
            table.raw_set("content_type", content_type(lua, media)?)?;
        }
        // The body is the response's where there is one.
        let is_here = self.facts.direction == of;
        let body = lua.create_table()?;
        body.raw_set("present", is_here && self.has_body)?;
        body.raw_set("size", self.facts.size.filter(|_| is_here))?;
        table.raw_set("body", body)
    }
}

fn content_type(lua: &Lua, raw: &[u8]) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    let text = String::from_utf8_lossy(raw).to_ascii_lowercase();
    let media = text.split(';').next().unwrap_or_default().trim().to_owned();
    let (kind, subtype) = media.split_once('/').unwrap_or((&media, ""));
    table.raw_set("type", kind)?;
    table.raw_set("subtype", subtype)?;
    table.raw_set("text", lua.create_string(raw)?)?;
    table.raw_set("media", media.as_str())?;
    Ok(table)
}

/// Names and values of a head's fields, as they stand in it.
fn fields_of(raw: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = raw.split(|&byte| byte == b'\n').skip(1);
    lines.filter_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = line.split_at(colon);
        Some((name, value.get(1..)?.trim_ascii()))
    })
}

/// Fields of a head that a script sees.
const FIELDS_MAX: usize = 1024;
