//! Digests of whole objects.
