//! The directory by simulation: a server is played message by message.

mod desk;
mod filter;
mod session;

use std::sync::Arc;
use std::time::Duration;

use super::{Filter, Options, Server};

pub(super) fn options() -> Options {
    Options {
        servers: ["ldap://one.example", "ldaps://two.example:3636"]
            .map(|text| Server::parse(text).expect("a server"))
            .to_vec(),
        start_tls: false,
        bind_dn: "cn=reader,dc=x".to_owned(),
        password: "word".to_owned(),
        base: "dc=x".to_owned(),
        user_filter: Filter::parse("(uid=%u)").expect("a filter"),
        group_attributes: vec!["memberOf".into()],
        group_filter: Some(Filter::parse("(member=%D)").expect("a filter")),
        group_base: String::new(),
        group_name: "cn".into(),
        groups_max: 3,
        time_max: Duration::from_secs(1),
        cache_entries_max: 10,
        cache_time: Duration::from_secs(600),
        negative_time: Duration::from_secs(60),
    }
}

pub(super) fn shared(options: Options) -> Arc<Options> {
    Arc::new(options)
}

#[test]
fn servers_are_read() {
    for (text, want) in [
        ("ldap://one.example", Some("ldap://one.example:389")),
        ("LDAPS://one.example/", Some("ldaps://one.example:636")),
        ("ldap://192.0.2.1:3389", Some("ldap://192.0.2.1:3389")),
        ("ldaps://[2001:db8::1]", Some("ldaps://[2001:db8::1]:636")),
        ("ldaps://[2001:db8::1]:7", Some("ldaps://[2001:db8::1]:7")),
        ("one.example", None),
        ("http://one.example", None),
        ("ldap://", None),
        ("ldap://one.example:0", None),
        ("ldap://one.example:+5", None),
        ("ldap://one.example/dc=x", None),
        ("ldap://a b", None),
    ] {
        let read = Server::parse(text).ok().map(|server| server.to_string());
        assert_eq!(read.as_deref(), want, "{text}");
    }
    let shown = format!("{:?}", options());
    assert!(shown.contains("dc=x") && !shown.contains("word"), "{shown}");
}
