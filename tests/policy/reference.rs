//! The database against a plain reading of the same lists: hash maps of strings, loops, the crates `url`
//! and `regex`; nothing of the product but names of categories. A hundred thousand addresses, made from
//! real entries by a seed, have to get the very same categories.

use baleen::policy::category::Format;
use baleen::policy::{Categories, UrlParts};
use std::collections::BTreeMap;

use crate::lists::{RealList, real_database, real_lists};

/// All entries by their kinds, as strings.
#[derive(Default)]
struct Reference {
    hosts: BTreeMap<String, Categories>,
    ports: BTreeMap<String, Categories>,
    paths: BTreeMap<String, Categories>,
    anywhere: BTreeMap<String, Categories>,
    expressions: BTreeMap<String, Categories>,
    compiled: Vec<(regex::Regex, Categories)>,
}

impl Reference {
    fn of(lists: &[RealList]) -> Self {
        let mut all = Self::default();
        for list in lists {
            let text = String::from_utf8_lossy(&list.text);
            for (number, line) in text.lines().enumerate() {
                let line = line.trim();
                if line.is_empty() || line.starts_with('#') || line.starts_with(';') {
                    continue;
                }
                match list.format {
                    Format::Expressions => {
                        let known = all.expressions.entry(line.to_owned()).or_default();
                        *known = known.union(list.categories);
                    }
                    Format::Csv if number == 0 => {}
                    Format::Csv => all.site(line.split(',').next().unwrap_or(""), list.categories),
                    Format::Sites => {
                        let line = line.split(" #").next().unwrap_or("").split("\t#").next();
                        all.site(line.unwrap_or("").trim(), list.categories);
                    }
                }
            }
        }
        let compile =
            |text: &String| regex::Regex::new(&format!("(?i){text}")).expect("a good expression");
        let compiled =
            all.expressions.iter().map(|(text, categories)| (compile(text), *categories));
        all.compiled = compiled.collect();
        all
    }

    fn site(&mut self, text: &str, categories: Categories) {
        if text.contains([' ', '\t']) {
            return;
        }
        let text = text.strip_prefix("*.").unwrap_or(text);
        let text = text.strip_prefix('.').unwrap_or(text);
        let add = |map: &mut BTreeMap<String, Categories>, key: String| {
            let known = map.entry(key).or_default();
            *known = known.union(categories);
        };
        if text.starts_with('/') {
            let path = path(text).0;
            if path.len() >= 8 {
                add(&mut self.anywhere, path);
            }
            return;
        }
        let (meant, text) = match text.split_once("://") {
            Some(("http", rest)) => (Some(80), rest),
            Some(("https", rest)) => (Some(443), rest),
            Some(("ftp", rest)) => (Some(21), rest),
            _ => (None, text),
        };
        let end = text.find(['/', '?']).unwrap_or(text.len());
        let (site, rest) = text.split_at(end);
        let is_network =
            |rest: &str| rest.len() > 1 && rest[1..].bytes().all(|byte| byte.is_ascii_digit());
        if is_network(rest) && site.parse::<std::net::IpAddr>().is_ok() {
            return;
        }
        if let Ok(long) = site.parse::<std::net::Ipv6Addr>() {
            add(&mut self.hosts, long.to_string());
            return;
        }
        let bracket = site.find(']').unwrap_or(0);
        let (site, port) = match site[bracket..].split_once(':') {
            Some((before, port)) => (&site[..bracket + before.len()], port),
            None => (site, ""),
        };
        let Ok(port) = (if port.is_empty() { Ok(0) } else { port.parse::<u16>() }) else { return };
        let Some(host) = host(site).filter(|host| host.contains(['.', ':'])) else { return };
        let path = path(rest).0;
        if path != "/" {
            add(&mut self.paths, host + &path);
        } else if port != 0 && Some(port) != meant {
            add(&mut self.ports, format!("{host}:{port}"));
        } else {
            add(&mut self.hosts, host);
        }
    }

    /// Hosts and addresses, ports, paths, paths for all hosts.
    fn counts(&self) -> (u64, u64, u64, u64) {
        let count = |map: &BTreeMap<String, Categories>| map.len() as u64;
        (count(&self.hosts), count(&self.ports), count(&self.paths), count(&self.anywhere))
    }

    fn categories(&self, address: &Address) -> Option<Categories> {
        let host = host(&address.host)?;
        let (path, query_at) = path(&address.path);
        let port = match (&*address.port, &*address.scheme) {
            ("", "https") => "443",
            ("", _) => "80",
            (port, _) => port,
        };
        let mut all = Categories::NONE;
        let mut take = |found: Option<&Categories>| {
            all = all.union(found.copied().unwrap_or_default());
        };
        let mut above = Some(&*host);
        while let Some(suffix) = above {
            take(self.hosts.get(suffix));
            take(self.ports.get(&format!("{suffix}:{port}")));
            for end in ends(&path) {
                take(self.paths.get(&format!("{suffix}{}", &path[..end])));
            }
            let is_address = host.parse::<std::net::IpAddr>().is_ok();
            above = suffix.split_once('.').map(|(_, rest)| rest).filter(|_| !is_address);
        }
        for end in ends(&path).into_iter().filter(|&end| end >= query_at) {
            take(self.anywhere.get(&path[..end]));
        }
        let subject = format!("{host}{path}");
        for (expression, categories) in &self.compiled {
            take(Some(categories).filter(|_| expression.is_match(&subject)));
        }
        Some(all)
    }
}

/// A host as browsers read it.
fn host(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    match url::Url::parse(&format!("http://{text}/")) {
        Ok(url) => {
            let host = url.host_str()?.trim_end_matches('.').trim_matches(['[', ']']);
            let has_gap = host.starts_with('.') || host.contains("..");
            (!has_gap && host.len() <= 254).then(|| host.to_owned())
        }
        // Browsers look into `xn--`; a list means what it says.
        Err(_) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            let is_name = text.bytes().all(plain) && !text.is_empty() && !text.contains("..");
            let last = text.rsplit('.').next().unwrap_or("");
            let is_number = last.bytes().all(|byte| byte.is_ascii_digit());
            (is_name && !is_number && text.to_ascii_lowercase().contains("xn--"))
                .then(|| text.to_ascii_lowercase())
        }
    }
}

/// The canonical path with a letter for each byte, and where its query begins.
fn path(raw: &str) -> (String, usize) {
    let raw: String = raw.bytes().map(char::from).collect();
    let raw = raw.split('#').next().unwrap_or("");
    let (path, query) = raw.split_at(raw.find('?').unwrap_or(raw.len()));
    let mut parts: Vec<String> = Vec::new();
    let decoded = decoded(path).replace('\\', "/");
    let all: Vec<&str> = decoded.split('/').collect();
    let mut ends_open = false;
    for (number, part) in all.iter().enumerate() {
        ends_open = false;
        match *part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ if part.starts_with("..;") => drop(parts.pop()),
            _ if part.starts_with(".;") => {}
            _ => {
                parts.push((*part).to_owned());
                ends_open = number + 1 == all.len();
            }
        }
    }
    let mut path = format!("/{}", parts.join("/"));
    if !ends_open && path.len() > 1 {
        path.push('/');
    }
    path.make_ascii_lowercase();
    let query_at = path.len();
    path.push_str(&decoded_query(query));
    (path, query_at)
}

fn decoded_query(query: &str) -> String {
    decoded(query).replace('+', " ").to_ascii_lowercase()
}

fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _round in 0..4 {
        let mut next = String::new();
        let mut rest = &*text;
        while let Some(sign) = rest.chars().next() {
            let is_hex = |code: &&str| code.bytes().all(|byte| byte.is_ascii_hexdigit());
            let code = rest.get(1..3).filter(|_| sign == '%').filter(is_hex);
            match code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
                Some(byte) => {
                    next.push(char::from(byte));
                    rest = &rest[3..];
                }
                None => {
                    next.push(sign);
                    rest = &rest[sign.len_utf8()..];
                }
            }
        }
        text = next;
    }
    text
}

/// Where prefixes end that an entry can have.
fn ends(path: &str) -> Vec<usize> {
    let is_border = |byte: u8| b"/?&=;#\0".contains(&byte);
    let bytes = path.as_bytes();
    let at_border = |&end: &usize| {
        is_border(bytes[end - 1]) || bytes.get(end).is_none_or(|&byte| is_border(byte))
    };
    (1..=bytes.len()).filter(at_border).filter(|&end| path.is_char_boundary(end)).collect()
}

/// An address in parts, as a client would write it.
#[derive(Clone, Debug)]
struct Address {
    scheme: String,
    user: String,
    host: String,
    port: String,
    path: String,
}

impl Address {
    /// The address that an entry is about.
    fn of(entry: &str) -> Self {
        let entry = entry.strip_prefix("http://").unwrap_or(entry);
        let entry = match entry.strip_prefix('/') {
            Some(_) => format!("anywhere.example{entry}"),
            None => entry.to_owned(),
        };
        let (site, path) = entry.split_at(entry.find(['/', '?']).unwrap_or(entry.len()));
        let (host, port) = site.split_once(':').unwrap_or((site, ""));
        Self {
            scheme: "http".to_owned(),
            user: String::new(),
            host: host.trim_start_matches("*.").trim_start_matches('.').to_owned(),
            port: port.to_owned(),
            path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        }
    }

    fn mutate(&mut self, random: &mut Random) {
        match random.below(20) {
            0 => self.host.insert_str(0, "www."),
            1 => self.host.insert_str(0, "a-b.c_d."),
            2 => self.host.make_ascii_uppercase(),
            3 => encode(&mut self.host, "%", random),
            4 => encode(&mut self.path, "%", random),
            5 => encode(&mut self.path, "%25", random),
            6 => self.host.push('.'),
            7 => "80".clone_into(&mut self.port),
            8 => "8080".clone_into(&mut self.port),
            9 => self.path.push_str("/x"),
            10 => self.path.push_str("?a=b&c"),
            11 => self.path.insert_str(0, "/./"),
            12 => self.path.insert_str(0, "//x//..\\"),
            13 => drop_sign(&mut self.host, random),
            14 => drop_sign(&mut self.path, random),
            15 => {
                let (_, parent) = self.host.split_once('.').unwrap_or(("", "example.com"));
                self.host = parent.to_owned();
            }
            16 => "user:good.example".clone_into(&mut self.user),
            17 => "https".clone_into(&mut self.scheme),
            18 => self.path.make_ascii_uppercase(),
            _ => self.host.push('x'),
        }
    }

    fn text(&self) -> String {
        let Self { scheme, user, host, port, path } = self;
        let at = if user.is_empty() { "" } else { "@" };
        let colon = if port.is_empty() { "" } else { ":" };
        let slash = if path.starts_with(['/', '?', '\\']) { "" } else { "/" };
        format!("{scheme}://{user}{at}{host}{colon}{port}{slash}{path}")
    }
}

fn encode(text: &mut String, percent: &str, random: &mut Random) {
    let at = random.below(text.len().max(1));
    if let Some(byte) = text.as_bytes().get(at).filter(|byte| byte.is_ascii_alphanumeric()) {
        text.replace_range(at..=at, &format!("{percent}{byte:02x}"));
    }
}

fn drop_sign(text: &mut String, random: &mut Random) {
    let at = random.below(text.len().max(1));
    if text.len() > 1 && text.is_char_boundary(at) {
        text.remove(at);
    }
}

/// A small generator (xorshift*): the addresses of a seed are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).expect("31 bits fit")
            % end
    }
}

/// Lines that are entries, every one as often as every other.
fn entries(lists: &[RealList]) -> Vec<&str> {
    let mut all = Vec::new();
    for list in lists.iter().filter(|list| list.format != Format::Expressions) {
        let text = std::str::from_utf8(&list.text).unwrap_or("");
        let words = text.lines().filter_map(|line| line.split([',', ' ', '\t']).next());
        all.extend(words.filter(|word| !word.is_empty() && !word.starts_with(['#', ';'])));
    }
    all
}

#[test]
fn a_hundred_thousand_addresses_get_the_same_categories() {
    let (Some(lists), Some((database, _))) = (real_lists(), real_database()) else { return };
    let reference = Reference::of(lists);
    let counts = database.counts();
    assert_eq!(
        (counts.hosts + counts.addresses, counts.ports, counts.paths, counts.paths_anywhere),
        reference.counts()
    );
    let entries = entries(lists);
    let mut random = Random(20_261_122);
    let (mut asked, mut hits) = (0, 0);
    while asked < 100_000 {
        let mut address = Address::of(entries[random.below(entries.len())]);
        for _mutation in 0..random.below(4) {
            address.mutate(&mut random);
        }
        let text = address.text();
        // What browsers cannot read has no plain answer.
        let Some(want) = reference.categories(&address) else { continue };
        let url = UrlParts::of(b"GET", text.as_bytes(), None).expect("an address");
        let found = database.categories(&url);
        assert_eq!(found, want, "{text} ({address:?})");
        let mut explained = Categories::NONE;
        database.explain(&url, &mut |source| explained = explained.with(source.category));
        assert_eq!(explained, found, "{text}");
        asked += 1;
        hits += u32::from(!found.is_empty());
    }
    println!("{asked} addresses, {hits} in a category, {} entries", counts.total());
    assert!((40_000..95_000).contains(&hits), "{hits} hits say little");
}
