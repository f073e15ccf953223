//! What is taken from a condition: enough to save work, never more than is certain.

use super::super::collection::Collection;
use super::super::gate::Gate;

/// The gate of the last rule of a text.
fn gate(text: &str) -> Gate {
    let mut collection = Collection::default();
    let fates = collection.add_file("t.yar", text.as_bytes(), &|_, _| false);
    let rule = collection.files[0].rules.last();
    rule.unwrap_or_else(|| panic!("no rule: {fates:?}")).gate.clone()
}

/// The atoms of a rule with these strings and this condition, in a short form; `-` for none.
fn atoms(strings: &str, condition: &str) -> String {
    let strings = if strings.is_empty() { String::new() } else { format!("strings: {strings}") };
    let gate = gate(&format!(
        "import \"pe\" import \"elf\" rule t {{ {strings} condition: {condition} }}"
    ));
    let Some(atoms) = gate.atoms else { return "-".to_owned() };
    let one = |atom: &super::super::atom::Atom| {
        let text = String::from_utf8_lossy(&atom.bytes).replace('\0', "0");
        let at = atom.at.map(|at| format!("@{at}")).unwrap_or_default();
        format!("{text}{}{at}", if atom.caseless { "~" } else { "" })
    };
    atoms.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn strings_and_modifiers() {
    let rows = [
        ("$a = \"needle\"", "$a", "needle"),
        ("$a = \"needle\" nocase", "$a", "needle~"),
        ("$a = \"need\" wide", "$a", "n0e0e0d0"),
        ("$a = \"need\" wide ascii fullword", "$a", "n0e0e0d0 need"),
        ("$a = \"need\" xor(1-2)", "$a", "lggf odde"),
        ("$a = { 61 62 63 ?? 64 }", "$a", "abc"),
        ("$a = /fo+bar[0-9]/", "$a", "bar"),
        ("$a = \"ab\"", "$a", "-"),
        ("$a = \"aaaaaa\"", "$a", "-"),
        ("$a = /[a-z]+/", "$a", "-"),
    ];
    for (strings, condition, wanted) in rows {
        let found = atoms(strings, condition);
        if wanted == "bar" {
            assert!(found.contains("bar"), "{found}");
        } else {
            assert_eq!(found, wanted, "{strings} {condition}");
        }
    }
}

#[test]
fn conditions() {
    let strings = "$a = \"abcdefgh\" $b = \"hgfedcbaX\" $c = \"12345\"";
    let rows = [
        ("any of them", "12345 abcdefgh hgfedcbaX"),
        ("1 of ($a,$b) and $c", "abcdefgh hgfedcbaX"),
        ("2 of them", "abcdefgh hgfedcbaX"),
        ("all of them", "abcdefgh"),
        ("$a or $b or #c > 3", "12345 abcdefgh hgfedcbaX"),
        ("$a and not $b and $c", "abcdefgh"),
        ("not $a and not $b and not $c", "-"),
        ("#a == 0 and #b < 3 and #c == 0", "-"),
        ("#a >= 1 and 0 < #b and #c != 9", "abcdefgh"),
        ("@a < 100 and ($b or $c)", "abcdefgh"),
        ("none of them", "-"),
        ("for any of them : ( # > 5 )", "12345 abcdefgh hgfedcbaX"),
        ("for all of them : ( # == 0 )", "-"),
        ("for any i in (1..3) : ( @a[i] < 9 and $b and $c )", "abcdefgh"),
        ("for all i in (1..#a) : ( @a[i] < 9 and @b < 4 and @c < 4 )", "-"),
        ("50% of them", "12345 abcdefgh hgfedcbaX"),
        ("uint16(0) == 0x5A4D and ($a or $b or $c or filesize < 9)", "MZ@0"),
        ("uint32be(4) == 0x61626364 and (#a == 0 or #b == 0 or #c == 0)", "abcd@4"),
        ("$a at 0 and (#b == 0 or #c == 0)", "abcdefgh"),
        ("pe.number_of_sections > 2 and (#a==0 or #b==0 or #c==0)", "MZ@0"),
        ("(pe.is_pe == 0 or pe.machine == pe.MACHINE_I386) and (#a==0 or #b==0 or #c==0)", "-"),
        ("elf.type == elf.ET_EXEC and (#a==0 or #b==0 or #c==0)", "\u{7f}ELF@0"),
        ("(not pe.is_pe) and (#a==0 or #b==0 or #c==0)", "-"),
    ];
    for (condition, wanted) in rows {
        assert_eq!(atoms(strings, condition), wanted, "{condition}");
    }
    assert_eq!(atoms("$m = \"MZ\"", "$m at 0"), "MZ@0");
}

#[test]
fn rules_of_rules_and_sizes() {
    let base = "rule one_a { strings: $a = \"first one\" condition: $a and filesize < 2KB }
                rule one_b { strings: $a = \"other one\" condition: $a and filesize <= 4KB } ";
    let text = |condition: &str| gate(&format!("{base} rule t {{ condition: {condition} }}"));
    let both = text("one_a or one_b");
    assert_eq!((both.atoms.map(|atoms| atoms.len()), both.size_max), (Some(2), 4_096));
    let all = text("one_a and one_b");
    assert_eq!((all.atoms.map(|atoms| atoms.len()), all.size_max), (Some(1), 2_047));
    let any = text("any of (one_*)");
    assert_eq!(any.atoms.map(|atoms| atoms.len()), Some(2));
    let size = text("filesize == 77 or filesize > 3");
    assert_eq!((size.atoms, size.size_max), (None, u64::MAX));
    let global = gate(
        "global rule g { strings: $g = \"global one\" condition: $g } rule t { condition: true }",
    );
    assert_eq!(global.atoms.map(|atoms| atoms.len()), Some(1));
}
