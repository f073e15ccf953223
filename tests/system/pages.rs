//! `baleen pages`: what an administrator sees of the block pages without anybody being blocked.

use serde_json::Value;

use crate::run;

#[test]
fn a_preview_shows_the_page_for_a_reason_in_a_language() {
    let page = run(&[
        "pages",
        "preview",
        "--reason",
        "category",
        "--category",
        "social_networks",
        "--language",
        "de",
        "--url",
        "http://a.example/<b>",
        "--config",
        "/dev/null",
    ]);
    assert_eq!(page.code, 0, "{page:?}");
    for part in ["<html lang=\"de\">", "Soziale Netzwerke", "a.example&#x2f;&lt;b&gt;"] {
        assert!(page.stdout.contains(part), "{part}\n{}", page.stdout);
    }
    let json = run(&["pages", "preview", "--reason", "threat", "--json", "--config", "/dev/null"]);
    let value: Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&value["reason"], &value["lang"]), (&Value::from("threat"), &Value::from("en")));
}

#[test]
fn templates_and_languages_of_the_settings_count() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::create_dir_all(path("t/es")).expect("a folder");
    std::fs::write(path("t/es/ERR_FAILED_CHECK.html"), "propia {{ reason }}").expect("a file");
    let settings = format!("[ICAPD]\nTemplatesDir = {}\nReportLanguages = es, en\n", path("t"));
    std::fs::write(path("baleen.conf"), settings).expect("a file");
    let conf = path("baleen.conf");
    let list = run(&["pages", "list", "--json", "--config", &conf]);
    let rows: Vec<Value> = serde_json::from_str(&list.stdout).expect("JSON");
    assert_eq!(rows.len(), 9 * 2, "{list:?}");
    let own: Vec<&Value> = rows.iter().filter(|row| !row["own"].is_null()).collect();
    assert_eq!(own.len(), 2, "{own:?}");
    assert!(own.iter().all(|row| row["own"] == "es/ERR_FAILED_CHECK.html"), "{own:?}");
    let out = path("out");
    let made = run(&["pages", "preview", "--language", "all", "--output", &out, "--config", &conf]);
    assert_eq!((made.code, made.stdout.lines().count()), (0, 18), "{made:?}");
    let page = std::fs::read_to_string(path("out/unchecked.es.html")).expect("a page");
    assert_eq!(page, "propia unchecked");
    let refused = run(&["pages", "preview", "--language", "ru", "--config", &conf]);
    assert_eq!((refused.code, refused.stderr.contains("es, en")), (2, true), "{refused:?}");
}

#[test]
fn a_template_that_cannot_be_used_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().display().to_string();
    std::fs::write(folder.path().join("base.html"), "a\n{{ nothing }}").expect("a file");
    let conf = folder.path().join("baleen.conf");
    std::fs::write(&conf, format!("[ICAPD]\nTemplatesDir = {dir}\n")).expect("a file");
    let list = run(&["pages", "list", "--config", conf.to_str().expect("UTF-8")]);
    assert_eq!(list.code, 2, "{list:?}");
    assert!(
        list.stderr.contains(&format!("{dir}/base.html:2: error: undefined value")),
        "{list:?}"
    );
}
