//! Lines of `.ldb`: what is loaded, what is counted, and what is refused where.

use crate::engine::database::logical_line;
use crate::engine::logical::value::{LogicalSignature, Subsignature};

use super::outcome;

/// Says how many patterns each subsignature has, and what other kinds there are.
fn shape(signature: &LogicalSignature) -> String {
    let kind = |sub: &Subsignature| match sub {
        Subsignature::Patterns(list) => list.len().to_string(),
        Subsignature::Compare(compare) => format!("compare {compare:?}"),
        Subsignature::Regex(_) => "regex".to_owned(),
        Subsignature::Macro { min, max, group } => format!("macro {min} {max} {group}"),
    };
    signature.subsignatures.iter().map(kind).collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn check(line: &str, want: &str) {
    assert_eq!(outcome(logical_line::parse(line.as_bytes(), 214), shape), want, "{line}");
}

/// A target description.
#[track_caller]
fn description(text: &str, want: &str) {
    check(&format!("A;{text};0;61616161"), want);
}

/// A second subsignature.
#[track_caller]
fn subsignature(text: &str, want: &str) {
    let line = format!("A;Engine:81-255,Target:0;0&1;61616161;{text}");
    let found = outcome(logical_line::parse(line.as_bytes(), 214), shape);
    let found = match found.strip_prefix("column ").and_then(|rest| rest.split_once(": ")) {
        Some((column, rule)) => {
            let column: usize = column.parse().expect("a number");
            format!("{}: {rule}", column - 38)
        }
        None => found,
    };
    assert_eq!(found, want, "{text}");
}

#[test]
fn fields() {
    check("A;Target:0;0;61616161", "1");
    check("A;Target:0;0", "column 13: 3 fields, 4 to 67 are allowed");
    check(";Target:0;0;61616161", "column 1: an empty name");
    let rule = "column 12: the expression names another number of subsignatures than there are";
    check("A;Target:0;0;61616161;62626262", rule);
    check("A;Target:0;0|1;61616161", rule);
    check("A;Target:0;0;61616161;", rule);
    check("A;Target:0;1;61616161;62626262", "1 1");
    check("A;Target:0;0;", "column 14: an empty subsignature");
    let full =
        |count: usize| format!("A;Target:0;{};{}", count - 1, vec!["61616161"; count].join(";"));
    check(&full(64), &vec!["1"; 64].join(" "));
    check(&full(65), "column 599: 68 fields, 4 to 67 are allowed");
}

#[test]
fn target_descriptions() {
    let first = "column 12: Engine comes first";
    let digits = |column: usize, found: &str| {
        format!("column {column}: found '{found}', allowed: digits of a range a-b")
    };
    let new = "column 3: keys beside Engine and Target need an Engine of 51 or later in front";
    let headers = "column 3: EntryPoint and NumberOfSections in a target that is no executable: 1, 6 \
                   and 9 are allowed";
    for (text, want) in [
        ("Target:0", "1"),
        ("Engine:51-255,Target:0", "1"),
        ("Engine:50-255,Target:0", "1"),
        ("Target:0,Engine:51-255", first),
        ("Engine:51-255", "column 3: a target description without Target"),
        ("Engine:50-255,Target:0,FileSize:1-2", new),
        ("Target:0,FileSize:1-2", new),
        ("Engine:51-255,Target:0,FileSize:5", "column 35: a range a-b is wanted"),
        ("Engine:51-255,Target:0,FileSize:5-", "1"),
        ("Engine:51-255,Target:0,FileSize:-5", "1"),
        ("Engine:51-255,Target:0,FileSize:a-b", &digits(35, "a")),
        ("Engine:51-255,Target:0,FileSize:1-99999999999", "1"),
        ("Engine:51-255,Target:0,Foo:1", "not yet: a condition of a later version"),
        ("Engine:51-255,Target:0,Foo", "column 26: a key without ':'"),
        ("Engine:51-255,Target:0,", "column 26: a key without ':'"),
        (
            "Engine:51-255,Target:0,Container:CL_TYPE_FOO",
            "not yet: a layer type of a later version",
        ),
        ("Engine:51-255,Target:0,Container:CL_TYPE_ZIP", "1"),
        ("Engine:51-255,Target:0,Intermediates:CL_TYPE_ZIP>CL_TYPE_GZ", "1"),
        ("Engine:51-255,Target:0,EntryPoint:1-2", headers),
        ("Engine:51-255,Target:1,EntryPoint:1-2", "1"),
        ("Engine:51-255,Target:6,NumberOfSections:1-2", "1"),
        ("Engine:51-255,Target:8", "not yet: target 8 is not used"),
        ("Engine:51-255,Target:13", "not yet: target 13: descriptions of files are not matched"),
        ("Engine:51-255,Target:15", "not yet: a target of a later version"),
        ("Engine:51-255,Target:", "1"),
        ("Engine:51-255,Target:*", "column 24: found '*', allowed: the number of a target"),
        ("Engine:300-400,Foo", "column 18: a key without ':'"),
        ("Engine:300-400,Target:0,FileSize:x", "another level"),
        ("Engine:1-50,Target:0", "another level"),
        ("Engine:51-255,Target:1,IconGroup1:A", "not yet: icons"),
        ("Engine:51-255,Target:0,IconGroup1:A", "column 3: IconGroup in another target than 1"),
        ("Engine:51-255,Target:0,HandlerType:CL_TYPE_ZIP", "1"),
        (
            "Engine:51-255,Target:0,HandlerType:CL_TYPE_FOO",
            "not yet: a layer type of a later version",
        ),
        ("", "column 3: a key without ':'"),
    ] {
        description(text, want);
    }
}

#[test]
fn patterns_and_their_modifiers() {
    let edge = "not yet: the modifiers f and w beside another edge or a distance";
    for (text, want) in [
        ("62626262::i", "1 1"),
        ("62626262::", "1 1"),
        ("62626262::i*63636363::w", "1 1"),
        ("62626262::i*63636363", "12: found '*', allowed: the modifiers i w f a"),
        ("62626262::aw", "1 2"),
        ("62626262::w", "1 1"),
        ("62::w", "1 1"),
        ("6262", "1 1"),
        ("12:62626262", "1 1"),
        (
            "VI:62626262",
            "1: an offset of executables in a target that is none: 1, 6 and 9 are allowed",
        ),
        ("62626262::x", "11: found 'x', allowed: the modifiers i w f a"),
        ("62", "1: a part without two fixed bytes side by side"),
        ("626::i", "4: found the end, allowed: a second hex digit or '?'"),
        ("62[1-3]626262::f", edge),
        ("62[1-3]626262::w", edge),
        ("(B)62626262::f", edge),
    ] {
        subsignature(text, want);
    }
}

#[test]
fn comparisons_macros_images_and_regular_expressions() {
    let fields = |form: &str, distance: i64, length: u8, exact: bool| {
        format!(
            "1 compare Compare {{ of: 0, distance: {distance}, length: {length}, form: {form}, \
             is_exact: {exact}, tests: [(Greater, 16), (Less, 32)] }}"
        )
    };
    subsignature("0(>>4#hb2#>16,<0x20)", &fields("HexBig", 4, 2, false));
    subsignature("0(<<0x4#ile4#>16,<0x20)", &fields("RawLittle", -4, 4, true));
    subsignature("0(>>-4#d9#>16,<0x20)", &fields("Decimal", -4, 9, false));
    subsignature("0(>>#i4#>16,<0x20)", &fields("Never", 0, 4, false));
    for (text, want) in [
        ("0(4#il4#=1)", "3: found '4', allowed: '>>' or '<<'"),
        ("0(>>4#dl2#=1)", "7: decimal digits have no order: 'd' without 'l'"),
        ("0(>>4#ib4#=ff)", "12: found 'f', allowed: a value, decimal or with 0x"),
        ("0(>>4#ib4#=1", "13: found the end, allowed: ')' at the end of a comparison"),
        ("2(>>4#ib4#=1)", "1: a comparison beside a subsignature that is not there"),
        ("${1-4}31$", "1 macro 1 4 31"),
        ("${1-4}32$", "7: a number larger than 31"),
        ("${1}3$", "1: a macro ${min-max}group$"),
        ("$3$", "1: a macro ${min-max}group$"),
        ("fuzzy_img#af2ad01ed42993c7", "not yet: hashes of what an image looks like"),
        (
            "fuzzy_img#af2ad01ed42993c7#1",
            "11: the hash of an image: 16 hex digits, and a distance of 0",
        ),
        ("0/a;c\\/d/gi", "1 regex"),
        ("0/a(c/", "6: a regular expression that PCRE2 can compile"),
        ("12,3:0/abc/r", "1 regex"),
        ("1/abc/", "1: a trigger may speak of earlier subsignatures only"),
        ("0/abc/z", "7: found 'z', allowed: the flags g i s m x A E U r e"),
        ("0//", "2: a regular expression of at least one byte between slashes"),
        ("/abc/", "1: found the end, allowed: the number of a subsignature or '('"),
        ("0>65535/abc/", "not yet: a count compared with more than 65534"),
    ] {
        subsignature(text, want);
    }
    for sub in ["0(>>4#il3#=1)", "0(>>4#hb19#=1)", "0(>>4#hb0#=1)", "0(>>4#d256#=1)"] {
        let line = format!("A;Target:0;0&1;61616161;{sub}");
        let found = outcome(logical_line::parse(line.as_bytes(), 214), shape);
        assert!(found.contains("a number of bytes: 1, 2, 4 or 8"), "{sub}: {found}");
    }
    check("A;Target:0;0>65535;61616161", "not yet: a count compared with more than 65534");
    check(
        "A;Engine:51-255,Target:1;0&1;61616161;VI:0/abc/",
        "not yet: offset VI of a regular expression",
    );
    let line = |target: &str| {
        format!("A;Engine:51-255,{target},HandlerType:CL_TYPE_PDF;0&1;61616161;0/abc/")
    };
    check(&line("Target:0"), "1 regex");
    for bound in ["Target:1", "Target:0,Container:CL_TYPE_ZIP", "Target:0,Intermediates:CL_TYPE_GZ"]
    {
        check(&line(bound), "not yet: HandlerType with a regular expression for some layers only");
    }
}
