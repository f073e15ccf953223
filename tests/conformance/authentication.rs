//! R89: authentication between client and server (RFC 3507 section 7.1, RFC 7617).

use super::{GET, converse};

/// `name:secret`, which the shell takes for right, and `name:wrong`, which it does not.
const RIGHT: &str = "> Proxy-Authorization: Basic bmFtZTpzZWNyZXQ=\n";
const WRONG: &str = "> Proxy-Authorization: Basic bmFtZTp3cm9uZw==\n";

const ASKED: &str = "< ICAP/1.0 407 Proxy Authentication Required\n< ISTag: {istag}\n\
    < Proxy-Authenticate: Basic realm=\"Baleen\"\n< Encapsulated: null-body=0\n<\n";

/// `GET` with more fields in the ICAP head.
fn get(fields: &str) -> String {
    GET.replacen("> Allow", &format!("{fields}> Allow"), 1)
}

fn post(fields: &str, preview: &str, body: &str) -> String {
    format!(
        "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n{fields}{preview}\
         > Encapsulated: req-hdr=0, req-body=?\n>\n> POST / HTTP/1.1\n> Host: o.test\n>\n{body}"
    )
}

const BODY: &str = "> 3\n> abc\n> 0\n>\n";
const ON: &str = "= authentication basic\n";

#[test]
fn r89_without_credentials_the_answer_is_407_and_the_connection_goes_on() {
    let right = get(RIGHT);
    converse(&format!("{ON}= unmodified\n{GET}{ASKED}{right}<: 204\n"));
    let body = post("", "", BODY);
    converse(&format!("{ON}= unmodified\n{body}{ASKED}{right}<: 204\n"));
    let preview = post("", "> Preview: 3\n", BODY);
    converse(&format!("{ON}= unmodified\n{preview}{ASKED}{right}<: 204\n"));
    let ieof = post("", "> Preview: 30\n", "> 3\n> abc\n> 0; ieof\n>\n");
    converse(&format!("{ON}= unmodified\n{ieof}{ASKED}{right}<: 204\n"));
}

#[test]
fn r89_wrong_credentials_are_answered_with_407_and_right_ones_serve() {
    let (right, wrong) = (get(RIGHT), get(WRONG));
    converse(&format!("{ON}= unmodified\n{wrong}{ASKED}{right}<: 204\n"));
    // Right once is not right for ever: the next request shows its own.
    converse(&format!(
        "{ON}= unmodified\n= unmodified\n{right}<: 204\n{wrong}{ASKED}{GET}{ASKED}{right}<: 204\n"
    ));
    let body = post(WRONG, "", BODY);
    converse(&format!("{ON}= unmodified\n{body}{ASKED}{right}<: 204\n"));
    // Sent at once, without waiting for answers.
    converse(&format!("{ON}= unmodified\n{wrong}{right}{ASKED}<: 204\n"));
}

#[test]
fn r89_every_method_is_asked_and_before_the_service_is_looked_up() {
    let options = |path: &str, fields: &str| {
        format!("> OPTIONS icap://gw.test/{path} ICAP/1.0\n> Host: gw.test\n{fields}>\n")
    };
    let none = options("nowhere", "");
    let right = options("nowhere", RIGHT);
    converse(&format!("{ON}{none}{ASKED}{right}<: fault 404 ICAP Service Not Found\n"));
    let wrong = options("reqmod", WRONG);
    converse(&format!("{ON}{wrong}{ASKED}"));
    let respmod = "> RESPMOD icap://gw.test/respmod ICAP/1.0\n> Host: gw.test\n\
        > Encapsulated: res-hdr=0, res-body=?\n>\n> HTTP/1.1 200 OK\n>\n> 3\n> abc\n> 0\n>\n";
    converse(&format!("{ON}{respmod}{ASKED}"));
}

#[test]
fn r89_the_field_belongs_to_this_hop() {
    // It is no part of a message that is sent back, and one inside the message is none of our business.
    let inner = "> POST / HTTP/1.1\n> Proxy-Authorization: Basic eDp5\n>\n> 3\n> abc\n> 0\n>\n";
    let request = |fields: &str| {
        format!(
            "> REQMOD icap://gw.test/reqmod ICAP/1.0\n> Host: gw.test\n{fields}\
             > Encapsulated: req-hdr=0, req-body=?\n>\n{inner}"
        )
    };
    let echo = format!(
        "< ICAP/1.0 200 OK\n< ISTag: {{istag}}\n< Encapsulated: req-hdr=0, req-body=?\n<\n{}",
        inner.replace('>', "<")
    );
    converse(&format!("{ON}= unmodified\n{}{echo}", request(RIGHT)));
    converse(&format!("= unmodified\n{}{echo}", request(WRONG)));
    converse(&format!("{ON}{}{ASKED}", request("")));
}

#[test]
fn r89_what_can_be_read_in_two_ways_is_not_read() {
    for value in [
        "bmFtZTpzZWNyZXQ=",
        "Basic",
        "Basic ",
        "Basic bmFtZTpzZWNyZXQ",
        "Basic bmFtZTpzZWNyZXR=",
        "Basic bmFtZTpzZWN yZXQ=",
        "Basic bmFtZTpzZWNyZXQ==",
        "Basic =bmFtZTpzZWNyZXQ",
        "Basic bmFtZXNlY3JldA==",
        "Basic OnNlY3JldA==",
        "Basic bmFtZTpzZWNyZXQK",
        "Basic bmFtZTpzZWNyZXQ=, Basic bmFtZTpzZWNyZXQ=",
        "Bearer bmFtZTpzZWNyZXQ=",
        "Basicbm FtZTpzZWNyZXQ=",
    ] {
        let request = get(&format!("> Proxy-Authorization: {value}\n"));
        converse(&format!("{ON}{request}{ASKED}"));
    }
    converse(&format!("{ON}{}{ASKED}", get(&format!("{RIGHT}{RIGHT}"))));
    let long = format!("> Proxy-Authorization: Basic {}\n", "QUE6".repeat(200));
    converse(&format!("{ON}{}{ASKED}", get(&long)));
    let odd = "> proxy-authorization:   bAsIc   bmFtZTpzZWNyZXQ=  \n";
    converse(&format!("{ON}= unmodified\n{}<: 204\n", get(odd)));
}

#[test]
fn r89_a_client_that_closes_gets_its_answer_and_a_close_of_its_own_is_kept() {
    let wrong = get(&format!("> Connection: close\n{WRONG}"));
    let asked = ASKED.replacen("{istag}\n", "{istag}\n< Connection: close\n", 1);
    converse(&format!("{ON}{wrong}{asked}! server\n"));
}
