//! Names and sets of categories.

use crate::policy::{Categories, Category};

#[test]
fn each_category_is_found_under_both_names_in_any_case() {
    for category in Category::ALL {
        assert_eq!(Category::named(category.name()), Some(category));
        assert_eq!(Category::named(&category.snake_name().to_uppercase()), Some(category));
    }
    assert_eq!(Category::named("Sports"), None);
    assert_eq!(Category::SocialNetworks.name(), "SocialNetworks");
    assert_eq!(Category::Jobs.snake_name(), "jobs");
}

#[test]
fn a_set_has_what_was_put_in_and_nothing_else() {
    let both: Categories = [Category::Jobs, Category::InfectionSource].into_iter().collect();
    assert_eq!(both.to_string(), "InfectionSource, Jobs");
    assert!(both.has(Category::Jobs) && !both.has(Category::Chats));
    assert_eq!(Categories::from_bits(both.bits()), both);
    assert_eq!(Categories::from_bits(u32::MAX), Categories::ALL);
    assert!(both.intersection(Categories::NONE.with(Category::Chats)).is_empty());
}
