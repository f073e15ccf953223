//! What is known about sites besides the lists of the settings: categories and advertisements.

use std::fmt::Debug;

use super::category::Categories;
use super::url::UrlParts;

/// Somebody who knows sites. Looking one up may not allocate.
pub trait Places: Debug + Send + Sync {
    /// The categories that the site is in.
    fn categories(&self, url: &UrlParts<'_>) -> Categories;

    /// The expression of `AdList` that fits the address.
    fn advertisement(&self, url: &UrlParts<'_>) -> Option<&str>;

    /// The lists and entries that put the site into its categories, for people.
    fn explain(&self, url: &UrlParts<'_>) -> Vec<String>;
}
