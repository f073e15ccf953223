//! lh1: LZSS with a Huffman code that is adapted with each symbol (Haruyasu Yoshizaki's LZHUF), and a fixed one
//! for the high bits of a distance.

use crate::engine::unpack::inflate::Outcome;
use crate::engine::unpack::lz::bits::Bits;
use crate::engine::unpack::lz::prefix::Prefix;
use crate::engine::unpack::lz::window::{Room, Window};
use crate::engine::unpack::lz::{Packed, UNIT_BYTES, Unpack};

/// A stream being read.
pub(super) struct Dynamic {
    bits: Bits,
    window: Window,
    tree: Tree,
    distances: Prefix,
    open: (u32, u32),
}

/// A code as a tree. Nodes are in the order of their frequencies; the two children of a node lie side by side.
struct Tree {
    frequencies: Vec<u32>,
    /// The first child of a node; a leaf has [`NODES`] and its symbol.
    children: Vec<usize>,
    /// Of nodes, and behind them of leaves.
    parents: Vec<usize>,
}

impl Dynamic {
    pub(super) fn new() -> Self {
        let counts = [(1, 3), (3, 4), (8, 5), (12, 6), (24, 7), (16, 8)];
        let lengths: Vec<u8> =
            counts.iter().flat_map(|(count, length)| vec![*length; *count]).collect();
        Self {
            bits: Bits::default(),
            window: Window::filled(12, b' '),
            tree: Tree::new(),
            distances: Prefix::of(&lengths).unwrap_or_default(),
            open: (0, 0),
        }
    }
}

impl Unpack for Dynamic {
    fn run(&mut self, packed: &mut Packed<'_>, room: &mut Room<'_>) -> Outcome {
        loop {
            let (length, distance) = self.open;
            if length > 0 {
                self.open.0 = self.window.copy(length, distance, room);
            }
            if room.check().is_err() {
                return Outcome::Full;
            }
            if !packed.has(UNIT_BYTES) {
                return Outcome::Hungry;
            }
            let symbol = self.tree.read(&mut self.bits, packed);
            let length = symbol.checked_sub(256);
            let distance = length.map(|_| {
                let high = self.distances.read(&mut self.bits, packed).unwrap_or(0);
                u32::from(high).wrapping_shl(6) | self.bits.take(6, packed)
            });
            if self.bits.is_over() {
                return Outcome::Stopped(super::ENDS_EARLY);
            }
            match (length, distance) {
                (Some(length), Some(distance)) => {
                    let length = u32::try_from(length).unwrap_or(0);
                    self.open = (length.wrapping_add(3), distance.wrapping_add(1));
                }
                _ => self.window.put(symbol.to_le_bytes()[0], room),
            }
        }
    }
}

impl Tree {
    fn new() -> Self {
        let mut tree = Self {
            frequencies: vec![1; SYMBOLS],
            children: (NODES..NODES + SYMBOLS).collect(),
            parents: vec![0; NODES + SYMBOLS],
        };
        tree.join();
        tree
    }

    /// Adds the nodes above the leaves, which are all that is there.
    fn join(&mut self) {
        let mut first = 0_usize;
        while self.children.len() < NODES {
            let frequency =
                self.frequency(first).wrapping_add(self.frequency(first.wrapping_add(1)));
            let place = self.frequencies.partition_point(|other| *other <= frequency);
            // None of the leaves, of which some may be more frequent, lies in front of its children.
            self.frequencies.insert(place, frequency);
            self.children.insert(place, first);
            first = first.wrapping_add(2);
        }
        for node in 0..NODES {
            let child = self.child(node);
            self.set_parent(child, node);
        }
    }

    fn read(&mut self, bits: &mut Bits, packed: &mut Packed<'_>) -> usize {
        let mut node = self.child(ROOT);
        // No path is longer than there are symbols.
        for _ in 0..SYMBOLS {
            if node >= NODES {
                break;
            }
            node = self.child(node.wrapping_add(usize::from(bits.flag(packed))));
        }
        let symbol = node.saturating_sub(NODES);
        self.count(symbol);
        symbol
    }

    /// A symbol came: it gets more frequent, and nodes change places to stay in order.
    fn count(&mut self, symbol: usize) {
        if self.frequency(ROOT) == FREQUENCY_MAX {
            self.halve();
        }
        let mut node = self.parents.get(symbol.wrapping_add(NODES)).copied().unwrap_or(0);
        for _ in 0..NODES {
            let frequency = self.frequency(node).wrapping_add(1);
            let behind = self.frequencies.get(node.wrapping_add(1)..).unwrap_or_default();
            let less = behind.iter().take_while(|other| **other < frequency).count();
            let place = node.wrapping_add(less);
            let other = self.frequency(place);
            self.set_frequency(node, other);
            self.set_frequency(place, frequency);
            if place != node {
                let (own, others) = (self.child(node), self.child(place));
                self.children.swap(node, place);
                self.set_parent(own, place);
                self.set_parent(others, node);
            }
            node = self.parents.get(place).copied().unwrap_or(0);
            if node == 0 {
                return;
            }
        }
    }

    /// Halves all frequencies, and joins the leaves anew.
    fn halve(&mut self) {
        let leaves: Vec<(u32, usize)> = self
            .frequencies
            .iter()
            .zip(&self.children)
            .filter(|(_, child)| **child >= NODES)
            .map(|(frequency, child)| (frequency.wrapping_add(1) / 2, *child))
            .collect();
        self.frequencies = leaves.iter().map(|leaf| leaf.0).collect();
        self.children = leaves.iter().map(|leaf| leaf.1).collect();
        self.join();
    }

    fn frequency(&self, node: usize) -> u32 {
        self.frequencies.get(node).copied().unwrap_or(0)
    }

    fn set_frequency(&mut self, node: usize, frequency: u32) {
        if let Some(slot) = self.frequencies.get_mut(node) {
            *slot = frequency;
        }
    }

    fn child(&self, node: usize) -> usize {
        self.children.get(node).copied().unwrap_or(NODES)
    }

    /// Both children of a node lie side by side.
    fn set_parent(&mut self, child: usize, node: usize) {
        if let Some(slot) = self.parents.get_mut(child) {
            *slot = node;
        }
        if child < NODES
            && let Some(slot) = self.parents.get_mut(child.wrapping_add(1))
        {
            *slot = node;
        }
    }
}

/// 256 bytes, and matches of 3 to 60 bytes.
const SYMBOLS: usize = 314;
const NODES: usize = 2 * SYMBOLS - 1;
const ROOT: usize = NODES - 1;
const FREQUENCY_MAX: u32 = 0x8000;
