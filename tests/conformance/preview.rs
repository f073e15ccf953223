//! R50 to R65: previews, 100 Continue, 204, and the message sent back.

use super::{GET, converse, refused, served};

/// A RESPMOD request with these ICAP fields and this body, framing and all.
fn respmod(fields: &[&str], body: &str) -> String {
    let fields: String = fields.iter().map(|field| format!("> {field}\n")).collect();
    format!(
        "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n{fields}\
         > Encapsulated: res-hdr=0, res-body=?\n>\n{RESPONSE}{body}"
    )
}

/// The answer that sends the message back, up to its body.
fn echo(body: &str) -> String {
    let head = "< ICAP/1.0 200 OK\n< ISTag: {istag}\n< Encapsulated: res-hdr=0, res-body=?\n<\n";
    format!("{head}{}{}", RESPONSE.replace('>', "<"), body.replace('>', "<"))
}

const RESPONSE: &str = "> HTTP/1.1 200 OK\n> Server: o\n>\n";
const REST: &str = "> 2\n> de\n> 0\n>\n";

#[test]
fn r51_after_a_preview_comes_100_or_204_or_a_final_answer() {
    let preview = respmod(&["Preview: 3"], "> 3\n> abc\n> 0\n>\n");
    converse(&format!("= unmodified\n{preview}<: 204\n"));
    converse(&format!("= block X\n{preview}<: block X\n"));
    converse(&format!("= overloaded\n{preview}<: fault 503 Service Overloaded\n"));
    converse(&format!("= continue\n= block X\n{preview}<: 100\n{REST}<: block X\n"));
}

#[test]
fn r52_100_continue_is_bare_and_the_final_answer_follows() {
    let preview = respmod(&["Preview: 3"], "> 3\n> abc\n> 0\n>\n");
    converse(&format!(
        "= continue\n= block X\n{preview}< ICAP/1.0 100 Continue\n<\n{REST}<: block X\n"
    ));
}

#[test]
fn r53_no_100_after_ieof() {
    // The owner is never asked: the body has ended, so "continue" would be left over.
    converse(&format!(
        "= unmodified\n{}<: 204\n",
        respmod(&["Preview: 3"], "> 3\n> abc\n> 0; ieof\n>\n")
    ));
}

#[test]
fn r54_with_ieof_the_preview_is_the_whole_body() {
    converse(&format!(
        "= block X\n{}<: block X\n",
        respmod(&["Preview: 3"], "> 3\n> abc\n> 0; ieof\n>\n")
    ));
    converse(&format!(
        "= block X\n{}<: block X\n",
        respmod(&["Preview: 30"], "> 3\n> abc\n> 0; ieof\n>\n")
    ));
}

#[test]
fn r55_ieof_is_never_sent_back() {
    let request = respmod(&["Preview: 3"], "> 3\n> abc\n> 0; ieof\n>\n");
    let option = "= preview_no_content when-allowed\n";
    converse(&format!("{option}= unmodified\n{request}{}", echo("> 3\n> abc\n> 0\n>\n")));
}

#[test]
fn r56_a_preview_of_nothing_works_in_all_its_forms() {
    converse(&format!("= unmodified\n{}<: 204\n", respmod(&["Preview: 0"], "> 0; ieof\n>\n")));
    let preview = respmod(&["Preview: 0", "Allow: 204"], "> 0\n>\n");
    converse(&format!("= continue\n= unmodified\n{preview}<: 100\n{REST}<: 204\n"));
    served(&GET.replacen("> Allow", "> Preview: 0\n> Allow", 1));
}

#[test]
fn r57_a_preview_may_be_shorter_than_announced() {
    let preview = respmod(&["Preview: 1000"], "> 3\n> abc\n> 0\n>\n");
    converse(&format!(
        "= continue\n= unmodified\n{preview}<: 100\n{REST}{}",
        echo(&format!("> 3\n> abc\n{REST}"))
    ));
}

#[test]
fn r58_a_preview_longer_than_announced_is_accepted_or_refused_by_profile() {
    let preview = respmod(&["Preview: 2"], "> 3\n> abc\n> 0\n>\n");
    converse(&format!("= unmodified\n{preview}<: 204\n"));
    let begun = respmod(&["Preview: 2"], "> 3");
    refused("400 Bad Request", &format!("= profile strict\n{begun}"));
    // Longer than we asked for in OPTIONS is no fault at all.
    converse(&format!(
        "= profile strict\n= unmodified\n{}<: 204\n",
        respmod(&["Preview: 9000"], "> 3\n> abc\n> 0\n>\n")
    ));
}

#[test]
fn r59_a_preview_is_read_whether_asked_for_or_not() {
    let preview = respmod(&["Preview: 3"], "> 3\n> abc\n> 0\n>\n").replace("/respmod", "/echo");
    converse(&format!("= unmodified\n{preview}<: 204\n"));
}

#[test]
fn r60_an_invalid_preview_is_refused() {
    for value in
        ["abc", "-1", "1e9", "+1", "0x10", "1 2", "", "111111111111111111111111111111", "1,2"]
    {
        let head = format!(
            "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Preview: {value}\n> Encapsulated: res-body=0\n>"
        );
        refused("400 Bad Request", &head);
    }
    let twice = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n> Preview: 1\n> Preview: 1\n> Encapsulated: res-body=0\n>";
    refused("400 Bad Request", twice);
}

#[test]
fn r61_outside_a_preview_204_needs_allow() {
    let body = "> 3\n> abc\n> 0\n>\n";
    converse(&format!("= unmodified\n{}<: 204\n", respmod(&["Allow: 204"], body)));
    for fields in [&[][..], &["Allow: 206"], &["Allow: 2040"], &["Allow: 20 4"], &["X-Allow: 204"]]
    {
        converse(&format!("= unmodified\n{}{}", respmod(fields, body), echo(body)));
    }
    let withheld = "= no_content withhold\n= unmodified\n";
    converse(&format!("{withheld}{}{}", respmod(&["Allow: 204"], body), echo(body)));
}

#[test]
fn r62_in_a_preview_204_needs_no_allow() {
    converse(&format!(
        "= unmodified\n{}<: 204\n",
        respmod(&["Preview: 3"], "> 3\n> abc\n> 0\n>\n")
    ));
    converse(&format!(
        "= unmodified at request\n{}<: 204\n",
        respmod(&["Preview: 3"], "> 3\n> abc\n> 0\n>\n")
    ));
}

#[test]
fn r63_after_100_allow_decides_again() {
    let preview = "> 3\n> abc\n> 0\n>\n";
    let decisions = "= continue\n= unmodified\n";
    converse(&format!(
        "{decisions}{}<: 100\n{REST}<: 204\n",
        respmod(&["Preview: 3", "Allow: 204"], preview)
    ));
    let whole = echo(&format!("> 3\n> abc\n{REST}"));
    converse(&format!("{decisions}{}<: 100\n{REST}{whole}", respmod(&["Preview: 3"], preview)));
}

#[test]
fn r64_204_has_no_body() {
    converse(&format!(
        "= unmodified\n= unmodified\n{GET}< ICAP/1.0 204 No Content\n< ISTag: {{istag}}\n< Encapsulated: null-body=0\n<\n{GET}<: 204\n"
    ));
}

#[test]
fn r65_a_message_sent_back_is_the_same_to_the_byte() {
    for size in [0_usize, 1, 15, 16, 17, 4096, 65_535, 65_536, 65_537] {
        let (request, answer) = match size {
            0 => ("> 0\n>\n".to_owned(), "< 0\n<\n".to_owned()),
            _ => (
                format!(">* {size} \\0\\r\\n0;ieof\\xff\n> 0\n>\n"),
                format!("<* {size} \\0\\r\\n0;ieof\\xff\n< 0\n<\n"),
            ),
        };
        let head = echo("");
        converse(&format!("= unmodified\n{}{head}{answer}", respmod(&[], &request)));
    }
}
