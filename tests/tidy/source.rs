//! A Rust file as the rules see it: its text, its code without comments and strings, and the part of
//! the code that is product.
//!
//! No parser: a rule about words and lengths needs to know only where comments, strings and character
//! literals are. Blanking keeps every line where it is.

use std::fs;
use std::path::Path;

/// One Rust file.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    /// As it is.
    pub(crate) text: String,
    /// Comments, strings and character literals blanked.
    pub(crate) code: String,
    /// The code without items under `cfg(test)`; empty for test files.
    pub(crate) product: String,
}

impl Source {
    /// A file with this text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text);
        let product = if is_test_file(path) { String::new() } else { without_tests(&code) };
        Self { path: path.to_owned(), text: text.to_owned(), code, product }
    }

    /// Every Rust file of the repository.
    pub(crate) fn all(root: &Path) -> Vec<Self> {
        let mut sources = Vec::new();
        for folder in ["src", "tests", "perf", "benches"] {
            collect(root, folder, &mut sources);
        }
        sources
    }

    /// The room of a file under `src`: `engine` for `src/engine/layer.rs`; nothing for `lib.rs`.
    pub(crate) fn room(&self) -> Option<&str> {
        let rest = self.path.strip_prefix("src/")?;
        let name = rest.split('/').next().unwrap_or(rest);
        let name = name.strip_suffix(".rs").unwrap_or(name);
        (name != "lib").then_some(name)
    }
}

fn collect(root: &Path, folder: &str, sources: &mut Vec<Source>) {
    let Ok(entries) = fs::read_dir(root.join(folder)) else {
        return;
    };
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("a readable folder").file_name()).collect();
    names.sort();
    for name in names {
        let name = name.to_str().expect("a name in UTF-8");
        let path = format!("{folder}/{name}");
        if root.join(&path).is_dir() {
            collect(root, &path, sources);
        } else if name.ends_with(".rs") {
            let text = fs::read_to_string(root.join(&path)).expect("a readable file");
            sources.push(Source::new(&path, &text));
        }
    }
}

fn is_test_file(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs" || part == "benches")
}

/// Identifiers and single signs, each with the line it stands in.
pub(crate) fn tokens(code: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line;
        while let Some(first) = rest.chars().next() {
            let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
            let end = if is_word(first) {
                rest.find(|sign| !is_word(sign)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            let (token, after) = rest.split_at(end);
            if !token.trim().is_empty() {
                tokens.push((index + 1, token));
            }
            rest = after;
        }
    }
    tokens
}

/// Replaces comments, strings and character literals by blanks.
pub(crate) fn blank(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < signs.len() {
        let end = skipped(&signs, at);
        if end == at {
            out.push(signs[at]);
            at += 1;
            continue;
        }
        out.extend(signs[at..end].iter().map(|sign| if *sign == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// The end of the comment or literal that begins at this place; the place itself if none does.
fn skipped(signs: &[char], at: usize) -> usize {
    let next = signs.get(at + 1).copied();
    match (signs[at], next) {
        ('/', Some('/')) => find(signs, at, &['\n']),
        ('/', Some('*')) => block_comment(signs, at),
        ('"', _) => string(signs, at + 1),
        ('r', Some('"' | '#')) if !follows_word(signs, at) => raw_string(signs, at),
        // The prefixes of byte and C strings are left standing: they are not words of any rule.
        ('\'', Some('\\')) => find(signs, at + 3, &['\'']) + 1,
        ('\'', Some(_)) if signs.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
}

fn follows_word(signs: &[char], at: usize) -> bool {
    // «br"» is a raw string, too; any other word in front is an identifier that ends in «r».
    at > 0 && signs[at - 1] != 'b' && (signs[at - 1].is_alphanumeric() || signs[at - 1] == '_')
}

fn find(signs: &[char], from: usize, wanted: &[char]) -> usize {
    (from..signs.len()).find(|at| signs[*at..].starts_with(wanted)).unwrap_or(signs.len())
}

fn block_comment(signs: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut place = at;
    while place < signs.len() {
        if signs[place..].starts_with(&['/', '*']) {
            depth += 1;
            place += 2;
        } else if signs[place..].starts_with(&['*', '/']) {
            depth -= 1;
            place += 2;
            if depth == 0 {
                return place;
            }
        } else {
            place += 1;
        }
    }
    place
}

fn string(signs: &[char], from: usize) -> usize {
    let mut at = from;
    while at < signs.len() {
        match signs[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    signs.len()
}

fn raw_string(signs: &[char], at: usize) -> usize {
    let hashes = signs[at + 1..].iter().take_while(|sign| **sign == '#').count();
    let start = at + 1 + hashes;
    if signs.get(start) != Some(&'"') {
        return at;
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    (find(signs, start + 1, &end) + end.len()).min(signs.len())
}

/// Blanks every item under `#[cfg(test)]`.
fn without_tests(code: &str) -> String {
    let mut product = code.to_owned();
    while let Some(start) = product.find("#[cfg(test)]") {
        let end = item_end(&product, start + "#[cfg(test)]".len());
        let blanked: String =
            product[start..end].chars().map(|sign| if sign == '\n' { '\n' } else { ' ' }).collect();
        product.replace_range(start..end, &blanked);
    }
    product
}

/// The end of the item that begins here, its further attributes included.
fn item_end(code: &str, from: usize) -> usize {
    let mut square = 0_usize;
    let mut round = 0_usize;
    let mut curly = 0_usize;
    for (at, sign) in code[from..].char_indices() {
        match sign {
            '[' => square += 1,
            ']' => square = square.saturating_sub(1),
            '(' => round += 1,
            ')' => round = round.saturating_sub(1),
            '{' => curly += 1,
            '}' => curly = curly.saturating_sub(1),
            _ => {}
        }
        let is_outside = square == 0 && round == 0 && curly == 0;
        if is_outside && matches!(sign, ';' | '}') {
            return from + at + 1;
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::{Source, blank, tokens};

    #[test]
    fn comments_strings_and_characters_are_blanked() {
        let check = |text: &str, want: &str| {
            let words: Vec<_> = blank(text).split_whitespace().map(str::to_owned).collect();
            assert_eq!(words.join(" "), want, "{text}");
            assert_eq!(blank(text).lines().count(), text.lines().count(), "lines stay");
        };
        check("a // b\nc", "a c");
        check("a /* b /* c */ d */ e", "a e");
        check(r#"a "b \" c" d"#, "a d");
        check("a r#\"b \" c\"# d", "a d");
        check("a br\"b\\\" d", "a b d");
        check("for_r \"x\" y", "for_r y");
        check("a '\"' b '\\'' c '\\u{1}' d", "a b c d");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn product_is_what_is_not_under_test() {
        let text = "fn a() {}\n#[cfg(test)]\n#[expect(x, reason = \"y\")]\nmod tests { fn b() {} }\nfn c() {}\n";
        let product = Source::new("src/icap/x.rs", text).product;
        assert!(product.contains("fn a") && product.contains("fn c") && !product.contains("fn b"));
        let product = Source::new("src/icap/x.rs", "#[cfg(test)]\nmod tests;\nfn c() {}\n").product;
        assert!(product.contains("fn c") && !product.contains("mod tests"));
        assert_eq!(Source::new("src/icap/tests/x.rs", "fn a() {}").product, "");
    }

    #[test]
    fn rooms_are_folders_or_files() {
        let room = |path| Source::new(path, "").room().map(str::to_owned);
        assert_eq!(room("src/icap/preview.rs").as_deref(), Some("icap"));
        assert_eq!(room("src/icap.rs").as_deref(), Some("icap"));
        assert_eq!(room("src/lib.rs"), None);
        assert_eq!(room("tests/tidy/main.rs"), None);
    }

    #[test]
    fn tokens_know_their_lines() {
        assert_eq!(
            tokens("use a::b_1;\nx"),
            [(1, "use"), (1, "a"), (1, "::"), (1, "b_1"), (1, ";"), (2, "x")]
        );
    }
}
