//! The one way from lists to a database of categories: for `serve`, a reload, `check-config` and `baleen
//! categories` alike.
//!
//! ```text
//!   image file ─────────────────────────────────────────────┐
//!   folders ─▶ files in order ─▶ key ─▶ kept image there? ───┤ yes
//!                                  │ no                      ▼
//!       lines, one by one ─▶ Builder ─▶ written beside, renamed ─▶ mapped, checked, pages given back
//! ```
//!
//! Without a place to keep images (a question on the command line) the image is made in memory.
//! An unchanged folder is not compiled again: the name of the kept image is SHA-256 over the content of
//! the files, their names, the mapping, and the version of the format. Reading a line takes memory for that
//! line only; what a build takes is told by `policy::category::build`.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Cursor, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::policy::category::{
    Builder, Database, Format, Hex, ListReport, Mapped, Mapping, MappingFault, Written,
};
use crate::settings::options::CategoryFiles;

use super::storage::{map_file, replace_atomically};

/// A list of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its name in the database: `ut1/gambling/domains`.
    pub name: String,
    /// Its form.
    pub format: Format,
    /// What it is about.
    pub mapped: Mapped,
}

/// What was built, and what became of the lines.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// What is in the image.
    pub written: Written,
    /// What became of the lines of each list.
    pub lists: Vec<ListReport>,
    /// Lists that the mapping leaves out on purpose.
    pub left_out: Vec<String>,
    /// Lists for which the mapping has no row.
    pub unknown: Vec<String>,
}

/// A database ready to be asked.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The database.
    pub database: Arc<Database>,
    /// What became of the lines, when it was compiled now.
    pub built: Option<Built>,
}

/// Loads what the settings name. `None`: nothing is named, and there is nothing at the default place.
///
/// # Errors
///
/// A text that names the file and what is wrong.
pub fn load(files: &CategoryFiles, mapping: &Mapping) -> Result<Option<Loaded>, String> {
    let path = match &files.database {
        Some(path) => path,
        None if files.default.exists() => &files.default,
        None => return Ok(None),
    };
    if !path.is_dir() {
        return Ok(Some(Loaded { database: Arc::new(open(path)?), built: None }));
    }
    let lists = list_files(std::slice::from_ref(path), mapping)?;
    if lists.iter().all(|list| !matches!(list.mapped, Mapped::To(_))) {
        return Err(format!("{}: no list of a category is in it", path.display()));
    }
    if files.images.as_os_str().is_empty() {
        return build_in_memory(&lists).map(Some);
    }
    let kept = files.images.join(format!("{}.{IMAGE_EXTENSION}", key(&lists, mapping)?));
    if let Ok(database) = open(&kept) {
        remove_others(&files.images, &kept);
        return Ok(Some(Loaded { database: Arc::new(database), built: None }));
    }
    fs::create_dir_all(&files.images).map_err(|fault| named(&files.images, &fault))?;
    // The time of the build is not part of a kept image: equal lists give equal images.
    let built = build(&lists, &kept, 0, &mut |_, _| {})?;
    remove_others(&files.images, &kept);
    Ok(Some(Loaded { database: Arc::new(open(&kept)?), built: Some(built) }))
}

/// Reads a mapping file on top of the built-in rows.
///
/// # Errors
///
/// A text that names the file, when it cannot be read.
pub fn mapping(file: Option<&Path>) -> Result<(Mapping, Vec<MappingFault>), String> {
    let mut mapping = Mapping::builtin();
    let Some(file) = file else { return Ok((mapping, Vec::new())) };
    let text = fs::read_to_string(file).map_err(|fault| named(file, &fault))?;
    let faults = mapping.add_file(&text);
    Ok((mapping, faults))
}

/// Maps an image and checks it.
///
/// # Errors
///
/// A text that names the file and what is wrong.
pub fn open(path: &Path) -> Result<Database, String> {
    let map = map_file(path).map_err(|fault| fault.to_string())?;
    let opened =
        Database::open(map.bytes()).map_err(|fault| format!("{}: {fault}", path.display()));
    map.give_back();
    opened
}

/// Whether a file begins as an image does.
#[must_use]
pub fn is_image(path: &Path) -> bool {
    let mut magic = [0; Database::MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok() && magic == *Database::MAGIC
}

/// The lists in these folders and files, in order.
///
/// # Errors
///
/// A text that names what cannot be read.
pub fn list_files(names: &[PathBuf], mapping: &Mapping) -> Result<Vec<ListFile>, String> {
    let mut lists = Vec::new();
    for name in names {
        let own = name.canonicalize().map_err(|fault| named(name, &fault))?;
        let own = own.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.is_dir() {
            let mut found = Vec::new();
            walk(name, "", 0, &mut found)?;
            for (path, inside) in found {
                // `gambling/domains` alone does not say whose list it is.
                let is_short = inside.matches('/').count() == 1;
                let full = format!("{own}/{inside}");
                let mapped = mapping.of(&full);
                lists.extend(list(path, if is_short { full } else { inside }, mapped));
            }
        } else {
            let parent = name.parent().and_then(Path::file_name).unwrap_or_default();
            let mapped = mapping.of(&format!("{}/{own}", parent.to_string_lossy()));
            lists.extend(list(name.clone(), own, mapped));
        }
        if lists.len() > FILES_MAX {
            return Err(format!("{}: more than {FILES_MAX} files", name.display()));
        }
    }
    Ok(lists)
}

fn list(path: PathBuf, name: String, mapped: Mapped) -> Option<ListFile> {
    let format = Format::of(name.rsplit('/').next().unwrap_or_default())?;
    Some(ListFile { path, name, format, mapped })
}

/// The files of a folder and the folders in it, by name. Links to folders are not followed: list packages
/// have such links to other names of the same list.
fn walk(
    folder: &Path,
    prefix: &str,
    depth: usize,
    found: &mut Vec<(PathBuf, String)>,
) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|fault| named(folder, &fault))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|fault| named(folder, &fault))?;
        names.push((entry.file_name(), entry.path()));
        if names.len() > FILES_MAX {
            return Err(format!("{}: more than {FILES_MAX} files", folder.display()));
        }
    }
    names.sort_unstable();
    for (name, path) in names {
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let inside = format!("{prefix}{name}");
        let is_link = fs::symlink_metadata(&path).is_ok_and(|about| about.is_symlink());
        if path.is_file() {
            found.push((path, inside));
        } else if path.is_dir() && !is_link && depth < DEPTH_MAX {
            walk(&path, &format!("{inside}/"), depth + 1, found)?;
        }
    }
    Ok(())
}

/// Compiles lists into a file; an older one is replaced in one step. `tell` hears which list is next, by
/// number, and how many entries there are so far.
///
/// # Errors
///
/// A text that names the file and what is wrong; an older file is untouched then.
pub fn build(
    lists: &[ListFile],
    output: &Path,
    now_seconds: u64,
    tell: &mut dyn FnMut(usize, usize),
) -> Result<Built, String> {
    let (builder, gathered) = gather(lists, tell)?;
    let mut builder = Some(builder);
    let written = replace_atomically(output, &mut |file| {
        let builder = builder.take().ok_or(io::ErrorKind::Other)?;
        builder.write(now_seconds, file)
    });
    let written = written.map_err(|fault| fault.to_string())?;
    Ok(Built { written, ..gathered })
}

/// Compiles lists for one run.
fn build_in_memory(lists: &[ListFile]) -> Result<Loaded, String> {
    let (builder, gathered) = gather(lists, &mut |_, _| {})?;
    let mut image = Cursor::new(Vec::new());
    let written = builder.write(0, &mut image).map_err(|fault| fault.to_string())?;
    let database =
        Database::open(Arc::new(image.into_inner())).map_err(|fault| fault.to_string())?;
    Ok(Loaded { database: Arc::new(database), built: Some(Built { written, ..gathered }) })
}

/// Reads lists; what will be written is still missing in what became of them.
fn gather(
    lists: &[ListFile],
    tell: &mut dyn FnMut(usize, usize),
) -> Result<(Builder, Built), String> {
    let mut builder = Builder::new();
    let mut built = Built::default();
    for (index, list) in lists.iter().enumerate() {
        tell(index, builder.keys_count());
        match list.mapped {
            Mapped::To(categories) => {
                let input = builder.list(&list.name, categories, list.format);
                let mut input = input.map_err(|fault| fault.to_string())?;
                let read =
                    each_line(&list.path, &mut |line| input.line(line).map_err(io::Error::from));
                read.map_err(|fault| named(&list.path, &fault))?;
                built.lists.push(input.finish());
            }
            Mapped::LeftOut => {
                builder.leave_out(&list.name).map_err(|fault| fault.to_string())?;
                built.left_out.push(list.name.clone());
            }
            Mapped::Unknown => built.unknown.push(list.name.clone()),
        }
    }
    tell(lists.len(), builder.keys_count());
    Ok((builder, built))
}

/// Gives each line of a file with its end; of a line without end no more than is looked at.
fn each_line(path: &Path, give: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(WINDOW_BYTES, File::open(path)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = reader.by_ref().take(LINE_PIECE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        give(&line)?;
    }
}

/// SHA-256 over everything that an image depends on.
fn key(lists: &[ListFile], mapping: &Mapping) -> Result<String, String> {
    let mut digest = Sha256::new();
    digest.update(env!("CARGO_PKG_VERSION"));
    digest.update(Database::FORMAT.to_le_bytes());
    digest.update(mapping.digest());
    let mut window = vec![0; WINDOW_BYTES];
    for list in lists {
        digest.update((list.name.len() as u64).to_le_bytes());
        digest.update(&list.name);
        let mut content = Sha256::new();
        let mut file = File::open(&list.path).map_err(|fault| named(&list.path, &fault))?;
        loop {
            match file.read(&mut window).map_err(|fault| named(&list.path, &fault))? {
                0 => break,
                count => content.update(&window[..count]),
            }
        }
        digest.update(content.finalize());
    }
    Ok(Hex(&digest.finalize().into()).to_string())
}

/// Removes images of earlier lists; who still has one mapped keeps its pages.
fn remove_others(folder: &Path, kept: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        if path != kept && path.extension().is_some_and(|extension| extension == IMAGE_EXTENSION) {
            // It is found again at the next load.
            let _ignored = fs::remove_file(path);
        }
    }
}

fn named(path: &Path, fault: &io::Error) -> String {
    format!("{}: {fault}", path.display())
}

/// Of kept images; those of signatures have another one.
const IMAGE_EXTENSION: &str = "categories";

/// Files of one database.
const FILES_MAX: usize = 60_000;

/// Folders inside each other.
const DEPTH_MAX: usize = 16;

/// What of a file is in memory at once.
const WINDOW_BYTES: usize = 256 << 10;

/// A longer line is given in pieces, each of which is set aside.
const LINE_PIECE_BYTES: u64 = 64 << 10;
