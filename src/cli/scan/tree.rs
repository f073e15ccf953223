//! The layers of a file as JSON: a tree, the file itself at its root.

use serde::Serialize;

use crate::engine::verdict::Detection;
use crate::engine::{LayerReport, Layers};

/// One layer, and what is inside of it.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    /// `zip:a/b.exe`; absent for the file itself.
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    file_type: Option<&'static str>,
    bytes: u64,
    /// False when there was more of it than was looked at.
    complete: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// What is inside of it included.
    milliseconds: f64,
    /// The worst of its own and of those inside.
    verdict: &'static str,
    /// Why something of the layer itself was not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// What was found in the layer itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    detections: Vec<Box<str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    inside: Vec<Self>,
}

/// The tree of a scan; nothing of one that met nothing.
pub(super) fn tree(layers: &Layers, detections: &[Detection]) -> Option<Node> {
    let mut nodes: Vec<Option<Node>> = layers.rows.iter().map(|row| Some(node(row))).collect();
    for detection in detections {
        let row = layers.row_at(&detection.path);
        if let Some(Some(node)) = row.and_then(|row| nodes.get_mut(row)) {
            node.detections.push(detection.name.clone());
            node.verdict = INFECTED;
        }
    }
    // A layer comes behind the one around it: from the back, each is complete when it is handed up.
    for at in (1..nodes.len()).rev() {
        let Some(child) = nodes.get_mut(at).and_then(Option::take) else { continue };
        let around = layers.rows.get(at).and_then(|row| row.around);
        if let Some(Some(parent)) = around.and_then(|around| nodes.get_mut(around)) {
            parent.verdict = worse(parent.verdict, child.verdict);
            parent.inside.push(child);
        }
    }
    let mut root = nodes.first_mut().and_then(Option::take)?;
    in_order(&mut root);
    Some(root)
}

fn node(row: &LayerReport) -> Node {
    Node {
        name: row.label.clone(),
        file_type: row.file_type,
        bytes: row.bytes,
        complete: row.is_whole,
        sha256: row.sha256.map(|sum| sum.iter().map(|byte| format!("{byte:02x}")).collect()),
        milliseconds: row.time.as_secs_f64() * 1_000.0,
        verdict: if row.missed.is_some() { UNSCANNED } else { CLEAN },
        reason: row.missed.map(|why| why.to_string()),
        detections: Vec::new(),
        inside: Vec::new(),
    }
}

fn worse(one: &'static str, other: &'static str) -> &'static str {
    match (one, other) {
        (INFECTED, _) | (_, INFECTED) => INFECTED,
        (UNSCANNED, _) | (_, UNSCANNED) => UNSCANNED,
        _ => CLEAN,
    }
}

/// They were handed up from the back. As deep as `MaxRecursion` lets a scan go.
fn in_order(node: &mut Node) {
    node.inside.reverse();
    node.inside.iter_mut().for_each(in_order);
}

const CLEAN: &str = "clean";
const INFECTED: &str = "infected";
const UNSCANNED: &str = "unscanned";
