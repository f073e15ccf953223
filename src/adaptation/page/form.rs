//! In which form an answer takes the place of what was blocked: a page for a person, a document for a
//! program, next to nothing for a part of a page.
//!
//! `Sec-Fetch-Dest` (W3C Fetch Metadata) says for what a browser asks; on plain HTTP, and from programs,
//! only `Accept` is there. Nothing that comes from outside is in a stand-in for a part of a page.

use super::negotiate::wanted;
use crate::adaptation::decision::Cause;

/// The forms of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A page.
    Html,
    /// The facts, for programs.
    Json,
    /// The page as lines of text.
    Text,
    /// A picture: an empty one in place of an advertisement, else one that says "blocked".
    Image,
    /// A style sheet that is one comment.
    Style,
    /// A script that is one comment.
    Script,
}

impl Form {
    /// The form for a client: where it says for what it asks, that counts; else what it accepts.
    pub(super) fn of(accept: Option<&[u8]>, destination: Option<&[u8]>) -> Self {
        match destination.unwrap_or_default().trim_ascii() {
            b"document" | b"iframe" | b"frame" | b"fencedframe" | b"object" | b"embed" => {
                Self::Html
            }
            b"image" => Self::Image,
            b"style" | b"xslt" => Self::Style,
            b"script" | b"worker" | b"sharedworker" | b"serviceworker" | b"audioworklet"
            | b"paintworklet" => Self::Script,
            b"audio" | b"video" | b"track" | b"font" => Self::Text,
            b"manifest" | b"report" | b"json" | b"webidentity" => Self::Json,
            // `fetch()` and its elders: mostly for data, but some load pieces of pages.
            b"empty" if wanted(accept, is_html) == 0 && wanted(accept, is_text) == 0 => Self::Json,
            _ => Self::accepted(accept),
        }
    }

    fn accepted(accept: Option<&[u8]>) -> Self {
        let html = wanted(accept, is_html);
        if wanted(accept, is_json) > html {
            return Self::Json;
        }
        if html > 0 {
            return Self::Html;
        }
        let first = [
            (Self::Style, wanted(accept, |range| range.eq_ignore_ascii_case(b"text/css"))),
            (Self::Image, wanted(accept, is_image)),
            (Self::Script, wanted(accept, is_script)),
            (Self::Text, wanted(accept, is_text)),
        ];
        // `*/*` alone is what command line tools and scripts of pages send; people read what those show.
        first.into_iter().find(|(_, quality)| *quality > 0).map_or(Self::Html, |(form, _)| form)
    }

    /// The media type for `Content-Type`.
    pub(super) const fn media_type(self, cause: &Cause) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Image if matches!(cause, Cause::Advertisement(_)) => "image/gif",
            Self::Image => "image/svg+xml",
            Self::Style => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
        }
    }
}

/// The picture in place of a blocked one.
pub(super) const fn picture(cause: &Cause) -> &'static [u8] {
    if matches!(cause, Cause::Advertisement(_)) { EMPTY_GIF } else { BLOCKED_SVG }
}

/// One comment of a style sheet or script. Anything that could end it is left out.
pub(super) fn comment(title: &str, request_id: &str) -> Vec<u8> {
    let text = format!("{title} ({request_id})");
    let plain = |letter: &char| letter.is_alphanumeric() || " .,-_()".contains(*letter);
    format!("/* {} */\n", text.chars().filter(plain).collect::<String>()).into_bytes()
}

fn is_html(range: &[u8]) -> bool {
    range.eq_ignore_ascii_case(b"text/html") || range.eq_ignore_ascii_case(b"application/xhtml+xml")
}

fn is_json(range: &[u8]) -> bool {
    let structured =
        range.last_chunk().is_some_and(|end: &[u8; 5]| end.eq_ignore_ascii_case(b"+json"));
    structured || range.eq_ignore_ascii_case(b"application/json")
}

fn is_image(range: &[u8]) -> bool {
    range.get(..6).is_some_and(|front| front.eq_ignore_ascii_case(b"image/"))
}

fn is_script(range: &[u8]) -> bool {
    [&b"text/javascript"[..], b"application/javascript", b"application/x-javascript"]
        .iter()
        .any(|name| range.eq_ignore_ascii_case(name))
}

fn is_text(range: &[u8]) -> bool {
    range.eq_ignore_ascii_case(b"text/plain")
}

/// One transparent pixel.
const EMPTY_GIF: &[u8] = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// A grey field with a crossed circle: it needs no language.
const BLOCKED_SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"160\" height=\"90\" \
viewBox=\"0 0 160 90\"><rect width=\"160\" height=\"90\" fill=\"#8a96a3\"/><g fill=\"none\" stroke=\"#fff\" \
stroke-width=\"6\"><circle cx=\"80\" cy=\"45\" r=\"22\"/><path d=\"M65 30l30 30\"/></g></svg>\n";

#[cfg(test)]
mod tests {
    use super::{Form, comment};

    #[test]
    fn programs_get_json_and_browsers_get_html() {
        for (accept, form) in [
            ("", Form::Html),
            ("*/*", Form::Html),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Form::Html),
            ("text/html, image/webp, */*", Form::Html),
            ("application/json", Form::Json),
            ("application/json, text/plain, */*", Form::Json),
            ("Application/Problem+JSON;q=0.5", Form::Json),
            ("application/json;q=0", Form::Html),
            ("application/json, text/html;q=0.1", Form::Json),
            ("application/json;q=0.1, text/html", Form::Html),
            ("application/json, text/html", Form::Html),
            ("text/plain", Form::Text),
            ("text/css,*/*;q=0.1", Form::Style),
            ("image/avif,image/webp,image/png,*/*;q=0.8", Form::Image),
            ("text/javascript, application/javascript, */*; q=0.01", Form::Script),
            ("audio/webm, */*", Form::Html),
        ] {
            assert_eq!(Form::of(Some(accept.as_bytes()), None), form, "{accept}");
        }
        assert_eq!(Form::of(None, None), Form::Html);
    }

    #[test]
    fn what_a_browser_asks_for_counts_more_than_what_it_accepts() {
        for (destination, accept, form) in [
            ("document", "*/*", Form::Html),
            ("iframe", "application/json", Form::Html),
            ("image", "text/html", Form::Image),
            ("script", "*/*", Form::Script),
            ("serviceworker", "*/*", Form::Script),
            ("style", "text/css,*/*;q=0.1", Form::Style),
            ("font", "*/*", Form::Text),
            ("video", "*/*", Form::Text),
            ("manifest", "*/*", Form::Json),
            ("empty", "*/*", Form::Json),
            ("empty", "text/html", Form::Html),
            ("empty", "text/html, application/json", Form::Html),
            ("empty", "text/plain", Form::Text),
            ("nonsense", "image/png", Form::Image),
            ("", "application/json", Form::Json),
        ] {
            let found = Form::of(Some(accept.as_bytes()), Some(destination.as_bytes()));
            assert_eq!(found, form, "{destination} {accept}");
        }
    }

    #[test]
    fn a_comment_cannot_be_ended() {
        let text = comment("a */ alert(1) /*", "*/\u{2028}x</script>");
        assert_eq!(text, b"/* a  alert(1)  (xscript) */\n");
    }
}
