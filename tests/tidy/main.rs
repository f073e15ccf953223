//! The house rules, kept by a program.
//!
//! ```text
//!   repository ──▶ Source (text, code, product) ──▶ each rule ──▶ Complaint: where, what, the way out
//! ```
//!
//! Rules: who may name whom ([`rooms`]), which crate belongs to which room ([`crates`]), where unsafe
//! code may be ([`attributes`]), how long things may get ([`size`]), what a page begins with and what
//! prose may say ([`prose`]), what lies where ([`repository`]). Every rule is a function from a piece
//! of text to complaints; beside it stand canaries, samples that break the rule and have to be refused,
//! so that a rule that has gone blind is noticed.
//!
//! There is no list of exceptions. If a rule is wrong, change the rule; else change the code.

mod attributes;
mod complaint;
mod crates;
mod prose;
mod repository;
mod rooms;
mod size;
mod source;

use std::path::Path;

use complaint::Complaint;
use source::Source;

/// The repository that is being kept tidy.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn must_be_tidy(complaints: &[Complaint]) {
    let all: String = complaints.iter().map(|complaint| format!("\n{complaint}\n")).collect();
    assert!(complaints.is_empty(), "{} rules of the house are broken\n{all}", complaints.len());
}

/// Applies a rule to every Rust file.
fn each(rule: impl Fn(&Source) -> Vec<Complaint>) -> Vec<Complaint> {
    let sources = Source::all(root());
    assert!(sources.len() > 10, "the walk must find the code; it found {} files", sources.len());
    sources.iter().flat_map(rule).collect()
}

#[test]
fn rooms_look_down_never_up() {
    must_be_tidy(&each(rooms::check));
}

#[test]
fn each_crate_stays_in_its_rooms() {
    must_be_tidy(&each(crates::check));
}

#[test]
fn each_dependency_has_its_row() {
    must_be_tidy(&crates::check_manifest(&repository::read(root(), "Cargo.toml")));
}

#[test]
fn forbidden_crates_are_not_in_the_graph() {
    must_be_tidy(&crates::check_lock(&repository::read(root(), "Cargo.lock")));
}

#[test]
fn unsafe_code_stays_in_its_rooms() {
    must_be_tidy(&each(attributes::check_unsafe));
    must_be_tidy(&attributes::check_pools(&Source::all(root())));
}

#[test]
fn door_plates_carry_their_attributes() {
    must_be_tidy(&attributes::check_plates(&Source::all(root())));
}

#[test]
fn no_test_is_switched_off() {
    must_be_tidy(&each(attributes::check_ignored));
}

#[test]
fn files_and_functions_stay_readable() {
    must_be_tidy(&each(size::check));
}

#[test]
fn every_file_has_a_front_page() {
    must_be_tidy(&each(prose::check_front_page));
}

#[test]
fn prose_cites_symbols_not_line_numbers() {
    must_be_tidy(&each(prose::check_line_numbers));
}

#[test]
fn no_text_names_a_workplace_or_holds_a_sample() {
    must_be_tidy(
        &repository::texts(root()).iter().flat_map(prose::check_words).collect::<Vec<_>>(),
    );
}

#[test]
fn names_say_what_they_hold() {
    must_be_tidy(&each(repository::check_name));
}

#[test]
fn the_top_level_holds_what_belongs_there() {
    must_be_tidy(&repository::check_top_level(&repository::top_level(root())));
}
