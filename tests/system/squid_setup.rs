//! `baleen squid setup` and `remove` against the installed Squid, on files of this test.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Said, run};

/// A folder with a squid.conf in it.
struct Site {
    folder: TempDir,
    config: PathBuf,
}

impl Site {
    fn new(config: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = folder.path().join("squid.conf");
        fs::write(&path, config).expect("a writable folder");
        Self { folder, config: path }
    }

    #[track_caller]
    fn squid(&self, action: &str, more: &[&str]) -> Said {
        let config = self.config.to_str().expect("UTF-8");
        run(&[&["squid", action, "--squid-config", config], more].concat())
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.config).expect("it is there")
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).expect("readable").count()
    }
}

const MINIMAL: &str = "http_port 127.0.0.1:3128\nhttp_access allow localhost\n";

#[test]
fn setup_is_accepted_by_squid_keeps_a_backup_and_can_be_taken_back() {
    let site = Site::new(MINIMAL);
    let done = site.squid("setup", &["-y"]);
    assert_eq!(done.code, 0, "{done:?}");
    let text = site.text();
    assert!(text.starts_with(MINIMAL) && text.contains("\nicap_enable on\n"), "{text}");
    assert!(text.contains("bypass=0") && text.contains("Fail closed"), "{text}");
    assert_eq!(site.files(), 2, "the configuration and its backup");

    let again = site.squid("setup", &["-y"]);
    assert!(again.code == 0 && again.stdout.contains("nothing to do"), "{again:?}");
    assert_eq!((site.files(), site.text()), (2, text));

    let removed = site.squid("remove", &["-y"]);
    assert_eq!((removed.code, site.text().as_str()), (0, MINIMAL), "{removed:?}");
    let again = site.squid("remove", &["-y"]);
    assert!(again.code == 0 && again.stdout.contains("nothing to do"), "{again:?}");
}

#[test]
fn bypass_host_and_port_are_brought_up_to_date_in_place() {
    let site = Site::new(MINIMAL);
    assert_eq!(site.squid("setup", &["-y"]).code, 0);
    let changed = site
        .squid("setup", &["-y", "--bypass", "on", "--icapd-host", "::1", "--icapd-port", "11344"]);
    assert_eq!(changed.code, 0, "{changed:?}");
    let text = site.text();
    assert!(text.contains("bypass=1") && text.contains("icap://[::1]:11344/respmod"), "{text}");
    assert_eq!(text.matches("icap_enable on").count(), 1, "{text}");
}

#[test]
fn a_dry_run_shows_the_change_and_makes_none() {
    let site = Site::new(MINIMAL);
    let shown = site.squid("setup", &["--dry-run"]);
    assert!(shown.code == 0 && shown.stdout.contains("\n+icap_enable on\n"), "{shown:?}");
    assert_eq!((site.files(), site.text().as_str()), (1, MINIMAL));
}

#[test]
fn without_anybody_to_ask_nothing_is_written() {
    let site = Site::new(MINIMAL);
    let refused = site.squid("setup", &[]);
    assert!(refused.code == 2 && refused.stderr.contains("-y"), "{refused:?}");
    assert_eq!((site.files(), site.text().as_str()), (1, MINIMAL));
}

#[test]
fn a_configuration_that_squid_does_not_accept_stays_as_it_is() {
    let broken = format!("{MINIMAL}no_such_directive on\n");
    let site = Site::new(&broken);
    let refused = site.squid("setup", &["-y"]);
    assert!(refused.code == 1 && refused.stderr.contains("no_such_directive"), "{refused:?}");
    assert_eq!((site.files(), site.text()), (1, broken));
}

/// A stand-in for Squid that accepts a configuration unless this shell condition about the file `$4`
/// holds.
fn fussy_squid(site: &Site, objects_if: &str) -> String {
    let program = site.folder.path().join("squid");
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = -v ] && echo 'Squid Cache: Version 5.7' && exit 0\n\
         if {objects_if}; then echo '2026/01/01 00:00:00| FATAL: Bungled' >&2; exit 1; fi\n"
    );
    fs::write(&program, script).expect("a writable folder");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("ours");
    program.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_change_that_squid_does_not_accept_is_not_made() {
    let site = Site::new(MINIMAL);
    let squid = fussy_squid(&site, "grep -q icap_enable \"$4\"");
    let refused = site.squid("setup", &["-y", "--squid", &squid]);
    assert_eq!((refused.code, site.text().as_str()), (1, MINIMAL), "{refused:?}");
    assert!(refused.stderr.contains("nothing was changed\n  squid: FATAL: Bungled"), "{refused:?}");
    assert_eq!(site.files(), 2, "the configuration and the stand-in, nothing else");
}

#[test]
fn a_change_that_squid_does_not_accept_in_its_place_is_taken_back() {
    let site = Site::new(MINIMAL);
    let squid = fussy_squid(&site, "grep -q icap_enable \"$4\" && [ \"${4##*/}\" = squid.conf ]");
    let refused = site.squid("setup", &["-y", "--squid", &squid]);
    assert_eq!((refused.code, site.text().as_str()), (1, MINIMAL), "{refused:?}");
    assert!(refused.stderr.contains("the old one is back"), "{refused:?}");
}

#[test]
fn lines_of_others_about_icap_are_pointed_out() {
    let site = Site::new(&format!("{MINIMAL}icap_enable off\n"));
    let done = site.squid("setup", &["-y"]);
    assert!(done.code == 0 && done.stdout.contains("line 3 of your configuration"), "{done:?}");
}

#[test]
fn damaged_markers_are_refused() {
    let site = Site::new(MINIMAL);
    assert_eq!(site.squid("setup", &["-y"]).code, 0);
    let damaged = site.text().replace("# <<< baleen end\n", "");
    fs::write(&site.config, &damaged).expect("writable");
    let refused = site.squid("remove", &["-y"]);
    assert!(refused.code == 1 && refused.stderr.contains("line 3"), "{refused:?}");
    assert_eq!(site.text(), damaged);
}

#[test]
fn mode_and_symbolic_link_are_kept() {
    let site = Site::new(MINIMAL);
    fs::set_permissions(&site.config, fs::Permissions::from_mode(0o640)).expect("ours");
    let link = site.folder.path().join("link.conf");
    symlink(&site.config, &link).expect("a writable folder");
    let done = run(&["squid", "setup", "-y", "--squid-config", link.to_str().expect("UTF-8")]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
    for file in fs::read_dir(site.folder.path())
        .expect("readable")
        .map(|entry| entry.expect("a name").path())
    {
        assert_eq!(
            mode(&file),
            0o640,
            "{}: a backup must not be readable by more people",
            file.display()
        );
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o7777
}
