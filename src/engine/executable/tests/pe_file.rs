//! PE files, written by code.

/// A section: its bytes, and what its header says.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub address: u32,
    pub start: u32,
    pub size: u32,
    pub bytes: Vec<u8>,
}

/// What a file is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Pe {
    pub is_wide: bool,
    pub sections: Vec<Section>,
    /// Address and size.
    pub imports: Option<(u32, u32)>,
    /// Address and size.
    pub resources: Option<(u32, u32)>,
    pub overlay: Vec<u8>,
}

/// A library and its functions: a name, or a number.
pub(super) type Library<'a> = (&'a str, &'a [Result<&'a str, u16>]);

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    file[at..end].copy_from_slice(bytes);
}

fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("small").to_le_bytes()
}

fn half(value: usize) -> [u8; 2] {
    u16::try_from(value).expect("small").to_le_bytes()
}

impl Pe {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut file = vec![0; 0x400];
        let optional_bytes = if self.is_wide { 240 } else { 224 };
        put(&mut file, 0, b"MZ");
        put(&mut file, 0x3c, &word(0x80));
        put(&mut file, 0x80, b"PE\0\0");
        put(&mut file, 0x84, &half(if self.is_wide { 0x8664 } else { 0x14c }));
        put(&mut file, 0x86, &half(self.sections.len()));
        put(&mut file, 0x94, &half(optional_bytes));
        put(&mut file, 0x96, &half(0x102));
        let optional = 0x98;
        put(&mut file, optional, &half(if self.is_wide { 0x20b } else { 0x10b }));
        put(&mut file, optional + 16, &word(0x1000));
        put(&mut file, optional + if self.is_wide { 26 } else { 28 }, &word(0x40_0000));
        put(&mut file, optional + 32, &word(0x1000));
        put(&mut file, optional + 36, &word(0x200));
        put(&mut file, optional + 48, &half(4));
        put(&mut file, optional + 56, &word(0x10_0000));
        put(&mut file, optional + 60, &word(0x400));
        put(&mut file, optional + 68, &half(2));
        let count = optional + if self.is_wide { 108 } else { 92 };
        put(&mut file, count, &word(16));
        for (index, directory) in [(1, self.imports), (2, self.resources)] {
            let (address, size) = directory.unwrap_or_default();
            put(&mut file, count + 4 + index * 8, &address.to_le_bytes());
            put(&mut file, count + 8 + index * 8, &size.to_le_bytes());
        }
        for (index, section) in self.sections.iter().enumerate() {
            let row = optional + optional_bytes + index * 40;
            put(&mut file, row, b".sect");
            put(&mut file, row + 8, &section.size.to_le_bytes());
            put(&mut file, row + 12, &section.address.to_le_bytes());
            put(&mut file, row + 16, &section.size.to_le_bytes());
            put(&mut file, row + 20, &section.start.to_le_bytes());
            put(&mut file, row + 36, &word(0x6000_0020));
            put(&mut file, usize::try_from(section.start).expect("small"), &section.bytes);
        }
        file.extend_from_slice(&self.overlay);
        file
    }
}

/// Noise of a seed, so that sections differ.
pub(super) fn noise(seed: u32, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_769).wrapping_add(1);
    let step = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(step).collect()
}

/// A section of whole sectors at this address and place.
pub(super) fn section(address: u32, start: u32, mut bytes: Vec<u8>) -> Section {
    bytes.resize(bytes.len().next_multiple_of(0x200), 0);
    let size = u32::try_from(bytes.len()).expect("small");
    Section { address, start, size, bytes }
}

/// The bytes of a section at `address` with an import directory at its start; with `originals`,
/// thunks are written twice.
pub(super) fn import_section(
    address: u32,
    libraries: &[Library<'_>],
    is_wide: bool,
    originals: bool,
) -> Vec<u8> {
    let width = if is_wide { 8 } else { 4 };
    let base = usize::try_from(address).expect("small");
    let mut bytes = vec![0; 20 * (libraries.len() + 1)];
    for (index, (library, functions)) in libraries.iter().enumerate() {
        let name = bytes.len();
        bytes.extend_from_slice(library.as_bytes());
        bytes.push(0);
        let mut thunks = Vec::new();
        for function in *functions {
            let value = match function {
                Ok(name) => {
                    let at = base + bytes.len();
                    bytes.extend_from_slice(&[7, 0]);
                    bytes.extend_from_slice(name.as_bytes());
                    bytes.push(0);
                    u64::try_from(at).expect("small")
                }
                Err(ordinal) => u64::from(*ordinal) | 1 << (width * 8 - 1),
            };
            thunks.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        thunks.extend_from_slice(&[0; 8][..width]);
        let first = bytes.len();
        bytes.extend_from_slice(&thunks);
        let second = bytes.len();
        bytes.extend_from_slice(&thunks);
        let original = if originals { base + first } else { 0 };
        put(&mut bytes, index * 20, &word(original));
        put(&mut bytes, index * 20 + 12, &word(base + name));
        put(&mut bytes, index * 20 + 16, &word(base + second));
    }
    bytes
}

/// A file that imports these functions, and the size of its directory.
pub(super) fn importing(libraries: &[Library<'_>], is_wide: bool, originals: bool) -> Pe {
    let bytes = import_section(0x1000, libraries, is_wide, originals);
    let size = u32::try_from(20 * (libraries.len() + 1)).expect("small");
    Pe {
        is_wide,
        sections: vec![section(0x1000, 0x400, bytes)],
        imports: Some((0x1000, size)),
        ..Pe::default()
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// A block of version information.
fn block(key: &str, kind: u8, value: &[u8], children: &[Vec<u8>]) -> Vec<u8> {
    let units = value.len() / if kind == 1 { 2 } else { 1 };
    let mut bytes = [[0, 0], half(units), [kind, 0]].concat();
    bytes.extend_from_slice(&utf16(key));
    let pad = |bytes: &mut Vec<u8>| bytes.resize(bytes.len().next_multiple_of(4), 0);
    pad(&mut bytes);
    bytes.extend_from_slice(value);
    for child in children {
        pad(&mut bytes);
        bytes.extend_from_slice(child);
    }
    let length = half(bytes.len());
    put(&mut bytes, 0, &length);
    bytes
}

/// Version information with these strings.
pub(super) fn version(strings: &[(&str, &str)]) -> Vec<u8> {
    let strings: Vec<_> =
        strings.iter().map(|(key, value)| block(key, 1, &utf16(value), &[])).collect();
    let table = block("040904b0", 1, &[], &strings);
    let languages = block("Translation", 0, &[9, 4, 0xb0, 4], &[]);
    let children =
        [block("StringFileInfo", 1, &[], &[table]), block("VarFileInfo", 1, &[], &[languages])];
    let mut fixed = vec![0; 52];
    put(&mut fixed, 0, &[0xbd, 0x04, 0xef, 0xfe]);
    block("VS_VERSION_INFO", 0, &fixed, &children)
}

/// The bytes of a resource section at `address`: data of a type, each under a name of its own.
pub(super) fn resource_section(address: u32, resources: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let directory = 16 + 8;
    let mut bytes = vec![0; 16 + 8 * resources.len()];
    put(&mut bytes, 14, &half(resources.len()));
    let mut leaves = Vec::new();
    for (index, (kind, _)) in resources.iter().enumerate() {
        let names = bytes.len();
        let languages = names + directory;
        let leaf = languages + directory;
        let flag = 1 << 31;
        put(&mut bytes, 16 + 8 * index, &kind.to_le_bytes());
        put(&mut bytes, 20 + 8 * index, &word(names | flag));
        put(&mut bytes, names + 14, &half(1));
        put(&mut bytes, names + 16, &word(1));
        put(&mut bytes, names + 20, &word(languages | flag));
        put(&mut bytes, languages + 14, &half(1));
        put(&mut bytes, languages + 16, &word(0x409));
        put(&mut bytes, languages + 20, &word(leaf));
        put(&mut bytes, leaf, &[0; 16]);
        leaves.push(leaf);
    }
    for ((_, data), leaf) in resources.iter().zip(leaves) {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let place = usize::try_from(address).expect("small") + bytes.len();
        put(&mut bytes, leaf, &word(place));
        put(&mut bytes, leaf + 4, &word(data.len()));
        bytes.extend_from_slice(data);
    }
    bytes
}
