//! Office documents told from other zips: by the names of their members, as they are met.
//!
//! clamscan reads some headers of a zip before it looks inside (`clamav.md` A6.2): a folder of an office
//! program decides when it is among the first three members, or anywhere behind a part that every such
//! document begins with. The first bytes, by which layers are typed here, seldom reach that far. So the
//! type of the archive is that of a zip until a member says more, which counts from before that member's
//! own layer on. The order of members alone decides. In front of it are lists of types and of relations.

/// What the names of members have told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Office {
    /// Members that were met, as far as that matters.
    met: u8,
    /// The first of them is one that office documents begin with.
    is_package: bool,
    /// It is told.
    is_settled: bool,
}

impl Office {
    /// A member of this name was met. Gives the `CL_TYPE_*` name of the archive when that tells it.
    pub(super) fn meet(&mut self, name: &[u8]) -> Option<&'static str> {
        if self.is_settled || (self.met >= MEMBERS_ASKED && !self.is_package) {
            return None;
        }
        self.is_package |= self.met == 0 && PACKAGE.iter().any(|part| name.starts_with(part));
        self.met = self.met.saturating_add(1);
        let (_, kind) = KINDS.iter().find(|(front, _)| name.starts_with(front))?;
        self.is_settled = true;
        Some(kind)
    }
}

/// What each kind of document has.
const KINDS: &[(&[u8], &str)] = &[
    (b"word/", "CL_TYPE_OOXML_WORD"),
    (b"xl/", "CL_TYPE_OOXML_XL"),
    (b"ppt/", "CL_TYPE_OOXML_PPT"),
    (b"Contents/content.hpf", "CL_TYPE_OOXML_HWP"),
];
/// What they begin with.
const PACKAGE: &[&[u8]] = &[b"[Content_Types].xml", b"_rels/", b"docProps/", b"customXml/"];
const MEMBERS_ASKED: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], kind: Option<&str>) {
        let mut office = Office::default();
        let told: Vec<_> = names.iter().filter_map(|name| office.meet(name.as_bytes())).collect();
        assert_eq!(told, kind.into_iter().collect::<Vec<_>>(), "{names:?}");
    }

    #[test]
    fn a_folder_among_the_first_three_or_behind_a_first_part_decides_once() {
        check(&["word/document.xml", "xl/a"], Some("CL_TYPE_OOXML_WORD"));
        check(&["a", "b", "xl/workbook.xml"], Some("CL_TYPE_OOXML_XL"));
        check(&["a", "b", "c", "xl/workbook.xml"], None);
        check(&["_rels/.rels", "b", "c", "d", "ppt/a"], Some("CL_TYPE_OOXML_PPT"));
        check(&["a", "_rels/.rels", "c", "d", "ppt/a"], None);
        check(&["mimetype", "Contents/content.hpf"], Some("CL_TYPE_OOXML_HWP"));
        check(&["Word/a", "sword/b"], None);
    }
}
