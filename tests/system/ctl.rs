//! `baleen ctl` and the running service.

use serde_json::Value;

use crate::fixture::gateway::{Gateway, baleen};

#[test]
fn an_address_is_explained_by_what_is_in_force_and_rules_count() {
    let gateway = Gateway::start(
        "BlackList = bad.test\nRuleSet1 = user in (anna), url_host in (x.test) : BLOCK as Jobs",
    );
    let (code, said) = ctl(&gateway, &["url-check", "http://www.bad.test/page", "--json"]);
    assert_eq!(code, 1);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["blocked"], true);
    assert!(said["steps"].to_string().contains("bad.test"), "{said}");
    let (code, text) =
        ctl(&gateway, &["url-check", "x.test", "--user", "anna", "--time", "Mon 09:00"]);
    assert_eq!(code, 1);
    assert!(text.contains("Jobs"), "{text}");
    let (code, _) = ctl(&gateway, &["url-check", "x.test", "--user", "bert"]);
    assert_eq!(code, 0);
    let (code, rules) = ctl(&gateway, &["rules", "--json"]);
    let rules: Value = serde_json::from_str(&rules).expect("JSON");
    assert_eq!((code, &rules["rules"][0]["hits"]), (0, &1.into()), "{rules}");
    let (code, status) = ctl(&gateway, &["status"]);
    assert!(code == 0 && status.contains("policy.black: 1\n"), "{status}");
    assert_eq!(ctl(&gateway, &["reload"]).0, 0);
    assert!(gateway.stop().success());
}

#[test]
fn what_cannot_be_asked_is_said() {
    let gateway = Gateway::start("");
    for (arguments, word) in [
        (&["url-check", "http://"][..], "http://"),
        (&["url-check", "a.test", "--time", "Someday"], "Someday"),
    ] {
        let (code, said) = ctl(&gateway, arguments);
        assert!(code == 2 && said.contains(word), "{said}");
    }
    let config = gateway.config();
    assert!(gateway.stop().success());
    let output = baleen().args(["ctl", "status", "--socket", "/nowhere/control.sock"]).output();
    let output = output.expect("it was built");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/control.sock"));
    assert!(!config.exists(), "the folder went with the gateway");
}

/// The exit code, and what was said on both outputs.
fn ctl(gateway: &Gateway, arguments: &[&str]) -> (i32, String) {
    let output = baleen().arg("ctl").args(arguments).arg("--config").arg(gateway.config()).output();
    let output = output.expect("it was built");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().expect("it was not killed"), String::from_utf8_lossy(&said).into_owned())
}
