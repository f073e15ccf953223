//! How long files and functions may get.
//!
//! A file over its ceiling has two subjects; a function over its ceiling has two thoughts.

use crate::complaint::Complaint;
use crate::source::Source;

/// Lines of a file, tests not counted, comments counted.
const FILE_LINES_MAX: usize = 800;
/// Lines of a function, blank ones and comments not counted.
const FUNCTION_LINES_MAX: usize = 70;

/// Looks for what has grown too long.
pub(crate) fn check(source: &Source) -> Vec<Complaint> {
    let complain =
        |line, what, way_out| Complaint { path: source.path.clone(), line, what, way_out };
    let mut complaints = Vec::new();
    let lines = product_lines(source);
    if lines > FILE_LINES_MAX {
        complaints.push(complain(
            0,
            format!("the file has {lines} lines; {FILE_LINES_MAX} is the ceiling"),
            "it has two subjects: give each its file; a table is split by sections",
        ));
    }
    for (line, name, length) in functions(&source.code) {
        if length > FUNCTION_LINES_MAX {
            complaints.push(complain(
                line,
                format!(
                    "the function `{name}` has {length} lines; {FUNCTION_LINES_MAX} is the ceiling"
                ),
                "cut out a step and name it; a test becomes a table and one check",
            ));
        }
    }
    complaints
}

/// All lines but those that hold nothing but test code.
fn product_lines(source: &Source) -> usize {
    if source.product.is_empty() {
        return 0;
    }
    let is_test =
        |(code, product): &(&str, &str)| !code.trim().is_empty() && product.trim().is_empty();
    let tests = source.code.lines().zip(source.product.lines()).filter(is_test).count();
    source.text.lines().count() - tests
}

/// Line, name and length of each function with a body.
fn functions(code: &str) -> Vec<(usize, &str, usize)> {
    let mut found = Vec::new();
    for (start, _) in code.match_indices("fn ") {
        let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
        if code[..start].ends_with(is_word) {
            continue;
        }
        let rest = code[start + 3..].trim_start();
        let name = &rest[..rest.find(|sign| !is_word(sign)).unwrap_or(rest.len())];
        if let Some(body) = body(rest).filter(|_| !name.is_empty()) {
            let length = body.lines().filter(|line| !line.trim().is_empty()).count();
            found.push((code[..start].lines().count().max(1), name, length));
        }
    }
    found
}

/// From the brace that opens a function's body to the one that closes it; nothing for a declaration.
fn body(code: &str) -> Option<&str> {
    let open = code.find(['{', ';']).filter(|at| code[*at..].starts_with('{'))?;
    let mut depth = 0_usize;
    for (at, sign) in code[open..].char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&code[open..=open + at]);
        }
    }
    None
}

#[cfg(test)]
mod canaries {
    use super::check;
    use crate::complaint::{must_pass, must_refuse};
    use crate::source::Source;

    fn function(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "    x();\n".repeat(lines - 2))
    }

    #[test]
    fn a_long_file_is_refused_and_its_tests_do_not_count() {
        must_refuse(&check(&Source::new("src/icap/x.rs", &"// x\n".repeat(801))), "801 lines");
        must_pass(&check(&Source::new("src/icap/x.rs", &"// x\n".repeat(800))));
        let tests = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            "// x\n".repeat(700),
            "fn f() {}\n".repeat(500)
        );
        must_pass(&check(&Source::new("src/icap/x.rs", &tests)));
        must_pass(&check(&Source::new("tests/x.rs", &"// x\n".repeat(2000))));
    }

    #[test]
    fn a_long_function_is_refused_wherever_it_is() {
        must_refuse(&check(&Source::new("src/icap/x.rs", &function(71))), "`long` has 71 lines");
        must_refuse(
            &check(&Source::new("tests/x.rs", &format!("mod m {{ {} }}", function(71)))),
            "`long`",
        );
        must_pass(&check(&Source::new("src/icap/x.rs", &function(70))));
        let spaced = function(70).replace("x();\n", "x();\n\n    // why\n");
        must_pass(&check(&Source::new("src/icap/x.rs", &spaced)));
        must_pass(&check(&Source::new("src/icap/x.rs", "trait T { fn f(); }\nfn g() {}\n")));
    }
}
