//! Sections from outside: what is damaged is refused, and nothing that passes makes a scan panic.

use super::super::search::Ask;
use super::super::{Facts, Logical, LogicalFault, State};
use super::kit::Random;
use crate::engine::database::{BuildOptions, Sources, build};
use crate::engine::logical::LayerType;
use crate::engine::matcher::{Executable, ExecutableMap, LayerFacts, TargetSet};

/// A finding without a name.
const NAMELESS: LogicalFault = LogicalFault::Row("findings");

const LINES: &str = "A;Engine:51-255,Target:0,FileSize:1-200;0&1;61616161;62626262::iw\n\
                     B;Engine:51-255,Target:1,EntryPoint:1-9,NumberOfSections:1-3;0|1;6161;6262\n\
                     C;Engine:51-255,Target:0;0&1;61616161;0(>>4#ib1#=0x5a)\n\
                     D;Engine:51-255,Target:0,Intermediates:CL_TYPE_GZ>CL_TYPE_ANY;(0|1)>2,2;6161;6262\n\
                     E;Engine:51-255,Target:0;0&1;61616161;${1-4}3$\n\
                     F;Target:0;0=0;61616161\n";

/// The section, its names and its parts.
fn section() -> (Vec<u8>, u32, usize) {
    let mut sources = Sources::new(BuildOptions::default());
    sources.add_file("test.ndb", b"M:0:$3$:6d6d6d6d\n");
    sources.add_file("test.ldb", LINES.as_bytes());
    assert_eq!(sources.report().totals().loaded, 7);
    let built = build(sources, &|_| Vec::new(), &mut |_| {});
    let image = crate::engine::database::Image::open(std::sync::Arc::new(built.image))
        .expect("what was built opens");
    let bytes = image.section(crate::engine::database::image::SectionKind::Logical).to_vec();
    (bytes, 6, image.logical().expect("there are signatures").facts().parts_count)
}

/// Opens, checks and, if it passes, runs it.
fn run(bytes: &[u8], names: u32, parts: usize) -> Result<(), LogicalFault> {
    let logical = Logical::open(bytes)?;
    logical.check(names, parts)?;
    let mut state = State::new(Some(&logical));
    let map = ExecutableMap { entry_point: Some(5), ..ExecutableMap::default() };
    let mut targets = TargetSet::ANY;
    for target in crate::engine::database::signature::Target::ALL {
        targets = targets.with(target);
    }
    let layer = LayerFacts { targets, executable: Executable::Known(map), size: Some(64) };
    let facts = Facts { layer: &layer, around: &[LayerType::ANY] };
    let mut found = Vec::new();
    state.push(b"aaaabbbbZZZZ");
    for part in 0..u32::try_from(parts).unwrap_or(0) {
        for offset in [0, 4, 2] {
            state.hit(&logical, part, offset);
        }
        state.decide(&logical, facts, &mut found);
    }
    state.finish(&logical, facts, &mut Ask::default(), &mut found);
    if found.iter().any(|one| logical.name(one.signature).is_none()) {
        return Err(NAMELESS);
    }
    Ok(())
}

#[test]
fn what_was_written_opens() {
    let (bytes, names, parts) = section();
    assert_eq!(run(&bytes, names, parts), Ok(()));
    let again = section().0;
    assert_eq!(bytes, again, "the same lines give the same bytes");
}

#[test]
fn damage_is_refused() {
    let (bytes, names, parts) = section();
    assert_eq!(run(&[], names, parts), Err(LogicalFault::Length));
    assert_eq!(run(&bytes[..bytes.len() - 1], names, parts), Err(LogicalFault::Length));
    assert_eq!(run(&[&bytes[..], b"x"].concat(), names, parts), Err(LogicalFault::Length));
    assert_eq!(run(&bytes, names - 1, parts), Err(LogicalFault::Row("signatures")));
    assert_eq!(run(&bytes, names, parts + 1), Err(LogicalFault::Row("parts")));
    let mut other = bytes.clone();
    other[0] = b'x';
    assert_eq!(run(&other, names, parts), Err(LogicalFault::Magic));
    other[0] = bytes[0];
    other[8] = 9;
    assert_eq!(run(&other, names, parts), Err(LogicalFault::Version { found: 9 }));
}

#[test]
fn no_damage_makes_it_panic() {
    let (bytes, names, parts) = section();
    for at in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0xff, bytes[at] ^ 1, bytes[at].wrapping_add(1)] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            assert_ne!(run(&damaged, names, parts), Err(NAMELESS));
        }
    }
    let mut random = Random(5);
    for _round in 0..3_000 {
        let mut damaged = bytes.clone();
        for _change in 0..4 {
            let at = random.below(damaged.len());
            damaged[at] = random.next().to_le_bytes()[3];
        }
        assert_ne!(run(&damaged, names, parts), Err(NAMELESS));
    }
}
