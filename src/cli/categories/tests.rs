//! Tests of `baleen categories`: what is printed, and with which exit code.

use std::fs;

use super::*;

fn output(command: &Command) -> Result<(u8, String), Failure> {
    let mut out = Vec::new();
    let code = run_to(command, 1_700_000_000, &mut out)?;
    Ok((code, String::from_utf8_lossy(&out).into_owned()))
}

fn lists() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join("ut1").join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("gambling/domains", "casino.example\nbad line\n");
    write("gambling/urls", "shared.example/poker\n");
    write("gambling/usage", "black\n");
    write("cooking/domains", "food.example\n");
    write("unheard_of/domains", "x.example\n");
    write("games/expressions", "(free-games|game-[0-9]+)\n");
    fs::write(folder.path().join("blackbook.csv"), "Domain,Malware\nevil.example,zeus\n")
        .expect("a file");
    folder
}

fn lookup(db: &Path, urls: &[&str], json: bool) -> Result<(u8, String), Failure> {
    let database = DatabaseArgs { db: Some(db.to_owned()), ..DatabaseArgs::default() };
    let urls = urls.iter().map(|&url| url.to_owned()).collect();
    output(&Command::Lookup(LookupArgs { urls, database, json }))
}

#[test]
fn build_info_and_lookup() {
    let folder = lists();
    let image = folder.path().join("image");
    let names = vec![folder.path().join("ut1"), folder.path().join("blackbook.csv")];
    let build = |json| {
        let (lists, output_file) = (names.clone(), image.clone());
        output(&Command::Build(BuildArgs { lists, mapping: None, output: output_file, json }))
    };
    let (code, built) = build(false).expect("an image");
    assert_eq!(code, 0);
    assert!(built.contains("entries      4\n  2          hosts\n  1          paths\n"), "{built}");
    assert!(
        built.contains("  ut1/gambling/domains: 1 entries, 1 bad lines: Gambling\n"),
        "{built}"
    );
    assert!(built.contains("left out by the mapping: ut1/cooking/domains\n"), "{built}");
    assert!(built.contains("not used: ut1/unheard_of/domains\n"), "{built}");
    assert!(built.ends_with("ut1/gambling/domains:2:5: a blank: an entry is one word, unless the first is 0.0.0.0 or the like\n"), "{built}");
    let (_, built) = build(true).expect("an image");
    let json: serde_json::Value = serde_json::from_str(&built).expect("JSON");
    assert_eq!(
        (&json["entries"]["hosts"], &json["unknown"][0]),
        (&2.into(), &"ut1/unheard_of/domains".into())
    );
    let info = |json| {
        let database = DatabaseArgs { db: Some(image.clone()), ..DatabaseArgs::default() };
        output(&Command::Info(InfoArgs { database, json })).expect("an image").1
    };
    assert!(
        info(false).contains("built        2023-11-14 22:13:20 UTC\nlists        4\n"),
        "{}",
        info(false)
    );
    let json: serde_json::Value = serde_json::from_str(&info(true)).expect("JSON");
    assert_eq!(json["created_seconds"], 1_700_000_000);
    assert_eq!(
        lookup(&image, &["http://www.casino.example/", "evil.example"], false),
        Ok((0, "http://www.casino.example/: Gambling\n  Gambling: casino.example (ut1/gambling/domains)\n\
                evil.example: InfectionSource\n  InfectionSource: evil.example (blackbook.csv)\n".to_owned()))
    );
    let (code, answers) =
        lookup(&image, &["http://a.example/game-7", "http://a.example/"], true).expect("answers");
    let answers: serde_json::Value = serde_json::from_str(&answers).expect("JSON");
    assert_eq!(code, 1, "one is in no category");
    assert_eq!(answers[0]["reasons"][0]["entry"], "(free-games|game-[0-9]+)");
    assert_eq!(answers[1]["categories"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_folder_and_the_settings_are_databases_too() {
    let folder = lists();
    fs::write(folder.path().join("map"), "unheard_of = Jobs\nx\n").expect("a file");
    let state = folder.path().join("state");
    let settings = format!(
        "[Root]\nStateDir = {}\n[URLCheck]\nCategoryDatabase = {}\nCategoryMapping = {}\n",
        state.display(),
        folder.path().join("ut1").display(),
        folder.path().join("map").display()
    );
    let config = folder.path().join("baleen.conf");
    fs::write(&config, settings).expect("a file");
    let database = DatabaseArgs { config: Some(config), ..DatabaseArgs::default() };
    let urls = vec!["http://x.example/".to_owned()];
    let answer =
        output(&Command::Lookup(LookupArgs { urls, database, json: false })).expect("an answer");
    assert_eq!(
        answer,
        (0, "http://x.example/: Jobs\n  Jobs: x.example (ut1/unheard_of/domains)\n".to_owned())
    );
    assert_eq!(
        fs::read_dir(state.join("image")).expect("a folder").count(),
        1,
        "the image is kept"
    );
}

#[test]
fn what_cannot_be_done_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "no image").expect("a file");
    let fault = lookup(&file, &["a.example"], false).expect_err("no image");
    assert!(fault.0.ends_with("file: this is no database of categories"), "{fault:?}");
    let fault = lookup(folder.path(), &["a.example"], false).expect_err("no lists");
    assert!(fault.0.ends_with("no list of a category is in it"), "{fault:?}");
    let missing = BuildArgs {
        lists: vec![folder.path().join("missing")],
        mapping: None,
        output: file,
        json: false,
    };
    assert!(output(&Command::Build(missing)).expect_err("no lists").0.contains("missing"));
}
