//! How often short runs of bytes occur in ordinary traffic: what makes an anchor rare.
//!
//! An anchor is the piece of a pattern that the filter looks for, so the speed of a scan is decided by
//! how seldom anchors occur in files that are clean. Without training the answer comes from a model:
//! two byte distributions (machine code with its tables, text with markup), written down here as
//! classes of bytes with their information in sixteenths of a bit. A site may train on its own traffic;
//! what was seen then replaces what the model believes of machine code. Executables are what is at hand
//! to train on, so the model of text keeps its weight, and beside all of them stands a page of the words
//! and tags that markup, scripts and mail are made of. What is looked for in pages and texts only is
//! rated by the model of text and that page alone: how common it is in machine code is no matter.
//!
//! Absent on purpose: sampling and files. Whoever trains decides what is representative.

#![forbid(unsafe_code)]

/// Counts of 2-grams and 4-grams, and the model behind them.
#[derive(Clone, Debug, Default)]
pub struct GramCounts {
    /// Exact counters of 2-grams, empty until the first training.
    pairs: Vec<u32>,
    /// Counters of 4-grams by hash, empty until the first training.
    quads: Vec<u32>,
    /// Bytes trained on.
    trained_bytes: u64,
}

impl GramCounts {
    /// No training yet: the model alone.
    #[must_use]
    pub const fn new() -> Self {
        Self { pairs: Vec::new(), quads: Vec::new(), trained_bytes: 0 }
    }

    /// Adds a piece of traffic. The end of one piece and the start of the next are not seen as adjacent.
    pub fn train(&mut self, bytes: &[u8]) {
        if self.quads.is_empty() {
            self.pairs = vec![0; 1 << 16];
            self.quads = vec![0; 1 << QUADS_LOG2];
        }
        for pair in bytes.array_windows::<2>() {
            let slot = usize::from(u16::from_le_bytes(*pair));
            self.pairs[slot] = self.pairs[slot].saturating_add(1);
        }
        for quad in bytes.array_windows::<4>() {
            let slot = quad_slot(*quad);
            self.quads[slot] = self.quads[slot].saturating_add(1);
        }
        self.trained_bytes = self.trained_bytes.saturating_add(bytes.len() as u64);
    }

    /// Bytes trained on so far.
    #[must_use]
    pub const fn trained_bytes(&self) -> u64 {
        self.trained_bytes
    }

    /// How often a pair is expected in 2^30 bytes of a world.
    #[must_use]
    pub(super) fn pair_rate(&self, pair: [u8; 2], world: World) -> u64 {
        let seen = self.pairs.get(usize::from(u16::from_le_bytes(pair)));
        self.blend(seen.copied(), &pair, world).max(prior_rate(&pair))
    }

    /// How often a run of three bytes is expected at least in 2^30 bytes: three are not counted, but they
    /// may lie in a word that is common everywhere.
    #[must_use]
    pub(super) fn triple_rate(triple: [u8; 3]) -> u64 {
        prior_rate(&triple)
    }

    /// How often a run of four bytes is expected in 2^30 bytes of a world.
    #[must_use]
    pub(super) fn quad_rate(&self, quad: [u8; 4], world: World) -> u64 {
        let seen = self.quads.get(quad_slot(quad));
        self.blend(seen.copied(), &quad, world).max(prior_rate(&quad))
    }

    fn blend(&self, seen: Option<u32>, run: &[u8], world: World) -> u64 {
        let text = rate(information(run, &TEXT));
        match (world, seen) {
            (World::Text, _) => text,
            (World::All, Some(count)) if self.trained_bytes > 0 => {
                let seen = (u64::from(count) << 30) / self.trained_bytes;
                seen + rate(information(run, &BINARY)) / 16 + text / 4
            }
            (World::All, _) => rate(information(run, &BINARY)).max(text),
        }
    }
}

/// The traffic that a part is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum World {
    /// Anything.
    All,
    /// Pages, mails and texts.
    Text,
}

/// The rate of what has so many sixteenths of a bit, per 2^30 bytes, at least 1.
fn rate(sixteenths: u32) -> u64 {
    1 << 30_u32.saturating_sub(sixteenths / 16)
}

/// Sixteenths of a bit in a run. Neighbours depend on each other, in both worlds: five eighths of the
/// sum are left, and a byte equal to the one before it is nearly expected.
fn information(run: &[u8], world: &[u8; 256]) -> u32 {
    let mut total = 0;
    let mut before = None;
    for &byte in run {
        let alone = u32::from(world[usize::from(byte)]) * 5 / 8;
        total += if before == Some(byte) { alone.min(24) } else { alone };
        before = Some(byte);
    }
    total
}

/// What a byte alone tells in machine code and its tables, in sixteenths of a bit.
pub(super) const fn binary_information(byte: u8) -> u8 {
    match byte {
        0x00 => 30,
        0xFF => 60,
        0x48 | 0x8B | 0x89 | 0x0F | 0xE8 | 0x24 => 76,
        0x01..=0x04
        | 0x08
        | 0x10
        | 0x20
        | 0x40
        | 0x41
        | 0x44
        | 0x4C
        | 0x83
        | 0x85
        | 0x8D
        | 0xC0
        | 0x74
        | 0x75 => 92,
        b'a' | b'c'..=b'e' | b'i' | b'l'..=b'p' | b'r'..=b't' | b'_' => 104,
        0x05..=0x3F | 0x80 | 0xC3 | 0xC7 | 0xF0..=0xFE => 124,
        0x42..=0xEF => 140,
    }
}

/// What a byte alone tells in text and markup, in sixteenths of a bit.
const fn text_information(byte: u8) -> u8 {
    match byte {
        b' ' | b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 64,
        b'b'..=b'z' => 88,
        b'0'..=b'9'
        | b'\n'
        | b'\t'
        | b'.'
        | b','
        | b'-'
        | b'/'
        | b'<'
        | b'>'
        | b'='
        | b'"'
        | b'_'
        | b'('
        | b')' => 96,
        b'A'..=b'Z' => 108,
        b'!'..=b'~' => 120,
        0x80..=0xFF => 160,
        0x00..=0x1F | 0x7F => 220,
    }
}

static BINARY: [u8; 256] = {
    let mut all = [0; 256];
    let mut byte = 0_u8;
    loop {
        all[byte as usize] = binary_information(byte);
        if byte == u8::MAX {
            break all;
        }
        byte += 1;
    }
};

static TEXT: [u8; 256] = {
    let mut all = [0; 256];
    let mut byte = 0_u8;
    loop {
        all[byte as usize] = text_information(byte);
        if byte == u8::MAX {
            break all;
        }
        byte += 1;
    }
};

/// What the words that are common everywhere say of a run of two to four bytes.
fn prior_rate(run: &[u8]) -> u64 {
    static COUNTS: std::sync::OnceLock<Vec<u16>> = std::sync::OnceLock::new();
    let counts = COUNTS.get_or_init(|| {
        let mut counts = vec![0_u16; 1 << PRIOR_LOG2];
        for (text, weight) in [(PRIOR, 1), (COMMON, COMMON_WEIGHT)] {
            for length in 2..=4 {
                for run in text.windows(length) {
                    let slot = prior_slot(run);
                    counts[slot] = counts[slot].saturating_add(weight);
                }
            }
        }
        counts
    });
    u64::from(counts[prior_slot(run)]) * PRIOR_RATE
}

fn prior_slot(run: &[u8]) -> usize {
    let value = run.iter().fold(0, |value, byte| value << 8 | u32::from(*byte));
    // Runs of other lengths lie elsewhere.
    let mixed = value ^ u32::from(run.len() < 4) << 31 ^ u32::from(run.len() < 3) << 30;
    (mixed.wrapping_mul(0x9E37_79B1) >> (32 - PRIOR_LOG2)) as usize
}

fn quad_slot(quad: [u8; 4]) -> usize {
    (u32::from_le_bytes(quad).wrapping_mul(0x9E37_79B1) >> (32 - QUADS_LOG2)) as usize
}

/// What markup, scripts, mail and system calls have in common, in no order.
static PRIOR: &[u8] = b"\
 the of and to in is that for it with as was on be by this have from or are not at an which you will \
 can all has been one their if more when would there about other use used using only new may also into \
 function return value string number type name file data list error system version default option \
 information application content user password server message request response http:// https:// www. \
 .com .org .net .html .exe .dll .php </div> <div class=\" <span </span> <a href=\" </a> <p> </p> <br> \
 <td> </td> <tr> </tr> <li> </li> <img src=\" <script type=\"text/javascript\"> </script> <html> </html> \
 <head> </head> <body> </body> <title> <meta name=\" content=\" style=\" width= height= &nbsp; &amp; \
 &lt; &gt; &quot; var document. window. this. function() { } ); return (); = new Object if ( else { for ( \
 length null true false undefined .prototype getElementById innerHTML addEventListener \r\n\r\n \n\n    \
 Content-Type: text/plain; charset=utf-8 Content-Transfer-Encoding: base64 quoted-printable boundary= \
 From: To: Subject: Date: Received: from Message-ID: MIME-Version: 1.0 \
 import def class self. print include <stdio.h> #include #define static const char *int void unsigned \
 struct sizeof -> == != && || ++ -- /* */ // ;\n        \n\t\t SELECT FROM WHERE Windows Microsoft \
 KERNEL32.dll USER32.dll MSVBVM60.DLL This program cannot be run in DOS mode. GetProcAddress LoadLibraryA \
 ExitProcess Software\\Microsoft\\Windows\\CurrentVersion\\Run C:\\Windows\\System32\\ Program Files cmd.exe \
 application/ multipart/ ation ment tion ing able ible ness ence ance ther ould ight ever ould \
 00000000 0x00 1.0 2.0 2000 2010 2020 ========== ---------- ********** ########## .......... __________ ";

/// What pages and scripts are full of: each word once, the commonest tags more often.
static COMMON: &[u8] = b"\
 <a href=\"<a href=\"<a href=\"</a></a></a><div class=\"<div class=\"</div></div></div></div> \
 <span class=\"<span class=\"</span></span></span></span></span></span><span <span <span <li><li </li> \
 function( function () return this. this, var if ( else for length === false true null new typeof \
 document. window. prototype. object string array undefined value name type data push call apply \
 <div <span <table <tr> <td> <ul> <li> <a href=\"https:// http:// www. <img src= <script language= \
 javascript </script> class=\" id=\" style=\" title=\" content= width height color background display \
 rel= alt= target= onclick module exports require replace toString tolowercase charat slice indexof \
 default const export import from error self. none index text code link html head body \
 internal external stylesheet template reference property element attribute program process section \
 header footer method options parameter example default description version navigation toctree \
 buffer crypto stream module event listener callback promise async await throw catch error.message \
 let = [ ]; }, { }); }) => { \" => \"> </a> </li> </ul> </p> <p> <pre> <code> <em> <strong> <h1> </h2> <br /> \
 <dl <dt <dd </dd> </dt> <th </th> </tr> </td> </span> <meta charset= <link <input <form <button <label \
 viewport initial-scale device-width pygments highlight container wrapper sidebar content search menu \
 font-size font-family margin padding border solid position absolute relative float: left; right; #fff px; \
 url( .css\" .js\" .png .html# index.html static/ assets/ images/ utf-8 text/css text/html application/ \
 parseint settimeout split( join( concat( charcodeat fromcharcode substring substr unescape escape eval \
 getelementsbytagname createelement appendchild setattribute location navigator useragent cookie write( \
 install format number boolean integer character memory system network server client request response \
 address message general public license copyright software permission warranty following without \
 should would could which where their there other these those about after before between through \
 because under while within however including specified available supported information ";

/// A run that occurs once in the prior is believed to come once in 8 KiB of traffic.
const PRIOR_RATE: u64 = 1 << 17;

/// And one that occurs once in what is common, once in 512 bytes.
const COMMON_WEIGHT: u16 = 16;

/// 2^20 counters of four bytes: 4 MiB while training.
const QUADS_LOG2: u32 = 20;

/// 2^18 counters of two bytes for some 13,000 runs: few share one.
const PRIOR_LOG2: u32 = 18;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_heads_are_not_rare_and_training_overrules_the_model() {
        let model = GramCounts::new();
        let quad = |counts: &GramCounts, quad| counts.quad_rate(quad, World::All);
        assert!(quad(&model, [0; 4]) > 1_000 * quad(&model, [0xA7, 0x13, 0xD9, 0x5B]));
        assert!(quad(&model, *b"tion") > 50 * quad(&model, *b"qZ7#"));
        assert!(model.pair_rate(*b"e ", World::All) > model.pair_rate([0xB7, 0x9E], World::All));

        let mut trained = GramCounts::new();
        trained.train(&b"qZ7#".repeat(1_000));
        assert_eq!(trained.trained_bytes(), 4_000);
        assert!(quad(&trained, *b"qZ7#") > 1 << 27);
        assert!(trained.pair_rate(*b"qZ", World::All) > 1 << 26);
        assert!(quad(&trained, [0x48, 0x8B, 0x05, 0x9A]) < quad(&model, [0x48, 0x8B, 0x05, 0x9A]));
        // What was seen in executables says nothing of texts.
        assert_eq!(
            trained.quad_rate(*b"qZ7#", World::Text),
            model.quad_rate(*b"qZ7#", World::Text)
        );
        let code = [0x48, 0x8B, 0x05, 0x9A];
        assert!(model.quad_rate(code, World::Text) < quad(&model, code));
    }

    #[test]
    fn words_of_markup_are_common_whatever_was_trained() {
        let mut trained = GramCounts::new();
        trained.train(&vec![0x90; 1 << 16]);
        for common in [*b"</di", *b"func", *b" the", *b".com"] {
            for world in [World::All, World::Text] {
                assert!(trained.quad_rate(common, world) >= PRIOR_RATE, "{common:?}");
            }
        }
        for common in [*b"fun", *b"</l", *b"sty"] {
            assert!(GramCounts::triple_rate(common) >= PRIOR_RATE, "{common:?}");
        }
        assert_eq!(GramCounts::triple_rate(*b"qZ#"), 0);
        assert!(trained.quad_rate([0x9A, 0xB7, 0x83, 0xE9], World::All) < PRIOR_RATE);
    }
}
