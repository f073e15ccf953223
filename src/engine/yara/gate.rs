//! What has to be so before a condition can be true.

use super::atom::Atom;

/// Necessary for a condition, not sufficient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gate {
    /// One of these atoms is in the layer; `None` when nothing is known.
    pub(super) atoms: Option<Vec<Atom>>,
    /// The layer has at most so many bytes.
    pub(super) size_max: u64,
}

impl Gate {
    /// Nothing is known.
    pub(super) const OPEN: Self = Self { atoms: None, size_max: u64::MAX };
    /// Never true.
    pub(super) const SHUT: Self = Self { atoms: Some(Vec::new()), size_max: 0 };

    /// One of these atoms.
    pub(super) fn atoms(atoms: Option<Vec<Atom>>) -> Self {
        Self { atoms, size_max: u64::MAX }.bounded()
    }

    /// At most so many bytes.
    pub(super) const fn size(size_max: u64) -> Self {
        Self { atoms: None, size_max }
    }

    /// All of them: the atoms that are expected least.
    pub(super) fn all(gates: impl IntoIterator<Item = Self>) -> Self {
        gates.into_iter().fold(Self::OPEN, |best, gate| {
            let size_max = best.size_max.min(gate.size_max);
            let atoms = match (best.atoms, gate.atoms) {
                (None, atoms) | (atoms, None) => atoms,
                (Some(best), Some(other)) if cost(&other) < cost(&best) => Some(other),
                (best, Some(_)) => best,
            };
            Self { atoms, size_max }
        })
    }

    /// Any of them: the atoms of all.
    pub(super) fn any(gates: impl IntoIterator<Item = Self>) -> Self {
        let gates = gates.into_iter().fold(Self::SHUT, |sum, gate| {
            let size_max = sum.size_max.max(gate.size_max);
            let atoms = match (sum.atoms, gate.atoms) {
                (Some(mut sum), Some(more)) => {
                    sum.extend(more);
                    Some(sum)
                }
                (None, _) | (_, None) => None,
            };
            Self { atoms, size_max }
        });
        gates.bounded()
    }

    /// At least `count` of them: without the `count - 1` that are expected most, one still has to be.
    pub(super) fn some(count: usize, mut gates: Vec<Self>) -> Self {
        if count == 0 {
            return Self::OPEN;
        }
        if count > gates.len() {
            return Self::SHUT;
        }
        let size_max = Self::any(gates.iter().map(|gate| Self::size(gate.size_max))).size_max;
        gates.sort_by_cached_key(|gate| gate.atoms.as_deref().map_or(u64::MAX, cost));
        gates.truncate(gates.len().saturating_sub(count.saturating_sub(1)));
        Self { size_max, ..Self::any(gates) }
    }

    /// A rule with too many atoms is cheaper without.
    fn bounded(mut self) -> Self {
        if let Some(atoms) = &mut self.atoms {
            atoms.sort_unstable();
            atoms.dedup();
            if atoms.len() > ATOMS_MAX {
                self.atoms = None;
            }
        }
        self
    }
}

fn cost(atoms: &[Atom]) -> u64 {
    atoms.iter().fold(0, |sum, atom| sum.saturating_add(atom.cost()))
}

/// Of one rule.
const ATOMS_MAX: usize = 2_048;
