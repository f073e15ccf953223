//! The words of a command. clamd(8), COMMANDS.
//!
//! | framing | begins with | ends with |
//! | --- | --- | --- |
//! | [`Framing::Null`] | `z` | NUL |
//! | [`Framing::Line`] | `n` | newline |
//! | [`Framing::Bare`] | the command | newline, or nothing but a pause |
//!
//! Names are in capitals only. All but a few old commands need a framing other than bare.

/// How a command was framed, and so how its replies end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// No prefix.
    Bare,
    /// `n` and a newline.
    Line,
    /// `z` and a NUL.
    Null,
}

impl Framing {
    /// The framing that a first byte announces, and the number of bytes that the prefix takes.
    pub(super) const fn of(first: u8) -> (Self, usize) {
        match first {
            b'z' => (Self::Null, 1),
            b'n' => (Self::Line, 1),
            _ => (Self::Bare, 0),
        }
    }

    /// The byte that ends a command and a reply.
    pub(super) const fn end(self) -> u8 {
        match self {
            Self::Bare | Self::Line => b'\n',
            Self::Null => 0,
        }
    }
}

/// How a path is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Until something is found.
    First,
    /// All files, one after another.
    Continue,
    /// All files, several at a time.
    Parallel,
    /// Until something is found, but everything that is found in that file.
    AllMatches,
}

/// A command that somebody has to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `PING`.
    Ping,
    /// `VERSION`.
    Version,
    /// `VERSIONCOMMANDS`.
    VersionCommands,
    /// `STATS`.
    Stats,
    /// `RELOAD`.
    Reload,
    /// `SCAN`, `CONTSCAN`, `MULTISCAN` and `ALLMATCHSCAN`.
    Scan {
        /// As the client wrote it.
        path: Vec<u8>,
        /// Which of them.
        how: How,
    },
}

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Something for the edge.
    Command(Command),
    /// `INSTREAM`.
    Stream,
    /// `FILDES`.
    Descriptor,
    /// `IDSESSION`.
    Session,
    /// `END`.
    End,
    /// Nothing that is known here, or not in this framing.
    Unknown,
}

/// Reads a command without its prefix and its end.
pub(super) fn parse(line: &[u8], framing: Framing) -> Wish {
    let is_bare = framing == Framing::Bare;
    // Clients that end their lines with two bytes are understood; a bare command may carry a NUL.
    let mut line = match framing {
        Framing::Null => line,
        Framing::Bare | Framing::Line => line.strip_suffix(b"\r").unwrap_or(line),
    };
    while let Some(shorter) = line.strip_suffix(b"\0").filter(|_| is_bare) {
        line = shorter;
    }
    let framed = |wish| if is_bare { Wish::Unknown } else { wish };
    if let Some((how, path)) = scan(line) {
        let wish = Wish::Command(Command::Scan { path: path.to_vec(), how });
        return if how == How::AllMatches { framed(wish) } else { wish };
    }
    match line {
        b"PING" => Wish::Command(Command::Ping),
        b"VERSION" => Wish::Command(Command::Version),
        b"RELOAD" => Wish::Command(Command::Reload),
        b"FILDES" => Wish::Descriptor,
        b"VERSIONCOMMANDS" => framed(Wish::Command(Command::VersionCommands)),
        b"STATS" => framed(Wish::Command(Command::Stats)),
        b"INSTREAM" => framed(Wish::Stream),
        b"IDSESSION" => framed(Wish::Session),
        b"END" => framed(Wish::End),
        _ => Wish::Unknown,
    }
}

/// A command with a path behind it: everything after one blank, blanks included.
fn scan(line: &[u8]) -> Option<(How, &[u8])> {
    let with = |how, name| line.strip_prefix(name).map(|path: &[u8]| (how, path));
    with(How::First, &b"SCAN "[..])
        .or_else(|| with(How::Continue, b"CONTSCAN "))
        .or_else(|| with(How::Parallel, b"MULTISCAN "))
        .or_else(|| with(How::AllMatches, b"ALLMATCHSCAN "))
}

/// Everything that is understood, as `VERSIONCOMMANDS` lists it.
pub(super) const COMMANDS: &str = "SCAN RELOAD PING CONTSCAN VERSIONCOMMANDS VERSION END MULTISCAN \
                                   FILDES STATS IDSESSION INSTREAM ALLMATCHSCAN";
