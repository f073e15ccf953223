//! Normal forms of pages, types by a table, objects in the middle of a layer, links of mails.

use std::sync::Arc;

use baleen::engine::limits::Limits;
use baleen::engine::verdict::{Limit, Verdict, Why};
use baleen::engine::{Engine, Object};

use crate::kit::{
    check_clean, check_infected, check_unscanned, coded, engine, gzip, noise, verdict,
};

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn with(lines: &str) -> Arc<Engine> {
    engine(&[("a.ndb", lines)], Limits::default())
}

#[test]
fn a_page_is_matched_in_each_of_its_forms() {
    let page = b"<HTML><!-- A --><P Class='X  Y'>Some&nbsp;T<b>E</b>xt<SCRIPT>var  name = 'a' + \
        \"b\"; f(name)</SCRIPT></HTML>";
    let rows = [
        ("<p class=\"x y\">some\u{a0}", "no-comment"),
        ("t e xt ", "no-tags"),
        ("var n000=\"ab\";f(n000)", "script"),
        ("<P Class='X  Y'>", ""),
    ];
    for (text, path) in rows {
        let bytes: Vec<u8> = text.chars().map(|sign| u8::try_from(sign).expect("latin")).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let engine = with(&format!("Form:3:*:{hex}\n"));
        check_infected(&engine, &Object::default(), page, "Form.UNOFFICIAL", path);
        let inner = if path.is_empty() { "gzip".to_owned() } else { format!("gzip>{path}") };
        check_infected(&engine, &coded("gzip"), &gzip(page), "Form.UNOFFICIAL", &inner);
    }
    // Scripts are text as well.
    let engine = with(&format!("Script:7:*:{}\n", hex("f(n000)")));
    check_infected(&engine, &Object::default(), page, "Script.UNOFFICIAL", "script");
}

#[test]
fn a_form_to_which_nothing_was_written_is_none() {
    // True of any text without these letters.
    let lines = "None;Engine:51-255,Target:7;0=0;616263646566\n";
    let engine = engine(&[("a.ldb", lines)], Limits::default());
    let page = |body: &str| format!("<html><head></head><body>{body}</body></html>");
    check_clean(&engine, &Object::default(), page("no script").as_bytes());
    check_clean(&engine, &Object::default(), &[0xe9; 10]);
    let script = page("<script>f(1)</script>");
    check_infected(&engine, &Object::default(), script.as_bytes(), "None.UNOFFICIAL", "script");
    check_infected(&engine, &Object::default(), b"some text", "None.UNOFFICIAL", "text");
}

const PE_MAGIC: &str = "1:*:4d5a{60-300}50450000:PE:CL_TYPE_ANY:CL_TYPE_MSEXE\n";

/// What begins as an executable, with text in it; its header is at 64.
fn executable(text: &str) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[60] = 64;
    bytes.extend_from_slice(b"PE\0\0");
    bytes.extend_from_slice(&[0; 200]);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

#[test]
fn an_executable_behind_data_is_one() {
    let signature = format!("Inner:1:268:{}\n", hex("payload"));
    let engine = engine(&[("a.ndb", &signature), ("a.ftm", PE_MAGIC)], Limits::default());
    for length in [1, 100, 5_000, 16_384, 20_000, 40_000] {
        let object = [noise(length, 7), executable("payload"), noise(9_000, 5)].concat();
        let path = format!("pe@{length}");
        check_infected(&engine, &Object::default(), &object, "Inner.UNOFFICIAL", &path);
        let path = format!("gzip>pe@{length}");
        check_infected(&engine, &coded("gzip"), &gzip(&object), "Inner.UNOFFICIAL", &path);
    }
    // Its header leads elsewhere: not an executable.
    let mut broken = executable("payload");
    broken[60] = 40;
    check_clean(&engine, &Object::default(), &[noise(100, 7), broken].concat());
    // Without the table nobody looks for it.
    let plain = with(&signature);
    check_clean(&plain, &Object::default(), &[noise(100, 7), executable("payload")].concat());
}

#[test]
fn a_page_behind_text_is_one() {
    let table = "1:*:3c68746d6c3e:HTML:CL_TYPE_ANY:CL_TYPE_HTML\n";
    let signature = format!("Page:3:*:{}\n", hex("<b>bad</b>"));
    let engine = engine(&[("a.ndb", &signature), ("a.ftm", table)], Limits::default());
    let text = "plain words ".repeat(200);
    let object = format!("{text}<html> <B>BAD</B>");
    let path = format!("html@{}>no-comment", text.len());
    check_infected(&engine, &Object::default(), object.as_bytes(), "Page.UNOFFICIAL", &path);
    // Behind the head of data, markup is data.
    check_clean(&engine, &Object::default(), &[&*noise(1_100, 1), b"<html> <B>BAD</B>"].concat());
}

/// Four bytes that begin an archive turn up by chance: they are no reason to call data unscanned.
#[test]
fn an_archive_in_the_middle_of_data_changes_nothing() {
    let table = "1:*:504b0304:ZIP-SFX:CL_TYPE_ANY:CL_TYPE_ZIPSFX\n\
        1:*:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP\n0:0:504b0304:ZIP:CL_TYPE_ANY:CL_TYPE_ZIP\n";
    let engine = engine(&[("a.ftm", table)], Limits::default());
    let archive = [b"PK\x03\x04", &*noise(200, 3)].concat();
    check_clean(&engine, &Object::default(), &[noise(300, 9), archive.clone()].concat());
    let why = Why::Broken("zip: ends early");
    check_unscanned(&engine, &Object::default(), &archive, why);
}

#[test]
fn the_type_of_a_layer_is_that_of_the_table() {
    let signature = "Java:12:*:626164\n";
    let table = "0:2:0102:Mine:CL_TYPE_ANY:CL_TYPE_JAVA\n";
    let engine = engine(&[("a.ndb", signature), ("a.ftm", table)], Limits::default());
    check_infected(&engine, &Object::default(), b"\0\0\x01\x02bad", "Java.UNOFFICIAL", "");
    // It replaces the other one as a whole.
    check_clean(&engine, &Object::default(), b"\xca\xfe\xba\xbe\0\0\0\x34bad\0");
}

#[test]
fn objects_in_a_layer_are_counted() {
    let many = [noise(10, 1), executable("x").repeat(40)].concat();
    let full = engine(&[("a.ftm", PE_MAGIC)], Limits::default());
    check_unscanned(&full, &Object::default(), &many, Why::Limit(Limit::MaxFiles));
    let few = [noise(10, 1), executable("x").repeat(30)].concat();
    check_clean(&full, &Object::default(), &few);
    let files = engine(&[("a.ftm", PE_MAGIC)], Limits { objects_max: 3, ..Limits::default() });
    check_unscanned(&files, &Object::default(), &few, Why::Limit(Limit::MaxFiles));
    let flat = engine(&[("a.ftm", PE_MAGIC)], Limits { layers_max: 1, ..Limits::default() });
    check_unscanned(&flat, &Object::default(), &few, Why::Limit(Limit::MaxRecursion));
}

#[test]
fn a_link_that_pretends_is_found_in_a_mail() {
    let engine = engine(&[("a.pdb", "H:bank.example\n")], Limits::default());
    let link = "<a href=\"http://evil.example/x\">http://www.bank.example/login</a>";
    let mail = format!("From: a@b.example\r\nContent-Type: text/html\r\n\r\n<html>{link}</html>");
    let name = "Heuristics.Phishing.Email.SpoofedDomain";
    check_infected(&engine, &Object::default(), mail.as_bytes(), name, "");
    // Pages are not looked at: clamscan does not do it either.
    let page = format!("<html>{link}</html>");
    check_clean(&engine, &Object::default(), page.as_bytes());
    let honest = mail.replace("evil.example", "login.bank.example");
    let found = verdict(&engine, &Object::default(), honest.as_bytes());
    assert_eq!(found, Verdict::Clean);
    // The same page, encoded.
    let page = "PGh0bWw+PGEgaHJlZj0iaHR0cDovL2V2aWwuZXhhbXBsZS94Ij5odHRwOi8vd3d3LmJhbmsuZXhhbXBsZS9sb2dpbjwvYT4=";
    let mail = format!("From: a\r\nContent-Transfer-Encoding: base64\r\n\r\n{page}\r\n");
    check_infected(&engine, &Object::default(), mail.as_bytes(), name, "mail");
}
